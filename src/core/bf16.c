/* Which processors multiply bf16 no slower than f32. */
#include "core/bf16.h"

#include "core/amx.h"

bool yo_bf16_is_fast(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512bf16") &&
           (yo_amx_available() || !__builtin_cpu_is("intel") || __builtin_cpu_is("cooperlake"));
}
