/* What the fuzzing targets share: encoding a text every way and decoding what came of it. */
#ifndef YO_SPEC_FUZZ_H
#define YO_SPEC_FUZZ_H

#include "yoso.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void fuzz_encode(const yoso_tokenizer *tokenizer, const char *text, int64_t length)
{
    for (int variant = 0; variant < 6; variant++) {
        yoso_encode_options options = {.add_special_tokens = variant != 3,
                                       .encode_special_tokens = variant == 3,
                                       .full = variant != 1,
                                       .overflow = 1,
                                       .codepoints = variant == 2,
                                       .max_length = variant >= 4 ? 6 : -1,
                                       .stride = variant >= 4,
                                       .truncate_left = variant == 5,
                                       .padding = variant == 5 ? YOSO_PAD_LENGTH : YOSO_PAD_NONE,
                                       .pad_length = 9};
        yoso_encoding *encoding;
        int64_t half = length / 2, rest = length - half;
        const char *second = text + half;
        yoso_status status =
            variant == 4
                ? yoso_encode(&encoding, tokenizer, &options, 1, &text, &half, &second, &rest)
                : yoso_encode(&encoding, tokenizer, &options, 1, &text, &length, NULL, NULL);
        if (status != YOSO_OK)
            continue;
        int64_t count = yoso_encoding_length(encoding, 0, 0), size = 0;
        char *decoded;
        for (int64_t i = 0; i < count; i++)
            yoso_encoding_token(encoding, 0, 0, i, &size);
        if (yoso_tokenizer_decode(&decoded, &size, tokenizer, yoso_encoding_ids(encoding, 0, 0),
                                  count, variant & 1) == YOSO_OK)
            yoso_text_free(decoded);
        yoso_encoding_free(encoding);
    }
}

#endif
