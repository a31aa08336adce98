/* Reading results: see encoding.h and yoso.h. */
#include "text/encoding.h"

#include <stdlib.h>

void yoso_encoding_free(yoso_encoding *e)
{
    if (e == NULL)
        return;
    for (size_t j = 0; j < e->job_count; j++) {
        yo_store_free(&e->jobs[j].store);
        yo_store_free(&e->jobs[j].padded);
        free(e->jobs[j].records);
    }
    free(e->jobs);
    free(e->results);
    free(e);
}

int64_t yoso_encoding_count(const yoso_encoding *e)
{
    return (int64_t)e->count;
}

static const yo_record *record_at(const yoso_encoding *e, int64_t input, int64_t window)
{
    if (input < 0 || (size_t)input >= e->count)
        return NULL;
    const yo_result *result = &e->results[input];
    if (window < 0 || (size_t)window >= result->record_count)
        return NULL;
    return &result->job->records[result->first_record + (size_t)window];
}

int64_t yoso_encoding_windows(const yoso_encoding *e, int64_t input)
{
    return input >= 0 && (size_t)input < e->count ? (int64_t)e->results[input].record_count : 0;
}

int64_t yoso_encoding_repairs(const yoso_encoding *e, int64_t input)
{
    return input >= 0 && (size_t)input < e->count ? (int64_t)e->results[input].repairs : 0;
}

int64_t yoso_encoding_length(const yoso_encoding *e, int64_t input, int64_t window)
{
    const yo_record *record = record_at(e, input, window);
    return record != NULL ? (int64_t)record->length : 0;
}

const int32_t *yoso_encoding_ids(const yoso_encoding *e, int64_t input, int64_t window)
{
    const yo_record *record = record_at(e, input, window);
    return record != NULL ? record->store->ids + record->first : NULL;
}

const int32_t *yoso_encoding_type_ids(const yoso_encoding *e, int64_t input, int64_t window)
{
    const yo_record *record = record_at(e, input, window);
    return record != NULL ? record->store->type_ids + record->first : NULL;
}

const uint8_t *yoso_encoding_attention_mask(const yoso_encoding *e, int64_t input, int64_t window)
{
    const yo_record *record = record_at(e, input, window);
    return record != NULL ? record->store->attention + record->first : NULL;
}

/* The record when it has everything, else NULL. */
static const yo_record *full_record(const yoso_encoding *e, int64_t input, int64_t window)
{
    const yo_record *record = record_at(e, input, window);
    return record != NULL && record->store->full ? record : NULL;
}

const uint8_t *yoso_encoding_special_tokens_mask(const yoso_encoding *e, int64_t input,
                                                 int64_t window)
{
    const yo_record *record = full_record(e, input, window);
    return record != NULL ? record->store->special + record->first : NULL;
}

const int32_t *yoso_encoding_word_ids(const yoso_encoding *e, int64_t input, int64_t window)
{
    const yo_record *record = full_record(e, input, window);
    return record != NULL ? record->store->words + record->first : NULL;
}

const int32_t *yoso_encoding_sequence_ids(const yoso_encoding *e, int64_t input, int64_t window)
{
    const yo_record *record = full_record(e, input, window);
    return record != NULL ? record->store->sequences + record->first : NULL;
}

const uint32_t *yoso_encoding_offsets(const yoso_encoding *e, int64_t input, int64_t window)
{
    const yo_record *record = full_record(e, input, window);
    return record != NULL ? &record->store->offsets[record->first].start : NULL;
}

const char *yo_record_token(const yoso_tokenizer *t, const yo_record *record, size_t k,
                            size_t *length)
{
    const yo_store *s = record->store;
    size_t at = record->first + k;
    if (s->full && s->texts[at] != 0) {
        yo_span own = s->own_texts[s->texts[at] - 1];
        *length = own.stop - own.start;
        return (const char *)s->text.data + own.start;
    }
    return yo_token_text(t, s->ids[at], length);
}

const char *yoso_encoding_token(const yoso_encoding *e, int64_t input, int64_t window,
                                int64_t index, int64_t *length)
{
    const yo_record *record = record_at(e, input, window);
    size_t bytes = 0;
    *length = 0;
    if (record == NULL || index < 0 || (size_t)index >= record->length)
        return NULL;
    const char *text = yo_record_token(e->tokenizer, record, (size_t)index, &bytes);
    *length = (int64_t)bytes;
    return text;
}

yoso_status yoso_encoding_tensor(yoso_tensor **out, const yoso_encoding *e, int32_t field)
{
    size_t length = e->count > 0 ? (size_t)yoso_encoding_length(e, 0, 0) : 0;
    for (size_t i = 1; i < e->count; i++) {
        if ((size_t)yoso_encoding_length(e, (int64_t)i, 0) != length)
            return yo_fail(YOSO_MISUSE,
                           "encode_batch: inputs 1 and %zu have %zu and %zu tokens; padding makes "
                           "them equal",
                           i + 1, length, (size_t)yoso_encoding_length(e, (int64_t)i, 0));
    }
    if (field < 0 || field > YOSO_FIELD_ATTENTION_MASK)
        return yo_fail(YOSO_MISUSE, "encode_batch: unknown field %d", field);
    int64_t shape[2] = {(int64_t)e->count, (int64_t)length};
    YO_TRY(yoso_tensor_new(out, YOSO_I64, YOSO_CPU, 2, shape));
    int64_t *data = yoso_tensor_data(*out);
    for (size_t i = 0; i < e->count; i++) {
        const yo_record *record = record_at(e, (int64_t)i, 0);
        const yo_store *s = record->store;
        int64_t *row = data + i * length;
        for (size_t k = 0; k < length; k++) {
            size_t at = record->first + k;
            row[k] = field == YOSO_FIELD_IDS        ? s->ids[at]
                     : field == YOSO_FIELD_TYPE_IDS ? s->type_ids[at]
                                                    : s->attention[at];
        }
    }
    return YOSO_OK;
}
