/* yoso.h: the whole C interface of libyoso; its comments are the manual.
 *
 * Every function that can fail returns a yoso_status; results come back through pointers,
 * which are written only on success. After a failure yoso_error_message() says, in one line,
 * which function failed, what it got and what it wanted.
 *
 * Ownership: what a function hands out through a pointer to a pointer belongs to the caller,
 * who gives it back with the matching _free; everything passed in is only borrowed.
 *
 * Lua reads this very file through its FFI (the build strips the preprocessor lines), so it
 * keeps to fixed-width integers, opaque structs, pointers and plain functions. */
#ifndef YOSO_H
#define YOSO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* ---- Status ---------------------------------------------------------------------------- */

enum {
    YOSO_OK = 0,
    YOSO_MISUSE = 1,      /* the caller's mistake: shapes, ranges, types */
    YOSO_NO_MEMORY = 2,   /* the system refused an allocation */
    YOSO_IO = 3,          /* a file could not be opened, read or written */
    YOSO_FORMAT = 4,      /* a file or a text is not what it should be */
    YOSO_UNSUPPORTED = 5, /* this build or machine cannot do it */
    YOSO_SCRIPT = 6,      /* a Lua error reached the host */
    YOSO_INTERRUPTED = 7  /* stopped on request */
};
typedef int32_t yoso_status;

/* The text of this thread's latest failure: one line, valid until the thread's next one. */
const char *yoso_error_message(void);

/* A short English name of a status; never NULL. */
const char *yoso_status_name(yoso_status status);

/* Changes whenever a declaration in this file changes its meaning. */
enum { YOSO_ABI = 1 };
int32_t yoso_abi(void);
/* "0.1.0" */
const char *yoso_version(void);

/* ---- Threads, instruction sets, memory ----------------------------------------------------- */

/* The number of threads that this thread's calls use. 0 (the start) means: what YOSO_THREADS
 * says, else as many as the process may run on (its CPU affinity). */
yoso_status yoso_set_threads(int32_t count);
int32_t yoso_threads(void);

/* The instruction set of the CPU kernels: "plain", "avx2", "avx512", "avx512fp16", which multiplies
 * bf16 by way of f16, or "amx", which is AVX-512 with the matrix unit. The best that this machine
 * has is taken unless yoso_set_isa or the environment variable YOSO_ISA names another; to yoso_set_isa
 * one that the machine or the build lacks is YOSO_UNSUPPORTED, in the variable it counts for nothing
 * (the program yoso refuses it). Applies to the whole process. */
yoso_status yoso_set_isa(const char *name);
const char *yoso_isa(void);
/* Nonzero when layers of bf16 are multiplied no slower than those of f32: by the processor's own
 * instructions, or by way of f16. Elsewhere such products go through f32. */
int32_t yoso_has_bf16(void);

/* Bytes of tensors alive, bytes kept for reuse, and the most that was ever alive. */
int64_t yoso_memory_live(void);
int64_t yoso_memory_cached(void);
int64_t yoso_memory_peak(void);
void yoso_memory_reset_peak(void);
/* Gives all blocks kept for reuse back to the system. */
void yoso_memory_trim(void);

/* The device cuda. Its module is loaded when the device is first asked for; where that cannot be,
 * every call for the device is YOSO_UNSUPPORTED with the reason: no module, no driver, no device,
 * or a version that does not fit. Work is queued, so a fault in the data (an id outside its
 * table, say) may be told by a later call; yoso_cuda_synchronize waits for all of it. */
yoso_status yoso_cuda_devices(int32_t *count);
/* One line about device 0 <= device < count: name, compute capability, memory. */
yoso_status yoso_cuda_describe(char *text, int64_t size, int32_t device);
yoso_status yoso_cuda_synchronize(void);

/* Captured graphs: between begin and end, calls on the device cuda are not run but kept, and each
 * replay queues them all at once, on the same memory: what the captured calls read is to be
 * written anew before a replay (yoso_copy_into), and their results are where they were. All memory
 * that they take comes from `bytes` of the graph's own; yoso_cuda_peak tells what they need, the
 * most device bytes that calls had at once, beyond what was alive, since it was last reset. What
 * needs the host, such as reading a value, fails between begin and end, and makes the end fail.
 * The seeds of hashes and dropout are a list that each replay may replace, in the order in which
 * the captured calls first named them. yoso_graph_end(NULL) gives the capture up. */
typedef struct yoso_graph yoso_graph;
int64_t yoso_cuda_peak(int32_t reset);
yoso_status yoso_graph_begin(int64_t bytes);
yoso_status yoso_graph_end(yoso_graph **graph);
/* Takes the first `count` seeds from the list given, the others stay as they were. */
yoso_status yoso_graph_replay(yoso_graph *graph, const uint64_t *seeds, int32_t count);
/* Writes at most `room` seeds; returns how many there are. */
int32_t yoso_graph_seeds(const yoso_graph *graph, uint64_t *seeds, int32_t room);
void yoso_graph_free(yoso_graph *graph);

/* Seconds of a clock that never goes back. */
double yoso_time(void);

/* While watching (on nonzero), the first Ctrl-C is only noted, for long work to see between its
 * steps with yoso_sigint_came; a second one acts as before. Applies to the whole process. */
yoso_status yoso_watch_sigint(int32_t on);
int32_t yoso_sigint_came(void);

/* ---- Tensors -------------------------------------------------------------------------------- */

/* A tensor is a view of a storage: element type, shape, strides (in elements) and an offset.
 * Several tensors may share one storage, which lives until the last of them is freed.
 * Dimensions are counted from 0 here. At most 8 dimensions; a size of 0 is allowed. */
typedef struct yoso_tensor yoso_tensor;

enum { YOSO_MAX_DIMS = 8 };

enum {
    YOSO_F32 = 0,
    YOSO_F16 = 1,
    YOSO_BF16 = 2,
    YOSO_I32 = 3,
    YOSO_I64 = 4,
    YOSO_U8 = 5,
    YOSO_BOOL = 6
};
enum { YOSO_CPU = 0, YOSO_CUDA = 1 };

/* Bytes of one element; 0 for an unknown dtype. */
int32_t yoso_dtype_size(int32_t dtype);
/* "f32", "f16", ...; NULL for an unknown dtype. */
const char *yoso_dtype_name(int32_t dtype);

/* A new contiguous tensor; its contents are undefined (yoso_tensor_zeros: 0). */
yoso_status yoso_tensor_new(yoso_tensor **out, int32_t dtype, int32_t device, int32_t ndim,
                            const int64_t *shape);
yoso_status yoso_tensor_zeros(yoso_tensor **out, int32_t dtype, int32_t device, int32_t ndim,
                              const int64_t *shape);
/* A new contiguous CPU tensor with a copy of data; bytes must be what shape and dtype need. */
yoso_status yoso_tensor_from_bytes(yoso_tensor **out, int32_t dtype, int32_t ndim,
                                   const int64_t *shape, const void *data, int64_t bytes);
/* Drops this view; the storage goes with its last view. NULL is allowed. */
void yoso_tensor_free(yoso_tensor *tensor);

