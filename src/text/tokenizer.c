/* Building a tokenizer from tokenizer.json, and what its other files do not do. */
#include "text/tokenizer.h"

#include <stdlib.h>

#include "text/encoding.h"

static yoso_status keep_json(yo_bytes *out, const yo_json *root, const char *key)
{
    const yo_json *value = yo_json_get(root, key);
    return value != NULL ? yo_json_write(out, value) : YOSO_OK;
}

/* Facts that follow from the parts together. */
static void conclude(yoso_tokenizer *t)
{
    const yo_pretokenizers *list = &t->pretokenizers;
    for (size_t i = 0; i < list->count; i++) {
        if (list->list[i].kind == YO_CUT_METASPACE && list->list[i].prepend == YO_PREPEND_FIRST)
            t->tracks = true;
    }
    if (list->count > 0) {
        const yo_pretokenizer *last = &list->list[list->count - 1];
        t->byte_level = last->kind == YO_CUT_BYTE_LEVEL && !last->add_prefix_space &&
                        yo_bpe_takes_bytes(&t->model);
    }
    for (size_t i = 0; i < t->added.count; i++) {
        size_t length = 0, shown = 0;
        const char *text = yo_vocab_text(&t->model.vocab, t->added.list[i].id, &length);
        const char *other = yo_token_text(t, t->added.list[i].id, &shown);
        t->shadowed =
            t->shadowed || (text != NULL && (length != shown || memcmp(text, other, length) != 0));
    }
    if (t->shadowed)
        return;
    /* Added tokens that are found in normal form need the whole text in normal form. */
    if (t->normalizers.count == 0 || t->added.normal.count == 0)
        t->chunking = yo_chunking_of(&t->normalizers, list, t->byte_level);
    if (t->added.normal.count == 0 && yo_chunk_joins(&t->normalizers, list, &t->model))
        t->chunking.kind = YO_CHUNK_JOINED;
    if (t->chunking.kind == YO_CHUNK_SPACES)
        t->plain = yo_plain_of(&t->normalizers, list);
    else if (t->chunking.kind == YO_CHUNK_JOINED)
        t->plain = yo_plain_joined(yo_chunk_mark, t->normalizers.count == 2);
}

static yoso_status build(yoso_tokenizer *t, const char *what, const yo_json *root)
{
    if (root->kind != YO_JSON_OBJECT)
        return yo_fail(YOSO_FORMAT, "%s: the file holds %s, must be an object", what,
                       yo_json_kind_name(root));
    const yo_json *model = yo_json_get(root, "model");
    if (model == NULL)
        return yo_fail(YOSO_FORMAT, "%s: model is missing", what);
    YO_TRY(yo_normalizers_load(&t->normalizers, yo_json_get(root, "normalizer")));
    YO_TRY(yo_pretokenizers_load(&t->pretokenizers, yo_json_get(root, "pre_tokenizer")));
    YO_TRY(yo_model_load(&t->model, model));
    YO_TRY(yo_added_load(&t->added, yo_json_get(root, "added_tokens"), &t->model, &t->normalizers));
    YO_TRY(yo_post_load(&t->post, yo_json_get(root, "post_processor")));
    YO_TRY(yo_decoders_load(&t->decoders, yo_json_get(root, "decoder")));
    YO_TRY(keep_json(&t->normalizer_json, root, "normalizer"));
    YO_TRY(keep_json(&t->pretokenizer_json, root, "pre_tokenizer"));
    YO_TRY(keep_json(&t->post_json, root, "post_processor"));
    YO_TRY(keep_json(&t->decoder_json, root, "decoder"));
    YO_TRY(keep_json(&t->truncation_json, root, "truncation"));
    YO_TRY(keep_json(&t->padding_json, root, "padding"));
    conclude(t);
    return YOSO_OK;
}

yoso_status yo_tokenizer_from_json(yoso_tokenizer **out, const char *what, char *text,
                                   size_t length)
{
    yo_json_document document = {0};
    yoso_status status = yo_json_read(&document, what, text, length);
    yoso_tokenizer *t = NULL;
    if (status == YOSO_OK) {
        t = calloc(1, sizeof *t);
        if (t == NULL || pthread_mutex_init(&t->lock, NULL) != 0) {
            free(t);
            t = NULL;
            status = yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory");
        }
    }
    if (status == YOSO_OK) {
        status = build(t, what, document.nodes);
        if (status != YOSO_OK && strncmp(yoso_error_message(), what, strlen(what)) != 0)
            yo_fail_within(status, "%s", what);
    }
    yo_json_free(&document);
    if (status != YOSO_OK) {
        yoso_tokenizer_free(t);
        return status;
    }
    *out = t;
    return YOSO_OK;
}

yoso_status yoso_tokenizer_from_json(yoso_tokenizer **out, const char *text, int64_t length)
{
    yo_bytes copy = {0};
    if (length < 0)
        return yo_fail(YOSO_MISUSE, "tokenizer: a text of %lld bytes", (long long)length);
    yoso_status status = yo_bytes_append(&copy, text, (size_t)length);
    if (status == YOSO_OK)
        status = yo_bytes_append(&copy, yo_json_pad, YO_JSON_PAD);
    if (status == YOSO_OK)
        status = yo_tokenizer_from_json(out, "tokenizer", (char *)copy.data, (size_t)length);
    yo_bytes_free(&copy);
    return status;
}

