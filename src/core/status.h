/* Failures: how a function deep inside says what went wrong.
 *
 * Every fallible function returns a yoso_status and nothing else. The first to see the
 * failure calls yo_fail, which keeps the text in a thread-local buffer; callers pass the
 * status up unchanged with YO_TRY. Nothing here prints, exits or jumps. */
#ifndef YO_CORE_STATUS_H
#define YO_CORE_STATUS_H

#include "yoso.h"

/* Stores the formatted one-line message and returns status. */
yoso_status yo_fail(yoso_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the message that is already stored; returns status. */
yoso_status yo_fail_within(yoso_status status, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define YO_TRY(call)                                                                               \
    do {                                                                                           \
        yoso_status yo_try_status = (call);                                                        \
        if (yo_try_status != YOSO_OK)                                                              \
            return yo_try_status;                                                                  \
    } while (0)

#endif