int32_t yoso_tensor_dtype(const yoso_tensor *tensor);
int32_t yoso_tensor_device(const yoso_tensor *tensor);
int32_t yoso_tensor_ndim(const yoso_tensor *tensor);
int64_t yoso_tensor_numel(const yoso_tensor *tensor);
/* Size and stride of dimension dim, 0 <= dim < ndim (0 outside that range). */
int64_t yoso_tensor_size(const yoso_tensor *tensor, int32_t dim);
int64_t yoso_tensor_stride(const yoso_tensor *tensor, int32_t dim);
int32_t yoso_tensor_is_contiguous(const yoso_tensor *tensor);
/* The first element of a CPU tensor, NULL for one on a device. Writing through it is allowed
 * for contiguous tensors of one's own; call yoso_tensor_touch afterwards. */
void *yoso_tensor_data(const yoso_tensor *tensor);
/* Counts the changes made in place to the storage, so that a gradient can tell. */
int64_t yoso_tensor_version(const yoso_tensor *tensor);
void yoso_tensor_touch(yoso_tensor *tensor);
/* Nonzero when both views share one storage. */
int32_t yoso_tensor_same_storage(const yoso_tensor *a, const yoso_tensor *b);
/* Nonzero when another view shares this one's storage. */
int32_t yoso_tensor_is_shared(const yoso_tensor *tensor);
/* Nonzero when both have the same dimensions. */
int32_t yoso_tensor_same_shape(const yoso_tensor *a, const yoso_tensor *b);

/* A view of the same storage with other shape, strides (>= 0) and offset from this view's first
 * element; every element must lie inside the storage. */
yoso_status yoso_tensor_view(yoso_tensor **out, const yoso_tensor *tensor, int32_t ndim,
                             const int64_t *shape, const int64_t *stride, int64_t offset);
/* The same elements in another shape, without a copy where the strides allow it. One size may
 * be -1: it is computed. */
yoso_status yoso_reshape(yoso_tensor **out, const yoso_tensor *tensor, int32_t ndim,
                         const int64_t *shape);
/* Swaps two dimensions (a view). */
yoso_status yoso_transpose(yoso_tensor **out, const yoso_tensor *tensor, int32_t dim0,
                           int32_t dim1);
/* Elements start .. start+length-1 of one dimension (a view). */
yoso_status yoso_narrow(yoso_tensor **out, const yoso_tensor *tensor, int32_t dim, int64_t start,
                        int64_t length);
/* Repeats dimensions of size 1 (a view with stride 0), as broadcasting does. */
yoso_status yoso_expand(yoso_tensor **out, const yoso_tensor *tensor, int32_t ndim,
                        const int64_t *shape);

/* A contiguous tensor with the same elements: another view when it is contiguous already. */
yoso_status yoso_contiguous(yoso_tensor **out, const yoso_tensor *tensor);
/* A new contiguous copy, of another dtype if asked. Floats become integers by truncation and
 * saturate; NaN becomes 0; bool is "not zero"; f16 and bf16 round to nearest even. */
yoso_status yoso_cast(yoso_tensor **out, const yoso_tensor *tensor, int32_t dtype);
/* Writes source, broadcast and converted, into target's elements. */
yoso_status yoso_copy_into(yoso_tensor *target, const yoso_tensor *source);
/* Sets every element to value. */
yoso_status yoso_fill(yoso_tensor *target, double value);
/* A copy on the other device (or another view when it is there already). */
yoso_status yoso_to_device(yoso_tensor **out, const yoso_tensor *tensor, int32_t device);

/* ---- Elementwise ----------------------------------------------------------------------------- */

/* out = a OP b, broadcast as usual (sizes equal or 1, aligned at the last dimension).
 * Both operands have one dtype, or one of them has no dimensions and takes the other's.
 * Floats f16 and bf16 are computed in f32 and rounded once. Integer division truncates;
 * by zero it is YOSO_MISUSE. YOSO_POW, MAXIMUM, MINIMUM as in C; a NaN operand gives NaN. */
enum {
    YOSO_ADD = 0,
    YOSO_SUB = 1,
    YOSO_MUL = 2,
    YOSO_DIV = 3,
    YOSO_POW = 4,
    YOSO_MAXIMUM = 5,
    YOSO_MINIMUM = 6
};
yoso_status yoso_binary(yoso_tensor **out, int32_t op, const yoso_tensor *a, const yoso_tensor *b);
/* The same, written into target, whose shape must be the result's. Operands may be target itself
 * or share its storage in any way. */
yoso_status yoso_binary_into(yoso_tensor *target, int32_t op, const yoso_tensor *a,
                             const yoso_tensor *b);

/* Functions of one element. Floats only, but for NEG, ABS, SIGN, SQUARE, FLOOR, CEIL, ROUND
 * (half to even), LINEAR and RELU. GELU is x P(X < x) of the normal distribution, GELU_TANH its
 * approximation by a hyperbolic tangent, GELU_10 GELU cut at -10 and 10, LEAKY_RELU's slope
 * 0.01, LAPLACE the normal distribution with mean 0.707107 and deviation 0.282095. */
enum {
    YOSO_NEG = 0,
    YOSO_ABS = 1,
    YOSO_SIGN = 2,
    YOSO_EXP = 3,
    YOSO_LOG = 4,
    YOSO_LOG1P = 5,
    YOSO_EXPM1 = 6,
    YOSO_SQRT = 7,
    YOSO_RSQRT = 8,
    YOSO_RECIPROCAL = 9,
    YOSO_SQUARE = 10,
    YOSO_SIN = 11,
    YOSO_COS = 12,
    YOSO_TAN = 13,
    YOSO_SINH = 14,
    YOSO_COSH = 15,
    YOSO_TANH = 16,
    YOSO_ASIN = 17,
    YOSO_ACOS = 18,
    YOSO_ATAN = 19,
    YOSO_SIGMOID = 20,
    YOSO_ERF = 21,
    YOSO_FLOOR = 22,
    YOSO_CEIL = 23,
    YOSO_ROUND = 24,
    YOSO_LINEAR = 25,
    YOSO_RELU = 26,
    YOSO_RELU6 = 27,
    YOSO_RELU2 = 28,
    YOSO_LEAKY_RELU = 29,
    YOSO_GELU = 30,
    YOSO_GELU_TANH = 31,
    YOSO_GELU_10 = 32,
    YOSO_QUICK_GELU = 33,
    YOSO_SILU = 34,
    YOSO_MISH = 35,
    YOSO_LAPLACE = 36,
    YOSO_HARDSWISH = 37,
    YOSO_SOFTPLUS = 38,
    YOSO_SQRTSOFTPLUS = 39,
    YOSO_UNARY_COUNT = 40
};
yoso_status yoso_unary(yoso_tensor **out, int32_t op, const yoso_tensor *x);
/* out = grad f'(x); grad has x's shape and dtype. */
yoso_status yoso_unary_grad(yoso_tensor **out, int32_t op, const yoso_tensor *grad,
                            const yoso_tensor *x);
/* The code of an activation by the name that configurations use ("gelu", "gelu_new", "swish",
 * ...); an unknown name is YOSO_MISUSE, and the message lists all. */
yoso_status yoso_activation(int32_t *code, const char *name);

/* Comparisons and logic of two operands, as yoso_binary, but the result is bool. Operands of
 * AND, OR and XOR are true when not zero. */
enum {
    YOSO_EQ = 0,
    YOSO_NE = 1,
    YOSO_LT = 2,
    YOSO_LE = 3,
    YOSO_GT = 4,
    YOSO_GE = 5,
    YOSO_AND = 6,
    YOSO_OR = 7,
    YOSO_XOR = 8
};
yoso_status yoso_compare(yoso_tensor **out, int32_t op, const yoso_tensor *a,
                         const yoso_tensor *b);
