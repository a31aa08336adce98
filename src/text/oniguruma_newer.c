/* Characters newer than PCRE2's Unicode, shown to it as old ones: see oniguruma.h. */
#include "text/oniguruma.h"
#include "text/unicode.h"
#include "text/utf8.h"

#include "text/category_tables.h"

/* The one character whose category has changed since. */
static const uint32_t changed_mark = 0x1171E;

/* An old character of the same category (or that is Han, too) and size; c itself when there is
 * none. */
static uint32_t stand_in(uint32_t c, uint32_t size)
{
    size_t low = 0, high = sizeof yo_newer_category / sizeof *yo_newer_category;
    if (yo_is(c, YO_HAN))
        return size == 3 ? 0x4E00 : 0x20000;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (yo_newer_category[middle][1] < c)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == sizeof yo_newer_category / sizeof *yo_newer_category ||
        yo_newer_category[low][0] > c)
        return size == 3 ? 0xFDD0 : 0x1FFFE; /* not assigned */
    uint32_t sample = yo_category_sample[yo_newer_category[low][2]][size - 3];
    return sample != 0 ? sample : c;
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
        if (yo_is(c, YO_NEWER) || c == changed_mark) {
            if (!*changed)
                YO_TRY(yo_bytes_append(copy, text, length));
            *changed = true;
            yo_utf8_encode(copy->data + at, stand_in(c, size));
        }
        at += size;
    }
    return YOSO_OK;
}
