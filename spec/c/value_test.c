/* Values: what goes in comes out, tables copy, and wrong use is a status. */
#include "check.h"

static void scalars(void)
{
    yoso_value *value = NULL;
    int64_t length = 7;
    CHECK(yoso_value_nil(&value) == YOSO_OK);
    CHECK(yoso_value_kind(value) == YOSO_NIL && !yoso_value_to_boolean(value));
    yoso_value_free(value);
    CHECK(yoso_value_boolean(&value, 5) == YOSO_OK);
    CHECK(yoso_value_kind(value) == YOSO_BOOLEAN && yoso_value_to_boolean(value) == 1);
    CHECK(yoso_value_to_number(value) == 0 && yoso_value_to_string(value, &length) == NULL);
    CHECK(length == 0 && yoso_value_to_tensor(value) == NULL);
    yoso_value_free(value);
    CHECK(yoso_value_number(&value, -2.5) == YOSO_OK);
    CHECK(yoso_value_to_number(value) == -2.5 && yoso_value_to_boolean(value) == 1);
    yoso_value_free(value);
    CHECK(yoso_value_string(&value, "a\0b", 3) == YOSO_OK);
    CHECK(memcmp(yoso_value_to_string(value, &length), "a\0b", 4) == 0 && length == 3);
    yoso_value_free(value);
    CHECK_FAILS(yoso_value_string(&value, NULL, 0), YOSO_MISUSE, "bytes is NULL");
    CHECK_FAILS(yoso_value_string(&value, "x", -2), YOSO_MISUSE, "-1 or more");
    CHECK_FAILS(yoso_value_tensor(&value, NULL), YOSO_MISUSE, "tensor is NULL");
    CHECK(yoso_value_kind(NULL) == YOSO_NIL && yoso_value_length(NULL) == 0);
    CHECK(yoso_value_at(NULL, 0) == NULL && yoso_value_get(NULL, "x") == NULL);
    yoso_value_free(NULL);
}

static void tables(void)
{
    yoso_value *table = NULL, *inner = NULL;
    CHECK(yoso_value_table(&table) == YOSO_OK && yoso_value_table(&inner) == YOSO_OK);
    CHECK(yoso_value_append_number(inner, 1) == YOSO_OK);
    CHECK(yoso_value_append(table, inner) == YOSO_OK);
    CHECK(yoso_value_append_number(inner, 2) == YOSO_OK);
    CHECK(yoso_value_length(yoso_value_at(table, 0)) == 1); /* a copy */
    CHECK(yoso_value_append(table, NULL) == YOSO_OK);
    CHECK(yoso_value_append_string(table, "third") == YOSO_OK);
    CHECK(yoso_value_append_boolean(table, 0) == YOSO_OK);
    CHECK(yoso_value_length(table) == 4 && yoso_value_kind(yoso_value_at(table, 1)) == YOSO_NIL);
    CHECK(yoso_value_at(table, 4) == NULL && yoso_value_at(table, -1) == NULL);

    CHECK(yoso_value_set(table, "inner", inner) == YOSO_OK);
    CHECK(yoso_value_set_number(table, "n", 1) == YOSO_OK);
    CHECK(yoso_value_set_number(table, "n", 2) == YOSO_OK);
    CHECK(yoso_value_count(table) == 2);
    CHECK(yoso_value_to_number(yoso_value_get(table, "n")) == 2);
    CHECK(yoso_value_length(yoso_value_get(table, "inner")) == 2);
    CHECK(strcmp(yoso_value_to_string(yoso_value_key(table, 1), NULL), "n") == 0);
    CHECK(yoso_value_to_number(yoso_value_entry(table, 1)) == 2);
    CHECK(yoso_value_key(table, 2) == NULL && yoso_value_entry(table, -1) == NULL);
    CHECK(yoso_value_set(table, "inner", NULL) == YOSO_OK && yoso_value_count(table) == 1);
    CHECK(yoso_value_get(table, "inner") == NULL);
    CHECK_FAILS(yoso_value_set_number(inner, NULL, 1), YOSO_MISUSE, "key is NULL");
    CHECK_FAILS(yoso_value_append_number(NULL, 1), YOSO_MISUSE, "no table");
    yoso_value_free(inner);
    CHECK(yoso_value_number(&inner, 1) == YOSO_OK);
    CHECK_FAILS(yoso_value_set_string(inner, "k", "v"), YOSO_MISUSE, "no table");
    yoso_value_free(inner);
    yoso_value_free(table);
}

static void tensors(void)
{
    int64_t before = yoso_memory_live();
    const int64_t shape[] = {2, 3};
    yoso_tensor *tensor = NULL, *turned = NULL;
    yoso_value *value = NULL;
    CHECK(yoso_tensor_zeros(&tensor, YOSO_F32, YOSO_CPU, 2, shape) == YOSO_OK);
    CHECK(yoso_transpose(&turned, tensor, 0, 1) == YOSO_OK);
    CHECK(yoso_value_tensor(&value, turned) == YOSO_OK);
    CHECK(yoso_fill(tensor, 4) == YOSO_OK);
    const yoso_tensor *inside = yoso_value_to_tensor(value);
    CHECK(yoso_tensor_same_storage(inside, tensor));
    CHECK(yoso_tensor_size(inside, 0) == 3 && yoso_tensor_stride(inside, 0) == 1);
    yoso_tensor_free(turned);
    yoso_tensor_free(tensor);
    CHECK(yoso_memory_live() > before); /* the value holds the storage */
    yoso_value_free(value);
    CHECK(yoso_memory_live() == before);
}

int main(void)
{
    scalars();
    tables();
    tensors();
    return finish();
}
