/* Values that cross between C and Lua: numbers, texts, tensors, and tables of them.
 * They know nothing of Lua; convert.c does. */
#include "host/value.h"

#include <stdlib.h>
#include <string.h>

static yoso_status make(yoso_value **out, int32_t kind)
{
    yoso_value *value = calloc(1, sizeof *value);
    if (!value)
        return yo_fail(YOSO_NO_MEMORY, "value: out of memory");
    value->kind = kind;
    *out = value;
    return YOSO_OK;
}

yoso_status yoso_value_nil(yoso_value **out)
{
    return make(out, YOSO_NIL);
}

yoso_status yoso_value_boolean(yoso_value **out, int32_t boolean)
{
    YO_TRY(make(out, YOSO_BOOLEAN));
    (*out)->boolean = boolean != 0;
    return YOSO_OK;
}

yoso_status yoso_value_number(yoso_value **out, double number)
{
    YO_TRY(make(out, YOSO_NUMBER));
    (*out)->number = number;
    return YOSO_OK;
}

yoso_status yoso_value_string(yoso_value **out, const char *bytes, int64_t length)
{
    if (!bytes)
        return yo_fail(YOSO_MISUSE, "value_string: bytes is NULL");
    if (length < -1)
        return yo_fail(YOSO_MISUSE, "value_string: length is %lld, must be -1 or more",
                       (long long)length);
    size_t count = length < 0 ? strlen(bytes) : (size_t)length;
    yoso_value *value = NULL;
    YO_TRY(make(&value, YOSO_STRING));
    value->bytes = malloc(count + 1);
    if (!value->bytes) {
        free(value);
        return yo_fail(YOSO_NO_MEMORY, "value_string: out of memory for %zu bytes", count);
    }
    memcpy(value->bytes, bytes, count);
    value->bytes[count] = 0;
    value->length = (int64_t)count;
    *out = value;
    return YOSO_OK;
}

yoso_status yo_value_view(yoso_tensor **out, const yoso_tensor *tensor)
{
    int64_t shape[YOSO_MAX_DIMS], stride[YOSO_MAX_DIMS];
    int32_t ndim = yoso_tensor_ndim(tensor);
    for (int32_t dim = 0; dim < ndim; dim++) {
        shape[dim] = yoso_tensor_size(tensor, dim);
        stride[dim] = yoso_tensor_stride(tensor, dim);
    }
    return yoso_tensor_view(out, tensor, ndim, shape, stride, 0);
}

yoso_status yoso_value_tensor(yoso_value **out, const yoso_tensor *tensor)
{
    if (!tensor)
        return yo_fail(YOSO_MISUSE, "value_tensor: tensor is NULL");
    yoso_tensor *view;
    YO_TRY(yo_value_view(&view, tensor));
    yoso_status status = make(out, YOSO_TENSOR);
    if (status != YOSO_OK) {
        yoso_tensor_free(view);
        return status;
    }
    (*out)->tensor = view;
    return YOSO_OK;
}

yoso_status yoso_value_table(yoso_value **out)
{
    return make(out, YOSO_TABLE);
}

void yoso_value_free(yoso_value *value)
{
    if (!value)
        return;
    if (value->kind == YOSO_TABLE) {
        for (int64_t i = 0; i < value->length; i++)
            yoso_value_free(value->items[i]);
        for (int64_t i = 0; i < value->pair_count; i++) {
            yoso_value_free(value->pairs[i].key);
            yoso_value_free(value->pairs[i].value);
        }
    }
    yoso_tensor_free(value->tensor);
    free(value->items);
    free(value->pairs);
    free(value->bytes);
    free(value);
}

/* -- Reading -------------------------------------------------------------------------------- */

int32_t yoso_value_kind(const yoso_value *value)
{
    return value ? value->kind : YOSO_NIL;
}

int32_t yoso_value_to_boolean(const yoso_value *value)
{
    int32_t kind = yoso_value_kind(value);
    return kind == YOSO_BOOLEAN ? value->boolean : kind != YOSO_NIL;
}

double yoso_value_to_number(const yoso_value *value)
{
    return yoso_value_kind(value) == YOSO_NUMBER ? value->number : 0;
}

const char *yoso_value_to_string(const yoso_value *value, int64_t *length)
{
    int is_string = yoso_value_kind(value) == YOSO_STRING;
    if (length)
        *length = is_string ? value->length : 0;
    return is_string ? value->bytes : NULL;
}

const yoso_tensor *yoso_value_to_tensor(const yoso_value *value)
{
    return yoso_value_kind(value) == YOSO_TENSOR ? value->tensor : NULL;
}

int64_t yoso_value_length(const yoso_value *table)
{
    return yo_value_is_table(table) ? table->length : 0;
}

const yoso_value *yoso_value_at(const yoso_value *table, int64_t index)
{
    return index >= 0 && index < yoso_value_length(table) ? table->items[index] : NULL;
}

int64_t yoso_value_count(const yoso_value *table)
{
    return yo_value_is_table(table) ? table->pair_count : 0;
}

const yoso_value *yoso_value_key(const yoso_value *table, int64_t index)
{
    return index >= 0 && index < yoso_value_count(table) ? table->pairs[index].key : NULL;
}

const yoso_value *yoso_value_entry(const yoso_value *table, int64_t index)
{
    return index >= 0 && index < yoso_value_count(table) ? table->pairs[index].value : NULL;
}

int64_t yo_value_position(const yoso_value *table, const char *key)
{
    int64_t length = (int64_t)strlen(key);
    for (int64_t i = 0; i < yoso_value_count(table); i++) {
        const yoso_value *at = table->pairs[i].key;
        if (at->kind == YOSO_STRING && at->length == length &&
            memcmp(at->bytes, key, (size_t)length) == 0)
            return i;
    }
    return -1;
}

const yoso_value *yoso_value_get(const yoso_value *table, const char *key)
{
    return key ? yoso_value_entry(table, yo_value_position(table, key)) : NULL;
}
