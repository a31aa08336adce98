/* SentencePiece's own normalizer: the longest entry of the map at each place, spaces at the ends
 * and doubled ones removed, a space put before all, spaces written as U+2581. Unlike in the
 * tokenizers library, a byte's place reaches to where the next one begins. */
#include "text/charsmap.h"
#include "text/normalizer.h"
#include "text/trie.h"

static const uint8_t mark[] = {0xE2, 0x96, 0x81};

/* What stands at text[at]: its new form and how many bytes it was. */
static const uint8_t *look(const yo_normalizer *n, const yo_view_text *in, size_t at,
                           size_t *length, size_t *taken)
{
    const uint8_t *text = in->data + at;
    size_t left = in->length - at;
    *taken = yo_utf8_size(text[0]);
    *length = *taken;
    if (n->symbols != NULL && yo_trie_longest(n->symbols, text, left, taken) >= 0) {
        *length = *taken;
        return text;
    }
    const char *found =
        n->charsmap != NULL ? yo_charsmap_find(n->charsmap, text, left, true, taken) : NULL;
    if (found == NULL) {
        *taken = *length;
        return text;
    }
    *length = strlen(found);
    return (const uint8_t *)found;
}

/* Appends a byte string that comes from the original's place `place`. */
static yoso_status put(yo_aligned *out, const uint8_t *data, size_t length, uint32_t place)
{
    return yo_aligned_put(out, data, length, (yo_span){place, place});
}

static yoso_status put_spaced(yo_aligned *out, const uint8_t *data, size_t length, uint32_t place)
{
    for (size_t i = 0; i < length; i++)
        YO_TRY(data[i] == ' ' ? put(out, mark, 3, place) : put(out, data + i, 1, place));
    return YOSO_OK;
}

/* Gives each byte the end that it has: where the next byte's place is. */
static void close_places(yo_aligned *out, size_t first, uint32_t end)
{
    for (size_t i = out->bytes.length; out->tracked && i-- > first;) {
        uint32_t start = out->spans[i].start;
        out->spans[i].stop = end;
        end = start;
    }
}

yoso_status yo_normalize_sentencepiece(const yo_normalizer *n, const yo_view_text *in,
                                       uint32_t from, yo_aligned *out)
{
    size_t at = 0, length, taken, first = out->bytes.length;
    bool strips = n->right;
    while (strips && at < in->length) {
        const uint8_t *form = look(n, in, at, &length, &taken);
        if (length != 1 || form[0] != ' ')
            break;
        at += taken;
    }
    if (at == in->length)
        return YOSO_OK;
    if (n->left)
        YO_TRY(put(out, mark, 3, from + (uint32_t)at));
    bool after_space = strips;
    while (at < in->length) {
        const uint8_t *form = look(n, in, at, &length, &taken);
        while (after_space && length > 0 && form[0] == ' ') {
            form++;
            length--;
        }
        if (length > 0) {
            YO_TRY(put_spaced(out, form, length, from + (uint32_t)at));
            after_space = strips && form[length - 1] == ' ';
        }
        at += taken;
        after_space = after_space && strips;
    }
    uint32_t end = from + (uint32_t)at;
    while (strips && out->bytes.length - first >= 3 &&
           memcmp(out->bytes.data + out->bytes.length - 3, mark, 3) == 0) {
        out->bytes.length -= 3;
        if (out->tracked)
            end = out->spans[out->bytes.length].start;
    }
    close_places(out, first, end);
    return YOSO_OK;
}