static void free_worker(yo_worker *worker)
{
    yo_scratch_free(&worker->scratch);
    free(worker->tokens.list);
    for (int i = 0; i < 2; i++) {
        yo_aligned_free(&worker->normal[i]);
        yo_aligned_free(&worker->stage[i]);
        free(worker->pieces[i].list);
        free(worker->segments[i].list);
        yo_sequence_free(&worker->sequence[i]);
    }
    yo_sequence_free(&worker->stretch);
    yo_word_cache_free(&worker->cache);
    yo_post_work_free(&worker->post);
    free(worker);
}

void yoso_tokenizer_free(yoso_tokenizer *t)
{
    if (t == NULL)
        return;
    while (t->workers != NULL) {
        yo_worker *worker = t->workers;
        t->workers = worker->next;
        free_worker(worker);
    }
    yo_normalizers_free(&t->normalizers);
    yo_pretokenizers_free(&t->pretokenizers);
    yo_model_free(&t->model);
    yo_added_free(&t->added);
    yo_post_free(&t->post);
    yo_decoders_free(&t->decoders);
    yo_bytes_free(&t->normalizer_json);
    yo_bytes_free(&t->pretokenizer_json);
    yo_bytes_free(&t->post_json);
    yo_bytes_free(&t->decoder_json);
    yo_bytes_free(&t->truncation_json);
    yo_bytes_free(&t->padding_json);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

yoso_status yo_worker_take(yo_worker **out, const yoso_tokenizer *tokenizer)
{
    yoso_tokenizer *t = (yoso_tokenizer *)tokenizer; /* the list of idle workers alone changes */
    pthread_mutex_lock(&t->lock);
    yo_worker *worker = t->workers;
    if (worker != NULL)
        t->workers = worker->next;
    pthread_mutex_unlock(&t->lock);
    if (worker == NULL)
        worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory");
    *out = worker;
    return YOSO_OK;
}

void yo_worker_give(yo_worker *worker, const yoso_tokenizer *tokenizer)
{
    yoso_tokenizer *t = (yoso_tokenizer *)tokenizer;
    pthread_mutex_lock(&t->lock);
    worker->next = t->workers;
    t->workers = worker;
    pthread_mutex_unlock(&t->lock);
}

const char *yo_token_text(const yoso_tokenizer *t, int32_t id, size_t *length)
{
    const yo_added_token *added = yo_added_by_id(&t->added, id);
    if (added == NULL)
        return yo_vocab_text(&t->model.vocab, id, length);
    *length = added->shown != NULL ? added->shown_length : added->length;
    return added->shown != NULL ? added->shown : added->content;
}

int64_t yoso_tokenizer_vocab_size(const yoso_tokenizer *t)
{
    size_t count = t->model.vocab.count;
    for (size_t i = 0; i < t->added.count; i++)
        count +=
            yo_vocab_find(&t->model.vocab, t->added.list[i].content, t->added.list[i].length) < 0;
    return (int64_t)count;
}

int32_t yoso_tokenizer_token_to_id(const yoso_tokenizer *t, const char *token, int64_t length)
{
    if (length < 0)
        return -1;
    int32_t id = yo_vocab_find(&t->added.vocab, token, (size_t)length);
    return id >= 0 ? id : yo_vocab_find(&t->model.vocab, token, (size_t)length);
}

const char *yoso_tokenizer_id_to_token(const yoso_tokenizer *t, int32_t id, int64_t *length)
{
    size_t bytes = 0;
    const char *text = yo_token_text(t, id, &bytes);
    *length = (int64_t)bytes;
    return text;
}

int32_t yoso_tokenizer_is_special(const yoso_tokenizer *t, int32_t id)
{
    size_t length = 0;
    const char *text = yo_token_text(t, id, &length);
    if (text == NULL)
        return 0;
    /* By its text, as the library does: a special token whose normal form differs is none. */
    const yo_vocab_entry *entry = yo_vocab_by_text(&t->added.vocab, text, length);
    return entry != NULL && t->added.list[entry - t->added.vocab.entries].was_special;
}

yoso_status yoso_tokenizer_decode(char **text, int64_t *length, const yoso_tokenizer *t,
                                  const int32_t *ids, int64_t count, int32_t skip_special)
{
    yo_texts tokens = {0};
    yo_bytes out = {0};
    yoso_status status = YOSO_OK;
    for (int64_t i = 0; i < count && status == YOSO_OK; i++) {
        size_t bytes = 0;
        const char *token = yo_token_text(t, ids[i], &bytes);
        if (token == NULL || (skip_special && yoso_tokenizer_is_special(t, ids[i])))
            continue; /* an unknown id is no token */
        status = yo_bytes_append(&tokens.bytes, token, bytes);
        if (status == YOSO_OK)
            status = yo_texts_close(&tokens);
    }
    if (status == YOSO_OK)
        status = yo_decode(&t->decoders, &tokens, &out);
    if (status == YOSO_OK)
        status = yo_bytes_append(&out, "", 1);
    yo_texts_free(&tokens);
    if (status != YOSO_OK) {
        yo_bytes_free(&out);
        return status;
    }
    *text = (char *)out.data;
    *length = (int64_t)out.length - 1;
    return YOSO_OK;
}

void yoso_text_free(char *text)
{
    free(text);
}
