/* Random fills. Element i depends on (seed, stream, i) alone: not on the thread that writes it,
 * nor on the instruction set. */
#include "core/philox.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/walk.h"

enum { BLOCK = 1024 };

/* Only as many bits as dtype holds, so that rounding never reaches 1. */
static inline float uniform_of(uint32_t word, int32_t dtype)
{
    int bits = dtype == YOSO_F16 ? 11 : dtype == YOSO_BF16 ? 8 : 24;
    return (float)(word >> (32 - bits)) * (1.0f / (float)(1 << bits));
}

/* Within two deviations: the first of as many tries as it takes, each at its own address. */
static float truncated_normal(uint64_t seed, uint64_t stream, uint64_t index)
{
    for (uint32_t try = 0;; try++) {
        yo_philox block = yo_philox_at(seed, stream + try, index);
        for (int pair = 0; pair < 4; pair += 2) {
            float first, second;
            yo_normal_of(block.word[pair], block.word[pair + 1], &first, &second);
            if (fabsf(first) <= 2.0f)
                return first;
            if (fabsf(second) <= 2.0f)
                return second;
        }
    }
}

/* Four uniform or normal numbers from each of n / 4 blocks, one step for all blocks at a time, so
 * that every step is a loop of its own that becomes vector code. */
static void fill_numbers(float *row, int64_t start, int64_t n, int32_t dtype, bool normal,
                         uint64_t seed, uint64_t stream)
{
    uint32_t word[4][BLOCK / 4];
    float number[4][BLOCK / 4];
    int64_t blocks = (n + 3) / 4;
    for (int64_t k = 0; k < blocks; k++) {
        yo_philox block = yo_philox_at(seed, stream, (uint64_t)(start / 4 + k));
        for (int i = 0; i < 4; i++)
            word[i][k] = block.word[i];
    }
    for (int i = 0; i < 4; i += normal ? 2 : 1)
        for (int64_t k = 0; k < blocks; k++) {
            if (normal)
                yo_normal_of(word[i][k], word[i + 1][k], &number[i][k], &number[i + 1][k]);
            else
                number[i][k] = uniform_of(word[i][k], dtype);
        }
    for (int64_t i = 0; i < n; i++)
        row[i] = number[i % 4][i / 4];
}

/* Elements start .. start+n-1; start is a multiple of 4. */
static void fill_floats(float *row, int64_t start, int64_t n, int32_t dtype, int32_t kind,
                        uint64_t seed, uint64_t stream, float a, float b)
{
    if (kind == YOSO_TRUNCATED_NORMAL)
        for (int64_t i = 0; i < n; i++)
            row[i] = truncated_normal(seed, stream, (uint64_t)(start + i));
    else
        fill_numbers(row, start, n, dtype, kind == YOSO_NORMAL, seed, stream);
    float width = kind == YOSO_UNIFORM ? b - a : b;
    for (int64_t i = 0; i < n; i++)
        row[i] = fmaf(row[i], width, a);
}

/* Whole numbers low .. low + range - 1: the high half of a 128-bit product. */
static void fill_integers(int64_t *row, int64_t start, int64_t n, uint64_t seed, uint64_t stream,
                          int64_t low, uint64_t range)
{
    for (int64_t i = 0; i < n; i++) {
        yo_philox block = yo_philox_at(seed, stream, (uint64_t)(start + i) / 2);
        int half = (start + i) % 2 * 2;
        uint64_t bits = ((uint64_t)block.word[half + 1] << 32) | block.word[half];
        row[i] = low + (int64_t)(uint64_t)(((unsigned __int128)bits * range) >> 64);
    }
}

yoso_status YO_CPU(random)(const yo_view *out, int32_t kind, uint64_t seed, uint64_t numbers,
                           double a, double b, yo_stream *stream)
{
    (void)stream;
    int64_t count = yo_view_count(out);
#pragma omp parallel for num_threads(count < YO_CPU_GRAIN ? 1 : yo_threads()) schedule(static)
    for (int64_t start = 0; start < count; start += BLOCK) {
        int64_t n = count - start < BLOCK ? count - start : BLOCK;
        if (kind == YOSO_INTEGERS) {
            int64_t row[BLOCK];
            fill_integers(row, start, n, seed, numbers, (int64_t)a,
                          (uint64_t)((int64_t)b - (int64_t)a));
            yo_store_integers(out->data, start, 1, out->dtype, row, n);
        } else {
            float row[BLOCK];
            fill_floats(row, start, n, out->dtype, kind, seed, numbers, (float)a, (float)b);
            yo_store_floats(out->data, start, 1, out->dtype, row, n);
        }
    }
    return YOSO_OK;
}

yoso_status YO_CPU(sequence)(const yo_view *out, double start, double step, yo_stream *stream)
{
    (void)stream;
    int64_t count = yo_view_count(out);
    bool floats = yo_dtype_is_float(out->dtype);
#pragma omp parallel for num_threads(count < YO_CPU_GRAIN ? 1 : yo_threads()) schedule(static)
    for (int64_t i = 0; i < count; i++) {
        double value = start + (double)i * step;
        float narrow = (float)value;
        int64_t whole = yo_to_integer(value, INT64_MIN, INT64_MAX);
        if (floats)
            yo_store_floats(out->data, i, 1, out->dtype, &narrow, 1);
        else
            yo_store_integers(out->data, i, 1, out->dtype, &whole, 1);
    }
    return YOSO_OK;
}
