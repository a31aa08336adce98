/* The fast hash: three rounds of random signs and Walsh-Hadamard transforms stand for a random
 * rotation (Andoni et al., 2015), whose D2 outputs give floor(D2 / T) codes. A warp transforms one
 * vector in shared memory, in the order of additions that src/cpu/fast_hash.c has, so that the
 * codes are the CPU's to the bit. */
#include "cuda/lsh.cuh"

using namespace yo_cuda;

const int WARPS = 4;

Hasher yo_cuda::fast_hasher(const yo_attention *at, const float *sign, int64_t sign_size)
{
    Hasher hasher = {};
    int32_t outputs = (int32_t)sign_size, codes = outputs / at->code_len;
    hasher.size = at->head_size;
    hasher.padded = sign_size;
    hasher.code_len = at->code_len;
    hasher.num_hash = at->num_hash;
    hasher.groups = at->spread ? (at->num_hash * at->code_len + outputs - 1) / outputs
                               : (at->num_hash + codes - 1) / codes;
    hasher.fast = true;
    hasher.spread = at->spread;
    hasher.numbers = sign;
    return hasher;
}

/* x *= sign, then the transform in Sylvester order, not scaled. */
__device__ static void transform(float *x, const float *sign, int size)
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

/* Bits of the codes at code[hash * rows] from one group's outputs, numbers first .. first + size -
 * 1 of all. A lane keeps to its own hashes, so that the bits of one code never meet. */
__device__ static void spread_bits(uint16_t *code, int64_t rows, const float *x, int first,
                                   int size, const Hasher &hasher)
{
    int last = hasher.num_hash * hasher.code_len;
    last = first + size < last ? first + size : last;
    for (int h = threadIdx.x % WARP; h < hasher.num_hash; h += WARP) {
        int start = first > h ? (first - h + hasher.num_hash - 1) / hasher.num_hash : 0;
        int bits = start > 0 ? code[h * rows] : 0;
        for (int t = start; t * hasher.num_hash + h < last; t++)
            bits |= (x[t * hasher.num_hash + h - first] > 0) << t;
        code[h * rows] = (uint16_t)bits;
    }
}

/* One warp for a row of one head; blockIdx.x counts jobs of WARPS rows. */
__global__ void fast_hash_kernel(uint16_t *code, const Job *jobs, Source x, Hasher hasher,
                                 int64_t rows)
{
    DYNAMIC_SHARED(float, shared);
    int warp = threadIdx.x / WARP, lane = threadIdx.x % WARP, size = (int)hasher.padded;
    Job job = jobs[blockIdx.x];
    int64_t head = blockIdx.y, row = job.first + warp;
    if (warp >= job.count)
        return;
    float *vector = shared + warp * size;
    const float *numbers =
        hasher.numbers + job.sequence * hasher.sequence_step + head * hasher.head_step;
    int codes = size / hasher.code_len;
    for (int p = 0; p < hasher.groups; p++) {
        __syncwarp();
        for (int d = lane; d < size; d += WARP)
            vector[d] = d < hasher.size && x.kept(row) ? x.at(row, head, d) : 0.0f;
        for (int round = 0; round < 3; round++)
            transform(vector, numbers + (round * hasher.groups + p) * hasher.padded, size);
        uint16_t *to = code + head * hasher.num_hash * rows + row;
        if (hasher.spread) {
            spread_bits(to, rows, vector, p * size, size, hasher);
            continue;
        }
        for (int c = lane; c < codes && p * codes + c < hasher.num_hash; c += WARP) {
            int bits = 0;
            for (int t = 0; t < hasher.code_len; t++)
                bits |= (vector[c * hasher.code_len + t] > 0) << t;
            to[(p * codes + c) * rows] = (uint16_t)bits;
        }
    }
}

yoso_status yo_cuda::fast_codes(uint16_t *code, const Hasher &hasher, const Source &x,
                                const yo_attention *at, const int64_t *offset, yo_stream *stream)
{
    Scratch jobs;
    int64_t count;
    size_t bytes = (size_t)(WARPS * hasher.padded) * sizeof(float);
    if (bytes > 160 << 10)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "fast_hash: device cuda: %lld signs are too wide",
                            (long long)hasher.padded);
    YO_TRY(make_jobs(&jobs, &count, at, offset, offset, WARPS, stream));
    return launch("fast_hash", fast_hash_kernel, dim3((unsigned)count, (unsigned)at->heads),
                  WARPS * WARP, bytes, stream, code, jobs.as<Job>(), x, hasher,
                  offset[at->sequences]);
}
