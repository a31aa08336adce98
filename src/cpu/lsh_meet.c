/* The meeting of rows that share buckets. The second side is taken some rows at a time, as many as
 * stay in the second cache, and sorted by bucket for each hash; then each row of the first side
 * collects all rows that it meets, over all hashes, and passes them in one loop with its own
 * vectors and its sum in registers. Buckets that are full on both sides are left to
 * lsh_meet_many.c, so that time and memory grow with the length, however the codes fall. */
#include "cpu/lsh_meet.h"

/* Rows of the second side at a time; pairs of a bucket from which on it is full; rows of a list
 * that are copied at once. */
enum { CHUNK = 2048, FULL = 12 * 12, AT_ONCE = 16 };

typedef struct workspace {
    uint16_t *order, *start; /* of each hash: rows of the chunk by bucket, where buckets begin */
    uint16_t *list;          /* what one row meets */
    float *product;          /* as long as list */
    int32_t *a_order, *a_start, *b_order, *b_start; /* of one hash, all rows */
    uint8_t *full;                                  /* [M, buckets] */
    float *many;                                    /* lsh_meet_many's */
    int64_t buckets, order_ld, start_ld;
} workspace;

static size_t lay_out(workspace *s, float *scratch, const yo_attention *at, int64_t a, int64_t b,
                      int64_t ld, int64_t y_ld)
{
    int64_t chunk = b < CHUNK ? b : CHUNK, hashes = at->num_hash;
    s->buckets = (int64_t)1 << at->code_len;
    s->order_ld = yo_round_up(chunk + AT_ONCE, 32);
    s->start_ld = yo_round_up(s->buckets + 1, 32);
    struct {
        void *part;
        int64_t bytes;
    } parts[] = {
        {&s->order, 2 * hashes * s->order_ld},
        {&s->start, 2 * hashes * s->start_ld},
        {&s->list, 2 * (hashes * chunk + AT_ONCE)},
        {&s->product, 4 * (hashes * chunk + AT_ONCE)},
        {&s->a_order, 4 * a},
        {&s->b_order, 4 * b},
        {&s->a_start, 4 * (s->buckets + 1)},
        {&s->b_start, 4 * (s->buckets + 1)},
        {&s->full, hashes * s->buckets},
    };
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        *(float **)parts[i].part = scratch ? scratch + used : NULL;
        used += (size_t)yo_round_up((parts[i].bytes + 3) / 4, 16);
    }
    s->many = scratch ? scratch + used : NULL;
    return used + YO_CPU(lsh_meet_many_scratch)(ld, y_ld);
}

size_t YO_CPU(lsh_meet_scratch)(const yo_attention *at, int64_t a, int64_t b, int64_t ld,
                                int64_t y_ld)
{
    workspace space;
    return lay_out(&space, NULL, at, a, b, ld, y_ld);
}

/* -- Full buckets ---------------------------------------------------------------------------------
 */

/* Rows of each bucket are counted at start[c + 1]. */
static void count_rows(int32_t *start, const uint16_t *code, int64_t rows, const uint8_t *keep,
                       int64_t buckets)
{
    memset(start, 0, (size_t)(buckets + 1) * sizeof *start);
    for (int64_t i = 0; i < rows; i++)
        start[code[i] + 1] += !keep || keep[i];
}

/* Stable counting sort: order[start[c]] .. are the kept rows with code c. */
static void sort_rows(int32_t *order, int32_t *start, const uint16_t *code, int64_t rows,
                      const uint8_t *keep, int64_t buckets)
{
    for (int64_t c = 0; c < buckets; c++)
        start[c + 1] += start[c];
    for (int64_t i = 0; i < rows; i++)
        if (!keep || keep[i])
            order[start[code[i]]++] = (int32_t)i;
    for (int64_t c = buckets; c > 0; c--)
        start[c] = start[c - 1];
    start[0] = 0;
}

