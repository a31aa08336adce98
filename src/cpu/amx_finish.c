/* Finishing whole rows of sums: results of deep products, and layer norms. */
#include "cpu/amx_finish.h"
#include "cpu/cpu_kernels.h"

YO_INLINE void finish_rows(const yo_amx_finish *f, const float *sums, int64_t ld,
                           const float *row_scale, int64_t row, int64_t rows, int64_t column,
                           int64_t columns, const int32_t activation)
{
    for (int64_t r = 0; r < rows; r++, sums += ld, row_scale += f->scale != NULL)
        for (int64_t c = 0; c < columns; c += YO_AMX_BLOCK) {
            int64_t count = columns - c < YO_AMX_BLOCK ? columns - c : YO_AMX_BLOCK;
#define FINISH(KIND)                                                                               \
    yo_amx_finish_row(f, sums + c, row_scale, row + r, column + c, count, activation, KIND)
            if (f->kind == YO_AMX_BF16)
                FINISH(YO_AMX_BF16);
            else if (f->kind == YO_AMX_F32)
                FINISH(YO_AMX_F32);
            else
                FINISH(YO_AMX_INT8);
#undef FINISH
        }
}

void YO_CPU(amx_finish)(const yo_amx_finish *f, const float *sums, int64_t ld,
                        const float *row_scale, int64_t row, int64_t rows, int64_t column,
                        int64_t columns)
{
#define FINISH(ACTIVATION)                                                                         \
    finish_rows(f, sums, ld, row_scale, row, rows, column, columns, ACTIVATION)
    switch (f->activation) {
    case YOSO_ACT_GELU:
        FINISH(YOSO_ACT_GELU);
        break;
    case YOSO_ACT_RELU:
        FINISH(YOSO_ACT_RELU);
        break;
    case YOSO_ACT_TANH:
        FINISH(YOSO_ACT_TANH);
        break;
    default:
        FINISH(YOSO_ACT_NONE);
    }
#undef FINISH
}

static __m512 load_lanes(const yo_view *from, int64_t at, __mmask16 mask)
{
    if (from->dtype == YOSO_F32)
        return _mm512_maskz_loadu_ps(mask, (const float *)from->data + at);
    __m256i halves = _mm256_maskz_loadu_epi16(mask, (const uint16_t *)from->data + at);
    if (from->dtype == YOSO_BF16)
        return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(halves), 16));
    return _mm512_cvtph_ps(halves);
}

void YO_CPU(amx_finish_norm)(const yo_amx_finish *f, float *sums, int64_t ld,
                             const float *row_scale, int64_t row, int64_t rows)
{
    int64_t n = f->out->shape[1];
    for (int64_t r = 0; r < rows; r++, sums += ld, row_scale += f->scale != NULL) {
        int64_t base = (row + r) * n;
        for (int64_t c = 0; c < n; c += 16) {
            __m512 x = f->kind == YO_AMX_INT8
                           ? yo_amx_scaled(f, sums + c, c, row_scale, YO_AMX_INT8)
                           : yo_amx_scaled(f, sums + c, c, NULL, YO_AMX_F32);
            _mm512_storeu_ps(sums + c, x + load_lanes(f->residual, base + c, yo_amx_lanes(n - c)));
        }
        YO_CPU(layer_norm_row)(sums, n, f->norm_weight, f->norm_bias, f->eps);
        for (int64_t c = 0; c < n; c += 16)
            yo_amx_store(f->out, base + c, yo_amx_lanes(n - c), _mm512_loadu_ps(sums + c));
    }
}
