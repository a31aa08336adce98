/* The table of element formats, and the conversions of those that no dtype here holds. */
#include "io/formats.h"

#include <string.h>

static void from_f64(void *out, const uint8_t *in, int64_t count)
{
    float *to = out;
    for (int64_t i = 0; i < count; i++) {
        double value;
        memcpy(&value, in + i * (int64_t)sizeof value, sizeof value);
        to[i] = (float)value;
    }
}

static void from_i16(void *out, const uint8_t *in, int64_t count)
{
    int32_t *to = out;
    for (int64_t i = 0; i < count; i++) {
        int16_t value;
        memcpy(&value, in + i * (int64_t)sizeof value, sizeof value);
        to[i] = value;
    }
}

static void from_i8(void *out, const uint8_t *in, int64_t count)
{
    int32_t *to = out;
    for (int64_t i = 0; i < count; i++)
        to[i] = (int8_t)in[i];
}

/* A file may hold any byte where a bool belongs; here a bool is 0 or 1. */
static void from_bool(void *out, const uint8_t *in, int64_t count)
{
    uint8_t *to = out;
    for (int64_t i = 0; i < count; i++)
        to[i] = in[i] != 0;
}

static const yo_format formats[] = {
    {"F32", YOSO_F32, 4, NULL},        {"F16", YOSO_F16, 2, NULL},   {"BF16", YOSO_BF16, 2, NULL},
    {"F64", YOSO_F32, 8, from_f64},    {"I64", YOSO_I64, 8, NULL},   {"I32", YOSO_I32, 4, NULL},
    {"I16", YOSO_I32, 2, from_i16},    {"I8", YOSO_I32, 1, from_i8}, {"U8", YOSO_U8, 1, NULL},
    {"BOOL", YOSO_BOOL, 1, from_bool},
};

const yo_format *yo_format_find(const char *name)
{
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++)
        if (strcmp(formats[i].name, name) == 0)
            return &formats[i];
    return NULL;
}