/* out = condition ? a : b, all three broadcast. The condition is bool or u8. */
yoso_status yoso_where(yoso_tensor **out, const yoso_tensor *condition, const yoso_tensor *a,
                       const yoso_tensor *b);

/* ---- Reductions ------------------------------------------------------------------------------ */

/* Reduces x over the listed dimensions (dims NULL: over all), which vanish or, with keepdim,
 * stay with size 1. The same bits for any number of threads.
 *   SUM, PROD        floats keep their dtype, integers give i64 and wrap around
 *   MEAN, NORM (2)   floats only, like VAR, STD and LOGSUMEXP
 *   MAX, MIN         keep the dtype; a NaN wins; no elements is YOSO_MISUSE
 *   ARGMAX, ARGMIN   i64: the first place in the flattened reduced dimensions, counted from
 *                    `parameter`
 *   ANY, ALL         bool: an element (every element) is not zero
 *   VAR, STD         divide by count - parameter (1: unbiased); NaN where that is not positive */
enum {
    YOSO_SUM = 0,
    YOSO_MEAN = 1,
    YOSO_PROD = 2,
    YOSO_MAX = 3,
    YOSO_MIN = 4,
    YOSO_ARGMAX = 5,
    YOSO_ARGMIN = 6,
    YOSO_ANY = 7,
    YOSO_ALL = 8,
    YOSO_NORM = 9,
    YOSO_VAR = 10,
    YOSO_LOGSUMEXP = 11,
    YOSO_STD = 12
};
yoso_status yoso_reduce(yoso_tensor **out, int32_t op, const yoso_tensor *x, int32_t count,
                        const int32_t *dims, int32_t keepdim, double parameter);

/* ---- Gathering, joining, padding, sorting ------------------------------------------------------ */

/* Positions are i64 or i32 and count from `first`; one out of range is YOSO_MISUSE.
 * out has index's shape: out[.., i, ..] = x[.., index[.., i, ..], ..] along dim. */
yoso_status yoso_gather(yoso_tensor **out, const yoso_tensor *x, int32_t dim,
                        const yoso_tensor *index, int64_t first);
/* target[.., index[.., i, ..], ..] = (with add: +=) source[.., i, ..] along dim, in the order of
 * i. source has index's shape and target's dtype. */
yoso_status yoso_scatter_into(yoso_tensor *target, int32_t dim, const yoso_tensor *index,
                              const yoso_tensor *source, int32_t add, int64_t first);
/* The places of the elements that are not zero: i64 [count, ndim]. */
yoso_status yoso_nonzero(yoso_tensor **out, const yoso_tensor *x, int64_t first);
/* The tensors one after another along dim. */
yoso_status yoso_cat(yoso_tensor **out, int32_t count, const yoso_tensor *const *parts,
                     int32_t dim);
/* The first k elements along dim in rising (descending: falling) order and their positions
 * (i64); k is the size of dim for a whole sort. Stable; NaN counts as the largest. */
yoso_status yoso_topk(yoso_tensor **values, yoso_tensor **places, const yoso_tensor *x, int64_t k,
                      int32_t dim, int32_t descending, int64_t first);
/* Sums of the elements up to each place of dim (reverse: from it on); integers give i64. */
yoso_status yoso_cumsum(yoso_tensor **out, const yoso_tensor *x, int32_t dim, int32_t reverse);

/* ---- Random numbers -------------------------------------------------------------------------- */

/* Fills a contiguous tensor. Element i depends on seed and i alone: the same numbers for any
 * number of threads, on every device.
 *   UNIFORM            a <= x < b
 *   NORMAL             mean a, standard deviation b
 *   TRUNCATED_NORMAL   the same, within two deviations of the mean
 *   INTEGERS           whole numbers a <= x < b, for integer dtypes */
enum { YOSO_UNIFORM = 0, YOSO_NORMAL = 1, YOSO_TRUNCATED_NORMAL = 2, YOSO_INTEGERS = 3 };
yoso_status yoso_random(yoso_tensor *target, int32_t kind, uint64_t seed, double a, double b);
/* first .. first + count - 1 in random order, i64. */
yoso_status yoso_randperm(yoso_tensor **out, int64_t count, uint64_t seed, int64_t first);
/* A seed made from a seed and a number. */
uint64_t yoso_derive_seed(uint64_t seed, uint64_t number);

/* start, start + step, ...: count elements. */
yoso_status yoso_sequence(yoso_tensor **out, int32_t dtype, int32_t device, int64_t count,
                          double start, double step);

/* ---- Matrix products --------------------------------------------------------------------------- */

/* All operands are floats of one dtype; f16 and bf16 are summed in f32 and rounded once. */

/* out = a b: a [.., M, K], b [.., K, N] -> [.., M, N]; leading dimensions broadcast. An a of one
 * dimension is a row, a b of one dimension a column; that dimension is missing in out then.
 * Views (transposed, narrowed) are read where they lie. */
yoso_status yoso_matmul(yoso_tensor **out, const yoso_tensor *a, const yoso_tensor *b);

/* out [M, N] = a [M, K] b [K, N] + bias [N] (or NULL), added to what out holds if `add`: for
 * training, where no matrix is worth keeping packed. A row of out has its elements side by side.
 * With `split`, f32 may be multiplied as the sum of two bf16 where the processor has a matrix unit
 * for them: 16 of 24 bits are kept, the error is near 4e-6 of the result's size, and the product
 * is three times as fast. */
yoso_status yoso_product_into(yoso_tensor *out, const yoso_tensor *a, const yoso_tensor *b,
                              const yoso_tensor *bias, int32_t add, int32_t split);

/* Activations that yoso_linear can apply to its result. GELU is the one with erf. */
enum { YOSO_ACT_NONE = 0, YOSO_ACT_GELU = 1, YOSO_ACT_RELU = 2, YOSO_ACT_TANH = 3 };

/* out [.., N] = activation(x [.., K] weight^T + bias): weight [N, K], bias [N] or NULL. The
 * weight is packed for the processor on first use and again only after it was changed (call
 * yoso_tensor_touch after writing through yoso_tensor_data); the packed copy counts in
 * yoso_memory_live and goes with the weight's storage. */
yoso_status yoso_linear(yoso_tensor **out, const yoso_tensor *x, const yoso_tensor *weight,
                        const yoso_tensor *bias, int32_t activation);
/* The same in 8 bits: each row of the weight is rounded to -127 .. 127 times a scale of its own
 * when it is packed, each row of x when it comes; sums are exact, the rest is in f32. A processor
 * without instructions for it computes as yoso_linear does. */
yoso_status yoso_linear_int8(yoso_tensor **out, const yoso_tensor *x, const yoso_tensor *weight,
                             const yoso_tensor *bias, int32_t activation);
/* Gradients of yoso_linear without activation. grad has the shape of its result. An out pointer
 * that is NULL is not wanted; bias' gradient is the sum of grad's rows. */
yoso_status yoso_linear_grad(yoso_tensor **grad_x, yoso_tensor **grad_weight,
                             yoso_tensor **grad_bias, const yoso_tensor *grad, const yoso_tensor *x,
                             const yoso_tensor *weight);

/* ---- Layers ------------------------------------------------------------------------------------ */

/* Operands are floats of one dtype on one device, computed in f32; the gradients take the
 * forward's inputs and give what has their shapes. Dimensions are counted from 0. */

