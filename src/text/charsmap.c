/* Reading and searching the double-array trie: see charsmap.h. A unit holds a label (bits 0-7),
 * a flag for a leaf (8), and an offset to its children (10-30, shifted by 8 when bit 9 is set). */
#include "text/charsmap.h"

#include <stdlib.h>

#include "text/utf8.h"

static uint32_t offset_of(uint32_t unit)
{
    return (unit >> 10) << ((unit & (1u << 9)) >> 6);
}

const char *yo_charsmap_find(const yo_charsmap *map, const uint8_t *text, size_t length,
                             bool longest, size_t *taken)
{
    const char *found = NULL;
    size_t node = offset_of(map->units[0]);
    for (size_t i = 0; i < length && text[i] != 0; i++) {
        node ^= text[i];
        if (node >= map->unit_count)
            break;
        uint32_t unit = map->units[node];
        if ((unit & (1u << 31 | 0xFF)) != text[i])
            break;
        node ^= offset_of(unit);
        if (!(unit >> 8 & 1))
            continue;
        if (node >= map->unit_count)
            break;
        size_t start = map->units[node] & 0x7FFFFFFFu;
        if (start >= map->length || yo_utf8_continues((uint8_t)map->replacements[start]))
            break;
        found = map->replacements + start;
        *taken = i + 1;
        if (!longest)
            break;
    }
    return found;
}

yoso_status yo_charsmap_read(yo_charsmap **out, const uint8_t *data, size_t length)
{
    uint32_t trie = 0;
    for (int i = 3; i >= 0 && length >= 4; i--)
        trie = trie << 8 | data[i];
    if (length < 8 || trie == 0 || trie % 4 != 0 || trie > length - 4)
        return yo_fail(YOSO_FORMAT, "Precompiled: %zu bytes are no character map", length);
    const uint8_t *text = data + 4 + trie;
    size_t text_length = length - 4 - trie;
    if (yo_utf8_valid(text, text_length) < text_length)
        return yo_fail(YOSO_FORMAT, "Precompiled: the replacements are not UTF-8");
    yo_charsmap *map = calloc(1, sizeof *map);
    if (map == NULL)
        return yo_fail(YOSO_NO_MEMORY, "Precompiled: no memory");
    map->unit_count = trie / 4;
    map->length = text_length;
    map->units = malloc(trie);
    map->replacements = malloc(text_length + 1);
    if (map->units == NULL || map->replacements == NULL) {
        yo_charsmap_free(map);
        return yo_fail(YOSO_NO_MEMORY, "Precompiled: no memory for %zu bytes", length);
    }
    for (size_t i = 0; i < map->unit_count; i++) {
        const uint8_t *unit = data + 4 + 4 * i;
        map->units[i] =
            unit[0] | (uint32_t)unit[1] << 8 | (uint32_t)unit[2] << 16 | (uint32_t)unit[3] << 24;
    }
    memcpy(map->replacements, text, text_length);
    map->replacements[text_length] = '\0';
    for (uint8_t c = 1; c < 128; c++) {
        size_t taken;
        map->plain[c] = c != '\r' && yo_charsmap_find(map, &c, 1, false, &taken) == NULL;
    }
    *out = map;
    return YOSO_OK;
}

yoso_status yo_charsmap_decode(yo_charsmap **out, const char *text, size_t length)
{
    yo_bytes data = {0};
    YO_TRY(yo_bytes_reserve(&data, length / 4 * 3 + 3));
    uint32_t bits = 0;
    int count = 0;
    uint8_t value_of[256];
    memset(value_of, 0xFF, sizeof value_of);
    for (uint8_t i = 0; i < 64; i++)
        value_of[(uint8_t) "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[i]] =
            i;
    while (length > 0 && text[length - 1] == '=')
        length--;
    for (size_t i = 0; i < length; i++) {
        uint8_t value = value_of[(uint8_t)text[i]];
        if (value == 0xFF) {
            yo_bytes_free(&data);
            return yo_fail(YOSO_FORMAT, "Precompiled: character %zu of the map is not base 64",
                           i + 1);
        }
        bits = bits << 6 | value;
        if (++count == 4) {
            for (int k = 16; k >= 0; k -= 8)
                data.data[data.length++] = (uint8_t)(bits >> k);
            count = 0;
            bits = 0;
        }
    }
    if (count >= 2)
        data.data[data.length++] = (uint8_t)(bits >> (count * 6 - 8));
    if (count == 3)
        data.data[data.length++] = (uint8_t)(bits >> 2);
    yoso_status status = yo_charsmap_read(out, data.data, data.length);
    yo_bytes_free(&data);
    return status;
}

void yo_charsmap_free(yo_charsmap *map)
{
    if (map == NULL)
        return;
    free(map->units);
    free(map->replacements);
    free(map);
}
