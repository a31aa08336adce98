/* The dense hash: T signs of random projections (arXiv 2111.09714, section 3.1), as a product of
 * rows and projections on tensor cores; its projections' drawing; codes from and to callers.
 *
 * A projection is a float; for 16-bit rows it is split into PIECES 16-bit numbers whose sum it is
 * to the last bits, so that codes are those of the f32 product but for ties. */
#include "core/philox.h"
#include "cuda/lsh.cuh"
#include "cuda/tile.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

const int HASH_ROWS = 64, HASH_THREADS = 128, HASHES = 4, HASH_PAD = 8;

template <class T> struct PiecesOf {
    static const int count = 3;
};
template <> struct PiecesOf<float> {
    static const int count = 1;
};

/* Normal number i of the head's stream, rounded to bf16, is component i mod D of projection i / D. */
__global__ void draw_normal_kernel(float *out, uint64_t seed, uint32_t layer, int64_t a_head)
{
    uint64_t numbers = yo_random_stream(YO_RANDOM_PROJECTION, layer, blockIdx.y);
    FOR_MY_ELEMENTS(group, (a_head + 3) / 4)
    {
        float value[4];
        yo_philox block = yo_philox_at(seed, numbers, (uint64_t)group);
        yo_normal_of(block.word[0], block.word[1], &value[0], &value[1]);
        yo_normal_of(block.word[2], block.word[3], &value[2], &value[3]);
        for (int k = 0; k < 4 && 4 * group + k < a_head; k++)
            out[blockIdx.y * a_head + 4 * group + k] = yo_round_to_bf16(value[k]);
    }
}

/* Bit i of the head's stream is the sign of component i mod D2 of round (i / D2) mod 3 of group
 * i / (3 D2): 1 for minus. */
