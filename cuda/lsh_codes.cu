/* Hash codes: rows by the hashes' matrix on tensor cores, signs packed to codes; and codes from and
 * to callers. A row is first brought near 1 by a power of two, which changes no sign, and becomes
 * f16, or for f32 the sum of two f16, so that codes are the CPU's but for ties. */
#include "cuda/factors.cuh"
#include "cuda/lsh.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

const int HASH_WARPS = 8, HASH_THREADS = HASH_WARPS * WARP;
const int STEPS = GROUP * 16 / 16; /* of 16 columns, at most */

/* The block's shared memory; the same on host (for the size) and device. */
template <class T, int D> struct HashShared {
    static const int CHUNKS = D / 8, PIECES = sizeof(T) == 4 ? 2 : 1; /* of a row's number */
    static const int TILES = PIECES == 2 && D == 128 ? 1 : 2;         /* of 16 rows, a warp */
    static const int ROWS = HASH_WARPS * TILES * 16;
    unsigned char *base;
    int columns, pieces; /* of the matrix */

    __host__ __device__ int panel_bytes() const
    {
        return pieces * Tile<f16, CHUNKS>::bytes(columns);
    }
    __host__ __device__ int bytes() const
    {
        return PIECES * Tile<f16, CHUNKS>::bytes(ROWS) + 2 * panel_bytes() +
               STEPS * ROWS * 2;
    }
    __device__ Tile<f16, CHUNKS> rows(int piece) const
    {
        return {reinterpret_cast<f16 *>(base + piece * Tile<f16, CHUNKS>::bytes(ROWS))};
    }
    __device__ Tile<f16, CHUNKS> panel(int at, int piece) const
    {
        return {reinterpret_cast<f16 *>(base + PIECES * Tile<f16, CHUNKS>::bytes(ROWS) +
                                        at * panel_bytes()) +
                piece * columns * D};
    }
    /* The signs of 16 columns of each row. */
    __device__ uint16_t *bits(int step) const
    {
        return reinterpret_cast<uint16_t *>(base + bytes()) - (STEPS - step) * ROWS;
    }
};

/* Eight elements of a row as floats, zeros beyond its size. */
template <class T>
__device__ static void load_eight(float (&x)[8], const Source &source, int64_t head, int64_t token,
                                  int first, bool there)
{
    if (there && source.vectors && first + 8 <= source.size) {
        const T *from = static_cast<const T *>(source.rows.data) + token * source.rows.token +
                        head * source.rows.head + first;
        uint4 bits[sizeof(T) / 2];
        for (int i = 0; i < (int)sizeof(T) / 2; i++)
            bits[i] = reinterpret_cast<const uint4 *>(from)[i];
        const T *element = reinterpret_cast<const T *>(bits);
        for (int i = 0; i < 8; i++)
            x[i] = to_float(element[i]);
        return;
    }
    for (int i = 0; i < 8; i++)
        x[i] = there && first + i < source.size ? source.at(token, head, first + i) : 0.0f;
}

/* The power of two that brings a number to [1/2, 1), within the normal ones; 1 for 0. */
__device__ static float to_near_one(float largest)
{
    int exponent = (int)((uint32_t)__float_as_int(largest) >> 23 & 255);
    int power = exponent == 0 ? 127 : 253 - exponent;
    return __int_as_float((power < 1 ? 1 : power) << 23);
}

/* This warp's rows into its part of the tiles, each multiplied by its power of two. */
template <class T, int D>
__device__ static void stage_scaled(const HashShared<T, D> &shared, const Source &x, int64_t head,
                                    const Job &job, int first_row)
{
    const int TOGETHER = D / 8; /* lanes of a row */
    int lane = threadIdx.x % WARP, chunk = lane % TOGETHER;
    for (int r = lane / TOGETHER; r < HashShared<T, D>::TILES * 16; r += WARP / TOGETHER) {
        int row = first_row + r;
        int64_t token = job.first + row;
        float value[8], largest = 0;
        load_eight<T>(value, x, head, token, 8 * chunk, row < job.count && x.kept(token));
#pragma unroll
        for (int i = 0; i < 8; i++)
            largest = fmaxf(largest, fabsf(value[i]));
        for (int step = 1; step < TOGETHER; step *= 2)
            largest = fmaxf(largest, __shfl_xor_sync(FULL, largest, step));
        float scale = to_near_one(largest);
#pragma unroll
        for (int i = 0; i < 8; i++)
            value[i] *= scale;
#pragma unroll
        for (int piece = 0; piece < HashShared<T, D>::PIECES; piece++) {
            f16 *to = shared.rows(piece).chunk(row, chunk);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                f16 part;
                from_float(&part, value[i]);
                value[i] -= to_float(part);
                to[i] = part;
            }
        }
    }
}

