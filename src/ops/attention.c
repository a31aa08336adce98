/* The attention over packed sequences: checks, results, and the call of the form's kernel. */
#include "ops/attention.h"

yoso_status yo_check_code_len(const char *where, int32_t hash_code_len)
{
    if (hash_code_len < 1 || hash_code_len > 16)
        return yo_fail(YOSO_MISUSE, "%s: hash_code_len is %d, must be 1 to 16", where,
                       hash_code_len);
    return YOSO_OK;
}

yoso_status yo_check_num_hash(const char *where, int32_t num_hash)
{
    if (num_hash < 1 || num_hash > 65536)
        return yo_fail(YOSO_MISUSE, "%s: num_hash is %d, must be 1 to 65536", where, num_hash);
    return YOSO_OK;
}

yoso_status yo_operand_of(yo_operand *operand, const yoso_tensor *x, int64_t head_size)
{
    *operand = (yo_operand){.copy = NULL};
    bool rows = x->ndim == 2 && (x->shape[1] <= 1 || x->stride[1] == 1);
    if (!rows) {
        YO_TRY(yoso_contiguous(&operand->copy, x));
        x = operand->copy;
    }
    int64_t token = x->ndim == 2 ? x->stride[0] : x->shape[x->ndim - 1];
    operand->rows = (yo_rows){yo_tensor_data(x), x->dtype, token, head_size};
    return YOSO_OK;
}

yoso_status yo_mask_of(const uint8_t **bytes, yoso_tensor **copy, const char *where,
                       const char *name, const yoso_tensor *mask, const yoso_tensor *like,
                       int64_t rows)
{
    *bytes = NULL;
    *copy = NULL;
    if (!mask)
        return YOSO_OK;
    if (yoso_tensor_numel(mask) != rows)
        return yo_fail(YOSO_MISUSE,
                       "%s: %s has shape %s, must have one element for each of %lld rows", where,
                       name, yo_text(mask).text, (long long)rows);
    if (mask->storage->device != like->storage->device)
        return yo_fail(YOSO_MISUSE, "%s: %s is on another device than the rows", where, name);
    if (mask->dtype == YOSO_BOOL || mask->dtype == YOSO_U8)
        YO_TRY(yoso_contiguous(copy, mask));
    else
        YO_TRY(yoso_cast(copy, mask, YOSO_BOOL));
    *bytes = yo_tensor_data(*copy);
    return YOSO_OK;
}

/* All that one call works on; `finish` gives the copies back. */
typedef struct call {
    yo_attention at;
    const yo_kernels *kernels;
    yo_stream *stream;
    yo_operand q, k, v;
    yoso_tensor *q_offset, *k_offset, *q_keep, *k_keep;
} call;

static void finish(call *c)
{
    yoso_tensor_free(c->q.copy);
    yoso_tensor_free(c->k.copy);
    yoso_tensor_free(c->v.copy);
    yoso_tensor_free(c->q_offset);
    yoso_tensor_free(c->k_offset);
    yoso_tensor_free(c->q_keep);
    yoso_tensor_free(c->k_keep);
}

static yoso_status check_offset(yoso_tensor **copy, const int64_t **data, const char *name,
                                const yoso_tensor *offset, int64_t rows)
{
    if (offset->dtype != YOSO_I64 || offset->ndim != 1 || offset->shape[0] < 1 ||
        offset->storage->device != YOSO_CPU)
        return yo_fail(YOSO_MISUSE,
                       "attention: %s is %s %s, must be i64 [sequences + 1] on the CPU", name,
                       yoso_dtype_name(offset->dtype), yo_text(offset).text);
    YO_TRY(yoso_contiguous(copy, offset));
    const int64_t *at = yo_tensor_data(*copy);
    int64_t sequences = offset->shape[0] - 1;
    for (int64_t s = 0; s < sequences; s++)
        if (at[s + 1] < at[s])
            return yo_fail(YOSO_MISUSE, "attention: %s falls from %lld to %lld, must not", name,
                           (long long)at[s], (long long)at[s + 1]);
    if (at[0] != 0 || at[sequences] != rows)
        return yo_fail(YOSO_MISUSE,
                       "attention: %s goes from %lld to %lld, must from 0 to %lld rows", name,
                       (long long)at[0], (long long)at[sequences], (long long)rows);
    *data = at;
    return YOSO_OK;
}

