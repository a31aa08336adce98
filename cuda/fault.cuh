/* Faults that only the data can show: a zero divisor, an id outside its table. A kernel notes the
 * first one in memory that the host sees too; the host tells it at its next call. */
#ifndef YO_CUDA_FAULT_CUH
#define YO_CUDA_FAULT_CUH

#include "cuda/launch.cuh"

namespace yo_cuda
{

struct Fault {
    int claimed;
    int ready;
    int kind;
    long long detail[4];
};

enum FaultKind {
    ZERO_DIVISOR = 1,
    GATHER_RANGE = 2, /* first, last */
    SCATTER_RANGE = 3,
    ID_RANGE = 4,    /* id, position, last */
    LABEL_RANGE = 5, /* label, position, last, ignored */
    CODE_RANGE = 6   /* code, last, bits */
};

/* The device's address of the one record. */
Fault *fault_record();

__device__ inline void report(Fault *fault, FaultKind kind, int64_t a = 0, int64_t b = 0,
                              int64_t c = 0, int64_t d = 0)
{
    if (atomicCAS(&fault->claimed, 0, 1) != 0)
        return;
    fault->kind = kind;
    fault->detail[0] = a;
    fault->detail[1] = b;
    fault->detail[2] = c;
    fault->detail[3] = d;
    __threadfence_system();
    fault->ready = 1;
}

} // namespace yo_cuda

#endif
