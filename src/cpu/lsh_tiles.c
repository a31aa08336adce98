/* Hashing by the processor's matrix unit: codes are signs of a product of projections and rows,
 * both of bf16.
 *
 * The fast hash too is such a product. Its matrix H S3 H S2 H S1 (S signs, H Hadamard) has whole
 * numbers that bf16 holds exactly; should one not be, the hash keeps its own transforms. Rows of
 * f32 or f16 are split into three or two numbers of bf16 whose sum they are, so that all products
 * are exact and codes differ from those of other variants only where the order of additions decides
 * a sign. */
#include "cpu/amx.h"
#include "cpu/lsh.h"

/* Rows and hashes at a time; projections, and components, that tiles are rounded up to. */
enum { ROWS = 64, HASHES = 16, STEP = 32 };
/* Products that are kept, a power of two: those of one hash and what runs ahead of it. */
enum { KEPT = 64, AHEAD = 32 };
/* The largest fast hash that is worth a product. */
enum { LARGEST_FAST = 128 };

static int64_t depth_of(int64_t size)
{
    return yo_round_up(size, STEP);
}

/* -- projections ------------------------------------------------------------------------------- */

size_t YO_CPU(lsh_tile_floats)(const yo_attention *at)
{
    int64_t rows = yo_round_up(at->num_hash, HASHES) * at->code_len;
    int64_t padded = yo_hadamard_size(at->head_size);
    int64_t space = at->fast_hash && padded <= LARGEST_FAST ? 2 * padded * padded : 0;
    return (size_t)(rows * depth_of(at->head_size) / 2 + space);
}

/* Where projection t of hash m starts; its components d are step d / STEP, place d mod STEP. HASHES
 * hashes end with whole tiles. A hash's last bit comes first. */
static uint16_t *place_of(uint16_t *tile, const yo_hasher *hasher, int64_t m, int64_t t)
{
    int64_t row = m * hasher->code_len + hasher->code_len - 1 - t;
    int64_t steps = depth_of(hasher->size) / STEP;
    return tile + ((row / YO_AMX_ROWS * steps) * YO_AMX_ROWS + row % YO_AMX_ROWS) * STEP;
}

/* Numbers 2 i + 1 of two vectors of 32: the upper halves of two vectors of 16 floats. */
YO_INLINE __m512i upper_halves(__m512i a, __m512i b)
{
    const __m512i odd = _mm512_add_epi32(
        _mm512_set1_epi32(0x00030001),
        _mm512_mullo_epi32(_mm512_set1_epi32(0x00040004),
                           _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)));
    return _mm512_permutex2var_epi16(a, odd, b);
}

/* Minus the projection x of `size` floats, rounded up to whole steps: a code's bit is the sign bit
 * of the product then, 0 for a zero. Returns whether bf16 holds it. */
static bool store_projection(uint16_t *place, const float *x, int64_t size)
{
    __m512i lost = _mm512_setzero_si512();
    for (int64_t d = 0; d < size; d += STEP, place += YO_AMX_ROWS * STEP) {
        __m512i part[2];
        for (int i = 0; i < 2; i++) {
            int64_t left = size - d - 16 * i;
            uint32_t there = left < 0 ? 0 : left < 16 ? (uint32_t)left : 16;
            part[i] = _mm512_maskz_loadu_epi32((__mmask16)_bzhi_u32(0xffff, there), x + d + 16 * i);
            lost = _mm512_or_si512(lost, part[i]);
        }
        __m512i minus =
            _mm512_xor_si512(upper_halves(part[0], part[1]), _mm512_set1_epi16((int16_t)0x8000));
        _mm512_storeu_si512(place, minus);
    }
    return _mm512_test_epi32_mask(lost, _mm512_set1_epi32(0xffff)) == 0;
}

/* The components of a projection lie side by side. */
static bool pack_dense(uint16_t *tile, const yo_hasher *hasher)
{
    bool exact = true;
    for (int64_t m = 0; m < hasher->num_hash; m++)
        for (int64_t t = 0; t < hasher->code_len; t++)
            exact &= store_projection(place_of(tile, hasher, m, t),
                                      hasher->dense + (m * hasher->code_len + t) * hasher->column,
                                      hasher->size);
    return exact;
}

