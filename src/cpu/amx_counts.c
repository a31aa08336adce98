/* The sampled form for few keys of bf16: pairs of codes that agree are counted (lsh_pairs.c), and
 * the counts, which bf16 holds exactly up to 256, weigh the values on tiles. */
#include "cpu/amx_pairs.h"
#include "cpu/lsh.h"

enum { SOME = YO_AMX_SOME, PANEL = YO_AMX_PANEL, WIDE = 32 };

/* Counts of one query against `vectors` of 32 keys, a constant where this is inlined. */
YO_INLINE void count(uint16_t *weight, const uint16_t *query, int64_t q_ld, const uint16_t *keys,
                     int64_t k_ld, int32_t hashes, const int vectors)
{
    const __m512i one = _mm512_set1_epi16(1);
    __m512i equal[4];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        equal[v] = _mm512_setzero_si512();
    for (int32_t h = 0; h < hashes; h++, query += q_ld, keys += k_ld) {
        __m512i code = _mm512_set1_epi16((int16_t)*query);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            __mmask32 same = _mm512_cmpeq_epi16_mask(code, _mm512_loadu_si512(keys + v * WIDE));
            equal[v] = _mm512_mask_add_epi16(equal[v], same, equal[v], one);
        }
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++) {
        __m512i low = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(equal[v]));
        __m512i high = _mm512_cvtepu16_epi32(_mm512_extracti64x4_epi64(equal[v], 1));
        yo_amx_store_weights(weight + v * WIDE, (yo_vec)_mm512_cvtepi32_ps(low),
                             (yo_vec)_mm512_cvtepi32_ps(high));
    }
}

static void count_row(uint16_t *weight, const uint16_t *query, int64_t q_ld, const uint16_t *keys,
                      int64_t k_ld, int32_t hashes, int64_t columns)
{
    int64_t j = 0;
    for (; j + 4 * WIDE <= columns; j += 4 * WIDE)
        count(weight + j, query, q_ld, keys + j, k_ld, hashes, 4);
    for (; j < columns; j += WIDE)
        count(weight + j, query, q_ld, keys + j, k_ld, hashes, 1);
}

/* Tiles of a panel's values, and weights. */
int64_t YO_CPU(amx_counts_scratch)(int64_t width)
{
    return PANEL * width / 2 + SOME * PANEL / 2;
}

void YO_CPU(amx_counts)(float *sum, int64_t width, int32_t hashes, const yo_side *q,
                        const yo_side *k, const yo_source *v, int64_t head, float *scratch)
{
    uint16_t *values = (uint16_t *)scratch, *weight = values + PANEL * width;
    int64_t rows = yo_round_up(q->count, SOME);
    memset(sum, 0, (size_t)(rows * width) * sizeof *sum);
    memset(weight, 0, SOME * PANEL * sizeof *weight);
    yo_amx_enter();
    for (int64_t first = 0; first < k->count; first += PANEL) {
        int64_t keys = k->count - first < PANEL ? k->count - first : PANEL;
        int64_t columns = yo_round_up(keys, WIDE);
        YO_CPU(amx_pack_values)(values, v, head, k->first + first, keys, width);
        for (int64_t i = 0; i < q->count; i += SOME) {
            for (int64_t r = 0; r < SOME && i + r < q->count; r++)
                count_row(weight + r * PANEL, q->code + i + r, q->ld, k->code + first, k->ld,
                          hashes, columns);
            yo_amx_fence();
            YO_CPU(amx_add)(sum + i * width, weight, values, width, columns);
            yo_amx_fence();
        }
    }
    yo_amx_leave();
}
