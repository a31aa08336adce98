/* Loading added tokens and finding them in text: see added.h. */
#include "text/added.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "text/unicode.h"

yoso_status yo_added_add(yo_added *added, const yo_added_token *token, const yo_model *model)
{
    if (token->length == 0)
        return YOSO_OK;
    const yo_vocab_entry *known = yo_vocab_by_text(&added->vocab, token->content, token->length);
    int32_t size = (int32_t)model->vocab_size, last = added->count > 0 ? added->last : -1;
    int32_t id =
        known != NULL ? known->id : yo_vocab_find(&model->vocab, token->content, token->length);
    if (id < 0)
        id = last >= size || (size == 0 && last >= 0) ? last + 1 : size;
    if (known == NULL) {
        char *content = malloc(token->length + 1);
        if (content == NULL)
            return yo_fail(YOSO_NO_MEMORY, "added_tokens: no memory");
        memcpy(content, token->content, token->length);
        content[token->length] = '\0';
        yoso_status status =
            yo_grow((void **)&added->list, &added->capacity, added->count + 1, sizeof *added->list);
        if (status == YOSO_OK)
            status = yo_vocab_add(&added->vocab, token->content, token->length, id);
        if (status != YOSO_OK) {
            free(content);
            return status;
        }
        added->list[added->count++] = (yo_added_token){.content = content};
        known = &added->vocab.entries[added->vocab.count - 1];
    }
    yo_added_token *place = &added->list[known - added->vocab.entries];
    char *content = place->content;
    bool was_special = place->was_special;
    *place = *token; /* the latest flags of equal tokens count */
    place->was_special = was_special || token->special;
    place->content = content;
    place->shown = NULL;
    place->id = id;
    added->last = id > last ? id : last;
    return YOSO_OK;
}

yoso_status yo_added_load(yo_added *added, const yo_json *json, const yo_model *model,
                          const yo_normalizers *normalizers)
{
    if (json != NULL && json->kind != YO_JSON_ARRAY)
        return yo_fail(YOSO_FORMAT, "added_tokens is %s, must be a list", yo_json_kind_name(json));
    const yo_json *item = json != NULL ? json + 1 : NULL;
    for (uint32_t i = 0; json != NULL && i < json->count; i++, item = yo_json_next(item)) {
        const yo_json *content;
        char where[40];
        snprintf(where, sizeof where, "added_tokens: %u", i + 1);
        YO_TRY(yo_json_need(item, where, "content", YO_JSON_STRING, &content));
        yo_added_token token = {.content = (char *)content->as.text, .length = content->count};
        YO_TRY(yo_json_bool(item, where, "single_word", &token.single_word));
        YO_TRY(yo_json_bool(item, where, "lstrip", &token.lstrip));
        YO_TRY(yo_json_bool(item, where, "rstrip", &token.rstrip));
        YO_TRY(yo_json_bool(item, where, "special", &token.special));
        token.normalized = !token.special;
        YO_TRY(yo_json_bool(item, where, "normalized", &token.normalized));
        YO_TRY(yo_added_add(added, &token, model));
    }
    return yo_added_finish(added, normalizers);
}

/* Puts the content in normal form, as normalized text will have it, into *form. */
static yoso_status normal_form(yo_added_token *token, const yo_normalizers *normalizers,
                               yo_trie_string *form)
{
    yo_view_text text = {(const uint8_t *)token->content, token->length, NULL, false, 0};
    yo_aligned work[2] = {0}, out = {0};
    yoso_status status = yo_normalize(normalizers, &text, 0, work, &out);
    if (status == YOSO_OK && out.bytes.length > 0) {
        free(token->shown);
        token->shown = (char *)out.bytes.data;
        token->shown_length = out.bytes.length;
        out.bytes = (yo_bytes){0};
        form->text = (const uint8_t *)token->shown;
        form->length = (uint32_t)token->shown_length;
    }
    yo_aligned_free(&work[0]);
    yo_aligned_free(&work[1]);
    yo_aligned_free(&out);
    return status;
}

static yoso_status fill_set(yo_added_set *set, yo_trie_string *strings, size_t count)
{
    set->count = count;
    YO_TRY(yo_trie_build(&set->trie, strings, count));
    for (unsigned byte = 0; byte < 256; byte++) {
        if (yo_trie_child(&set->trie, 0, (uint8_t)byte) == 0)
            continue;
        if (set->first_count < 4)
            set->first[set->first_count] = (uint8_t)byte;
        set->first_count++;
    }
    return YOSO_OK;
}

yoso_status yo_added_finish(yo_added *added, const yo_normalizers *normalizers)
{
    yo_trie_string *raw = malloc((2 * added->count + 1) * sizeof *raw);
    yo_trie_string *normal = raw + added->count;
    size_t raw_count = 0, normal_count = 0;
    if (raw == NULL || added->count >= YO_TRIE_VALUES) {
        free(raw);
        return yo_fail(YOSO_NO_MEMORY, "added_tokens: no memory for %zu tokens", added->count);
    }
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < added->count && status == YOSO_OK; i++) {
        yo_added_token *token = &added->list[i];
        yo_trie_string string = {(const uint8_t *)token->content, (uint32_t)token->length,
                                 (int32_t)i};
        if (token->normalized) {
            string.length = 0;
            status = normal_form(token, normalizers, &string);
            if (string.length > 0)
                normal[normal_count++] = string;
        } else {
            raw[raw_count++] = string;
        }
    }
    if (status == YOSO_OK)
        status = fill_set(&added->raw, raw, raw_count);
    if (status == YOSO_OK)
        status = fill_set(&added->normal, normal, normal_count);
    free(raw);
    return status == YOSO_OK ? yo_vocab_finish(&added->vocab) : status;
}

