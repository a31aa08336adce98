/* From one text to tokens: added tokens, normalizers, pre-tokenizers, the model. */
#include "text/encode.h"

#include "text/fixed.h"

static void swap_pieces(yo_cutting *cutting)
{
    yo_pieces *swap = cutting->pieces;
    cutting->pieces = cutting->next_pieces;
    cutting->next_pieces = swap;
}

/* Cuts the raw text at the added tokens that ask for it, as it is. */
static yoso_status find_raw(yo_encoding_text *e)
{
    const yo_added *added = &e->tokenizer->added;
    yo_cutting *c = &e->cutting;
    c->pieces->count = 0;
    if (added->raw.count > 0)
        return yo_added_cut(added, &added->raw, &c->text, 0, c->text.length, e->skip_special,
                            c->pieces);
    if (c->text.length == 0)
        return YOSO_OK;
    return yo_pieces_add(c->pieces, (yo_piece){0, c->text.length, 0, -1});
}

/* Normalizes each piece and cuts it at the added tokens that are found in normal form. */
yoso_status yo_encode_normal(yo_encoding_text *e)
{
    const yo_added *added = &e->tokenizer->added;
    const yo_normalizers *normalizers = &e->normalizers;
    yo_cutting *c = &e->cutting;
    if (normalizers->count == 0 && added->normal.count == 0)
        return YOSO_OK;
    yo_aligned *out = &e->worker->stage[0];
    c->next_pieces->count = 0;
    yo_aligned_clear(out, c->text.tracked);
    for (size_t i = 0; i < c->pieces->count; i++) {
        yo_piece piece = c->pieces->list[i];
        if (normalizers->count > 0) {
            yo_view_text slice = yo_view_slice(&c->text, piece.start, piece.stop);
            piece.start = out->bytes.length;
            if (piece.token < 0)
                YO_TRY(yo_normalize(normalizers, &slice, piece.from, e->worker->normal, out));
            else
                YO_TRY(yo_aligned_keep(out, &slice, 0, slice.length));
            piece.stop = out->bytes.length;
            if (piece.start == piece.stop)
                continue;
            if (out->tracked)
                piece.from = out->spans[piece.start].start;
        }
        yo_view_text text = normalizers->count > 0 ? yo_aligned_view(out) : c->text;
        if (piece.token < 0 && added->normal.count > 0)
            YO_TRY(yo_added_cut(added, &added->normal, &text, piece.start, piece.stop,
                                e->skip_special, c->next_pieces));
        else
            YO_TRY(yo_pieces_add(c->next_pieces, piece));
    }
    if (normalizers->count > 0)
        c->text = yo_aligned_view(out);
    swap_pieces(c);
    return YOSO_OK;
}

/* The place in the original of a token's bytes. What lies outside the piece (a byte token of an
 * affix) keeps its own numbers, as in the library. */
static yo_span place(const yo_encoding_text *e, size_t base, size_t length, const yo_token *token)
{
    if (token->stop > length || token->start >= length)
        return (yo_span){token->start, token->stop};
    if (token->start == token->stop) {
        uint32_t here =
            yo_original(&e->cutting.text, base + token->start, base + token->start + 1).start;
        return (yo_span){here, here};
    }
    return yo_original(&e->cutting.text, base + token->start, base + token->stop);
}

/* Adds the tokens that the model made of data[base .. base + length). */
static yoso_status add_tokens(yo_encoding_text *e, size_t base, size_t length, int32_t word)
{
    const yo_tokens *tokens = &e->worker->tokens;
    YO_TRY(yo_sequence_reserve(e->out, tokens->count));
    if (!e->out->full) {
        for (size_t i = 0; i < tokens->count; i++)
            e->out->ids[e->out->count++] = tokens->list[i].id;
        return YOSO_OK;
    }
    const uint8_t *data = e->cutting.text.data + base;
    for (size_t i = 0; i < tokens->count; i++) {
        const yo_token *token = &tokens->list[i];
        const uint8_t *text = token->own ? data + token->start : NULL;
        size_t text_length = token->own ? token->stop - token->start : 0;
        if (e->tokenizer->shadowed && text == NULL)
            text =
                (const uint8_t *)yo_vocab_text(&e->tokenizer->model.vocab, token->id, &text_length);
        YO_TRY(yo_sequence_add(e->out, token->id, place(e, base, length, token), word, text,
                               text_length));
    }
    return YOSO_OK;
}

