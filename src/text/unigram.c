/* The Unigram model: the most probable segmentation of a piece (Viterbi over a lattice of bytes,
 * in double precision; of equally good paths the one found first). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/model.h"
#include "text/trie.h"
#include "text/utf8.h"

static const double unknown_penalty = 10.0;

typedef struct unigram {
    double *scores; /* by place in the list, which is the id */
    size_t count, room;
    yo_trie trie;
    double unknown_score;
    bool byte_fallback;
    int32_t fallback[256];
    /* A SentencePiece model's kinds of pieces: then paths are added up in single precision, and
     * user-defined pieces always win. NULL in the tokenizers library's way. */
    uint8_t *kinds;
    double highest; /* score of a normal piece */
} unigram;

enum { NORMAL = 1, USER_DEFINED = 4 };

/* The best path that ends at a byte. */
typedef struct path {
    union {
        double score;
        int64_t next; /* once the best path is known: where its token that begins here ends */
    };
    int32_t id;    /* of its last token */
    int32_t start; /* where that begins; -1 when no path ends here */
} path;

static yoso_status load_list(yo_model *model, unigram *own, const yo_json *list)
{
    double lowest = INFINITY;
    YO_TRY(yo_grow((void **)&own->scores, &own->room, list->count, sizeof *own->scores));
    YO_TRY(yo_grow((void **)&model->vocab.entries, &model->vocab.capacity, list->count,
                   sizeof *model->vocab.entries));
    const yo_json *item = list + 1;
    for (uint32_t i = 0; i < list->count; i++, item = yo_json_next(item)) {
        if (item->kind != YO_JSON_ARRAY || item->count != 2 || item[1].kind != YO_JSON_STRING ||
            item[2].kind != YO_JSON_NUMBER)
            return yo_fail(YOSO_FORMAT, "model: vocab: entry %u is not a token and its score", i);
        const yo_json *text = &item[1];
        own->scores[i] = item[2].as.number;
        if (own->scores[i] < lowest)
            lowest = own->scores[i];
        YO_TRY(yo_vocab_append(&model->vocab, text->as.text, text->count, (int32_t)i));
    }
    own->count = list->count;
    own->unknown_score = lowest - unknown_penalty;
    return YOSO_OK;
}

