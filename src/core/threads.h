/* How many threads a call may use. Kernels say `num_threads(yo_threads())`. */
#ifndef YO_CORE_THREADS_H
#define YO_CORE_THREADS_H

#include "yoso.h"

/* At least 1. */
int yo_threads(void);

#endif
