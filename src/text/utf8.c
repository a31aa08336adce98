/* UTF-8 from outside: where it stops being valid, and how much is replaced at once. */
#include "text/utf8.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The bytes of a well-formed character at text; 0 when it is not well formed or cut short, with
 * the bytes that were right until then in *right. */
static size_t well_formed(const uint8_t *text, size_t length, size_t *right)
{
    uint8_t first = text[0];
    *right = 1;
    if (first < 0x80)
        return 1;
    if (first < 0xC2 || first > 0xF4)
        return 0;
    size_t size = yo_utf8_size(first);
    uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    for (size_t i = 1; i < size; i++) {
        if (i == length || text[i] < low || text[i] > high)
            return 0;
        *right = i + 1;
        low = 0x80;
        high = 0xBF;
    }
    return size;
}

/* The bytes of ASCII at text, in steps of 16 where the processor can; some may be left over. */
static size_t skip_ascii(const uint8_t *text, size_t length)
{
    size_t i = 0;
#ifdef __SSE2__
    for (; i + 16 <= length; i += 16) {
        int high = _mm_movemask_epi8(_mm_loadu_si128((const __m128i *)(text + i)));
        if (high != 0)
            return i + (size_t)__builtin_ctz((unsigned)high);
    }
#endif
    while (i < length && text[i] < 0x80)
        i++;
    return i;
}

size_t yo_utf8_valid(const uint8_t *text, size_t length)
{
    size_t i = 0, right;
    while (i < length) {
        i += skip_ascii(text + i, length - i);
        /* Two bytes, or three that are neither too long nor surrogates: most of what is there. */
        while (i + 3 <= length && text[i] >= 0xC2) {
            if (text[i] < 0xE0 && yo_utf8_continues(text[i + 1]))
                i += 2;
            else if (text[i] > 0xE0 && text[i] < 0xF0 && text[i] != 0xED &&
                     yo_utf8_continues(text[i + 1]) && yo_utf8_continues(text[i + 2]))
                i += 3;
            else
                break;
        }
        if (i < length && text[i] >= 0x80) {
            size_t size = well_formed(text + i, length - i, &right);
            if (size == 0)
                return i;
            i += size;
        }
    }
    return i;
}

size_t yo_utf8_damage(const uint8_t *text, size_t length)
{
    size_t right;
    well_formed(text, length, &right);
    return right;
}

size_t yo_utf8_count(const uint8_t *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += !yo_utf8_continues(text[i]);
    return count;
}
