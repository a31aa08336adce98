/* Losses by row and by element, and their gradients. The formulas are those of src/cpu/loss.c. */
#include "cuda/fault.cuh"
#include "cuda/rows.cuh"
#include "cuda/walk.cuh"

using namespace yo_cuda;

/* The row's label; `ignore` for one that is no class, which is a fault. */
__device__ static int64_t checked_label(const void *labels, int32_t dtype, int64_t row,
                                        int64_t classes, int64_t ignore, Fault *fault)
{
    int64_t label = load_integer(labels, row, dtype);
    if (label == ignore || (label >= 0 && label < classes))
        return label;
    if (threadIdx.x == 0)
        report(fault, LABEL_RANGE, label, row + 1, classes - 1, ignore);
    return ignore;
}

/* Largest of a row of logits, and the sum of exponentials beside it. */
__device__ static void row_sums(const void *logits, int32_t dtype, int64_t base, int64_t classes,
                                float *largest, float *total)
{
    float most = -INFINITY, sum = 0;
    FOR_MY_COLUMNS(i, classes)
    {
        most = Largest()(most, load_float(logits, base + i, dtype));
    }
    most = block_max(most);
    FOR_MY_COLUMNS(i, classes)
    {
        sum += expf(load_float(logits, base + i, dtype) - most);
    }
    *largest = most;
    *total = block_sum(sum);
}

__global__ void cross_entropy_kernel(float *loss, unsigned long long *kept, const void *logits,
                                     int32_t dtype, const void *labels, int32_t labels_dtype,
                                     int64_t classes, int64_t ignore, Fault *fault)
{
    int64_t row = blockIdx.x, base = row * classes;
    int64_t label = checked_label(labels, labels_dtype, row, classes, ignore, fault);
    float largest, total;
    row_sums(logits, dtype, base, classes, &largest, &total);
    if (threadIdx.x != 0)
        return;
    loss[row] =
        label == ignore ? 0.0f : logf(total) + largest - load_float(logits, base + label, dtype);
    if (label != ignore && kept)
        atomicAdd(kept, 1ull);
}

/* (softmax - [class is the label]) scale grad; 0 for a row that is ignored. */
__global__ void cross_entropy_grad_kernel(void *grad_logits, const float *grad, int64_t grad_step,
                                          float scale, const void *logits, int32_t dtype,
                                          const void *labels, int32_t labels_dtype, int64_t classes,
                                          int64_t ignore, Fault *fault)
{
    int64_t row = blockIdx.x, base = row * classes;
    int64_t label = checked_label(labels, labels_dtype, row, classes, ignore, fault);
    float largest, total, factor = scale * grad[row * grad_step];
    row_sums(logits, dtype, base, classes, &largest, &total);
    FOR_MY_COLUMNS(i, classes)
    {
        float value = expf(load_float(logits, base + i, dtype) - largest) / total * factor;
        value = i == label ? value - factor : value;
        store_float(grad_logits, base + i, dtype, label == ignore ? 0.0f : value);
    }
}

yoso_status yo_cuda_cross_entropy(const yo_view *loss, int64_t *kept, const yo_view *logits,
                                  const yo_view *labels, int64_t ignore, yo_stream *stream)
{
    Scratch count;
    if (kept) {
        YO_TRY(count.take(sizeof(int64_t)));
        YO_TRY(count.zero(stream));
    }
    YO_TRY(launch("cross_entropy", cross_entropy_kernel, (unsigned)logits->shape[0], ROW_THREADS, 0,
                  stream, (float *)loss->data, count.as<unsigned long long>(), logits->data,
                  logits->dtype, labels->data, labels->dtype, logits->shape[1], ignore,
                  fault_record()));
    return kept ? count.download(kept) : YOSO_OK;
}

yoso_status yo_cuda_cross_entropy_grad(const yo_view *grad_logits, const yo_view *grad,
                                       double scale, const yo_view *logits, const yo_view *labels,
                                       int64_t ignore, yo_stream *stream)
{
    return launch("cross_entropy_grad", cross_entropy_grad_kernel, (unsigned)logits->shape[0],
                  ROW_THREADS, 0, stream, grad_logits->data, (const float *)grad->data,
                  grad->stride[0], (float)scale, logits->data, logits->dtype, labels->data,
                  labels->dtype, logits->shape[1], ignore, fault_record());
}

/* Squared: (x - t)^2. Binary, x a logit: max(x, 0) - x t + log(1 + exp(-|x|)). */
__global__ void pointwise_loss_kernel(float *loss, int32_t kind, const void *x, int32_t x_dtype,
                                      const void *target, int32_t target_dtype, int64_t count)
{
    FOR_MY_ELEMENTS(i, count)
    {
        float value = load_float(x, i, x_dtype), wanted = load_float(target, i, target_dtype);
        loss[i] = kind == YOSO_LOSS_SQUARED
                      ? (value - wanted) * (value - wanted)
                      : fmaxf(value, 0.0f) - value * wanted + log1pf(expf(-fabsf(value)));
    }
}

__global__ void pointwise_loss_grad_kernel(void *grad_x, int32_t kind, const float *grad,
                                           int64_t grad_step, float scale, const void *x,
                                           int32_t x_dtype, const void *target,
                                           int32_t target_dtype, int64_t count)
{
    FOR_MY_ELEMENTS(i, count)
    {
        float value = load_float(x, i, x_dtype), wanted = load_float(target, i, target_dtype);
        float slope =
            kind == YOSO_LOSS_SQUARED ? 2 * (value - wanted) : 1 / (1 + expf(-value)) - wanted;
        store_float(grad_x, i, x_dtype, slope * scale * grad[i * grad_step]);
    }
}

yoso_status yo_cuda_pointwise_loss(const yo_view *loss, int32_t kind, const yo_view *x,
                                   const yo_view *target, yo_stream *stream)
{
    return launch("pointwise_loss", pointwise_loss_kernel, blocks_for(x->shape[0], THREADS),
                  THREADS, 0, stream, (float *)loss->data, kind, x->data, x->dtype, target->data,
                  target->dtype, x->shape[0]);
}

yoso_status yo_cuda_pointwise_loss_grad(const yo_view *grad_x, int32_t kind, const yo_view *grad,
                                        double scale, const yo_view *x, const yo_view *target,
                                        yo_stream *stream)
{
    return launch("pointwise_loss_grad", pointwise_loss_grad_kernel,
                  blocks_for(x->shape[0], THREADS), THREADS, 0, stream, grad_x->data, kind,
                  (const float *)grad->data, grad->stride[0], (float)scale, x->data, x->dtype,
                  target->data, target->dtype, x->shape[0]);
}
