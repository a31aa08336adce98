/* The Bernoulli sampling of arXiv 2111.09714, section 3.2: the values of all keys are added to
 * the buckets of their codes, each query reads its code's bucket, and the mean over the hashes is
 * an unbiased estimate of the expectation. Time and memory are linear in the length. */
#include "core/memory.h"
#include "cpu/lsh.h"

/* Vectors of the usual row of 64 floats, or as many as the registers hold. */
enum { ROW = YO_LANES == 4 ? 8 : 64 / YO_LANES };

/* -- adding: keys sorted by bucket ------------------------------------------------------------- */

/* Stable counting sort: the rows of bucket c are order[end[c - 1]] .. order[end[c] - 1]. */
static void sort_by_code(int32_t *order, int32_t *end, const uint16_t *code, int64_t rows,
                         int64_t buckets)
{
    memset(end, 0, (size_t)buckets * sizeof *end);
    for (int64_t i = 0; i < rows; i++)
        end[code[i]]++;
    int32_t before = 0;
    for (int64_t c = 0; c < buckets; c++) {
        int32_t here = end[c];
        end[c] = before;
        before += here;
    }
    for (int64_t i = 0; i < rows; i++)
        order[end[code[i]]++] = (int32_t)i;
}

/* One bucket's sum, held in registers; `vectors` is a constant where this is inlined. */
YO_INLINE void sum_bucket(float *bucket, const float *values, int64_t width, const int32_t *order,
                          int32_t rows, bool onto, const int vectors)
{
    yo_vec sum[8];
#pragma GCC unroll 8
    for (int e = 0; e < vectors; e++)
        sum[e] = onto ? yo_load(bucket + e * YO_LANES) : (yo_vec){0};
    for (int32_t j = 0; j < rows; j++) {
        const float *row = values + order[j] * width;
#pragma GCC unroll 8
        for (int e = 0; e < vectors; e++)
            sum[e] += yo_load(row + e * YO_LANES);
    }
#pragma GCC unroll 8
    for (int e = 0; e < vectors; e++)
        yo_store(bucket + e * YO_LANES, sum[e]);
}

static void sum_buckets(float *table, const yo_tables *tables, const float *values,
                        const int32_t *order, const int32_t *end, bool onto)
{
    int64_t width = tables->width;
    int32_t start = 0;
    for (int64_t c = 0; c < tables->buckets; c++, table += width) {
        int32_t rows = end[c] - start;
        if (width == ROW * YO_LANES)
            sum_bucket(table, values, width, order + start, rows, onto, ROW);
        else
            for (int64_t e = 0; e < width; e += YO_LANES)
                sum_bucket(table + e, values + e, width, order + start, rows, onto, 1);
        start = end[c];
    }
}

int64_t YO_CPU(lsh_add_scratch)(const yo_tables *tables, int64_t rows)
{
    int64_t chunk = rows < tables->chunk ? rows : tables->chunk;
    return yo_round_up(chunk, 16) + yo_round_up(tables->buckets, 16);
}

void YO_CPU(lsh_add)(const yo_tables *tables, const uint16_t *code, int64_t ld, const void *values,
                     int64_t rows, bool onto, float *scratch)
{
    int32_t *end = (int32_t *)scratch, *order = end + yo_round_up(tables->buckets, 16);
    int64_t size = tables->buckets * tables->width;
    for (int32_t h = 0; h < tables->count; h++) {
        sort_by_code(order, end, code + h * ld, rows, tables->buckets);
#if defined(YO_HALVES)
        if (tables->half) {
            YO_CPU(lsh_half_sums)
            ((uint16_t *)tables->table + h * size, tables, values, order, end, onto);
            continue;
        }
#endif
        sum_buckets((float *)tables->table + h * size, tables, values, order, end, onto);
    }
}

/* -- adding: more buckets than keys ------------------------------------------------------------ */

/* Makes the buckets that these codes name, or all when there are as many codes, 0. */
static void clear(const yo_tables *tables, const yo_side *q, const yo_side *k, int32_t first)
{
    size_t row = (size_t)tables->width * sizeof(float);
    int64_t size = tables->buckets * tables->width;
    if (k->count + q->count >= tables->buckets) {
        memset(tables->table, 0, (size_t)(tables->count * size) * sizeof(float));
        return;
    }
    for (int32_t h = 0; h < tables->count; h++) {
        float *table = (float *)tables->table + h * size;
        for (int64_t j = 0; j < k->count; j++)
            memset(table + k->code[(first + h) * k->ld + j] * tables->width, 0, row);
        for (int64_t i = 0; i < q->count; i++)
            memset(table + q->code[(first + h) * q->ld + i] * tables->width, 0, row);
    }
}

