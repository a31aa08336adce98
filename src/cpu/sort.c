/* Sorted lines, the k first of each, and running sums. Every element becomes an unsigned key in
 * whose order the line is wanted; the keys carry their positions, and equal keys keep theirs. */
#include <omp.h>
#include <string.h>

#include "core/memory.h"
#include "cpu/convert.h"
#include "cpu/cpu_kernels.h"

typedef struct entry {
    uint64_t key;
    int64_t at;
} entry;

/* NaN is the largest; both zeros are equal. */
static uint64_t key_of_float(float value)
{
    if (value != value)
        return UINT32_MAX;
    uint32_t bits = yo_bits_of_float(value == 0.0f ? 0.0f : value);
    return bits & 0x80000000u ? (uint32_t)~bits : bits | 0x80000000u;
}

static void load_line(entry *line, const yo_view *x, int64_t offset, int64_t n, bool descending)
{
    int64_t step = x->stride[x->ndim - 1];
    for (int64_t i = 0; i < n; i++) {
        uint64_t key;
        if (yo_dtype_is_float(x->dtype)) {
            float value;
            yo_load_floats(&value, x->data, offset + i * step, 1, x->dtype, 1);
            key = key_of_float(value);
        } else {
            int64_t value;
            yo_load_integers(&value, x->data, offset + i * step, 1, x->dtype, 1);
            key = (uint64_t)value ^ ((uint64_t)1 << 63);
        }
        line[i] = (entry){.key = descending ? ~key : key, .at = i};
    }
}

static bool before(const entry *a, const entry *b)
{
    return a->key < b->key || (a->key == b->key && a->at < b->at);
}

static void insertion_sort(entry *line, int64_t n)
{
    for (int64_t i = 1; i < n; i++) {
        entry e = line[i];
        int64_t j = i;
        for (; j > 0 && before(&e, &line[j - 1]); j--)
            line[j] = line[j - 1];
        line[j] = e;
    }
}

/* Byte by byte from the lowest; a byte that all keys share is passed over. */
static void radix_sort(entry *line, entry *spare, int64_t n)
{
    entry *from = line, *to = spare;
    for (int shift = 0; shift < 64; shift += 8) {
        int64_t start[257] = {0};
        for (int64_t i = 0; i < n; i++)
            start[(from[i].key >> shift & 255) + 1]++;
        if (start[(from[0].key >> shift & 255) + 1] == n)
            continue;
        for (int b = 0; b < 256; b++)
            start[b + 1] += start[b];
        for (int64_t i = 0; i < n; i++)
            to[start[from[i].key >> shift & 255]++] = from[i];
        entry *swap = from;
        from = to;
        to = swap;
    }
    if (from != line)
        memcpy(line, from, (size_t)n * sizeof *line);
}

static void sift_down(entry *heap, int64_t n, int64_t i)
{
    for (int64_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && before(&heap[child], &heap[child + 1]))
            child++;
        if (!before(&heap[i], &heap[child]))
            return;
        entry swap = heap[i];
        heap[i] = heap[child];
        heap[child] = swap;
    }
}

/* Brings the k first of the line, in order, to its head; the worst of them tops a heap. */
static void select_first(entry *line, entry *spare, int64_t n, int64_t k)
{
    for (int64_t i = k / 2 - 1; i >= 0; i--)
        sift_down(line, k, i);
    for (int64_t i = k; i < n; i++)
        if (before(&line[i], &line[0])) {
            line[0] = line[i];
            sift_down(line, k, 0);
        }
    insertion_sort(line, k < 64 ? k : 0);
    if (k >= 64) { /* keys need their positions in order for a stable sort by key alone */
        for (int64_t i = 0; i < k; i++)
            line[i] = (entry){.key = (uint64_t)line[i].at, .at = (int64_t)line[i].key};
        radix_sort(line, spare, k);
        for (int64_t i = 0; i < k; i++)
            line[i] = (entry){.key = (uint64_t)line[i].at, .at = (int64_t)line[i].key};
        radix_sort(line, spare, k);
    }
}

/* Offset of line number `index`: all dimensions but the last. */
static int64_t line_offset(const yo_view *view, int64_t index)
{
    int64_t offset = 0;
    for (int32_t i = view->ndim - 2; i >= 0; i--) {
        offset += index % view->shape[i] * view->stride[i];
        index /= view->shape[i];
    }
    return offset;
}

static void write_line(const yo_view *values, const yo_view *places, const yo_view *x,
                       int64_t number, const entry *line, int64_t first)
{
    int64_t size = yoso_dtype_size(x->dtype), last = x->ndim - 1;
    char *value = (char *)values->data + line_offset(values, number) * size;
    int64_t *place = (int64_t *)places->data + line_offset(places, number);
    const char *source = (const char *)x->data + line_offset(x, number) * size;
    for (int64_t i = 0; i < values->shape[last]; i++) {
        memcpy(value + i * values->stride[last] * size,
               source + line[i].at * x->stride[last] * size, (size_t)size);
        place[i * places->stride[last]] = first + line[i].at;
    }
}

yoso_status YO_CPU(sort)(const yo_view *values, const yo_view *places, const yo_view *x,
                         int32_t descending, int64_t first, yo_stream *stream)
{
    (void)stream;
    int64_t n = x->shape[x->ndim - 1], k = values->shape[x->ndim - 1];
    int64_t lines = n > 0 ? yo_view_count(x) / n : 0;
    int threads = lines * n < YO_CPU_GRAIN || lines == 1 ? 1 : yo_threads();
    size_t bytes;
    if (!yo_multiply((size_t)n, 2 * sizeof(entry) * (size_t)threads, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "sort: no room for a line of %lld elements", (long long)n);
    entry *scratch;
    YO_TRY(yo_memory_take((void **)&scratch, bytes));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t number = 0; number < lines; number++) {
        entry *line = scratch + 2 * n * omp_get_thread_num(), *spare = line + n;
        load_line(line, x, line_offset(x, number), n, descending != 0);
        if (k < n / 8)
            select_first(line, spare, n, k);
        else if (n < 64)
            insertion_sort(line, n);
        else
            radix_sort(line, spare, n);
        write_line(values, places, x, number, line, first);
    }
    yo_memory_give(scratch, bytes);
    return YOSO_OK;
}

yoso_status YO_CPU(cumsum)(const yo_view *out, const yo_view *x, int32_t reverse, yo_stream *stream)
{
    (void)stream;
    int64_t n = x->shape[x->ndim - 1], lines = n > 0 ? yo_view_count(x) / n : 0;
    int64_t in = x->stride[x->ndim - 1], to = out->stride[x->ndim - 1];
    bool floats = yo_dtype_is_float(x->dtype);
    int threads = lines * n < YO_CPU_GRAIN ? 1 : yo_threads();
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t number = 0; number < lines; number++) {
        int64_t source = line_offset(x, number), target = line_offset(out, number);
        double sum = 0;
        uint64_t total = 0;
        for (int64_t step = 0; step < n; step++) {
            int64_t i = reverse ? n - 1 - step : step, integer;
            float value;
            if (floats) {
                yo_load_floats(&value, x->data, source + i * in, 1, x->dtype, 1);
                sum += (double)value;
                value = (float)sum;
                yo_store_floats(out->data, target + i * to, 1, out->dtype, &value, 1);
            } else {
                yo_load_integers(&integer, x->data, source + i * in, 1, x->dtype, 1);
                total += (uint64_t)integer;
                integer = (int64_t)total;
                yo_store_integers(out->data, target + i * to, 1, out->dtype, &integer, 1);
            }
        }
    }
    return YOSO_OK;
}
