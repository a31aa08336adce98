/* What a model begins with, as one call: the rows of three tables, summed and normalised. */
#include "backend.h"
#include "ops/rows.h"

/* Rows whose positions are looked up at a time. */
enum { ROWS_AT_ONCE = 1024 };

typedef struct sum {
    const yo_kernels *kernels;
    yo_stream *stream;
    yo_view table[YOSO_EMBEDDINGS], weight, bias;
    double eps;
} sum;

/* out = norm(words + types + positions), the first sum rounded to the dtype as its parts' is. */
static yoso_status sum_rows(const sum *s, const yo_view *out, const yo_view id[YOSO_EMBEDDINGS],
                            const yo_view *spare)
{
    YO_TRY(s->kernels->embedding(out, &id[YOSO_WORDS], &s->table[YOSO_WORDS], s->stream));
    yo_view types = *spare;
    if (id[YOSO_TYPES].data) {
        YO_TRY(s->kernels->embedding(spare, &id[YOSO_TYPES], &s->table[YOSO_TYPES], s->stream));
    } else {
        types = yo_some_rows(&s->table[YOSO_TYPES], 0, out->shape[0]);
        types.stride[0] = 0;
    }
    YO_TRY(s->kernels->binary(out, YOSO_ADD, out, &types, s->stream));
    YO_TRY(s->kernels->embedding(spare, &id[YOSO_POSITIONS], &s->table[YOSO_POSITIONS], s->stream));
    return s->kernels->layer_norm(out, out, &s->weight, &s->bias, spare, s->eps, s->stream);
}

static yoso_status sum_all(const sum *s, const yoso_tensor *result, yoso_tensor *const ids[])
{
    int64_t tokens = result->shape[0], most = tokens < ROWS_AT_ONCE ? tokens : ROWS_AT_ONCE;
    int64_t shape[2] = {most, result->shape[1]};
    yoso_tensor *spare;
    YO_TRY(yo_tensor_like(&spare, result, result->dtype, 2, shape));
    yo_view all = yo_as_rows(result), room = yo_as_rows(spare);
    yo_view list[YOSO_EMBEDDINGS] = {{.data = NULL}};
    for (int i = 0; i < YOSO_EMBEDDINGS; i++)
        if (ids[i])
            list[i] = yo_as_list(ids[i]);
    yoso_status status = YOSO_OK;
    for (int64_t first = 0; first < tokens && status == YOSO_OK; first += most) {
        int64_t rows = tokens - first < most ? tokens - first : most;
        yo_view out = yo_some_rows(&all, first, rows), extra = yo_some_rows(&room, 0, rows);
        yo_view id[YOSO_EMBEDDINGS] = {{.data = NULL}};
        for (int i = 0; i < YOSO_EMBEDDINGS; i++)
            if (list[i].data)
                id[i] = yo_some_rows(&list[i], first, rows);
        status = sum_rows(s, &out, id, &extra);
    }
    yoso_tensor_free(spare);
    return status;
}

static yoso_status check_sum(const yoso_tensor *const ids[], const yoso_tensor *const tables[],
                             const yoso_tensor *weight, const yoso_tensor *bias)
{
    static const char *const name[] = {"words", "types", "positions"};
    const yoso_tensor *words = tables[YOSO_WORDS];
    const yoso_tensor *floats[] = {words, tables[YOSO_TYPES], tables[YOSO_POSITIONS], weight, bias};
    YO_TRY(yo_check_floats("embeddings", 5, floats));
    for (int i = 0; i < YOSO_EMBEDDINGS; i++) {
        const yoso_tensor *table = tables[i];
        if (table->ndim != 2 || table->stride[1] != 1 || table->shape[0] < 1 ||
            table->shape[1] < 1 || table->shape[1] != words->shape[1])
            return yo_fail(YOSO_MISUSE, "embeddings: %s' table is %s beside words' %s", name[i],
                           yo_text(table).text, yo_text(words).text);
        if (!ids[i])
            continue;
        if (ids[i]->dtype != YOSO_I64 && ids[i]->dtype != YOSO_I32)
            return yo_fail(YOSO_MISUSE, "embeddings: ids of %s are %s, must be i64 or i32", name[i],
                           yoso_dtype_name(ids[i]->dtype));
        if (ids[i]->ndim != 1 || ids[i]->shape[0] != ids[YOSO_WORDS]->shape[0] ||
            ids[i]->storage->device != words->storage->device)
            return yo_fail(YOSO_MISUSE, "embeddings: ids of %s are %s beside words' %s", name[i],
                           yo_text(ids[i]).text, yo_text(ids[YOSO_WORDS]).text);
    }
    if (weight->ndim != 1 || bias->ndim != 1 || weight->shape[0] != words->shape[1] ||
        bias->shape[0] != words->shape[1] || !yoso_tensor_is_contiguous(weight) ||
        !yoso_tensor_is_contiguous(bias))
        return yo_fail(YOSO_MISUSE,
                       "embeddings: the norm's weight is %s, its bias %s, must be [%lld]",
                       yo_text(weight).text, yo_text(bias).text, (long long)words->shape[1]);
    return YOSO_OK;
}

yoso_status yoso_embeddings(yoso_tensor **out, const yoso_tensor *const ids[YOSO_EMBEDDINGS],
                            const yoso_tensor *const tables[YOSO_EMBEDDINGS],
                            const yoso_tensor *weight, const yoso_tensor *bias, double eps)
{
    if (!ids[YOSO_WORDS] || !ids[YOSO_POSITIONS])
        return yo_fail(YOSO_MISUSE, "embeddings: wants ids of words and of positions");
    YO_TRY(check_sum(ids, tables, weight, bias));
    int32_t device = weight->storage->device;
    sum s = {.stream = yo_backend_stream(device), .eps = eps};
    YO_TRY(yo_backend_kernels(&s.kernels, device));
    for (int i = 0; i < YOSO_EMBEDDINGS; i++)
        s.table[i] = yo_tensor_as_view(tables[i]);
    s.weight = yo_as_rows(weight);
    s.bias = yo_as_rows(bias);
    int64_t shape[2] = {ids[YOSO_WORDS]->shape[0], weight->shape[0]};
    yoso_tensor *dense[YOSO_EMBEDDINGS] = {NULL}, *result = NULL;
    yoso_status status = yo_tensor_like(&result, weight, weight->dtype, 2, shape);
    for (int i = 0; i < YOSO_EMBEDDINGS && status == YOSO_OK; i++)
        if (ids[i])
            status = yoso_contiguous(&dense[i], ids[i]);
    if (status == YOSO_OK)
        status = sum_all(&s, result, dense);
    for (int i = 0; i < YOSO_EMBEDDINGS; i++)
        yoso_tensor_free(dense[i]);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}
