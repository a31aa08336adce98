/* The pieces of the sampled attention alone, on [B, N, D]: hash codes and cumulations. */
#include "core/memory.h"
#include "ops/attention.h"

static yoso_status check_batch(const char *where, const char *name, const yoso_tensor *x,
                               const yoso_tensor *like)
{
    if (!yo_dtype_is_float(x->dtype) || x->ndim != 3)
        return yo_fail(YOSO_MISUSE, "%s: %s is %s %s, must be floats [batch, rows, size]", where,
                       name, yoso_dtype_name(x->dtype), yo_text(x).text);
    if (x->shape[0] != like->shape[0] || x->storage->device != like->storage->device)
        return yo_fail(YOSO_MISUSE, "%s: %s has shape %s, must have the batch of %s and its device",
                       where, name, yo_text(x).text, yo_text(like).text);
    return YOSO_OK;
}

/* Offsets of a batch of sequences of one length; to be given back with its bytes. */
static yoso_status even_offsets(int64_t **offset, size_t *bytes, int64_t batch, int64_t rows)
{
    *bytes = (size_t)(batch + 1) * sizeof **offset;
    YO_TRY(yo_memory_take((void **)offset, *bytes));
    for (int64_t s = 0; s <= batch; s++)
        (*offset)[s] = s * rows;
    return YOSO_OK;
}

/* Fails unless random is f32 of this shape; fills the parts that both hashes share. */
static yoso_status check_hash(const char *where, const yoso_tensor *x, const yoso_tensor *random,
                              const char *name, int32_t num_hash, int32_t hash_code_len)
{
    YO_TRY(yo_check_code_len(where, hash_code_len));
    YO_TRY(yo_check_num_hash(where, num_hash));
    YO_TRY(check_batch(where, "x", x, x));
    if (random->dtype != YOSO_F32 || random->storage->device != x->storage->device)
        return yo_fail(YOSO_MISUSE, "%s: %s is %s, must be f32 on x's device", where, name,
                       yoso_dtype_name(random->dtype));
    return YOSO_OK;
}

/* Calls the kernel, dense or fast, with everything checked. */
static yoso_status hash(yoso_tensor **code, const yoso_tensor *x, const yoso_tensor *random,
                        int32_t num_hash, int32_t hash_code_len, int64_t sign_size)
{
    const yo_kernels *kernels;
    int32_t device = x->storage->device;
    YO_TRY(yo_backend_kernels(&kernels, device));
    int64_t shape[] = {x->shape[0], x->shape[1], num_hash}, *offset = NULL;
    size_t bytes = 0;
    yoso_tensor *result = NULL, *numbers = NULL;
    yo_operand rows = {.copy = NULL};
    yo_attention at = {.sequences = x->shape[0],
                       .heads = 1,
                       .head_size = x->shape[2],
                       .code_len = hash_code_len,
                       .num_hash = num_hash};
    yoso_status status = even_offsets(&offset, &bytes, x->shape[0], x->shape[1]);
    at.q_offset = offset;
    if (status == YOSO_OK)
        status = yo_tensor_like(&result, x, YOSO_I32, 3, shape);
    if (status == YOSO_OK)
        status = yoso_contiguous(&numbers, random);
    if (status == YOSO_OK)
        status = yo_operand_of(&rows, x, x->shape[2]);
    if (status == YOSO_OK) {
        yo_stream *stream = yo_backend_stream(device);
        int32_t *to = yo_tensor_data(result);
        const float *from = yo_tensor_data(numbers);
        status = sign_size ? kernels->fast_hash(to, &rows.rows, from, sign_size, &at, stream)
                           : kernels->lsh_hash(to, &rows.rows, from, &at, stream);
    }
    yo_memory_give(offset, bytes);
    yoso_tensor_free(rows.copy);
    yoso_tensor_free(numbers);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *code = result;
    return YOSO_OK;
}

