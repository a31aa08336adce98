/* Where the sampled attention's time goes, for the benchmark: its parts one by one in this thread,
 * for the first sequence's first chunk and one head, and beside them the yardstick of adding and
 * reading, a plain walk over tables of the same bytes. */
#include <time.h>

#include "core/memory.h"
#include "cpu/lsh.h"

enum { RUNS = 7, TABLES = 8 };

typedef struct workspace {
    yo_tables tables;
    float *hash, *values, *table, *sum, *add;
    uint16_t *q_code, *k_code;
    int64_t rows, ld;
} workspace;

typedef struct operands {
    const yo_rows *q, *k, *v;
    const yo_attention *at;
    const yo_drawn *drawn;
} operands;

typedef void part(const operands *o, workspace *space);

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* Nanoseconds of the fastest of RUNS runs. */
static double fastest(part *run, const operands *o, workspace *space)
{
    double best = INFINITY;
    for (int i = 0; i < RUNS; i++) {
        double start = seconds();
        run(o, space);
        double taken = 1e9 * (seconds() - start);
        best = taken < best ? taken : best;
    }
    return best;
}

static void hash(const operands *o, workspace *space)
{
    yo_source q = yo_source_of(o->q, o->at->head_size, NULL, false);
    yo_source k = yo_source_of(o->k, o->at->head_size, NULL, false);
    YO_CPU(lsh_codes)
    (space->q_code, space->ld, o->drawn->head, &q, 0, 0, space->rows, space->hash);
    YO_CPU(lsh_codes)
    (space->k_code, space->ld, o->drawn->head, &k, 0, 0, space->rows, space->hash);
}

static void load(const operands *o, workspace *space)
{
    yo_source v = yo_source_of(o->v, o->at->value_size, NULL, false);
    YO_CPU(lsh_load_values)(space->values, &space->tables, &v, 0, 0, space->rows, space->rows);
}

static void add(const operands *o, workspace *space)
{
    (void)o;
    YO_CPU(lsh_add)
    (&space->tables, space->k_code, space->ld, space->values, space->rows, false, space->add);
}

static void read(const operands *o, workspace *space)
{
    (void)o;
    YO_CPU(lsh_gather)
    (space->sum, &space->tables, space->q_code, space->ld, space->rows, false);
}

/* Bits added as bits, so that one walk serves every kind of number. */
typedef uint32_t bits __attribute__((vector_size(YO_LANES * sizeof(uint32_t))));

static void walk_add(const operands *o, workspace *space)
{
    (void)o;
    int64_t width = yo_values_floats(&space->tables, 1), size = space->tables.buckets * width;
    for (int64_t i = 0; i < space->rows; i++) {
        const float *row = space->values + i * width;
        for (int32_t h = 0; h < space->tables.count; h++) {
            float *bucket = space->table + h * size + space->k_code[h * space->ld + i] * width;
            for (int64_t e = 0; e < width; e += YO_LANES)
                yo_store(bucket + e, (yo_vec)((bits)yo_load(bucket + e) + (bits)yo_load(row + e)));
        }
    }
}

static void walk_read(const operands *o, workspace *space)
{
    (void)o;
    int64_t width = yo_values_floats(&space->tables, 1), size = space->tables.buckets * width;
    for (int64_t i = 0; i < space->rows; i++)
        for (int64_t e = 0; e < width; e += 4 * YO_LANES) {
            bits sum[4] = {{0}, {0}, {0}, {0}};
            int vectors = (int)((width - e) / YO_LANES < 4 ? (width - e) / YO_LANES : 4);
            for (int32_t h = 0; h < space->tables.count; h++) {
                const float *bucket =
                    space->table + h * size + space->q_code[h * space->ld + i] * width + e;
                for (int n = 0; n < vectors; n++)
                    sum[n] += (bits)yo_load(bucket + n * YO_LANES);
            }
            for (int n = 0; n < vectors; n++)
                yo_store(space->sum + i * space->tables.width + e + n * YO_LANES, (yo_vec)sum[n]);
        }
}

static size_t lay_out(workspace *space, float *scratch, const operands *o)
{
    const yo_tables *tables = &space->tables;
    int64_t codes = space->ld * o->at->num_hash / 2;
    float *q_code, *k_code;
    struct {
        float **part;
        int64_t floats;
    } parts[] = {
        {&space->hash, (int64_t)YO_CPU(lsh_hash_scratch)(o->drawn->head)},
        {&space->values, yo_values_floats(tables, space->rows)},
        {&space->table, yo_tables_floats(tables, tables->count)},
        {&space->sum, space->rows * tables->width},
        {&space->add, YO_CPU(lsh_add_scratch)(tables, space->rows)},
        {&q_code, codes},
        {&k_code, codes},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *parts[i].part = scratch ? scratch + used : NULL;
        used += (size_t)yo_round_up(parts[i].floats, 16);
    }
    space->q_code = (uint16_t *)q_code, space->k_code = (uint16_t *)k_code;
    space->tables.table = space->table;
    return used;
}

yoso_status YO_CPU(attention_parts)(double *nanoseconds, const yo_rows *q, const yo_rows *k,
                                    const yo_rows *v, const yo_attention *at)
{
    yo_drawn drawn;
    YO_TRY(YO_CPU(lsh_draw)(&drawn, at));
    operands o = {q, k, v, at, &drawn};
    workspace space = {.tables = YO_CPU(lsh_tables)(at, at->value_size, v->dtype == YOSO_BF16)};
    if (space.tables.count > TABLES)
        space.tables.count = TABLES;
    int64_t rows = at->q_offset[1] - at->q_offset[0];
    space.rows = rows < space.tables.chunk ? rows : space.tables.chunk;
    space.ld = yo_code_ld(space.rows);
    size_t bytes = lay_out(&space, NULL, &o) * sizeof(float);
    float *scratch;
    yoso_status status = yo_memory_take((void **)&scratch, bytes);
    if (status == YOSO_OK) {
        lay_out(&space, scratch, &o);
        double sides = (double)space.rows, pairs = sides * space.tables.count;
        nanoseconds[YOSO_PART_HASH] = fastest(hash, &o, &space) / sides;
        nanoseconds[YOSO_PART_VALUES] = fastest(load, &o, &space) / sides;
        nanoseconds[YOSO_PART_ADD] = fastest(add, &o, &space) / pairs;
        nanoseconds[YOSO_PART_READ] = fastest(read, &o, &space) / pairs;
        nanoseconds[YOSO_PART_WALK_ADD] = fastest(walk_add, &o, &space) / pairs;
        nanoseconds[YOSO_PART_WALK_READ] = fastest(walk_read, &o, &space) / pairs;
        yo_memory_give(scratch, bytes);
    }
    YO_CPU(lsh_draw_free)(&drawn);
    return status;
}
