/* Products by cuBLASLt, loaded when first needed: the module runs without it, only slower.
 *
 * cuBLASLt counts by columns: our row-major out = a b is its out^T = b^T a^T, so b comes first.
 * Bias and ReLU go into its epilogue; its GELU is the tangent form, ours the error function's,
 * so GELU is left to a kernel of our own. */
#include "cuda/product.cuh"

#if defined(__CUDACC__) && __has_include(<cublasLt.h>)

#include <cublasLt.h>
#include <dlfcn.h>
#include <stdio.h>

#include <mutex>

namespace yo_cuda
{

namespace
{

const size_t WORKSPACE = (size_t)32 << 20;

struct Library {
    bool tried, usable;
    cublasLtHandle_t handle;
    void *workspace;
    decltype(&cublasLtCreate) create;
    decltype(&cublasLtMatmul) matmul;
    decltype(&cublasLtMatmulDescCreate) describe;
    decltype(&cublasLtMatmulDescDestroy) forget;
    decltype(&cublasLtMatmulDescSetAttribute) set;
    decltype(&cublasLtMatrixLayoutCreate) lay_out;
    decltype(&cublasLtMatrixLayoutDestroy) forget_layout;
    decltype(&cublasLtMatrixLayoutSetAttribute) set_layout;
    decltype(&cublasLtMatmulPreferenceCreate) prefer;
    decltype(&cublasLtMatmulPreferenceDestroy) forget_preference;
    decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference;
    decltype(&cublasLtMatmulAlgoGetHeuristic) choose;
};

std::mutex lock;
Library library;

void *open_library()
{
    char name[40];
    snprintf(name, sizeof name, "libcublasLt.so.%d", CUDART_VERSION / 1000);
    void *file = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    return file ? file : dlopen("libcublasLt.so", RTLD_NOW | RTLD_LOCAL);
}

template <class F> bool find(void *file, F *function, const char *name)
{
    *function = reinterpret_cast<F>(dlsym(file, name));
    return *function != nullptr;
}

bool load()
{
    std::lock_guard<std::mutex> guard(lock);
    Library &l = library;
    if (l.tried)
        return l.usable;
    l.tried = true;
    void *file = open_library();
    l.usable = file && find(file, &l.create, "cublasLtCreate") &&
               find(file, &l.matmul, "cublasLtMatmul") &&
               find(file, &l.describe, "cublasLtMatmulDescCreate") &&
               find(file, &l.forget, "cublasLtMatmulDescDestroy") &&
               find(file, &l.set, "cublasLtMatmulDescSetAttribute") &&
               find(file, &l.lay_out, "cublasLtMatrixLayoutCreate") &&
               find(file, &l.forget_layout, "cublasLtMatrixLayoutDestroy") &&
               find(file, &l.set_layout, "cublasLtMatrixLayoutSetAttribute") &&
               find(file, &l.prefer, "cublasLtMatmulPreferenceCreate") &&
               find(file, &l.forget_preference, "cublasLtMatmulPreferenceDestroy") &&
               find(file, &l.set_preference, "cublasLtMatmulPreferenceSetAttribute") &&
               find(file, &l.choose, "cublasLtMatmulAlgoGetHeuristic") &&
               l.create(&l.handle) == CUBLAS_STATUS_SUCCESS &&
               cudaMalloc(&l.workspace, WORKSPACE) == cudaSuccess;
    cudaGetLastError();
    return l.usable;
}

cudaDataType_t type_of(int32_t dtype)
{
    return dtype == YOSO_F32 ? CUDA_R_32F : dtype == YOSO_F16 ? CUDA_R_16F : CUDA_R_16BF;
}

/* One operand by columns: whether it is transposed, its sizes and leading dimension. */
struct Operand {
    bool usable;
    cublasOperation_t turn;
    int64_t rows, columns, leading, batch_step;
};

/* The transpose of a row-major matrix [r, c], which by columns is the same memory. */
Operand operand_of(const yo_view *view)
{
    int32_t lead = view->ndim - 2;
    int64_t r = view->shape[lead], c = view->shape[lead + 1];
    int64_t row = view->stride[lead], column = view->stride[lead + 1];
    int64_t step = lead == 1 ? view->stride[0] : 0;
    if (column == 1 && row >= c)
        return Operand{lead <= 1, CUBLAS_OP_N, c, r, row, step};
    if (row == 1 && column >= r)
        return Operand{lead <= 1, CUBLAS_OP_T, r, c, column, step};
    return Operand{false, CUBLAS_OP_N, 0, 0, 0, 0};
}

/* The descriptions of one call, given back together. */
struct Call {
    cublasLtMatmulDesc_t product = nullptr;
    cublasLtMatrixLayout_t layout[3] = {};
    cublasLtMatmulPreference_t preference = nullptr;

