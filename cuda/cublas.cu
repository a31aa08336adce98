/* Products by cuBLASLt, loaded when first needed: the module runs without it, only slower.
 *
 * cuBLASLt counts by columns: our row-major out = a b is its out^T = b^T a^T, so b comes first.
 * Bias and ReLU go into its epilogue. Its GELU is the tangent form, at most 5e-4 from ours, the
 * error function's: less than bf16 rounds off values near 1, so bf16 takes it; for f16 and f32 GELU
 * is left to a kernel of our own. What is asked for a second time is described once. */
#include "cuda/product.cuh"

#if defined(__CUDACC__) && __has_include(<cublasLt.h>)

#include <cublasLt.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mutex>
#include <unordered_map>

namespace yo_cuda
{

namespace
{

const size_t WORKSPACE = (size_t)32 << 20, MOST_PLANS = 1024;

struct Library {
    bool tried, usable, tf32;
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

std::mutex lock; /* over all of this file's state */
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
    Library &l = library;
    if (l.tried)
        return l.usable;
    l.tried = true;
    const char *wish = getenv("YOSO_CUDA_TF32"); /* f32 on tensor cores, 10 bits of the factors */
    l.tf32 = wish && *wish && *wish != '0';
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
    switch (dtype) {
    case BYTES:
        return CUDA_R_8I;
    case YOSO_I32:
        return CUDA_R_32I;
    case YOSO_F16:
        return CUDA_R_16F;
    case YOSO_BF16:
        return CUDA_R_16BF;
    default:
        return CUDA_R_32F;
    }
}

/* One operand by columns: whether it is transposed, its sizes and leading dimension. */
struct Operand {
    int64_t rows, columns, leading, batch_step;
    int32_t turn, dtype;
};

/* The transpose of a row-major matrix [r, c], which by columns is the same memory; false when
 * neither stride is 1 or several leading dimensions are left. */
bool operand_of(Operand *o, const yo_view *view)
{
    int32_t lead = view->ndim - 2;
    int64_t r = view->shape[lead], c = view->shape[lead + 1];
    int64_t row = view->stride[lead], column = view->stride[lead + 1];
    int64_t step = lead == 1 ? view->stride[0] : 0;
    if (lead > 1)
        return false;
    if (column == 1 && row >= c)
        *o = Operand{c, r, row, step, CUBLAS_OP_N, view->dtype};
    else if (row == 1 && column >= r)
        *o = Operand{r, c, column, step, CUBLAS_OP_T, view->dtype};
    else
        return false;
    return true;
}

int32_t alignment_of(const void *data)
{
    int32_t bytes = 16;
    while ((uintptr_t)data % (uintptr_t)bytes)
        bytes /= 2;
    return bytes;
}

/* All that a plan depends on; compared as bytes, so it has no holes. */
struct Question {
    Operand a, b, out;
    int32_t batch, epilogue, has_bias, alignment; /* the least of all operands */
};

int32_t epilogue_of(const Product &p, int32_t *left)
{
    bool gelu = p.activation == YOSO_ACT_GELU && p.out->dtype == YOSO_BF16;
    *left = p.activation == YOSO_ACT_RELU || gelu ? YOSO_ACT_NONE : p.activation;
    if (p.activation == YOSO_ACT_RELU)
        return p.bias ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_RELU;
    if (gelu)
        return p.bias ? CUBLASLT_EPILOGUE_GELU_BIAS : CUBLASLT_EPILOGUE_GELU;
    return p.bias ? CUBLASLT_EPILOGUE_BIAS : CUBLASLT_EPILOGUE_DEFAULT;
}

bool question_of(Question *q, int32_t *left, const Product &p)
{
    memset(q, 0, sizeof *q);
    if (p.out->ndim > 3 || !operand_of(&q->a, p.a) || !operand_of(&q->b, p.b) ||
        !operand_of(&q->out, p.out))
        return false;
    q->batch = p.out->ndim == 3 ? (int32_t)p.out->shape[0] : 1;
    q->epilogue = epilogue_of(p, left);
    q->has_bias = p.bias != nullptr;
    q->alignment = 16;
    const void *all[] = {p.a->data, p.b->data, p.out->data, p.bias};
    for (const void *data : all)
        if (alignment_of(data) < q->alignment)
            q->alignment = alignment_of(data);
    return true;
}

/* How one question is answered: descriptions and the algorithm. They are kept. */
struct Plan {
    bool usable;
    cublasLtMatmulDesc_t product;
    cublasLtMatrixLayout_t layout[3]; /* b, a, out */
    cublasLtMatmulAlgo_t algorithm;
};

bool add_layout(cublasLtMatrixLayout_t *layout, const Operand &o, int32_t batch)
{
    return library.lay_out(layout, type_of(o.dtype), (uint64_t)o.rows, (uint64_t)o.columns,
                           o.leading) == CUBLAS_STATUS_SUCCESS &&
           library.set_layout(*layout, CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, &batch, sizeof batch) ==
               CUBLAS_STATUS_SUCCESS &&
           library.set_layout(*layout, CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, &o.batch_step,
                              sizeof o.batch_step) == CUBLAS_STATUS_SUCCESS;
}

template <class V> bool set(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t what, V value)
{
    return library.set(product, what, &value, sizeof value) == CUBLAS_STATUS_SUCCESS;
}

template <class V>
bool prefer(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t what, V value)
{
    return library.set_preference(preference, what, &value, sizeof value) == CUBLAS_STATUS_SUCCESS;
}

bool choose(Plan *plan, const Question &q)
{
    cublasLtMatmulPreference_t preference;
    if (library.prefer(&preference) != CUBLAS_STATUS_SUCCESS)
        return false;
    uint32_t aligned = (uint32_t)q.alignment;
    cublasLtMatmulHeuristicResult_t choice;
    int found = 0;
    bool good =
        prefer(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, WORKSPACE) &&
        prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, aligned) &&
        prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, aligned) &&
        prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, aligned) &&
        prefer(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, aligned) &&
        library.choose(library.handle, plan->product, plan->layout[0], plan->layout[1],
                       plan->layout[2], plan->layout[2], preference, 1, &choice,
                       &found) == CUBLAS_STATUS_SUCCESS &&
        found > 0;
    library.forget_preference(preference);
    if (good)
        plan->algorithm = choice.algo;
    return good;
}

