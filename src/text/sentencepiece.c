#include "text/load.h"
yoso_status yo_load_sentencepiece(yoso_tokenizer **out, const char *path)
{
    (void)out;
    return yo_fail(YOSO_FORMAT, "%s: SentencePiece models are not read by this build", path);
}