/* exp(x) / sum(exp(x)) over dimension dim, or with logarithm its natural logarithm. */
yoso_status yoso_softmax(yoso_tensor **out, const yoso_tensor *x, int32_t dim, int32_t logarithm);
/* y is the forward's result. */
yoso_status yoso_softmax_grad(yoso_tensor **grad_x, const yoso_tensor *grad, const yoso_tensor *y,
                              int32_t dim, int32_t logarithm);

/* (z - mean(z)) / sqrt(var(z) + eps) * weight + bias over the last dimension, z = x + residual.
 * weight and bias have that dimension's size; they and residual (like x) may be NULL. */
yoso_status yoso_layer_norm(yoso_tensor **out, const yoso_tensor *x, const yoso_tensor *weight,
                            const yoso_tensor *bias, double eps, const yoso_tensor *residual);
/* grad_x is the gradient of x and of residual alike. */
yoso_status yoso_layer_norm_grad(yoso_tensor **grad_x, yoso_tensor **grad_weight,
                                 yoso_tensor **grad_bias, const yoso_tensor *grad,
                                 const yoso_tensor *x, const yoso_tensor *weight, double eps,
                                 const yoso_tensor *residual);

/* x / max(|x|, eps) over the last dimension. */
yoso_status yoso_l2_normalize(yoso_tensor **out, const yoso_tensor *x, double eps);
yoso_status yoso_l2_normalize_grad(yoso_tensor **grad_x, const yoso_tensor *grad,
                                   const yoso_tensor *x, double eps);

/* out [.., width] = rows of table [rows, width] by ids [..], i64 or i32, counted from 0. An id
 * outside the table is YOSO_MISUSE, and the message names it with its place. */
yoso_status yoso_embedding(yoso_tensor **out, const yoso_tensor *ids, const yoso_tensor *table);
/* grad_table [rows, width]; the row `padding` (-1: none) gets no gradient. */
yoso_status yoso_embedding_grad(yoso_tensor **grad_table, const yoso_tensor *grad,
                                const yoso_tensor *ids, int64_t rows, int64_t padding);
/* The same added to a table of gradients that is there. */
yoso_status yoso_embedding_grad_into(yoso_tensor *target, const yoso_tensor *grad,
                                     const yoso_tensor *ids, int64_t padding);

/* What a model begins with: out [tokens, width] = norm(words + types + positions), each a row of its
 * table by the token's id; without ids of types all have row 0. Arrays are in the enum's order. */
enum { YOSO_WORDS = 0, YOSO_TYPES = 1, YOSO_POSITIONS = 2, YOSO_EMBEDDINGS = 3 };
yoso_status yoso_embeddings(yoso_tensor **out, const yoso_tensor *const ids[YOSO_EMBEDDINGS],
                            const yoso_tensor *const tables[YOSO_EMBEDDINGS],
                            const yoso_tensor *weight, const yoso_tensor *bias, double eps);

/* A filter of W taps (odd) a head along each sequence, zeros beyond its ends:
 *   out[t, h, d] = sum over w of weight[h, 0, w, 0] keep[u] value[u, h, d],  u = t + w - W / 2.
 * value [tokens, heads * size] holds the sequences end to end: offset (i64 [sequences + 1], on
 * the CPU) rises from 0 to tokens; keep (u8 or bool [tokens]) may be NULL. */
yoso_status yoso_depthwise_conv(yoso_tensor **out, const yoso_tensor *value,
                                const yoso_tensor *weight, int64_t heads, const yoso_tensor *offset,
                                const yoso_tensor *keep);
yoso_status yoso_depthwise_conv_grad(yoso_tensor **grad_value, yoso_tensor **grad_weight,
                                     const yoso_tensor *grad, const yoso_tensor *value,
                                     const yoso_tensor *weight, int64_t heads,
                                     const yoso_tensor *offset, const yoso_tensor *keep);

/* Zeroes each element with probability p and divides the others by 1 - p. What is dropped
 * depends on the seed and the element's place alone; the gradient is the same call on grad. */
yoso_status yoso_dropout(yoso_tensor **out, const yoso_tensor *x, double p, uint64_t seed);

/* ---- Losses and optimisers ----------------------------------------------------------------------- */

/* loss [n], f32: -log softmax(logits [n, classes]) at labels [n] (i64 or i32, from 0); 0 where the
 * label is ignore_index. *kept, unless that is NULL, is the number of labels that are not; a device
 * has to be waited for to tell it. Other labels outside the
 * classes are YOSO_MISUSE. */
yoso_status yoso_cross_entropy(yoso_tensor **loss, int64_t *kept, const yoso_tensor *logits,
                               const yoso_tensor *labels, int64_t ignore_index);
/* grad is that of the losses, f32 [n], or one for all of them, f32 []; scale multiplies it. */
yoso_status yoso_cross_entropy_grad(yoso_tensor **grad_logits, const yoso_tensor *grad,
                                    double scale, const yoso_tensor *logits,
                                    const yoso_tensor *labels, int64_t ignore_index);

/* Losses of single elements, f32 in the shape of x and target: the squared difference; binary
 * cross entropy of the logits x with target probabilities. */
enum { YOSO_LOSS_SQUARED = 0, YOSO_LOSS_BINARY = 1 };
yoso_status yoso_pointwise_loss(yoso_tensor **loss, int32_t kind, const yoso_tensor *x,
                                const yoso_tensor *target);
/* grad f32 like x, or f32 [] for all elements; scale multiplies it. */
yoso_status yoso_pointwise_loss_grad(yoso_tensor **grad_x, int32_t kind, const yoso_tensor *grad,
                                     double scale, const yoso_tensor *x, const yoso_tensor *target);

/* loss [], f32: the mean (or, with mean 0, the sum) of the cross entropies of the logits
 * x [n, in] weight^T [classes, in] + bias [classes] (or NULL), over the labels that are not
 * ignore_index; the mean over none is not a number. The gradients of that loss are made in the
 * same pass, unless their pointers are NULL. Only some rows' logits are in memory at a time;
 * split is yoso_product_into's. All operands are contiguous. */
yoso_status yoso_linear_cross_entropy(yoso_tensor **loss, yoso_tensor **grad_x,
                                      yoso_tensor **grad_weight, yoso_tensor **grad_bias,
                                      const yoso_tensor *x, const yoso_tensor *weight,
                                      const yoso_tensor *bias, const yoso_tensor *labels,
                                      int64_t ignore_index, int32_t mean, int32_t split);

/* One step of AdamW (Loshchilov and Hutter, 2019; PyTorch's update), step counted from 1:
 *   m += (1 - beta1) (g - m),  v = beta2 v + (1 - beta2) g^2,
 *   p = p (1 - lr weight_decay) - lr m / (1 - beta1^step) / (sqrt(v / (1 - beta2^step)) + eps).
 * param, contiguous, is changed in place, as are the f32 states mean and square (m and v, zeros
 * at first). master, f32 or NULL, is what is updated instead of a narrow param, which becomes its
 * rounding. */
yoso_status yoso_adamw(yoso_tensor *param, yoso_tensor *master, yoso_tensor *mean,
                       yoso_tensor *square, const yoso_tensor *grad, int64_t step, double lr,
                       double beta1, double beta2, double eps, double weight_decay);

/* One step of gradient descent: g += weight_decay p; with momentum u = momentum u + g (g itself
 * at step 1) takes g's place, or with nesterov g + momentum u; p -= lr g. velocity is u, f32; NULL
 * without momentum. */
