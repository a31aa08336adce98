/* Arbitrary bytes as a SentencePiece .model. */
#include "fuzz.h"
#include "text/load.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char text[] = " Hello  w\xC3\xB6rld <s> \xE2\x96\x81 \xFF \xF0\x9F\x98\x80 ";
    yo_bytes bytes = {0};
    yoso_tokenizer *tokenizer;
    if (yo_bytes_append(&bytes, data, size) == YOSO_OK &&
        yo_read_sentencepiece(&tokenizer, "fuzz", &bytes) == YOSO_OK) {
        fuzz_all(tokenizer, text, sizeof text - 1);
        yoso_tokenizer_free(tokenizer);
    }
    yo_bytes_free(&bytes);
    return 0;
}
