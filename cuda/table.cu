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
    table.unary = yo_cuda_unary;
    table.unary_grad = yo_cuda_unary_grad;
    table.compare = yo_cuda_compare;
    table.where = yo_cuda_where;
    table.reduce = yo_cuda_reduce;
    table.random = yo_cuda_random;
    table.sequence = yo_cuda_sequence;
    return table;
}

const yo_kernels yo_cuda_kernels = make_table();
