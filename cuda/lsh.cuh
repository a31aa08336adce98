/* The sampled attention's parts, as its kernels use them among themselves. Codes are kept hash
 * by hash: code[head][hash][row], bit t set when projection t of the hash is positive. */
#ifndef YO_CUDA_LSH_CUH
#define YO_CUDA_LSH_CUH

#include "cuda/attention.cuh"
#include "cuda/fault.cuh"

namespace yo_cuda
{

/* Codes of all rows of one side. */
struct Codes {
    const uint16_t *code;
    int64_t rows;
    int32_t num_hash;

    __device__ int at(int64_t head, int64_t hash, int64_t row) const
    {
        return code[(head * num_hash + hash) * rows + row];
    }
};

/* M hashes of T bits of vectors of D numbers; everything on the device. */
struct Hasher {
    int64_t size, padded; /* D, and D2 of the fast hash (D otherwise) */
    int32_t code_len, num_hash, groups;
    bool fast, spread; /* spread: output c of all groups is bit c / M of code c mod M */
    /* Dense: projection c = m T + t has component d at numbers[c * column + d * component];
     * fast: the sign of component d of round r of group p is at [(r * groups + p) * D2 + d].
     * Both of one sequence or head; the next ones come `sequence_step` and `head_step` later. */
    const float *numbers;
    int64_t column, component, sequence_step, head_step;
};

inline int64_t hadamard_size(int64_t size)
{
    int64_t padded = 32;
    while (padded < size)
        padded *= 2;
    return padded;
}

Hasher dense_hasher(const yo_attention *at, const float *projection, int64_t column,
                    int64_t component);
Hasher fast_hasher(const yo_attention *at, const float *sign, int64_t sign_size);

/* Draws every head's projections or signs from (seed, layer, head) alone, as the CPU does. */
yoso_status draw_hasher(Hasher *hasher, Scratch *numbers, const yo_attention *at,
                        yo_stream *stream);

/* code[head][hash][row] for all rows of all sequences; `longest` is that of one sequence. */
yoso_status dense_codes(uint16_t *code, const Hasher &hasher, const Source &x,
                        const yo_attention *at, const int64_t *offset, yo_stream *stream);
yoso_status fast_codes(uint16_t *code, const Hasher &hasher, const Source &x,
                       const yo_attention *at, const int64_t *offset, yo_stream *stream);
inline yoso_status hash_codes(uint16_t *code, const Hasher &hasher, const Source &x,
                              const yo_attention *at, const int64_t *offset, yo_stream *stream)
{
    return (hasher.fast ? fast_codes : dense_codes)(code, hasher, x, at, offset, stream);
}

/* From and to the caller's [rows, M] int32 of one head; a code out of range is a fault. */
yoso_status take_codes(uint16_t *code, const int32_t *from, int64_t rows, const yo_attention *at,
                       yo_stream *stream);
yoso_status give_codes(int32_t *to, const uint16_t *code, int64_t rows, int32_t num_hash,
                       yo_stream *stream);

/* out = mean over the hashes of the sums of the values v_j whose code is the query's, normalised
 * if asked; stat may be NULL. Offsets are the host's. */
yoso_status cumulate(const yo_rows *out, float *stat, bool normalize, const Codes &q,
                     const int64_t *q_offset, const uint8_t *q_keep, const Codes &k,
                     const int64_t *k_offset, const Source &v, const yo_attention *at,
                     yo_stream *stream);

/* out_i = scale * sum over h, j with equal codes of (u_i . z_j) y_j; with unit x the sum is
 * brought back to before x was normalised. u and z may be one's gradients. */
yoso_status cumulate_weighted(const yo_rows *out, float scale, const Source &x, const Codes &a,
                              const int64_t *a_offset, const Source &u, const uint8_t *a_keep,
                              const Codes &b, const int64_t *b_offset, const Source &z,
                              const Source &y, const yo_attention *at, yo_stream *stream);

} // namespace yo_cuda

#endif
