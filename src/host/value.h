/* What a value is made of, for the files that make, read and change values. */
#ifndef YO_HOST_VALUE_H
#define YO_HOST_VALUE_H

#include "host/state.h"

typedef struct {
    yoso_value *key;
    yoso_value *value;
} yo_value_pair;

struct yoso_value {
    int32_t kind;
    int32_t boolean;
    double number;
    char *bytes;
    int64_t length; /* of bytes, or of items */
    yoso_tensor *tensor;
    yoso_value **items; /* a table's list */
    int64_t item_capacity;
    yo_value_pair *pairs; /* a table's entries with keys */
    int64_t pair_count, pair_capacity;
};

static inline int yo_value_is_table(const yoso_value *value)
{
    return value && value->kind == YOSO_TABLE;
}

/* The index of the table's pair of that key, or -1. */
int64_t yo_value_position(const yoso_value *table, const char *key);

#endif
