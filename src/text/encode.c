/* From one text to tokens: added tokens, normalizers, pre-tokenizers, the model. */
#include <stdlib.h>

#include "text/bytelevel.h"
#include "text/tokenizer.h"

/* What is known of the text on its way through the steps. */
typedef struct encoding_text {
    const yoso_tokenizer *tokenizer;
    yo_worker *worker;
    yo_sequence *out;
    int32_t word; /* the word of every token, -1 for the numbers of the pieces */
    bool skip_special;
    int32_t words; /* how many there were */
    yo_cutting cutting;
} encoding_text;

static void swap_pieces(yo_cutting *cutting)
{
    yo_pieces *swap = cutting->pieces;
    cutting->pieces = cutting->next_pieces;
    cutting->next_pieces = swap;
}

/* Cuts the raw text at the added tokens that ask for it, as it is. */
static yoso_status find_raw(encoding_text *e)
{
    const yo_added *added = &e->tokenizer->added;
    yo_cutting *c = &e->cutting;
    c->pieces->count = 0;
    if (added->has_raw)
        return yo_added_cut(added, &added->raw, &c->text, 0, c->text.length, e->skip_special,
                            c->pieces);
    if (c->text.length == 0)
        return YOSO_OK;
    return yo_pieces_add(c->pieces, (yo_piece){0, c->text.length, 0, -1});
}

/* Normalizes each piece and cuts it at the added tokens that are found in normal form. */
static yoso_status find_normal(encoding_text *e)
{
    const yo_added *added = &e->tokenizer->added;
    const yo_normalizers *normalizers = &e->tokenizer->normalizers;
    yo_cutting *c = &e->cutting;
    if (normalizers->count == 0 && !added->has_normal)
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
        if (piece.token < 0 && added->has_normal)
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
static yo_span place(const encoding_text *e, size_t base, size_t length, const yo_token *token)
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
static yoso_status add_tokens(encoding_text *e, size_t base, size_t length, int32_t word)
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
        YO_TRY(yo_sequence_add(e->out, token->id, place(e, base, length, token), word,
                               token->own ? data + token->start : NULL,
                               token->own ? token->stop - token->start : 0));
    }
    return YOSO_OK;
}

/* The last ByteLevel step together with the model: bytes need not be rewritten as characters. */
static yoso_status tokenize_bytes(encoding_text *e, const yo_piece *piece, int32_t *number)
{
    const yo_pretokenizers *list = &e->tokenizer->pretokenizers;
    bool regex = list->list[list->count - 1].use_regex;
    const uint8_t *data = e->cutting.text.data;
    for (size_t at = piece->start; at < piece->stop;) {
        size_t end = regex ? yo_bytelevel_end(data, at, piece->stop) : piece->stop;
        e->worker->tokens.count = 0;
        YO_TRY(yo_bpe_tokenize_bytes(&e->tokenizer->model, &e->worker->scratch, data + at, end - at,
                                     &e->worker->tokens));
        YO_TRY(add_tokens(e, at, end - at, e->word >= 0 ? e->word : *number));
        (*number)++;
        at = end;
    }
    return YOSO_OK;
}

static yoso_status add_added(encoding_text *e, const yo_piece *piece, int32_t word)
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

