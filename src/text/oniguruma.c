/* From Oniguruma's syntax to PCRE2's: see oniguruma.h.
 *
 * Both are Perl's children, and what tokenizers use is nearly the same. What differs: in Ruby's
 * syntax ^ and $ always see lines (PCRE2_MULTILINE), (?m) lets the dot match newlines (Perl's s),
 * \h is a hexadecimal digit, \Z and \z as in Perl, and {,n} counts from 0. */
#include "text/oniguruma.h"

#include <utf8proc.h>

#include "text/unicode.h"
#include "text/utf8.h"

/* The letters of an option group (?imx-imx: or (?imx-imx), translated; 0 when it is none. */
static size_t option_group(const char *at, size_t length, char *out)
{
    size_t i = 0;
    while (i < length && i < 12 && memchr("imx-", at[i], 4) != NULL) {
        out[i] = at[i] == 'm' ? 's' : at[i];
        i++;
    }
    out[i] = '\0';
    return i > 0 && i < length && (at[i] == ':' || at[i] == ')') ? i : 0;
}

yoso_status yo_oniguruma_translate(yo_bytes *out, const char *where, const char *pattern,
                                   size_t length)
{
    int depth = 0; /* of nested character classes */
    for (size_t i = 0; i < length; i++) {
        char c = pattern[i], options[16];
        size_t taken;
        if (c == '\\' && i + 1 < length) {
            char next = pattern[++i];
            if (next == 'h')
                YO_TRY(yo_bytes_text(out, depth > 0 ? "0-9a-fA-F" : "[0-9a-fA-F]"));
            else if (next == 'H' && depth == 0)
                YO_TRY(yo_bytes_text(out, "[^0-9a-fA-F]"));
            else if (next == 'K' || next == 'g' || next == 'k' || next == 'X' || next == 'R')
                return yo_fail(YOSO_FORMAT,
                               "%s: the pattern \"%.*s\" uses \\%c, which is not known", where,
                               (int)(length < 200 ? length : 200), pattern, next);
            else
                YO_TRY(yo_bytes_append(out, pattern + i - 1, 2));
            continue;
        }
        if (depth > 0) {
            if (c == '&' && i + 1 < length && pattern[i + 1] == '&')
                return yo_fail(YOSO_FORMAT,
                               "%s: the pattern \"%.*s\" intersects classes, which is not known",
                               where, (int)(length < 200 ? length : 200), pattern);
            if (c == '[' && i + 1 < length && pattern[i + 1] != ':')
                return yo_fail(YOSO_FORMAT,
                               "%s: the pattern \"%.*s\" nests classes, which is not known", where,
                               (int)(length < 200 ? length : 200), pattern);
            if (c == '[') { /* [:alpha:] and its kind */
                const char *end = memchr(pattern + i + 1, ']', length - i - 1);
                if (end != NULL) {
                    YO_TRY(yo_bytes_append(out, pattern + i, (size_t)(end - pattern) - i + 1));
                    i = (size_t)(end - pattern);
                    continue;
                }
            }
            depth -= c == ']';
        } else if (c == '[') {
            depth = 1;
            YO_TRY(yo_bytes_append(out, &c, 1));
            if (i + 1 < length && pattern[i + 1] == '^')
                YO_TRY(yo_bytes_append(out, &pattern[++i], 1));
            if (i + 1 < length && pattern[i + 1] == ']')
                YO_TRY(yo_bytes_append(out, &pattern[++i], 1));
            continue;
        } else if (c == '(' && i + 2 < length && pattern[i + 1] == '?' &&
                   (taken = option_group(pattern + i + 2, length - i - 2, options)) > 0) {
            YO_TRY(yo_bytes_text(out, "(?"));
            YO_TRY(yo_bytes_text(out, options));
            i += 1 + taken;
            continue;
        } else if (c == '{' && i + 1 < length && pattern[i + 1] == ',') {
            YO_TRY(yo_bytes_text(out, "{0"));
            continue;
        }
        YO_TRY(yo_bytes_append(out, &c, 1));
    }
    return YOSO_OK;
}

/* Unassigned in Unicode 14, the oldest that PCRE2 10.40 and utf8proc 2.8 know. */
static bool newer(uint32_t c)
{
    if (c < 0x2FFC)
        return c >= 0x870 && utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_CN;
    return utf8proc_category((utf8proc_int32_t)c) == UTF8PROC_CATEGORY_CN;
}

/* An old character of the same classes and size. */
static uint32_t stand_in(uint32_t c, uint32_t size)
{
    uint32_t classes = yo_class(c);
    static const uint32_t han[5] = {0, 0, 0, 0x4E00, 0x20000},
                          upper[5] = {0, 0, 0, 0x1E00, 0x10400},
                          letter[5] = {0, 0, 0x5D0, 0x1000, 0x10300},
                          number[5] = {0, 0, 0x660, 0x966, 0x1D7CE},
                          mark[5] = {0, 0, 0x300, 0x20D0, 0x1D165},
                          none[5] = {0, 0, 0x378, 0xFDD0, 0x1FFFE};
    if (classes & YO_HAN)
        return han[size];
    if (classes & YO_UPPER)
        return upper[size];
    if (classes & YO_LETTER)
        return letter[size];
    if (classes & YO_NUMBER)
        return number[size];
    return classes & YO_MARK ? mark[size] : none[size];
}

yoso_status yo_oniguruma_stand_in(yo_bytes *copy, bool *changed, const uint8_t *text, size_t length)
{
    *changed = false;
    for (size_t at = 0; at < length;) {
        if (text[at] < 0xE0) { /* two bytes and fewer have not changed since */
            at++;
            continue;
        }
        uint32_t size, c = yo_utf8_decode(text + at, &size);
        if (newer(c)) {
            if (!*changed)
                YO_TRY(yo_bytes_append(copy, text, length));
            *changed = true;
            uint32_t other = stand_in(c, size);
            if (other != 0)
                yo_utf8_encode(copy->data + at, other);
        }
        at += size;
    }
    return YOSO_OK;
}