static yoso_status check_options(const yoso_attention_options *options)
{
    if (options->form < YOSO_EXPECTATION || options->form > YOSO_SOFTMAX)
        return yo_fail(YOSO_MISUSE, "attention: unknown form %d", options->form);
    if (options->heads < 1)
        return yo_fail(YOSO_MISUSE, "attention: heads is %d, must be at least 1", options->heads);
    if (options->form != YOSO_SOFTMAX)
        YO_TRY(yo_check_code_len("attention", options->hash_code_len));
    if (options->form == YOSO_SAMPLED)
        YO_TRY(yo_check_num_hash("attention", options->num_hash));
    if (options->fast_hash < YOSO_HASH_DENSE || options->fast_hash > YOSO_HASH_SPREAD)
        return yo_fail(YOSO_MISUSE, "attention: unknown fast_hash %d", options->fast_hash);
    if (options->layer < 0 || options->layer >= 1 << 28)
        return yo_fail(YOSO_MISUSE, "attention: layer is %d, must be 0 to 2^28 - 1",
                       options->layer);
    return YOSO_OK;
}

static yoso_status check_rows(const char *name, const yoso_tensor *x, int32_t heads,
                              const yoso_tensor *query)
{
    if (!yo_dtype_is_float(x->dtype) || x->dtype != query->dtype)
        return yo_fail(YOSO_MISUSE,
                       "attention: %s is %s, query, key and value must be one float "
                       "dtype",
                       name, yoso_dtype_name(x->dtype));
    if (x->storage->device != query->storage->device)
        return yo_fail(YOSO_MISUSE, "attention: %s is on another device than query", name);
    if (x->ndim != 2 || x->shape[1] < heads || x->shape[1] % heads)
        return yo_fail(YOSO_MISUSE,
                       "attention: %s has shape %s, must be [rows, a multiple of %d heads]", name,
                       yo_text(x).text, heads);
    return YOSO_OK;
}

static yoso_status check_operands(const yoso_tensor *query, const yoso_tensor *key,
                                  const yoso_tensor *value, int32_t heads)
{
    YO_TRY(check_rows("query", query, heads, query));
    YO_TRY(check_rows("key", key, heads, query));
    YO_TRY(check_rows("value", value, heads, query));
    if (query->shape[1] != key->shape[1] || key->shape[0] != value->shape[0])
        return yo_fail(YOSO_MISUSE,
                       "attention: query %s, key %s and value %s must be [rows, heads * D], "
                       "[keys, heads * D] and [keys, heads * E]",
                       yo_text(query).text, yo_text(key).text, yo_text(value).text);
    return YOSO_OK;
}

static yoso_status fill(call *c, const yoso_tensor *query, const yoso_tensor *key,
                        const yoso_tensor *value, const yoso_tensor *q_offset,
                        const yoso_tensor *k_offset, const yoso_tensor *q_keep,
                        const yoso_tensor *k_keep, const yoso_attention_options *options)
{
    yo_attention *at = &c->at;
    if (!k_offset) {
        k_offset = q_offset;
        k_keep = q_keep;
    }
    YO_TRY(yo_operand_of(&c->q, query, at->head_size));
    YO_TRY(yo_operand_of(&c->k, key, at->head_size));
    YO_TRY(yo_operand_of(&c->v, value, at->value_size));
    YO_TRY(check_offset(&c->q_offset, &at->q_offset, "offset", q_offset, query->shape[0]));
    YO_TRY(check_offset(&c->k_offset, &at->k_offset, "offset of keys", k_offset, key->shape[0]));
    at->sequences = q_offset->shape[0] - 1;
    if (k_offset->shape[0] != q_offset->shape[0])
        return yo_fail(YOSO_MISUSE, "attention: %lld sequences of queries, %lld of keys",
                       (long long)at->sequences, (long long)k_offset->shape[0] - 1);
    YO_TRY(
        yo_mask_of(&at->q_keep, &c->q_keep, "attention", "keep", q_keep, query, query->shape[0]));
    YO_TRY(yo_mask_of(&at->k_keep, &c->k_keep, "attention", "keep of keys", k_keep, key,
                      key->shape[0]));
    at->normalize = options->normalize && options->form != YOSO_SOFTMAX;
    at->code_len = options->hash_code_len;
    at->num_hash = options->num_hash;
    at->fast_hash = options->fast_hash != YOSO_HASH_DENSE;
    at->spread = options->fast_hash == YOSO_HASH_SPREAD;
    at->lsh_backward = options->lsh_backward;
    at->seed = (uint64_t)options->seed;
    at->layer = (uint32_t)options->layer;
    return YOSO_OK;
}

/* Checks everything and fills c; on failure nothing is left to free. */
static yoso_status prepare(call *c, const yoso_tensor *query, const yoso_tensor *key,
                           const yoso_tensor *value, const yoso_tensor *q_offset,
                           const yoso_tensor *k_offset, const yoso_tensor *q_keep,
                           const yoso_tensor *k_keep, const yoso_attention_options *options)
{
    *c = (call){.kernels = NULL};
    YO_TRY(check_options(options));
    YO_TRY(check_operands(query, key, value, options->heads));
    YO_TRY(yo_backend_kernels(&c->kernels, query->storage->device));
    c->stream = yo_backend_stream(query->storage->device);
    c->at.heads = options->heads;
    c->at.head_size = query->shape[1] / options->heads;
    c->at.value_size = value->shape[1] / options->heads;
    yoso_status status = fill(c, query, key, value, q_offset, k_offset, q_keep, k_keep, options);
    if (status != YOSO_OK)
        finish(c);
    return status;
}

