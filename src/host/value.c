/* Values that cross between C and Lua: numbers, texts, tensors, and tables of them.
 * They know nothing of Lua; convert.c does. */
#include "host/state.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    yoso_value *key;
    yoso_value *value;
} pair;

struct yoso_value {
    int32_t kind;
    int32_t boolean;
    double number;
    char *bytes;
    int64_t length; /* of bytes, or of items */
    yoso_tensor *tensor;
    yoso_value **items; /* a table's list */
    int64_t item_capacity;
    pair *pairs; /* a table's entries with keys */
    int64_t pair_count, pair_capacity;
};

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

static int is_table(const yoso_value *value)
{
    return value && value->kind == YOSO_TABLE;
}

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
    return is_table(table) ? table->length : 0;
}

const yoso_value *yoso_value_at(const yoso_value *table, int64_t index)
{
    return index >= 0 && index < yoso_value_length(table) ? table->items[index] : NULL;
}

int64_t yoso_value_count(const yoso_value *table)
{
    return is_table(table) ? table->pair_count : 0;
}

const yoso_value *yoso_value_key(const yoso_value *table, int64_t index)
{
    return index >= 0 && index < yoso_value_count(table) ? table->pairs[index].key : NULL;
}

const yoso_value *yoso_value_entry(const yoso_value *table, int64_t index)
{
    return index >= 0 && index < yoso_value_count(table) ? table->pairs[index].value : NULL;
}

/* The position of a string key, or -1. */
static int64_t position_of(const yoso_value *table, const char *key)
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
    return key ? yoso_value_entry(table, position_of(table, key)) : NULL;
}

/* -- Building --------------------------------------------------------------------------------- */