yoso_status yoso_sgd(yoso_tensor *param, yoso_tensor *master, yoso_tensor *velocity,
                     const yoso_tensor *grad, int64_t step, double lr, double momentum,
                     int32_t nesterov, double weight_decay);

/* ---- Attention ----------------------------------------------------------------------------------- */

/* YOSO attention (arXiv 2111.09714) over packed sequences.
 *
 * Sequences stand end to end: query is [rows, heads * D], key and value are [keys, heads * D] and
 * [keys, heads * E]; sequence s has the rows q_offset[s] .. q_offset[s + 1] - 1 and attends to the
 * keys k_offset[s] .. k_offset[s + 1] - 1. The three may be views of one fused product: only
 * their last dimension must be dense, else they are copied. All have one float dtype; sums are
 * kept in f32. Nothing as large as rows * keys is ever in memory.
 *
 *   YOSO_EXPECTATION   out_i = sum_j (1 - arccos(q_i . k_j) / pi)^T v_j        (equation 3)
 *   YOSO_SAMPLED       out_i = 1 / M sum_h sum_j [f_h(q_i) = f_h(k_j)] v_j, f_h hash codes of T bits
 *   YOSO_SOFTMAX       out_i = sum_j softmax_j(q_i . k_j / sqrt(D)) v_j, the baseline
 *
 * With normalize the first two bring queries and keys to unit length before, and the result after
 * (a length below 1e-12 counts as that). Without, queries and keys are taken to have unit length.
 *
 * The projections of the hashes depend on (seed, layer, head) alone. fast_hash draws bits: sign
 * number (group p, round r, component d) is bit (3 p + r) D2 + d of stream
 * (YO_RANDOM_SIGN, layer, head), 1 for minus; see yoso_fast_hash. Otherwise component d of
 * projection m T + t is normal number (m T + t) D + d of stream (YO_RANDOM_PROJECTION, ...).
 *
 * The gradient of YOSO's forms is the paper's surrogate: with b_ij the weight of v_j,
 *   dq_i = T / 2 sum_j b_ij (g_i . v_j) k_j,   dk_j = T / 2 sum_i b_ij (g_i . v_j) q_i,
 *   dv_j = sum_i b_ij g_i;
 * the sampled form takes for b_ij the collisions of the forward pass, or with lsh_backward 0 the
 * expectation in dq and dk and dv. */
enum { YOSO_EXPECTATION = 0, YOSO_SAMPLED = 1, YOSO_SOFTMAX = 2 };

/* Where the sampled form's projections come from. YOSO_HASH_FAST cuts a code's bits from one random
 * rotation, as the reference does; they are then not independent and the estimate is biased
 * (docs/attention.md has numbers). YOSO_HASH_SPREAD takes from the same rotations, at the same
 * cost, bit t of code m from output c = t M + m, which is output c mod D2 of group c / D2, so that
 * hashes are orthogonal to each other and a code's bits nearly independent; P is then
 * ceil(M T / D2). */
enum { YOSO_HASH_DENSE = 0, YOSO_HASH_FAST = 1, YOSO_HASH_SPREAD = 2 };

typedef struct yoso_attention_options {
    int32_t form;          /* one of the three */
    int32_t heads;         /* at least 1 */
    int32_t normalize;     /* ignored by softmax */
    int32_t hash_code_len; /* T, 1 to 16; ignored by softmax */
    int32_t num_hash;      /* M, at least 1; only the sampled form reads the rest */
    int32_t fast_hash; /* one of the three below */
    int32_t lsh_backward;
    int32_t layer;
    int64_t seed;
} yoso_attention_options;

/* out [rows, heads * E]. q_offset and k_offset are i64 CPU tensors of one length; q_keep [rows]
 * and k_keep [keys], any dtype, mask rows where they are 0: a masked key changes nothing, a masked
 * query gives 0. k_offset NULL means that keys have q_offset and q_keep (k_keep is then not
 * read); a NULL mask keeps all. stat, unless NULL, receives [rows, heads] numbers for the gradient.
 * YOSO_MISUSE: shapes or dtypes that do not fit, offsets that do not rise from 0 to the number of
 * rows, options out of range. */
yoso_status yoso_attention(yoso_tensor **out, yoso_tensor **stat, const yoso_tensor *query,
                           const yoso_tensor *key, const yoso_tensor *value,
                           const yoso_tensor *q_offset, const yoso_tensor *k_offset,
                           const yoso_tensor *q_keep, const yoso_tensor *k_keep,
                           const yoso_attention_options *options);

/* The gradients of query, key and value from grad, that of out; out and stat as yoso_attention
 * gave them. dq, dk and dv are contiguous. */
yoso_status yoso_attention_grad(yoso_tensor **dq, yoso_tensor **dk, yoso_tensor **dv,
                                const yoso_tensor *grad, const yoso_tensor *out,
                                const yoso_tensor *stat, const yoso_tensor *query,
                                const yoso_tensor *key, const yoso_tensor *value,
                                const yoso_tensor *q_offset, const yoso_tensor *k_offset,
                                const yoso_tensor *q_keep, const yoso_tensor *k_keep,
                                const yoso_attention_options *options);

/* Where the sampled form's time goes in one thread of this machine, for benchmarks: for the first
 * sequence, of which some thousands of rows are taken, and one head, nanoseconds a token for hashing
 * both its query and its key, and for taking its value; nanoseconds a token and hash for adding
 * values to buckets and for reading them; and, as a yardstick of the last two, for a plain walk over
 * tables of the same bytes that adds to them or reads them. YOSO_UNSUPPORTED on other devices than
 * the CPU. */
enum {
    YOSO_PART_HASH = 0,
    YOSO_PART_VALUES = 1,
    YOSO_PART_ADD = 2,
    YOSO_PART_READ = 3,
    YOSO_PART_WALK_ADD = 4,
    YOSO_PART_WALK_READ = 5,
    YOSO_PARTS = 6
};
yoso_status yoso_attention_parts(double *nanoseconds /* [YOSO_PARTS] */, const yoso_tensor *query,
                                 const yoso_tensor *key, const yoso_tensor *value,
                                 const yoso_tensor *offset, const yoso_attention_options *options);

/* One encoder layer's parameters, all of hidden's dtype and device, vectors contiguous. H is
 * hidden's width, I the inner one; qkv is query, key and value one below the other. */
typedef struct yoso_block_weights {
    const yoso_tensor *qkv_weight, *qkv_bias;               /* [3 H, H], [3 H] */
    const yoso_tensor *conv_weight;                         /* [heads, 1, W, 1] or NULL */
    const yoso_tensor *projection_weight, *projection_bias; /* [H, H], [H] */
    const yoso_tensor *attention_norm_weight, *attention_norm_bias; /* [H] */
    const yoso_tensor *inner_weight, *inner_bias;           /* [I, H], [I] */
    const yoso_tensor *outer_weight, *outer_bias;           /* [H, I], [H] */
    const yoso_tensor *output_norm_weight, *output_norm_bias; /* [H] */
    double eps;         /* of both norms */
    int32_t activation; /* YOSO_ACT_, between inner and outer */
    int32_t int8;       /* not 0: products as yoso_linear_int8 */
} yoso_block_weights;

/* out [tokens, H] = one encoder layer, without dropout and without a gradient:
 *   x = norm(projection(attention(q, k, v) + conv(v)) + hidden),
 *   out = norm(outer(activation(inner(x))) + x).
 * offset, keep and options are yoso_attention's. Beside hidden 4 H numbers a token are alive at
 * once, out among them; what comes after the attention is made for 1024 tokens at a time. */
