/* Factors of a product into tiles. A left tile is 16 rows of 64 bytes along K; a right one has 4
 * bytes along K of 16 rows side by side. Seen as 16 by 16 words of 4 bytes the one is the other
 * transposed, so a factor that lies the wrong way round is transposed once, in registers. */
#include <omp.h>

#include "core/memory.h"
#include "cpu/amx_product.h"
#include "cpu/convert.h"
#include "cpu/simd.h"

enum { ROWS = YO_AMX_ROWS, BLOCK = YO_AMX_BLOCK };

static void transpose(char *tile)
{
    yo_transpose_square((float *)(void *)tile, ROWS, (const float *)(const void *)tile, ROWS);
}

/* The first n lanes, for n from below 0 to above 32. */
static __mmask32 lanes(int64_t n)
{
    return n >= 32 ? 0xffffffffu : n <= 0 ? 0 : (1u << n) - 1;
}

/* 16 neighbours of any float dtype. */
static inline __m512 load_floats(const void *data, int32_t dtype, int64_t at, __mmask16 mask)
{
    if (dtype == YOSO_F32)
        return _mm512_maskz_loadu_ps(mask, (const float *)data + at);
    __m256i halves = _mm256_maskz_loadu_epi16(mask, (const uint16_t *)data + at);
    if (dtype == YOSO_BF16)
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
    return _mm512_cvtph_ps(halves);
}

/* -- bf16 -----------------------------------------------------------------------------------------
 */

/* 16 rows of 32 numbers, neighbours along K. */
static void rows_of_bf16(char *tile, const yo_factor *f, int64_t row, int64_t k)
{
    __mmask32 mask = lanes(f->depth - k);
    for (int64_t i = 0; i < ROWS; i++) {
        const uint16_t *from = (const uint16_t *)f->data + (row + i) * f->row_stride + k;
        __m512i numbers =
            row + i < f->rows ? _mm512_maskz_loadu_epi16(mask, from) : _mm512_setzero_si512();
        _mm512_store_si512(tile + i * YO_AMX_ROW_BYTES, numbers);
        _mm_prefetch(from + ROWS * f->row_stride, _MM_HINT_T0); /* of the tile below */
    }
}

/* 16 pairs along K, each of 16 neighbouring rows. */
static void pairs_of_bf16(char *tile, const yo_factor *f, int64_t row, int64_t k)
{
    __mmask16 mask = (__mmask16)lanes(f->rows - row);
    const uint16_t *from = (const uint16_t *)f->data + row + k * f->depth_stride;
    for (int64_t p = 0; p < ROWS; p++, from += 2 * f->depth_stride) {
        __mmask16 even = k + 2 * p < f->depth ? mask : 0, odd = k + 2 * p + 1 < f->depth ? mask : 0;
        __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(even, from));
        __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(odd, from + f->depth_stride));
        _mm512_store_si512(tile + p * YO_AMX_ROW_BYTES,
                           _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
    }
}

/* -- f32: high, middle and low part, each the next 8 bits cut off ---------------------------------
 */

static inline __m512i cut_part(__m512 *rest)
{
    __m512i part = _mm512_and_si512(_mm512_castps_si512(*rest), _mm512_set1_epi32(-65536));
    *rest -= _mm512_castsi512_ps(part);
    return part;
}

