/* What the module's own files share: the one device, its stream, and memory. */
#ifndef YO_CUDA_DEVICE_CUH
#define YO_CUDA_DEVICE_CUH

#include "cuda/launch.cuh"

namespace yo_cuda
{

extern cudaStream_t the_stream;

/* memory.cu: blocks in the order of the stream; while a graph is captured they are the graph's. */
yoso_status open_memory();
yoso_status take(void **block, size_t bytes);
void give(void *block, size_t bytes);
yoso_status zero(void *block, size_t bytes);
/* The most bytes taken at once since the last reset, beyond those that were taken then. */
int64_t peak(int32_t reset);

/* Memory of a fixed size in which a captured graph finds its own at every replay. It goes when its
 * owner and all blocks are gone. */
class Arena;
yoso_status make_arena(Arena **arena, size_t bytes);
void drop_arena(Arena *arena);
/* Blocks come from it from now on; NULL: from the pool again. */
void use_arena(Arena *arena);

/* graph.cu */
bool is_capturing();
yoso_status capture_begin(size_t bytes);
yoso_status capture_end(void **graph);
yoso_status replay(void *graph, const uint64_t *seeds, int32_t count);
int32_t graph_seeds(const void *graph, uint64_t *seeds, int32_t room);
void graph_free(void *graph);
/* Fails, because what `what` does cannot be part of a captured graph. */
yoso_status refuse_capture(const char *what);

} // namespace yo_cuda

#endif