yoso_status yoso_block(yoso_tensor **out, const yoso_tensor *hidden,
                       const yoso_block_weights *weights, const yoso_tensor *offset,
                       const yoso_tensor *keep, const yoso_attention_options *options);

/* One encoder layer's parameters for training, all of hidden's dtype and device and contiguous;
 * shapes as in yoso_block_weights. As an array: YOSO_LAYER_WEIGHTS pointers in this order. */
typedef struct yoso_layer_weights {
    const yoso_tensor *query_weight, *query_bias, *key_weight, *key_bias, *value_weight,
        *value_bias;
    const yoso_tensor *projection_weight, *projection_bias;
    const yoso_tensor *attention_norm_weight, *attention_norm_bias;
    const yoso_tensor *inner_weight, *inner_bias, *outer_weight, *outer_bias;
    const yoso_tensor *output_norm_weight, *output_norm_bias;
    const yoso_tensor *conv_weight; /* or NULL */
} yoso_layer_weights;
enum { YOSO_LAYER_WEIGHTS = 17 };

typedef struct yoso_layer_options {
    double eps;         /* of both norms */
    double dropout;     /* behind the projection and behind the outer product; 0 in evaluation */
    int64_t seed[2];    /* of these two */
    int32_t activation; /* YOSO_GELU and the like */
    int32_t split;      /* products of f32 as yoso_product_into's split */
} yoso_layer_options;

/* out [tokens, H] = the layer, as yoso_block with dropout. saved, an array of YOSO_LAYER_SAVED or
 * NULL, takes what the gradient needs: about 3 + 3 + I / H times hidden. */
enum { YOSO_LAYER_SAVED = 6 };
yoso_status yoso_layer(yoso_tensor **out, yoso_tensor **saved, const yoso_tensor *hidden,
                       const yoso_layer_weights *weights, const yoso_tensor *offset,
                       const yoso_tensor *keep, const yoso_attention_options *attention,
                       const yoso_layer_options *options);
/* The gradients of hidden and of the weights, in the order of yoso_layer_weights (NULL for a
 * conv_weight that is not there), from grad, that of out. saved is what yoso_layer gave; the rest
 * are its arguments. */
yoso_status yoso_layer_grad(yoso_tensor **grad_hidden, yoso_tensor **gradients,
                            const yoso_tensor *grad, yoso_tensor *const *saved,
                            const yoso_tensor *hidden, const yoso_layer_weights *weights,
                            const yoso_tensor *offset, const yoso_tensor *keep,
                            const yoso_attention_options *attention,
                            const yoso_layer_options *options);

/* Hash codes i32 [B, N, M] of x [B, N, D]: bit t of code m is set when x . projection[:, m T + t]
 * is above 0; projection is f32 [B, D, M * T]. Any length of x gives the same codes. */
yoso_status yoso_lsh_hash(yoso_tensor **code, const yoso_tensor *x, const yoso_tensor *projection,
                          int32_t num_hash, int32_t hash_code_len);

/* The same from a random rotation instead of projections: x, padded with zeros to D2, goes three
 * times through sign and Walsh-Hadamard transform (Sylvester order), once for each of P groups;
 * bit t of code c of a group is set when output c T + t is above 0, and each group gives
 * floor(D2 / T) codes. sign is f32 [B, 3, P, D2] with D2 a power of two not below D,
 * T and 8, and P = ceil(M / floor(D2 / T)). */
yoso_status yoso_fast_hash(yoso_tensor **code, const yoso_tensor *x, const yoso_tensor *sign,
                           int32_t num_hash, int32_t hash_code_len);

/* out_i = mean over h of the sum of v_j over keys j with k_code[j][h] = q_code[i][h]. Masks
 * [B, N] and [B, K] of any dtype (NULL keeps all), codes i32 [B, N, M] and [B, K, M], v [B, K, E]. */
yoso_status yoso_lsh_cumulation(yoso_tensor **out, const yoso_tensor *q_mask,
                                const yoso_tensor *q_code, const yoso_tensor *k_mask,
                                const yoso_tensor *k_code, const yoso_tensor *v,
                                int32_t hash_code_len);

/* The same with each v_j weighted by q_weight_i . k_weight_j; weights [B, N, W] and [B, K, W]. */
yoso_status yoso_lsh_weighted_cumulation(yoso_tensor **out, const yoso_tensor *q_mask,
                                         const yoso_tensor *q_code, const yoso_tensor *q_weight,
                                         const yoso_tensor *k_mask, const yoso_tensor *k_code,
                                         const yoso_tensor *k_weight, const yoso_tensor *v,
                                         int32_t hash_code_len);

/* ---- Files ----------------------------------------------------------------------------------------- */

/* Reads a file as a stream; one that gzip compressed is inflated on the way. */
typedef struct yoso_file yoso_file;
yoso_status yoso_file_open(yoso_file **out, const char *path);
/* Reads up to room bytes; *got is 0 at the end. A gzip stream that is cut off or damaged is
 * YOSO_FORMAT. */
yoso_status yoso_file_read(yoso_file *file, void *buffer, int64_t room, int64_t *got);
/* NULL is allowed. */
void yoso_file_close(yoso_file *file);

/* Writes a file that appears under its name only when it is complete: into a temporary file in
 * the same folder, which commit moves to path (replacing what was there), and free without a
 * commit removes. After a commit only free is allowed. */
typedef struct yoso_writer yoso_writer;
yoso_status yoso_writer_open(yoso_writer **out, const char *path);
yoso_status yoso_writer_write(yoso_writer *writer, const void *data, int64_t bytes);
/* The elements of a contiguous CPU tensor, as they lie in memory. */
yoso_status yoso_writer_write_tensor(yoso_writer *writer, const yoso_tensor *tensor);
yoso_status yoso_writer_commit(yoso_writer *writer);
void yoso_writer_free(yoso_writer *writer);

/* A file mapped into memory. Writing to its bytes never changes the file (the pages are private
 * copies from then on). The map lives until it and every tensor made from it are freed. */
typedef struct yoso_map yoso_map;
yoso_status yoso_map_open(yoso_map **out, const char *path);
void yoso_map_free(yoso_map *map);
int64_t yoso_map_size(const yoso_map *map);
/* The first of yoso_map_size bytes; NULL for an empty file. */
const uint8_t *yoso_map_data(const yoso_map *map);
/* A contiguous tensor of the elements that begin at byte offset: no copy where the bytes lie
 * aligned for their dtype. format is a name of the safetensors format, F32 F16 BF16 I64 I32 U8;
 * the elements of F64 (to f32), I16 and I8 (to i32) and BOOL are converted to a new tensor.
 * YOSO_FORMAT when the format is none of these or the elements do not lie in the file. */
yoso_status yoso_map_tensor(yoso_tensor **out, yoso_map *map, const char *format, int32_t ndim,
                            const int64_t *shape, int64_t offset);

/* 0: there is nothing at path; 1: a file; 2: a folder. */
int32_t yoso_path_kind(const char *path);
/* Makes a folder and those above it that are missing; one that is there is no failure. */
yoso_status yoso_folder_make(const char *path);
/* The names in a folder, sorted bytewise, without "." and "..". */
typedef struct yoso_folder yoso_folder;
yoso_status yoso_folder_open(yoso_folder **out, const char *path);
int64_t yoso_folder_count(const yoso_folder *folder);
/* Valid until the folder is freed; NULL outside 0 <= index < count. */
const char *yoso_folder_name(const yoso_folder *folder, int64_t index);
void yoso_folder_free(yoso_folder *folder);

