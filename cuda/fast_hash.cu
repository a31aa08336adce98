/* The matrix of the fast hash: three rounds of random signs and Walsh-Hadamard transforms stand
 * for a random rotation (Andoni et al., 2015), whose D2 outputs give floor(D2 / T) codes. Written
 * out, three rounds are a matrix of whole numbers of at most D2 sqrt(D2), mostly below 2 D2, which
 * f16 has to the last bit; the device multiplies by it faster than it would transform. */
#include "cuda/lsh.cuh"

using namespace yo_cuda;

const int WARPS = 4;

int64_t yo_cuda::transforms_of(const yo_attention *at, int64_t outputs)
{
    int64_t codes = outputs / at->code_len;
    return at->spread ? ((int64_t)at->num_hash * at->code_len + outputs - 1) / outputs
                      : (at->num_hash + codes - 1) / codes;
}

/* x *= sign, then the transform in Sylvester order, not scaled. */
__device__ static void one_round(float *x, const float *sign, int size)
{
    int lane = threadIdx.x % WARP;
    for (int d = lane; d < size; d += WARP)
        x[d] *= sign[d];
    __syncwarp();
    for (int half = 1; half < size; half *= 2) {
        for (int pair = lane; pair < size / 2; pair += WARP) {
            int low = pair / half * 2 * half + pair % half;
            float a = x[low], b = x[low + half];
            x[low] = a + b;
            x[low + half] = a - b;
        }
        __syncwarp();
    }
}

/* Where a transform's outputs go. */
struct Outputs {
    int32_t code_len, num_hash, columns, depth, pieces, groups;
    bool spread; /* output c of all transforms is bit c / M of code c mod M */

    /* Hash and bit of output `o` of transform `p`; false when no code has it. */
    __device__ bool place(int64_t p, int64_t o, int64_t outputs, int64_t *hash, int64_t *bit) const
    {
        if (spread) {
            *hash = (p * outputs + o) % num_hash;
            *bit = (p * outputs + o) / num_hash;
            return *bit < code_len;
        }
        *hash = p * (outputs / code_len) + o / code_len;
        *bit = o % code_len;
        return o / code_len < outputs / code_len && *hash < num_hash;
    }
};

/* A warp transforms unit vector d, which is column d of the matrix: blockIdx.x counts d and
 * transforms, blockIdx.y matrices. */
__global__ void transform_kernel(f16 *matrix, int64_t a_matrix, const float *sign, int64_t outputs,
                                 int64_t transforms, int64_t size, Outputs to)
{
    DYNAMIC_SHARED(float, shared);
    int64_t item = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP, d = item % size;
    int64_t p = item / size;
    if (p >= transforms)
        return;
    float *x = shared + threadIdx.x / WARP * outputs;
    for (int64_t i = threadIdx.x % WARP; i < outputs; i += WARP)
        x[i] = i == d ? 1.0f : 0.0f;
    sign += blockIdx.y * 3 * transforms * outputs;
    for (int round = 0; round < 3; round++)
        one_round(x, sign + (round * transforms + p) * outputs, (int)outputs);
    for (int64_t o = threadIdx.x % WARP; o < outputs; o += WARP) {
        int64_t hash, bit;
        if (!to.place(p, o, outputs, &hash, &bit))
            continue;
        int64_t row = hash / GROUP * to.pieces * to.columns + hash % GROUP * to.code_len + bit;
        float rest = x[o];
        for (int piece = 0; piece < to.pieces; piece++) {
            f16 part;
            from_float(&part, rest);
            rest -= to_float(part);
            matrix[blockIdx.y * a_matrix + (row + (int64_t)piece * to.columns) * to.depth + d] =
                part;
        }
    }
}

yoso_status Hasher::transform(const float *sign, int64_t sign_size, int64_t matrices,
                              const yo_attention *at, yo_stream *stream)
{
    size_t bytes = (size_t)(WARPS * sign_size) * sizeof(float);
    if (bytes > 160 << 10)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "fast_hash: device cuda: %lld signs are too wide",
                            (long long)sign_size);
    YO_TRY(lay_out(at, matrices, sign_size > 256 ? 2 : 1, stream));
    Outputs to = {code_len, num_hash, columns, depth, pieces, groups, at->spread};
    int64_t transforms = transforms_of(at, sign_size), items = transforms * size;
    dim3 grid((unsigned)((items + WARPS - 1) / WARPS), (unsigned)matrices);
    return launch("fast_hash", transform_kernel, grid, WARPS * WARP, bytes, stream, own.as<f16>(),
                  a_matrix, sign, sign_size, transforms, size, to);
}

yoso_status Hasher::take_signs(const float *sign, int64_t sign_size, const yo_attention *at,
                               yo_stream *stream)
{
    by_sequence = true;
    return transform(sign, sign_size, at->sequences, at, stream);
}
