/* Random fills. Element i depends on (seed, stream, i) alone: not on the thread that writes it,
 * nor on the instruction set. */
#include "core/philox.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"
#include "cpu/walk.h"

enum { BLOCK = 1024 };

/* Only as many bits as dtype holds, so that rounding never reaches 1. */
static float uniform_of(uint32_t word, int32_t dtype)
{
    int bits = dtype == YOSO_F16 ? 11 : dtype == YOSO_BF16 ? 8 : 24;
    return ldexpf((float)(word >> (32 - bits)), -bits);
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

/* Elements start .. start+n-1; start is a multiple of 4. */
static void fill_floats(float *row, int64_t start, int64_t n, int32_t dtype, int32_t kind,
                        uint64_t seed, uint64_t stream, float a, float b)
{
    for (int64_t i = 0; i < n; i++) {
        if (kind == YOSO_TRUNCATED_NORMAL) {
            row[i] = fmaf(truncated_normal(seed, stream, (uint64_t)(start + i)), b, a);
            continue;
        }
        yo_philox block = yo_philox_at(seed, stream, (uint64_t)(start + i) / 4);
        float value[4];
        if (kind == YOSO_NORMAL) {
            yo_normal_of(block.word[0], block.word[1], &value[0], &value[1]);
            yo_normal_of(block.word[2], block.word[3], &value[2], &value[3]);
        } else {
            for (int k = 0; k < 4; k++)
                value[k] = uniform_of(block.word[k], dtype);
        }
        float width = kind == YOSO_NORMAL ? b : b - a;
        for (int k = 0; k < 4 && i + k < n; k++)
            row[i + k] = fmaf(value[k], width, a);
        i += 3;
    }
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
