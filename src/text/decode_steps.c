/* The decoders' steps: see decoder.h. */
#include "text/bytelevel.h"
#include "text/decoder.h"
#include "text/pattern.h"
#include "text/utf8.h"

typedef struct view {
    const uint8_t *data;
    size_t length;
} view;

static view text_at(const yo_texts *texts, size_t i)
{
    size_t start = yo_texts_start(texts, i);
    return (view){texts->bytes.data + start, texts->ends[i] - start};
}

/* Bytes as text, what is no UTF-8 replaced. */
static yoso_status append_lossy(yo_bytes *out, const uint8_t *data, size_t length)
{
    for (size_t at = 0; at < length;) {
        size_t valid = yo_utf8_valid(data + at, length - at);
        YO_TRY(yo_bytes_append(out, data + at, valid));
        at += valid;
        if (at < length) {
            YO_TRY(yo_bytes_character(out, 0xFFFD));
            at += yo_utf8_damage(data + at, length - at);
        }
    }
    return YOSO_OK;
}

yoso_status yo_decode_byte_level(const yo_decoder *decoder, const yo_texts *in, yo_texts *out)
{
    (void)decoder;
    yo_bytes bytes = {0};
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < in->count && status == YOSO_OK; i++) {
        view token = text_at(in, i);
        size_t before = bytes.length;
        status = yo_bytes_reserve(&bytes, token.length);
        for (size_t at = 0; at < token.length && status == YOSO_OK;) {
            uint32_t size;
            int byte = yo_character_byte(yo_utf8_decode(token.data + at, &size));
            if (byte < 0) { /* a token that is no bytes stays as it is */
                bytes.length = before;
                status = yo_bytes_append(&bytes, token.data, token.length);
                break;
            }
            bytes.data[bytes.length++] = (uint8_t)byte;
            at += size;
        }
    }
    if (status == YOSO_OK)
        status = append_lossy(&out->bytes, bytes.data, bytes.length);
    yo_bytes_free(&bytes);
    return status == YOSO_OK ? yo_texts_close(out) : status;
}

/* Replaces every `old` in bytes[start ..] by `new`, which is no longer. */
static void replace_in_place(yo_bytes *bytes, size_t start, const char *old, const char *new)
{
    size_t old_length = strlen(old), new_length = strlen(new), out = start;
    for (size_t at = start; at < bytes->length;) {
        if (bytes->length - at >= old_length && memcmp(bytes->data + at, old, old_length) == 0) {
            memcpy(bytes->data + out, new, new_length);
            out += new_length;
            at += old_length;
        } else {
            bytes->data[out++] = bytes->data[at++];
        }
    }
    bytes->length = out;
}

static void cleanup(yo_bytes *bytes, size_t start)
{
    static const char *const rules[][2] = {{" .", "."},     {" ?", "?"},           {" !", "!"},
                                           {" ,", ","},     {" ' ", "'"},          {" n't", "n't"},
                                           {" 'm", "'m"},   {" do not", " don't"}, {" 's", "'s"},
                                           {" 've", "'ve"}, {" 're", "'re"}};
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        replace_in_place(bytes, start, rules[i][0], rules[i][1]);
}

yoso_status yo_decode_wordpiece(const yo_decoder *d, const yo_texts *in, yo_texts *out)
{
    for (size_t i = 0; i < in->count; i++) {
        view token = text_at(in, i);
        size_t start = out->bytes.length;
        if (i > 0) {
            if (d->length[0] > 0 && token.length >= d->length[0] &&
                memcmp(token.data, d->text[0], d->length[0]) == 0) {
                token.data += d->length[0];
                token.length -= d->length[0];
            } else {
                YO_TRY(yo_bytes_text(&out->bytes, " "));
            }
        }
        YO_TRY(yo_bytes_append(&out->bytes, token.data, token.length));
        if (d->cleanup)
            cleanup(&out->bytes, start);
        YO_TRY(yo_texts_close(out));
    }
    return YOSO_OK;
}

yoso_status yo_decode_metaspace(const yo_decoder *d, const yo_texts *in, yo_texts *out)
{
    for (size_t i = 0; i < in->count; i++) {
        view token = text_at(in, i);
        for (size_t at = 0; at < token.length;) {
            uint32_t size, c = yo_utf8_decode(token.data + at, &size);
            if (c != d->character)
                YO_TRY(yo_bytes_append(&out->bytes, token.data + at, size));
            else if (i > 0 || d->keep_first)
                YO_TRY(yo_bytes_text(&out->bytes, " "));
            at += size;
        }
        YO_TRY(yo_texts_close(out));
    }
    return YOSO_OK;
}

/* Appends a token with every `old` replaced; an empty `old` replaces nothing. */
static yoso_status append_replaced(yo_bytes *out, view token, const char *old, size_t old_length,
                                   const char *new)
{
    size_t kept = 0;
    for (size_t at = 0; old_length > 0 && at + old_length <= token.length;) {
        if (memcmp(token.data + at, old, old_length) != 0) {
            at++;
            continue;
        }
        YO_TRY(yo_bytes_append(out, token.data + kept, at - kept));
        YO_TRY(yo_bytes_text(out, new));
        at += old_length;
        kept = at;
    }
    return yo_bytes_append(out, token.data + kept, token.length - kept);
}

