/* From a text to tokens stretch by stretch: each is looked up, and only what is not known takes
 * all the steps, alone. */
#include "text/encode.h"

/* Whether the stretches of a piece are one word together. */
static bool is_joined(const yo_encoding_text *e)
{
    return e->tokenizer->chunking.kind == YO_CHUNK_JOINED;
}

/* Runs all steps on text[start .. stop) alone. */
static yoso_status encode_alone(yo_encoding_text *e, size_t start, size_t stop, bool first,
                                int32_t *words)
{
    yo_worker *w = e->worker;
    yo_encoding_text part = {.tokenizer = e->tokenizer,
                             .normalizers = e->normalizers,
                             .worker = w,
                             .out = &w->stretch,
                             .word = -1};
    if (is_joined(e) && !first && part.normalizers.count == 2) {
        part.normalizers.list++; /* only the first has something put before it */
        part.normalizers.count--;
    }
    yo_view_text text = e->cutting.text;
    text.tracked = true;
    part.cutting = (yo_cutting){.text = yo_view_slice(&text, start, stop),
                                .pieces = &w->pieces[0],
                                .next_pieces = &w->pieces[1]};
    part.cutting.pieces->count = 0;
    YO_TRY(yo_pieces_add(part.cutting.pieces,
                         (yo_piece){0, stop - start, part.cutting.text.base, -1}));
    if (e->tokenizer->normalizers.count > 0)
        YO_TRY(yo_encode_normal(&part));
    YO_TRY(yo_encode_pieces(&part));
    *words = part.words;
    return YOSO_OK;
}

/* The place in the source of a token's bytes in a plain piece. */
static yo_span plain_place(const yo_plain_piece *piece, uint32_t base, const yo_token *token)
{
    yo_span span;
    span.start =
        token->start < piece->mark ? piece->mark_start : piece->rest + token->start - piece->mark;
    span.stop = token->stop <= piece->mark ? piece->mark_start + 1
                                           : piece->rest + token->stop - piece->mark;
    return (yo_span){base + span.start, base + span.stop};
}

/* The tokens of a plain stretch; *done is false when it is none. */
static yoso_status encode_plain(yo_encoding_text *e, size_t start, size_t stop, bool first,
                                bool *done)
{
    const yoso_tokenizer *t = e->tokenizer;
    yo_worker *w = e->worker;
    uint8_t text[YO_PLAIN_ROOM];
    yo_plain_piece piece;
    *done = t->plain.rule != YO_PLAIN_NONE && yo_plain_make(&t->plain, e->cutting.text.data + start,
                                                            stop - start, first, text, &piece);
    if (!*done)
        return YOSO_OK;
    size_t length = piece.mark + (stop - start) - piece.rest;
    w->tokens.count = 0;
    YO_TRY(t->model.kind->tokenize(&t->model, &w->scratch, text, length, &w->tokens));
    for (size_t i = 0; i < w->tokens.count; i++) {
        const yo_token *token = &w->tokens.list[i];
        if (token->start >= token->stop || token->stop > length) { /* an affix's */
            *done = false;
            w->stretch.count = 0;
            break;
        }
        YO_TRY(yo_sequence_add(&w->stretch, token->id, plain_place(&piece, (uint32_t)start, token),
                               0, token->own ? text + token->start : NULL,
                               token->own ? token->stop - token->start : 0));
    }
    return YOSO_OK;
}

/* The tokens of a piece of the fixed pattern. */
static yoso_status encode_bytes(yo_encoding_text *e, size_t start, size_t stop)
{
    yo_worker *w = e->worker;
    const yo_view_text *text = &e->cutting.text;
    w->tokens.count = 0;
    YO_TRY(yo_bpe_tokenize_bytes(&e->tokenizer->model, &w->scratch, text->data + start,
                                 stop - start, &w->tokens));
    for (size_t i = 0; i < w->tokens.count; i++) {
        const yo_token *token = &w->tokens.list[i];
        YO_TRY(yo_sequence_add(&w->stretch, token->id,
                               yo_original(text, start + token->start, start + token->stop), 0,
                               NULL, 0));
    }
    return YOSO_OK;
}

/* Puts the tokens of text[start .. stop) into w->stretch. */
static yoso_status encode_stretch(yo_encoding_text *e, size_t start, size_t stop, bool first,
                                  int32_t *words)
{
    bool done = false;
    *words = 1;
    yo_sequence_clear(&e->worker->stretch, true);
    if (e->tokenizer->chunking.kind == YO_CHUNK_BYTES)
        return encode_bytes(e, start, stop);
    YO_TRY(encode_plain(e, start, stop, first, &done));
    if (!done)
        YO_TRY(encode_alone(e, start, stop, first, words));
    if (is_joined(e))
        *words = 0;
    return YOSO_OK;
}

static yoso_status add_stretch(yo_encoding_text *e, int32_t first_word)
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