/* Starts the copies of a group's columns into panel `to`. */
template <class T, int D>
__device__ static void start_group(const HashShared<T, D> &shared, int to, const f16 *matrix)
{
    const int CHUNKS = D / 8;
    for (int i = threadIdx.x; i < shared.pieces * shared.columns * CHUNKS; i += HASH_THREADS)
        copy_16(shared.panel(to, 0).chunk(i / CHUNKS, i % CHUNKS), matrix + i * 8, true);
    copies_end_group();
}

/* The warp's rows as left factors, in their pieces. */
template <class T, int D> struct HashRows {
    LeftRows<f16, D, HashShared<T, D>::TILES> piece[HashShared<T, D>::PIECES];
};

/* The signs of 16 columns of the warp's rows. */
template <class T, int D>
__device__ static void take_signs(const HashShared<T, D> &shared, const HashRows<T, D> &rows, int at,
                                  int step, int first_row)
{
    const int TILES = HashShared<T, D>::TILES, PIECES = HashShared<T, D>::PIECES;
    float sum[TILES][2][4] = {};
    /* The smallest products first; those of two remainders are below the rounding of the rest. */
#pragma unroll
    for (int piece = PIECES - 1; piece >= 0; piece--)
        for (int other = shared.pieces - 1; other >= 0; other--)
            if (piece + other < 2)
                rows.piece[piece].multiply_turned(sum, shared.panel(at, other), 16 * step);
#pragma unroll
    for (int t = 0; t < TILES; t++) {
        uint32_t bits = 0; /* of the upper row, and above them the lower one's */
#pragma unroll
        for (int half = 0; half < 2; half++)
#pragma unroll
            for (int i = 0; i < 4; i++)
                bits |= (uint32_t)(sum[t][i / 2][2 * half + i % 2] > 0)
                        << (16 * half + 8 * (i / 2) + i % 2);
        bits <<= column_of(0);
        bits |= __shfl_xor_sync(FULL, bits, 1);
        bits |= __shfl_xor_sync(FULL, bits, 2);
        if (lane_of_warp() % 4 == 0) {
            uint16_t *to = shared.bits(step) + first_row + 16 * t + lane_of_warp() / 4;
            to[0] = (uint16_t)bits;
            to[8] = (uint16_t)(bits >> 16);
        }
    }
}

/* A row's codes of one group of `hashes`, from its signs. */
template <class T, int D>
__device__ static uint4 pack_codes(const HashShared<T, D> &shared, int row, int code_len, int hashes)
{
    uint32_t pair[GROUP / 2];
#pragma unroll
    for (int h = 0; h < GROUP; h++) {
        int first = h * code_len;
        uint32_t bits = shared.bits(first / 16)[row];
        if (first % 16 + code_len > 16)
            bits |= (uint32_t)shared.bits(first / 16 + 1)[row] << 16;
        bits = h < hashes ? bits >> first % 16 & ((1u << code_len) - 1) : 0;
        pair[h / 2] = h % 2 ? pair[h / 2] | bits << 16 : bits;
    }
    return uint4{pair[0], pair[1], pair[2], pair[3]};
}