/* The last ByteLevel step together with the model: bytes need not be rewritten as characters. */
static yoso_status tokenize_bytes(yo_encoding_text *e, const yo_piece *piece, int32_t *number)
{
    const yo_pretokenizers *list = &e->tokenizer->pretokenizers;
    bool regex = list->list[list->count - 1].use_regex;
    const uint8_t *data = e->cutting.text.data;
    for (size_t at = piece->start; at < piece->stop;) {
        size_t end = regex ? yo_fixed_end(YO_FIXED_GPT2, data, at, piece->stop) : piece->stop;
        e->worker->tokens.count = 0;
        YO_TRY(yo_bpe_tokenize_bytes(&e->tokenizer->model, &e->worker->scratch, data + at, end - at,
                                     &e->worker->tokens));
        YO_TRY(add_tokens(e, at, end - at, e->word >= 0 ? e->word : *number));
        (*number)++;
        at = end;
    }
    return YOSO_OK;
}

yoso_status yo_encode_added(yo_encoding_text *e, const yo_piece *piece, int32_t word)
{
    const uint8_t *text = e->cutting.text.data + piece->start;
    size_t length = piece->stop - piece->start, shown = 0;
    const char *known = yo_token_text(e->tokenizer, piece->token, &shown);
    bool same = known != NULL && shown == length && memcmp(known, text, length) == 0;
    yo_span span = {0, 0};
    if (e->out->full)
        span = yo_original(&e->cutting.text, piece->start, piece->stop);
    return yo_sequence_add(e->out, piece->token, span, word, same ? NULL : text, length);
}

static yoso_status tokenize(yo_encoding_text *e)
{
    const yoso_tokenizer *t = e->tokenizer;
    int32_t number = 0;
    for (size_t i = 0; i < e->cutting.pieces->count; i++) {
        const yo_piece *piece = &e->cutting.pieces->list[i];
        int32_t word = e->word >= 0 ? e->word : number;
        if (piece->token >= 0) {
            YO_TRY(yo_encode_added(e, piece, word));
        } else if (t->byte_level) {
            YO_TRY(tokenize_bytes(e, piece, &number));
            continue;
        } else {
            size_t length = piece->stop - piece->start;
            e->worker->tokens.count = 0;
            YO_TRY(t->model.kind->tokenize(&t->model, &e->worker->scratch,
                                           e->cutting.text.data + piece->start, length,
                                           &e->worker->tokens));
            YO_TRY(add_tokens(e, piece->start, length, word));
        }
        number++;
    }
    e->words = number;
    return YOSO_OK;
}

/* The steps after the raw text was cut at added tokens. */
yoso_status yo_encode_pieces(yo_encoding_text *e)
{
    const yoso_tokenizer *t = e->tokenizer;
    size_t steps = t->pretokenizers.count - t->byte_level;
    for (size_t i = 0; i < steps; i++) {
        /* The next text must not be the present one. */
        bool first = e->cutting.text.data == e->worker->stage[0].bytes.data;
        e->cutting.next_text = &e->worker->stage[first];
        YO_TRY(yo_pretokenize(&t->pretokenizers.list[i], &e->cutting));
    }
    return tokenize(e);
}

yoso_status yo_encode_source(const yoso_tokenizer *t, yo_worker *worker, yo_sequence *sequence,
                             size_t index, bool skip_special)
{
    const yo_source *source = &sequence->sources[index];
    bool stretches = t->chunking.kind != YO_CHUNK_NONE;
    yo_pieces *lists = stretches ? worker->segments : worker->pieces;
    yo_encoding_text e = {.tokenizer = t,
                          .normalizers = t->normalizers,
                          .worker = worker,
                          .out = sequence,
                          .word = sequence->by_word ? (int32_t)index : -1,
                          .skip_special = skip_special};
    e.cutting =
        (yo_cutting){.text = {source->data, source->length, NULL, sequence->full || t->tracks, 0},
                     .pieces = &lists[0],
                     .next_pieces = &lists[1]};
    YO_TRY(find_raw(&e));
    if (!stretches || t->normalizers.count == 0)
        YO_TRY(yo_encode_normal(&e));
    return stretches ? yo_encode_stretches(&e) : yo_encode_pieces(&e);
}
