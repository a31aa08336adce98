/* Depth-wise convolution along packed sequences, as the encoder layers have it beside attention. */
#include "backend.h"
#include "ops/rows.h"

static yoso_status check_conv(const char *where, const yoso_tensor *value,
                              const yoso_tensor *weight, int64_t heads, const yoso_tensor *offset,
                              const yoso_tensor *keep)
{
    const yoso_tensor *floats[] = {value, weight};
    YO_TRY(yo_check_floats(where, 2, floats));
    if (value->ndim != 2 || heads < 1 || value->shape[1] % heads != 0)
        return yo_fail(YOSO_MISUSE, "%s: value is %s, must be [tokens, %lld heads * size]", where,
                       yo_text(value).text, (long long)heads);
    if (weight->ndim != 4 || weight->shape[0] != heads || weight->shape[1] != 1 ||
        weight->shape[3] != 1)
        return yo_fail(YOSO_MISUSE, "%s: weight is %s, must be [%lld, 1, window, 1]", where,
                       yo_text(weight).text, (long long)heads);
    if (weight->shape[2] % 2 != 1)
        return yo_fail(YOSO_MISUSE, "%s: the window is %lld, must be odd", where,
                       (long long)weight->shape[2]);
    if (offset->dtype != YOSO_I64 || offset->ndim != 1 || offset->shape[0] < 1 ||
        offset->storage->device != YOSO_CPU || !yoso_tensor_is_contiguous(offset))
        return yo_fail(YOSO_MISUSE,
                       "%s: offset is %s %s, must be a contiguous i64 [sequences + 1] on the CPU",
                       where, yoso_dtype_name(offset->dtype), yo_text(offset).text);
    const int64_t *place = yo_tensor_data(offset);
    int64_t last = offset->shape[0] - 1;
    bool rising = place[0] == 0 && place[last] == value->shape[0];
    for (int64_t i = 0; i < last; i++)
        rising &= place[i] <= place[i + 1];
    if (!rising)
        return yo_fail(YOSO_MISUSE, "%s: offset must rise from 0 to the %lld tokens", where,
                       (long long)value->shape[0]);
    if (keep &&
        (yoso_dtype_size(keep->dtype) != 1 || keep->ndim != 1 ||
         keep->shape[0] != value->shape[0] || keep->storage->device != value->storage->device))
        return yo_fail(YOSO_MISUSE, "%s: keep is %s %s, must be u8 or bool [%lld]", where,
                       yoso_dtype_name(keep->dtype), yo_text(keep).text,
                       (long long)value->shape[0]);
    return YOSO_OK;
}

/* Dense forms of value (or grad and value), weight and keep. */
typedef struct conv_inputs {
    yo_operands o; /* value, weight, grad */
    yoso_tensor *keep;
    yo_view weight, keep_view;
    yo_packing packing;
} conv_inputs;

static void free_inputs(conv_inputs *inputs)
{
    yo_free_operands(&inputs->o);
    yoso_tensor_free(inputs->keep);
}

static yoso_status take_inputs(conv_inputs *inputs, const yoso_tensor *value,
                               const yoso_tensor *weight, int64_t heads, const yoso_tensor *offset,
                               const yoso_tensor *keep, const yoso_tensor *grad)
{
    const yoso_tensor *floats[] = {value, weight, grad};
    *inputs = (conv_inputs){.keep = NULL};
    YO_TRY(yo_take_operands(&inputs->o, 3, floats));
    if (keep) {
        yoso_status status = yoso_contiguous(&inputs->keep, keep);
        if (status != YOSO_OK) {
            free_inputs(inputs);
            return status;
        }
    }
    inputs->weight = (yo_view){.data = yo_tensor_data(inputs->o.dense[1]),
                               .dtype = weight->dtype,
                               .ndim = 2,
                               .shape = {heads, weight->shape[2]},
                               .stride = {weight->shape[2], 1}};
    inputs->packing = (yo_packing){.heads = heads,
                                   .sequences = offset->shape[0] - 1,
                                   .offset = yo_tensor_data(offset),
                                   .keep = inputs->keep ? yo_tensor_data(inputs->keep) : NULL};
    return YOSO_OK;
}

yoso_status yoso_depthwise_conv(yoso_tensor **out, const yoso_tensor *value,
                                const yoso_tensor *weight, int64_t heads, const yoso_tensor *offset,
                                const yoso_tensor *keep)
{
    const yo_kernels *kernels;
    conv_inputs inputs;
    yoso_tensor *result;
    YO_TRY(check_conv("depthwise_conv", value, weight, heads, offset, keep));
    YO_TRY(yo_backend_kernels(&kernels, value->storage->device));
    YO_TRY(take_inputs(&inputs, value, weight, heads, offset, keep, NULL));
    yoso_status status = yo_tensor_like(&result, value, value->dtype, 2, value->shape);
    if (status == YOSO_OK) {
        yo_view target = yo_as_rows(result);
        status =
            kernels->depthwise_conv(&target, inputs.o.given[0], &inputs.weight, &inputs.packing,
                                    yo_backend_stream(value->storage->device));
        if (status == YOSO_OK)
            *out = result;
        else
            yoso_tensor_free(result);
    }
    free_inputs(&inputs);
    return status;
}

yoso_status yoso_depthwise_conv_grad(yoso_tensor **grad_value, yoso_tensor **grad_weight,
                                     const yoso_tensor *grad, const yoso_tensor *value,
                                     const yoso_tensor *weight, int64_t heads,
                                     const yoso_tensor *offset, const yoso_tensor *keep)
{
    const yo_kernels *kernels;
    conv_inputs inputs;
    yoso_tensor *of_value = NULL, *of_weight = NULL;
    const yoso_tensor *floats[] = {grad, value};
    YO_TRY(check_conv("depthwise_conv_grad", value, weight, heads, offset, keep));
    YO_TRY(yo_check_like("depthwise_conv_grad", "grad", grad, value));
    YO_TRY(yo_check_floats("depthwise_conv_grad", 2, floats));
    YO_TRY(yo_backend_kernels(&kernels, value->storage->device));
    YO_TRY(take_inputs(&inputs, value, weight, heads, offset, keep, grad));
    yoso_status status = yo_tensor_like(&of_value, value, value->dtype, 2, value->shape);
    if (status == YOSO_OK)
        status = yo_tensor_like(&of_weight, weight, weight->dtype, 4, weight->shape);
    if (status == YOSO_OK) {
        yo_view v = yo_as_rows(of_value), w = inputs.weight;
        w.data = yo_tensor_data(of_weight);
        status = kernels->depthwise_conv_grad(&v, &w, inputs.o.given[2], inputs.o.given[0],
                                              &inputs.weight, &inputs.packing,
                                              yo_backend_stream(value->storage->device));
    }
    free_inputs(&inputs);
    if (status != YOSO_OK) {
        yoso_tensor_free(of_value);
        yoso_tensor_free(of_weight);
        return status;
    }
    *grad_value = of_value;
    *grad_weight = of_weight;
    return YOSO_OK;
}