static bool pack_fast(uint16_t *tile, const yo_hasher *hasher, float *space)
{
    int64_t padded = hasher->padded, codes = padded / hasher->code_len;
    float *matrix = space + padded * padded;
    bool exact = true;
    for (int32_t p = 0; p < hasher->groups; p++) {
        YO_CPU(lsh_fast_matrix)(matrix, hasher, p, space);
        for (int64_t c = 0; c < padded; c++) {
            int64_t m = p * codes + c / hasher->code_len, t = c % hasher->code_len;
            if (hasher->spread) {
                m = (p * padded + c) % hasher->num_hash;
                t = (p * padded + c) / hasher->num_hash;
            } else if (c / hasher->code_len >= codes) {
                continue;
            }
            if (m < hasher->num_hash && t < hasher->code_len)
                exact &= store_projection(place_of(tile, hasher, m, t), matrix + c * padded,
                                          hasher->size);
        }
    }
    return exact;
}

void YO_CPU(lsh_tile_pack)(yo_hasher *hasher, float *space)
{
    if (hasher->sign && hasher->padded > LARGEST_FAST)
        return;
    uint16_t *tile = (uint16_t *)space;
    int64_t numbers = yo_round_up(hasher->num_hash, HASHES) * hasher->code_len;
    numbers *= depth_of(hasher->size);
    memset(tile, 0, (size_t)numbers * sizeof *tile);
    bool exact =
        hasher->sign ? pack_fast(tile, hasher, space + numbers / 2) : pack_dense(tile, hasher);
    hasher->tile = exact ? tile : NULL;
}

/* -- rows -------------------------------------------------------------------------------------- */

/* Rows as they come, their parts of bf16, the parts as right factors, and the products. */
typedef struct workspace {
    float *wide;    /* [ROWS, depth], not for bf16 */
    uint16_t *part; /* [parts, ROWS, depth] */
    float *right;   /* [parts, steps, ROWS / 16] tiles: pairs of components by 16 rows */
    float *product; /* [KEPT, ROWS] */
} workspace;

static size_t lay_out(workspace *space, float *scratch, const yo_hasher *hasher)
{
    int64_t block = ROWS * depth_of(hasher->size);
    space->wide = scratch;
    space->part = (uint16_t *)(scratch + block);
    space->right = scratch + block + 3 * block / 2;
    space->product = space->right + 3 * block / 2;
    return (size_t)(4 * block + KEPT * ROWS);
}

size_t YO_CPU(lsh_tile_scratch)(const yo_hasher *hasher)
{
    float none = 0;
    workspace space;
    return lay_out(&space, &none, hasher);
}

/* x = the sum of its `parts` parts: the top 16 bits of what the parts before have left. */
static void split(uint16_t *part, const float *x, int64_t numbers, int parts)
{
    const __m512i mask = _mm512_set1_epi32((int32_t)0xffff0000);
    for (int64_t i = 0; i < numbers; i += 32) {
        __m512i a = _mm512_loadu_si512(x + i), b = _mm512_loadu_si512(x + i + 16);
        for (int p = 0; p < parts; p++) {
            _mm512_storeu_si512(part + p * numbers + i, upper_halves(a, b));
            a = _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(a),
                                                  _mm512_castsi512_ps(_mm512_and_si512(a, mask))));
            b = _mm512_castps_si512(_mm512_sub_ps(_mm512_castsi512_ps(b),
                                                  _mm512_castsi512_ps(_mm512_and_si512(b, mask))));
        }
    }
}

/* Rows of bf16, zeros for those that are masked or missing; the next block's are sent for. */
static void load_rows(uint16_t *to, const yo_source *x, int64_t head, int64_t first, int64_t rows,
                      int64_t depth)
{
    const yo_rows *from = x->rows;
    const uint16_t *row = (const uint16_t *)from->data + first * from->token + head * from->head;
    for (int64_t i = 0; i < ROWS; i++, row += from->token, to += depth) {
        bool kept = i < rows && (!x->keep || x->keep[first + i]);
        for (int64_t d = 0; d < depth; d += STEP) {
            int64_t left = !kept || x->size < d ? 0 : x->size - d < STEP ? x->size - d : STEP;
            __mmask32 there = (__mmask32)_bzhi_u32(~0u, (uint32_t)left);
            _mm_prefetch((const char *)(row + ROWS * from->token + d), _MM_HINT_T0);
            _mm512_storeu_si512(to + d, _mm512_maskz_loadu_epi16(there, row + d));
        }
    }
}

