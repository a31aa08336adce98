/* How many threads a call may use. Kernels say `num_threads(yo_threads())`. */
#ifndef YO_CORE_THREADS_H
#define YO_CORE_THREADS_H

#include "yoso.h"

/* The highest count that may be asked for. */
enum { YO_MOST_THREADS = 1024 };

/* At least 1. */
int yo_threads(void);
/* What this thread set by yoso_set_threads; 0: nothing. */
int yo_threads_wish(void);

#endif
