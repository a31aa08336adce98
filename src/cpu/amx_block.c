/* One block on tiles 0 to 3, with what is done beside. Nothing is written to memory between two
 * steps but results: loads of tiles would wait for the stores. */
#include "cpu/amx_block.h"

enum { BLOCK = YO_AMX_BLOCK };

YO_INLINE void finish_some(const yo_amx_pending *p, const yo_amx_finish *f, int64_t done,
                           int64_t rows, const int32_t activation, const yo_amx_kind kind)
{
    int64_t end = done + rows < p->rows ? done + rows : p->rows;
    for (int64_t r = done; r < end; r++)
        yo_amx_finish_row(f, p->sums + r * p->ld, p->row_scale + r, p->row + r, p->column,
                          p->columns, activation, kind);
}

YO_INLINE void do_beside(const yo_amx_beside *b, int64_t step, const int32_t activation,
                         const yo_amx_kind kind)
{
    const char *line = b->ahead + step * b->lines_a_step * YO_CACHE_LINE;
    for (int64_t i = 0; i < b->lines_a_step; i++)
        _mm_prefetch(line + i * YO_CACHE_LINE, _MM_HINT_T1);
    if (step * b->rows_a_step < b->waiting.rows)
        finish_some(&b->waiting, b->finish, step * b->rows_a_step, b->rows_a_step, activation,
                    kind);
}

/* The sums are about to be stored: keeps the store from waiting for their lines. */
static inline void touch_sums(const float *sums, int64_t ld, int64_t row)
{
    for (int64_t r = row; r < row + 2 && r < BLOCK; r++) {
        __builtin_prefetch(sums + r * ld, 1);
        __builtin_prefetch(sums + r * ld + 16, 1);
    }
}

/* Left tiles 4 and 5 times right tiles 6 and 7 into 0 to 3. */
#define MULTIPLY(DOT)                                                                              \
    do {                                                                                           \
        DOT(0, 4, 6);                                                                              \
        DOT(1, 4, 7);                                                                              \
        DOT(2, 5, 6);                                                                              \
        DOT(3, 5, 7);                                                                              \
    } while (0)
/* The left factor streams past; only the right one is worth a place in the first cache. */
#define LOAD_LEFT(from)                                                                            \
    do {                                                                                           \
        _tile_stream_loadd(4, (from), YO_AMX_ROW_BYTES);                                           \
        _tile_stream_loadd(5, (from) + YO_AMX_BYTES, YO_AMX_ROW_BYTES);                            \
    } while (0)
#define LOAD_RIGHT(from)                                                                           \
    do {                                                                                           \
        _tile_loadd(6, (from), YO_AMX_ROW_BYTES);                                                  \
        _tile_loadd(7, (from) + YO_AMX_BYTES, YO_AMX_ROW_BYTES);                                   \
    } while (0)

static inline void multiply_planes(const char *left, const char *right)
{
    enum { HIGH = 0, MIDDLE = YO_AMX_STEP_BYTES, LOW = 2 * YO_AMX_STEP_BYTES };
    LOAD_LEFT(left + HIGH);
    LOAD_RIGHT(right + LOW);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_RIGHT(right + MIDDLE);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_RIGHT(right + HIGH);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_LEFT(left + MIDDLE);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_RIGHT(right + MIDDLE);
    MULTIPLY(_tile_dpbf16ps);
    LOAD_LEFT(left + LOW);
    LOAD_RIGHT(right + HIGH);
    MULTIPLY(_tile_dpbf16ps);
}

YO_INLINE void sum_block(float *sums, int64_t ld, const char *left, const char *right,
                         int64_t steps, bool add, const yo_amx_beside *b, const int32_t activation,
                         const yo_amx_kind kind)
{
    const int64_t bytes = YO_AMX_STEP_BYTES * (kind == YO_AMX_F32 ? YO_AMX_PLANES : 1);
    int64_t row_bytes = ld * (int64_t)sizeof *sums;
    if (add) {
        _tile_loadd(0, sums, row_bytes);
        _tile_loadd(1, sums + 16, row_bytes);
        _tile_loadd(2, sums + 16 * ld, row_bytes);
        _tile_loadd(3, sums + 16 * ld + 16, row_bytes);
    } else {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    }
    for (int64_t s = 0; s < steps; s++, left += bytes, right += bytes) {
        if (kind == YO_AMX_F32) {
            multiply_planes(left, right);
        } else {
            LOAD_RIGHT(right);
            LOAD_LEFT(left);
            if (kind == YO_AMX_INT8)
                MULTIPLY(_tile_dpbssd);
            else
                MULTIPLY(_tile_dpbf16ps);
        }
        if (steps - s <= BLOCK / 2)
            touch_sums(sums, ld, 2 * (BLOCK / 2 - (steps - s)));
        do_beside(b, s, activation, kind);
    }
    yo_amx_fence();
    _tile_stored(0, sums, row_bytes);
    _tile_stored(1, sums + 16, row_bytes);
    _tile_stored(2, sums + 16 * ld, row_bytes);
    _tile_stored(3, sums + 16 * ld + 16, row_bytes);
    yo_amx_fence();
}

/* One copy of the loop for each kind and activation. */
#define SUMMER(KIND, ACTIVATION)                                                                   \
    static void sum_##KIND##_##ACTIVATION(float *sums, int64_t ld, const char *left,               \
                                          const char *right, int64_t steps, bool add,              \
                                          const yo_amx_beside *b)                                  \
    {                                                                                              \
        sum_block(sums, ld, left, right, steps, add, b, YOSO_ACT_##ACTIVATION, YO_AMX_##KIND);     \
    }
#define SUMMERS(KIND) SUMMER(KIND, NONE) SUMMER(KIND, GELU) SUMMER(KIND, RELU) SUMMER(KIND, TANH)
SUMMERS(BF16)
SUMMERS(F32)
SUMMERS(INT8)

yo_amx_summer *YO_CPU(amx_summer)(yo_amx_kind kind, int32_t activation)
{
#define ROW(KIND)                                                                                  \
    {                                                                                              \
        sum_##KIND##_NONE, sum_##KIND##_GELU, sum_##KIND##_RELU, sum_##KIND##_TANH                 \
    }
    static yo_amx_summer *const table[][4] = {
        [YO_AMX_BF16] = ROW(BF16), [YO_AMX_F32] = ROW(F32), [YO_AMX_INT8] = ROW(INT8)};
    return table[kind][activation];
}