__global__ void draw_sign_kernel(float *out, uint64_t seed, uint32_t layer, int64_t padded,
                                 int64_t groups)
{
    uint64_t numbers = yo_random_stream(YO_RANDOM_SIGN, layer, blockIdx.y);
    FOR_MY_ELEMENTS(i, 3 * padded * groups)
    {
        yo_philox block = yo_philox_at(seed, numbers, (uint64_t)i / 128);
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

/* One block: 64 rows of one head, 16 a warp, against HASHES hashes at a time. */
template <class T>
__global__ void __launch_bounds__(HASH_THREADS)
    dense_hash_kernel(uint16_t *code, const Job *jobs, Source x, Hasher hasher, int64_t rows,
                      int depth, int columns)
{
    const int PIECES = PiecesOf<T>::count;
    DYNAMIC_SHARED(unsigned char, shared);
    int ld = depth + HASH_PAD, warp = threadIdx.x / WARP;
    T *row_tile = reinterpret_cast<T *>(shared), *projection = row_tile + HASH_ROWS * ld;
    uint8_t *sign = reinterpret_cast<uint8_t *>(projection + PIECES * columns * ld);
    Job job = jobs[blockIdx.x];
    int64_t head = blockIdx.y;
    const float *numbers =
        hasher.numbers + job.sequence * hasher.sequence_step + head * hasher.head_step;
    for (int r = warp; r < HASH_ROWS; r += HASH_THREADS / WARP)
        stage_row(row_tile + r * ld, x, head, r < job.count ? job.first + r : -1, depth);
    for (int hash = 0; hash < hasher.num_hash; hash += HASHES) {
        int some = hasher.num_hash - hash < HASHES ? hasher.num_hash - hash : HASHES;
        int used = some * hasher.code_len;
        __syncthreads();
        for (int i = threadIdx.x; i < columns * depth; i += HASH_THREADS) {
            int c = i / depth, d = i % depth;
            float rest =
                c < used && d < hasher.size
                    ? numbers[(hash * hasher.code_len + c) * hasher.column + d * hasher.component]
                    : 0.0f;
            for (int piece = 0; piece < PIECES; piece++) {
                T part;
                from_float(&part, rest);
                rest -= to_float(part);
                projection[(piece * columns + c) * ld + d] = part;
            }
        }
        __syncthreads();
        for (int c = 0; c < used; c += 8) {
            float sum[4] = {};
            for (int piece = PIECES - 1; piece >= 0; piece--)
                add_product_turned(sum, row_tile + warp * 16 * ld, ld,
                                   projection + (piece * columns + c) * ld, ld, depth);
            for (int e = 0; e < 4; e++)
                sign[(warp * 16 + row_of(e)) * columns + c + column_of(e)] = sum[e] > 0;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < some * HASH_ROWS; i += HASH_THREADS) {
            int h = i / HASH_ROWS, r = i % HASH_ROWS, bits = 0;
            for (int t = 0; t < hasher.code_len; t++)
                bits |= sign[r * columns + h * hasher.code_len + t] << t;
            if (r < job.count)
                code[(head * hasher.num_hash + hash + h) * rows + job.first + r] = (uint16_t)bits;
        }
    }
}

template <class T>
static yoso_status dense_codes_of(uint16_t *code, const Hasher &hasher, const Source &x,
                                  const yo_attention *at, const int64_t *offset, yo_stream *stream)
{
    Scratch jobs;
    int64_t count;
    YO_TRY(make_jobs(&jobs, &count, at, offset, offset, HASH_ROWS, stream));
    int depth = round_up(hasher.size, 16), columns = round_up(HASHES * hasher.code_len, 8);
    size_t bytes = (size_t)(HASH_ROWS + PiecesOf<T>::count * columns) * (size_t)(depth + HASH_PAD) *
                       sizeof(T) +
                   (size_t)(HASH_ROWS * columns);
    if (bytes > 160 << 10)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "lsh_hash: device cuda: heads of %lld are too wide",
                            (long long)hasher.size);
    return launch("lsh_hash", dense_hash_kernel<T>, dim3((unsigned)count, (unsigned)at->heads),
                  HASH_THREADS, bytes, stream, code, jobs.as<Job>(), x, hasher,
                  offset[at->sequences], depth, columns);
}

yoso_status yo_cuda::dense_codes(uint16_t *code, const Hasher &hasher, const Source &x,
                                 const yo_attention *at, const int64_t *offset, yo_stream *stream)
{
    switch (x.rows.dtype) {
    case YOSO_F16:
        return dense_codes_of<f16>(code, hasher, x, at, offset, stream);
    case YOSO_BF16:
        return dense_codes_of<bf16>(code, hasher, x, at, offset, stream);
    default:
        return dense_codes_of<float>(code, hasher, x, at, offset, stream);
    }
}

Hasher yo_cuda::dense_hasher(const yo_attention *at, const float *projection, int64_t column,
                             int64_t component)
{
    Hasher hasher = {};
    hasher.size = hasher.padded = at->head_size;
    hasher.code_len = at->code_len;
    hasher.num_hash = at->num_hash;
    hasher.groups = 1;
    hasher.numbers = projection;
    hasher.column = column;
    hasher.component = component;
    return hasher;
}

yoso_status yo_cuda::draw_hasher(Hasher *hasher, Scratch *numbers, const yo_attention *at,
                                 yo_stream *stream)
{
    int64_t padded = hadamard_size(at->head_size);
    *hasher = at->fast_hash ? fast_hasher(at, nullptr, padded)
                            : dense_hasher(at, nullptr, at->head_size, 1);
    int64_t a_head = at->fast_hash ? 3 * padded * hasher->groups
                                   : (int64_t)at->num_hash * at->code_len * at->head_size;
    YO_TRY(numbers->take((size_t)(a_head * at->heads) * sizeof(float)));
    float *to = numbers->as<float>();
    hasher->numbers = to;
    hasher->sequence_step = 0;
    hasher->head_step = a_head;
    dim3 grid(blocks_for((a_head + 3) / 4, THREADS), (unsigned)at->heads);
    if (at->fast_hash)
        return launch("attention", draw_sign_kernel, grid, THREADS, 0, stream, to, at->seed,
                      at->layer, padded, (int64_t)hasher->groups);
    return launch("attention", draw_normal_kernel, grid, THREADS, 0, stream, to, at->seed,
                  at->layer, a_head);
}

__global__ void take_codes_kernel(uint16_t *code, const int32_t *from, int64_t rows,
                                  int32_t num_hash, int32_t code_len, Fault *fault)
{
    FOR_MY_ELEMENTS(i, rows * num_hash)
    {
        int32_t value = from[i % rows * num_hash + i / rows];
        bool good = value >= 0 && value >> code_len == 0;
        if (!good)
            report(fault, CODE_RANGE, value, (1 << code_len) - 1, code_len);
        code[i] = good ? (uint16_t)value : 0;
    }
}

__global__ void give_codes_kernel(int32_t *to, const uint16_t *code, int64_t rows, int32_t num_hash)
{
    FOR_MY_ELEMENTS(i, rows * num_hash)
    {
        to[i] = code[i % num_hash * rows + i / num_hash];
    }
}

yoso_status yo_cuda::take_codes(uint16_t *code, const int32_t *from, int64_t rows,
                                const yo_attention *at, yo_stream *stream)
{
    return launch("lsh_cumulation", take_codes_kernel, blocks_for(rows * at->num_hash, THREADS),
                  THREADS, 0, stream, code, from, rows, at->num_hash, at->code_len, fault_record());
}

yoso_status yo_cuda::give_codes(int32_t *to, const uint16_t *code, int64_t rows, int32_t num_hash,
                                yo_stream *stream)
{
    return launch("lsh_hash", give_codes_kernel, blocks_for(rows * num_hash, THREADS), THREADS, 0,
                  stream, to, code, rows, num_hash);
}

/* The codes of a batch with one head, as the caller wants them. */
static yoso_status codes_alone(int32_t *code, const yo_rows *x, const Hasher &hasher,
                               const yo_attention *at, yo_stream *stream)
{
    int64_t rows = at->q_offset[at->sequences];
    Scratch own;
    YO_TRY(own.take((size_t)(rows * at->num_hash) * sizeof(uint16_t)));
    uint16_t *to = own.as<uint16_t>();
    YO_TRY(hash_codes(to, hasher, source_of(x, at->head_size, nullptr, false), at, at->q_offset,
                      stream));
    return give_codes(code, to, rows, at->num_hash, stream);
}

yoso_status yo_cuda_lsh_hash(int32_t *code, const yo_rows *x, const float *projection,
                             const yo_attention *at, yo_stream *stream)
{
    int64_t columns = (int64_t)at->num_hash * at->code_len;
    Hasher hasher = dense_hasher(at, projection, 1, columns);
    hasher.sequence_step = at->head_size * columns;
    return codes_alone(code, x, hasher, at, stream);
}

yoso_status yo_cuda_fast_hash(int32_t *code, const yo_rows *x, const float *sign, int64_t sign_size,
                              const yo_attention *at, yo_stream *stream)
{
    Hasher hasher = fast_hasher(at, sign, sign_size);
    hasher.sequence_step = 3 * hasher.groups * sign_size;
    return codes_alone(code, x, hasher, at, stream);
}
