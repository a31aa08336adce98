/* The fast hash: three rounds of random signs and Walsh-Hadamard transforms stand for a random
 * rotation (Andoni et al., 2015), whose D2 outputs give floor(D2 / T) codes. Each lane is one
 * vector, so that a transform is additions of whole registers. */
#include "cpu/lsh.h"

yo_hasher YO_CPU(lsh_fast_hasher)(const yo_attention *at, const float *sign, int64_t sign_size)
{
    int32_t codes = (int32_t)(sign_size / at->code_len);
    return (yo_hasher){.size = at->head_size,
                       .padded = sign_size,
                       .code_len = at->code_len,
                       .num_hash = at->num_hash,
                       .groups = (at->num_hash + codes - 1) / codes,
                       .sign = sign};
}

/* x[d] *= sign[d], then the transform in Sylvester order: entry (i, j) of the matrix is
 * (-1)^popcount(i & j). It is not scaled: only signs are read in the end. */
static void round_of(float *x, const float *sign, int64_t size)
{
    for (int64_t d = 0; d < size; d++)
        for (int i = 0; i < YO_HASH_ROWS; i++)
            x[d * YO_HASH_ROWS + i] *= sign[d];
    for (int64_t half = 1; half < size; half *= 2)
        for (int64_t start = 0; start < size; start += 2 * half)
            for (int64_t d = start; d < start + half; d++)
                for (int i = 0; i < YO_HASH_ROWS; i++) {
                    float *low = x + d * YO_HASH_ROWS + i, *high = low + half * YO_HASH_ROWS;
                    float sum = *low + *high;
                    *high = *low - *high;
                    *low = sum;
                }
}

/* Bit t of code c of the group is the sign of output c * T + t. */
static void pack_signs(uint16_t *code, int64_t ld, const float *x, int32_t codes, int32_t code_len)
{
    for (int32_t c = 0; c < codes; c++) {
        uint16_t *of_hash = code + c * ld;
        memset(of_hash, 0, YO_HASH_ROWS * sizeof *of_hash);
        for (int32_t t = 0; t < code_len; t++, x += YO_HASH_ROWS)
            for (int i = 0; i < YO_HASH_ROWS; i++)
                of_hash[i] |= (uint16_t)((x[i] > 0) << t);
    }
}

void YO_CPU(lsh_fast_block)(uint16_t *code, int64_t ld, const yo_hasher *hasher,
                            const float *turned, float *work)
{
    int64_t size = hasher->padded;
    int32_t codes = (int32_t)(size / hasher->code_len);
    for (int32_t p = 0; p < hasher->groups; p++) {
        memcpy(work, turned, (size_t)(size * YO_HASH_ROWS) * sizeof *work);
        for (int round = 0; round < 3; round++)
            round_of(work, hasher->sign + (round * hasher->groups + p) * size, size);
        int32_t left = hasher->num_hash - p * codes;
        pack_signs(code + (int64_t)p * codes * ld, ld, work, left < codes ? left : codes,
                   hasher->code_len);
    }
}