/* One key's row, held in registers, to its bucket in every table; `vectors` is a constant where
 * this is inlined, at most 8. */
YO_INLINE void scatter_row(float *table, int64_t size, int64_t width, int32_t count,
                           const uint16_t *code, int64_t ld, const float *row, const int vectors)
{
    yo_vec value[8];
#pragma GCC unroll 8
    for (int e = 0; e < vectors; e++)
        value[e] = yo_load(row + e * YO_LANES);
    for (int32_t h = 0; h < count; h++) {
        float *bucket = table + h * size + code[h * ld] * width;
#pragma GCC unroll 8
        for (int e = 0; e < vectors; e++)
            yo_store(bucket + e * YO_LANES, yo_load(bucket + e * YO_LANES) + value[e]);
    }
}

static void scatter(const yo_tables *tables, const uint16_t *code, int64_t ld, const float *values,
                    int64_t rows)
{
    int64_t width = tables->width, size = tables->buckets * width;
    for (int64_t j = 0; j < rows; j++, values += width)
        if (width == ROW * YO_LANES)
            scatter_row(tables->table, size, width, tables->count, code + j, ld, values, ROW);
        else
            for (int64_t e = 0; e < width; e += YO_LANES)
                scatter_row((float *)tables->table + e, size, width, tables->count, code + j, ld,
                            values + e, 1);
}

/* -- reading ----------------------------------------------------------------------------------- */

/* One query's buckets, summed in registers, onto its row. */
YO_INLINE void gather_row(float *row, const float *table, int64_t size, int64_t width,
                          int32_t count, const uint16_t *code, int64_t ld, bool onto,
                          const int vectors)
{
    yo_vec sum[8];
#pragma GCC unroll 8
    for (int e = 0; e < vectors; e++)
        sum[e] = onto ? yo_load(row + e * YO_LANES) : (yo_vec){0};
    for (int32_t h = 0; h < count; h++) {
        const float *bucket = table + h * size + code[h * ld] * width;
#pragma GCC unroll 8
        for (int e = 0; e < vectors; e++)
            sum[e] += yo_load(bucket + e * YO_LANES);
    }
#pragma GCC unroll 8
    for (int e = 0; e < vectors; e++)
        yo_store(row + e * YO_LANES, sum[e]);
}

void YO_CPU(lsh_gather)(float *sum, const yo_tables *tables, const uint16_t *code, int64_t ld,
                        int64_t queries, bool onto)
{
#if defined(YO_HALVES)
    if (tables->half) {
        YO_CPU(lsh_half_gather)(sum, tables, code, ld, queries, onto);
        return;
    }
#endif
    const float *table = tables->table;
    int64_t width = tables->width, size = tables->buckets * width;
    int32_t count = tables->count;
    for (int64_t i = 0; i < queries; i++, sum += width)
        if (width == ROW * YO_LANES)
            gather_row(sum, table, size, width, count, code + i, ld, onto, ROW);
        else
            for (int64_t e = 0; e < width; e += YO_LANES)
                gather_row(sum + e, table + e, size, width, count, code + i, ld, onto, 1);
}

/* -- both -------------------------------------------------------------------------------------- */

/* Half of a second cache of 1 MiB; as much of rows. */
enum { TABLE_BYTES = 512 * 1024, CHUNK = 4096 };
/* Values are padded to whole vectors. */
#if defined(YO_HALVES)
enum { VALUES = 32 };
#else
enum { VALUES = YO_LANES };
#endif

yo_tables YO_CPU(lsh_tables)(const yo_attention *at, int64_t value_size, bool half)
{
    yo_tables tables = {.width = yo_round_up(value_size, VALUES),
                        .buckets = (int64_t)1 << at->code_len,
                        .scale = 1,
                        .chunk = CHUNK};
#if defined(YO_HALVES)
    tables.half = half && tables.buckets <= CHUNK;
    tables.scale = tables.half ? 0x1p115f : 1;
    tables.chunk = tables.half ? 2 * CHUNK : CHUNK;
#else
    (void)half;
#endif
    int64_t fit = TABLE_BYTES / (yo_tables_floats(&tables, 1) * (int64_t)sizeof(float));
    tables.count = fit < 1 ? 1 : fit > at->num_hash ? at->num_hash : (int32_t)fit;
    return tables;
}