/* The upper halves of a's words, then of b's. */
static inline __m512i join_halves(__m512i a, __m512i b)
{
    __m512i index = _mm512_set_epi16(63, 61, 59, 57, 55, 53, 51, 49, 47, 45, 43, 41, 39, 37, 35, 33,
                                     31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    return _mm512_permutex2var_epi16(a, index, b);
}

/* The upper half of each of a's words beside that of b's. */
static inline __m512i pair_halves(__m512i a, __m512i b)
{
    return _mm512_mask_blend_epi16(0xaaaaaaaau, _mm512_srli_epi32(a, 16), b);
}

/* A row of a tile of each plane, YO_AMX_STEP_BYTES apart. The last rest has 8 bits. */
YO_INLINE void store_planes(char *row, __m512 a, __m512 b, const bool paired)
{
#pragma GCC unroll 3
    for (int64_t plane = 0; plane < YO_AMX_PLANES; plane++, row += YO_AMX_STEP_BYTES) {
        bool last = plane + 1 == YO_AMX_PLANES;
        __m512i x = last ? _mm512_castps_si512(a) : cut_part(&a);
        __m512i y = last ? _mm512_castps_si512(b) : cut_part(&b);
        _mm512_store_si512(row, paired ? pair_halves(x, y) : join_halves(x, y));
    }
}

static void rows_of_f32(char *tile, const yo_factor *f, int64_t row, int64_t k)
{
    __mmask32 mask = lanes(f->depth - k);
    int64_t size = yoso_dtype_size(f->dtype), below = ROWS * f->row_stride;
    for (int64_t i = 0; i < ROWS; i++, tile += YO_AMX_ROW_BYTES) {
        int64_t from = (row + i) * f->row_stride + k;
        bool there = row + i < f->rows;
        _mm_prefetch((const char *)f->data + (from + below) * size, _MM_HINT_T0);
        _mm_prefetch((const char *)f->data + (from + below + 16) * size, _MM_HINT_T0);
        __m512 a = load_floats(f->data, f->dtype, from, there ? (__mmask16)mask : 0);
        __m512 b = load_floats(f->data, f->dtype, from + 16, there ? (__mmask16)(mask >> 16) : 0);
        store_planes(tile, a, b, false);
    }
}

static void pairs_of_f32(char *tile, const yo_factor *f, int64_t row, int64_t k)
{
    __mmask16 mask = (__mmask16)lanes(f->rows - row);
    int64_t from = row + k * f->depth_stride;
    for (int64_t p = 0; p < ROWS; p++, from += 2 * f->depth_stride, tile += YO_AMX_ROW_BYTES) {
        __mmask16 even = k + 2 * p < f->depth ? mask : 0, odd = k + 2 * p + 1 < f->depth ? mask : 0;
        __m512 a = load_floats(f->data, f->dtype, from, even);
        __m512 b = load_floats(f->data, f->dtype, from + f->depth_stride, odd);
        store_planes(tile, a, b, true);
    }
}

/* -- int8 -----------------------------------------------------------------------------------------
 */

void YO_CPU(amx_row_scales)(float *scale, const yo_factor *f, int64_t first, int64_t rows)
{
    for (int64_t r = 0; r < rows; r++) {
        __m512 largest = _mm512_setzero_ps();
        int64_t base = (first + r) * f->row_stride;
        for (int64_t k = 0; k < f->depth; k += 16) {
            __mmask16 mask = (__mmask16)lanes(f->depth - k);
            __m512 x = load_floats(f->data, f->dtype, base + k, mask);
            largest = _mm512_max_ps(_mm512_abs_ps(x), largest);
        }
        scale[r] = _mm512_reduce_max_ps(largest) / 127;
    }
}

/* 16 rows of 64 bytes along K: numbers divided by their row's scale, scale[0] being row's. */
static void rows_of_int8(char *tile, const yo_factor *f, int64_t row, int64_t k, const float *scale)
{
    for (int64_t i = 0; i < ROWS; i++) {
        bool there = row + i < f->rows;
        __m512 factor = _mm512_set1_ps(there && scale[i] > 0 ? 1 / scale[i] : 0);
        int64_t base = (row + i) * f->row_stride + k;
        for (int64_t quarter = 0; quarter < 4; quarter++) {
            int64_t left = there ? f->depth - k - 16 * quarter : 0;
            __m512 x = load_floats(f->data, f->dtype, base + 16 * quarter, (__mmask16)lanes(left));
            __m128i bytes = _mm512_cvtsepi32_epi8(_mm512_cvtps_epi32(x * factor));
            _mm_store_si128((__m128i *)(void *)(tile + i * YO_AMX_ROW_BYTES + 16 * quarter), bytes);
        }
    }
}

/* -- The left factor ------------------------------------------------------------------------------
 */

/* 16 rows of one step, all planes. */
static void left_tile(char *tile, yo_amx_kind kind, const yo_factor *f, int64_t row, int64_t k,
                      const float *scale)
{
    bool along = f->depth_stride == 1;
    switch (kind) {
    case YO_AMX_BF16:
        (along ? rows_of_bf16 : pairs_of_bf16)(tile, f, row, k);
        if (!along)
            transpose(tile);
        break;
    case YO_AMX_F32:
        (along ? rows_of_f32 : pairs_of_f32)(tile, f, row, k);
        for (int64_t plane = 0; !along && plane < YO_AMX_PLANES; plane++)
            transpose(tile + plane * YO_AMX_STEP_BYTES);
        break;
    default:
        rows_of_int8(tile, f, row, k, scale);
    }
}

void YO_CPU(amx_pack_left)(char *tiles, yo_amx_kind kind, const yo_factor *source, int64_t first,
                           int64_t rows, int64_t first_step, int64_t steps, const float *scale)
{
    int64_t bytes = YO_AMX_STEP_BYTES * (kind == YO_AMX_F32 ? YO_AMX_PLANES : 1);
    for (int64_t block = 0; block < rows; block += BLOCK)
        for (int64_t half = 0; half < BLOCK; half += ROWS)
            for (int64_t s = 0; s < steps; s++)
                left_tile(tiles + (block / BLOCK * steps + s) * bytes + half / ROWS * YO_AMX_BYTES,
                          kind, source, first + block + half, (first_step + s) * yo_amx_step(kind),
                          scale ? scale + block + half : NULL);
}

/* -- The right factor -----------------------------------------------------------------------------
 */

/* 16 rows of one step of f32 as they are: to[32 numbers along K][ld]. */
static void right_floats(float *to, const yo_factor *f, int64_t row, int64_t k)
{
    if (f->depth_stride != 1) {
        __mmask16 mask = (__mmask16)lanes(f->rows - row);
        int64_t from = row + k * f->depth_stride;
        for (int64_t i = 0; i < 32; i++, from += f->depth_stride)
            _mm512_store_ps(to + i * BLOCK,
                            load_floats(f->data, f->dtype, from, k + i < f->depth ? mask : 0));
        return;
    }
    float square[ROWS * ROWS] __attribute__((aligned(64)));
    for (int64_t half = 0; half < 32; half += 16) {
        __mmask16 mask = (__mmask16)lanes(f->depth - k - half);
        for (int64_t i = 0; i < ROWS; i++) {
            int64_t from = (row + i) * f->row_stride + k + half;
            _mm512_store_ps(square + i * ROWS,
                            load_floats(f->data, f->dtype, from, row + i < f->rows ? mask : 0));
        }
        yo_transpose_square(to + half * BLOCK, BLOCK, square, ROWS);
    }
}

static void right_tile(char *tile, yo_amx_kind kind, const yo_factor *f, int64_t row, int64_t k,
                       const float *scale)
{
    bool along = f->depth_stride == 1;
    if (kind == YO_AMX_INT8)
        rows_of_int8(tile, f, row, k, scale);
    else
        (along ? rows_of_bf16 : pairs_of_bf16)(tile, f, row, k);
    if (along)
        transpose(tile);
}

static void pack_panel(yo_amx_right *right, const yo_factor *f, int64_t panel)
{
    char *to = right->panels + panel * right->steps * right->step_bytes;
    float *scale = right->scale ? right->scale + panel * BLOCK : NULL;
    int64_t row = panel * BLOCK, left = f->rows - row;
    if (scale) {
        memset(scale, 0, BLOCK * sizeof *scale);
        YO_CPU(amx_row_scales)(scale, f, row, left < BLOCK ? left : BLOCK);
    }
    for (int64_t s = 0; s < right->steps; s++, to += right->step_bytes)
        for (int64_t half = 0; half < 2; half++) {
            int64_t k = s * yo_amx_step(right->kind), r = row + half * ROWS;
            if (right->kind == YO_AMX_F32)
                right_floats((float *)(void *)to + half * ROWS, f, r, k);
            else
                right_tile(to + half * YO_AMX_BYTES, right->kind, f, r, k,
                           scale ? scale + half * ROWS : NULL);
        }
}

yoso_status YO_CPU(amx_pack_right)(yo_amx_right *right, yo_amx_kind kind, const yo_factor *source)
{
    int64_t panels = (source->rows + BLOCK - 1) / BLOCK;
    *right = (yo_amx_right){.kind = kind, .rows = source->rows, .depth = source->depth};
    right->steps = (source->depth + yo_amx_step(kind) - 1) / yo_amx_step(kind);
    right->step_bytes = YO_AMX_STEP_BYTES * (kind == YO_AMX_F32 ? 2 : 1);
    size_t bytes, scales = kind == YO_AMX_INT8 ? (size_t)panels * BLOCK * sizeof(float) : 0;
    if (!yo_multiply((size_t)panels, (size_t)right->steps * (size_t)right->step_bytes, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "matmul: the packed factor overflows memory");
    void *block;
    YO_TRY(yo_memory_take(&block, bytes + scales));
    right->bytes = bytes + scales;
    right->panels = block;
    right->scale = scales ? (float *)(void *)(right->panels + bytes) : NULL;
    int threads = source->rows * source->depth < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t p = 0; p < panels; p++)
        pack_panel(right, source, p);
    return YOSO_OK;
}

void YO_CPU(amx_free_right)(yo_amx_right *right)
{
    yo_memory_give(right->panels, right->bytes);
    right->panels = NULL;
}

void YO_CPU(amx_split_panel)(char *planes, const char *panel, int64_t steps)
{
    const float *from = (const float *)(const void *)panel;
    for (int64_t s = 0; s < steps; s++, planes += YO_AMX_PLANES * YO_AMX_STEP_BYTES)
        for (int64_t p = 0; p < ROWS; p++, from += 2 * BLOCK)
            for (int64_t half = 0; half < 2; half++)
                store_planes(planes + half * YO_AMX_BYTES + p * YO_AMX_ROW_BYTES,
                             _mm512_load_ps(from + half * ROWS),
                             _mm512_load_ps(from + BLOCK + half * ROWS), true);
}
