/* The byte alphabet and the scanner for its fixed pattern: see bytelevel.h. */
#include "text/bytelevel.h"

#include "text/unicode.h"
#include "text/utf8.h"

static bool stands_for_itself(uint32_t byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

uint32_t yo_byte_character(uint8_t byte)
{
    if (stands_for_itself(byte))
        return byte;
    if (byte <= 32)
        return 256u + byte;
    return byte == 173 ? 256 + 67 : 256u + 33 + byte - 127;
}

int yo_character_byte(uint32_t c)
{
    if (c < 256)
        return stands_for_itself(c) ? (int)c : -1;
    c -= 256;
    if (c <= 32)
        return (int)c;
    if (c <= 66)
        return (int)c - 33 + 127;
    return c == 67 ? 173 : -1;
}

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

size_t yo_contraction(const uint8_t *text, size_t length)
{
    if (length >= 1 && (text[0] == 's' || text[0] == 't' || text[0] == 'm' || text[0] == 'd'))
        return 1;
    if (length >= 2 && ((text[0] == 'r' && text[1] == 'e') || (text[0] == 'v' && text[1] == 'e') ||
                        (text[0] == 'l' && text[1] == 'l')))
        return 2;
    return 0;
}

size_t yo_bytelevel_end(const uint8_t *text, size_t start, size_t length)
{
    uint32_t size;
    if (text[start] == '\'') {
        size_t found = yo_contraction(text + start + 1, length - start - 1);
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
