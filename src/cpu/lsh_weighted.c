/* The weighted cumulation of the sampled form's gradient (arXiv 2111.09714, section 3.3):
 * sum_i += sum over h, j with equal codes of (u_i . z_j) y_j.
 *
 * For each hash both sides are sorted by bucket, and a bucket's rows meet as a small matrix
 * product: (U Z^T) Y, or U (Z^T Y) where so many rows share the bucket that this is less work.
 * So the time stays linear in the length however the codes fall. */
#include "core/memory.h"
#include "cpu/lsh.h"

/* Rows of the second side at a time; pairs that are not worth a tile's preparations. */
enum { CHUNK = 64, FEW = 48 };

/* The rows that meet, CHUNK at a time, and what becomes of them. */
typedef struct workspace {
    float *u, *z, *z_turned, *y; /* [6, ld], [CHUNK, ld6], [ld, CHUNK], [CHUNK, y_ld] */
    float *weight, *product;     /* [6, CHUNK], [6, y_ld] */
    float *matrix;               /* [ld6, y_ld] */
    int32_t *a_start, *b_start;  /* [buckets + 1] */
    int32_t *a_order, *b_order;
} workspace;

static size_t lay_out(workspace *space, float *scratch, const yo_attention *at, int64_t a,
                      int64_t b, int64_t ld, int64_t y_ld)
{
    int64_t ld6 = yo_round_up(ld, YO_TILE_ROWS), starts = ((int64_t)1 << at->code_len) + 1;
    float **part[] = {&space->u,      &space->z,       &space->z_turned, &space->y,
                      &space->weight, &space->product, &space->matrix};
    int64_t floats[] = {YO_TILE_ROWS * ld,    CHUNK * ld6,         ld * CHUNK, CHUNK * y_ld,
                        YO_TILE_ROWS * CHUNK, YO_TILE_ROWS * y_ld, ld6 * y_ld};
    int32_t **list[] = {&space->a_start, &space->b_start, &space->a_order, &space->b_order};
    int64_t integers[] = {starts, starts, a, b};
    size_t used = 0;
    for (int i = 0; i < 7; i++) {
        *part[i] = scratch ? scratch + used : NULL;
        used += (size_t)yo_round_up(floats[i], 16);
    }
    for (int i = 0; i < 4; i++) {
        *list[i] = scratch ? (int32_t *)(scratch + used) : NULL;
        used += (size_t)yo_round_up(integers[i], 16);
    }
    return used;
}

size_t YO_CPU(lsh_weighted_scratch)(const yo_attention *at, int64_t a, int64_t b, int64_t ld,
                                    int64_t y_ld)
{
    workspace space;
    return lay_out(&space, NULL, at, a, b, ld, y_ld);
}

/* Stable counting sort: order[start[c]] .. are the kept rows with code c. */
static void sort_by_code(int32_t *order, int32_t *start, const uint16_t *code, int64_t rows,
                         const uint8_t *keep, int64_t buckets)
{
    memset(start, 0, (size_t)(buckets + 1) * sizeof *start);
    for (int64_t i = 0; i < rows; i++)
        start[code[i] + 1] += !keep || keep[i];
    for (int64_t c = 0; c < buckets; c++)
        start[c + 1] += start[c];
    for (int64_t i = 0; i < rows; i++)
        if (!keep || keep[i])
            order[start[code[i]]++] = (int32_t)i;
    for (int64_t c = buckets; c > 0; c--)
        start[c] = start[c - 1];
    start[0] = 0;
}

static void collect(float *to, int64_t to_ld, const float *from, int64_t ld, const int32_t *order,
                    int64_t rows)
{
    for (int64_t i = 0; i < rows; i++) {
        memcpy(to + i * to_ld, from + order[i] * ld, (size_t)ld * sizeof *to);
        memset(to + i * to_ld + ld, 0, (size_t)(to_ld - ld) * sizeof *to);
    }
}

/* sum[a] += left[6, depth] right[depth, y_ld] for up to six rows of a. */
static void add_rows(const workspace *space, const yo_weighted *w, const int32_t *a, int64_t rows,
                     const float *left, int64_t left_ld, const float *right, int64_t depth)
{
    yo_tile(space->product, w->y_ld, left, left_ld, 1, right, w->y_ld, depth, w->y_ld, false);
    for (int64_t r = 0; r < rows; r++) {
        float *sum = w->sum + a[r] * w->y_ld;
        for (int64_t e = 0; e < w->y_ld; e += YO_LANES)
            yo_store(sum + e, yo_load(sum + e) + yo_load(space->product + r * w->y_ld + e));
    }
}

static int64_t tile_rows(int64_t left)
{
    return left < YO_TILE_ROWS ? left : YO_TILE_ROWS;
}

