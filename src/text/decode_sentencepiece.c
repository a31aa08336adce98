/* SentencePiece's decoder: control pieces vanish, unknown ones have a text of their own, bytes are
 * joined, and the space at the beginning goes. */
#include "text/decoder.h"
#include "text/trie.h"
#include "text/utf8.h"

static const uint8_t mark[] = {0xE2, 0x96, 0x81};

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Ends a run of bytes: characters where they are whole, U+FFFD for every other byte. */
static yoso_status end_run(yo_bytes *out, yo_bytes *run)
{
    for (size_t at = 0; at < run->length;) {
        size_t valid = yo_utf8_valid(run->data + at, run->length - at);
        YO_TRY(yo_bytes_append(out, run->data + at, valid));
        at += valid;
        if (at < run->length) {
            YO_TRY(yo_bytes_character(out, 0xFFFD));
            at++;
        }
    }
    run->length = 0;
    return YOSO_OK;
}

/* Whether a token is one of the control pieces. */
static bool is_control(const yo_decoder *d, const uint8_t *token, size_t length)
{
    size_t taken = 0;
    return d->control != NULL && yo_trie_longest(d->control, token, length, &taken) >= 0 &&
           taken == length;
}

static yoso_status append(const yo_decoder *d, yo_bytes *out, const uint8_t *token, size_t length,
                          bool *at_start)
{
    if (is_control(d, token, length))
        return YOSO_OK;
    if (d->length[0] > 0 && length == d->length[0] && memcmp(token, d->text[0], length) == 0)
        return yo_bytes_append(out, d->text[1], d->length[1]);
    if (*at_start && d->start > 0 && length >= 3 && memcmp(token, mark, 3) == 0) {
        token += 3;
        length -= 3;
        *at_start = d->start > 1; /* one space only, or all of them */
    }
    for (size_t i = 0; i < length;) {
        bool space = length - i >= 3 && memcmp(token + i, mark, 3) == 0;
        YO_TRY(yo_bytes_append(out, space ? (const uint8_t *)" " : token + i, 1));
        i += space ? 3 : 1;
    }
    return YOSO_OK;
}

yoso_status yo_decode_sentencepiece(const yo_decoder *d, const yo_texts *in, yo_texts *out)
{
    yo_bytes run = {0};
    yoso_status status = YOSO_OK;
    bool at_start = true;
    for (size_t i = 0; i < in->count && status == YOSO_OK; i++) {
        size_t start = yo_texts_start(in, i), length = in->ends[i] - start;
        const uint8_t *token = in->bytes.data + start;
        if (length == 6 && memcmp(token, "<0x", 3) == 0 && token[5] == '>' && hex(token[3]) >= 0 &&
            hex(token[4]) >= 0) {
            uint8_t byte = (uint8_t)(hex(token[3]) * 16 + hex(token[4]));
            status = yo_bytes_append(&run, &byte, 1);
            continue;
        }
        status = end_run(&out->bytes, &run);
        at_start = at_start && out->bytes.length == 0;
        if (status == YOSO_OK)
            status = append(d, &out->bytes, token, length, &at_start);
    }
    if (status == YOSO_OK)
        status = end_run(&out->bytes, &run);
    yo_bytes_free(&run);
    return status == YOSO_OK ? yo_texts_close(out) : status;
}