yoso_status yoso_lsh_hash(yoso_tensor **code, const yoso_tensor *x, const yoso_tensor *projection,
                          int32_t num_hash, int32_t hash_code_len)
{
    YO_TRY(check_hash("lsh_hash", x, projection, "projection", num_hash, hash_code_len));
    int64_t columns = (int64_t)num_hash * hash_code_len;
    if (projection->ndim != 3 || projection->shape[0] != x->shape[0] ||
        projection->shape[1] != x->shape[2] || projection->shape[2] != columns)
        return yo_fail(YOSO_MISUSE,
                       "lsh_hash: projection has shape %s, must be [%lld, %lld, %lld] for x %s",
                       yo_text(projection).text, (long long)x->shape[0], (long long)x->shape[2],
                       (long long)columns, yo_text(x).text);
    return hash(code, x, projection, num_hash, hash_code_len, 0);
}

yoso_status yoso_fast_hash(yoso_tensor **code, const yoso_tensor *x, const yoso_tensor *sign,
                           int32_t num_hash, int32_t hash_code_len)
{
    YO_TRY(check_hash("fast_hash", x, sign, "sign", num_hash, hash_code_len));
    int64_t size = sign->ndim == 4 ? sign->shape[3] : 0;
    if (size < x->shape[2] || size < hash_code_len || size < 8 || size > 65536 ||
        (size & (size - 1)))
        return yo_fail(YOSO_MISUSE,
                       "fast_hash: sign has shape %s, must be [batch, 3, P, D2] with D2 a power of "
                       "two not below %lld, 8 and hash_code_len",
                       yo_text(sign).text, (long long)x->shape[2]);
    int64_t codes = size / hash_code_len, groups = (num_hash + codes - 1) / codes;
    if (sign->shape[0] != x->shape[0] || sign->shape[1] != 3 || sign->shape[2] != groups)
        return yo_fail(YOSO_MISUSE, "fast_hash: sign has shape %s, must be [%lld, 3, %lld, %lld]",
                       yo_text(sign).text, (long long)x->shape[0], (long long)groups,
                       (long long)size);
    return hash(code, x, sign, num_hash, hash_code_len, size);
}

/* One side of a cumulation. */
typedef struct side {
    const int32_t *code;
    yoso_tensor *code_copy, *mask_copy;
    yo_operand rows; /* weights or values */
    int64_t *offset;
    size_t bytes;
} side;

static void free_side(side *s)
{
    yoso_tensor_free(s->code_copy);
    yoso_tensor_free(s->mask_copy);
    yoso_tensor_free(s->rows.copy);
    yo_memory_give(s->offset, s->bytes);
}

static yoso_status fill_side(side *s, const uint8_t **keep, const char *where, const char *name,
                             const yoso_tensor *mask, const yoso_tensor *code,
                             const yoso_tensor *rows, const yoso_tensor *v)
{
    int64_t count = code->shape[1];
    if (rows) {
        YO_TRY(check_batch(where, name, rows, v));
        if (rows->shape[1] != count)
            return yo_fail(YOSO_MISUSE, "%s: %s has shape %s, must have the %lld rows of its codes",
                           where, name, yo_text(rows).text, (long long)count);
        YO_TRY(yo_operand_of(&s->rows, rows, rows->shape[2]));
    }
    YO_TRY(yo_mask_of(keep, &s->mask_copy, where, "a mask", mask, v, v->shape[0] * count));
    YO_TRY(yoso_contiguous(&s->code_copy, code));
    s->code = yo_tensor_data(s->code_copy);
    return even_offsets(&s->offset, &s->bytes, v->shape[0], count);
}

static yoso_status check_codes(const char *where, const yoso_tensor *q_code,
                               const yoso_tensor *k_code, const yoso_tensor *v)
{
    YO_TRY(check_batch(where, "v", v, v));
    const yoso_tensor *codes[] = {q_code, k_code};
    for (int i = 0; i < 2; i++)
        if (codes[i]->dtype != YOSO_I32 || codes[i]->ndim != 3 ||
            codes[i]->shape[0] != v->shape[0] || codes[i]->shape[2] != q_code->shape[2] ||
            codes[i]->storage->device != v->storage->device)
            return yo_fail(YOSO_MISUSE,
                           "%s: %s is %s %s, must be i32 [%lld, rows, hashes], the hashes as many "
                           "on both sides",
                           where, i ? "k_code" : "q_code", yoso_dtype_name(codes[i]->dtype),
                           yo_text(codes[i]).text, (long long)v->shape[0]);
    if (q_code->shape[2] < 1 || q_code->shape[2] > 65536)
        return yo_fail(YOSO_MISUSE, "%s: q_code has %lld hashes, must have 1 to 65536", where,
                       (long long)q_code->shape[2]);
    if (k_code->shape[1] != v->shape[1])
        return yo_fail(YOSO_MISUSE, "%s: k_code has shape %s, must have the %lld rows of v", where,
                       yo_text(k_code).text, (long long)v->shape[1]);
    return YOSO_OK;
}

