/* Arbitrary bytes as a tokenizer.json; what loads must encode without damage. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = "Hello <s> [MASK]  w\xC3\xB6rld, it's 12 \xE2\x96\x81 a\xCC\x81 "
                               "\xFF \xF0\x9F\x98\x80 \xE4\xB8\xAD\xE6\x96\x87 aab.bb a  b";
    yoso_tokenizer *tokenizer;
    if (yoso_tokenizer_from_json(&tokenizer, (const char *)data, (int64_t)size) != YOSO_OK)
        return 0;
    fuzz_all(tokenizer, text, sizeof text - 1);
    yoso_tokenizer_free(tokenizer);
    return 0;
}
