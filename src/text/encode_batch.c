/* yoso_encode: inputs to records, on several threads, then padding. */
#include <stdlib.h>

#include "core/threads.h"
#include "text/encoding.h"

/* One input: the texts (or words) of a sequence and perhaps of a second. */
typedef struct input {
    const char *const *texts[2];
    const int64_t *lengths[2];
    size_t counts[2];
    bool pair, by_word;
} input;

typedef struct batch {
    const yoso_tokenizer *tokenizer;
    const yoso_encode_options *options;
    yo_truncation truncation;
    yoso_encoding *out;
} batch;

/* How many tokens of a single text truncation can ask for when what it cuts off is dropped; 0 when
 * the number of all tokens counts. */
static size_t limit_of(const batch *b, bool pair)
{
    const yo_truncation *t = &b->truncation;
    size_t added = b->options->add_special_tokens ? yo_post_added(&b->tokenizer->post, false) : 0;
    bool limited = t->on && !t->left && !pair && !b->options->overflow && t->max_length >= added;
    return limited ? t->max_length - added + 1 : 0;
}

static yoso_status write_window(const batch *b, yo_job *job, yo_worker *worker, yo_window window)
{
    bool open = b->tokenizer->post.count == 0 && yo_post_untold(&worker->post, window);
    return yo_write_window(job, b->tokenizer, worker, window, b->options->codepoints != 0, open);
}

static yoso_status encode_one(const batch *b, yo_job *job, yo_worker *worker, const input *in,
                              yo_result *result)
{
    const yoso_tokenizer *t = b->tokenizer;
    const yoso_encode_options *o = b->options;
    size_t lengths[2] = {0, SIZE_MAX};
    result->job = job;
    result->first_record = job->record_count;
    for (int k = 0; k < (in->pair ? 2 : 1); k++) {
        yo_sequence *sequence = &worker->sequence[k];
        yo_sequence_clear(sequence, o->full != 0);
        sequence->limit = limit_of(b, in->pair);
        YO_TRY(yo_sequence_sources(sequence, in->texts[k], in->lengths[k], in->counts[k],
                                   in->by_word));
        for (size_t i = 0; i < in->counts[k] && !yo_sequence_enough(sequence); i++)
            YO_TRY(yo_encode_source(t, worker, sequence, i, o->encode_special_tokens != 0));
        lengths[k] = sequence->count;
        if (sequence->count > UINT32_MAX)
            return yo_fail(YOSO_MISUSE, "encode: %zu tokens are too many", sequence->count);
        result->repairs += sequence->repair_count;
    }
    yo_post_work *post = &worker->post;
    yo_group group;
    post->part_count = post->window_count = 0;
    size_t added = o->add_special_tokens ? yo_post_added(&t->post, in->pair) : 0;
    YO_TRY(yo_truncate(post, &post->groups[0], &b->truncation, lengths, added));
    YO_TRY(yo_post_run(&t->post, post, o->add_special_tokens != 0, &group));
    YO_TRY(write_window(b, job, worker, group.window));
    for (size_t i = 0; o->overflow && i < group.overflow_count; i++)
        YO_TRY(write_window(b, job, worker, post->windows[group.first_overflow + i]));
    result->record_count = job->record_count - result->first_record;
    return YOSO_OK;
}

/* -- Padding --------------------------------------------------------------------------------- */

typedef struct padding {
    size_t length;
    bool left;
    int32_t id, type_id;
    const char *token;
} padding;

static void fill(yo_store *s, const padding *p, size_t count, int32_t sequence, uint32_t text)
{
    for (size_t i = s->count; i < s->count + count; i++) {
        s->ids[i] = p->id;
        s->type_ids[i] = p->type_id;
        s->attention[i] = 0;
        if (s->full) {
            s->special[i] = 1;
            s->words[i] = -1;
            s->sequences[i] = sequence;
            s->offsets[i] = (yo_span){0, 0};
            s->texts[i] = text;
        }
    }
    s->count += count;
}

static void copy_record(yo_store *to, const yo_store *from, size_t first, size_t length)
{
    size_t at = to->count;
    memcpy(to->ids + at, from->ids + first, length * sizeof *to->ids);
    memcpy(to->type_ids + at, from->type_ids + first, length * sizeof *to->type_ids);
    memcpy(to->attention + at, from->attention + first, length);
    if (to->full) {
        memcpy(to->special + at, from->special + first, length);
        memcpy(to->words + at, from->words + first, length * sizeof *to->words);
        memcpy(to->sequences + at, from->sequences + first, length * sizeof *to->sequences);
        memcpy(to->offsets + at, from->offsets + first, length * sizeof *to->offsets);
        memcpy(to->texts + at, from->texts + first, length * sizeof *to->texts);
    }
    to->count += length;
}