/* A few rows: one product after the other. */
static void meet_few(const yo_weighted *w, const int32_t *a, int64_t a_rows, const int32_t *b,
                     int64_t b_rows)
{
    for (int64_t i = 0; i < a_rows; i++) {
        const float *u = w->u + a[i] * w->ld;
        float *sum = w->sum + a[i] * w->y_ld;
        for (int64_t j = 0; j < b_rows; j++) {
            const float *z = w->z + b[j] * w->ld, *y = w->y + b[j] * w->y_ld;
            yo_vec product = {0};
            for (int64_t e = 0; e < w->ld; e += YO_LANES)
                product = yo_fma(yo_load(u + e), yo_load(z + e), product);
            yo_vec weight = yo_splat(yo_sum(product));
            for (int64_t e = 0; e < w->y_ld; e += YO_LANES)
                yo_store(sum + e, yo_fma(weight, yo_load(y + e), yo_load(sum + e)));
        }
    }
}

/* (U Z^T) Y of one bucket. */
static void meet(const workspace *space, const yo_weighted *w, const int32_t *a, int64_t a_rows,
                 const int32_t *b, int64_t b_rows)
{
    for (int64_t j = 0; j < b_rows; j += CHUNK) {
        int64_t columns = b_rows - j < CHUNK ? b_rows - j : CHUNK;
        int64_t width = yo_round_up(columns, YO_LANES);
        collect(space->y, w->y_ld, w->y, w->y_ld, b + j, columns);
        collect(space->z, w->ld, w->z, w->ld, b + j, columns);
        memset(space->z + columns * w->ld, 0, (size_t)((width - columns) * w->ld) * sizeof(float));
        yo_transpose(space->z_turned, CHUNK, space->z, w->ld, columns, w->ld);
        for (int64_t i = 0; i < a_rows; i += YO_TILE_ROWS) {
            int64_t rows = tile_rows(a_rows - i);
            collect(space->u, w->ld, w->u, w->ld, a + i, rows);
            yo_tile(space->weight, CHUNK, space->u, w->ld, 1, space->z_turned, CHUNK, w->ld, width,
                    false);
            add_rows(space, w, a + i, rows, space->weight, CHUNK, space->y, columns);
        }
    }
}

/* U (Z^T Y) of one bucket. */
static void meet_by_matrix(const workspace *space, const yo_weighted *w, const int32_t *a,
                           int64_t a_rows, const int32_t *b, int64_t b_rows)
{
    int64_t ld6 = yo_round_up(w->ld, YO_TILE_ROWS);
    for (int64_t j = 0; j < b_rows; j += CHUNK) {
        int64_t depth = b_rows - j < CHUNK ? b_rows - j : CHUNK;
        collect(space->z, ld6, w->z, w->ld, b + j, depth);
        collect(space->y, w->y_ld, w->y, w->y_ld, b + j, depth);
        for (int64_t e = 0; e < ld6; e += YO_TILE_ROWS)
            yo_tile(space->matrix + e * w->y_ld, w->y_ld, space->z + e, 1, ld6, space->y, w->y_ld,
                    depth, w->y_ld, j > 0);
    }
    for (int64_t i = 0; i < a_rows; i += YO_TILE_ROWS) {
        int64_t rows = tile_rows(a_rows - i);
        collect(space->u, w->ld, w->u, w->ld, a + i, rows);
        add_rows(space, w, a + i, rows, space->u, w->ld, space->matrix, w->ld);
    }
}

void YO_CPU(lsh_weighted)(const yo_weighted *w, const yo_attention *at, const yo_side *a,
                          const yo_side *b, float *scratch)
{
    workspace space;
    lay_out(&space, scratch, at, a->count, b->count, w->ld, w->y_ld);
    memset(space.u, 0, (size_t)(YO_TILE_ROWS * w->ld) * sizeof(float));
    int64_t buckets = (int64_t)1 << at->code_len;
    for (int32_t h = 0; h < at->num_hash; h++) {
        sort_by_code(space.a_order, space.a_start, a->code + h * a->ld, a->count, w->a_keep,
                     buckets);
        sort_by_code(space.b_order, space.b_start, b->code + h * b->ld, b->count, w->b_keep,
                     buckets);
        for (int64_t c = 0; c < buckets; c++) {
            int64_t a_rows = space.a_start[c + 1] - space.a_start[c];
            int64_t b_rows = space.b_start[c + 1] - space.b_start[c];
            if (a_rows == 0 || b_rows == 0)
                continue;
            const int32_t *a_order = space.a_order + space.a_start[c];
            const int32_t *b_order = space.b_order + space.b_start[c];
            if (a_rows * b_rows <= FEW)
                meet_few(w, a_order, a_rows, b_order, b_rows);
            else if (a_rows * b_rows * (w->ld + w->y_ld) <= (a_rows + b_rows) * w->ld * w->y_ld)
                meet(&space, w, a_order, a_rows, b_order, b_rows);
            else
                meet_by_matrix(&space, w, a_order, a_rows, b_order, b_rows);
        }
    }
}

