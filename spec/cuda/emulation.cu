// What cuda/emulate promises, on kernels made for it: barriers, meetings of lanes, orders, what it
// refuses, and the tile instructions against plain sums. Built and run by emulation_spec.lua.
#include <stdio.h>

#include <vector>

#include "cuda/factors.cuh"
#include "cuda/rows.cuh"

using namespace yo_cuda;

static int passed, failed;

static void expect(bool good, const char *what)
{
    good ? passed++ : failed++;
    if (!good)
        printf("failed: %s\n", what);
}

template <class F> static const char *run(unsigned blocks, unsigned threads, F body)
{
    auto call = [](void *f) { (*static_cast<F *>(f))(); };
    return emulate::launch(dim3(blocks), dim3(threads), 0, call, &body);
}

static void test_barrier()
{
    int seen[70] = {};
    const char *message = run(1, 70, [&] {
        SHARED(int, mine, 70);
        mine[threadIdx.x] = (int)threadIdx.x + 1;
        __syncthreads();
        seen[threadIdx.x] = mine[69 - threadIdx.x];
    });
    bool good = !message;
    for (int i = 0; i < 70; i++)
        good &= seen[i] == 70 - i;
    expect(good, "what was written before a barrier is read after it");
}

static void test_refusals()
{
    const char *message = run(1, 64, [] {
        if (threadIdx.x < 32)
            __syncthreads();
        else
            for (;;)
                __syncwarp(), __syncthreads();
    });
    expect(message && strstr(message, "different barriers"), "divergent barriers are refused");
    message = run(1, 64, [] {
        if (threadIdx.x != 5)
            (void)__ballot_sync(0xffffffffu, 1);
        else
            __syncthreads();
    });
    expect(message && strstr(message, "wait at"), "a warp that waits for ever is told");
    message = run(1, 32, [] {
        if (threadIdx.x < 16)
            (void)__shfl_sync(0xffff0000u, 1, 0);
    });
    expect(message && strstr(message, "outside the mask"), "a lane outside its mask is refused");
    message = run(1, 32, [] {
        if (threadIdx.x % 2)
            (void)__ballot_sync(0xffffffffu, 1);
        else
            (void)__ballot_sync(0xffffffffu, 0);
    });
    expect(message && strstr(message, "different operations"), "lanes meet at one place only");
    message = run(1, 2000, [] {});
    expect(message && strstr(message, "no device"), "too many threads are refused");
    expect(!run(1, 32, [] { __syncwarp(); }), "a launch after a failure works");
}

static void test_lanes()
{
    bool good = true;
    expect(!run(1, 32,
                [&] {
                    int lane = (int)threadIdx.x;
                    good &= __shfl_xor_sync(FULL, lane, 5) == (lane ^ 5);
                    good &= __shfl_up_sync(FULL, lane, 3) == (lane < 3 ? lane : lane - 3);
                    good &= __shfl_sync(FULL, lane * 2.5, 7) == 17.5;
                    good &= __ballot_sync(FULL, lane % 3 == 0) == 0x49249249u;
                    good &=
                        __match_any_sync(FULL, lane / 16) == (lane < 16 ? 0xffffu : 0xffff0000u);
                    good &= warp_reduce(lane, Add()) == 496;
                }) &&
               good,
           "shuffles, votes and matches");
}

static void test_order()
{
    std::vector<unsigned> order;
    setenv("YOSO_EMULATE_ORDER", "reverse", 1);
    run(3, 1, [&] { order.push_back(blockIdx.x); });
    unsetenv("YOSO_EMULATE_ORDER");
    run(3, 1, [&] { order.push_back(blockIdx.x); });
    expect(order == std::vector<unsigned>({2, 1, 0, 0, 1, 2}), "blocks run backwards when asked");
}

