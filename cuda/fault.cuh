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
    long long detail[2];
};

enum FaultKind { ZERO_DIVISOR = 1, INDEX_RANGE = 2, ID_RANGE = 3, LABEL_RANGE = 4 };

/* The device's address of the one record. */
Fault *fault_record();

__device__ inline void report(Fault *fault, FaultKind kind, int64_t a, int64_t b)
{
    if (atomicCAS(&fault->claimed, 0, 1) != 0)
        return;
    fault->kind = kind;
    fault->detail[0] = a;
    fault->detail[1] = b;
    __threadfence_system();
    fault->ready = 1;
}

} // namespace yo_cuda

#endif