void YO_CPU(lsh_load_values)(void *values, yo_tables *tables, const yo_source *v, int64_t head,
                             int64_t first, int64_t rows, int64_t keys)
{
#if defined(YO_HALVES)
    if (tables->half) {
        YO_CPU(lsh_half_values)(values, tables, v, head, first, rows, keys);
        return;
    }
#endif
    (void)keys;
    YO_CPU(attention_load)(values, tables->width, NULL, v, head, first, rows);
}

void YO_CPU(lsh_sum)(float *sum, const yo_tables *tables, const yo_attention *at, const yo_side *q,
                     const yo_side *k, const void *values, float *scratch)
{
    if (k->count == 0) {
        memset(sum, 0, (size_t)(q->count * tables->width) * sizeof *sum);
        return;
    }
    yo_tables some = *tables;
    for (int32_t h = 0; h < at->num_hash; h += some.count) {
        some.count = at->num_hash - h < tables->count ? at->num_hash - h : tables->count;
        const uint16_t *code = k->code + h * k->ld;
        if (!some.half && some.buckets > k->count) {
            clear(&some, q, k, h);
            scatter(&some, code, k->ld, values, k->count);
        } else {
            for (int64_t j = 0; j < k->count; j += some.chunk) {
                int64_t rows = k->count - j < some.chunk ? k->count - j : some.chunk;
                const float *part = (const float *)values + yo_values_floats(&some, j);
                YO_CPU(lsh_add)(&some, code + j, k->ld, part, rows, j > 0, scratch);
            }
        }
        YO_CPU(lsh_gather)(sum, &some, q->code + h * q->ld, q->ld, q->count, h > 0);
    }
}

yoso_status YO_CPU(lsh_take_codes)(uint16_t *code, int64_t ld, const int32_t *from, int64_t first,
                                   int64_t rows, const yo_attention *at)
{
    for (int64_t i = 0; i < rows; i++)
        for (int32_t h = 0; h < at->num_hash; h++) {
            int32_t value = from[(first + i) * at->num_hash + h];
            if (value < 0 || value >> at->code_len)
                return yo_fail(YOSO_MISUSE,
                               "lsh_cumulation: code %d, must be 0 to %d for hash_code_len %d",
                               value, (1 << at->code_len) - 1, at->code_len);
            code[h * ld + i] = (uint16_t)value;
        }
    return YOSO_OK;
}

yoso_status YO_CPU(lsh_cumulation)(const yo_rows *out, const int32_t *q_code, const int32_t *k_code,
                                   const yo_rows *v, const yo_attention *at, yo_stream *stream)
{
    (void)stream;
    yo_tables tables = YO_CPU(lsh_tables)(at, at->value_size, false);
    yo_source value = yo_source_of(v, at->value_size, at->k_keep, false);
    yo_result result = {
        .rows = out, .size = at->value_size, .keep = at->q_keep, .scale = 1 / (float)at->num_hash};
    int64_t queries = yo_longest(at->q_offset, at->sequences);
    int64_t keys = yo_longest(at->k_offset, at->sequences);
    size_t table = (size_t)yo_tables_floats(&tables, tables.count);
    size_t sum = (size_t)(queries * tables.width), values = (size_t)(keys * tables.width);
    size_t work = (size_t)YO_CPU(lsh_add_scratch)(&tables, keys);
    size_t bytes = (table + sum + values + work) * sizeof(float) +
                   (size_t)((queries + keys) * at->num_hash) * sizeof(uint16_t);
    float *block;
    YO_TRY(yo_memory_take((void **)&block, bytes));
    tables.table = block;
    float *sums = block + table, *rows = sums + sum, *scratch = rows + values;
    uint16_t *code = (uint16_t *)(scratch + work);
    yoso_status status = YOSO_OK;
    for (int64_t s = 0; s < at->sequences && status == YOSO_OK; s++) {
        yo_side q = {code, queries, at->q_offset[s], at->q_offset[s + 1] - at->q_offset[s]};
        yo_side k = {code + queries * at->num_hash, keys, at->k_offset[s],
                     at->k_offset[s + 1] - at->k_offset[s]};
        status = YO_CPU(lsh_take_codes)(code, queries, q_code, q.first, q.count, at);
        if (status == YOSO_OK)
            status = YO_CPU(lsh_take_codes)(code + queries * at->num_hash, keys, k_code, k.first,
                                            k.count, at);
        if (status != YOSO_OK)
            break;
        YO_CPU(lsh_load_values)(rows, &tables, &value, 0, k.first, k.count, k.count);
        YO_CPU(lsh_sum)(sums, &tables, at, &q, &k, rows, scratch);
        YO_CPU(attention_finish)(&result, 0, q.first, q.count, sums, tables.width);
    }
    yo_memory_give(block, bytes);
    return status;
}
