/* yoso.h: the whole C interface of libyoso; its comments are the manual.
 *
 * Every function that can fail returns a yoso_status; results come back through pointers,
 * which are written only on success. After a failure yoso_error_message() says, in one line,
 * which function failed, what it got and what it wanted.
 *
 * Ownership: what a function hands out through a pointer to a pointer belongs to the caller,
 * who gives it back with the matching _free; everything passed in is only borrowed.
 *
 * Lua reads this very file through its FFI (the build strips the preprocessor lines), so it
 * keeps to fixed-width integers, opaque structs, pointers and plain functions. */
#ifndef YOSO_H
#define YOSO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status ---------------------------------------------------------------------------- */

enum {
    YOSO_OK = 0,
    YOSO_MISUSE = 1,      /* the caller's mistake: shapes, ranges, types */
    YOSO_NO_MEMORY = 2,   /* the system refused an allocation */
    YOSO_IO = 3,          /* a file could not be opened, read or written */
    YOSO_FORMAT = 4,      /* a file or a text is not what it should be */
    YOSO_UNSUPPORTED = 5, /* this build or machine cannot do it */
    YOSO_SCRIPT = 6,      /* a Lua error reached the host */
    YOSO_INTERRUPTED = 7  /* stopped on request */
};
typedef int32_t yoso_status;

/* The text of this thread's latest failure: one line, valid until the thread's next one. */
const char *yoso_error_message(void);

/* A short English name of a status; never NULL. */
const char *yoso_status_name(yoso_status status);

/* Changes whenever a declaration in this file changes its meaning. */
enum { YOSO_ABI = 1 };
int32_t yoso_abi(void);

#ifdef __cplusplus
}
#endif

#endif
