/* Whether this process may use AMX, the processor's matrix unit. */
#ifndef YO_CORE_AMX_H
#define YO_CORE_AMX_H

#include <stdbool.h>

/* True when the processor has tiles of bf16 and of bytes, with the AVX-512 that comes beside them,
 * and the system lets this process use them: its state is 8 KiB a thread, so Linux wants to be
 * asked. The first call asks; the answer stays. Safe from any thread. */
bool yo_amx_available(void);

#endif
