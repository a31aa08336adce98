/* The BPE model: its vocabulary and merges, and how characters become the first symbols. */
#include "text/bpe.h"

#include <stdio.h>
#include <stdlib.h>

#include "text/bytelevel.h"
#include "text/utf8.h"

static yoso_status keep(char **copy, size_t *length, const char *text, size_t bytes)
{
    *length = bytes;
    if (text == NULL)
        return YOSO_OK;
    *copy = malloc(bytes + 1);
    if (*copy == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory for %zu bytes", bytes);
    memcpy(*copy, text, bytes);
    (*copy)[bytes] = '\0';
    return YOSO_OK;
}

/* The two halves of a merge: ["a", "b"] or "a b". */
static yoso_status halves(const yo_json *merge, uint32_t index, yo_vocab_query part[2])
{
    if (merge->kind == YO_JSON_ARRAY && merge->count == 2 && merge[1].kind == YO_JSON_STRING &&
        merge[2].kind == YO_JSON_STRING) {
        for (int k = 0; k < 2; k++)
            part[k] = (yo_vocab_query){merge[k + 1].as.text, merge[k + 1].count, -1};
        return YOSO_OK;
    }
    const char *space =
        merge->kind == YO_JSON_STRING ? memchr(merge->as.text, ' ', merge->count) : NULL;
    size_t first = space != NULL ? (size_t)(space - merge->as.text) : 0;
    if (space == NULL || memchr(space + 1, ' ', merge->count - first - 1) != NULL)
        return yo_fail(YOSO_FORMAT, "model: merge %u is not two tokens with a space between",
                       index + 1);
    part[0] = (yo_vocab_query){merge->as.text, first, -1};
    part[1] = (yo_vocab_query){space + 1, merge->count - first - 1, -1};
    return YOSO_OK;
}

static void put_pair(yo_bpe *bpe, yo_bpe_merge merge, uint64_t value)
{
    uint64_t key = yo_bpe_key(merge.left, merge.right), hash = yo_bpe_hash(key);
    size_t mask = bpe->pair_slots - 1, i = yo_bpe_slot(bpe, hash), bit = yo_bpe_bit(bpe, hash);
    bpe->may_merge[bit / 64] |= (uint64_t)1 << bit % 64;
    while (bpe->pairs[i].key != 0 && bpe->pairs[i].key != key)
        i = (i + 1) & mask;
    bpe->pairs[i] = (yo_bpe_pair){key, value};
}

enum { SOME = 64 }; /* merges looked up at once */

/* Where merge number `index` says what cannot be; `text` may be cut for the message. */
static yoso_status not_there(uint32_t index, const char *verb, const void *text, size_t length)
{
    return yo_fail(YOSO_FORMAT, "model: merge %u%s \"%.*s\", which is not in the vocabulary",
                   index + 1, verb, (int)(length < 80 ? length : 80), (const char *)text);
}

/* Adds merges number first to first + count; `merge` is the node of the first. */
static yoso_status load_some(const yo_model *model, yo_bpe *bpe, const yo_json *merge,
                             uint32_t first, uint32_t count, yo_bytes *joined)
{
    yo_vocab_query halves_of[2 * SOME], whole[SOME];
    size_t starts[SOME + 1] = {0};
    joined->length = 0;
    for (uint32_t i = 0; i < count; i++, merge = yo_json_next(merge)) {
        yo_vocab_query *part = &halves_of[2 * i];
        size_t prefix = bpe->prefix_length;
        YO_TRY(halves(merge, first + i, part));
        if (part[1].length < prefix)
            return yo_fail(YOSO_FORMAT, "model: merge %u: \"%.*s\" is shorter than the prefix",
                           first + i + 1, (int)part[1].length, (const char *)part[1].text);
        YO_TRY(yo_bytes_append(joined, part[0].text, part[0].length));
        YO_TRY(
            yo_bytes_append(joined, (const char *)part[1].text + prefix, part[1].length - prefix));
        starts[i + 1] = joined->length;
    }
    for (uint32_t i = 0; i < count; i++)
        whole[i] = (yo_vocab_query){joined->data + starts[i], starts[i + 1] - starts[i], -1};
    yo_vocab_find_all(&model->vocab, halves_of, 2 * count);
    yo_vocab_find_all(&model->vocab, whole, count);
    for (uint32_t i = 0; i < count; i++) {
        for (int k = 0; k < 2; k++) {
            const yo_vocab_query *half = &halves_of[2 * i + k];
            if (half->id < 0)
                return not_there(first + i, ":", half->text, half->length);
        }
        if (whole[i].id < 0)
            return not_there(first + i, " makes", whole[i].text, whole[i].length);
        yo_bpe_merge *ids = &bpe->merges[first + i];
        *ids = (yo_bpe_merge){halves_of[2 * i].id, halves_of[2 * i + 1].id};
        __builtin_prefetch(
            &bpe->pairs[yo_bpe_slot(bpe, yo_bpe_hash(yo_bpe_key(ids->left, ids->right)))]);
    }
    for (uint32_t i = 0; i < count; i++)
        put_pair(bpe, bpe->merges[first + i], (uint64_t)(first + i) << 32 | (uint32_t)whole[i].id);
    bpe->merge_count = first + count;
    return YOSO_OK;
}

static yoso_status load_merges(yo_model *model, yo_bpe *bpe, const yo_json *merges)
{
    yo_bytes joined = {0};
    YO_TRY(
        yo_grow((void **)&bpe->merges, &bpe->merge_room, merges->count + 1, sizeof *bpe->merges));
    bpe->pair_slots = 16;
    while (bpe->pair_slots < 2 * (size_t)merges->count)
        bpe->pair_slots *= 2;
    bpe->pairs = calloc(bpe->pair_slots, sizeof *bpe->pairs);
    bpe->may_merge = calloc(bpe->pair_slots / 8, sizeof *bpe->may_merge);
    if (bpe->pairs == NULL || bpe->may_merge == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory for %u merges", merges->count);
    const yo_json *merge = merges + 1;
    yoso_status status = YOSO_OK;
    for (uint32_t i = 0; i < merges->count && status == YOSO_OK; i += SOME) {
        uint32_t count = merges->count - i < SOME ? merges->count - i : SOME;
        status = load_some(model, bpe, merge, i, count, &joined);
        for (uint32_t k = 0; k < count && status == YOSO_OK; k++)
            merge = yo_json_next(merge);
    }
    yo_bytes_free(&joined);
    return status;
}

static void find_bytes(const yo_model *model, yo_bpe *bpe)
{
    bpe->takes_bytes = bpe->prefix == NULL && bpe->suffix == NULL;
    for (int byte = 0; byte < 256; byte++) {
        char name[8];
        uint8_t character[4];
        snprintf(name, sizeof name, "<0x%02X>", byte);
        bpe->fallback[byte] = yo_vocab_find(&model->vocab, name, 6);
        uint32_t size = yo_utf8_encode(character, yo_byte_character((uint8_t)byte));
        bpe->byte_token[byte] = yo_vocab_find(&model->vocab, character, size);
        if (bpe->byte_token[byte] < 0)
            bpe->takes_bytes = false;
    }
}

static yoso_status fill_byte_merges(yo_bpe *bpe)
{
    bpe->byte_merges = malloc(65536 * sizeof *bpe->byte_merges);
    if (bpe->byte_merges == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    memset(bpe->byte_merges, 0xFF, 65536 * sizeof *bpe->byte_merges);
    enum { SLOTS = 1024 };
    uint16_t byte_of[SLOTS] = {0}; /* by the token's id: the byte, plus 1 */
    for (unsigned byte = 0; byte < 256; byte++) {
        unsigned slot = (unsigned)bpe->byte_token[byte] % SLOTS;
        while (byte_of[slot] != 0)
            slot = (slot + 1) % SLOTS;
        byte_of[slot] = (uint16_t)(byte + 1);
    }
    for (size_t i = 0; i < bpe->merge_count; i++) {
        const int32_t ids[2] = {bpe->merges[i].left, bpe->merges[i].right};
        unsigned bytes[2], found = 0;
        for (unsigned k = 0; k < 2 && found == k; k++) {
            unsigned slot = (unsigned)ids[k] % SLOTS;
            for (; byte_of[slot] != 0 && found == k; slot = (slot + 1) % SLOTS) {
                bytes[k] = byte_of[slot] - 1u;
                found += bpe->byte_token[bytes[k]] == ids[k];
            }
        }
        if (found == 2)
            bpe->byte_merges[bytes[0] << 8 | bytes[1]] = yo_bpe_find(bpe, ids[0], ids[1]);
    }
    return YOSO_OK;
}

static yoso_status bpe_load(yo_model *model, const yo_json *json)
{
    yo_bpe *bpe = calloc(1, sizeof *bpe);
    if (bpe == NULL)
        return yo_fail(YOSO_NO_MEMORY, "model: no memory");
    model->own = bpe;
    const yo_json *merges;
    const char *text;
    size_t length;
    YO_TRY(yo_model_load_vocab(model, json));
    YO_TRY(yo_json_string(json, "model", "continuing_subword_prefix", &text, &length));
    YO_TRY(keep(&bpe->prefix, &bpe->prefix_length, text, length));
    YO_TRY(yo_json_string(json, "model", "end_of_word_suffix", &text, &length));
    YO_TRY(keep(&bpe->suffix, &bpe->suffix_length, text, length));
    YO_TRY(yo_json_bool(json, "model", "fuse_unk", &bpe->fuse_unk));
    YO_TRY(yo_json_bool(json, "model", "byte_fallback", &bpe->byte_fallback));
    YO_TRY(yo_json_bool(json, "model", "ignore_merges", &bpe->ignore_merges));
    YO_TRY(yo_json_string(json, "model", "unk_token", &text, &length));
    char *unk = NULL;
    YO_TRY(keep(&unk, &length, text, length));
    model->unk = unk;
    if (text != NULL)
        model->unk_id = yo_vocab_find(&model->vocab, text, length);
    YO_TRY(yo_json_need(json, "model", "merges", YO_JSON_ARRAY, &merges));
    YO_TRY(load_merges(model, bpe, merges));
    find_bytes(model, bpe);
    return bpe->takes_bytes ? fill_byte_merges(bpe) : YOSO_OK;
}

static void bpe_release(yo_model *model)
{
    yo_bpe *bpe = model->own;
    free((char *)model->unk);
    if (bpe == NULL)
        return;
    free(bpe->merges);
    free(bpe->pairs);
    free(bpe->may_merge);
    free(bpe->byte_merges);
    free(bpe->prefix);
    free(bpe->suffix);
    free(bpe);
}

/* The symbols of a piece, character by character, before any merge. */
typedef struct first_symbols {
    yo_symbol *list;
    size_t count;
    bool unknown; /* an unknown token waits to be added, or to be fused with the next */
    uint32_t unknown_length;
} first_symbols;

static void put(first_symbols *symbols, int32_t id, uint32_t length)
{
    symbols->list[symbols->count++] = (yo_symbol){.id = id, .length = length};
}

static void flush_unknown(first_symbols *symbols, int32_t unk_id)
{
    if (symbols->unknown)
        put(symbols, unk_id, symbols->unknown_length);
    symbols->unknown = false;
}

/* The token of each byte of a character that has none of its own; false when one is missing. */
static bool put_bytes(const yo_bpe *bpe, first_symbols *symbols, const uint8_t *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bpe->fallback[text[i]] < 0)
            return false;
    }
    for (size_t i = 0; i < length; i++)
        put(symbols, bpe->fallback[text[i]], 1);
    return true;
}

static yoso_status bpe_tokenize(const yo_model *model, yo_scratch *scratch, const uint8_t *piece,
                                size_t length, yo_tokens *tokens)
{
    const yo_bpe *bpe = model->own;
    if (bpe->ignore_merges) {
        int32_t id = yo_vocab_find(&model->vocab, piece, length);
        if (id >= 0)
            return yo_tokens_add(tokens, id, 0, length, false);
    }
    first_symbols symbols = {0};
    YO_TRY(yo_bpe_symbols(scratch, length + bpe->prefix_length + bpe->suffix_length + 1,
                          &symbols.list));
    for (size_t at = 0; at < length;) {
        uint32_t size = yo_utf8_size(piece[at]);
        const uint8_t *text = piece + at;
        size_t text_length = size;
        bool first = at == 0, last = at + size == length;
        if ((!first && bpe->prefix != NULL) || (last && bpe->suffix != NULL)) {
            scratch->bytes.length = 0;
            if (!first)
                YO_TRY(yo_bytes_append(&scratch->bytes, bpe->prefix, bpe->prefix_length));
            YO_TRY(yo_bytes_append(&scratch->bytes, piece + at, size));
            if (last)
                YO_TRY(yo_bytes_append(&scratch->bytes, bpe->suffix, bpe->suffix_length));
            text = scratch->bytes.data;
            text_length = scratch->bytes.length;
        }
        at += size;
        int32_t id = yo_vocab_find(&model->vocab, text, text_length);
        if (id >= 0) {
            flush_unknown(&symbols, model->unk_id);
            put(&symbols, id, size);
            continue;
        }
        if (bpe->byte_fallback) {
            /* An affix's bytes become tokens too; the library counts them, and so do we. */
            if (text_length > size)
                YO_TRY(yo_bpe_symbols(scratch,
                                      symbols.count + text_length + length - at +
                                          bpe->suffix_length + 1 + size,
                                      &symbols.list));
            if (put_bytes(bpe, &symbols, text, text_length))
                continue;
        }
        if (model->unk == NULL)
            continue; /* dropped, and what follows moves left: the library's way */
        if (model->unk_id < 0)
            return yo_fail(YOSO_FORMAT, "encode: the unknown token \"%s\" is not in the vocabulary",
                           model->unk);
        if (symbols.unknown && bpe->fuse_unk) {
            symbols.unknown_length += size;
        } else {
            flush_unknown(&symbols, model->unk_id);
            symbols.unknown = true;
            symbols.unknown_length = size;
        }
    }
    flush_unknown(&symbols, model->unk_id);
    return yo_bpe_merge_all(bpe, scratch, symbols.list, symbols.count, tokens);
}

bool yo_bpe_takes_bytes(const yo_model *model)
{
    return model->kind == &yo_model_bpe && ((const yo_bpe *)model->own)->takes_bytes;
}

yoso_status yo_bpe_tokenize_bytes(const yo_model *model, yo_scratch *scratch, const uint8_t *piece,
                                  size_t length, yo_tokens *tokens)
{
    const yo_bpe *bpe = model->own;
    if (bpe->ignore_merges) {
        scratch->bytes.length = 0;
        YO_TRY(yo_bytes_reserve(&scratch->bytes, 2 * length));
        for (size_t i = 0; i < length; i++)
            YO_TRY(yo_bytes_character(&scratch->bytes, yo_byte_character(piece[i])));
        int32_t id = yo_vocab_find(&model->vocab, scratch->bytes.data, scratch->bytes.length);
        if (id >= 0)
            return yo_tokens_add(tokens, id, 0, length, false);
    }
    return yo_bpe_merge_bytes(bpe, scratch, piece, length, tokens);
}

static yoso_status write_option(yo_bytes *out, const char *key, const char *text)
{
    YO_TRY(yo_bytes_text(out, key));
    if (text == NULL)
        return yo_bytes_text(out, "null,");
    YO_TRY(yo_json_write_string(out, text, strlen(text)));
    return yo_bytes_text(out, ",");
}

static yoso_status bpe_write(const yo_model *model, yo_bytes *out)
{
    const yo_bpe *bpe = model->own;
    YO_TRY(yo_bytes_text(out, "{\"type\":\"BPE\",\"dropout\":null,"));
    YO_TRY(write_option(out, "\"unk_token\":", model->unk));
    YO_TRY(write_option(out, "\"continuing_subword_prefix\":", bpe->prefix));
    YO_TRY(write_option(out, "\"end_of_word_suffix\":", bpe->suffix));
    YO_TRY(yo_bytes_text(out, bpe->fuse_unk ? "\"fuse_unk\":true," : "\"fuse_unk\":false,"));
    YO_TRY(yo_bytes_text(out, bpe->byte_fallback ? "\"byte_fallback\":true,"
                                                 : "\"byte_fallback\":false,"));
    YO_TRY(yo_bytes_text(out, bpe->ignore_merges ? "\"ignore_merges\":true,"
                                                 : "\"ignore_merges\":false,"));
    YO_TRY(yo_model_write_vocab(model, out));
    YO_TRY(yo_bytes_text(out, ",\"merges\":["));
    for (size_t i = 0; i < bpe->merge_count; i++) {
        const int32_t ids[2] = {bpe->merges[i].left, bpe->merges[i].right};
        for (int k = 0; k < 2; k++) {
            size_t length = 0;
            const char *text = yo_vocab_text(&model->vocab, ids[k], &length);
            YO_TRY(yo_bytes_text(out, k > 0 ? "," : i > 0 ? ",[" : "["));
            YO_TRY(yo_json_write_string(out, text, length));
        }
        YO_TRY(yo_bytes_text(out, "]"));
    }
    return yo_bytes_text(out, "]}");
}

const yo_model_kind yo_model_bpe = {"BPE", bpe_load, bpe_release, bpe_tokenize, bpe_write};
