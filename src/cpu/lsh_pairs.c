/* The sampled form for few keys: how often each pair of codes agrees is counted, and the counts
 * weigh the values. The sums are those of the bucket tables (lsh_cumulation.c), without clearing
 * and filling tables that few rows would use. */
#include "cpu/lsh.h"

/* Queries at a time; vectors of codes at a time: two floats' vectors each. */
enum { SOME = YO_TILE_ROWS, WIDE = 2 * YO_LANES, STRETCH = 4 };

typedef uint16_t code_vec __attribute__((vector_size(2 * WIDE)));
typedef uint16_t code_vec_anywhere __attribute__((vector_size(2 * WIDE), aligned(2), may_alias));
typedef uint16_t half_vec __attribute__((vector_size(WIDE)));

/* Counts of up to STRETCH vectors of keys against one query; `vectors` is a constant where this is
 * inlined. */
YO_INLINE void count(float *weight, const uint16_t *query, int64_t q_ld, const uint16_t *keys,
                     int64_t k_ld, int32_t hashes, const int vectors)
{
    code_vec equal[STRETCH];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        equal[v] = (code_vec){0};
    for (int32_t h = 0; h < hashes; h++, keys += k_ld) {
        code_vec code = query[h * q_ld] - (code_vec){0};
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            equal[v] -= (code_vec)(code == *(const code_vec_anywhere *)(keys + v * WIDE));
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        half_vec part[2];
        memcpy(part, &equal[v], sizeof part);
        yo_store(weight + v * WIDE, __builtin_convertvector(part[0], yo_vec));
        yo_store(weight + v * WIDE + YO_LANES, __builtin_convertvector(part[1], yo_vec));
    }
}

int64_t YO_CPU(lsh_pairs_scratch)(int64_t keys)
{
    return SOME * yo_round_up(keys, STRETCH * WIDE);
}

void YO_CPU(lsh_pairs)(float *sum, int64_t width, int32_t hashes, const yo_side *q,
                       const yo_side *k, const float *values, float *scratch)
{
    int64_t ld = yo_round_up(k->count, STRETCH * WIDE);
    for (int64_t i = 0; i < q->count; i += SOME) {
        int64_t rows = q->count - i < SOME ? q->count - i : SOME;
        for (int64_t r = 0; r < rows; r++) {
            const uint16_t *query = q->code + i + r;
            float *weight = scratch + r * ld;
            int64_t j = 0;
            for (; j + STRETCH * WIDE <= k->count; j += STRETCH * WIDE)
                count(weight + j, query, q->ld, k->code + j, k->ld, hashes, STRETCH);
            for (; j < k->count; j += WIDE) /* behind the last key: read, and not used */
                count(weight + j, query, q->ld, k->code + j, k->ld, hashes, 1);
        }
        if (rows == SOME) {
            yo_tile(sum + i * width, width, scratch, ld, 1, values, width, k->count, width, false);
        } else {
            for (int64_t r = 0; r < rows; r++)
                yo_tile_row(sum + (i + r) * width, scratch + r * ld, 1, values, width, k->count,
                            width);
        }
    }
}
