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

/* Floats of projections or signs that at asks for; and their drawing for one head, from
 * (seed, layer, head) alone (see yoso_attention). */
size_t YO_CPU(lsh_random_floats)(const yo_attention *at);
yo_hasher YO_CPU(lsh_draw)(float *random, const yo_attention *at, int64_t head);

/* Floats of scratch that hashing takes. */
size_t YO_CPU(lsh_hash_scratch)(const yo_hasher *hasher);

/* Codes of rows first .. first + rows - 1 of one head. */
void YO_CPU(lsh_codes)(uint16_t *code, int64_t ld, const yo_hasher *hasher, const yo_source *x,
                       int64_t head, int64_t first, int64_t rows, float *scratch);

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

/* Bucket tables of `count` hashes: what rows of values are added to and read back from. */
typedef struct yo_tables {
    float *table;  /* [count, buckets, width] */
    int64_t width; /* value_size rounded up to YO_LANES */
    int64_t buckets;
    int32_t count;
} yo_tables;

/* Makes the buckets that these codes name, or all when there are as many codes, 0. */
void YO_CPU(lsh_clear)(const yo_tables *tables, const uint16_t *k_code, int64_t k_ld, int64_t keys,
                       const uint16_t *q_code, int64_t q_ld, int64_t queries);

/* table[h][code of key j] += v_j for the keys that are kept; scratch [YO_HASH_ROWS, width]. */
void YO_CPU(lsh_scatter)(const yo_tables *tables, const uint16_t *code, int64_t ld,
                         const yo_source *v, int64_t head, int64_t first, int64_t keys,
                         float *scratch);

/* Tables that share the second cache with the rows passing by; their memory is the caller's. */
yo_tables YO_CPU(lsh_tables)(const yo_attention *at, int64_t value_size);
static inline int64_t yo_tables_floats(const yo_tables *tables)
{
    return tables->count * tables->buckets * tables->width;
}

/* One side of the sampled attention: codes of `count` rows from row `first` on. */
typedef struct yo_side {
    const uint16_t *code;
    int64_t ld, first, count;
} yo_side;

/* mean[i] = 1 / M sum over h, j with equal codes of v_j; mean is [queries, width], scratch
 * [YO_HASH_ROWS, width]. */
void YO_CPU(lsh_mean)(float *mean, const yo_tables *tables, const yo_attention *at,
                      const yo_side *q, const yo_side *k, const yo_source *v, int64_t head,
                      float *scratch);

/* sum[i] += sum over h, j with equal codes of (u_i . z_j) y_j. Rows of u and z have ld floats,
 * those of y and sum have y_ld, both multiples of YO_LANES with zeros at the end; rows whose
 * keep byte is 0 take no part. */
typedef struct yo_weighted {
    float *sum;
    const float *u, *z, *y;
    int64_t ld, y_ld;
    const uint8_t *a_keep, *b_keep; /* of the sides' first rows, or NULL */
} yo_weighted;
size_t YO_CPU(lsh_weighted_scratch)(const yo_attention *at, int64_t a, int64_t b, int64_t ld,
                                    int64_t y_ld);
void YO_CPU(lsh_weighted)(const yo_weighted *w, const yo_attention *at, const yo_side *a,
                          const yo_side *b, float *scratch);

/* Codes from the caller, [rows, M] of the whole batch, hash by hash; out of range is
 * YOSO_MISUSE. */
yoso_status YO_CPU(lsh_take_codes)(uint16_t *code, int64_t ld, const int32_t *from, int64_t first,
                                   int64_t rows, const yo_attention *at);

/* sum[i] += sum over h of table[h][code of query i]; sum is [queries, width]. */
void YO_CPU(lsh_gather)(float *sum, const yo_tables *tables, const uint16_t *code, int64_t ld,
                        int64_t queries);

#endif
