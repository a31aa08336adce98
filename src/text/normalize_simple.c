/* The normalizers that look at one character at a time, or at the text's ends. */
#include "text/bytelevel.h"
#include "text/normalizer.h"
#include "text/unicode.h"

yoso_status yo_normalize_lowercase(const yo_normalizer *normalizer, const yo_view_text *in,
                                   uint32_t from, yo_aligned *out)
{
    (void)normalizer;
    (void)from;
    size_t at = 0;
    while (at < in->length) {
        size_t start = at;
        while (at < in->length && in->data[at] < 0x80)
            at++;
        if (at > start) {
            size_t base = out->bytes.length;
            YO_TRY(yo_aligned_keep(out, in, start, at));
            for (size_t i = base; i < out->bytes.length; i++) {
                uint8_t c = out->bytes.data[i];
                out->bytes.data[i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
            }
            continue;
        }
        uint32_t size, lower[2], c = yo_utf8_decode(in->data + at, &size);
        yo_span span = out->tracked ? yo_original(in, at, at + 1) : (yo_span){0, 0};
        int count = yo_lower(c, lower);
        for (int i = 0; i < count; i++)
            YO_TRY(yo_aligned_character(out, lower[i], span));
        at += size;
    }
    return YOSO_OK;
}

/* Whether no character of the text has any of these classes. */
static bool has_none(const yo_view_text *in, uint32_t classes)
{
    for (size_t at = 0; at < in->length;) {
        uint32_t size, c = yo_utf8_decode(in->data + at, &size);
        if (yo_is(c, classes))
            return false;
        at += size;
    }
    return true;
}

bool yo_idle_lowercase(const yo_normalizer *normalizer, const yo_view_text *in)
{
    (void)normalizer;
    for (size_t at = 0; at < in->length;) {
        uint32_t size, c = yo_utf8_decode(in->data + at, &size);
        if ((c >= 'A' && c <= 'Z') || (c >= 0x80 && yo_is(c, YO_LOWERS)))
            return false;
        at += size;
    }
    return true;
}

bool yo_idle_strip_accents(const yo_normalizer *normalizer, const yo_view_text *in)
{
    (void)normalizer;
    return has_none(in, YO_ACCENT);
}

bool yo_idle_nmt(const yo_normalizer *normalizer, const yo_view_text *in)
{
    (void)normalizer;
    return has_none(in, YO_NMT_REMOVED | YO_NMT_SPACE);
}

/* Appends what is left of `in` without the characters of these classes, those of `space` as ' '. */
static yoso_status filter(const yo_view_text *in, uint32_t removed, uint32_t space, yo_aligned *out)
{
    size_t kept = 0, at = 0;
    while (at < in->length) {
        uint32_t size, c = yo_utf8_decode(in->data + at, &size);
        uint32_t classes = yo_class(c) & (removed | space);
        if (classes != 0) {
            YO_TRY(yo_aligned_keep(out, in, kept, at));
            if (!(classes & removed))
                YO_TRY(
                    yo_aligned_put(out, (const uint8_t *)" ", 1,
                                   out->tracked ? yo_original(in, at, at + 1) : (yo_span){0, 0}));
            kept = at + size;
        }
        at += size;
    }
    return yo_aligned_keep(out, in, kept, in->length);
}

yoso_status yo_normalize_strip_accents(const yo_normalizer *normalizer, const yo_view_text *in,
                                       uint32_t from, yo_aligned *out)
{
    (void)normalizer;
    (void)from;
    return filter(in, YO_ACCENT, 0, out);
}

yoso_status yo_normalize_nmt(const yo_normalizer *normalizer, const yo_view_text *in, uint32_t from,
                             yo_aligned *out)
{
    (void)normalizer;
    (void)from;
    return filter(in, YO_NMT_REMOVED, YO_NMT_SPACE, out);
}

yoso_status yo_normalize_strip(const yo_normalizer *normalizer, const yo_view_text *in,
                               uint32_t from, yo_aligned *out)
{
    (void)from;
    size_t start = 0, stop = in->length;
    uint32_t size;
    while (normalizer->left && start < stop &&
           yo_is(yo_utf8_decode(in->data + start, &size), YO_SPACE))
        start += size;
    while (normalizer->right && stop > start &&
           yo_is(yo_utf8_before(in->data, stop, &size), YO_SPACE))
        stop -= size;
    return yo_aligned_keep(out, in, start, stop);
}

yoso_status yo_normalize_prepend(const yo_normalizer *normalizer, const yo_view_text *in,
                                 uint32_t from, yo_aligned *out)
{
    (void)from;
    if (in->length == 0)
        return YOSO_OK;
    yo_span first = out->tracked ? yo_original(in, 0, 1) : (yo_span){0, 0};
    YO_TRY(yo_aligned_put(out, (const uint8_t *)normalizer->content, normalizer->content_length,
                          first));
    return yo_aligned_keep(out, in, 0, in->length);
}

yoso_status yo_normalize_bytes(const yo_normalizer *normalizer, const yo_view_text *in,
                               uint32_t from, yo_aligned *out)
{
    (void)normalizer;
    (void)from;
    for (size_t at = 0; at < in->length; at++) {
        yo_span span = out->tracked ? yo_original(in, at, at + 1) : (yo_span){0, 0};
        YO_TRY(yo_aligned_character(out, yo_byte_character(in->data[at]), span));
    }
    return YOSO_OK;
}
