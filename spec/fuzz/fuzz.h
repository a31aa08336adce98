/* What the fuzzing targets share: encoding a text every way, comparing what must be equal, and
 * decoding what came of it. */
#ifndef YO_SPEC_FUZZ_H
#define YO_SPEC_FUZZ_H

#include <stdlib.h>
#include <string.h>

#include "yoso.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_require(int holds)
{
    if (!holds)
        __builtin_trap();
}

enum { FUZZ_VARIANTS = 6 };

static inline yoso_encode_options fuzz_options(int variant)
{
    return (yoso_encode_options){.add_special_tokens = variant != 3,
                                 .encode_special_tokens = variant == 3,
                                 .full = variant != 1,
                                 .overflow = 1,
                                 .codepoints = variant == 2,
                                 .max_length = variant >= 4 ? 6 : -1,
                                 .stride = variant >= 4,
                                 .truncate_left = variant == 5,
                                 .padding = variant == 5 ? YOSO_PAD_LENGTH : YOSO_PAD_NONE,
                                 .pad_length = 9};
}

/* NULL when the tokenizer refuses. Variant 4 takes the text's halves for a pair. */
static inline yoso_encoding *fuzz_encode(const yoso_tokenizer *tokenizer, int variant,
                                         const char *text, int64_t length)
{
    yoso_encode_options options = fuzz_options(variant);
    yoso_encoding *encoding = NULL;
    int64_t half = length / 2, rest = length - half;
    const char *second = text + half;
    yoso_status status =
        variant == 4 ? yoso_encode(&encoding, tokenizer, &options, 1, &text, &half, &second, &rest)
                     : yoso_encode(&encoding, tokenizer, &options, 1, &text, &length, NULL, NULL);
    return status == YOSO_OK ? encoding : NULL;
}

static inline void fuzz_same_array(const void *a, const void *b, size_t bytes)
{
    fuzz_require((a == NULL) == (b == NULL) && (a == NULL || memcmp(a, b, bytes) == 0));
}

/* The records of two encodings must be equal. */
static inline void fuzz_same(const yoso_encoding *a, const yoso_encoding *b)
{
    fuzz_require((a == NULL) == (b == NULL));
    if (a == NULL)
        return;
    int64_t windows = yoso_encoding_windows(a, 0), sizes[2];
    fuzz_require(windows == yoso_encoding_windows(b, 0));
    for (int64_t w = 0; w < windows; w++) {
        int64_t n = yoso_encoding_length(a, 0, w);
        size_t count = (size_t)n;
        fuzz_require(n == yoso_encoding_length(b, 0, w));
        fuzz_same_array(yoso_encoding_ids(a, 0, w), yoso_encoding_ids(b, 0, w), 4 * count);
        fuzz_same_array(yoso_encoding_word_ids(a, 0, w), yoso_encoding_word_ids(b, 0, w),
                        4 * count);
        fuzz_same_array(yoso_encoding_offsets(a, 0, w), yoso_encoding_offsets(b, 0, w), 8 * count);
        for (int64_t i = 0; i < n; i++) {
            const char *one = yoso_encoding_token(a, 0, w, i, &sizes[0]);
            const char *two = yoso_encoding_token(b, 0, w, i, &sizes[1]);
            fuzz_require(sizes[0] == sizes[1]);
            fuzz_same_array(one, two, (size_t)sizes[0]);
        }
    }
}

static inline void fuzz_decode(const yoso_tokenizer *tokenizer, const yoso_encoding *encoding,
                               int skip_special)
{
    char *text;
    int64_t size, count = yoso_encoding_length(encoding, 0, 0);
    if (yoso_tokenizer_decode(&text, &size, tokenizer, yoso_encoding_ids(encoding, 0, 0), count,
                              skip_special) == YOSO_OK)
        yoso_text_free(text);
}

/* Every way, twice: the second time much comes from the word cache. Without truncation ids alone
 * are the ids of the full record. */
static inline void fuzz_all(const yoso_tokenizer *tokenizer, const char *text, int64_t length)
{
    for (int variant = 0; variant < FUZZ_VARIANTS; variant++) {
        yoso_encoding *first = fuzz_encode(tokenizer, variant, text, length);
        yoso_encoding *second = fuzz_encode(tokenizer, variant, text, length);
        fuzz_same(first, second);
        if (first != NULL)
            fuzz_decode(tokenizer, first, variant & 1);
        yoso_encoding_free(first);
        yoso_encoding_free(second);
    }
    yoso_encoding *full = fuzz_encode(tokenizer, 0, text, length);
    yoso_encoding *ids = fuzz_encode(tokenizer, 1, text, length);
    fuzz_require((full == NULL) == (ids == NULL));
    if (full != NULL) {
        int64_t n = yoso_encoding_length(full, 0, 0);
        fuzz_require(n == yoso_encoding_length(ids, 0, 0));
        fuzz_same_array(yoso_encoding_ids(full, 0, 0), yoso_encoding_ids(ids, 0, 0), 4 * (size_t)n);
    }
    yoso_encoding_free(full);
    yoso_encoding_free(ids);
}

#endif