/* One block: some rows of one head by one group of hashes after the other. */
template <class T, int D>
__global__ void __launch_bounds__(HASH_THREADS)
    hash_kernel(uint16_t *code, const Job *jobs, Source x, const f16 *matrix, int64_t a_matrix,
                bool by_sequence, int columns, int pieces, int groups, int code_len, int num_hash)
{
    DYNAMIC_SHARED(unsigned char, memory);
    HashShared<T, D> shared = {memory, columns, pieces};
    Job job = jobs[blockIdx.x];
    int64_t head = blockIdx.y;
    const int MINE = HashShared<T, D>::TILES * 16;
    int first_row = warp_of_block() * MINE, row = first_row + lane_of_warp();
    matrix += (by_sequence ? job.sequence : head) * a_matrix;
    start_group(shared, 0, matrix);
    stage_scaled(shared, x, head, job, first_row);
    __syncwarp();
    HashRows<T, D> rows;
#pragma unroll
    for (int piece = 0; piece < HashShared<T, D>::PIECES; piece++)
        rows.piece[piece].take(shared.rows(piece), first_row);
    for (int group = 0; group < groups; group++) {
        copies_wait<0>();
        __syncthreads(); /* this group is here, and the one before is done with */
        if (group + 1 < groups)
            start_group(shared, (group + 1) & 1, matrix + (group + 1) * pieces * columns * D);
        for (int step = 0; step < columns / 16; step++)
            take_signs(shared, rows, group & 1, step, first_row);
        __syncwarp();
        if (lane_of_warp() < MINE && row < job.count)
            reinterpret_cast<uint4 *>(code)[(head * groups + group) * x.tokens + job.first + row] =
                pack_codes(shared, row, code_len, num_hash - group * GROUP);
        __syncwarp();
    }
}

/* Rows of any size: a thread for the codes of a row and a group. */
__global__ void hash_plainly_kernel(uint16_t *code, const Job *jobs, Source x, const f16 *matrix,
                                    int64_t a_matrix, bool by_sequence, int columns, int depth,
                                    int pieces, int code_len, int num_hash)
{
    Job job = jobs[blockIdx.x];
    int64_t head = blockIdx.y, group = blockIdx.z;
    int row = threadIdx.x;
    if (row >= job.count)
        return;
    const f16 *mine = matrix + (by_sequence ? job.sequence : head) * a_matrix +
                      group * pieces * columns * depth;
    bool kept = x.kept(job.first + row);
    for (int h = 0; h < GROUP; h++) {
        int bits = 0;
        for (int t = 0; t < code_len && kept && group * GROUP + h < num_hash; t++) {
            float sum = 0;
            for (int d = 0; d < x.size; d++) {
                float number = 0;
                for (int piece = pieces - 1; piece >= 0; piece--)
                    number += to_float(mine[(piece * columns + h * code_len + t) * depth + d]);
                sum = fmaf(x.at(job.first + row, head, d), number, sum);
            }
            bits |= (sum > 0) << t;
        }
        code[((head * gridDim.z + group) * x.tokens + job.first + row) * GROUP + h] =
            (uint16_t)bits;
    }
}

template <class T, int D>
static yoso_status product_of(uint16_t *code, const Hasher &h, const Source &x, const Job *jobs,
                              dim3 grid, yo_stream *stream)
{
    size_t bytes = (size_t)HashShared<T, D>{nullptr, h.columns, h.pieces}.bytes();
    return launch("lsh_hash", hash_kernel<T, D>, grid, HASH_THREADS, bytes, stream, code, jobs, x,
                  h.matrix, h.a_matrix, h.by_sequence, h.columns, h.pieces, h.groups, h.code_len,
                  h.num_hash);
}

template <class T>
static yoso_status product_of(uint16_t *code, const Hasher &h, const Source &x, const Job *jobs,
                              dim3 grid, yo_stream *stream)
{
    return h.depth == 64 ? product_of<T, 64>(code, h, x, jobs, grid, stream)
                         : product_of<T, 128>(code, h, x, jobs, grid, stream);
}