/* Everything one sequence needs. */
typedef struct sequence_buffers {
    float *u, *z, *y, *sum, *scratch;
    uint16_t *a_code, *b_code;
} sequence_buffers;

static yoso_status one_sequence(const yo_rows *out, const int32_t *q_code, const yo_source *u,
                                const int32_t *k_code, const yo_source *z, const yo_source *y,
                                const yo_attention *at, int64_t s, const sequence_buffers *buffers)
{
    int64_t ld = yo_round_up(at->head_size, YO_LANES), y_ld = yo_round_up(y->size, YO_LANES);
    yo_side a = {.first = at->q_offset[s], .count = at->q_offset[s + 1] - at->q_offset[s]};
    yo_side b = {.first = at->k_offset[s], .count = at->k_offset[s + 1] - at->k_offset[s]};
    a.code = buffers->a_code, a.ld = a.count;
    b.code = buffers->b_code, b.ld = b.count;
    YO_TRY(YO_CPU(lsh_take_codes)(buffers->a_code, a.ld, q_code, a.first, a.count, at));
    YO_TRY(YO_CPU(lsh_take_codes)(buffers->b_code, b.ld, k_code, b.first, b.count, at));
    YO_CPU(attention_load)(buffers->u, ld, NULL, u, 0, a.first, a.count);
    YO_CPU(attention_load)(buffers->z, ld, NULL, z, 0, b.first, b.count);
    YO_CPU(attention_load)(buffers->y, y_ld, NULL, y, 0, b.first, b.count);
    memset(buffers->sum, 0, (size_t)(a.count * y_ld) * sizeof(float));
    yo_weighted w = {.sum = buffers->sum,
                     .u = buffers->u,
                     .z = buffers->z,
                     .y = buffers->y,
                     .ld = ld,
                     .y_ld = y_ld,
                     .a_keep = at->q_keep ? at->q_keep + a.first : NULL,
                     .b_keep = at->k_keep ? at->k_keep + b.first : NULL};
    YO_CPU(lsh_weighted)(&w, at, &a, &b, buffers->scratch);
    float share = 1.0f / (float)at->num_hash;
    for (int64_t i = 0; i < a.count; i++) {
        float *row = buffers->sum + i * y_ld;
        for (int64_t e = 0; e < y->size; e++)
            row[e] *= share;
        YO_CPU(attention_store)(out, at->q_keep, 0, a.first + i, row, y->size);
    }
    return YOSO_OK;
}

yoso_status YO_CPU(lsh_weighted_cumulation)(const yo_rows *out, const int32_t *q_code,
                                            const yo_rows *q_weight, const int32_t *k_code,
                                            const yo_rows *k_weight, const yo_rows *v,
                                            const yo_attention *at, yo_stream *stream)
{
    (void)stream;
    yo_source u = yo_source_of(q_weight, at->head_size, at->q_keep, false);
    yo_source z = yo_source_of(k_weight, at->head_size, at->k_keep, false);
    yo_source y = yo_source_of(v, at->value_size, at->k_keep, false);
    int64_t ld = yo_round_up(at->head_size, YO_LANES), y_ld = yo_round_up(y.size, YO_LANES);
    int64_t queries = yo_longest(at->q_offset, at->sequences);
    int64_t keys = yo_longest(at->k_offset, at->sequences);
    size_t scratch = YO_CPU(lsh_weighted_scratch)(at, queries, keys, ld, y_ld);
    size_t floats = (size_t)((queries + keys) * (ld + y_ld)) + scratch;
    size_t bytes =
        floats * sizeof(float) + (size_t)((queries + keys) * at->num_hash) * sizeof(uint16_t);
    sequence_buffers buffers;
    YO_TRY(yo_memory_take((void **)&buffers.u, bytes));
    buffers.z = buffers.u + queries * ld;
    buffers.y = buffers.z + keys * ld;
    buffers.sum = buffers.y + keys * y_ld;
    buffers.scratch = buffers.sum + queries * y_ld;
    buffers.a_code = (uint16_t *)(buffers.u + floats);
    buffers.b_code = buffers.a_code + queries * at->num_hash;
    yoso_status status = YOSO_OK;
    for (int64_t s = 0; s < at->sequences && status == YOSO_OK; s++)
        status = one_sequence(out, q_code, &u, k_code, &z, &y, at, s, &buffers);
    yo_memory_give(buffers.u, bytes);
    return status;
}
