/* YOSO's sampled attention of packed sequences: codes from the seed, the mean over the hashes
 * of the bucket sums, unit length at the end. Nothing but the offsets grows with the length: keys
 * and queries pass by in chunks. */
#include <omp.h>

#include "core/memory.h"
#include "cpu/lsh.h"

/* All tables of a head may take so much; else they are made a few at a time, and codes and sums of
 * a whole sequence are kept. */
enum { ALL_TABLES = 8 * 1024 * 1024 };
/* Short sequences are hashed together, up to so many rows. */
enum { RUN = 512 };
/* Keys below which counting pairs takes less time than tables do, measured with 32 hashes of 9
 * bits; on tiles in the second case. */
enum { FEW = YO_LANES == 16 ? 352 : 192, FEW_ON_TILES = 512 };

/* One thread's buffers. */
typedef struct workspace {
    float *hash, *values, *table, *sum, *work;
    float *q_code, *k_code; /* uint16_t each */
} workspace;

/* Rows of keys and queries, codes of either, and tables at a time. */
typedef struct plan {
    yo_tables tables;
    int64_t few; /* keys of sequences whose pairs are counted */
    bool tiles;  /* on tiles */
    int64_t keys, queries, hash;
    int64_t k_codes, q_codes, table_count;
} plan;

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static plan plan_of(const yo_attention *at, const yo_drawn *drawn, int32_t dtype)
{
    int64_t keys = yo_longest(at->k_offset, at->sequences);
    int64_t queries = yo_longest(at->q_offset, at->sequences);
    plan p = {.tables = YO_CPU(lsh_tables)(at, at->value_size, dtype == YOSO_BF16),
              .keys = keys,
              .queries = queries,
              .hash = (int64_t)YO_CPU(lsh_hash_scratch)(drawn->head)};
    int64_t chunk = p.tables.chunk;
    int64_t all = yo_tables_floats(&p.tables, at->num_hash) * (int64_t)sizeof(float);
#if defined(__AMX_TILE__)
    p.tiles = dtype == YOSO_BF16 && at->num_hash <= YO_AMX_HASHES;
#endif
    /* Counts have 16 bits. */
    p.few = p.tiles ? FEW_ON_TILES : at->num_hash < 65536 ? FEW : 0;
    p.table_count = keys <= p.few ? 0 : p.tables.count;
    if ((keys > chunk || queries > chunk) && all <= ALL_TABLES) {
        p.table_count = at->num_hash;
        p.keys = at_most(keys, chunk);
        p.queries = at_most(queries, chunk);
    }
    p.k_codes = at_least(p.keys, at_most(RUN, at->k_offset[at->sequences]));
    p.q_codes = at_least(p.queries, at_most(RUN, at->q_offset[at->sequences]));
    return p;
}

static size_t lay_out(workspace *space, float *scratch, const yo_attention *at, const plan *p)
{
    int64_t few = p->tiles ? 0 : at_most(p->keys, p->few);
    int64_t pairs = YO_CPU(lsh_pairs_scratch)(few);
#if defined(__AMX_TILE__)
    pairs = p->tiles ? YO_CPU(amx_counts_scratch)(p->tables.width) : pairs;
#endif
    struct {
        float **part;
        int64_t floats;
    } parts[] = {
        {&space->hash, p->hash},
        {&space->values, at_least(yo_values_floats(&p->tables, p->keys), few * p->tables.width)},
        {&space->table, yo_tables_floats(&p->tables, p->table_count)},
        {&space->sum, yo_round_up(p->queries, 16) * p->tables.width},
        {&space->work, at_least(YO_CPU(lsh_add_scratch)(&p->tables, p->keys), pairs)},
        {&space->q_code, yo_code_ld(p->q_codes) * at->num_hash / 2},
        {&space->k_code, yo_code_ld(p->k_codes) * at->num_hash / 2},
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
            (&some, k.code + h * k.ld, k.ld, space->values, rows, first > start, space->work);
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

/* One sequence whose codes are there. */
static void run_sequence(const operands *o, const plan *p, const workspace *space, int64_t head,
                         const yo_side *q, const yo_side *k)
{
    const yo_attention *at = o->at;
    yo_tables tables = p->tables;
    tables.table = space->table;
    int64_t width = tables.width;
    if (k->count > p->few) {
        YO_CPU(lsh_load_values)
        (space->values, &tables, &o->v, head, k->first, k->count, k->count);
        YO_CPU(lsh_sum)(space->sum, &tables, at, q, k, space->values, space->work);
    } else if (!p->tiles) {
        YO_CPU(attention_load)(space->values, width, NULL, &o->v, head, k->first, k->count);
        YO_CPU(lsh_pairs)(space->sum, width, at->num_hash, q, k, space->values, space->work);
    } else {
#if defined(__AMX_TILE__)
        YO_CPU(amx_counts)
        (space->sum, width, at->num_hash, q, k, &o->v, head, space->work);
#endif
    }
    YO_CPU(attention_finish)(&o->out, head, q->first, q->count, space->sum, tables.width);
}

/* Some of a side's rows. */
static yo_side part_of(const yo_side *side, const int64_t *offset, int64_t sequence)
{
    int64_t first = offset[sequence];
    return (yo_side){side->code + (first - side->first), side->ld, first,
                     offset[sequence + 1] - first};
}

static void run(const operands *o, const plan *p, const yo_job *job, float *scratch)
{
    const yo_attention *at = o->at;
    workspace space;
    lay_out(&space, scratch, at, p);
    int64_t end = job->sequence + job->sequences, head = job->head;
    int64_t k_first = at->k_offset[job->sequence], keys = at->k_offset[end] - k_first;
    if (job->sequences == 1 && (keys > p->keys || job->count > p->queries)) {
        yo_tables tables = p->tables;
        tables.table = space.table;
        fill_tables(&tables, o, &space, head, k_first, k_first + keys);
        for (int64_t i = 0, rows; i < job->count; i += rows) {
            rows = at_most(job->count - i, p->queries);
            read_tables(&tables, o, &space, head, job->first + i, rows);
        }
        return;
    }
    yo_side q = codes_of(space.q_code, o, &space, &o->q, head, job->first, job->count);
    yo_side k = codes_of(space.k_code, o, &space, &o->k, head, k_first, keys);
    for (int64_t s = job->sequence; s < end; s++) {
        yo_side some_q = part_of(&q, at->q_offset, s), some_k = part_of(&k, at->k_offset, s);
        run_sequence(o, p, &space, head, &some_q, &some_k);
    }
}

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
    yoso_status status = YO_CPU(attention_runs)(&jobs, at, RUN, lay_out(&none, NULL, at, &p));
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
