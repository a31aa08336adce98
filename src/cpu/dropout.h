/* Which elements dropout keeps: element i is dropped when its uniform number, word i % 4 of Philox
 * block i / 4 of the seed's dropout stream, is below p; the others are divided by 1 - p. */
#ifndef YO_CPU_DROPOUT_H
#define YO_CPU_DROPOUT_H

#include "core/philox.h"
#include "cpu/simd.h"

/* Elements that are decided at once: YO_LANES blocks of four words, a block a lane. */
enum { YO_DROP = 4 * YO_LANES };

typedef uint32_t yo_uvec __attribute__((vector_size(4 * YO_LANES)));
typedef uint64_t yo_ulongs __attribute__((vector_size(4 * YO_LANES)));

/* x times factor: 32 bits each. */
YO_INLINE void yo_multiply_words(yo_uvec x, uint32_t factor, yo_uvec *high, yo_uvec *low)
{
#if defined(__AVX512F__)
    __m512i f = _mm512_set1_epi32((int)factor);
    __m512i even = _mm512_mul_epu32((__m512i)x, f);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64((__m512i)x, 32), f);
    *high = (yo_uvec)_mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd);
    *low = (yo_uvec)_mm512_mask_mov_epi32(even, 0xaaaa, _mm512_slli_epi64(odd, 32));
#elif defined(__AVX2__)
    __m256i f = _mm256_set1_epi32((int)factor);
    __m256i even = _mm256_mul_epu32((__m256i)x, f);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64((__m256i)x, 32), f);
    *high = (yo_uvec)_mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    *low = (yo_uvec)_mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
#else
    for (int i = 0; i < YO_LANES; i++) {
        uint64_t product = (uint64_t)x[i] * factor;
        (*high)[i] = (uint32_t)(product >> 32);
        (*low)[i] = (uint32_t)product;
    }
#endif
}

/* Words of blocks first .. first + YO_LANES - 1; see yo_philox_at. */
YO_INLINE void yo_dropout_words(yo_uvec word[4], uint64_t seed, uint64_t first)
{
    uint64_t stream = yo_random_stream(YO_RANDOM_DROPOUT, 0, 0);
    yo_uvec lane;
#pragma GCC unroll 16
    for (int i = 0; i < YO_LANES; i++)
        lane[i] = (uint32_t)i;
    yo_uvec c0 = lane + (uint32_t)first;
    yo_uvec c1 = (uint32_t)(first >> 32) - (yo_uvec)(c0 < (uint32_t)first);
    yo_uvec c2 = (yo_uvec){0} + (uint32_t)stream, c3 = (yo_uvec){0} + (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
        yo_uvec high0, low0, high1, low1;
        yo_multiply_words(c0, 0xD2511F53u, &high0, &low0);
        yo_multiply_words(c2, 0xCD9E8D57u, &high1, &low1);
        c0 = high1 ^ c1 ^ k0;
        c2 = high0 ^ c3 ^ k1;
        c1 = low1;
        c3 = low0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    word[0] = c0;
    word[1] = c1;
    word[2] = c2;
    word[3] = c3;
}

/* Zips the lanes of two vectors: the first half of the result, or the second. */
YO_INLINE yo_uvec yo_zip_words(yo_uvec a, yo_uvec b, const int half)
{
    yo_ivec from;
#pragma GCC unroll 16
    for (int i = 0; i < YO_LANES; i++)
        from[i] = (half * YO_LANES + i) / 2 + (i % 2 ? YO_LANES : 0);
    return __builtin_shuffle(a, b, (yo_uvec)from);
}

YO_INLINE yo_uvec yo_zip_pairs(yo_uvec a, yo_uvec b, const int half)
{
    yo_ulongs from;
#pragma GCC unroll 8
    for (int i = 0; i < YO_LANES / 2; i++)
        from[i] = (uint64_t)((half * (YO_LANES / 2) + i) / 2 + (i % 2 ? YO_LANES / 2 : 0));
    return (yo_uvec)__builtin_shuffle((yo_ulongs)a, (yo_ulongs)b, from);
}

/* Ones where elements first .. first + YO_DROP - 1 are kept, in four vectors; first is a
 * multiple of 4, and p 2^24 rounded up is `threshold`. */
YO_INLINE void yo_dropout_kept(yo_ivec kept[4], uint64_t seed, uint64_t first, uint32_t threshold)
{
    yo_uvec word[4];
    yo_dropout_words(word, seed, first / 4);
    for (int half = 0; half < 2; half++) {
        yo_uvec a = yo_zip_words(word[0], word[1], half), b = yo_zip_words(word[2], word[3], half);
        kept[2 * half] = (yo_ivec)((yo_zip_pairs(a, b, 0) >> 8) >= threshold);
        kept[2 * half + 1] = (yo_ivec)((yo_zip_pairs(a, b, 1) >> 8) >= threshold);
    }
}

/* Drops of n elements in place; row[0] is element `first` of the array. */
static inline void yo_drop(float *row, int64_t first, int64_t n, double p, uint64_t seed)
{
    float exact = (float)p, scale = exact < 1 ? 1 / (1 - exact) : 0;
    uint32_t threshold = (uint32_t)ceil((double)exact * 0x1p24);
    for (int64_t at = first - first % 4; at < first + n; at += YO_DROP) {
        yo_ivec kept[4];
        yo_dropout_kept(kept, seed, (uint64_t)at, threshold);
        if (at >= first && at + YO_DROP <= first + n) {
            float *x = row + (at - first);
            for (int v = 0; v < 4; v++)
                yo_store(x + v * YO_LANES,
                         (yo_vec)((yo_ivec)(yo_load(x + v * YO_LANES) * scale) & kept[v]));
        } else {
            int32_t flag[YO_DROP];
            memcpy(flag, kept, sizeof flag);
            for (int64_t i = 0; i < YO_DROP; i++)
                if (at + i >= first && at + i < first + n)
                    row[at + i - first] = flag[i] ? row[at + i - first] * scale : 0;
        }
    }
}

#endif