static yo_rows rows_of(const yoso_tensor *contiguous, int64_t head_size)
{
    return (yo_rows){yo_tensor_data(contiguous), contiguous->dtype, contiguous->shape[1],
                     head_size};
}

static yoso_status call_form(const yo_rows *out, float *stat, const call *c, int32_t form)
{
    const yo_rows *q = &c->q.rows, *k = &c->k.rows, *v = &c->v.rows;
    if (form == YOSO_EXPECTATION)
        return c->kernels->yoso_expectation(out, stat, q, k, v, &c->at, c->stream);
    if (form == YOSO_SAMPLED)
        return c->kernels->yoso_sample(out, stat, q, k, v, &c->at, c->stream);
    return c->kernels->softmax_attention(out, stat, q, k, v, &c->at, c->stream);
}

static yoso_status forward(yoso_tensor **out, yoso_tensor **stat, call *c, const yoso_tensor *query,
                           const yoso_tensor *value, int32_t form)
{
    int64_t shape[] = {query->shape[0], value->shape[1]};
    int64_t stat_shape[] = {query->shape[0], c->at.heads};
    yoso_tensor *result, *numbers = NULL;
    YO_TRY(yo_tensor_like(&result, value, value->dtype, 2, shape));
    yoso_status status = YOSO_OK;
    if (stat)
        status = yo_tensor_like(&numbers, value, YOSO_F32, 2, stat_shape);
    if (status == YOSO_OK) {
        yo_rows rows = rows_of(result, c->at.value_size);
        status = call_form(&rows, numbers ? yo_tensor_data(numbers) : NULL, c, form);
    }
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        yoso_tensor_free(numbers);
        return status;
    }
    *out = result;
    if (stat)
        *stat = numbers;
    return YOSO_OK;
}

yoso_status yoso_attention(yoso_tensor **out, yoso_tensor **stat, const yoso_tensor *query,
                           const yoso_tensor *key, const yoso_tensor *value,
                           const yoso_tensor *q_offset, const yoso_tensor *k_offset,
                           const yoso_tensor *q_keep, const yoso_tensor *k_keep,
                           const yoso_attention_options *options)
{
    call c;
    YO_TRY(prepare(&c, query, key, value, q_offset, k_offset, q_keep, k_keep, options));
    yoso_status status = forward(out, stat, &c, query, value, options->form);
    finish(&c);
    return status;
}

yoso_status yoso_attention_parts(double *nanoseconds, const yoso_tensor *query,
                                 const yoso_tensor *key, const yoso_tensor *value,
                                 const yoso_tensor *offset, const yoso_attention_options *options)
{
    call c;
    YO_TRY(prepare(&c, query, key, value, offset, NULL, NULL, NULL, options));
    yoso_status status = YOSO_OK;
    if (c.at.sequences == 0 || c.at.q_offset[1] == 0)
        status = yo_fail(YOSO_MISUSE, "attention_parts: the first sequence is empty");
    else if (!c.kernels->attention_parts)
        status = yo_fail(YOSO_UNSUPPORTED, "attention_parts: only the CPU is measured");
    else
        status = c.kernels->attention_parts(nanoseconds, &c.q.rows, &c.k.rows, &c.v.rows, &c.at);
    finish(&c);
    return status;
}

static yoso_status check_of_forward(const char *name, const yoso_tensor *x, int32_t dtype,
                                    int64_t rows, int64_t columns)
{
    if (x->dtype != dtype || x->ndim != 2 || x->shape[0] != rows || x->shape[1] != columns)
        return yo_fail(YOSO_MISUSE, "attention_grad: %s is %s %s, must be %s [%lld, %lld]", name,
                       yoso_dtype_name(x->dtype), yo_text(x).text, yoso_dtype_name(dtype),
                       (long long)rows, (long long)columns);
    return YOSO_OK;
}

static yoso_status call_gradient(const yo_rows d[3], const yo_rows *grad, const yo_rows *out,
                                 const float *stat, const call *c, int32_t form)
{
    const yo_kernels *kernels = c->kernels;
    const yo_rows *q = &c->q.rows, *k = &c->k.rows, *v = &c->v.rows;
    const yo_attention *at = &c->at;
    if (form == YOSO_EXPECTATION)
        return kernels->yoso_expectation_grad(&d[0], &d[1], &d[2], grad, out, stat, q, k, v, at,
                                              c->stream);
    if (form == YOSO_SAMPLED)
        return kernels->yoso_sample_grad(&d[0], &d[1], &d[2], grad, out, stat, q, k, v, at,
                                         c->stream);
    return kernels->softmax_attention_grad(&d[0], &d[1], &d[2], grad, out, stat, q, k, v, at,
                                           c->stream);
}