static yoso_status tokenize(encoding_text *e)
{
    const yoso_tokenizer *t = e->tokenizer;
    int32_t number = 0;
    for (size_t i = 0; i < e->cutting.pieces->count; i++) {
        const yo_piece *piece = &e->cutting.pieces->list[i];
        int32_t word = e->word >= 0 ? e->word : number;
        if (piece->token >= 0) {
            YO_TRY(add_added(e, piece, word));
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
static yoso_status run_steps(encoding_text *e)
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

/* -- Stretch by stretch
 * ---------------------------------------------------------------------------- */

/* Runs all steps on text[start .. stop) alone and keeps what comes of it. */
static yoso_status encode_stretch(encoding_text *e, size_t start, size_t stop, unsigned context,
                                  int32_t *words)
{
    yo_worker *w = e->worker;
    encoding_text part = {.tokenizer = e->tokenizer, .worker = w, .out = &w->stretch, .word = -1};
    yo_view_text text = e->cutting.text;
    text.tracked = true;
    part.cutting = (yo_cutting){.text = yo_view_slice(&text, start, stop),
                                .pieces = &w->pieces[0],
                                .next_pieces = &w->pieces[1]};
    yo_sequence_clear(&w->stretch, true);
    part.cutting.pieces->count = 0;
    YO_TRY(yo_pieces_add(part.cutting.pieces,
                         (yo_piece){0, stop - start, part.cutting.text.base, -1}));
    if (e->tokenizer->normalizers.count > 0)
        YO_TRY(find_normal(&part));
    YO_TRY(run_steps(&part));
    *words = part.words;
    yo_word_cache_keep(&w->cache, text.data + start, stop - start, context, &w->stretch,
                       (uint32_t)start, *words);
    return YOSO_OK;
}

static yoso_status add_stretch(encoding_text *e, int32_t first_word)
{
    const yo_sequence *from = &e->worker->stretch;
    for (size_t i = 0; i < from->count; i++) {
        const uint8_t *text = NULL;
        size_t length = 0;
        if (from->texts[i] != 0) {
            yo_span own = from->own_texts[from->texts[i] - 1];
            text = from->text.data + own.start;
            length = own.stop - own.start;
        }
        YO_TRY(yo_sequence_add(e->out, from->ids[i], from->spans[i],
                               e->word >= 0 ? e->word : first_word + from->words[i], text, length));
    }
    return YOSO_OK;
}

static inline void add_cached(encoding_text *e, const yo_cached *cached, uint32_t base,
                              int32_t first_word)
{
    yo_sequence *out = e->out;
    size_t at = out->count;
    for (size_t i = 0; i < cached->count; i++)
        out->ids[at + i] = cached->ids[i];
    out->count += cached->count;
    if (!out->full)
        return;
    for (size_t i = 0; i < cached->count; i++) {
        out->spans[at + i] = (yo_span){base + cached->start[i], base + cached->stop[i]};
        out->words[at + i] = e->word >= 0 ? e->word : first_word + cached->word[i];
        out->texts[at + i] = 0;
    }
}

static yoso_status encode_stretches(encoding_text *e, const yo_piece *piece, int32_t *word)
{
    const yoso_tokenizer *t = e->tokenizer;
    const uint8_t *text = e->cutting.text.data;
    uint8_t begin = text[piece->start];
    bool whole = t->wants_plain_start && (begin < 0x20 || begin > 0x7E);
    yo_cached cached;
    for (size_t at = piece->start; at < piece->stop && !yo_sequence_enough(e->out);) {
        size_t end = whole ? piece->stop : yo_chunk_end(t->chunking, text, at, piece->stop);
        /* Metaspace may see that a stretch is the beginning of all. */
        unsigned context = t->tracks && at == 0;
        int32_t words;
        YO_TRY(yo_sequence_reserve(e->out, YO_LONG_TOKENS));
        if (yo_word_cache_find(&e->worker->cache, text + at, end - at, e->cutting.text.length - at,
                               context, &cached)) {
            add_cached(e, &cached, (uint32_t)at, *word);
            words = cached.words;
        } else {
            YO_TRY(encode_stretch(e, at, end, context, &words));
            YO_TRY(add_stretch(e, *word));
        }
        *word += words;
        at = end;
    }
    return YOSO_OK;
}

static yoso_status encode_segments(encoding_text *e)
{
    int32_t word = 0;
    YO_TRY(yo_word_cache_ready(&e->worker->cache));
    for (size_t i = 0; i < e->cutting.pieces->count && !yo_sequence_enough(e->out); i++) {
        const yo_piece *piece = &e->cutting.pieces->list[i];
        if (piece->token < 0) {
            YO_TRY(encode_stretches(e, piece, &word));
        } else {
            YO_TRY(add_added(e, piece, e->word >= 0 ? e->word : word));
            word++;
        }
    }
    return YOSO_OK;
}

yoso_status yo_encode_source(const yoso_tokenizer *t, yo_worker *worker, yo_sequence *sequence,
                             size_t index, bool skip_special)
{
    const yo_source *source = &sequence->sources[index];
    bool stretches = t->chunking != YO_CHUNK_NONE;
    yo_pieces *lists = stretches ? worker->segments : worker->pieces;
    encoding_text e = {.tokenizer = t,
                       .worker = worker,
                       .out = sequence,
                       .word = sequence->by_word ? (int32_t)index : -1,
                       .skip_special = skip_special};
    e.cutting =
        (yo_cutting){.text = {source->data, source->length, NULL, sequence->full || t->tracks, 0},
                     .pieces = &lists[0],
                     .next_pieces = &lists[1]};
    YO_TRY(find_raw(&e));
    if (stretches && t->normalizers.count > 0)
        return encode_segments(&e);
    YO_TRY(find_normal(&e));
    return stretches ? encode_segments(&e) : run_steps(&e);
}
