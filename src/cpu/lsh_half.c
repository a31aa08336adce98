/* Bucket tables of f16, for values of bf16: half the bytes of f32 pass through the second cache.
 *
 * Values are scaled by a power of two, so that not even all keys in one bucket of eight tables pass
 * f16's largest number. A sum of eight rows or of eight tables is f16, longer ones are f32: an
 * error of about 2^-11 a bucket, which the mean over the hashes divides by the root of their
 * number, beside the 2^-9 of the result's own rounding. */
#include "core/dtype.h"
#include "cpu/lsh.h"

/* Vectors of 32 numbers; rows or tables that are added in f16. */
enum { WIDE = 32, RUN = 8, AHEAD = 16 };

/* Rows lie pages apart, where the processor does not look ahead by itself: `row` is one to come. */
YO_INLINE void send_for(const uint16_t *row, int64_t size)
{
    for (int64_t e = 0; e < size; e += WIDE)
        _mm_prefetch((const char *)(row + e), _MM_HINT_T0);
}

/* Rows of bf16 as they are, zeros for masked ones and behind the end; returns the largest finite
 * magnitude. */
static float copy_rows(uint16_t *to, int64_t width, const yo_source *v, int64_t head, int64_t first,
                       int64_t rows)
{
    const yo_rows *from = v->rows;
    __m512i most = _mm512_setzero_si512();
    for (int64_t i = first; i < first + rows; i++, to += width) {
        const uint16_t *row = (const uint16_t *)from->data + i * from->token + head * from->head;
        send_for(row + AHEAD * from->token, v->size);
        int64_t size = !v->keep || v->keep[i] ? v->size : 0;
        for (int64_t e = 0; e < width; e += WIDE) {
            int64_t left = size - e < 0 ? 0 : size - e < WIDE ? size - e : WIDE;
            __mmask32 there = (__mmask32)_bzhi_u32(~0u, (uint32_t)left);
            __m512i x = _mm512_maskz_loadu_epi16(there, row + e);
            _mm512_storeu_si512(to + e, x);
            x = _mm512_and_si512(x, _mm512_set1_epi16(0x7fff));
            there = _mm512_cmplt_epu16_mask(x, _mm512_set1_epi16(0x7f80));
            most = _mm512_mask_max_epu16(most, there, most, x);
        }
    }
    uint16_t lane[WIDE], result = 0;
    _mm512_storeu_si512(lane, most);
    for (int i = 0; i < WIDE; i++)
        result = lane[i] > result ? lane[i] : result;
    return yo_from_bf16(result);
}

/* A power of two for which the sum of RUN tables of `keys` such values stays below 2^15. */
static float scale_for(float largest, int64_t keys)
{
    float most = RUN * (float)keys * largest;
    int exponent;
    if (!(most < INFINITY))
        return 0x1p-113f;
    frexpf(most, &exponent); /* most < 2^exponent */
    return ldexpf(1, 15 - (exponent < -100 ? -100 : exponent));
}

void YO_CPU(lsh_half_values)(void *values, yo_tables *tables, const yo_source *v, int64_t head,
                             int64_t first, int64_t rows, int64_t keys)
{
    uint16_t *x = values;
    float wanted = scale_for(copy_rows(x, tables->width, v, head, first, rows), keys);
    tables->scale = wanted < tables->scale ? wanted : tables->scale;
    __m512 scale = _mm512_set1_ps(tables->scale);
    for (int64_t i = 0; i < rows * tables->width; i += WIDE) {
        __m512i bits = _mm512_loadu_si512(x + i);
        __m256i part[2];
        for (int half = 0; half < 2; half++) {
            __m256i sixteen =
                half ? _mm512_extracti64x4_epi64(bits, 1) : _mm512_castsi512_si256(bits);
            __m512i wide = _mm512_slli_epi32(_mm512_cvtepu16_epi32(sixteen), 16);
            part[half] = _mm512_cvtps_ph(_mm512_mul_ps(_mm512_castsi512_ps(wide), scale),
                                         _MM_FROUND_TO_NEAREST_INT);
        }
        _mm512_storeu_si512(x + i, _mm512_inserti64x4(_mm512_castsi256_si512(part[0]), part[1], 1));
    }
}

void YO_CPU(lsh_half_rescale)(const yo_tables *tables, int64_t count, float factor)
{
    uint16_t *x = tables->table;
    __m512h times = _mm512_castsi512_ph(
        _mm512_set1_epi16((int16_t)_cvtss_sh(factor, _MM_FROUND_TO_NEAREST_INT)));
    for (int64_t i = 0; i < count * tables->buckets * tables->width; i += WIDE)
        _mm512_storeu_si512(x + i, _mm512_castph_si512(_mm512_mul_ph(
                                       _mm512_castsi512_ph(_mm512_loadu_si512(x + i)), times)));
}

YO_INLINE __m512h load_half(const uint16_t *x)
{
    return _mm512_castsi512_ph(_mm512_loadu_si512(x));
}

YO_INLINE void store_half(uint16_t *x, __m512h value)
{
    _mm512_storeu_si512(x, _mm512_castph_si512(value));
}

YO_INLINE __m512 low_floats(__m512h x)
{
    return _mm512_cvtph_ps(_mm512_castsi512_si256(_mm512_castph_si512(x)));
}

YO_INLINE __m512 high_floats(__m512h x)
{
    return _mm512_cvtph_ps(_mm512_extracti64x4_epi64(_mm512_castph_si512(x), 1));
}

