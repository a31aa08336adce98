/* Scanners for fixed patterns: see fixed.h. */
#include "text/fixed.h"

#include "text/unicode.h"
#include "text/utf8.h"

/* What the pattern tells apart. */
enum { LETTER, NUMBER, SPACE, OTHER };

/* 0 letter, 1 number, 2 space, 3 other, 4 look closer. */
static const uint8_t kind_of_byte[256] = {
    3, 3, 3, 3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3,
    2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 3, 3, 3, 3, 3, 3,
    3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3,
    3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 3, 3, 3, 3,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4};

static int kind_at(const uint8_t *text, size_t at, uint32_t *size)
{
    int kind = kind_of_byte[text[at]];
    *size = 1;
    if (kind < 4)
        return kind;
    uint32_t classes = yo_class(yo_utf8_decode(text + at, size));
    return classes & YO_LETTER   ? LETTER
           : classes & YO_NUMBER ? NUMBER
           : classes & YO_SPACE  ? SPACE
                                 : OTHER;
}

/* The end of the run of one kind that goes on at `at`. */
static size_t run_end(const uint8_t *text, size_t at, size_t length, int kind)
{
    uint32_t size;
    for (;;) {
        while (at < length && kind_of_byte[text[at]] == kind)
            at++;
        if (at >= length || text[at] < 0x80 || kind_at(text, at, &size) != kind)
            return at;
        at += size;
    }
}

size_t yo_fixed_contraction(const uint8_t *text, size_t length)
{
    if (length >= 1 && (text[0] == 's' || text[0] == 't' || text[0] == 'm' || text[0] == 'd'))
        return 1;
    if (length >= 2 && ((text[0] == 'r' && text[1] == 'e') || (text[0] == 'v' && text[1] == 'e') ||
                        (text[0] == 'l' && text[1] == 'l')))
        return 2;
    return 0;
}

static size_t end_of_gpt2(const uint8_t *text, size_t start, size_t length)
{
    uint32_t size;
    if (text[start] == '\'') {
        size_t found = yo_fixed_contraction(text + start + 1, length - start - 1);
        if (found > 0)
            return start + 1 + found;
    }
    size_t at = start + (text[start] == ' ');
    if (at < length) {
        int kind = kind_at(text, at, &size);
        if (kind != SPACE)
            return run_end(text, at + size, length, kind);
    }
    /* Spaces: all but the last when something follows, which the next piece may take. */
    size_t end = run_end(text, start, length, SPACE);
    if (end == length)
        return end;
    yo_utf8_before(text, end, &size);
    return end - size > start ? end - size : end;
}

/* As yo_fixed_contraction, in any case; the long s is an s, too. */
static size_t any_contraction(const uint8_t *text, size_t length)
{
    uint8_t small[2] = {length > 0 ? text[0] | 0x20 : 0, length > 1 ? text[1] | 0x20 : 0};
    if (length > 1 && text[0] == 0xC5 && text[1] == 0xBF)
        return 2;
    return yo_fixed_contraction(small, length < 2 ? length : 2);
}

/* The end of at most `most` numbers. */
static size_t end_of_numbers(const uint8_t *text, size_t at, size_t length, int most)
{
    uint32_t size;
    for (int i = 0; i < most && at < length && kind_at(text, at, &size) == NUMBER; i++)
        at += size;
    return at;
}

static bool is_line_end(uint8_t c)
{
    return c == '\n' || c == '\r';
}

/* A run of blanks: up to its last line end where it has one, else all but the last blank when
 * something follows. */
static size_t end_of_blanks(const uint8_t *text, size_t start, size_t length)
{
    uint32_t size;
    size_t end = run_end(text, start, length, SPACE);
    for (size_t at = end; at > start; at--) {
        if (is_line_end(text[at - 1]))
            return at;
    }
    if (end == length)
        return end;
    yo_utf8_before(text, end, &size);
    return end - size > start ? end - size : end;
}

/* `numbers` is how many of them a piece has at most. */
static size_t end_of_llama3(const uint8_t *text, size_t start, size_t length, int numbers)
{
    uint32_t size;
    int kind = kind_at(text, start, &size);
    size_t next = start + size;
    if (kind == LETTER)
        return run_end(text, next, length, LETTER);
    if (kind == NUMBER)
        return end_of_numbers(text, start, length, numbers);
    if (text[start] == '\'') {
        size_t found = any_contraction(text + next, length - next);
        if (found > 0)
            return next + found;
    }
    int after = next < length ? kind_at(text, next, &size) : SPACE;
    if (after == LETTER && !is_line_end(text[start]))
        return run_end(text, next, length, LETTER);
    if (kind == OTHER || (text[start] == ' ' && after == OTHER)) {
        size_t end = run_end(text, next, length, OTHER);
        while (end < length && is_line_end(text[end]))
            end++;
        return end;
    }
    return end_of_blanks(text, start, length);
}

size_t yo_fixed_end(yo_fixed pattern, const uint8_t *text, size_t start, size_t length)
{
    switch (pattern) {
    case YO_FIXED_LLAMA3:
        return end_of_llama3(text, start, length, 3);
    case YO_FIXED_QWEN2:
        return end_of_llama3(text, start, length, 1);
    default:
        return end_of_gpt2(text, start, length);
    }
}

#define CASELESS "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|"
#define REST "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

yo_fixed yo_fixed_of(const char *regex)
{
    static const char *const texts[] = {
        [YO_FIXED_GPT2] = "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|"
                          "\\s+(?!\\S)|\\s+",
        [YO_FIXED_LLAMA3] = CASELESS "\\p{N}{1,3}" REST,
        [YO_FIXED_QWEN2] = CASELESS "\\p{N}" REST,
    };
    for (int i = YO_FIXED_GPT2; regex != NULL && i <= YO_FIXED_QWEN2; i++) {
        if (strcmp(regex, texts[i]) == 0)
            return (yo_fixed)i;
    }
    return YO_FIXED_NONE;
}
