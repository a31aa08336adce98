/* Operands of the attention as rows of floats, normalised and masked on the way; and the list
 * of jobs that threads share. */
#include "cpu/attention.h"

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/tile.h"

static float dot(const float *a, const float *b, int64_t n)
{
    yo_vec sum = {0};
    int64_t i = 0;
    for (; i + YO_LANES <= n; i += YO_LANES)
        sum = yo_fma(yo_load(a + i), yo_load(b + i), sum);
    float total = yo_sum(sum);
    for (; i < n; i++)
        total += a[i] * b[i];
    return total;
}

/* 1 / length of a row, from its square. */
static float inverse_of(float square)
{
    float length = sqrtf(square);
    return 1.0f / (length > YO_SMALLEST_LENGTH ? length : YO_SMALLEST_LENGTH);
}

float YO_CPU(attention_normalize)(float *row, int64_t size)
{
    float inverse = inverse_of(dot(row, row, size));
    for (int64_t i = 0; i < size; i++)
        row[i] *= inverse;
    return inverse;
}

void YO_CPU(attention_normalize_grad)(float *grad, const float *unit, float inverse, int64_t size)
{
    float along = dot(grad, unit, size);
    for (int64_t i = 0; i < size; i++)
        grad[i] = (grad[i] - along * unit[i]) * inverse;
}

/* Elements one after another; the usual dtypes without the general case's strides. */
static void load_row(float *restrict row, const yo_rows *rows, int64_t head, int64_t token,
                     int64_t size)
{
    int64_t base = token * rows->token + head * rows->head;
    if (rows->dtype == YOSO_F32) {
        memcpy(row, (const float *)rows->data + base, (size_t)size * sizeof *row);
    } else if (rows->dtype == YOSO_BF16) {
        const uint16_t *restrict from = (const uint16_t *)rows->data + base;
        for (int64_t i = 0; i < size; i++)
            row[i] = yo_from_bf16(from[i]);
    } else {
        yo_load_floats(row, rows->data, base, 1, rows->dtype, size);
    }
}

/* The result is read once more, a stretch at a time. */
static void before_normalization(float *grad, const yo_source *source, int64_t head, int64_t token)
{
    enum { STRETCH = 256 };
    float result[STRETCH], along = 0;
    const yo_rows *rows = source->result;
    int64_t base = token * rows->token + head * rows->head;
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < source->size; i += STRETCH) {
            int64_t n = source->size - i < STRETCH ? source->size - i : STRETCH;
            yo_load_floats(result, rows->data, base + i, 1, rows->dtype, n);
            if (pass == 0)
                along += dot(grad + i, result, n);
            else
                for (int64_t j = 0; j < n; j++)
                    grad[i + j] -= along * result[j];
        }
    float inverse = source->inverse[token * source->heads + head];
    for (int64_t i = 0; i < source->size; i++)
        grad[i] *= inverse;
}

/* Rows of a wide tensor lie pages apart, where the processor does not look ahead by itself. */
enum { AHEAD = 16, LINE = 64 };

static void send_for(const yo_rows *rows, int64_t head, int64_t token, int64_t size, bool write)
{
    int64_t element = rows->dtype == YOSO_F32 ? 4 : 2;
    const char *row =
        (const char *)rows->data + (token * rows->token + head * rows->head) * element;
    for (int64_t i = 0; i < size * element; i += LINE)
        if (write)
            __builtin_prefetch(row + i, 1);
        else
            __builtin_prefetch(row + i, 0);
}

void YO_CPU(attention_load)(float *to, int64_t ld, float *length_inverse, const yo_source *source,
                            int64_t head, int64_t first, int64_t count)
{
    for (int64_t i = 0; i < count; i++, to += ld) {
        int64_t token = first + i;
        bool kept = !source->keep || source->keep[token];
        int64_t filled = kept ? source->size : 0;
        if (filled < ld)
            memset(to + filled, 0, (size_t)(ld - filled) * sizeof *to);
        float inverse = 0;
        if (i + AHEAD < count)
            send_for(source->rows, head, token + AHEAD, source->size, false);
        if (kept) {
            load_row(to, source->rows, head, token, source->size);
            if (source->unit)
                inverse = YO_CPU(attention_normalize)(to, source->size);
            else if (source->result)
                before_normalization(to, source, head, token);
        }
        if (length_inverse)
            length_inverse[i] = inverse;
    }
}

typedef uint16_t half_vec __attribute__((vector_size(2 * YO_LANES), aligned(2), may_alias));
typedef uint32_t bits_vec __attribute__((vector_size(4 * YO_LANES)));

/* Rounds as yo_to_bf16 does. */
YO_INLINE void store_bf16(uint16_t *to, yo_vec value)
{
    typedef uint16_t halves __attribute__((vector_size(2 * YO_LANES)));
    bits_vec bits = (bits_vec)value;
    bits_vec rounded = bits + 0x7fffu + (bits >> 16 & 1);
    bits_vec odd = (bits_vec)((bits & 0x7fffffffu) > 0x7f800000u); /* NaN */
    rounded = (odd & (bits | 0x400000u)) | (~odd & rounded);
    *(half_vec *)to = (half_vec) __builtin_convertvector(rounded >> 16, halves);
}

/* place[i] = row[i] * factor, in its dtype; the row is written over where it must be. */
static void store_scaled(void *place, int32_t dtype, float *row, int64_t size, float factor)
{
    int64_t i = 0;
    if (dtype == YOSO_BF16) {
        for (; i + YO_LANES <= size; i += YO_LANES)
            store_bf16((uint16_t *)place + i, yo_load(row + i) * factor);
        for (; i < size; i++)
            ((uint16_t *)place)[i] = yo_to_bf16(row[i] * factor);
    } else if (dtype == YOSO_F32) {
        for (; i + YO_LANES <= size; i += YO_LANES)
            yo_store((float *)place + i, yo_load(row + i) * factor);
        for (; i < size; i++)
            ((float *)place)[i] = row[i] * factor;
    } else {
        for (; i < size; i++)
            row[i] *= factor;
        yo_store_floats(place, 0, 1, dtype, row, size);
    }
}