/* Runs the kernel; rows are where the three results go. */
static yoso_status run_gradient(const yo_rows rows[3], call *c, const yoso_tensor *grad,
                                const yoso_tensor *out, const yoso_tensor *stat, int32_t form)
{
    yo_operand of_out = {.copy = NULL}, result = {.copy = NULL};
    yoso_tensor *numbers = NULL;
    yoso_status status = yo_operand_of(&of_out, grad, c->at.value_size);
    if (status == YOSO_OK)
        status = yo_operand_of(&result, out, c->at.value_size);
    if (status == YOSO_OK)
        status = yoso_contiguous(&numbers, stat);
    if (status == YOSO_OK)
        status = call_gradient(rows, &of_out.rows, &result.rows, yo_tensor_data(numbers), c, form);
    yoso_tensor_free(of_out.copy);
    yoso_tensor_free(result.copy);
    yoso_tensor_free(numbers);
    return status;
}

static yoso_status check_gradient(const yoso_tensor *grad, const yoso_tensor *out,
                                  const yoso_tensor *stat, const yoso_tensor *query,
                                  const yoso_tensor *value, int32_t heads)
{
    int64_t rows = query->shape[0];
    YO_TRY(check_of_forward("grad", grad, value->dtype, rows, value->shape[1]));
    YO_TRY(check_of_forward("out", out, value->dtype, rows, value->shape[1]));
    return check_of_forward("stat", stat, YOSO_F32, rows, heads);
}

/* The three results, made before the kernel runs and freed together when something fails. */
static yoso_status backward(yoso_tensor *gradient[3], call *c, const yoso_tensor *grad,
                            const yoso_tensor *out, const yoso_tensor *stat,
                            const yoso_tensor *const operand[3], int32_t form)
{
    int64_t sizes[] = {c->at.head_size, c->at.head_size, c->at.value_size};
    yo_rows rows[3];
    for (int i = 0; i < 3; i++) {
        YO_TRY(yo_tensor_like(&gradient[i], operand[i], operand[i]->dtype, 2, operand[i]->shape));
        rows[i] = rows_of(gradient[i], sizes[i]);
    }
    return run_gradient(rows, c, grad, out, stat, form);
}

yoso_status yoso_attention_grad(yoso_tensor **dq, yoso_tensor **dk, yoso_tensor **dv,
                                const yoso_tensor *grad, const yoso_tensor *out,
                                const yoso_tensor *stat, const yoso_tensor *query,
                                const yoso_tensor *key, const yoso_tensor *value,
                                const yoso_tensor *q_offset, const yoso_tensor *k_offset,
                                const yoso_tensor *q_keep, const yoso_tensor *k_keep,
                                const yoso_attention_options *options)
{
    call c;
    YO_TRY(prepare(&c, query, key, value, q_offset, k_offset, q_keep, k_keep, options));
    const yoso_tensor *operand[] = {query, key, value};
    yoso_tensor *gradient[3] = {NULL, NULL, NULL};
    yoso_status status = check_gradient(grad, out, stat, query, value, options->heads);
    if (status == YOSO_OK)
        status = backward(gradient, &c, grad, out, stat, operand, options->form);
    finish(&c);
    if (status != YOSO_OK) {
        for (int i = 0; i < 3; i++)
            yoso_tensor_free(gradient[i]);
        return status;
    }
    *dq = gradient[0];
    *dk = gradient[1];
    *dv = gradient[2];
    return YOSO_OK;
}

yoso_status yo_attention_grad_into(const yoso_tensor *fused, const yoso_tensor *grad,
                                   const yoso_tensor *out, const yoso_tensor *stat,
                                   yoso_tensor *const part[3], const yoso_tensor *offset,
                                   const yoso_tensor *keep, const yoso_attention_options *options)
{
    call c;
    YO_TRY(prepare(&c, part[0], part[1], part[2], offset, NULL, keep, NULL, options));
    yoso_status status = check_gradient(grad, out, stat, part[0], part[2], options->heads);
    if (status == YOSO_OK) {
        yo_rows rows[3];
        size_t size = (size_t)yoso_dtype_size(fused->dtype);
        for (int i = 0; i < 3; i++) {
            rows[i] = rows_of(fused, c.at.head_size);
            rows[i].data = (char *)rows[i].data + (size_t)i * (size_t)part[0]->shape[1] * size;
        }
        status = run_gradient(rows, &c, grad, out, stat, options->form);
    }
    finish(&c);
    return status;
}
