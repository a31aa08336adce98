/* BertNormalizer: clean, set Chinese characters apart, strip accents, lower case, in that order. */
#include "text/normalize_form.h"
#include "text/normalizer.h"
#include "text/unicode.h"

/* Cleaning and spacing read one character and write at most three. */
static yoso_status clean_and_space(const yo_normalizer *normalizer, const yo_view_text *in,
                                   yo_aligned *out)
{
    for (size_t at = 0; at < in->length;) {
        uint32_t size, c = yo_utf8_decode(in->data + at, &size), classes = yo_class(c);
        yo_span span = out->tracked ? yo_original(in, at, at + 1) : (yo_span){0, 0};
        at += size;
        if (normalizer->clean && (classes & YO_BERT_REMOVED))
            continue;
        if (normalizer->clean && (classes & YO_BERT_SPACE))
            c = ' ';
        bool apart = normalizer->chinese && (classes & YO_CHINESE);
        if (apart)
            YO_TRY(yo_aligned_character(out, ' ', span));
        YO_TRY(yo_aligned_character(out, c, span));
        if (apart)
            YO_TRY(yo_aligned_character(out, ' ', span));
    }
    return YOSO_OK;
}

/* Whether only case is left to do: nothing is cleaned or set apart, and no accent is there. */
static bool plain(const yo_normalizer *normalizer, const yo_view_text *in)
{
    uint32_t classes = (normalizer->clean ? YO_BERT_REMOVED | YO_BERT_SPACE : 0u) |
                       (normalizer->chinese ? YO_CHINESE : 0u) |
                       (normalizer->accents ? YO_BERT_ACCENT : 0u);
    for (size_t at = 0; at < in->length;) {
        uint32_t size, c = yo_utf8_decode(in->data + at, &size);
        if (c < 0x80 ? c < 0x20 || c == 0x7F
                     : yo_is(c, classes) || (normalizer->accents && !yo_is_inert(c)))
            return false;
        at += size;
    }
    return true;
}

yoso_status yo_normalize_bert(const yo_normalizer *normalizer, const yo_view_text *in,
                              uint32_t from, yo_aligned *out)
{
    yo_aligned one = {.tracked = out->tracked}, two = {.tracked = out->tracked};
    yo_view_text text = *in;
    yoso_status status = YOSO_OK;
    if (!plain(normalizer, in)) {
        if (normalizer->clean || normalizer->chinese) {
            status = clean_and_space(normalizer, &text, &one);
            text = yo_aligned_view(&one);
        }
        if (normalizer->accents && status == YOSO_OK) {
            status = yo_normal_form(&text, from, false, false, &two);
            text = yo_aligned_view(&two);
            yo_aligned_clear(&one, out->tracked);
            size_t kept = 0;
            for (size_t at = 0; at < text.length && status == YOSO_OK;) {
                uint32_t size, c = yo_utf8_decode(text.data + at, &size);
                if (yo_is(c, YO_BERT_ACCENT)) {
                    status = yo_aligned_keep(&one, &text, kept, at);
                    kept = at + size;
                }
                at += size;
            }
            if (status == YOSO_OK)
                status = yo_aligned_keep(&one, &text, kept, text.length);
            text = yo_aligned_view(&one);
        }
    }
    if (status == YOSO_OK)
        status = normalizer->lower ? yo_normalize_lowercase(normalizer, &text, from, out)
                                   : yo_aligned_keep(out, &text, 0, text.length);
    yo_aligned_free(&one);
    yo_aligned_free(&two);
    return status;
}