/* Both cumulations; weights are NULL, both or neither. */
static yoso_status cumulate(yoso_tensor **out, const char *where, const yoso_tensor *q_mask,
                            const yoso_tensor *q_code, const yoso_tensor *q_weight,
                            const yoso_tensor *k_mask, const yoso_tensor *k_code,
                            const yoso_tensor *k_weight, const yoso_tensor *v,
                            int32_t hash_code_len)
{
    const yo_kernels *kernels;
    YO_TRY(yo_check_code_len(where, hash_code_len));
    YO_TRY(check_codes(where, q_code, k_code, v));
    YO_TRY(yo_backend_kernels(&kernels, v->storage->device));
    int64_t shape[] = {v->shape[0], q_code->shape[1], v->shape[2]};
    yo_attention at = {.sequences = v->shape[0],
                       .heads = 1,
                       .head_size = q_weight && q_weight->ndim == 3 ? q_weight->shape[2] : 0,
                       .value_size = v->shape[2],
                       .code_len = hash_code_len,
                       .num_hash = (int32_t)q_code->shape[2]};
    side q = {.code = NULL}, k = {.code = NULL};
    yo_operand values = {.copy = NULL};
    yoso_tensor *result = NULL;
    yoso_status status = fill_side(&q, &at.q_keep, where, "q_weight", q_mask, q_code, q_weight, v);
    if (status == YOSO_OK)
        status = fill_side(&k, &at.k_keep, where, "k_weight", k_mask, k_code, k_weight, v);
    if (status == YOSO_OK && q_weight && k_weight->shape[2] != q_weight->shape[2])
        status = yo_fail(YOSO_MISUSE, "%s: q_weight %s and k_weight %s must have one size", where,
                         yo_text(q_weight).text, yo_text(k_weight).text);
    if (status == YOSO_OK)
        status = yo_operand_of(&values, v, v->shape[2]);
    if (status == YOSO_OK)
        status = yo_tensor_like(&result, v, v->dtype, 3, shape);
    if (status == YOSO_OK) {
        yo_rows rows = {yo_tensor_data(result), v->dtype, v->shape[2], v->shape[2]};
        yo_stream *stream = yo_backend_stream(v->storage->device);
        at.q_offset = q.offset;
        at.k_offset = k.offset;
        status = q_weight
                     ? kernels->lsh_weighted_cumulation(&rows, q.code, &q.rows.rows, k.code,
                                                        &k.rows.rows, &values.rows, &at, stream)
                     : kernels->lsh_cumulation(&rows, q.code, k.code, &values.rows, &at, stream);
    }
    free_side(&q);
    free_side(&k);
    yoso_tensor_free(values.copy);
    if (status != YOSO_OK) {
        yoso_tensor_free(result);
        return status;
    }
    *out = result;
    return YOSO_OK;
}

yoso_status yoso_lsh_cumulation(yoso_tensor **out, const yoso_tensor *q_mask,
                                const yoso_tensor *q_code, const yoso_tensor *k_mask,
                                const yoso_tensor *k_code, const yoso_tensor *v,
                                int32_t hash_code_len)
{
    return cumulate(out, "lsh_cumulation", q_mask, q_code, NULL, k_mask, k_code, NULL, v,
                    hash_code_len);
}

yoso_status yoso_lsh_weighted_cumulation(yoso_tensor **out, const yoso_tensor *q_mask,
                                         const yoso_tensor *q_code, const yoso_tensor *q_weight,
                                         const yoso_tensor *k_mask, const yoso_tensor *k_code,
                                         const yoso_tensor *k_weight, const yoso_tensor *v,
                                         int32_t hash_code_len)
{
    return cumulate(out, "lsh_weighted_cumulation", q_mask, q_code, q_weight, k_mask, k_code,
                    k_weight, v, hash_code_len);
}