yoso_status yo_cuda::hash_codes(uint16_t *code, const Hasher &h, const Source &x,
                                const yo_attention *at, const int64_t *offset, yo_stream *stream)
{
    const Job *jobs;
    int64_t count;
    bool few = h.depth == 128 && x.rows.dtype == YOSO_F32;
    int64_t rows = few ? HashShared<float, 128>::ROWS : HashShared<float, 64>::ROWS;
    YO_TRY(make_jobs(&jobs, &count, at, offset, offset, rows));
    dim3 grid((unsigned)count, (unsigned)at->heads);
    if (h.depth > 128) {
        grid.z = (unsigned)h.groups;
        return launch("lsh_hash", hash_plainly_kernel, grid, HASH_THREADS, 0, stream, code, jobs, x,
                      h.matrix, h.a_matrix, h.by_sequence, h.columns, h.depth, h.pieces, h.code_len,
                      h.num_hash);
    }
    switch (x.rows.dtype) {
    case YOSO_F16:
        return product_of<f16>(code, h, x, jobs, grid, stream);
    case YOSO_BF16:
        return product_of<bf16>(code, h, x, jobs, grid, stream);
    default:
        return product_of<float>(code, h, x, jobs, grid, stream);
    }
}

yoso_status OwnCodes::hash(const Hasher &hasher, const Source &x, const yo_attention *at,
                           const int64_t *offset, yo_stream *stream)
{
    YO_TRY(room.take(code_bytes(x.tokens, at->heads, at->num_hash)));
    codes = Codes{room.as<uint16_t>(), x.tokens, at->num_hash};
    return hash_codes(room.as<uint16_t>(), hasher, x, at, offset, stream);
}

/* code[group][row][hash of the group] from [rows, M]. */
__global__ void take_codes_kernel(uint16_t *code, const int32_t *from, int64_t rows,
                                  int32_t num_hash, int32_t groups, int32_t code_len, Fault *fault)
{
    FOR_MY_ELEMENTS(i, rows * groups * GROUP)
    {
        int64_t row = i / GROUP % rows, hash = i / GROUP / rows * GROUP + i % GROUP;
        int32_t value = hash < num_hash ? from[row * num_hash + hash] : 0;
        bool good = value >= 0 && value >> code_len == 0;
        if (!good)
            report(fault, CODE_RANGE, value, (1 << code_len) - 1, code_len);
        code[i] = good ? (uint16_t)value : 0;
    }
}

yoso_status OwnCodes::take(const int32_t *from, int64_t rows, const yo_attention *at,
                           yo_stream *stream)
{
    YO_TRY(room.take(code_bytes(rows, 1, at->num_hash)));
    codes = Codes{room.as<uint16_t>(), rows, at->num_hash};
    return launch("lsh_cumulation", take_codes_kernel,
                  blocks_for(rows * codes.groups() * GROUP, THREADS), THREADS, 0, stream,
                  room.as<uint16_t>(), from, rows, at->num_hash, codes.groups(), at->code_len,
                  fault_record());
}

__global__ void give_codes_kernel(int32_t *to, Codes codes)
{
    FOR_MY_ELEMENTS(i, codes.rows * codes.num_hash)
    {
        to[i] = codes.at(0, i % codes.num_hash, i / codes.num_hash);
    }
}

/* The codes of a batch with one head, as the caller wants them. */
static yoso_status codes_alone(int32_t *code, const yo_rows *x, const Hasher &hasher,
                               const yo_attention *at, yo_stream *stream)
{
    int64_t rows = at->q_offset[at->sequences];
    OwnCodes own;
    YO_TRY(own.hash(hasher, source_of(x, at->head_size, rows, nullptr), at, at->q_offset, stream));
    return launch("lsh_hash", give_codes_kernel, blocks_for(rows * at->num_hash, THREADS), THREADS,
                  0, stream, code, own.codes);
}

yoso_status yo_cuda_lsh_hash(int32_t *code, const yo_rows *x, const float *projection,
                             const yo_attention *at, yo_stream *stream)
{
    Hasher hasher;
    YO_TRY(hasher.take_projections(projection, at, stream));
    return codes_alone(code, x, hasher, at, stream);
}

yoso_status yo_cuda_fast_hash(int32_t *code, const yo_rows *x, const float *sign, int64_t sign_size,
                              const yo_attention *at, yo_stream *stream)
{
    Hasher hasher;
    YO_TRY(hasher.take_signs(sign, sign_size, at, stream));
    return codes_alone(code, x, hasher, at, stream);
}