/* Marks the full buckets of hash h, whose rows meet here. */
static void meet_full(const workspace *s, const yo_weighted *w, const yo_side *a, const yo_side *b,
                      int32_t h)
{
    uint8_t *full = s->full + h * s->buckets;
    const uint16_t *a_code = a->code + h * a->ld, *b_code = b->code + h * b->ld;
    bool any = false;
    count_rows(s->a_start, a_code, a->count, w->a_keep, s->buckets);
    count_rows(s->b_start, b_code, b->count, w->b_keep, s->buckets);
    for (int64_t c = 0; c < s->buckets; c++) {
        full[c] = (int64_t)s->a_start[c + 1] * s->b_start[c + 1] >= FULL;
        any = any || full[c];
    }
    if (!any)
        return;
    sort_rows(s->a_order, s->a_start, a_code, a->count, w->a_keep, s->buckets);
    sort_rows(s->b_order, s->b_start, b_code, b->count, w->b_keep, s->buckets);
    for (int64_t c = 0; c < s->buckets; c++)
        if (full[c])
            YO_CPU(lsh_meet_many)
    (w, s->a_order + s->a_start[c], s->a_start[c + 1] - s->a_start[c], s->b_order + s->b_start[c],
     s->b_start[c + 1] - s->b_start[c], s->many);
}

/* -- The others -----------------------------------------------------------------------------------
 */

/* Rows first .. of the second side by bucket, those in full buckets left out. */
static void sort_chunk(const workspace *s, const yo_weighted *w, const yo_side *b, int32_t h,
                       int64_t first, int64_t rows)
{
    uint16_t *order = s->order + h * s->order_ld, *start = s->start + h * s->start_ld;
    const uint16_t *code = b->code + h * b->ld + first;
    const uint8_t *full = s->full + h * s->buckets, *keep = w->b_keep ? w->b_keep + first : NULL;
    uint16_t *place = start + 1;
    memset(start, 0, (size_t)(s->buckets + 1) * sizeof *start);
    for (int64_t i = 0; i < rows; i++)
        place[code[i]] += (!keep || keep[i]) & !full[code[i]];
    for (int64_t c = 1; c < s->buckets; c++)
        place[c] = (uint16_t)(place[c] + place[c - 1]);
    /* From the last row on, each goes before the one that came: the sort is stable, and what was
     * a bucket's end becomes its beginning. */
    for (int64_t i = rows - 1; i >= 0; i--)
        if ((!keep || keep[i]) & !full[code[i]])
            order[--place[code[i]]] = (uint16_t)i;
    uint16_t end = 0;
    for (int64_t i = 0; i < rows; i++)
        end = (uint16_t)(end + ((!keep || keep[i]) & !full[code[i]]));
    memmove(start, place, (size_t)s->buckets * sizeof *start);
    start[s->buckets] = end;
}

/* The rows of the chunk that row i of the first side meets; how many. */
static int64_t list_rows(const workspace *s, const yo_side *a, int64_t i, int32_t hashes)
{
    int64_t count = 0;
    for (int32_t h = 0; h < hashes; h++) {
        const uint16_t *start = s->start + h * s->start_ld + a->code[h * a->ld + i];
        const uint16_t *from = s->order + h * s->order_ld + start[0];
        int64_t rows = start[1] - start[0];
        for (int64_t j = 0; j < rows; j += AT_ONCE)
            memcpy(s->list + count + j, from + j, AT_ONCE * sizeof *from);
        count += rows;
    }
    return count;
}

/* Partial sums of two rows' lanes, `step` apart, as one vector. */
YO_INLINE yo_vec fold(yo_vec a, yo_vec b, const int step)
{
    yo_ivec low, high;
#pragma GCC unroll 16
    for (int j = 0; j < YO_LANES; j++) {
        low[j] = j & step ? YO_LANES + j - step : j;
        high[j] = j & step ? YO_LANES + j : j + step;
    }
    return __builtin_shuffle(a, b, low) + __builtin_shuffle(a, b, high);
}