/* ---- Text ------------------------------------------------------------------------------------------- */

/* A tokenizer: what a tokenizer.json of the tokenizers library says, done exactly as that library
 * does it. It changes no more once loaded, and any number of threads may use it. */
typedef struct yoso_tokenizer yoso_tokenizer;

/* Loads a directory or a file: tokenizer.json; vocab.json with merges.txt beside it; vocab.txt; a
 * SentencePiece .model, which then behaves as SentencePiece does. YOSO_IO when it cannot be read,
 * YOSO_FORMAT when something in it is wrong or names a component that is not known. */
yoso_status yoso_tokenizer_load(yoso_tokenizer **out, const char *path);
/* The same from the text of a tokenizer.json. */
yoso_status yoso_tokenizer_from_json(yoso_tokenizer **out, const char *text, int64_t length);
/* Writes tokenizer.json to a file. */
yoso_status yoso_tokenizer_save(const yoso_tokenizer *tokenizer, const char *path);
/* No encoding made by it may be in use any more. NULL is allowed. */
void yoso_tokenizer_free(yoso_tokenizer *tokenizer);

/* Tokens of the model and added ones together. */
int64_t yoso_tokenizer_vocab_size(const yoso_tokenizer *tokenizer);
/* -1 for a string that is no token. */
int32_t yoso_tokenizer_token_to_id(const yoso_tokenizer *tokenizer, const char *token,
                                   int64_t length);
/* NULL for an id that is no token; the text belongs to the tokenizer. */
const char *yoso_tokenizer_id_to_token(const yoso_tokenizer *tokenizer, int32_t id,
                                       int64_t *length);
/* Nonzero for an added token that is special. */
int32_t yoso_tokenizer_is_special(const yoso_tokenizer *tokenizer, int32_t id);

/* The text of count ids; ids that are no token are left out, special ones too when skip_special
 * is not 0. *text ends with a zero byte and is given back with yoso_text_free. */
yoso_status yoso_tokenizer_decode(char **text, int64_t *length, const yoso_tokenizer *tokenizer,
                                  const int32_t *ids, int64_t count, int32_t skip_special);
void yoso_text_free(char *text);

enum { YOSO_LONGEST_FIRST = 0, YOSO_ONLY_FIRST = 1, YOSO_ONLY_SECOND = 2 };
enum { YOSO_PAD_NONE = 0, YOSO_PAD_LONGEST = 1, YOSO_PAD_LENGTH = 2 };

typedef struct yoso_encode_options {
    int32_t add_special_tokens;
    int32_t encode_special_tokens; /* special tokens in the text are text like any other */
    int32_t full;      /* 0: only ids, type ids and the attention mask, which is faster */
    int32_t overflow;  /* 0: drop what truncation cuts off; then less may be tokenized */
    int32_t codepoints; /* offsets in code points instead of bytes */
    int64_t max_length; /* with the special tokens; -1 for no truncation */
    int64_t stride;     /* tokens that neighbouring windows share */
    int32_t strategy;   /* YOSO_LONGEST_FIRST, ... */
    int32_t truncate_left;
    int32_t padding;      /* YOSO_PAD_NONE, ... */
    int64_t pad_length;   /* for YOSO_PAD_LENGTH */
    int64_t pad_multiple; /* the length is rounded up to a multiple; 0 for none */
    int32_t pad_left;
    int32_t pad_id;
    int32_t pad_type_id;
    const char *pad_token; /* NULL for [PAD] */
} yoso_encode_options;

/* The results of encoding a batch. Arrays handed out by the functions below belong to it. */
typedef struct yoso_encoding yoso_encoding;

/* Encodes count texts (lengths in bytes), or pairs of texts where pairs[i] is not NULL; pairs may
 * be NULL. Bytes that are no UTF-8 count as U+FFFD, as in the library's lossy form, and offsets
 * still are places in the text given. Uses several threads for many texts. */
yoso_status yoso_encode(yoso_encoding **out, const yoso_tokenizer *tokenizer,
                        const yoso_encode_options *options, int64_t count,
                        const char *const *texts, const int64_t *lengths, const char *const *pairs,
                        const int64_t *pair_lengths);
/* Encodes one text that is given as words (pair_count -1: no second one); offsets are places in
 * the word. */
yoso_status yoso_encode_words(yoso_encoding **out, const yoso_tokenizer *tokenizer,
                              const yoso_encode_options *options, const char *const *words,
                              const int64_t *lengths, int64_t count, const char *const *pair_words,
                              const int64_t *pair_lengths, int64_t pair_count);
void yoso_encoding_free(yoso_encoding *encoding);

/* How many inputs there were, and how many windows came of one: 1, and those cut off. */
int64_t yoso_encoding_count(const yoso_encoding *encoding);
int64_t yoso_encoding_windows(const yoso_encoding *encoding, int64_t input);
/* How many stretches of bytes in an input were no UTF-8. */
int64_t yoso_encoding_repairs(const yoso_encoding *encoding, int64_t input);
/* Tokens in a window, and one array an attribute; windows count from 0. Word and sequence ids are
 * -1 for special and padding tokens; offsets are pairs. The last four are NULL when the options
 * did not ask for a full record. */
int64_t yoso_encoding_length(const yoso_encoding *encoding, int64_t input, int64_t window);
const int32_t *yoso_encoding_ids(const yoso_encoding *encoding, int64_t input, int64_t window);
const int32_t *yoso_encoding_type_ids(const yoso_encoding *encoding, int64_t input,
                                      int64_t window);
const uint8_t *yoso_encoding_attention_mask(const yoso_encoding *encoding, int64_t input,
                                            int64_t window);
const uint8_t *yoso_encoding_special_tokens_mask(const yoso_encoding *encoding, int64_t input,
                                                 int64_t window);
const int32_t *yoso_encoding_word_ids(const yoso_encoding *encoding, int64_t input,
                                      int64_t window);
const int32_t *yoso_encoding_sequence_ids(const yoso_encoding *encoding, int64_t input,
                                          int64_t window);
const uint32_t *yoso_encoding_offsets(const yoso_encoding *encoding, int64_t input,
                                      int64_t window);
const char *yoso_encoding_token(const yoso_encoding *encoding, int64_t input, int64_t window,
                                int64_t index, int64_t *length);
/* The first windows of all inputs as one i64 tensor [inputs, tokens]; they must be of one length. */
enum { YOSO_FIELD_IDS = 0, YOSO_FIELD_TYPE_IDS = 1, YOSO_FIELD_ATTENTION_MASK = 2 };
yoso_status yoso_encoding_tensor(yoso_tensor **out, const yoso_encoding *encoding, int32_t field);

/* Training: words are counted as texts are added, and the vocabulary is learned from the counts.
 * Byte-level BPE learns the merges that the tokenizers library learns (the most frequent pair, of
 * equal ones that of the smallest ids); WordPiece learns the same way with ## inside words;
 * Unigram by expectation and maximisation. Special tokens come first: <s> <pad> </s> <unk> <mask>;
 * [PAD] [UNK] [CLS] [SEP] [MASK]; <pad> <unk> <s> </s> <mask>. The order of texts does not matter.
 * Pairs seen fewer than min_count times are not merged. */
