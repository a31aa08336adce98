/* From Oniguruma's syntax to PCRE2's: see oniguruma.h.
 *
 * Both are Perl's children, and what tokenizers use is nearly the same. What differs: in Ruby's
 * syntax ^ and $ always see lines (PCRE2_MULTILINE), (?m) lets the dot match newlines (Perl's s),
 * \h is a hexadecimal digit, {,n} counts from 0, and \s and \w are other sets of characters. */
#include "text/oniguruma.h"

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

/* Inside a character class. */
#define SPACES                                                                                     \
    "\\t-\\r "                                                                                     \
    "\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
#define WORDS                                                                                      \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}\\x{1F150}-\\x{"     \
    "1F169}"                                                                                       \
    "\\x{1F170}-\\x{1F189}"

static const struct {
    char letter;
    const char *outside, *inside; /* a class; NULL where PCRE2 has no words for it */
} escapes[] = {
    {'h', "[0-9a-fA-F]", "0-9a-fA-F"},
    {'H', "[^0-9a-fA-F]", NULL},
    {'s', "[" SPACES "]", SPACES},
    {'S', "[^" SPACES "]", "\\S\\x{180E}"},
    {'w', "[" WORDS "]", WORDS},
    {'W', "[^" WORDS "]", NULL},
    {'b', "(?:(?<=[" WORDS "])(?![" WORDS "])|(?<![" WORDS "])(?=[" WORDS "]))", "\\b"},
    {'B', "(?:(?<=[" WORDS "])(?=[" WORDS "])|(?<![" WORDS "])(?![" WORDS "]))", NULL},
    {'K', NULL, NULL},
    {'g', NULL, NULL},
    {'k', NULL, NULL},
    {'X', NULL, NULL},
    {'R', NULL, NULL},
    {'y', NULL, NULL},
    {'Y', NULL, NULL},
    {'O', NULL, NULL},
    {'N', NULL, NULL},
    {'G', "\\G", NULL},
    {'Z', "\\Z", NULL},
    {'z', "\\z", NULL},
};

/* Appends what a backslash and a letter mean. */
static yoso_status translate_escape(yo_bytes *out, const char *where, const char *pattern,
                                    size_t length, char letter, bool inside)
{
    for (size_t k = 0; k < sizeof escapes / sizeof *escapes; k++) {
        if (escapes[k].letter != letter)
            continue;
        const char *meaning = inside ? escapes[k].inside : escapes[k].outside;
        if (meaning != NULL)
            return yo_bytes_text(out, meaning);
        return yo_fail(YOSO_FORMAT, "%s: the pattern \"%.*s\" uses \\%c%s, which is not known",
                       where, (int)(length < 200 ? length : 200), pattern, letter,
                       inside ? " in a class" : "");
    }
    const char text[2] = {'\\', letter};
    return yo_bytes_append(out, text, 2);
}

yoso_status yo_oniguruma_translate(yo_bytes *out, const char *where, const char *pattern,
                                   size_t length)
{
    int depth = 0; /* of nested character classes */
    for (size_t i = 0; i < length; i++) {
        char c = pattern[i], options[16];
        size_t taken;
        if (c == '\\' && i + 1 < length) {
            YO_TRY(translate_escape(out, where, pattern, length, pattern[++i], depth > 0));
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
        if (yo_is(c, YO_NEWER)) {
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
