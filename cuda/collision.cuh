/* The expectation's weight (1 - arccos(x) / pi)^T as the device computes it: for results of f32 by
 * src/core/arccos_power.h, for those of 16 bits by the shorter polynomials of collision_terms.cuh. */
#ifndef YO_CUDA_COLLISION_CUH
#define YO_CUDA_COLLISION_CUH

#include "core/arccos_power.h"
#include "cuda/collision_terms.cuh"
#include "cuda/tile.cuh"

namespace yo_cuda
{

const int MOST_SQUARINGS = 3;

struct Collision {
    int32_t code_len, squarings; /* squarings < 0: no short polynomial */
    float quick[YO_QUICK_TERMS], terms[YO_ARCCOS_TERMS];
};

inline Collision collision_of(int32_t code_len)
{
    Collision c = {};
    c.code_len = code_len;
    c.squarings = yo_quick_terms[code_len - 1].k;
    for (int i = 0; i < YO_QUICK_TERMS; i++)
        c.quick[i] = yo_quick_terms[code_len - 1].c[i];
    for (int i = 0; i < YO_ARCCOS_TERMS; i++)
        c.terms[i] = yo_arccos_terms[i];
    return c;
}

/* The weight from y = -x / 2; what rounding put outside [-1, 1] is brought back. */
__device__ inline float exact_weight(float y, const Collision &c)
{
    float s = quick_root(__saturatef(y + 0.5f));
    float p = c.terms[YO_ARCCOS_TERMS - 1];
#pragma unroll
    for (int i = YO_ARCCOS_TERMS - 2; i >= 0; i--)
        p = fmaf(p, s, c.terms[i]);
    float h = (1.0f - s) * fmaf(p, s, 1.0f), h2 = h * h, h4 = h2 * h2;
    float result = c.code_len & 1 ? quick_root(h) : 1.0f;
    result = c.code_len & 2 ? result * h : result;
    result = c.code_len & 4 ? result * h2 : result;
    result = c.code_len & 8 ? result * h4 : result;
    return c.code_len & 16 ? result * h4 * h4 : result;
}

/* g(s) of the short polynomial for y = x1 x2, -x / 2 in two factors; to be squared c.squarings
 * times. */
__device__ inline float quick_base(float x1, float x2, const Collision &c)
{
    float s = quick_root(__saturatef(fmaf(x1, x2, 0.5f)));
    float p = c.quick[YO_QUICK_TERMS - 1];
#pragma unroll
    for (int i = YO_QUICK_TERMS - 2; i >= 0; i--)
        p = fmaf(p, s, c.quick[i]);
    return fmaf(p, s, 1.0f);
}

} // namespace yo_cuda

#endif
