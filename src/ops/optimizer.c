/* Steps of optimisers: one call updates one parameter and its state in place. */
#include <math.h>

#include "backend.h"
#include "ops/rows.h"

/* State tensors are f32, contiguous and shaped like the parameter; optional ones may be NULL. */
static yoso_status check_state(const char *where, const char *name, const yoso_tensor *state,
                               const yoso_tensor *param)
{
    if (!state)
        return YOSO_OK;
    if (state->dtype != YOSO_F32 || !yo_same_shape(state, param) ||
        !yoso_tensor_is_contiguous(state) || state->storage->device != param->storage->device)
        return yo_fail(YOSO_MISUSE, "%s: %s is %s %s, must be a contiguous f32 %s", where, name,
                       yoso_dtype_name(state->dtype), yo_text(state).text, yo_text(param).text);
    return YOSO_OK;
}

static yoso_status check_param(const char *where, const yoso_tensor *param, const yoso_tensor *grad)
{
    const yoso_tensor *both[] = {param, grad};
    YO_TRY(yo_check_floats(where, 2, both));
    YO_TRY(yo_check_like(where, "the gradient", grad, param));
    if (!yoso_tensor_is_contiguous(param))
        return yo_fail(YOSO_MISUSE, "%s: the parameter %s is not contiguous", where,
                       yo_text(param).text);
    return YOSO_OK;
}

/* The parameter, its optional master copy, up to two states and the gradient as flat views. */
typedef struct flat_step {
    yo_view param, master, first, second, grad;
    yoso_tensor *dense_grad;
} flat_step;

static yo_view flat(const yoso_tensor *tensor)
{
    yo_view view = {.data = NULL, .ndim = 1};
    if (tensor) {
        view.data = yo_tensor_data(tensor);
        view.dtype = tensor->dtype;
        view.shape[0] = yoso_tensor_numel(tensor);
        view.stride[0] = 1;
    }
    return view;
}

static yoso_status take_step(flat_step *s, const yoso_tensor *param, const yoso_tensor *master,
                             const yoso_tensor *first, const yoso_tensor *second,
                             const yoso_tensor *grad)
{
    YO_TRY(yoso_contiguous(&s->dense_grad, grad));
    s->param = flat(param);
    s->master = flat(master);
    s->first = flat(first);
    s->second = flat(second);
    s->grad = flat(s->dense_grad);
    return YOSO_OK;
}

static void touch_all(yoso_tensor *param, yoso_tensor *master, yoso_tensor *first,
                      yoso_tensor *second)
{
    yoso_tensor *changed[] = {param, master, first, second};
    for (int i = 0; i < 4; i++)
        if (changed[i])
            yoso_tensor_touch(changed[i]);
}

yoso_status yoso_adamw(yoso_tensor *param, yoso_tensor *master, yoso_tensor *mean,
                       yoso_tensor *square, const yoso_tensor *grad, int64_t step, double lr,
                       double beta1, double beta2, double eps, double weight_decay)
{
    const yo_kernels *kernels;
    flat_step s;
    YO_TRY(check_param("adamw", param, grad));
    if (!mean || !square)
        return yo_fail(YOSO_MISUSE, "adamw: the mean and the mean square are missing");
    YO_TRY(check_state("adamw", "the master copy", master, param));
    YO_TRY(check_state("adamw", "the mean", mean, param));
    YO_TRY(check_state("adamw", "the mean square", square, param));
    if (step < 1)
        return yo_fail(YOSO_MISUSE, "adamw: step is %lld, must be at least 1", (long long)step);
    YO_TRY(yo_backend_kernels(&kernels, param->storage->device));
    YO_TRY(take_step(&s, param, master, mean, square, grad));
    const yo_adamw settings = {.decay = (float)(1 - lr * weight_decay),
                               .beta1 = (float)beta1,
                               .rest1 = (float)(1 - beta1),
                               .beta2 = (float)beta2,
                               .rest2 = (float)(1 - beta2),
                               .eps = (float)eps,
                               .rate = (float)(lr / (1 - pow(beta1, (double)step))),
                               .root = (float)sqrt(1 - pow(beta2, (double)step))};
    yoso_status status =
        kernels->adamw(&s.param, master ? &s.master : NULL, &s.first, &s.second, &s.grad, &settings,
                       yo_backend_stream(param->storage->device));
    yoso_tensor_free(s.dense_grad);
    touch_all(param, master, mean, square);
    return status;
}

yoso_status yoso_sgd(yoso_tensor *param, yoso_tensor *master, yoso_tensor *velocity,
                     const yoso_tensor *grad, int64_t step, double lr, double momentum,
                     int32_t nesterov, double weight_decay)
{
    const yo_kernels *kernels;
    flat_step s;
    YO_TRY(check_param("sgd", param, grad));
    if (momentum != 0 && !velocity)
        return yo_fail(YOSO_MISUSE, "sgd: momentum is %g, but the velocity is missing", momentum);
    YO_TRY(check_state("sgd", "the master copy", master, param));
    YO_TRY(check_state("sgd", "the velocity", velocity, param));
    YO_TRY(yo_backend_kernels(&kernels, param->storage->device));
    YO_TRY(take_step(&s, param, master, velocity, NULL, grad));
    const yo_sgd settings = {.rate = (float)lr,
                             .momentum = (float)momentum,
                             .decay = (float)weight_decay,
                             .first = step <= 1,
                             .nesterov = nesterov != 0};
    yoso_status status =
        kernels->sgd(&s.param, master ? &s.master : NULL, velocity ? &s.first : NULL, &s.grad,
                     &settings, yo_backend_stream(param->storage->device));
    yoso_tensor_free(s.dense_grad);
    touch_all(param, master, velocity, NULL);
    return status;
}
