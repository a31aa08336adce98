/* Captured graphs: the work of one pass, queued again as a whole at every replay, on the same
 * memory but with seeds of its own. */
#include <stdlib.h>

#include <new>
#include <vector>

#include "cuda/device.cuh"

namespace yo_cuda
{

namespace
{

const int32_t MOST_SEEDS = 32;
struct SeedList {
    uint64_t seed[MOST_SEEDS];
};

struct Graph {
    Arena *arena = nullptr;
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t ready = nullptr;
    uint64_t *seeds = nullptr; /* on the device */
    SeedList list = {};
    int32_t count = 0;
    bool failed = false;
};

Graph *capturing;

void discard(Graph *g)
{
    if (g->ready)
        cudaGraphExecDestroy(g->ready);
    if (g->graph)
        cudaGraphDestroy(g->graph);
    if (g->seeds)
        give(g->seeds, sizeof(SeedList));
    if (g->arena)
        drop_arena(g->arena);
    delete g;
}

__global__ void set_seeds_kernel(uint64_t *to, SeedList list, int32_t count)
{
    for (int i = threadIdx.x; i < count; i += blockDim.x)
        to[i] = list.seed[i];
}

} // namespace

bool is_capturing()
{
    return capturing != nullptr;
}

yoso_status refuse_capture(const char *what)
{
    capturing->failed = true;
    return yo_cuda_fail(YOSO_UNSUPPORTED, "graph: %s cannot be captured", what);
}

Seed seed_of(uint64_t number)
{
    if (!capturing)
        return Seed{number, nullptr};
    int32_t i = 0;
    while (i < capturing->count && capturing->list.seed[i] != number)
        i++;
    if (i == MOST_SEEDS) { /* this one stays as it is */
        return Seed{number, nullptr};
    }
    capturing->list.seed[i] = number;
    capturing->count = i < capturing->count ? capturing->count : i + 1;
    return Seed{number, capturing->seeds + i};
}

yoso_status capture_begin(size_t bytes)
{
    if (capturing)
        return yo_cuda_fail(YOSO_MISUSE, "graph: one is being captured already");
    Graph *g = new (std::nothrow) Graph;
    if (!g)
        return yo_cuda_fail(YOSO_NO_MEMORY, "graph: no memory");
    yoso_status status = take((void **)&g->seeds, sizeof(SeedList));
    if (status == YOSO_OK)
        status = make_arena(&g->arena, bytes);
    if (status == YOSO_OK)
        status = check(cudaStreamBeginCapture(the_stream, cudaStreamCaptureModeRelaxed), "graph");
    if (status != YOSO_OK) {
        discard(g);
        return status;
    }
    capturing = g;
    use_arena(g->arena);
    return YOSO_OK;
}

yoso_status capture_end(void **graph)
{
    Graph *g = capturing;
    if (!g)
        return yo_cuda_fail(YOSO_MISUSE, "graph: none is being captured");
    yoso_status status = check(cudaStreamEndCapture(the_stream, &g->graph), "graph");
    capturing = nullptr;
    use_arena(nullptr);
    if (status == YOSO_OK && !graph) { /* given up */
        discard(g);
        return YOSO_OK;
    }
    if (status == YOSO_OK && g->failed)
        status = yo_cuda_fail(YOSO_UNSUPPORTED, "graph: the work could not be captured");
    if (status == YOSO_OK)
        status = check(cudaGraphInstantiateWithFlags(&g->ready, g->graph, 0), "graph");
    if (status == YOSO_OK)
        status = launch("graph", set_seeds_kernel, 1, WARP, 0, (yo_stream *)the_stream, g->seeds,
                        g->list, g->count);
    if (status != YOSO_OK) {
        discard(g);
        return status;
    }
    *graph = g;
    return YOSO_OK;
}

int32_t graph_seeds(const void *graph, uint64_t *seeds, int32_t room)
{
    const Graph *g = static_cast<const Graph *>(graph);
    for (int32_t i = 0; i < g->count && i < room; i++)
        seeds[i] = g->list.seed[i];
    return g->count;
}

yoso_status replay(void *graph, const uint64_t *seeds, int32_t count)
{
    Graph *g = static_cast<Graph *>(graph);
    if (capturing)
        return refuse_capture("the replay of another graph");
    if (count > g->count)
        return yo_cuda_fail(YOSO_MISUSE, "graph: %d seeds, the captured work has %d", count,
                            g->count);
    bool changed = false;
    for (int32_t i = 0; i < count; i++) {
        changed |= g->list.seed[i] != seeds[i];
        g->list.seed[i] = seeds[i];
    }
    if (changed)
        YO_TRY(launch("graph", set_seeds_kernel, 1, WARP, 0, (yo_stream *)the_stream, g->seeds,
                      g->list, g->count));
    YO_TRY(check(cudaGraphLaunch(g->ready, the_stream), "graph"));
    return launched("graph");
}

void graph_free(void *graph)
{
    discard(static_cast<Graph *>(graph));
}

} // namespace yo_cuda
