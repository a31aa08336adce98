/* The matrix of the dense hash: random projections (arXiv 2111.09714, section 3.1), drawn or given,
 * as sums of two f16. */
#include "core/philox.h"
#include "cuda/lsh.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

yoso_status Hasher::lay_out(const yo_attention *at, int64_t matrices, int32_t pieces_,
                            yo_stream *stream)
{
    size = at->head_size;
    code_len = at->code_len;
    num_hash = at->num_hash;
    groups = (num_hash + GROUP - 1) / GROUP;
    pieces = pieces_;
    columns = round_up(GROUP * code_len, 16);
    depth = round_up(size, 64);
    a_matrix = (int64_t)groups * pieces * columns * depth;
    YO_TRY(own.take((size_t)(matrices * a_matrix) * sizeof(f16)));
    matrix = own.as<f16>();
    return own.zero(stream);
}

/* Normal number i of the head's stream, rounded to bf16, is component i mod D of projection i / D,
 * so that more hashes only add projections. */
__global__ void draw_normal_kernel(float *out, Seed seed, uint32_t layer, int64_t a_head)
{
    uint64_t numbers = yo_random_stream(YO_RANDOM_PROJECTION, layer, blockIdx.y);
    FOR_MY_ELEMENTS(group, (a_head + 3) / 4)
    {
        float value[4];
        yo_philox block = yo_philox_at(seed.value(), numbers, (uint64_t)group);
        yo_normal_of(block.word[0], block.word[1], &value[0], &value[1]);
        yo_normal_of(block.word[2], block.word[3], &value[2], &value[3]);
        for (int k = 0; k < 4 && 4 * group + k < a_head; k++)
            out[blockIdx.y * a_head + 4 * group + k] = yo_round_to_bf16(value[k]);
    }
}

/* Column c = h T + t of matrix blockIdx.y, component d at from[c * column + d * component], as
 * pieces: a warp for each column, which is first brought near 1 by a power of two. */
__global__ void split_kernel(f16 *matrix, int64_t a_matrix, const float *from, int64_t step,
                             int64_t column, int64_t component, int32_t code_len, int32_t num_hash,
                             int32_t columns, int32_t depth, int32_t pieces, int64_t size)
{
    int64_t c = ((int64_t)blockIdx.x * blockDim.x + threadIdx.x) / WARP, lane = threadIdx.x % WARP;
    if (c >= (int64_t)num_hash * code_len)
        return;
    from += blockIdx.y * step + c * column;
    float largest = 0;
    for (int64_t d = lane; d < size; d += WARP)
        largest = fmaxf(largest, fabsf(from[d * component]));
    largest = warp_reduce(largest, Largest());
    int power = 0;
    if (largest > 0 && isfinite(largest))
        frexpf(largest, &power);
    int64_t group = c / (GROUP * code_len), of_group = c % (GROUP * code_len);
    f16 *to = matrix + blockIdx.y * a_matrix + (group * pieces * columns + of_group) * depth;
    for (int64_t d = lane; d < size; d += WARP) {
        float rest = ldexpf(from[d * component], -power);
        for (int piece = 0; piece < pieces; piece++) {
            f16 part;
            from_float(&part, rest);
            rest -= to_float(part);
            to[(int64_t)piece * columns * depth + d] = part;
        }
    }
}

yoso_status Hasher::split(const float *from, int64_t matrices, int64_t step, int64_t column,
                          int64_t component, yo_stream *stream)
{
    int64_t lanes = (int64_t)num_hash * code_len * WARP;
    dim3 grid((unsigned)((lanes + THREADS - 1) / THREADS), (unsigned)matrices);
    return launch("lsh_hash", split_kernel, grid, THREADS, 0, stream, own.as<f16>(), a_matrix, from,
                  step, column, component, code_len, num_hash, columns, depth, pieces, size);
}

yoso_status Hasher::take_projections(const float *projection, const yo_attention *at,
                                     yo_stream *stream)
{
    int64_t all = (int64_t)at->num_hash * at->code_len;
    by_sequence = true;
    YO_TRY(lay_out(at, at->sequences, 2, stream));
    return split(projection, at->sequences, at->head_size * all, 1, all, stream);
}

/* Bit i of the head's stream is the sign of component i mod D2 of round (i / D2) mod 3 of group
 * i / (3 D2): 1 for minus. */
__global__ void draw_sign_kernel(float *out, Seed seed, uint32_t layer, int64_t padded,
                                 int64_t groups)
{
    uint64_t numbers = yo_random_stream(YO_RANDOM_SIGN, layer, blockIdx.y);
    FOR_MY_ELEMENTS(i, 3 * padded * groups)
    {
        yo_philox block = yo_philox_at(seed.value(), numbers, (uint64_t)i / 128);
        int which = (int)(i / 32 % 4); /* compared, not indexed: words stay in registers */
        uint32_t word = which == 0   ? block.word[0]
                        : which == 1 ? block.word[1]
                        : which == 2 ? block.word[2]
                                     : block.word[3];
        bool minus = word >> (i % 32) & 1;
        int64_t p = i / (3 * padded), round = i / padded % 3, d = i % padded;
        out[blockIdx.y * 3 * padded * groups + (round * groups + p) * padded + d] =
            minus ? -1.0f : 1.0f;
    }
}

yoso_status Hasher::draw(const yo_attention *at, yo_stream *stream)
{
    int64_t padded = 32;
    while (padded < at->head_size)
        padded *= 2;
    int64_t groups_ = transforms_of(at, padded);
    int64_t a_head = at->fast_hash ? 3 * padded * groups_
                                   : (int64_t)at->num_hash * at->code_len * at->head_size;
    by_sequence = false;
    YO_TRY(numbers.take((size_t)(a_head * at->heads) * sizeof(float)));
    float *to = numbers.as<float>();
    dim3 grid(blocks_for((a_head + 3) / 4, THREADS), (unsigned)at->heads);
    Seed seed = seed_of(at->seed);
    if (at->fast_hash) {
        YO_TRY(launch("attention", draw_sign_kernel, grid, THREADS, 0, stream, to, seed, at->layer,
                      padded, groups_));
        return transform(to, padded, at->heads, at, stream);
    }
    YO_TRY(launch("attention", draw_normal_kernel, grid, THREADS, 0, stream, to, seed, at->layer,
                  a_head));
    YO_TRY(lay_out(at, at->heads, 2, stream));
    return split(to, at->heads, a_head, at->head_size, 1, stream);
}
