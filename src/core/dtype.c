/* Sizes and names of the element types. */
#include "core/dtype.h"

static const struct {
    const char *name;
    int32_t size;
} dtypes[] = {
    [YOSO_F32] = {"f32", 4},   [YOSO_F16] = {"f16", 2}, [YOSO_BF16] = {"bf16", 2},
    [YOSO_I32] = {"i32", 4},   [YOSO_I64] = {"i64", 8}, [YOSO_U8] = {"u8", 1},
    [YOSO_BOOL] = {"bool", 1},
};

static bool is_known(int32_t dtype)
{
    return dtype >= 0 && dtype < (int32_t)(sizeof dtypes / sizeof dtypes[0]);
}

int32_t yoso_dtype_size(int32_t dtype)
{
    return is_known(dtype) ? dtypes[dtype].size : 0;
}

const char *yoso_dtype_name(int32_t dtype)
{
    return is_known(dtype) ? dtypes[dtype].name : NULL;
}