/* Makes room for one element more in an array that grows by half. */
static yoso_status reserve(void **array, int64_t count, int64_t *capacity, size_t size)
{
    if (count < *capacity)
        return YOSO_OK;
    int64_t wanted = *capacity + *capacity / 2 + 4;
    size_t bytes;
    if (__builtin_mul_overflow((size_t)wanted, size, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "value: a table of %lld entries", (long long)wanted);
    void *grown = realloc(*array, bytes);
    if (!grown)
        return yo_fail(YOSO_NO_MEMORY, "value: out of memory for a table");
    *array = grown;
    *capacity = wanted;
    return YOSO_OK;
}

yoso_status yo_value_append_taken(yoso_value *table, yoso_value *value)
{
    yoso_status status =
        is_table(table)
            ? reserve((void **)&table->items, table->length, &table->item_capacity, sizeof value)
            : yo_fail(YOSO_MISUSE, "value_append: the value is no table");
    if (status != YOSO_OK) {
        yoso_value_free(value);
        return status;
    }
    table->items[table->length++] = value;
    return YOSO_OK;
}

yoso_status yo_value_add_taken(yoso_value *table, yoso_value *key, yoso_value *value)
{
    yoso_status status =
        reserve((void **)&table->pairs, table->pair_count, &table->pair_capacity, sizeof(pair));
    if (status != YOSO_OK) {
        yoso_value_free(key);
        yoso_value_free(value);
        return status;
    }
    table->pairs[table->pair_count++] = (pair){key, value};
    return YOSO_OK;
}

/* Puts value, which it takes over, under key; with a nil the key goes. */
static yoso_status set_taken(yoso_value *table, const char *key, yoso_value *value)
{
    if (!is_table(table) || !key) {
        yoso_value_free(value);
        return yo_fail(YOSO_MISUSE,
                       key ? "value_set: the value is no table" : "value_set: key is NULL");
    }
    int64_t at = position_of(table, key);
    if (value->kind == YOSO_NIL) {
        yoso_value_free(value);
        if (at >= 0) {
            yoso_value_free(table->pairs[at].key);
            yoso_value_free(table->pairs[at].value);
            table->pairs[at] = table->pairs[--table->pair_count];
        }
        return YOSO_OK;
    }
    if (at >= 0) {
        yoso_value_free(table->pairs[at].value);
        table->pairs[at].value = value;
        return YOSO_OK;
    }
    yoso_value *name;
    yoso_status status = yoso_value_string(&name, key, -1);
    if (status != YOSO_OK) {
        yoso_value_free(value);
        return status;
    }
    return yo_value_add_taken(table, name, value);
}

static yoso_status copy_of(yoso_value **out, const yoso_value *value);

/* Fills copy, a new table, with copies of what table holds. */
static yoso_status copy_contents(yoso_value *copy, const yoso_value *table)
{
    for (int64_t i = 0; i < table->length; i++) {
        yoso_value *item;
        YO_TRY(copy_of(&item, table->items[i]));
        YO_TRY(yo_value_append_taken(copy, item));
    }
    for (int64_t i = 0; i < table->pair_count; i++) {
        yoso_value *key, *value;
        YO_TRY(copy_of(&key, table->pairs[i].key));
        yoso_status status = copy_of(&value, table->pairs[i].value);
        if (status != YOSO_OK) {
            yoso_value_free(key);
            return status;
        }
        YO_TRY(yo_value_add_taken(copy, key, value));
    }
    return YOSO_OK;
}

static yoso_status copy_of(yoso_value **out, const yoso_value *value)
{
    switch (yoso_value_kind(value)) {
    case YOSO_BOOLEAN:
        return yoso_value_boolean(out, value->boolean);
    case YOSO_NUMBER:
        return yoso_value_number(out, value->number);
    case YOSO_STRING:
        return yoso_value_string(out, value->bytes, value->length);
    case YOSO_TENSOR:
        return yoso_value_tensor(out, value->tensor);
    case YOSO_TABLE: {
        yoso_value *copy;
        YO_TRY(yoso_value_table(&copy));
        yoso_status status = copy_contents(copy, value);
        if (status != YOSO_OK) {
            yoso_value_free(copy);
            return status;
        }
        *out = copy;
        return YOSO_OK;
    }
    default:
        return yoso_value_nil(out);
    }
}

yoso_status yoso_value_append(yoso_value *table, const yoso_value *value)
{
    yoso_value *made;
    YO_TRY(copy_of(&made, value));
    return yo_value_append_taken(table, made);
}

yoso_status yoso_value_append_boolean(yoso_value *table, int32_t boolean)
{
    yoso_value *made;
    YO_TRY(yoso_value_boolean(&made, boolean));
    return yo_value_append_taken(table, made);
}

yoso_status yoso_value_append_number(yoso_value *table, double number)
{
    yoso_value *made;
    YO_TRY(yoso_value_number(&made, number));
    return yo_value_append_taken(table, made);
}

yoso_status yoso_value_append_string(yoso_value *table, const char *text)
{
    yoso_value *made;
    YO_TRY(yoso_value_string(&made, text, -1));
    return yo_value_append_taken(table, made);
}

yoso_status yoso_value_append_tensor(yoso_value *table, const yoso_tensor *tensor)
{
    yoso_value *made;
    YO_TRY(yoso_value_tensor(&made, tensor));
    return yo_value_append_taken(table, made);
}

yoso_status yoso_value_set(yoso_value *table, const char *key, const yoso_value *value)
{
    yoso_value *made;
    YO_TRY(copy_of(&made, value));
    return set_taken(table, key, made);
}

yoso_status yoso_value_set_boolean(yoso_value *table, const char *key, int32_t boolean)
{
    yoso_value *made;
    YO_TRY(yoso_value_boolean(&made, boolean));
    return set_taken(table, key, made);
}

yoso_status yoso_value_set_number(yoso_value *table, const char *key, double number)
{
    yoso_value *made;
    YO_TRY(yoso_value_number(&made, number));
    return set_taken(table, key, made);
}

yoso_status yoso_value_set_string(yoso_value *table, const char *key, const char *text)
{
    yoso_value *made;
    YO_TRY(yoso_value_string(&made, text, -1));
    return set_taken(table, key, made);
}

yoso_status yoso_value_set_tensor(yoso_value *table, const char *key, const yoso_tensor *tensor)
{
    yoso_value *made;
    YO_TRY(yoso_value_tensor(&made, tensor));
    return set_taken(table, key, made);
}
