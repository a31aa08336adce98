/* The two products that sums over pairs are made of, a warp at a time: rows by columns turned,
 * which gives the weights of 16 columns, and those weights by the columns' own vectors. For 16-bit
 * elements on tensor cores, from registers; for f32 by multiply-adds, with the same result in the
 * same lanes. */
#ifndef YO_CUDA_FACTORS_CUH
#define YO_CUDA_FACTORS_CUH

#include "cuda/tile.cuh"

namespace yo_cuda
{

/* 16 TILES rows of a tile, from `first` on, as left factors; where the registers suffice they
 * stay there. */
template <class T, int D, int TILES> class LeftRows
{
  public:
    static const bool KEPT = D == 64;
    typedef Tile<T, D * (int)sizeof(T) / 16> Rows;

    __device__ void take(const Rows &rows, int first)
    {
        tile = rows;
        row = first;
        if constexpr (KEPT) {
#pragma unroll
            for (int t = 0; t < TILES; t++)
#pragma unroll
                for (int k = 0; k < D / 16; k++)
                    tile.load_left(kept[t][k], row + 16 * t, k);
        }
    }

    /* sum += rows times rows `column` .. + 15 of `columns` turned. */
    __device__ void multiply_turned(float (&sum)[TILES][2][4], const Rows &columns, int column) const
    {
#pragma unroll
        for (int k = 0; k < D / 16; k++) {
            uint32_t right[4];
            columns.load_right_turned(right, column, k);
#pragma unroll
            for (int t = 0; t < TILES; t++) {
                if constexpr (KEPT) {
                    multiply_16x8x16(sum[t][0], kept[t][k], right, T());
                    multiply_16x8x16(sum[t][1], kept[t][k], right + 2, T());
                } else {
                    uint32_t left[4];
                    tile.load_left(left, row + 16 * t, k);
                    multiply_16x8x16(sum[t][0], left, right, T());
                    multiply_16x8x16(sum[t][1], left, right + 2, T());
                }
            }
        }
    }

  private:
    Rows tile;
    int row;
    uint32_t kept[KEPT ? TILES : 1][KEPT ? D / 16 : 1][4];
};

template <int D, int TILES> class LeftRows<float, D, TILES>
{
  public:
    typedef Tile<float, D / 4> Rows;

    __device__ void take(const Rows &rows, int first)
    {
        tile = rows;
        row = first;
    }

    __device__ void multiply_turned(float (&sum)[TILES][2][4], const Rows &columns, int column) const
    {
#pragma unroll 2
        for (int k = 0; k < D / 4; k++) {
            float4 right[4];
#pragma unroll
            for (int c = 0; c < 4; c++)
                right[c] = four_of(columns, column + c / 2 * 8 + column_of(c % 2), k);
#pragma unroll
            for (int t = 0; t < TILES; t++)
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    float4 left = four_of(tile, row + 16 * t + row_of(2 * half), k);
#pragma unroll
                    for (int c = 0; c < 4; c++)
                        add(sum[t][c / 2][2 * half + c % 2], left, right[c]);
                }
        }
    }

  private:
    Rows tile;
    int row;

    __device__ static float4 four_of(const Rows &rows, int r, int chunk)
    {
        return *reinterpret_cast<const float4 *>(rows.chunk(r, chunk));
    }
    __device__ static void add(float &sum, const float4 &a, const float4 &b)
    {
        sum = fmaf(a.x, b.x, fmaf(a.y, b.y, fmaf(a.z, b.z, fmaf(a.w, b.w, sum))));
    }
};

/* Weights of 16 rows and 16 columns, as they are multiplied by the columns' vectors. */
template <class T> class Weights
{
  public:
    static const int BYTES = 0;

    __device__ void set(const float (&first)[4], const float (&second)[4], T *)
    {
        left_of(left, first, second, T());
    }
    /* sum += weights times rows `row` .. + 15 of the tile. */
    template <int D>
    __device__ void multiply(float (&sum)[D / 8][4], const Tile<T, D / 8> &tile, int row) const
    {
#pragma unroll
        for (int n = 0; n < D / 16; n++) {
            uint32_t right[4];
            tile.load_right(right, row, n);
            multiply_16x8x16(sum[2 * n], left, right, T());
            multiply_16x8x16(sum[2 * n + 1], left, right + 2, T());
        }
    }

  private:
    uint32_t left[4];
};

template <> class Weights<float>
{
  public:
    static const int LD = 20, BYTES = 16 * LD * 4;

    /* memory: the warp's own, of BYTES. */
    __device__ void set(const float (&first)[4], const float (&second)[4], float *memory)
    {
        at = memory;
        __syncwarp(); /* the last ones are done with */
#pragma unroll
        for (int e = 0; e < 4; e++) {
            memory[row_of(e) * LD + column_of(e)] = first[e];
            memory[row_of(e) * LD + 8 + column_of(e)] = second[e];
        }
        __syncwarp();
    }
    template <int D>
    __device__ void multiply(float (&sum)[D / 8][4], const Tile<float, D / 4> &tile, int row) const
    {
#pragma unroll 2
        for (int k = 0; k < 16; k++) {
            float upper = at[row_of(0) * LD + k], lower = at[row_of(2) * LD + k];
#pragma unroll
            for (int f = 0; f < D / 8; f++) {
                float2 right = *reinterpret_cast<const float2 *>(
                    tile.element(row + k, 8 * f + column_of(0)));
                sum[f][0] = fmaf(upper, right.x, sum[f][0]);
                sum[f][1] = fmaf(upper, right.y, sum[f][1]);
                sum[f][2] = fmaf(lower, right.x, sum[f][2]);
                sum[f][3] = fmaf(lower, right.y, sum[f][3]);
            }
        }
    }

  private:
    const float *at;
};

} // namespace yo_cuda

#endif