static void store_row(const yo_rows *to, const uint8_t *keep, int64_t head, int64_t token,
                      float *row, int64_t size, float factor)
{
    int64_t element = to->dtype == YOSO_F32 ? 4 : 2, base = token * to->token + head * to->head;
    void *place = (char *)to->data + base * element;
    if (keep && !keep[token])
        memset(place, 0, (size_t)(size * element));
    else
        store_scaled(place, to->dtype, row, size, factor);
}

void YO_CPU(attention_store)(const yo_rows *to, const uint8_t *keep, int64_t head, int64_t token,
                             float *row, int64_t size)
{
    store_row(to, keep, head, token, row, size, 1);
}

/* A vector of rows at a time: their lengths are independent of each other. */
void YO_CPU(attention_finish)(const yo_result *to, int64_t head, int64_t first, int64_t count,
                              float *rows, int64_t ld)
{
    for (int64_t i = 0; i < count; i += YO_LANES) {
        int64_t some = count - i < YO_LANES ? count - i : YO_LANES;
        float square[YO_LANES], inverse[YO_LANES];
        for (int64_t r = 0; r < some; r++) {
            yo_vec sum = {0};
            for (int64_t e = 0; to->unit && e < ld; e += YO_LANES) {
                yo_vec value = yo_load(rows + (i + r) * ld + e) * to->scale;
                sum = yo_fma(value, value, sum);
            }
            square[r] = yo_sum(sum);
        }
        for (int64_t r = 0; r < some; r++)
            inverse[r] = to->unit ? inverse_of(square[r]) : 1;
        for (int64_t r = 0; r < some; r++) {
            int64_t token = first + i + r;
            if (i + r + AHEAD < count)
                send_for(to->rows, head, token + AHEAD, to->size, true);
            if (to->stat)
                to->stat[token * to->heads + head] = inverse[r];
            store_row(to->rows, to->keep, head, token, rows + (i + r) * ld, to->size,
                      to->scale * inverse[r]);
        }
    }
}

/* Memory for `count` jobs and for as many threads as are worth starting. */
static yoso_status take_jobs(yo_jobs *jobs, int64_t count, size_t floats)
{
    *jobs = (yo_jobs){.scratch_floats = floats, .threads = 1};
    if (count == 0)
        return YOSO_OK;
    jobs->threads = count < yo_threads() ? (int)count : yo_threads();
    size_t bytes, scratch_bytes;
    if (!yo_multiply((size_t)count, sizeof(yo_job), &bytes) ||
        !yo_multiply(floats, sizeof(float) * (size_t)jobs->threads, &scratch_bytes))
        return yo_fail(YOSO_NO_MEMORY, "attention: scratch memory overflows");
    YO_TRY(yo_memory_take((void **)&jobs->job, bytes));
    jobs->bytes = bytes;
    yoso_status status = yo_memory_take((void **)&jobs->scratch, scratch_bytes);
    if (status != YOSO_OK) {
        YO_CPU(attention_jobs_free)(jobs);
        return status;
    }
    jobs->scratch_bytes = scratch_bytes;
    jobs->count = count;
    return YOSO_OK;
}

yoso_status YO_CPU(attention_jobs)(yo_jobs *jobs, const yo_attention *at, const int64_t *offset,
                                   int64_t block, size_t floats)
{
    int64_t count = 0;
    for (int64_t s = 0; s < at->sequences; s++)
        count += at->heads * ((offset[s + 1] - offset[s] + block - 1) / block);
    YO_TRY(take_jobs(jobs, count, floats));
    yo_job *job = jobs->job;
    for (int64_t s = 0; s < at->sequences; s++)
        for (int64_t h = 0; h < at->heads; h++)
            for (int64_t first = offset[s]; first < offset[s + 1]; first += block) {
                int64_t left = offset[s + 1] - first;
                *job++ = (yo_job){s, 1, h, first, left < block ? left : block};
            }
    return YOSO_OK;
}

/* The sequence behind the run that starts with s. */
static int64_t end_of_run(const yo_attention *at, int64_t s, int64_t rows)
{
    int64_t end = s + 1;
    while (end < at->sequences && at->q_offset[end + 1] - at->q_offset[s] <= rows &&
           at->k_offset[end + 1] - at->k_offset[s] <= rows)
        end++;
    return end;
}

yoso_status YO_CPU(attention_runs)(yo_jobs *jobs, const yo_attention *at, int64_t rows,
                                   size_t floats)
{
    int64_t count = 0;
    for (int64_t s = 0; s < at->sequences; s = end_of_run(at, s, rows))
        count += at->heads;
    YO_TRY(take_jobs(jobs, count, floats));
    yo_job *job = jobs->job;
    for (int64_t s = 0, end; s < at->sequences; s = end) {
        end = end_of_run(at, s, rows);
        int64_t first = at->q_offset[s];
        for (int64_t h = 0; h < at->heads; h++)
            *job++ = (yo_job){s, end - s, h, first, at->q_offset[end] - first};
    }
    return YOSO_OK;
}

void YO_CPU(attention_jobs_free)(yo_jobs *jobs)
{
    yo_memory_give(jobs->job, jobs->bytes);
    yo_memory_give(jobs->scratch, jobs->scratch_bytes);
}