typedef struct yoso_trainer yoso_trainer;
enum { YOSO_TRAIN_BPE = 0, YOSO_TRAIN_WORDPIECE = 1, YOSO_TRAIN_UNIGRAM = 2 };
yoso_status yoso_trainer_new(yoso_trainer **out, int32_t kind, int64_t vocab_size,
                             int64_t min_count, int32_t lowercase);
yoso_status yoso_trainer_add(yoso_trainer *trainer, const char *text, int64_t length);
yoso_status yoso_trainer_finish(yoso_tokenizer **out, const yoso_trainer *trainer);
void yoso_trainer_free(yoso_trainer *trainer);

/* ---- Embedding the interpreter ------------------------------------------------------------------------ */

/* Values that cross between C and Lua. A value belongs to whoever made it and depends on no
 * state: it may outlive the state it came from and enter another. Tables are copied whole;
 * tensors are not: both sides see one storage. */
typedef struct yoso_value yoso_value;

enum {
    YOSO_NIL = 0,
    YOSO_BOOLEAN = 1,
    YOSO_NUMBER = 2,
    YOSO_STRING = 3, /* any bytes */
    YOSO_TABLE = 4,  /* a list (what Lua has at 1, 2, ...) and entries with keys */
    YOSO_TENSOR = 5
};

yoso_status yoso_value_nil(yoso_value **out);
yoso_status yoso_value_boolean(yoso_value **out, int32_t boolean);
yoso_status yoso_value_number(yoso_value **out, double number);
/* Copies length bytes; a length of -1 means up to the first zero byte. */
yoso_status yoso_value_string(yoso_value **out, const char *bytes, int64_t length);
/* A view of the tensor, which stays the caller's. */
yoso_status yoso_value_tensor(yoso_value **out, const yoso_tensor *tensor);
/* An empty table. */
yoso_status yoso_value_table(yoso_value **out);
/* Frees the value and all inside it. NULL is allowed. */
void yoso_value_free(yoso_value *value);

/* What the value is: YOSO_NIL to YOSO_TENSOR; YOSO_NIL for NULL. */
int32_t yoso_value_kind(const yoso_value *value);
/* 0 for nil, false and NULL, else 1: as Lua sees it. */
int32_t yoso_value_to_boolean(const yoso_value *value);
/* The number; 0 for what is none. */
double yoso_value_to_number(const yoso_value *value);
/* The bytes, with a zero byte after them, as long as the value lives; NULL for what is no string.
 * *length, unless length is NULL, becomes their count. */
const char *yoso_value_to_string(const yoso_value *value, int64_t *length);
/* The tensor, as long as the value lives; NULL for what is none. */
const yoso_tensor *yoso_value_to_tensor(const yoso_value *value);

/* The list of a table: its length, and the value at 0 <= index < length (NULL outside). */
int64_t yoso_value_length(const yoso_value *table);
const yoso_value *yoso_value_at(const yoso_value *table, int64_t index);
/* The value under a key that is a string; NULL where there is none. */
const yoso_value *yoso_value_get(const yoso_value *table, const char *key);
/* The entries with keys: their number, and key and value at 0 <= index < count. */
int64_t yoso_value_count(const yoso_value *table);
const yoso_value *yoso_value_key(const yoso_value *table, int64_t index);
const yoso_value *yoso_value_entry(const yoso_value *table, int64_t index);

/* Appends a copy of value to the table's list; a nil keeps its place there. */
yoso_status yoso_value_append(yoso_value *table, const yoso_value *value);
yoso_status yoso_value_append_boolean(yoso_value *table, int32_t boolean);
yoso_status yoso_value_append_number(yoso_value *table, double number);
yoso_status yoso_value_append_string(yoso_value *table, const char *text);
yoso_status yoso_value_append_tensor(yoso_value *table, const yoso_tensor *tensor);
/* Puts a copy of value under the key, in place of what was there; nil removes. */
yoso_status yoso_value_set(yoso_value *table, const char *key, const yoso_value *value);
yoso_status yoso_value_set_boolean(yoso_value *table, const char *key, int32_t boolean);
yoso_status yoso_value_set_number(yoso_value *table, const char *key, double number);
yoso_status yoso_value_set_string(yoso_value *table, const char *key, const char *text);
yoso_status yoso_value_set_tensor(yoso_value *table, const char *key, const yoso_tensor *tensor);

/* A LuaJIT interpreter with the yoso modules inside. A process may hold any number of states;
 * one state is used by one thread at a time. Lua errors, whatever raised them, come back as
 * YOSO_SCRIPT and a message. */
typedef struct yoso_state yoso_state;

/* options is NULL or a table with any of: "path", where scripts' modules are looked up before
 * Lua's own places (as package.path, "/some/where/?.lua"); "threads", how many threads the calls
 * of this state use; "seed", what yoso.manual_seed gets. Another key is YOSO_MISUSE. */
yoso_status yoso_open(yoso_state **out, const yoso_value *options);
/* Ends the state and frees it. NULL is allowed. Values that came out of it stay. */
void yoso_close(yoso_state *state);

/* Runs a script. argc and argv are as main got them: argv[0], the host's own name, becomes
 * arg[-1]; the others are arg[1], ... and the script's "...". argc may be 0. A file that cannot
 * be read is YOSO_IO. */
yoso_status yoso_run_file(yoso_state *state, const char *path, int32_t argc, char *const *argv);
/* Runs Lua source text. */
yoso_status yoso_run_string(yoso_state *state, const char *code);
/* The same with arguments (a table, whose list becomes "..."; or NULL), and with what the code
 * returns as the list of a new table in *results (NULL: not wanted). */
yoso_status yoso_evaluate(yoso_state *state, const char *code, const yoso_value *arguments,
                          yoso_value **results);
/* Calls a function by its name: a global, a field ("string.upper", "counter.next"), or one of
 * the library ("yoso.zeros") without require. Arguments and results as in yoso_evaluate.
 * A result that is a function, a coroutine or a userdata cannot leave: YOSO_SCRIPT. */
yoso_status yoso_call(yoso_state *state, const char *function, const yoso_value *arguments,
                      yoso_value **results);

/* The message and the call stack of the state's latest failure; "" before the first. */
const char *yoso_traceback(const yoso_state *state);
/* Stops what the state is running, which then fails with YOSO_INTERRUPTED, pcall or not. May be
 * called from a signal handler or another thread. Loops that LuaJIT has compiled look at it only
 * where they call the library. */
void yoso_interrupt(yoso_state *state);
/* Nonzero, once, when the state that this thread is running in was told to stop: who asks ends
 * with an error. For long work in Lua that the library does. */
int32_t yoso_interrupted(void);
/* Forgets that the state was told to stop: for a host function that has caught the error. */
void yoso_interrupt_end(yoso_state *state);
/* The lua_State, for hosts that use Lua's own C interface as well. */
void *yoso_lua_state(yoso_state *state);

/* The source text of an embedded Lua module ("yoso.tensor"), or NULL; *size becomes its bytes. */
const char *yoso_module_source(const char *name, int64_t *size);
/* The name of embedded module number index, from 0, in alphabetical order; NULL past the end. */
const char *yoso_module_name(int64_t index);
/* The file that this library was loaded from, and the folder of its data when installed. */
const char *yoso_library_path(void);
const char *yoso_data_path(void);
/* Nonzero when a file descriptor (0 input, 1 output, 2 messages) is a terminal. */
int32_t yoso_is_terminal(int32_t descriptor);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
