// What cuda/emulate promises, on kernels made for it: barriers, meetings of lanes, orders, what it
// refuses, and the tile instructions against plain sums. Built and run by emulation_spec.lua.
#include <stdio.h>

#include <vector>

#include "cuda/rows.cuh"
#include "cuda/tile.cuh"

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
    return emulate::launch(dim3(blocks), dim3(threads), 0, emulate::run_body<F>, &body);
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

/* 16 x 8 products of depth 32 by both paths of the tiles. */
template <class T> static void test_tiles(const char *what)
{
    T a[16 * 40], b[8 * 40], turned[32 * 16];
    float sum[16][8] = {}, first[16][8], second[16][8];
    for (int i = 0; i < 16 * 40; i++)
        from_float(a + i, (float)(i * 7 % 13 - 6) / 4);
    for (int i = 0; i < 8 * 40; i++)
        from_float(b + i, (float)(i * 5 % 11 - 5) / 4);
    for (int k = 0; k < 32; k++)
        for (int j = 0; j < 16; j++)
            turned[k * 16 + j] = b[j % 8 * 40 + k];
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 8; j++)
            for (int k = 0; k < 32; k++)
                sum[i][j] += to_float(a[i * 40 + k]) * to_float(b[j * 40 + k]);
    const char *message = run(1, 32, [&] {
        float one[4] = {}, two[4] = {};
        add_product_turned(one, a, 40, b, 40, 32);
        add_product(two, a, 40, turned, 16, 32);
        for (int e = 0; e < 4; e++) {
            first[row_of(e)][column_of(e)] = one[e];
            second[row_of(e)][column_of(e)] = two[e];
        }
    });
    expect(!message && memcmp(sum, first, sizeof sum) == 0 && memcmp(sum, second, sizeof sum) == 0,
           what);
}

int main()
{
    test_barrier();
    test_refusals();
    test_lanes();
    test_order();
    test_shared_is_poisoned();
    test_tiles<bf16>("tiles of bf16");
    test_tiles<f16>("tiles of f16");
    test_tiles<float>("tiles of f32");
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
