/* The gradient of YOSO's sampled attention. It draws the forward pass's projections again, so that
 * forward keeps no codes. */
#include <omp.h>

#include "core/memory.h"
#include "cpu/lsh_meet.h"

/* One thread's buffers. */
typedef struct workspace {
    float *hash, *add, *table, *mean;
    float *q_code, *k_code; /* uint16_t each */
    float *q, *k, *v, *g, *q_inverse, *k_inverse, *meet;
} workspace;

typedef struct sizes {
    int64_t queries, keys, d, e; /* longest sequences, padded head sizes */
    yo_tables tables;
    int64_t hash; /* scratch of the hash */
} sizes;

static sizes sizes_of(const yo_attention *at, const yo_drawn *drawn)
{
    yo_tables tables = YO_CPU(lsh_tables)(at, at->value_size, false);
    return (sizes){.queries = yo_longest(at->q_offset, at->sequences),
                   .keys = yo_longest(at->k_offset, at->sequences),
                   .d = yo_round_up(at->head_size, YO_LANES),
                   .e = tables.width,
                   .tables = tables,
                   .hash = (int64_t)YO_CPU(lsh_hash_scratch)(drawn->head)};
}

static size_t lay_out(workspace *space, float *scratch, const yo_attention *at, const sizes *size)
{
    int64_t queries = size->queries, keys = size->keys;
    int64_t longest = queries > keys ? queries : keys;
    int64_t width = size->d > size->e ? size->d : size->e;
    struct {
        float **part;
        int64_t floats;
    } parts[] = {
        {&space->hash, size->hash},
        {&space->add, YO_CPU(lsh_add_scratch)(&size->tables, longest)},
        {&space->table, yo_tables_floats(&size->tables, size->tables.count)},
        {&space->mean, longest * width},
        {&space->q_code, yo_code_ld(size->queries) * at->num_hash / 2},
        {&space->k_code, yo_code_ld(size->keys) * at->num_hash / 2},
        {&space->q, queries * size->d},
        {&space->g, queries * size->e},
        {&space->q_inverse, queries},
        {&space->k, keys * size->d},
        {&space->v, keys * size->e},
        {&space->k_inverse, keys},
        {&space->meet, (int64_t)YO_CPU(lsh_meet_scratch)(at, longest, longest, size->e, size->d)},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i].part = scratch ? scratch + used : NULL;
        used += (size_t)yo_round_up(parts[i].floats, 16);
    }
    return used;
}

/* Codes of a job's queries and keys. */
static void hash_job(yo_side *q, yo_side *k, const workspace *space, const yo_attention *at,
                     const yo_drawn *drawn, const yo_rows *q_rows, const yo_rows *k_rows,
                     const yo_job *job)
{
    const yo_hasher *hasher = drawn->head + job->head;
    int64_t k_first = at->k_offset[job->sequence];
    int64_t keys = at->k_offset[job->sequence + 1] - k_first;
    *q = (yo_side){(uint16_t *)space->q_code, yo_code_ld(job->count), job->first, job->count};
    *k = (yo_side){(uint16_t *)space->k_code, yo_code_ld(keys), k_first, keys};
    yo_source query = yo_source_of(q_rows, at->head_size, at->q_keep, false);
    yo_source key = yo_source_of(k_rows, at->head_size, at->k_keep, false);
    YO_CPU(lsh_codes)
    ((uint16_t *)space->q_code, q->ld, hasher, &query, job->head, q->first, q->count, space->hash);
    YO_CPU(lsh_codes)
    ((uint16_t *)space->k_code, k->ld, hasher, &key, job->head, k->first, k->count, space->hash);
}

/* Scales sums to the gradient of normalised rows, brings it back to before that, writes it. */
static void finish_side(const yo_rows *to, const workspace *space, const float *unit,
                        const float *inverse, const uint8_t *keep, const yo_attention *at,
                        const yo_side *side, int64_t head)
{
    int64_t ld = yo_round_up(at->head_size, YO_LANES);
    float scale = 0.5f * (float)at->code_len / (float)at->num_hash;
    for (int64_t i = 0; i < side->count; i++) {
        float *row = space->mean + i * ld;
        for (int64_t e = 0; e < at->head_size; e++)
            row[e] *= scale;
        if (at->normalize)
            YO_CPU(attention_normalize_grad)(row, unit + i * ld, inverse[i], at->head_size);
        YO_CPU(attention_store)(to, keep, head, side->first + i, row, at->head_size);
    }
}

