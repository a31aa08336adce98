/* The module's table of kernels. */
#include "cuda/launch.cuh"

extern const yo_kernels yo_cuda_kernels;

static yo_kernels make_table()
{
    yo_kernels table = {};
    table.name = "cuda";
    table.copy = yo_cuda_copy;
    table.fill = yo_cuda_fill;
    table.binary = yo_cuda_binary;
    return table;
}

const yo_kernels yo_cuda_kernels = make_table();