/* Copies the records of a job into its second store, each padded. */
static yoso_status pad_job(yo_job *job, const padding *p)
{
    yo_store *from = &job->store, *to = &job->padded;
    to->full = from->full;
    size_t total = 0;
    for (size_t i = 0; i < job->record_count; i++)
        total += job->records[i].length > p->length ? job->records[i].length : p->length;
    YO_TRY(yo_store_reserve(to, total));
    /* The pad token's text goes behind the other texts. */
    to->text = from->text;
    to->own_texts = from->own_texts;
    to->own_count = from->own_count;
    to->own_room = from->own_room;
    from->text = (yo_bytes){0};
    from->own_texts = NULL;
    if (to->full) {
        YO_TRY(yo_grow((void **)&to->own_texts, &to->own_room, to->own_count + 1,
                       sizeof *to->own_texts));
        uint32_t start = (uint32_t)to->text.length;
        YO_TRY(yo_bytes_text(&to->text, p->token));
        to->own_texts[to->own_count++] = (yo_span){start, (uint32_t)to->text.length};
    }
    for (size_t i = 0; i < job->record_count; i++) {
        yo_record *record = &job->records[i];
        size_t first = to->count, length = record->length;
        size_t missing = length < p->length ? p->length - length : 0;
        int32_t sequence = record->open ? 0 : -1;
        if (p->left)
            fill(to, p, missing, sequence, (uint32_t)to->own_count);
        if (length > 0)
            copy_record(to, from, record->first, length);
        if (!p->left)
            fill(to, p, missing, sequence, (uint32_t)to->own_count);
        *record = (yo_record){to, first, length + missing, record->open};
    }
    yo_store_free(from);
    return YOSO_OK;
}

static yoso_status pad(const batch *b)
{
    const yoso_encode_options *o = b->options;
    yoso_encoding *out = b->out;
    if (o->padding == YOSO_PAD_NONE)
        return YOSO_OK;
    padding p = {.length = (size_t)o->pad_length,
                 .left = o->pad_left != 0,
                 .id = o->pad_id,
                 .type_id = o->pad_type_id,
                 .token = o->pad_token != NULL ? o->pad_token : "[PAD]"};
    if (o->padding == YOSO_PAD_LONGEST) {
        p.length = 0;
        for (size_t i = 0; i < out->count; i++) {
            const yo_record *record = &out->results[i].job->records[out->results[i].first_record];
            if (record->length > p.length)
                p.length = record->length;
        }
    }
    size_t multiple = o->pad_multiple > 0 ? (size_t)o->pad_multiple : 1;
    if (p.length % multiple > 0)
        p.length += multiple - p.length % multiple;
    for (size_t j = 0; j < out->job_count; j++)
        YO_TRY(pad_job(&out->jobs[j], &p));
    return YOSO_OK;
}

/* -- The batch ------------------------------------------------------------------------------- */

static yoso_status check(batch *b)
{
    const yoso_encode_options *o = b->options;
    if (o->stride < 0 || o->pad_length < 0 || o->pad_multiple < 0)
        return yo_fail(YOSO_MISUSE,
                       "encode: stride, pad_length and pad_multiple must not be negative");
    if (o->strategy < 0 || o->strategy > 2 || o->padding < 0 || o->padding > 2)
        return yo_fail(YOSO_MISUSE, "encode: unknown truncation or padding");
    b->truncation = (yo_truncation){.on = o->max_length >= 0,
                                    .left = o->truncate_left != 0,
                                    .max_length = o->max_length > 0 ? (size_t)o->max_length : 0,
                                    .stride = (size_t)o->stride,
                                    .strategy = (yo_truncation_strategy)o->strategy};
    /* The library counts the specials of a single text here, whatever it is asked to add. */
    size_t added = yo_post_added(&b->tokenizer->post, false);
    if (o->max_length >= 0 && (size_t)o->max_length >= added &&
        (size_t)o->max_length - added < (size_t)o->stride)
        return yo_fail(
            YOSO_MISUSE,
            "encode: stride is %lld, must be below what max_length %lld leaves beside %zu "
            "special tokens",
            (long long)o->stride, (long long)o->max_length, added);
    return YOSO_OK;
}

static yoso_status new_encoding(batch *b, size_t count, size_t jobs)
{
    yoso_encoding *out = calloc(1, sizeof *out);
    if (out == NULL)
        return yo_fail(YOSO_NO_MEMORY, "encode: no memory");
    b->out = out;
    out->tokenizer = b->tokenizer;
    out->count = count;
    out->job_count = jobs;
    out->results = calloc(count + 1, sizeof *out->results);
    out->jobs = calloc(jobs, sizeof *out->jobs);
    if (out->results == NULL || out->jobs == NULL) {
        out->job_count = 0;
        return yo_fail(YOSO_NO_MEMORY, "encode: no memory for %zu inputs", count);
    }
    for (size_t j = 0; j < jobs; j++)
        out->jobs[j].store.full = b->options->full != 0;
    return YOSO_OK;
}

/* The inputs of one job: count of them in order. */
typedef yoso_status get_input(const void *inputs, size_t index, input *in);

/* Makes room at once for as many tokens as texts seldom have: addresses alone cost nothing, while
 * growing moves what is there. Where that is too much, the store grows as it goes. */
