/* What the attention's kernels share: operands brought to rows of floats, results written back,
 * and the work cut into jobs. */
#ifndef YO_CPU_ATTENTION_H
#define YO_CPU_ATTENTION_H

#include "cpu/cpu_kernels.h"

/* Lengths below this count as this when a row is normalised, as in the reference. */
#define YO_SMALLEST_LENGTH 1e-12f

/* Where rows of floats come from. */
typedef struct yo_source {
    const yo_rows *rows;
    int64_t size;
    const uint8_t *keep; /* masked rows are read as zeros */
    bool unit;           /* normalised to length 1 */
    /* Rows that are the gradient of a normalised result are brought back to before it:
     * (g - y (y . g)) / length, with inverse [rows, heads] = 1 / length. NULL: plain rows. */
    const yo_rows *result;
    const float *inverse;
    int64_t heads;
} yo_source;

/* to[count, ld] = rows first .. first + count - 1 of one head, columns from size on 0.
 * length_inverse, which may be NULL, takes the factors of `unit`. */
void YO_CPU(attention_load)(float *to, int64_t ld, float *length_inverse, const yo_source *source,
                            int64_t head, int64_t first, int64_t count);

/* The inverse of it for one row: `row` (length `size`) goes where its token is; zeros if masked. */
void YO_CPU(attention_store)(const yo_rows *to, const uint8_t *keep, int64_t head, int64_t token,
                             float *row, int64_t size);

/* row = row / its length; returns 1 / length. */
float YO_CPU(attention_normalize)(float *row, int64_t size);

/* Where rows of floats go. */
typedef struct yo_result {
    const yo_rows *rows;
    int64_t size;
    const uint8_t *keep; /* masked rows become zeros */
    float scale;         /* first they are multiplied by it, */
    bool unit;           /* then normalised to length 1 */
    float *stat;         /* [rows, heads] takes 1 / length, or 1; may be NULL */
    int64_t heads;
} yo_result;

/* rows[count, ld], with zeros from size on, to tokens first .. of one head; they are written over.
 */
void YO_CPU(attention_finish)(const yo_result *to, int64_t head, int64_t first, int64_t count,
                              float *rows, int64_t ld);

/* The gradient of that normalisation: grad = (grad - unit (unit . grad)) inverse. */
void YO_CPU(attention_normalize_grad)(float *grad, const float *unit, float inverse, int64_t size);

/* The sources of an attention's operands. */
static inline yo_source yo_source_of(const yo_rows *rows, int64_t size, const uint8_t *keep,
                                     bool unit)
{
    return (yo_source){.rows = rows, .size = size, .keep = keep, .unit = unit};
}

static inline yo_source yo_source_of_grad(const yo_rows *grad, const yo_rows *out,
                                          const float *stat, const yo_attention *at)
{
    yo_source source = yo_source_of(grad, at->value_size, at->q_keep, false);
    if (at->normalize) {
        source.result = out;
        source.inverse = stat;
        source.heads = at->heads;
    }
    return source;
}

/* Some rows of one head: of one sequence, or of several short ones from `sequence` on. */
typedef struct yo_job {
    int64_t sequence, sequences, head, first, count;
} yo_job;

typedef struct yo_jobs {
    yo_job *job;
    int64_t count;
    size_t bytes;
    int threads;
    /* Scratch for each thread. */
    float *scratch;
    size_t scratch_floats, scratch_bytes;
} yo_jobs;

/* All rows of all heads, cut into blocks of at most `block` rows; and as many scratch areas of
 * `floats` as there are threads worth starting. */
yoso_status YO_CPU(attention_jobs)(yo_jobs *jobs, const yo_attention *at, const int64_t *offset,
                                   int64_t block, size_t floats);
/* The same with whole sequences, where as many neighbours make one job as have no more than `rows`
 * queries, and keys, together; longer ones are alone. */
yoso_status YO_CPU(attention_runs)(yo_jobs *jobs, const yo_attention *at, int64_t rows,
                                   size_t floats);
void YO_CPU(attention_jobs_free)(yo_jobs *jobs);

/* The most rows of one sequence. */
static inline int64_t yo_longest(const int64_t *offset, int64_t sequences)
{
    int64_t longest = 0;
    for (int64_t s = 0; s < sequences; s++)
        longest = offset[s + 1] - offset[s] > longest ? offset[s + 1] - offset[s] : longest;
    return longest;
}

#endif
