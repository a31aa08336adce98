/* The Bernoulli sampling of arXiv 2111.09714, section 3.2: the values of all keys are added to
 * the buckets of their codes, each query reads its code's bucket, and the mean over the hashes is
 * an unbiased estimate of the expectation. Time and memory are linear in the length. */
#include "core/memory.h"
#include "cpu/lsh.h"

void YO_CPU(lsh_clear)(const yo_tables *tables, const uint16_t *k_code, int64_t k_ld, int64_t keys,
                       const uint16_t *q_code, int64_t q_ld, int64_t queries)
{
    size_t row = (size_t)tables->width * sizeof(float);
    if (keys + queries >= tables->buckets) {
        memset(tables->table, 0, (size_t)tables->count * (size_t)tables->buckets * row);
        return;
    }
    for (int32_t h = 0; h < tables->count; h++) {
        float *table = tables->table + h * tables->buckets * tables->width;
        for (int64_t j = 0; j < keys; j++)
            memset(table + k_code[h * k_ld + j] * tables->width, 0, row);
        for (int64_t i = 0; i < queries; i++)
            memset(table + q_code[h * q_ld + i] * tables->width, 0, row);
    }
}

/* Vectors of the usual row of 64 floats, or as many as the registers hold. */
enum { ROW = YO_LANES == 4 ? 8 : 64 / YO_LANES };

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

/* One query's buckets, summed in registers, onto its row. */
YO_INLINE void gather_row(float *row, const float *table, int64_t size, int64_t width,
                          int32_t count, const uint16_t *code, int64_t ld, const int vectors)
{
    yo_vec sum[8];
#pragma GCC unroll 8
    for (int e = 0; e < vectors; e++)
        sum[e] = yo_load(row + e * YO_LANES);
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

void YO_CPU(lsh_scatter)(const yo_tables *tables, const uint16_t *code, int64_t ld,
                         const yo_source *v, int64_t head, int64_t first, int64_t keys,
                         float *scratch)
{
    float *table = tables->table;
    int64_t width = tables->width, size = tables->buckets * width;
    int32_t count = tables->count;
    const yo_rows *from = v->rows;
    bool in_place = from->dtype == YOSO_F32 && v->size == width && !v->unit && !v->result;
    for (int64_t start = 0; start < keys; start += YO_HASH_ROWS) {
        int64_t rows = keys - start < YO_HASH_ROWS ? keys - start : YO_HASH_ROWS;
        const float *values = scratch;
        int64_t step = width;
        if (in_place) {
            values = (const float *)from->data + (first + start) * from->token + head * from->head;
            step = from->token;
        } else {
            YO_CPU(attention_load)(scratch, width, NULL, v, head, first + start, rows);
        }
        for (int64_t j = 0; j < rows; j++) {
            const uint16_t *of_key = code + start + j;
            const float *row = values + j * step;
            if (v->keep && !v->keep[first + start + j])
                continue;
            if (width == ROW * YO_LANES)
                scatter_row(table, size, width, count, of_key, ld, row, ROW);
            else
                for (int64_t e = 0; e < width; e += YO_LANES)
                    scatter_row(table + e, size, width, count, of_key, ld, row + e, 1);
        }
    }
}

void YO_CPU(lsh_gather)(float *sum, const yo_tables *tables, const uint16_t *code, int64_t ld,
                        int64_t queries)
{
    const float *table = tables->table;
    int64_t width = tables->width, size = tables->buckets * width;
    int32_t count = tables->count;
    for (int64_t i = 0; i < queries; i++, sum += width)
        if (width == ROW * YO_LANES)
            gather_row(sum, table, size, width, count, code + i, ld, ROW);
        else
            for (int64_t e = 0; e < width; e += YO_LANES)
                gather_row(sum + e, table + e, size, width, count, code + i, ld, 1);
}

/* Half of a second cache of 1 MiB. */
enum { TABLE_BYTES = 512 * 1024 };

yo_tables YO_CPU(lsh_tables)(const yo_attention *at, int64_t value_size)
{
    yo_tables tables = {.width = yo_round_up(value_size, YO_LANES),
                        .buckets = (int64_t)1 << at->code_len};
    int64_t fit = TABLE_BYTES / (tables.buckets * tables.width * (int64_t)sizeof(float));
    tables.count = fit < 1 ? 1 : fit > at->num_hash ? at->num_hash : (int32_t)fit;
    return tables;
}

void YO_CPU(lsh_mean)(float *mean, const yo_tables *tables, const yo_attention *at,
                      const yo_side *q, const yo_side *k, const yo_source *v, int64_t head,
                      float *scratch)
{
    int64_t floats = q->count * tables->width;
    memset(mean, 0, (size_t)floats * sizeof *mean);
    yo_tables some = *tables;
    for (int32_t h = 0; h < at->num_hash; h += some.count) {
        some.count = at->num_hash - h < tables->count ? at->num_hash - h : tables->count;
        const uint16_t *q_code = q->code + h * q->ld, *k_code = k->code + h * k->ld;
        YO_CPU(lsh_clear)(&some, k_code, k->ld, k->count, q_code, q->ld, q->count);
        YO_CPU(lsh_scatter)(&some, k_code, k->ld, v, head, k->first, k->count, scratch);
        YO_CPU(lsh_gather)(mean, &some, q_code, q->ld, q->count);
    }
    float share = 1.0f / (float)at->num_hash;
    for (int64_t i = 0; i < floats; i++)
        mean[i] *= share;
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
    yo_tables tables = YO_CPU(lsh_tables)(at, at->value_size);
    yo_source value = yo_source_of(v, at->value_size, at->k_keep, false);
    int64_t queries = yo_longest(at->q_offset, at->sequences);
    int64_t keys = yo_longest(at->k_offset, at->sequences);
    size_t table = (size_t)yo_tables_floats(&tables);
    size_t rows = (size_t)((queries + YO_HASH_ROWS) * tables.width);
    size_t bytes = (table + rows) * sizeof(float) +
                   (size_t)((queries + keys) * at->num_hash) * sizeof(uint16_t);
    YO_TRY(yo_memory_take((void **)&tables.table, bytes));
    float *scratch = tables.table + table, *mean = scratch + YO_HASH_ROWS * tables.width;
    uint16_t *code = (uint16_t *)(tables.table + table + rows);
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
        YO_CPU(lsh_mean)(mean, &tables, at, &q, &k, &value, 0, scratch);
        for (int64_t i = 0; i < q.count; i++)
            YO_CPU(attention_store)
        (out, at->q_keep, 0, q.first + i, mean + i * tables.width, at->value_size);
    }
    yo_memory_give(tables.table, bytes);
    return status;
}
