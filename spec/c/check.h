/* Counting checks for the C tests: CHECK(condition) and a closing line "N passed, N failed". */
#ifndef SPEC_C_CHECK_H
#define SPEC_C_CHECK_H

#include <stdio.h>
#include <string.h>

#include <yoso.h>

static int passed, failed;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (condition) {                                                                           \
            passed++;                                                                              \
        } else {                                                                                   \
            failed++;                                                                              \
            printf("%s:%d: failed: %s (message: %s)\n", __FILE__, __LINE__, #condition,            \
                   yoso_error_message());                                                          \
        }                                                                                          \
    } while (0)

/* The call gives this status and a message with text in it. */
#define CHECK_FAILS(call, status, text)                                                            \
    do {                                                                                           \
        CHECK((call) == (status));                                                                 \
        CHECK(strstr(yoso_error_message(), text));                                                 \
    } while (0)

static inline int finish(void)
{
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
}

#endif