YO_INLINE __m512h halves_of(__m512 low, __m512 high)
{
    __m512i both = _mm512_castsi256_si512(_mm512_cvtps_ph(low, _MM_FROUND_TO_NEAREST_INT));
    both = _mm512_inserti64x4(both, _mm512_cvtps_ph(high, _MM_FROUND_TO_NEAREST_INT), 1);
    return _mm512_castsi512_ph(both);
}

/* Rows order[0] .. of `vectors` vectors, a constant where this is inlined. */
YO_INLINE void sum_run(__m512h *sum, const uint16_t *values, int64_t width, const int32_t *order,
                       int32_t rows, const int vectors)
{
#pragma GCC unroll 4
    for (int e = 0; e < vectors; e++)
        sum[e] = _mm512_setzero_ph();
    for (int32_t j = 0; j < rows; j++) {
        const uint16_t *row = values + order[j] * width;
#pragma GCC unroll 4
        for (int e = 0; e < vectors; e++)
            sum[e] = _mm512_add_ph(sum[e], load_half(row + e * WIDE));
    }
}

YO_INLINE void sum_bucket(uint16_t *bucket, const uint16_t *values, int64_t width,
                          const int32_t *order, int32_t rows, bool onto, const int vectors)
{
    __m512h run[4];
    if (rows <= RUN) {
        sum_run(run, values, width, order, rows, vectors);
#pragma GCC unroll 4
        for (int e = 0; e < vectors; e++)
            store_half(bucket + e * WIDE,
                       onto ? _mm512_add_ph(run[e], load_half(bucket + e * WIDE)) : run[e]);
        return;
    }
    __m512 low[4], high[4];
#pragma GCC unroll 4
    for (int e = 0; e < vectors; e++) {
        __m512h before = onto ? load_half(bucket + e * WIDE) : _mm512_setzero_ph();
        low[e] = low_floats(before), high[e] = high_floats(before);
    }
    for (int32_t j = 0; j < rows; j += RUN) {
        sum_run(run, values, width, order + j, rows - j < RUN ? rows - j : RUN, vectors);
#pragma GCC unroll 4
        for (int e = 0; e < vectors; e++) {
            low[e] = _mm512_add_ps(low[e], low_floats(run[e]));
            high[e] = _mm512_add_ps(high[e], high_floats(run[e]));
        }
    }
#pragma GCC unroll 4
    for (int e = 0; e < vectors; e++)
        store_half(bucket + e * WIDE, halves_of(low[e], high[e]));
}

void YO_CPU(lsh_half_sums)(uint16_t *table, const yo_tables *tables, const uint16_t *values,
                           const int32_t *order, const int32_t *end, bool onto)
{
    int64_t width = tables->width;
    int32_t start = 0;
    for (int64_t c = 0; c < tables->buckets; c++, table += width) {
        int32_t rows = end[c] - start;
        if (width == 2 * WIDE)
            sum_bucket(table, values, 2 * WIDE, order + start, rows, onto, 2);
        else
            for (int64_t e = 0; e < width; e += WIDE)
                sum_bucket(table + e, values + e, width, order + start, rows, onto, 1);
        start = end[c];
    }
}

/* One query's buckets onto its row, at most RUN tables in f16. */
YO_INLINE void gather_row(float *row, const uint16_t *table, int64_t size, int64_t width,
                          int32_t count, const uint16_t *code, int64_t ld, __m512 unscale,
                          bool onto, const int vectors)
{
    for (int32_t h = 0; h < count; h += RUN) {
        int32_t some = count - h < RUN ? count - h : RUN;
        __m512h sum[4];
#pragma GCC unroll 4
        for (int e = 0; e < vectors; e++)
            sum[e] = _mm512_setzero_ph();
        for (int32_t i = h; i < h + some; i++) {
            const uint16_t *bucket = table + i * size + code[i * ld] * width;
#pragma GCC unroll 4
            for (int e = 0; e < vectors; e++)
                sum[e] = _mm512_add_ph(sum[e], load_half(bucket + e * WIDE));
        }
#pragma GCC unroll 4
        for (int e = 0; e < vectors; e++) {
            float *place = row + e * WIDE;
            __m512 low = _mm512_mul_ps(low_floats(sum[e]), unscale);
            __m512 high = _mm512_mul_ps(high_floats(sum[e]), unscale);
            if (onto || h > 0) {
                low = _mm512_add_ps(low, _mm512_loadu_ps(place));
                high = _mm512_add_ps(high, _mm512_loadu_ps(place + 16));
            }
            _mm512_storeu_ps(place, low);
            _mm512_storeu_ps(place + 16, high);
        }
    }
}

void YO_CPU(lsh_half_gather)(float *sum, const yo_tables *tables, const uint16_t *code, int64_t ld,
                             int64_t queries, bool onto)
{
    const uint16_t *table = tables->table;
    int64_t width = tables->width, size = tables->buckets * width;
    __m512 unscale = _mm512_set1_ps(1 / tables->scale);
    for (int64_t i = 0; i < queries; i++, sum += width)
        if (width == 2 * WIDE)
            gather_row(sum, table, size, 2 * WIDE, tables->count, code + i, ld, unscale, onto, 2);
        else
            for (int64_t e = 0; e < width; e += WIDE)
                gather_row(sum + e, table + e, size, width, tables->count, code + i, ld, unscale,
                           onto, 1);
}
