/* The fast hash: three rounds of random signs and Walsh-Hadamard transforms stand for a random
 * rotation (Andoni et al., 2015), whose D2 outputs give floor(D2 / T) codes. Each lane is one
 * vector, so that a transform is additions of whole registers. */
#include "cpu/lsh.h"

yo_hasher YO_CPU(lsh_fast_hasher)(const yo_attention *at, const float *sign, int64_t sign_size)
{
    int32_t outputs = (int32_t)sign_size, codes = outputs / at->code_len;
    return (yo_hasher){.size = at->head_size,
                       .padded = sign_size,
                       .code_len = at->code_len,
                       .num_hash = at->num_hash,
                       .groups = at->spread ? (at->num_hash * at->code_len + outputs - 1) / outputs
                                            : (at->num_hash + codes - 1) / codes,
                       .spread = at->spread,
                       .sign = sign};
}

/* `radix` rows of x, `step` apart, through the transform's stages among them. Sums and differences
 * go to different units of the core when the latter are written as a multiplication by -1. */
YO_INLINE void butterflies(yo_vec *x, const int radix, yo_vec minus_one)
{
#pragma GCC unroll 4
    for (int half = 1; half < radix; half *= 2)
#pragma GCC unroll 8
        for (int i = 0; i < radix; i++)
            if (!(i & half)) {
                yo_vec a = x[i], b = x[i + half];
                x[i] = a + b;
                x[i + half] = yo_fma(b, minus_one, a);
            }
}

/* The stages from `step` to step * radix / 2 of one transform. */
YO_INLINE void stages(float *to, const float *from, int64_t from_ld, const float *sign,
                      int64_t size, int64_t step, const int radix, yo_vec minus_one)
{
    for (int64_t start = 0; start < size; start += step * radix)
        for (int64_t d = start; d < start + step; d++) {
            yo_vec x[8];
#pragma GCC unroll 8
            for (int i = 0; i < radix; i++) {
                x[i] = yo_load(from + (d + i * step) * from_ld);
                if (sign)
                    x[i] = x[i] * sign[d + i * step];
            }
            butterflies(x, radix, minus_one);
#pragma GCC unroll 8
            for (int i = 0; i < radix; i++)
                yo_store(to + (d + i * step) * YO_LANES, x[i]);
        }
}

/* x = H (sign x), in Sylvester order: entry (i, j) of H is (-1)^popcount(i & j). It is not scaled:
 * only signs are read in the end. The first stages read from[size, from_ld], all write
 * x[size, YO_LANES]. size is at least 8. */
YO_INLINE void round_of(float *x, const float *from, int64_t from_ld, const float *sign,
                        int64_t size, yo_vec minus_one)
{
    stages(x, from, from_ld, sign, size, 1, 8, minus_one);
    int64_t step = 8;
    for (; step * 8 <= size; step *= 8)
        stages(x, x, YO_LANES, NULL, size, step, 8, minus_one);
    for (; step < size; step *= 2)
        stages(x, x, YO_LANES, NULL, size, step, 2, minus_one);
}

/* Bit t of code c of the group is the sign of output c * T + t. */
static void pack_signs(uint16_t *code, int64_t ld, const float *x, int32_t codes, int32_t code_len)
{
    for (int32_t c = 0; c < codes; c++) {
        yo_ivec of_hash = {0}, bit = of_hash + 1;
        for (int32_t t = 0; t < code_len; t++, x += YO_LANES, bit += bit)
            of_hash |= (yo_load(x) > 0) & bit;
        yo_store_codes(code + c * ld, of_hash);
    }
}

/* Output c of all groups is bit c / M of code c mod M; x holds outputs from `first` on. */
static void spread_signs(uint16_t *code, int64_t ld, const float *x, int64_t first, int64_t count,
                         const yo_hasher *hasher)
{
    int64_t h = first % hasher->num_hash;
    int bit = (int)(first / hasher->num_hash);
    for (; count > 0 && bit < hasher->code_len; count--, x += YO_LANES) {
        yo_ivec set = (yo_load(x) > 0) & (1 << bit);
        yo_store_codes(code + h * ld, bit ? set | yo_load_codes(code + h * ld) : set);
        if (++h == hasher->num_hash)
            h = 0, bit++;
    }
}

/* All codes of YO_HASH_ROWS rows; `size` is a constant where it is a usual one. */
YO_INLINE void block(uint16_t *code, int64_t ld, const yo_hasher *hasher, const float *turned,
                     float *work, const int64_t size)
{
    int32_t codes = (int32_t)(size / hasher->code_len);
    int64_t next = hasher->groups * size;
    yo_vec minus_one = yo_splat(-1);
    __asm__("" : "+x"(minus_one)); /* else the compiler sees a subtraction */
    for (int64_t i = 0; i < YO_HASH_ROWS; i += YO_LANES)
        for (int32_t p = 0; p < hasher->groups; p++) {
            const float *sign = hasher->sign + p * size;
            round_of(work, turned + i, YO_HASH_ROWS, sign, size, minus_one);
            round_of(work, work, YO_LANES, sign + next, size, minus_one);
            round_of(work, work, YO_LANES, sign + 2 * next, size, minus_one);
            if (hasher->spread) {
                spread_signs(code + i, ld, work, p * size, size, hasher);
                continue;
            }
            int32_t left = hasher->num_hash - p * codes;
            pack_signs(code + (int64_t)p * codes * ld + i, ld, work, left < codes ? left : codes,
                       hasher->code_len);
        }
}

void YO_CPU(lsh_fast_block)(uint16_t *code, int64_t ld, const yo_hasher *hasher,
                            const float *turned, float *work)
{
    if (hasher->padded == 32)
        block(code, ld, hasher, turned, work, 32);
    else if (hasher->padded == 64)
        block(code, ld, hasher, turned, work, 64);
    else
        block(code, ld, hasher, turned, work, hasher->padded);
}

/* Lane i of the result is lane i ^ distance of x. */
YO_INLINE yo_vec exchange(yo_vec x, int distance)
{
#define LANE(i) (i)
    return __builtin_shuffle(x, (yo_ivec)YO_EACH_LANE(LANE) ^ distance);
#undef LANE
}

/* H S3 H is w[i ^ k] with w = H s3, so that row i of the whole is one transform, of w[i ^ k] s2[k],
 * times s1. A lane is a row. */
void YO_CPU(lsh_fast_matrix)(float *matrix, const yo_hasher *hasher, int32_t p, float *space)
{
    int64_t size = hasher->padded, next = hasher->groups * size;
    const float *s1 = hasher->sign + p * size, *s2 = s1 + next, *s3 = s2 + next;
    yo_vec minus_one = yo_splat(-1);
    float *x = space, *w = space + size * YO_LANES;
    for (int64_t k = 0; k < size; k++)
        yo_store(x + k * YO_LANES, yo_splat(s3[k]));
    round_of(x, x, YO_LANES, NULL, size, minus_one);
    for (int64_t k = 0; k < size; k++)
        w[k] = x[k * YO_LANES];
    for (int64_t i = 0; i < size; i += YO_LANES) {
        for (int64_t k = 0; k < size; k++)
            yo_store(x + k * YO_LANES,
                     exchange(yo_load(w + ((i ^ k) & -YO_LANES)), (int)(k % YO_LANES)));
        round_of(x, x, YO_LANES, s2, size, minus_one);
        for (int64_t d = 0; d < size; d++)
            yo_store(x + d * YO_LANES, yo_load(x + d * YO_LANES) * s1[d]);
        yo_transpose(matrix + i * size, size, x, YO_LANES, size, YO_LANES);
    }
}