void make_plan(Plan *plan, const Question &q)
{
    bool bytes = q.a.dtype == BYTES;
    bool tf32 = library.tf32 && q.a.dtype == YOSO_F32;
    *plan = Plan();
    plan->usable =
        library.describe(&plan->product,
                         bytes  ? CUBLAS_COMPUTE_32I
                         : tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32
                                : CUBLAS_COMPUTE_32F,
                         bytes ? CUDA_R_32I : CUDA_R_32F) == CUBLAS_STATUS_SUCCESS &&
        set(plan->product, CUBLASLT_MATMUL_DESC_TRANSA, (cublasOperation_t)q.b.turn) &&
        set(plan->product, CUBLASLT_MATMUL_DESC_TRANSB, (cublasOperation_t)q.a.turn) &&
        set(plan->product, CUBLASLT_MATMUL_DESC_EPILOGUE, (cublasLtEpilogue_t)q.epilogue) &&
        /* Any bias will do for the choice; each call brings its own. */
        (!q.has_bias ||
         set(plan->product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, (const void *)library.workspace)) &&
        add_layout(&plan->layout[0], q.b, q.batch) && add_layout(&plan->layout[1], q.a, q.batch) &&
        add_layout(&plan->layout[2], q.out, q.batch) && choose(plan, q);
}

void forget(Plan *plan)
{
    for (cublasLtMatrixLayout_t one : plan->layout)
        if (one)
            library.forget_layout(one);
    if (plan->product)
        library.forget(plan->product);
}

struct Hash {
    size_t operator()(const Question &q) const
    {
        uint64_t hash = 0xcbf29ce484222325u;
        const unsigned char *bytes = reinterpret_cast<const unsigned char *>(&q);
        for (size_t i = 0; i < sizeof q; i++)
            hash = (hash ^ bytes[i]) * 0x100000001b3u;
        return (size_t)hash;
    }
};
struct Same {
    bool operator()(const Question &a, const Question &b) const
    {
        return memcmp(&a, &b, sizeof a) == 0;
    }
};
std::unordered_map<Question, Plan, Hash, Same> plans;

Plan &plan_for(const Question &q)
{
    auto known = plans.find(q);
    if (known != plans.end())
        return known->second;
    if (plans.size() >= MOST_PLANS) {
        for (auto &one : plans)
            forget(&one.second);
        plans.clear();
    }
    Plan &plan = plans[q];
    make_plan(&plan, q);
    return plan;
}

} // namespace

yoso_status cublas_product(bool *done, int32_t *activation, const Product &p, yo_stream *stream)
{
    Question q;
    *done = false;
    if (!question_of(&q, activation, p))
        return YOSO_OK;
    std::lock_guard<std::mutex> guard(lock);
    if (!load())
        return YOSO_OK;
    Plan &plan = plan_for(q);
    if (!plan.usable ||
        (p.bias && !set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias)))
        return YOSO_OK;
    float one = 1, before = p.add ? 1.0f : 0.0f;
    int32_t one_byte = 1, zero_byte = 0;
    bool bytes = q.a.dtype == BYTES;
    cublasStatus_t status = library.matmul(
        library.handle, plan.product, bytes ? (const void *)&one_byte : &one, p.b->data,
        plan.layout[0], p.a->data, plan.layout[1], bytes ? (const void *)&zero_byte : &before,
        p.out->data, plan.layout[2], p.out->data, plan.layout[2], &plan.algorithm,
        library.workspace, WORKSPACE, (cudaStream_t)stream);
    if (status != CUBLAS_STATUS_SUCCESS)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "matmul: device cuda: cuBLASLt says %d", (int)status);
    *done = true;
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
