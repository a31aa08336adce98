/* Hash codes and bucket tables, as the sampled attention's kernels use them among themselves.
 * Codes are kept hash by hash: code[h * ld + i] is that of row i, bit t set when projection t of
 * the hash is positive. */
#ifndef YO_CPU_LSH_H
#define YO_CPU_LSH_H

#include "cpu/attention.h"
#include "cpu/tile.h"

/* Rows hashed at once: vectors of rows, one row a lane. */
enum { YO_HASH_ROWS = 64 };

/* M hashes of T bits of vectors of D floats. */
typedef struct yo_hasher {
    int64_t size, padded; /* D, and D2 of the fast hash (D otherwise) */
    int32_t code_len, num_hash;
    int32_t groups; /* P of the fast hash */
    bool spread;    /* output c of all groups is bit c / M of code c mod M */
    /* Dense: projection c = m * T + t has component d at dense[c * column + d * component]. */
    const float *dense;
    int64_t column, component;
    /* Fast: component d of round r of group p at sign[(r * groups + p) * D2 + d]. */
    const float *sign;
    /* The projections of either as tiles of bf16, where the variant and the hash allow it. */
    const uint16_t *tile;
} yo_hasher;

/* The power of two not below max(D, 32): D2 of drawn signs. */
static inline int64_t yo_hadamard_size(int64_t size)
{
    int64_t padded = 32;
    while (padded < size)
        padded *= 2;
    return padded;
}

yo_hasher YO_CPU(lsh_dense_hasher)(const yo_attention *at, const float *projection, int64_t column,
                                   int64_t component);
yo_hasher YO_CPU(lsh_fast_hasher)(const yo_attention *at, const float *sign, int64_t sign_size);

/* The hashers of all heads, drawn for one call (see yoso_attention). */
typedef struct yo_drawn {
    yo_hasher *head;
    float *random;
    size_t bytes;
} yo_drawn;
yoso_status YO_CPU(lsh_draw)(yo_drawn *drawn, const yo_attention *at);
void YO_CPU(lsh_draw_free)(yo_drawn *drawn);

/* Floats of scratch that hashing takes. */
size_t YO_CPU(lsh_hash_scratch)(const yo_hasher *hasher);

/* Codes of rows first .. first + rows - 1 of one head. */
void YO_CPU(lsh_codes)(uint16_t *code, int64_t ld, const yo_hasher *hasher, const yo_source *x,
                       int64_t head, int64_t first, int64_t rows, float *scratch);

/* ld for codes of that many rows: an odd number of cache lines, so that the hashes' codes of one
 * row do not all fall into the same few places of a cache. */
static inline int64_t yo_code_ld(int64_t rows)
{
    return ((rows + 31) / 32 | 1) * 32;
}

/* Codes of YO_LANES rows as integers. */
typedef uint16_t yo_codes __attribute__((vector_size(2 * YO_LANES)));
typedef uint16_t yo_codes_anywhere
    __attribute__((vector_size(2 * YO_LANES), aligned(2), may_alias));

YO_INLINE yo_ivec yo_load_codes(const uint16_t *code)
{
    return __builtin_convertvector(*(const yo_codes_anywhere *)code, yo_ivec);
}

YO_INLINE void yo_store_codes(uint16_t *code, yo_ivec value)
{
    *(yo_codes_anywhere *)code = __builtin_convertvector(value, yo_codes);
}

/* One block of YO_HASH_ROWS rows: turned is [D2, YO_HASH_ROWS], work [D2, YO_LANES]. */
void YO_CPU(lsh_fast_block)(uint16_t *code, int64_t ld, const yo_hasher *hasher,
                            const float *turned, float *work);

/* matrix[D2, D2]: component d of output c of group p is at c * D2 + d; space has as many floats. */
void YO_CPU(lsh_fast_matrix)(float *matrix, const yo_hasher *hasher, int32_t p, float *space);

#if defined(__AMX_TILE__)
/* Hashing by the matrix unit (lsh_tiles.c): tile_floats are for the projections as tiles and the
 * packing of them, which sets hasher->tile where it can. */
size_t YO_CPU(lsh_tile_floats)(const yo_attention *at);
void YO_CPU(lsh_tile_pack)(yo_hasher *hasher, float *space);
size_t YO_CPU(lsh_tile_scratch)(const yo_hasher *hasher);
void YO_CPU(lsh_tile_codes)(uint16_t *code, int64_t ld, const yo_hasher *hasher, const yo_source *x,
                            int64_t head, int64_t first, int64_t rows, float *scratch);
#endif

/* Bucket tables of `count` hashes: what rows of values are added to and read back from. */
typedef struct yo_tables {
    void *table;   /* [count, buckets, width] */
    int64_t width; /* value_size rounded up to whole vectors */
    int64_t buckets;
    int32_t count; /* hashes that share the second cache with the rows passing by */
    /* Numbers are f16, and the values scale times what they were, so that no sum of a bucket in
     * eight tables overflows; else f32, and scale is 1. It starts at the largest. */
    bool half;
    float scale;
    int64_t chunk; /* rows at a time, so that they stay in the second cache too */
} yo_tables;