static inline void add_brief(yo_encoding_text *e, const yo_brief_entry *entry, uint32_t base,
                             int32_t first_word)
{
    yo_sequence *out = e->out;
    size_t at = out->count;
    memcpy(out->ids + at, entry->ids, sizeof entry->ids);
    out->count += entry->count;
    if (!out->full)
        return;
    uint32_t start = base + entry->first;
    int32_t word = e->word >= 0 ? e->word : first_word;
    for (size_t i = 0; i < YO_BRIEF_TOKENS; i++) { /* those that are not there are written over */
        out->spans[at + i] = (yo_span){start, base + entry->stops[i]};
        out->words[at + i] = word;
        out->texts[at + i] = 0;
        start = base + entry->stops[i];
    }
}

static inline void add_wide(yo_encoding_text *e, const yo_wide_entry *entry, uint32_t base,
                            int32_t first_word)
{
    yo_sequence *out = e->out;
    size_t at = out->count;
    memcpy(out->ids + at, entry->ids, sizeof entry->ids);
    out->count += entry->count;
    for (size_t i = 0; out->full && i < entry->count; i++) {
        out->spans[at + i] = (yo_span){base + entry->start[i], base + entry->stop[i]};
        out->words[at + i] = e->word >= 0 ? e->word : first_word + entry->word[i];
        out->texts[at + i] = 0;
    }
}

/* A stretch that the first table does not know. */
static yoso_status add_other(yo_encoding_text *e, const yo_probe *p, int32_t *word, bool *moved)
{
    const uint8_t *text = e->cutting.text.data;
    const yo_wide_entry *wide = yo_word_cache_wide(&e->worker->cache, p, text);
    int32_t words;
    if (wide != NULL) {
        add_wide(e, wide, p->start, *word);
        *word += wide->words;
        return YOSO_OK;
    }
    YO_TRY(encode_stretch(e, p->start, p->start + p->length, p->context != 0, &words));
    YO_TRY(add_stretch(e, *word));
    *moved = true;
    yo_word_cache_keep(&e->worker->cache, p, text, &e->worker->stretch, words);
    *word += words;
    return YOSO_OK;
}

enum { AHEAD = 32 }; /* stretches that are asked for before the first is looked at */

static yoso_status add_probes(yo_encoding_text *e, const yo_probe *probes, size_t count,
                              int32_t *word)
{
    const yo_word_cache *cache = &e->worker->cache;
    const yo_brief_entry *found[AHEAD];
    for (size_t i = 0; i < count; i++) {
        found[i] = probes[i].length <= YO_BRIEF_KEY ? yo_word_cache_brief(cache, &probes[i]) : NULL;
        if (found[i] == NULL)
            yo_word_cache_ask_wide(cache, &probes[i]);
    }
    YO_TRY(yo_sequence_reserve(e->out, AHEAD * YO_CACHED_TOKENS));
    bool moved = false; /* entries, since they were found */
    for (size_t i = 0; i < count && !yo_sequence_enough(e->out); i++) {
        const yo_probe *p = &probes[i];
        const yo_brief_entry *brief = found[i];
        if (moved && p->length <= YO_BRIEF_KEY)
            brief = yo_word_cache_brief(cache, p);
        if (brief != NULL) {
            add_brief(e, brief, p->start, *word);
            *word += brief->words;
        } else {
            YO_TRY(add_other(e, p, word, &moved));
            YO_TRY(yo_sequence_reserve(e->out, AHEAD * YO_CACHED_TOKENS));
        }
    }
    return YOSO_OK;
}

static yoso_status encode_piece(yo_encoding_text *e, const yo_piece *piece, int32_t *word)
{
    const yoso_tokenizer *t = e->tokenizer;
    const yo_view_text *text = &e->cutting.text;
    const yo_chunking whole = {.kind = YO_CHUNK_NONE};
    const yo_chunking *chunking =
        yo_chunk_starts(&t->chunking, text->data + piece->start) ? &t->chunking : &whole;
    uint32_t ends[AHEAD];
    yo_probe probes[AHEAD];
    for (size_t at = piece->start; at < piece->stop && !yo_sequence_enough(e->out);) {
        size_t count = yo_chunk_ends(chunking, text->data, at, piece->stop, ends, AHEAD);
        for (size_t i = 0; i < count; i++) {
            yo_probe *p = &probes[i];
            p->start = (uint32_t)at;
            p->length = ends[i] - (uint32_t)at;
            /* What begins all may have another Metaspace, what begins a piece a Prepend. */
            p->context = is_joined(e) ? at == piece->start : t->tracks && at == 0;
            yo_word_cache_ask(&e->worker->cache, p, text->data, text->length - at);
            at = ends[i];
        }
        YO_TRY(add_probes(e, probes, count, word));
    }
    *word += is_joined(e);
    return YOSO_OK;
}

yoso_status yo_encode_stretches(yo_encoding_text *e)
{
    int32_t word = 0;
    YO_TRY(yo_word_cache_ready(&e->worker->cache));
    for (size_t i = 0; i < e->cutting.pieces->count && !yo_sequence_enough(e->out); i++) {
        const yo_piece *piece = &e->cutting.pieces->list[i];
        if (piece->token < 0) {
            YO_TRY(encode_piece(e, piece, &word));
        } else {
            YO_TRY(yo_encode_added(e, piece, e->word >= 0 ? e->word : word));
            word++;
        }
    }
    return YOSO_OK;
}