/* The trie of all tokens, or of those kinds that SentencePiece looks for in a text. */
static yoso_status build_trie(unigram *own, const yo_json *list)
{
    yo_trie_string *strings = malloc((list->count + (size_t)1) * sizeof *strings);
    size_t count = 0;
    const yo_json *item = list + 1;
    if (strings == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory for %u tokens", list->count);
    for (uint32_t i = 0; i < list->count; i++, item = yo_json_next(item)) {
        const yo_json *text = &item[1];
        if (text->count > 0 &&
            (own->kinds == NULL || own->kinds[i] == NORMAL || own->kinds[i] == USER_DEFINED))
            strings[count++] =
                (yo_trie_string){(const uint8_t *)text->as.text, text->count, (int32_t)i};
    }
    yoso_status status = yo_trie_build(&own->trie, strings, count);
    free(strings);
    return status;
}

/* SentencePiece knows only normal and user-defined pieces in a text. */
static yoso_status load_kinds(unigram *own, const yo_json *vocab, const yo_json *kinds)
{
    if (kinds->kind != YO_JSON_ARRAY || kinds->count != vocab->count)
        return yo_fail(YOSO_FORMAT, "model: kinds must be a list as long as vocab");
    own->kinds = calloc((size_t)kinds->count + 1, 1);
    if (own->kinds == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    double lowest = INFINITY;
    own->highest = -INFINITY;
    const yo_json *kind = kinds + 1;
    for (uint32_t i = 0; i < kinds->count; i++, kind = yo_json_next(kind)) {
        double number = kind->kind == YO_JSON_NUMBER ? kind->as.number : 0;
        if (number < 1 || number > 6)
            return yo_fail(YOSO_FORMAT, "model: kinds: entry %u is not 1 to 6", i);
        own->kinds[i] = (uint8_t)number;
        if (own->kinds[i] == NORMAL) {
            lowest = fmin(lowest, own->scores[i]);
            own->highest = fmax(own->highest, own->scores[i]);
        }
    }
    own->unknown_score = (float)((float)lowest - (float)unknown_penalty);
    return YOSO_OK;
}

static yoso_status unigram_load(yo_model *model, const yo_json *json)
{
    unigram *own = calloc(1, sizeof *own);
    if (own == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    model->own = own;
    const yo_json *list;
    int64_t unk = -1;
    YO_TRY(yo_json_need(json, "model", "vocab", YO_JSON_ARRAY, &list));
    if (list->count >= YO_TRIE_VALUES)
        return yo_fail(YOSO_FORMAT, "model: vocab has %u tokens, too many", list->count);
    YO_TRY(yo_json_integer(json, "model", "unk_id", 0, INT32_MAX, &unk));
    YO_TRY(yo_json_bool(json, "model", "byte_fallback", &own->byte_fallback));
    if (unk >= (int64_t)list->count)
        return yo_fail(YOSO_FORMAT, "model: unk_id is %lld, the vocabulary has %u tokens",
                       (long long)unk, list->count);
    YO_TRY(load_list(model, own, list));
    const yo_json *kinds = yo_json_get(json, "kinds");
    if (kinds != NULL)
        YO_TRY(load_kinds(own, list, kinds));
    YO_TRY(build_trie(own, list));
    if (own->kinds != NULL) /* not all are in the trie */
        YO_TRY(yo_vocab_index(&model->vocab));
    else
        model->vocab.trie = &own->trie;
    model->unk_id = (int32_t)unk;
    model->vocab_size = own->count;
    for (int byte = 0; byte < 256; byte++) {
        char name[8];
        snprintf(name, sizeof name, "<0x%02X>", byte);
        own->fallback[byte] = yo_vocab_find(&model->vocab, name, 6);
    }
    return YOSO_OK;
}

static void unigram_release(yo_model *model)
{
    unigram *own = model->own;
    if (own == NULL)
        return;
    free(own->scores);
    free(own->kinds);
    yo_trie_free(&own->trie);
    free(own);
}

/* `single` says that sums are in single precision. */
static inline void offer(path *to, double token, double before, int32_t id, size_t start,
                         bool single)
{
    double score = single ? (double)((float)token + (float)before) : token + before;
    if (to->start < 0 || score > to->score)
        *to = (path){.score = score, .id = id, .start = (int32_t)start};
}

static inline double score_of(const unigram *own, int32_t id, size_t length, bool kinds)
{
    if (kinds && own->kinds[id] == USER_DEFINED)
        return (double)((float)length * (float)own->highest) - 0.1;
    return own->scores[id];
}

/* Fills the lattice: paths[i] is the best way to write the first i bytes. `kinds` says that they do
 * not all count alike, as in SentencePiece. */
static inline yoso_status search(const yo_model *model, const unigram *own, const uint8_t *piece,
                                 size_t length, path *paths, bool kinds)
{
    for (size_t i = 1; i <= length; i++)
        paths[i].start = -1;
    paths[0] = (path){.score = 0.0, .id = -1, .start = 0};
    for (size_t at = 0; at < length;) {
        double before = paths[at].score;
        uint32_t size = yo_utf8_size(piece[at]);
        bool single = false;
        yo_trie_walk walk = {.text = piece + at, .length = length - at};
        while (yo_trie_next(&own->trie, &walk)) {
            double score = score_of(own, walk.value, walk.taken, kinds);
            offer(&paths[at + walk.taken], score, before, walk.value, at, kinds);
            single = single || walk.taken == size;
        }
        if (!single) {
            if (model->unk_id < 0)
                return yo_fail(YOSO_FORMAT,
                               "encode: a character has no token, and the model no unk_id");
            offer(&paths[at + size], own->unknown_score, before, model->unk_id, at, kinds);
        }
        at += size;
    }
    return YOSO_OK;
}

/* The tokens of unknown characters: the one that they are together, those of their bytes, or the
 * unknown one. */
static yoso_status emit_unknown(const yo_model *model, const unigram *own, const uint8_t *piece,
                                size_t start, size_t stop, yo_tokens *tokens)
{
    int32_t id = yo_vocab_find(&model->vocab, piece + start, stop - start);
    if (id >= 0)
        return yo_tokens_add(tokens, id, start, stop, false);
    bool bytes = own->byte_fallback;
    for (size_t i = start; i < stop && bytes; i++)
        bytes = own->fallback[piece[i]] >= 0;
    if (!bytes) {
        if (model->unk_id < 0)
            return yo_fail(YOSO_FORMAT,
                           "encode: a character has no token, and the model no unk_id");
        return yo_tokens_add(tokens, model->unk_id, start, stop, true);
    }
    for (size_t i = start; i < stop; i++)
        YO_TRY(yo_tokens_add(tokens, own->fallback[piece[i]], start, stop, false));
    return YOSO_OK;
}

static void reverse(yo_token *list, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        yo_token swap = list[i];
        list[i] = list[count - 1 - i];
        list[count - 1 - i] = swap;
    }
}

/* SentencePiece's tokens, from the last to the first. Of an unknown character's bytes the last has
 * the place; without byte pieces neighbouring unknown characters become one token. */
static yoso_status emit_pieces(const yo_model *model, const unigram *own, const uint8_t *piece,
                               size_t length, const path *paths, yo_tokens *tokens)
{
    size_t first = tokens->count;
    bool unknown_after = false;
    for (size_t at = length, start; at > 0; at = start) {
        start = (size_t)paths[at].start;
        bool unknown = paths[at].id == model->unk_id;
        if (unknown && own->byte_fallback) {
            for (size_t i = at; i-- > start;) {
                int32_t id = own->fallback[piece[i]];
                YO_TRY(yo_tokens_add(tokens, id >= 0 ? id : model->unk_id, start,
                                     i + 1 == at ? at : start, false));
            }
        } else if (unknown && unknown_after) {
            tokens->list[tokens->count - 1].start = (uint32_t)start;
        } else {
            YO_TRY(yo_tokens_add(tokens, paths[at].id, start, at, unknown));
        }
        unknown_after = unknown && !own->byte_fallback;
    }
    reverse(tokens->list + first, tokens->count - first);
    return YOSO_OK;
}

/* Walks back along the best path; then each token's start knows where it ends. Neighbouring unknown
 * characters become one token. */
static void link_forward(const yo_model *model, path *paths, size_t length)
{
    bool unknown_after = false;
    for (size_t at = length, stop = length; at > 0;) {
        bool unknown = paths[at].id == model->unk_id;
        if (!(unknown && unknown_after))
            stop = at;
        unknown_after = unknown;
        at = (size_t)paths[at].start;
        paths[at].next = (int64_t)stop;
    }
}

static yoso_status unigram_tokenize(const yo_model *model, yo_scratch *scratch,
                                    const uint8_t *piece, size_t length, yo_tokens *tokens)
{
    const unigram *own = model->own;
    if (length >= INT32_MAX)
        return yo_fail(YOSO_MISUSE, "encode: a piece of %zu bytes is too long", length);
    YO_TRY(yo_grow(&scratch->lattice, &scratch->lattice_room, length + 1, sizeof(path)));
    path *paths = scratch->lattice;
    if (own->kinds != NULL) {
        YO_TRY(search(model, own, piece, length, paths, true));
        return emit_pieces(model, own, piece, length, paths, tokens);
    }
    YO_TRY(search(model, own, piece, length, paths, false));
    link_forward(model, paths, length);
    for (size_t start = 0, stop; start < length; start = stop) {
        stop = (size_t)paths[start].next;
        if (paths[stop].id == model->unk_id)
            YO_TRY(emit_unknown(model, own, piece, start, stop, tokens));
        else
            YO_TRY(yo_tokens_add(tokens, paths[stop].id, start, stop, false));
    }
    return YOSO_OK;
}

static yoso_status unigram_write(const yo_model *model, yo_bytes *out)
{
    const unigram *own = model->own;
    char text[64];
    snprintf(text, sizeof text, "%d", model->unk_id);
    YO_TRY(yo_bytes_text(out, "{\"type\":\"Unigram\",\"unk_id\":"));
    YO_TRY(yo_bytes_text(out, model->unk_id >= 0 ? text : "null"));
    YO_TRY(yo_bytes_text(out, own->byte_fallback ? ",\"byte_fallback\":true,\"vocab\":["
                                                 : ",\"byte_fallback\":false,\"vocab\":["));
    for (size_t i = 0; i < own->count; i++) {
        size_t length = 0;
        const char *token = yo_vocab_text(&model->vocab, (int32_t)i, &length);
        YO_TRY(yo_bytes_text(out, i > 0 ? ",[" : "["));
        YO_TRY(yo_json_write_string(out, token, length));
        YO_TRY(yo_bytes_text(out, ","));
        YO_TRY(yo_json_write(out, &(yo_json){.kind = YO_JSON_NUMBER, .as.number = own->scores[i]}));
        YO_TRY(yo_bytes_text(out, "]"));
    }
    YO_TRY(yo_bytes_text(out, "]"));
    for (size_t i = 0; own->kinds != NULL && i < own->count; i++) {
        snprintf(text, sizeof text, "%s%d", i > 0 ? "," : ",\"kinds\":[", own->kinds[i]);
        YO_TRY(yo_bytes_text(out, text));
    }
    return yo_bytes_text(out, own->kinds != NULL ? "]}" : "}");
}

const yo_model_kind yo_model_unigram = {"Unigram", unigram_load, unigram_release, unigram_tokenize,
                                        unigram_write};
