/* Results: the records of a batch, written once and then only read. */
#ifndef YO_TEXT_ENCODING_H
#define YO_TEXT_ENCODING_H

#include "text/tokenizer.h"

/* Arrays that records lie in, one after another. Only ids, type_ids and masks unless full. */
typedef struct yo_store {
    int32_t *ids, *type_ids, *words, *sequences;
    uint8_t *attention, *special;
    yo_span *offsets;
    uint32_t *texts; /* 0: the vocabulary's string, else a place in own_texts plus 1 */
    size_t count, capacity;
    bool full;
    yo_bytes text;
    yo_span *own_texts;
    size_t own_count, own_room;
} yo_store;

yoso_status yo_store_reserve(yo_store *store, size_t more);
void yo_store_free(yo_store *store);

/* One sequence of tokens in a store. */
typedef struct yo_record {
    yo_store *store;
    size_t first, length;
    bool open; /* padding belongs to its sequence: nothing has told where that ends */
} yo_record;

/* What came of one input: its record and those that truncation cut off. */
typedef struct yo_result {
    size_t first_record, record_count; /* in the job's list */
    struct yo_job *job;
    size_t repairs; /* bytes sequences that were no UTF-8 */
} yo_result;

/* What one thread makes. */
typedef struct yo_job {
    yo_store store, padded;
    yo_record *records;
    size_t record_count, record_room;
} yo_job;

struct yoso_encoding {
    const yoso_tokenizer *tokenizer;
    yo_result *results;
    size_t count;
    yo_job *jobs;
    size_t job_count;
};

/* Appends the tokens of a window to the job's store and adds a record. */
yoso_status yo_write_window(yo_job *job, const yoso_tokenizer *tokenizer, yo_worker *worker,
                            yo_window window, bool codepoints, bool open);

/* The text of token number k of a record. */
const char *yo_record_token(const yoso_tokenizer *tokenizer, const yo_record *record, size_t k,
                            size_t *length);

#endif
