/* Oniguruma's regular expressions in PCRE2's words, and the characters whose properties the two
 * libraries' Unicode versions tell differently. */
#ifndef YO_TEXT_ONIGURUMA_H
#define YO_TEXT_ONIGURUMA_H

#include "text/bytes.h"

/* Appends the pattern in PCRE2's syntax (both are Unicode, both see lines as Ruby does). */
yoso_status yo_oniguruma_translate(yo_bytes *out, const char *where, const char *pattern,
                                   size_t length);

/* Characters that are newer than any Unicode version PCRE2 is sure to know are replaced by older
 * ones of the same size and class. When there are some, `copy` gets the text and *changed is
 * true. */
yoso_status yo_oniguruma_stand_in(yo_bytes *copy, bool *changed, const uint8_t *text,
                                  size_t length);

#endif
