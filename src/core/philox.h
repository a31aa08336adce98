/* Philox4x32-10: random numbers with an address instead of a state (Salmon et al., 2011).
 *
 * The same (seed, stream, index) gives the same bits on every device, in any order and for any
 * number of threads. C and CUDA both read this header. The normal deviates are written with
 * fmaf, division and square root only, which IEEE 754 rounds exactly, so they too are equal to
 * the bit wherever they are computed. */
#ifndef YO_CORE_PHILOX_H
#define YO_CORE_PHILOX_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifdef __CUDACC__
#define YO_PHILOX static __host__ __device__ __forceinline__
#else
#define YO_PHILOX static inline
#endif

/* What the numbers are for: two purposes never share a stream. */
enum {
    YO_RANDOM_TENSOR = 1,     /* rand, randn, initial weights, permutations */
    YO_RANDOM_DROPOUT = 2,    /* dropout masks */
    YO_RANDOM_PROJECTION = 3, /* the Gaussian projections of the dense hash */
    YO_RANDOM_SIGN = 4,       /* the signs of the Hadamard hash */
    YO_RANDOM_DERIVE = 5      /* seeds made from seeds */
};

typedef struct yo_philox {
    uint32_t word[4];
} yo_philox;

/* The stream of one purpose, layer and head (or any two numbers below 2^28). */
YO_PHILOX uint64_t yo_random_stream(uint32_t purpose, uint32_t layer, uint32_t head)
{
    return ((uint64_t)purpose << 56) | ((uint64_t)(layer & 0xfffffffu) << 28) | (head & 0xfffffffu);
}

/* Block number `index` of the stream: 128 random bits. */
YO_PHILOX yo_philox yo_philox_at(uint64_t seed, uint64_t stream, uint64_t index)
{
    uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32);
    uint32_t c2 = (uint32_t)stream, c3 = (uint32_t)(stream >> 32);
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    yo_philox block;
    block.word[0] = c0;
    block.word[1] = c1;
    block.word[2] = c2;
    block.word[3] = c3;
    return block;
}

/* A new seed from a seed and a number: the seed of step 17, of the third worker. */
YO_PHILOX uint64_t yo_philox_derive(uint64_t seed, uint64_t number)
{
    yo_philox block = yo_philox_at(seed, yo_random_stream(YO_RANDOM_DERIVE, 0, 0), number);
    return ((uint64_t)block.word[1] << 32) | block.word[0];
}

/* Uniform in [0, 1), 24 bits. */
YO_PHILOX float yo_uniform_of(uint32_t word)
{
    return (float)(word >> 8) * 0x1p-24f;
}

/* ln(u) of 0 < u <= 1, to 1e-7 relative: u = m 2^e, ln m = 2 artanh((m - 1) / (m + 1)). */
YO_PHILOX float yo_philox_log(float u)
{
    uint32_t bits;
    memcpy(&bits, &u, sizeof bits);
    uint32_t shifted = bits - 0x3f3504f3u; /* m in [sqrt(1/2), sqrt(2)) */
    int32_t exponent = (int32_t)shifted >> 23;
    bits = (shifted & 0x007fffffu) + 0x3f3504f3u;
    float m;
    memcpy(&m, &bits, sizeof m);
    float s = (m - 1.0f) / (m + 1.0f), z = s * s;
    float p = fmaf(z, fmaf(z, fmaf(z, fmaf(z, 1.0f / 9, 1.0f / 7), 1.0f / 5), 1.0f / 3), 1.0f);
    return fmaf((float)exponent, 0.693147181f, (s + s) * p);
}

/* Two independent standard normal deviates from two random words (Box and Muller, 1958). */
YO_PHILOX void yo_normal_of(uint32_t a, uint32_t b, float *first, float *second)
{
    float radius = sqrtf(-2.0f * yo_philox_log((float)((a >> 8) + 1) * 0x1p-24f));
    /* The angle: a quarter turn from the top two bits, the place within it from the rest. */
    uint32_t quarter = b >> 30;
    float x = (float)((int32_t)((b >> 8) & 0x3fffffu) - 0x200000) * (0x1p-22f * 1.57079633f);
    float z = x * x;
    float sine = fmaf(z, fmaf(z, fmaf(z, 2.7557319e-6f, -1.9841270e-4f), 8.3333333e-3f), -1.0f / 6);
    float cosine =
        fmaf(z, fmaf(z, fmaf(z, fmaf(z, -2.7557319e-7f, 2.4801587e-5f), -1.3888889e-3f), 1.0f / 24),
             -0.5f);
    sine = fmaf(x * z, sine, x);
    cosine = fmaf(z, cosine, 1.0f);
    float c = quarter & 1 ? sine : cosine, s = quarter & 1 ? cosine : sine;
    *first = radius * (quarter == 1 || quarter == 2 ? -c : c);
    *second = radius * (quarter & 2 ? -s : s);
}

/* The nearest number that bf16 holds: what random projections are made of, so that matrix units of
 * bf16 multiply them exactly. */
YO_PHILOX float yo_round_to_bf16(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = (bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u;
    memcpy(&x, &bits, sizeof bits);
    return x;
}

#endif