static void gradient_of_job(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                            const yo_source *of_out, const yo_rows *q, const yo_rows *k,
                            const yo_rows *v, const yo_attention *at, const yo_drawn *drawn,
                            const sizes *size, const yo_job *job, float *scratch)
{
    workspace space;
    lay_out(&space, scratch, at, size);
    yo_side queries, keys;
    hash_job(&queries, &keys, &space, at, drawn, q, k, job);
    yo_source query = yo_source_of(q, at->head_size, at->q_keep, at->normalize);
    yo_source key = yo_source_of(k, at->head_size, at->k_keep, at->normalize);
    yo_source value = yo_source_of(v, at->value_size, at->k_keep, false);
    const uint8_t *q_keep = at->q_keep ? at->q_keep + queries.first : NULL;
    const uint8_t *k_keep = at->k_keep ? at->k_keep + keys.first : NULL;
    int64_t head = job->head, d = size->d, e = size->e;
    YO_CPU(attention_load)(space.q, d, space.q_inverse, &query, head, queries.first, queries.count);
    YO_CPU(attention_load)(space.k, d, space.k_inverse, &key, head, keys.first, keys.count);
    YO_CPU(attention_load)(space.v, e, NULL, &value, head, keys.first, keys.count);
    YO_CPU(attention_load)(space.g, e, NULL, of_out, head, queries.first, queries.count);

    /* dv_j = 1 / M sum over h, i with equal codes of g_i. */
    yo_tables tables = size->tables;
    tables.table = space.table;
    YO_CPU(lsh_sum)(space.mean, &tables, at, &keys, &queries, space.g, space.add);
    yo_result result = {
        .rows = dv, .size = at->value_size, .keep = at->k_keep, .scale = 1 / (float)at->num_hash};
    YO_CPU(attention_finish)(&result, head, keys.first, keys.count, space.mean, e);

    /* dq_i = T / 2M sum over h, j with equal codes of (g_i . v_j) k_j; dk_j likewise. */
    yo_weighted w = {space.mean, space.g, space.v, space.k, e, d, q_keep, k_keep};
    memset(space.mean, 0, (size_t)(queries.count * d) * sizeof(float));
    YO_CPU(lsh_meet)(&w, at, &queries, &keys, space.meet);
    finish_side(dq, &space, space.q, space.q_inverse, at->q_keep, at, &queries, head);
    w = (yo_weighted){space.mean, space.v, space.g, space.q, e, d, k_keep, q_keep};
    memset(space.mean, 0, (size_t)(keys.count * d) * sizeof(float));
    YO_CPU(lsh_meet)(&w, at, &keys, &queries, space.meet);
    finish_side(dk, &space, space.k, space.k_inverse, at->k_keep, at, &keys, head);
}

/* Rows that no job reaches, keys without queries, have no gradient. */
static void zero_orphans(const yo_rows *rows, int64_t size, const yo_attention *at)
{
    for (int64_t s = 0; s < at->sequences; s++)
        for (int64_t j = at->k_offset[s];
             at->q_offset[s] == at->q_offset[s + 1] && j < at->k_offset[s + 1]; j++)
            for (int64_t h = 0; h < at->heads; h++)
                memset((char *)rows->data +
                           (j * rows->token + h * rows->head) * yoso_dtype_size(rows->dtype),
                       0, (size_t)(size * yoso_dtype_size(rows->dtype)));
}

yoso_status YO_CPU(yoso_sample_grad)(const yo_rows *dq, const yo_rows *dk, const yo_rows *dv,
                                     const yo_rows *grad, const yo_rows *out, const float *stat,
                                     const yo_rows *q, const yo_rows *k, const yo_rows *v,
                                     const yo_attention *at, yo_stream *stream)
{
    if (!at->lsh_backward)
        return YO_CPU(yoso_expectation_grad)(dq, dk, dv, grad, out, stat, q, k, v, at, stream);
    yo_source of_out = yo_source_of_grad(grad, out, stat, at);
    yo_drawn drawn;
    YO_TRY(YO_CPU(lsh_draw)(&drawn, at));
    sizes size = sizes_of(at, &drawn);
    workspace none;
    yo_jobs jobs;
    yoso_status status = YO_CPU(attention_jobs)(
        &jobs, at, at->q_offset, size.queries ? size.queries : 1, lay_out(&none, NULL, at, &size));
    if (status != YOSO_OK) {
        YO_CPU(lsh_draw_free)(&drawn);
        return status;
    }
    zero_orphans(dk, at->head_size, at);
    zero_orphans(dv, at->value_size, at);
#pragma omp parallel for num_threads(jobs.threads) schedule(dynamic, 1)
    for (int64_t n = 0; n < jobs.count; n++)
        gradient_of_job(dq, dk, dv, &of_out, q, k, v, at, &drawn, &size, jobs.job + n,
                        jobs.scratch + (size_t)omp_get_thread_num() * jobs.scratch_floats);
    YO_CPU(attention_jobs_free)(&jobs);
    YO_CPU(lsh_draw_free)(&drawn);
    return YOSO_OK;
}
