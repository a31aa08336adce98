/* Character data: generated classes, and utf8proc's normalization corrected by them. */
#include "text/unicode.h"

#include <stddef.h>
#include <utf8proc.h>

#include "text/unicode_tables.h"

uint32_t yo_class(uint32_t c)
{
    if (c > 0x10FFFF)
        return 0;
    return yo_class_mask[yo_class_group[(size_t)yo_class_block[c >> 7] << 7 | (c & 127)]];
}

bool yo_is_solid(uint32_t c)
{
    if (c < 0x80)
        return c > 0x20 && c < 0x7F;
    if (yo_is(c, YO_LETTER | YO_NUMBER)) {
        bool jamo = (c >= 0x1100 && c < 0x1200) || (c >= 0xA960 && c < 0xA980) || c >= 0xD7B0;
        bool odd = c == 0x37A || c == 0xD4E || c == 0xE33 || c == 0xEB3;
        return c < 0xFB00 && !odd && (!jamo || c >= 0xF900);
    }
    return c == 0xAB || c == 0xBB || (c >= 0x2010 && c <= 0x2027 && c != 0x2017);
}

int yo_lower(uint32_t c, uint32_t out[2])
{
    out[0] = c;
    if (c < 0x80) {
        if (c >= 'A' && c <= 'Z')
            out[0] = c + 32;
        return 1;
    }
    if (!yo_is(c, YO_LOWERS))
        return 1;
    size_t low = 0, high = sizeof yo_lower_from / sizeof *yo_lower_from;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (yo_lower_from[middle] < c)
            low = middle + 1;
        else
            high = middle;
    }
    out[0] = yo_lower_to[low];
    if (c != 0x130)
        return 1;
    out[1] = 0x307; /* U+0130 keeps its dot */
    return 2;
}

int yo_decompose(uint32_t c, bool compatibility, uint32_t out[YO_DECOMPOSED])
{
    out[0] = c;
    if (c < 0xA0)
        return 1;
    if (yo_is(c, compatibility ? YO_NO_NFKD : YO_NO_NFD))
        return 1;
    int options = UTF8PROC_DECOMPOSE | (compatibility ? UTF8PROC_COMPAT : 0), last = 0;
    utf8proc_ssize_t count =
        utf8proc_decompose_char((utf8proc_int32_t)c, (utf8proc_int32_t *)out, YO_DECOMPOSED,
                                (utf8proc_option_t)options, &last);
    if (count < 1 || count > YO_DECOMPOSED) {
        out[0] = c;
        return 1;
    }
    return (int)count;
}

bool yo_is_inert(uint32_t c)
{
    if (c < 0xA0)
        return true;
    if (c >= 0xAC00 && c < 0xD7A4) /* Hangul syllables, which no table holds */
        return false;
    const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)c);
    return property->decomp_seqindex == UINT16_MAX && property->combining_class == 0;
}

int yo_combining_class(uint32_t c)
{
    if (c < 0x300 || yo_is(c, YO_NO_CLASS))
        return 0;
    return (int)utf8proc_get_property((utf8proc_int32_t)c)->combining_class;
}

uint32_t yo_compose(uint32_t first, uint32_t second)
{
    /* U+11A7 stands before the first trailing consonant and is none; utf8proc takes it for one. */
    if (second < 0x300 || second == 0x11A7)
        return 0;
    utf8proc_int32_t pair[2] = {(utf8proc_int32_t)first, (utf8proc_int32_t)second};
    utf8proc_ssize_t length =
        utf8proc_normalize_utf32(pair, 2, (utf8proc_option_t)(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
    if (length != 1 || yo_is((uint32_t)pair[0], YO_NO_NFD))
        return 0;
    return (uint32_t)pair[0];
}