void yo_added_free(yo_added *added)
{
    for (size_t i = 0; i < added->count; i++) {
        free(added->list[i].content);
        free(added->list[i].shown);
    }
    free(added->list);
    yo_vocab_free(&added->vocab);
    yo_trie_free(&added->raw.trie);
    yo_trie_free(&added->normal.trie);
    *added = (yo_added){0};
}

const yo_added_token *yo_added_by_id(const yo_added *added, int32_t id)
{
    const yo_vocab_entry *entry = yo_vocab_by_id(&added->vocab, id);
    return entry != NULL ? &added->list[entry - added->vocab.entries] : NULL;
}

/* Whether the characters around text[start .. stop) let a single word be one. */
static bool stands_alone(const yo_view_text *text, size_t low, size_t start, size_t stop,
                         size_t high)
{
    uint32_t size;
    if (start > low && yo_is(yo_utf8_before(text->data, start, &size), YO_WORD))
        return false;
    return stop == high || !yo_is(yo_utf8_decode(text->data + stop, &size), YO_WORD);
}

static yoso_status add_piece(const yo_view_text *text, size_t start, size_t stop, int32_t token,
                             yo_pieces *out)
{
    if (start >= stop)
        return YOSO_OK;
    uint32_t from = text->tracked ? yo_original(text, start, start + 1).start : 0;
    return yo_pieces_add(out, (yo_piece){start, stop, from, token});
}

/* The first place from `at` on at which a token may begin. */
static size_t next_start(const yo_added_set *set, const uint8_t *text, size_t at, size_t stop)
{
#ifdef __SSE2__
    if (set->first_count <= 4) {
        __m128i wanted[4];
        for (size_t k = 0; k < 4; k++)
            wanted[k] = _mm_set1_epi8((char)set->first[k < set->first_count ? k : 0]);
        for (; at + 16 <= stop; at += 16) {
            __m128i block = _mm_loadu_si128((const __m128i *)(text + at));
            __m128i a =
                _mm_or_si128(_mm_cmpeq_epi8(block, wanted[0]), _mm_cmpeq_epi8(block, wanted[1]));
            __m128i b =
                _mm_or_si128(_mm_cmpeq_epi8(block, wanted[2]), _mm_cmpeq_epi8(block, wanted[3]));
            int found = _mm_movemask_epi8(_mm_or_si128(a, b));
            if (found != 0)
                return at + (size_t)__builtin_ctz((unsigned)found);
        }
    }
#endif
    while (at < stop && yo_trie_child(&set->trie, 0, text[at]) == 0)
        at++;
    return at;
}

yoso_status yo_added_cut(const yo_added *added, const yo_added_set *set, const yo_view_text *text,
                         size_t start, size_t stop, bool skip_special, yo_pieces *out)
{
    size_t done = start, at = start, taken = 0;
    uint32_t size;
    while ((at = next_start(set, text->data, at, stop)) < stop) {
        int32_t index = yo_trie_longest(&set->trie, text->data + at, stop - at, &taken);
        if (index < 0) {
            at++;
            continue;
        }
        const yo_added_token *token = &added->list[index];
        size_t first = at, last = at + taken;
        at = last;
        if ((skip_special && token->was_special) ||
            (token->single_word && !stands_alone(text, start, first, last, stop)))
            continue;
        if (token->lstrip) {
            while (first > start && yo_is(yo_utf8_before(text->data, first, &size), YO_SPACE))
                first -= size;
            if (first < done) /* those spaces belong to the token before */
                first = done;
        }
        if (token->rstrip) {
            while (last < stop && yo_is(yo_utf8_decode(text->data + last, &size), YO_SPACE))
                last += size;
        }
        YO_TRY(add_piece(text, done, first, -1, out));
        YO_TRY(add_piece(text, first, last, token->id, out));
        done = last;
    }
    return add_piece(text, done, stop, -1, out);
}

static const char *truth(bool value)
{
    return value ? "true" : "false";
}

yoso_status yo_added_write(const yo_added *added, yo_bytes *out)
{
    uint32_t *order;
    YO_TRY(yo_bytes_text(out, "["));
    YO_TRY(yo_vocab_sorted(&added->vocab, &order));
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < added->vocab.count && status == YOSO_OK; i++) {
        const yo_added_token *token = &added->list[order[i]];
        char text[200];
        snprintf(text, sizeof text, "%s{\"id\":%d,\"content\":", i > 0 ? "," : "", token->id);
        status = yo_bytes_text(out, text);
        if (status == YOSO_OK)
            status = yo_json_write_string(out, token->content, token->length);
        snprintf(
            text, sizeof text,
            ",\"single_word\":%s,\"lstrip\":%s,\"rstrip\":%s,\"normalized\":%s,\"special\":%s}",
            truth(token->single_word), truth(token->lstrip), truth(token->rstrip),
            truth(token->normalized), truth(token->special));
        if (status == YOSO_OK)
            status = yo_bytes_text(out, text);
    }
    free(order);
    return status == YOSO_OK ? yo_bytes_text(out, "]") : status;
}