static void test_shared_is_poisoned()
{
    bool good = false;
    run(2, 1, [&] {
        SHARED(float, x, 4);
        good = x[3] != x[3];
        x[3] = 1;
    });
    expect(good, "shared memory is NaN at each block's start");
}

static void test_copies()
{
    int source[8] = {1, 2, 3, 4, 5, 6, 7, 8};
    bool good = true;
    expect(!run(1, 1,
                [&] {
                    SHARED(int, x, 8);
                    copy_16(x, source, true);
                    copies_end_group();
                    copy_16(x + 4, source, false);
                    copies_end_group();
                    good &= x[0] == -1 && x[4] == -1; /* on the way */
                    copies_wait<1>();
                    good &= x[3] == 4 && x[4] == -1;
                    copies_wait<0>();
                    good &= x[4] == 0 && x[7] == 0;
                }) &&
               good,
           "copies arrive when they are waited for");
    const char *message = run(1, 1, [&] {
        SHARED(int, x, 8);
        copy_16(x + 1, source, true);
    });
    expect(message && strstr(message, "not aligned"), "copies that are not aligned are refused");
    message = run(1, 1, [&] {
        SHARED(int, x, 8);
        copy_16(x, source, true);
    });
    expect(message && strstr(message, "without waiting"), "copies that nobody waits for are told");
}

/* 16 x 64 products by both factors of pairs: left right', and that by right. */
template <class T> static void test_factors(const char *what)
{
    const int D = 64;
    static float sum[16][16], first[16][16], again[16][D], second[16][D];
    memset(sum, 0, sizeof sum);
    memset(again, 0, sizeof again);
    auto left = [](int i, int k) { return (float)((i * 7 + k * 3) % 13 - 6) / 4; };
    auto right = [](int i, int k) { return (float)((i * 5 + k) % 11 - 5) / 8; };
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 16; j++)
            for (int k = 0; k < D; k++)
                sum[i][j] += left(i, k) * right(j, k);
    for (int i = 0; i < 16; i++)
        for (int d = 0; d < D; d++)
            for (int j = 0; j < 16; j++) {
                T rounded;
                from_float(&rounded, sum[i][j]);
                again[i][d] += to_float(rounded) * right(j, d);
            }
    const char *message = run(1, 32, [&] {
        const int CHUNKS = D * (int)sizeof(T) / 16;
        SHARED(T, a_memory, 32 * D);
        SHARED(T, b_memory, 32 * D);
        SHARED(T, spare, 1024);
        Tile<T, CHUNKS> a = {a_memory}, b = {b_memory};
        for (int i = lane_of_warp(); i < 16 * D; i += 32) {
            from_float(a.element(i / D, i % D), left(i / D, i % D));
            from_float(b.element(16 + i / D, i % D), right(i / D, i % D));
        }
        __syncwarp();
        LeftRows<T, D, 1> rows;
        rows.take(a, 0);
        float product[1][2][4] = {}, result[D / 8][4] = {};
        rows.multiply_turned(product, b, 16);
        Weights<T> weights;
        weights.set(product[0][0], product[0][1], spare);
        weights.template multiply<D>(result, b, 16);
        for (int e = 0; e < 4; e++) {
            for (int f = 0; f < 2; f++)
                first[row_of(e)][8 * f + column_of(e)] = product[0][f][e];
            for (int f = 0; f < D / 8; f++)
                second[row_of(e)][8 * f + column_of(e)] = result[f][e];
        }
    });
    bool good = !message && memcmp(sum, first, sizeof sum) == 0;
    for (int i = 0; i < 16 * D; i++)
        good &= fabsf(again[i / D][i % D] - second[i / D][i % D]) < 1e-4f;
    expect(good, what);
}

int main()
{
    test_barrier();
    test_refusals();
    test_lanes();
    test_order();
    test_shared_is_poisoned();
    test_copies();
    test_factors<bf16>("factors of bf16");
    test_factors<f16>("factors of f16");
    test_factors<float>("factors of f32");
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