static void reserve(const batch *b, yo_job *job, size_t first, size_t last, const void *inputs,
                    get_input *get)
{
    enum { BYTES_A_TOKEN = 2, MOST = 1 << 28 };
    size_t bytes = 0;
    for (size_t i = first; i < last && bytes < MOST; i++) {
        input in = {0};
        if (get(inputs, i, &in) == YOSO_OK && in.counts[0] == 1 && *in.lengths[0] > 0)
            bytes += (size_t)*in.lengths[0];
    }
    if (bytes < MOST && !b->truncation.on)
        yo_store_reserve(&job->store, bytes / BYTES_A_TOKEN + 4 * (last - first));
}

static yoso_status run_job(batch *b, size_t j, const void *inputs, get_input *get)
{
    yoso_encoding *out = b->out;
    yo_worker *worker;
    size_t first = out->count * j / out->job_count, last = out->count * (j + 1) / out->job_count;
    YO_TRY(yo_worker_take(&worker, b->tokenizer));
    yoso_status status = YOSO_OK;
    reserve(b, &out->jobs[j], first, last, inputs, get);
    for (size_t i = first; i < last && status == YOSO_OK; i++) {
        input in = {0};
        status = get(inputs, i, &in);
        if (status == YOSO_OK)
            status = encode_one(b, &out->jobs[j], worker, &in, &out->results[i]);
        if (status != YOSO_OK && out->count > 1)
            yo_fail_within(status, "encode: input %zu", i + 1);
    }
    yo_worker_give(worker, b->tokenizer);
    return status;
}

static yoso_status run(batch *b, const void *inputs, get_input *get)
{
    size_t jobs = b->out->job_count;
    if (jobs == 1)
        return run_job(b, 0, inputs, get);
    yoso_status failed = YOSO_OK;
    char message[512] = "";
#pragma omp parallel for num_threads((int)jobs) schedule(static, 1)
    for (size_t j = 0; j < jobs; j++) {
        yoso_status status = run_job(b, j, inputs, get);
        if (status != YOSO_OK) {
#pragma omp critical
            if (failed == YOSO_OK) {
                failed = status;
                strncpy(message, yoso_error_message(), sizeof message - 1);
            }
        }
    }
    return failed == YOSO_OK ? YOSO_OK : yo_fail(failed, "%s", message);
}

static yoso_status encode_all(yoso_encoding **out, batch *b, size_t count, size_t jobs,
                              const void *inputs, get_input *get)
{
    yoso_status status = check(b);
    if (status == YOSO_OK)
        status = new_encoding(b, count, jobs);
    if (status == YOSO_OK)
        status = run(b, inputs, get);
    if (status == YOSO_OK)
        status = pad(b);
    if (status != YOSO_OK) {
        yoso_encoding_free(b->out);
        return status;
    }
    *out = b->out;
    return YOSO_OK;
}

typedef struct text_inputs {
    const char *const *texts, *const *pairs;
    const int64_t *lengths, *pair_lengths;
} text_inputs;

static yoso_status get_text(const void *inputs, size_t i, input *in)
{
    const text_inputs *all = inputs;
    in->texts[0] = &all->texts[i];
    in->lengths[0] = &all->lengths[i];
    in->counts[0] = in->counts[1] = 1;
    in->pair = all->pairs != NULL && all->pairs[i] != NULL;
    if (in->pair) {
        in->texts[1] = &all->pairs[i];
        in->lengths[1] = &all->pair_lengths[i];
    }
    return YOSO_OK;
}

yoso_status yoso_encode(yoso_encoding **out, const yoso_tokenizer *tokenizer,
                        const yoso_encode_options *options, int64_t count, const char *const *texts,
                        const int64_t *lengths, const char *const *pairs,
                        const int64_t *pair_lengths)
{
    text_inputs inputs = {texts, pairs, lengths, pair_lengths};
    batch b = {.tokenizer = tokenizer, .options = options};
    if (count < 0)
        return yo_fail(YOSO_MISUSE, "encode: count is %lld", (long long)count);
    size_t threads = (size_t)yo_threads(), jobs = (size_t)count / 16 + 1;
    return encode_all(out, &b, (size_t)count, jobs < threads ? jobs : threads, &inputs, get_text);
}

static yoso_status get_words(const void *inputs, size_t i, input *in)
{
    (void)i;
    *in = *(const input *)inputs;
    return YOSO_OK;
}

yoso_status yoso_encode_words(yoso_encoding **out, const yoso_tokenizer *tokenizer,
                              const yoso_encode_options *options, const char *const *words,
                              const int64_t *lengths, int64_t count, const char *const *pair_words,
                              const int64_t *pair_lengths, int64_t pair_count)
{
    input in = {.texts = {words, pair_words},
                .lengths = {lengths, pair_lengths},
                .counts = {(size_t)count, pair_count > 0 ? (size_t)pair_count : 0},
                .pair = pair_count >= 0,
                .by_word = true};
    batch b = {.tokenizer = tokenizer, .options = options};
    if (count < 0 || count > INT32_MAX || pair_count > INT32_MAX)
        return yo_fail(YOSO_MISUSE, "encode: %lld words", (long long)count);
    return encode_all(out, &b, 1, 1, &in, get_words);
}