/* The rows of a block as right factors; returns their parts. */
static int load_block(const workspace *space, const yo_hasher *hasher, const yo_source *x,
                      int64_t head, int64_t first, int64_t rows)
{
    int64_t depth = depth_of(hasher->size), numbers = ROWS * depth;
    int32_t dtype = x->rows->dtype;
    int parts = dtype == YOSO_F32 ? 3 : dtype == YOSO_F16 ? 2 : 1;
    if (dtype == YOSO_BF16) {
        load_rows(space->part, x, head, first, rows, depth);
    } else {
        YO_CPU(attention_load)(space->wide, depth, NULL, x, head, first, rows);
        memset(space->wide + rows * depth, 0, (size_t)((ROWS - rows) * depth) * sizeof(float));
        split(space->part, space->wide, numbers, parts);
    }
    const float *pairs = (const float *)space->part;
    float *to = space->right;
    for (int p = 0; p < parts; p++)
        for (int64_t d = 0; d < depth; d += STEP)
            for (int i = 0; i < ROWS; i += YO_AMX_ROWS, to += YO_AMX_BYTES / 4)
                yo_transpose_square(to, YO_LANES, pairs + (p * numbers + i * depth + d) / 2,
                                    depth / 2);
    return parts;
}

/* -- products and codes ------------------------------------------------------------------------ */

/* product[16, ROWS] = a row of projections' tiles by the block's rows. */
static void multiply(float *product, const uint16_t *tile, const float *right, int64_t steps,
                     int parts)
{
    const int64_t block = YO_AMX_BYTES / 4, stride = ROWS * sizeof(float);
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int p = parts - 1; p >= 0; p--) /* the smallest first */
        for (int64_t k = 0; k < steps; k++) {
            const float *b = right + (p * steps + k) * 4 * block;
            _tile_loadd(4, tile + k * YO_AMX_BYTES / 2, YO_AMX_ROW_BYTES);
            _tile_loadd(5, b, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(0, 4, 5);
            _tile_loadd(6, b + block, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(1, 4, 6);
            _tile_loadd(7, b + 2 * block, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(2, 4, 7);
            _tile_loadd(5, b + 3 * block, YO_AMX_ROW_BYTES);
            _tile_dpbf16ps(3, 4, 5);
        }
    _tile_stored(0, product, stride);
    _tile_stored(1, product + 16, stride);
    _tile_stored(2, product + 32, stride);
    _tile_stored(3, product + 48, stride);
}

/* The sign bits of T products, the last bit's first, of ROWS rows. */
YO_INLINE void pack_signs(uint16_t *code, const float *product, int64_t first, int32_t code_len,
                          __mmask64 rows)
{
    __m512i bits[4] = {_mm512_setzero_si512(), _mm512_setzero_si512(), _mm512_setzero_si512(),
                       _mm512_setzero_si512()};
    for (int64_t t = first; t < first + code_len; t++) {
        const float *row = product + (t & (KEPT - 1)) * ROWS;
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++)
            bits[i] = _mm512_shldi_epi32(bits[i], _mm512_loadu_si512(row + 16 * i), 1);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        _mm256_mask_storeu_epi16(code + 16 * i, (__mmask16)(rows >> 16 * i),
                                 _mm512_cvtepi32_epi16(bits[i]));
}

/* Products run ahead of the codes made from them: the two are different units' work. */
static void hash_block(uint16_t *code, int64_t ld, const yo_hasher *hasher, const workspace *space,
                       int parts, int64_t rows)
{
    int64_t steps = depth_of(hasher->size) / STEP, T = hasher->code_len, done = 0;
    int64_t all = hasher->num_hash * T;
    const uint16_t *tile = hasher->tile;
    __mmask64 there = (__mmask64)_bzhi_u64(~0ull, (uint32_t)rows);
    for (int64_t h = 0; h < hasher->num_hash; h++) {
        for (; done < all && done < (h + 1) * T + AHEAD; done += YO_AMX_ROWS) {
            multiply(space->product + (done & (KEPT - 1)) * ROWS, tile, space->right, steps, parts);
            tile += steps * YO_AMX_BYTES / 2;
            yo_amx_fence();
        }
        pack_signs(code + h * ld, space->product, h * T, hasher->code_len, there);
    }
}

void YO_CPU(lsh_tile_codes)(uint16_t *code, int64_t ld, const yo_hasher *hasher, const yo_source *x,
                            int64_t head, int64_t first, int64_t rows, float *scratch)
{
    workspace space;
    lay_out(&space, scratch, hasher);
    yo_amx_enter();
    for (int64_t i = 0; i < rows; i += ROWS) {
        int64_t count = rows - i < ROWS ? rows - i : ROWS;
        int parts = load_block(&space, hasher, x, head, first + i, count);
        yo_amx_fence();
        hash_block(code + i, ld, hasher, &space, parts, count);
    }
    yo_amx_leave();
}
