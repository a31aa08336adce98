/* Rows of any floats as f16, each scaled by a power of two, in the order in which half_linear.c
 * reads them. */
#include "cpu/half_pack.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/simd.h"

/* -- Rows to f16 ---------------------------------------------------------------------------------
 */

/* The power of two that brings a row's numbers into (-1, 1]; 1 where there is nothing to bring. */
static float scale_for(const float *row, int64_t n)
{
    float largest = yo_largest_magnitude(row, n);
    int exponent;
    if (!(largest > 0) || !(largest < INFINITY))
        return 1;
    frexpf(largest, &exponent);
    /* Both this and what undoes it are finite. */
    exponent = exponent > 126 ? 126 : exponent < -126 ? -126 : exponent;
    return ldexpf(1, -exponent);
}

/* 16 scaled numbers of a row that has `left` from here on, zeros behind its end. */
YO_INLINE __m256i sixteen(const float *row, int64_t left, float scale)
{
    __mmask16 there = left < YO_HALF_STEP ? (__mmask16)((1u << left) - 1) : (__mmask16)0xffff;
    __m512 x = _mm512_mul_ps(_mm512_maskz_loadu_ps(there, row), _mm512_set1_ps(scale));
    return _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* -- The weight ----------------------------------------------------------------------------------
 */

static void release(yo_derived *derived)
{
    yo_half_weight *weight = (yo_half_weight *)derived;
    yo_memory_give(weight->block, weight->bytes);
    free(weight);
}

/* Column n of the layer, row n of the source, as f16. */
static void convert_row(const yo_half_weight *weight, const yo_view *source, int64_t n, float *row,
                        uint16_t *half)
{
    int64_t depth = source->shape[1];
    yo_load_floats(row, source->data, n * source->stride[0], source->stride[1], source->dtype,
                   depth);
    float scale = scale_for(row, depth);
    weight->scale[n] = 1 / scale;
    for (int64_t k = 0; k < depth; k += YO_HALF_STEP)
        _mm256_storeu_si256((__m256i *)(half + k), sixteen(row + k, depth - k, scale));
}

/* Panel p by way of `row` and half[64][room]: reading its columns side by side keeps what is read
 * and what is written in the first cache. */
static void pack_panel(const yo_half_weight *weight, const yo_view *source, int64_t p, float *row,
                       uint16_t *half)
{
    int64_t depth = source->shape[1], room = yo_half_room(depth), first = p * YO_HALF_PANEL;
    int64_t columns = source->shape[0] - first;
    if (columns < YO_HALF_PANEL)
        memset(half, 0, (size_t)(YO_HALF_PANEL * room) * sizeof *half);
    for (int64_t n = 0; n < YO_HALF_PANEL && n < columns; n++)
        convert_row(weight, source, first + n, row, half + n * room);
    uint16_t *to = weight->panel + first * depth;
    for (int64_t k = 0; k < depth; k++, to += YO_HALF_PANEL)
        for (int64_t n = 0; n < YO_HALF_PANEL; n++)
            to[n] = half[n * room + k];
}

static yoso_status fill(yo_half_weight *weight, const yo_view *source)
{
    int64_t depth = source->shape[1], room = yo_half_room(depth);
    int64_t panels = (source->shape[0] + YO_HALF_PANEL - 1) / YO_HALF_PANEL;
    int64_t columns = panels * YO_HALF_PANEL, of_thread = room + YO_HALF_PANEL * room / 2;
    int threads = columns * depth < YO_CPU_GRAIN ? 1 : yo_threads();
    size_t numbers = (size_t)columns * (size_t)depth * sizeof(uint16_t);
    weight->bytes = numbers + (size_t)columns * sizeof(float);
    YO_TRY(yo_memory_take(&weight->block, weight->bytes));
    weight->panel = weight->block;
    weight->scale = (float *)(weight->panel + columns * depth);
    size_t used = (size_t)threads * (size_t)of_thread * sizeof(float);
    float *rows;
    YO_TRY(yo_memory_take((void **)&rows, used));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t p = 0; p < panels; p++) {
        float *row = rows + omp_get_thread_num() * of_thread;
        pack_panel(weight, source, p, row, (uint16_t *)(row + room));
    }
    yo_memory_give(rows, used);
    return YOSO_OK;
}

yoso_status YO_CPU(half_weight)(yo_derived **out, const yo_view *source)
{
    yo_half_weight *weight = calloc(1, sizeof *weight);
    if (!weight)
        return yo_fail(YOSO_NO_MEMORY, "linear: out of memory");
    weight->derived.release = release;
    yoso_status status = fill(weight, source);
    if (status != YOSO_OK) {
        release(&weight->derived);
        return status;
    }
    *out = &weight->derived;
    return YOSO_OK;
}

/* -- x -------------------------------------------------------------------------------------------
 */

void YO_CPU(half_tile)(uint32_t *tile, float *scale, const yo_view *x, int64_t row, int64_t rows,
                       float *work)
{
    int64_t depth = x->shape[1], room = yo_half_room(depth);
    uint32_t *pairs = (uint32_t *)(work + room);
    if (rows < YO_HALF_TILE)
        memset(pairs, 0, (size_t)(YO_HALF_TILE * room) * sizeof *pairs);
    for (int64_t r = 0; r < rows; r++) {
        yo_load_floats(work, x->data, (row + r) * depth, 1, x->dtype, depth);
        float factor = scale_for(work, depth);
        scale[r] = 1 / factor;
        for (int64_t k = 0; k < depth; k += YO_HALF_STEP) {
            __m512i one = _mm512_cvtepu16_epi32(sixteen(work + k, depth - k, factor));
            _mm512_storeu_si512(pairs + r * room + k,
                                _mm512_or_si512(one, _mm512_slli_epi32(one, 16)));
        }
    }
    /* Sixteen rows are turned. What the last four of them hold is written too far, and over by the
     * next component. */
    for (int64_t k = 0; k < room; k += YO_HALF_STEP)
        yo_transpose_square((float *)tile + k * YO_HALF_TILE, YO_HALF_TILE,
                            (const float *)pairs + k, room);
}