/* Tables for values of that size, of f16 where `half` asks for it and the variant has it; memory
 * is the caller's. */
yo_tables YO_CPU(lsh_tables)(const yo_attention *at, int64_t value_size, bool half);
static inline int64_t yo_tables_floats(const yo_tables *tables, int64_t count)
{
    return (count * tables->buckets * tables->width) >> tables->half;
}
static inline int64_t yo_values_floats(const yo_tables *tables, int64_t rows)
{
    return (rows * tables->width) >> tables->half;
}

/* Values as the tables want them: [rows, width], some of `keys` rows. Tables of f16 may get a
 * smaller scale by it: what they hold from before needs lsh_half_rescale then. */
void YO_CPU(lsh_load_values)(void *values, yo_tables *tables, const yo_source *v, int64_t head,
                             int64_t first, int64_t rows, int64_t keys);

/* Floats of working space for adding at most that many rows at a time. */
int64_t YO_CPU(lsh_add_scratch)(const yo_tables *tables, int64_t rows);

/* table[h][code of row j] (+)= values_j: a hash at a time the rows, at most chunk, are
 * sorted by bucket and summed in registers. `onto` keeps what the tables hold. */
void YO_CPU(lsh_add)(const yo_tables *tables, const uint16_t *code, int64_t ld, const void *values,
                     int64_t rows, bool onto, float *scratch);

/* sum[i] (+)= sum over h of table[h][code of query i] / scale; sum is [queries, width] of floats.
 * `onto` keeps what it holds. */
void YO_CPU(lsh_gather)(float *sum, const yo_tables *tables, const uint16_t *code, int64_t ld,
                        int64_t queries, bool onto);

#if defined(__AVX512FP16__)
#define YO_HALVES
/* The same for tables of f16 and values of bf16 (lsh_half.c). */
void YO_CPU(lsh_half_values)(void *values, yo_tables *tables, const yo_source *v, int64_t head,
                             int64_t first, int64_t rows, int64_t keys);
void YO_CPU(lsh_half_rescale)(const yo_tables *tables, int64_t count, float factor);
void YO_CPU(lsh_half_sums)(uint16_t *table, const yo_tables *tables, const uint16_t *values,
                           const int32_t *order, const int32_t *end, bool onto);
void YO_CPU(lsh_half_gather)(float *sum, const yo_tables *tables, const uint16_t *code, int64_t ld,
                             int64_t queries, bool onto);
#endif

/* One side of the sampled attention: codes of `count` rows from row `first` on. */
typedef struct yo_side {
    const uint16_t *code;
    int64_t ld, first, count;
} yo_side;

/* sum[i] = sum over h, j with equal codes of v_j; sum is [queries, width]; values holds the keys'
 * rows as lsh_load_values makes them. */
void YO_CPU(lsh_sum)(float *sum, const yo_tables *tables, const yo_attention *at, const yo_side *q,
                     const yo_side *k, const void *values, float *scratch);

/* The same for few keys, pair by pair; values are floats [keys, width]. Codes are read up to 31
 * rows behind the last. */
int64_t YO_CPU(lsh_pairs_scratch)(int64_t keys);
void YO_CPU(lsh_pairs)(float *sum, int64_t width, int32_t hashes, const yo_side *q,
                       const yo_side *k, const float *values, float *scratch);

#if defined(__AMX_TILE__)
/* On tiles, for values of bf16 and at most 256 hashes (amx_counts.c). sum has room for a multiple
 * of 16 rows. */
enum { YO_AMX_HASHES = 256 };
int64_t YO_CPU(amx_counts_scratch)(int64_t width);
void YO_CPU(amx_counts)(float *sum, int64_t width, int32_t hashes, const yo_side *q,
                        const yo_side *k, const yo_source *v, int64_t head, float *scratch);
#endif

/* sum[i] += sum over h, j with equal codes of (u_i . z_j) y_j. Rows of u and z have ld floats,
 * those of y and sum have y_ld, both multiples of YO_LANES with zeros at the end; rows whose
 * keep byte is 0 take no part. */
typedef struct yo_weighted {
    float *sum;
    const float *u, *z, *y;
    int64_t ld, y_ld;
    const uint8_t *a_keep, *b_keep; /* of the sides' first rows, or NULL */
} yo_weighted;
/* Codes from the caller, [rows, M] of the whole batch, hash by hash; out of range is
 * YOSO_MISUSE. */
yoso_status YO_CPU(lsh_take_codes)(uint16_t *code, int64_t ld, const int32_t *from, int64_t first,
                                   int64_t rows, const yo_attention *at);

#endif