yoso_status yo_decode_bpe(const yo_decoder *d, const yo_texts *in, yo_texts *out)
{
    for (size_t i = 0; i < in->count; i++) {
        YO_TRY(append_replaced(&out->bytes, text_at(in, i), d->text[0], d->length[0],
                               i + 1 == in->count ? "" : " "));
        YO_TRY(yo_texts_close(out));
    }
    return YOSO_OK;
}

yoso_status yo_decode_ctc(const yo_decoder *d, const yo_texts *in, yo_texts *out)
{
    yo_bytes clean = {0};
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < in->count && status == YOSO_OK; i++) {
        view token = text_at(in, i), before = i > 0 ? text_at(in, i - 1) : (view){0};
        if (i > 0 && token.length == before.length &&
            memcmp(token.data, before.data, token.length) == 0)
            continue;
        clean.length = 0;
        size_t start = out->bytes.length;
        status = append_replaced(&clean, token, d->text[0], d->length[0], "");
        if (d->cleanup && status == YOSO_OK) {
            cleanup(&clean, 0);
            status = append_replaced(&out->bytes, (view){clean.data, clean.length}, d->text[1],
                                     d->length[1], " ");
        } else if (status == YOSO_OK) {
            status = yo_bytes_append(&out->bytes, clean.data, clean.length);
        }
        if (status == YOSO_OK && out->bytes.length > start)
            status = yo_texts_close(out);
    }
    yo_bytes_free(&clean);
    return status;
}

static int hex(uint8_t c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* The byte that a token like <0x0A> stands for; -1 for none. A sign is allowed, as the library's
 * number reader allows it. */
static int byte_of(view token)
{
    if (token.length != 6 || memcmp(token.data, "<0x", 3) != 0 || token.data[5] != '>')
        return -1;
    int high = token.data[3] == '+' ? 0 : hex(token.data[3]), low = hex(token.data[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Ends a run of bytes: its text if it is one, else U+FFFD for every byte. */
static yoso_status end_run(yo_texts *out, yo_bytes *run)
{
    size_t count = run->length;
    run->length = 0;
    if (count == 0)
        return YOSO_OK;
    if (yo_utf8_valid(run->data, count) == count) {
        YO_TRY(yo_bytes_append(&out->bytes, run->data, count));
        return yo_texts_close(out);
    }
    for (size_t i = 0; i < count; i++) {
        YO_TRY(yo_bytes_character(&out->bytes, 0xFFFD));
        YO_TRY(yo_texts_close(out));
    }
    return YOSO_OK;
}

yoso_status yo_decode_byte_fallback(const yo_decoder *decoder, const yo_texts *in, yo_texts *out)
{
    (void)decoder;
    yo_bytes run = {0};
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < in->count && status == YOSO_OK; i++) {
        view token = text_at(in, i);
        int value = byte_of(token);
        if (value >= 0) {
            uint8_t byte = (uint8_t)value;
            status = yo_bytes_append(&run, &byte, 1);
            continue;
        }
        status = end_run(out, &run);
        if (status == YOSO_OK)
            status = yo_bytes_append(&out->bytes, token.data, token.length);
        if (status == YOSO_OK)
            status = yo_texts_close(out);
    }
    if (status == YOSO_OK)
        status = end_run(out, &run);
    yo_bytes_free(&run);
    return status;
}

yoso_status yo_decode_fuse(const yo_decoder *decoder, const yo_texts *in, yo_texts *out)
{
    (void)decoder;
    YO_TRY(yo_bytes_append(&out->bytes, in->bytes.data, in->bytes.length));
    return yo_texts_close(out);
}

yoso_status yo_decode_strip(const yo_decoder *d, const yo_texts *in, yo_texts *out)
{
    for (size_t i = 0; i < in->count; i++) {
        view token = text_at(in, i);
        size_t start = 0, stop = token.length;
        uint32_t size;
        for (size_t k = 0; k < d->start && start < stop; k++) {
            if (yo_utf8_decode(token.data + start, &size) != d->character)
                break;
            start += size;
        }
        for (size_t k = 0; k < d->stop && stop > start; k++) {
            if (yo_utf8_before(token.data, stop, &size) != d->character)
                break;
            stop -= size;
        }
        YO_TRY(yo_bytes_append(&out->bytes, token.data + start, stop - start));
        YO_TRY(yo_texts_close(out));
    }
    return YOSO_OK;
}

yoso_status yo_decode_replace(const yo_decoder *d, const yo_texts *in, yo_texts *out)
{
    for (size_t i = 0; i < in->count; i++) {
        view token = text_at(in, i);
        yo_search *search;
        size_t kept = 0, start = 0, stop = 0;
        bool found = false;
        YO_TRY(yo_search_begin(&search, d->pattern, token.data, token.length));
        yoso_status status;
        while ((status = yo_search_next(search, &found, &start, &stop)) == YOSO_OK && found) {
            status = yo_bytes_append(&out->bytes, token.data + kept, start - kept);
            if (status == YOSO_OK)
                status = yo_bytes_append(&out->bytes, d->text[0], d->length[0]);
            if (status != YOSO_OK)
                break;
            kept = stop;
        }
        yo_search_end(search);
        YO_TRY(status);
        YO_TRY(yo_bytes_append(&out->bytes, token.data + kept, token.length - kept));
        YO_TRY(yo_texts_close(out));
    }
    return YOSO_OK;
}
