/* Products of two factors that are both packed on the way: matmul, and the gradients of linear
 * layers. */
#include "cpu/amx_product.h"

/* Below so many multiplications oneDNN, which packs nothing, is quicker. */
enum { WORTH_PACKING = 1 << 23 };

static bool lies_in_order(const yo_factor *f)
{
    return f->depth_stride == 1 || f->row_stride == 1;
}

bool YO_CPU(amx_takes)(const yo_factor *left, const yo_factor *right)
{
    return lies_in_order(left) && lies_in_order(right) &&
           left->rows * right->rows * left->depth >= WORTH_PACKING;
}

yoso_status YO_CPU(amx_matmul)(const yo_view *out, const yo_factor *left, const yo_factor *right)
{
    yo_amx_right packed;
    yo_amx_kind kind = left->dtype == YOSO_BF16 ? YO_AMX_BF16 : YO_AMX_F32;
    YO_TRY(YO_CPU(amx_pack_right)(&packed, kind, right));
    yo_amx_finish finish = {.out = out, .kind = kind};
    yoso_status status = YO_CPU(amx_product)(left, &packed, &finish);
    YO_CPU(amx_free_right)(&packed);
    return status;
}
