/* YOSO's sampled attention of packed sequences: codes from the seed, the mean over the hashes
 * of the bucket sums, unit length at the end. Nothing but the offsets grows with the length: keys
 * and queries pass by in chunks. */
#include <omp.h>

#include "core/memory.h"
#include "cpu/lsh.h"

/* All tables of a head may take so much; else they are made a few at a time, and codes and sums of
 * a whole sequence are kept. */
enum { ALL_TABLES = 8 * 1024 * 1024 };

/* One thread's buffers: for `keys` and `queries` rows at a time, `tables` tables. */
typedef struct workspace {
    float *hash, *values, *table, *sum, *add;
    float *q_code, *k_code; /* uint16_t each */
} workspace;

typedef struct plan {
    yo_tables tables;
    int64_t keys, queries, hash;
    int64_t table_count;
} plan;

static plan plan_of(const yo_attention *at, const yo_drawn *drawn, int32_t dtype)
{
    plan p = {.tables = YO_CPU(lsh_tables)(at, at->value_size, dtype == YOSO_BF16),
              .keys = yo_longest(at->k_offset, at->sequences),
              .queries = yo_longest(at->q_offset, at->sequences),
              .hash = (int64_t)YO_CPU(lsh_hash_scratch)(drawn->head)};
    p.table_count = p.tables.count;
    int64_t chunk = p.tables.chunk;
    int64_t all = yo_tables_floats(&p.tables, at->num_hash) * (int64_t)sizeof(float);
    if ((p.keys > chunk || p.queries > chunk) && all <= ALL_TABLES) {
        p.table_count = at->num_hash;
        p.keys = p.keys < chunk ? p.keys : chunk;
        p.queries = p.queries < chunk ? p.queries : chunk;
    }
    return p;
}

static size_t lay_out(workspace *space, float *scratch, const yo_attention *at, const plan *p)
{
    struct {
        float **part;
        int64_t floats;
    } parts[] = {
        {&space->hash, p->hash},
        {&space->values, yo_values_floats(&p->tables, p->keys)},
        {&space->table, yo_tables_floats(&p->tables, p->table_count)},
        {&space->sum, p->queries * p->tables.width},
        {&space->add, YO_CPU(lsh_add_scratch)(&p->tables, p->keys)},
        {&space->q_code, yo_code_ld(p->queries) * at->num_hash / 2},
        {&space->k_code, yo_code_ld(p->keys) * at->num_hash / 2},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i].part = scratch ? scratch + used : NULL;
        used += (size_t)yo_round_up(parts[i].floats, 16);
    }
    return used;
}

/* The operands of a call. */
typedef struct operands {
    yo_source q, k, v;
    yo_result out;
    const yo_attention *at;
    const yo_drawn *drawn;
} operands;

static yo_side codes_of(float *code, const operands *o, const workspace *space, const yo_source *x,
                        int64_t head, int64_t first, int64_t count)
{
    yo_side side = {(uint16_t *)code, yo_code_ld(count), first, count};
    YO_CPU(lsh_codes)
    ((uint16_t *)code, side.ld, o->drawn->head + head, x, head, first, count, space->hash);
    return side;
}

/* Tables of all hashes from all keys, a chunk at a time. */
static void fill_tables(yo_tables *tables, const operands *o, const workspace *space, int64_t head,
                        int64_t first, int64_t end)
{
    int64_t start = first, keys = end - first;
    for (int64_t rows; first < end; first += rows) {
        rows = end - first < tables->chunk ? end - first : tables->chunk;
        yo_side k = codes_of(space->k_code, o, space, &o->k, head, first, rows);
        float scale = tables->scale;
        YO_CPU(lsh_load_values)(space->values, tables, &o->v, head, first, rows, keys);
#if defined(YO_HALVES)
        if (first > start && tables->scale != scale)
            YO_CPU(lsh_half_rescale)(tables, o->at->num_hash, tables->scale / scale);
#endif
        (void)scale;
        yo_tables some = *tables;
        for (int32_t h = 0; h < o->at->num_hash; h += some.count) {
            int32_t left = o->at->num_hash - h;
            some.count = left < tables->count ? left : tables->count;
            some.table = (float *)tables->table + yo_tables_floats(tables, h);
            YO_CPU(lsh_add)
            (&some, k.code + h * k.ld, k.ld, space->values, rows, first > start, space->add);
        }
    }
}

