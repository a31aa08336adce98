/* Tables of values: putting in, taking over, copying. */
#include "host/value.h"

#include <stdlib.h>

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
        yo_value_is_table(table)
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
    yoso_status status = reserve((void **)&table->pairs, table->pair_count, &table->pair_capacity,
                                 sizeof(yo_value_pair));
    if (status != YOSO_OK) {
        yoso_value_free(key);
        yoso_value_free(value);
        return status;
    }
    table->pairs[table->pair_count++] = (yo_value_pair){key, value};
    return YOSO_OK;
}

/* Puts value, which it takes over, under key; with a nil the key goes. */
static yoso_status set_taken(yoso_value *table, const char *key, yoso_value *value)
{
    if (!yo_value_is_table(table) || !key) {
        yoso_value_free(value);
        return yo_fail(YOSO_MISUSE,
                       key ? "value_set: the value is no table" : "value_set: key is NULL");
    }
    int64_t at = yo_value_position(table, key);
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