    ~Call()
    {
        for (cublasLtMatrixLayout_t one : layout)
            if (one)
                library.forget_layout(one);
        if (preference)
            library.forget_preference(preference);
        if (product)
            library.forget(product);
    }

    bool add_layout(int which, int32_t dtype, const Operand &o, int32_t batch)
    {
        return library.lay_out(&layout[which], type_of(dtype), (uint64_t)o.rows,
                               (uint64_t)o.columns, o.leading) == CUBLAS_STATUS_SUCCESS &&
               library.set_layout(layout[which], CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch,
                                  sizeof batch) == CUBLAS_STATUS_SUCCESS &&
               library.set_layout(layout[which], CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET,
                                  &o.batch_step, sizeof o.batch_step) == CUBLAS_STATUS_SUCCESS;
    }

    bool describe(const Product &p, const Operand &a, const Operand &b, int32_t batch)
    {
        cublasLtEpilogue_t epilogue =
            p.activation == YOSO_ACT_RELU
                ? (p.bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU)
                : (p.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT);
        Operand out = operand_of(p.out);
        return library.describe(&product, CUBLAS_COMPUTE_32F, CUDA_R_32F) ==
                   CUBLAS_STATUS_SUCCESS &&
               library.set(product, CUBLASLT_MATMUL_DESC_TRANSA, &b.turn, sizeof b.turn) ==
                   CUBLAS_STATUS_SUCCESS &&
               library.set(product, CUBLASLT_MATMUL_DESC_TRANSB, &a.turn, sizeof a.turn) ==
                   CUBLAS_STATUS_SUCCESS &&
               library.set(product, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue) ==
                   CUBLAS_STATUS_SUCCESS &&
               (!p.bias || library.set(product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &p.bias,
                                       sizeof p.bias) == CUBLAS_STATUS_SUCCESS) &&
               add_layout(0, p.b->dtype, b, batch) && add_layout(1, p.a->dtype, a, batch) &&
               add_layout(2, p.out->dtype, out, batch) &&
               library.prefer(&preference) == CUBLAS_STATUS_SUCCESS &&
               library.set_preference(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                                      &WORKSPACE, sizeof WORKSPACE) == CUBLAS_STATUS_SUCCESS;
    }
};

} // namespace

yoso_status cublas_product(bool *done, int32_t *activation, const Product &p, yo_stream *stream)
{
    *done = false;
    Operand a = operand_of(p.a), b = operand_of(p.b);
    if (!a.usable || !b.usable || p.out->ndim > 3 || !load())
        return YOSO_OK;
    Call call;
    cublasLtMatmulHeuristicResult_t choice;
    int found = 0;
    int32_t batch = p.out->ndim == 3 ? (int32_t)p.out->shape[0] : 1;
    if (!call.describe(p, a, b, batch) ||
        library.choose(library.handle, call.product, call.layout[0], call.layout[1], call.layout[2],
                       call.layout[2], call.preference, 1, &choice,
                       &found) != CUBLAS_STATUS_SUCCESS ||
        found == 0)
        return YOSO_OK;
    float one = 1, zero = 0;
    cublasStatus_t status = library.matmul(
        library.handle, call.product, &one, p.b->data, call.layout[0], p.a->data, call.layout[1],
        &zero, p.out->data, call.layout[2], p.out->data, call.layout[2], &choice.algo,
        library.workspace, WORKSPACE, (cudaStream_t)stream);
    if (status != CUBLAS_STATUS_SUCCESS)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "matmul: device cuda: cuBLASLt says %d", (int)status);
    *done = true;
    bool fused = p.activation == YOSO_ACT_NONE || p.activation == YOSO_ACT_RELU;
    *activation = fused ? YOSO_ACT_NONE : p.activation;
    return YOSO_OK;
}

} // namespace yo_cuda

#else

yoso_status yo_cuda::cublas_product(bool *done, int32_t *activation, const Product &product,
                                    yo_stream *)
{
    *done = false;
    *activation = product.activation;
    return YOSO_OK;
}

#endif
