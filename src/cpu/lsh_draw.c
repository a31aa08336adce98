/* The projections and signs of the sampled attention's hashes, drawn from (seed, layer, head)
 * alone: the same for any batch, any number of threads and either direction. */
#include "core/memory.h"
#include "core/philox.h"
#include "cpu/lsh.h"

/* Philox blocks at a time: a loop for each step, which becomes vector code. */
enum { BLOCKS = 64 };

static int64_t dense_count(const yo_attention *at)
{
    return (int64_t)at->num_hash * at->code_len * at->head_size;
}

/* Normal number i of the head's stream, rounded to bf16, is component i mod D of projection i / D,
 * so that more hashes only add projections. */
static yo_hasher draw_dense(float *random, const yo_attention *at, int64_t head)
{
    uint64_t stream = yo_random_stream(YO_RANDOM_PROJECTION, at->layer, (uint32_t)head);
    uint32_t word[4][BLOCKS];
    float number[4][BLOCKS];
    int64_t count = dense_count(at);
    for (int64_t start = 0; start < count; start += 4 * BLOCKS) {
        for (int64_t k = 0; k < BLOCKS; k++) {
            yo_philox block = yo_philox_at(at->seed, stream, (uint64_t)(start / 4 + k));
            for (int i = 0; i < 4; i++)
                word[i][k] = block.word[i];
        }
        for (int i = 0; i < 4; i += 2)
            for (int64_t k = 0; k < BLOCKS; k++)
                yo_normal_of(word[i][k], word[i + 1][k], &number[i][k], &number[i + 1][k]);
        int64_t here = count - start < 4 * BLOCKS ? count - start : 4 * BLOCKS;
        for (int64_t i = 0; i < here; i++)
            random[start + i] = yo_round_to_bf16(number[i % 4][i / 4]);
    }
    return YO_CPU(lsh_dense_hasher)(at, random, at->head_size, 1);
}

/* Bit i of the head's stream is the sign of component i mod D2 of round (i / D2) mod 3 of group
 * i / (3 D2): 1 for minus. */
static yo_hasher draw_fast(float *random, const yo_attention *at, int64_t head)
{
    uint64_t stream = yo_random_stream(YO_RANDOM_SIGN, at->layer, (uint32_t)head);
    int64_t padded = yo_hadamard_size(at->head_size);
    yo_hasher hasher = YO_CPU(lsh_fast_hasher)(at, random, padded);
    int64_t groups = hasher.groups;
    yo_philox block = {{0}};
    for (int64_t i = 0; i < 3 * groups * padded; i += 32) { /* padded is a multiple of 32 */
        if (i % 128 == 0)
            block = yo_philox_at(at->seed, stream, (uint64_t)i / 128);
        int64_t p = i / (3 * padded), round = i / padded % 3;
        float *to = random + (round * groups + p) * padded + i % padded;
        for (int bit = 0; bit < 32; bit++)
            to[bit] = block.word[i / 32 % 4] >> bit & 1 ? -1.0f : 1.0f;
    }
    return hasher;
}

static size_t random_floats(const yo_attention *at)
{
    int64_t count = dense_count(at);
    if (at->fast_hash) {
        int64_t padded = yo_hadamard_size(at->head_size);
        count = 3 * padded * YO_CPU(lsh_fast_hasher)(at, NULL, padded).groups;
    }
    return (size_t)yo_round_up(count, 16);
}

static yo_hasher draw_head(float *random, const yo_attention *at, int64_t head)
{
    yo_hasher hasher = at->fast_hash ? draw_fast(random, at, head) : draw_dense(random, at, head);
#if defined(__AMX_TILE__)
    YO_CPU(lsh_tile_pack)(&hasher, random + random_floats(at));
#endif
    return hasher;
}

yoso_status YO_CPU(lsh_draw)(yo_drawn *drawn, const yo_attention *at)
{
    size_t floats = random_floats(at);
#if defined(__AMX_TILE__)
    floats += YO_CPU(lsh_tile_floats)(at);
#endif
    *drawn = (yo_drawn){.head = NULL};
    size_t heads = (size_t)at->heads;
    if (!yo_multiply(floats * sizeof(float) + sizeof(yo_hasher), heads, &drawn->bytes))
        return yo_fail(YOSO_NO_MEMORY, "attention: projections overflow");
    void *block;
    YO_TRY(yo_memory_take(&block, drawn->bytes));
    drawn->random = block;
    drawn->head = (yo_hasher *)(drawn->random + floats * heads);
#pragma omp parallel for num_threads(yo_threads()) schedule(static)
    for (int64_t h = 0; h < at->heads; h++)
        drawn->head[h] = draw_head(drawn->random + (size_t)h * floats, at, h);
    return YOSO_OK;
}

void YO_CPU(lsh_draw_free)(yo_drawn *drawn)
{
    yo_memory_give(drawn->random, drawn->bytes);
}
