/* UTF-8 from outside: where it stops being valid, and how much is replaced at once. */
#include "text/utf8.h"

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

size_t yo_utf8_valid(const uint8_t *text, size_t length)
{
    size_t i = 0, right;
    while (i < length) {
        uint64_t word;
        while (length - i >= 8) {
            memcpy(&word, text + i, 8);
            if (word & 0x8080808080808080u)
                break;
            i += 8;
        }
        if (i == length)
            break;
        size_t size = well_formed(text + i, length - i, &right);
        if (size == 0)
            return i;
        i += size;
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
