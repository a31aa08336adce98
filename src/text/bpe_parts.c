/* Whether a piece may be cut before each mark, because BPE's result on both sides is the same. */
#include <string.h>

#include "text/bpe.h"

/* Whether a token consists of marks. */
static bool all_marks(const yo_vocab *vocab, int32_t id, const char *mark, size_t length)
{
    size_t left = 0;
    const char *text = yo_vocab_text(vocab, id, &left);
    for (; left >= length && memcmp(text, mark, length) == 0; left -= length)
        text += length;
    return left == 0;
}

/* Whether some character gives no token at all: then what follows in its piece moves. */
static bool drops(const yo_model *model, const yo_bpe *bpe)
{
    if (model->unk != NULL)
        return false;
    for (int i = 0; i < 256; i++) {
        if (!bpe->byte_fallback || bpe->fallback[i] < 0)
            return true;
    }
    return false;
}

bool yo_bpe_parts_before(const yo_model *model, const char *mark, size_t length)
{
    const yo_bpe *bpe = model->own;
    if (model->kind != &yo_model_bpe || bpe->prefix != NULL || bpe->suffix != NULL ||
        bpe->ignore_merges || drops(model, bpe) || yo_vocab_find(&model->vocab, mark, length) < 0)
        return false;
    for (size_t i = 0; i < bpe->merge_count; i++) {
        size_t right_length = 0;
        const char *right = yo_vocab_text(&model->vocab, bpe->merges[i].right, &right_length);
        if (right_length >= length && memcmp(right, mark, length) == 0 &&
            !all_marks(&model->vocab, bpe->merges[i].left, mark, length))
            return false;
    }
    return true;
}
