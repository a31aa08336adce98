/* The sampled attention's parts, as its kernels use them among themselves. Hashes go in groups of
 * eight, whose codes of one row are 16 bytes. */
#ifndef YO_CUDA_LSH_CUH
#define YO_CUDA_LSH_CUH

#include "cuda/attention.cuh"
#include "cuda/fault.cuh"

namespace yo_cuda
{

const int GROUP = 8; /* hashes */

/* Codes of all rows of one side: code[head][group][row][hash of the group], 0 for hashes that are
 * not there. */
struct Codes {
    const uint16_t *code;
    int64_t rows;
    int32_t num_hash;

    __host__ __device__ int32_t groups() const
    {
        return (num_hash + GROUP - 1) / GROUP;
    }
    /* A row's codes of one group. */
    __device__ const uint16_t *of(int64_t head, int64_t group, int64_t row) const
    {
        return code + ((head * groups() + group) * rows + row) * GROUP;
    }
    __device__ int at(int64_t head, int64_t hash, int64_t row) const
    {
        return of(head, hash / GROUP, row)[hash % GROUP];
    }
};

inline size_t code_bytes(int64_t rows, int64_t heads, int32_t num_hash)
{
    return (size_t)(rows * heads) * (size_t)((num_hash + GROUP - 1) / GROUP * GROUP) *
           sizeof(uint16_t);
}

/* M hashes of T bits of vectors of D numbers are the signs of a product by a matrix of M T rows of
 * D. It is kept in f16, whole numbers as they are and other numbers as a sum of two; each row may
 * be multiplied by a power of two, which changes no sign. */
struct Hasher {
    Scratch numbers, own;
    const f16 *matrix; /* [matrices][groups][pieces][columns][depth] */
    int64_t size;      /* D */
    int32_t code_len, num_hash, groups, pieces;
    int32_t columns, depth; /* GROUP T and D, rounded up */
    int64_t a_matrix;       /* elements of one */
    bool by_sequence;       /* a matrix for each sequence, else for each head */

    /* Draws every head's projections or signs from (seed, layer, head) alone, as the CPU does. */
    yoso_status draw(const yo_attention *at, yo_stream *stream);
    /* Projections of every sequence: number d of column c at [d * columns + c]. */
    yoso_status take_projections(const float *projection, const yo_attention *at,
                                 yo_stream *stream);
    /* Signs of every sequence, [3][P][sign_size]. */
    yoso_status take_signs(const float *sign, int64_t sign_size, const yo_attention *at,
                           yo_stream *stream);

  private:
    yoso_status lay_out(const yo_attention *at, int64_t matrices, int32_t pieces_,
                        yo_stream *stream);
    yoso_status split(const float *from, int64_t matrices, int64_t step, int64_t column,
                      int64_t component, yo_stream *stream);
    yoso_status transform(const float *sign, int64_t sign_size, int64_t matrices,
                          const yo_attention *at, yo_stream *stream);
};

/* Groups of transforms that the fast hash of this many outputs needs (yoso_fast_hash). */
int64_t transforms_of(const yo_attention *at, int64_t outputs);

/* The codes of all rows, in room of code_bytes(). */
yoso_status hash_codes(uint16_t *code, const Hasher &hasher, const Source &x,
                       const yo_attention *at, const int64_t *offset, yo_stream *stream);

/* Codes of one side, with their memory. */
struct OwnCodes {
    Scratch room;
    Codes codes;

    yoso_status hash(const Hasher &hasher, const Source &x, const yo_attention *at,
                     const int64_t *offset, yo_stream *stream);
    /* From the caller's [rows, M] int32 of one head; a code out of range is a fault. */
    yoso_status take(const int32_t *from, int64_t rows, const yo_attention *at, yo_stream *stream);
};

/* out = mean over the hashes of the sums of the values v_j whose code is the query's, normalised
 * if asked; stat may be NULL. Offsets are the host's. */
yoso_status cumulate(const yo_rows *out, float *stat, bool normalize, const Codes &q,
                     const int64_t *q_offset, const uint8_t *q_keep, const Codes &k,
                     const int64_t *k_offset, const Source &v, const yo_attention *at,
                     yo_stream *stream);

} // namespace yo_cuda

#endif