/* Rows of `count` queries from the tables of all hashes. */
static void read_tables(const yo_tables *tables, const operands *o, const workspace *space,
                        int64_t head, int64_t first, int64_t count)
{
    yo_side q = codes_of(space->q_code, o, space, &o->q, head, first, count);
    yo_tables some = *tables;
    for (int32_t h = 0; h < o->at->num_hash; h += some.count) {
        int32_t left = o->at->num_hash - h;
        some.count = left < tables->count ? left : tables->count;
        some.table = (float *)tables->table + yo_tables_floats(tables, h);
        YO_CPU(lsh_gather)(space->sum, &some, q.code + h * q.ld, q.ld, count, h > 0);
    }
    YO_CPU(attention_finish)(&o->out, head, first, count, space->sum, tables->width);
}

static void run(const operands *o, const plan *p, const yo_job *job, float *scratch)
{
    const yo_attention *at = o->at;
    workspace space;
    lay_out(&space, scratch, at, p);
    yo_tables tables = p->tables;
    tables.table = space.table;
    int64_t head = job->head, k_first = at->k_offset[job->sequence];
    int64_t k_end = at->k_offset[job->sequence + 1], keys = k_end - k_first;
    if (keys > p->keys || job->count > p->queries) {
        fill_tables(&tables, o, &space, head, k_first, k_end);
        for (int64_t i = 0, rows; i < job->count; i += rows) {
            rows = job->count - i < p->queries ? job->count - i : p->queries;
            read_tables(&tables, o, &space, head, job->first + i, rows);
        }
        return;
    }
    yo_side q = codes_of(space.q_code, o, &space, &o->q, head, job->first, job->count);
    yo_side k = codes_of(space.k_code, o, &space, &o->k, head, k_first, keys);
    YO_CPU(lsh_load_values)(space.values, &tables, &o->v, head, k_first, keys, keys);
    YO_CPU(lsh_sum)(space.sum, &tables, at, &q, &k, space.values, space.add);
    YO_CPU(attention_finish)(&o->out, head, job->first, job->count, space.sum, tables.width);
}

/* Jobs are whole sequences, one head each. */
yoso_status YO_CPU(yoso_sample)(const yo_rows *out, float *stat, const yo_rows *q, const yo_rows *k,
                                const yo_rows *v, const yo_attention *at, yo_stream *stream)
{
    (void)stream;
    yo_drawn drawn;
    YO_TRY(YO_CPU(lsh_draw)(&drawn, at));
    operands o = {.q = yo_source_of(q, at->head_size, at->q_keep, false),
                  .k = yo_source_of(k, at->head_size, at->k_keep, false),
                  .v = yo_source_of(v, at->value_size, at->k_keep, false),
                  .out = {.rows = out,
                          .size = at->value_size,
                          .keep = at->q_keep,
                          .scale = 1 / (float)at->num_hash,
                          .unit = at->normalize,
                          .stat = stat,
                          .heads = at->heads},
                  .at = at,
                  .drawn = &drawn};
    plan p = plan_of(at, &drawn, v->dtype);
    workspace none;
    yo_jobs jobs;
    int64_t longest = yo_longest(at->q_offset, at->sequences);
    yoso_status status = YO_CPU(attention_jobs)(&jobs, at, at->q_offset, longest ? longest : 1,
                                                lay_out(&none, NULL, at, &p));
    if (status == YOSO_OK) {
#pragma omp parallel for num_threads(jobs.threads) schedule(dynamic, 1)
        for (int64_t n = 0; n < jobs.count; n++)
            run(&o, &p, jobs.job + n,
                jobs.scratch + (size_t)omp_get_thread_num() * jobs.scratch_floats);
        YO_CPU(attention_jobs_free)(&jobs);
    }
    YO_CPU(lsh_draw_free)(&drawn);
    return status;
}