/* product[j] = u . z[list[j]], YO_LANES of them; u has `vectors` vectors, or more: ld floats. */
YO_INLINE void multiply_rows(float *product, const float *u, const float *z, const uint16_t *list,
                             int64_t ld, const int vectors)
{
    yo_vec sum[YO_LANES], own[4];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        own[v] = yo_load(u + v * YO_LANES);
#pragma GCC unroll 16
    for (int i = 0; i < YO_LANES; i++) {
        const float *row = z + list[i] * ld;
        sum[i] = own[0] * yo_load(row);
#pragma GCC unroll 4
        for (int v = 1; v < vectors; v++)
            sum[i] = yo_fma(own[v], yo_load(row + v * YO_LANES), sum[i]);
        for (int64_t e = vectors * YO_LANES; e < ld; e += YO_LANES)
            sum[i] = yo_fma(yo_load(u + e), yo_load(row + e), sum[i]);
    }
#pragma GCC unroll 4
    for (int step = 1; step < YO_LANES; step *= 2)
#pragma GCC unroll 16
        for (int i = 0; i < YO_LANES; i += 2 * step)
            sum[i] = fold(sum[i], sum[i + step], step);
    yo_store(product, sum[0]);
}

/* sum += product[j] y[list[j]] for `vectors` vectors. */
YO_INLINE void add_rows(float *sum, const float *product, const float *y, const uint16_t *list,
                        int64_t count, int64_t ld, const int vectors)
{
    yo_vec total[4];
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        total[v] = yo_load(sum + v * YO_LANES);
    for (int64_t j = 0; j < count; j++) {
        const float *row = y + list[j] * ld;
        yo_vec factor = yo_splat(product[j]);
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            total[v] = yo_fma(factor, yo_load(row + v * YO_LANES), total[v]);
    }
#pragma GCC unroll 4
    for (int v = 0; v < vectors; v++)
        yo_store(sum + v * YO_LANES, total[v]);
}

/* One row of the first side, its list through both operands; z and y begin with the chunk. */
static void meet_list(const workspace *s, const yo_weighted *w, int64_t i, int64_t count,
                      const float *z, const float *y)
{
    const float *u = w->u + i * w->ld;
    float *sum = w->sum + i * w->y_ld;
    for (int64_t j = count; j % YO_LANES != 0; j++)
        s->list[j] = s->list[0]; /* a product that nobody reads */
    for (int64_t j = 0; j < count; j += YO_LANES)
        if (w->ld >= 4 * YO_LANES)
            multiply_rows(s->product + j, u, z, s->list + j, w->ld, 4);
        else if (w->ld == 2 * YO_LANES)
            multiply_rows(s->product + j, u, z, s->list + j, w->ld, 2);
        else
            multiply_rows(s->product + j, u, z, s->list + j, w->ld, 1);
    int64_t e = 0;
    for (; e + 4 * YO_LANES <= w->y_ld; e += 4 * YO_LANES)
        add_rows(sum + e, s->product, y + e, s->list, count, w->y_ld, 4);
    for (; e + 2 * YO_LANES <= w->y_ld; e += 2 * YO_LANES)
        add_rows(sum + e, s->product, y + e, s->list, count, w->y_ld, 2);
    for (; e < w->y_ld; e += YO_LANES)
        add_rows(sum + e, s->product, y + e, s->list, count, w->y_ld, 1);
}

void YO_CPU(lsh_meet)(const yo_weighted *w, const yo_attention *at, const yo_side *a,
                      const yo_side *b, float *scratch)
{
    workspace s;
    lay_out(&s, scratch, at, a->count, b->count, w->ld, w->y_ld);
    for (int32_t h = 0; h < at->num_hash; h++)
        meet_full(&s, w, a, b, h);
    for (int64_t first = 0; first < b->count; first += CHUNK) {
        int64_t rows = b->count - first < CHUNK ? b->count - first : CHUNK;
        const float *z = w->z + first * w->ld, *y = w->y + first * w->y_ld;
        for (int32_t h = 0; h < at->num_hash; h++)
            sort_chunk(&s, w, b, h, first, rows);
        for (int64_t i = 0; i < a->count; i++) {
            if (w->a_keep && !w->a_keep[i])
                continue;
            int64_t count = list_rows(&s, a, i, at->num_hash);
            if (count > 0)
                meet_list(&s, w, i, count, z, y);
        }
    }
}
