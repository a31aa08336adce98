/* Stable sorting of rows by their codes: counting sort, a block for each sequence, head and hash,
 * in one pass for codes of up to ten bits and in two for longer ones. */
#include "cuda/sorted.cuh"

using namespace yo_cuda;

const int SORT_WARPS = 8, SORT_THREADS = SORT_WARPS * WARP, MOST_BITS = 10;

/* One pass by bits shift .. shift + bits - 1 of the code. */
struct Pass {
    int32_t *order;
    uint16_t *code; /* where they go */
    const int32_t *from_order;
    const uint16_t *from_code; /* where they come from: NULL for the codes as they were made */
    int32_t *start;
    int shift, bits;
};

/* What comes to one place: row, code and bin; masked rows have the bin behind all others. */
struct Item {
    int32_t row;
    int code, bin;
};

__device__ static Item item_at(const Pass &p, const Codes &codes, const uint8_t *keep, int64_t head,
                               int64_t hash, int64_t list, int64_t place)
{
    Item item;
    if (p.from_code) {
        item.row = p.from_order[list + place];
        item.code = p.from_code[list + place];
    } else {
        bool kept = !keep || keep[place];
        item.row = kept ? (int32_t)place : -1;
        item.code = kept ? codes.at(head, hash, place) : 0xffff;
    }
    item.bin = item.row < 0 ? 1 << p.bits : item.code >> p.shift & ((1 << p.bits) - 1);
    return item;
}

/* counts[warp][bin] become the places of each warp's first item of each bin; total[bin] the first
 * place of the bin. */
__device__ static void starts_of(int *counts, int *total, int bins, int first)
{
    for (int bin = threadIdx.x; bin < bins; bin += SORT_THREADS) {
        int sum = 0;
        for (int w = 0; w < SORT_WARPS; w++) {
            int here = counts[w * bins + bin];
            counts[w * bins + bin] = sum;
            sum += here;
        }
        total[bin] = sum;
    }
    __syncthreads();
    if (threadIdx.x < WARP) {
        int carry = first;
        for (int base = 0; base < bins; base += WARP) {
            int bin = base + threadIdx.x, here = bin < bins ? total[bin] : 0, sum = here;
            for (int step = 1; step < WARP; step *= 2) {
                int below = __shfl_up_sync(FULL, sum, step);
                sum += (int)threadIdx.x >= step ? below : 0;
            }
            if (bin < bins)
                total[bin] = carry + sum - here;
            carry += __shfl_sync(FULL, sum, WARP - 1);
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < SORT_WARPS * bins; i += SORT_THREADS)
        counts[i] += total[i % bins];
    __syncthreads();
}

__global__ void __launch_bounds__(SORT_THREADS)
    sort_codes_kernel(Pass p, Codes codes, const uint8_t *keep, const int64_t *offset)
{
    DYNAMIC_SHARED(int, counts);
    int bins = (1 << p.bits) + 1, warp = threadIdx.x / WARP, lane = threadIdx.x % WARP;
    int *mine = counts + warp * bins, *total = counts + SORT_WARPS * bins;
    int64_t head = blockIdx.y, hash = blockIdx.z;
    int64_t list = (head * codes.num_hash + hash) * codes.rows;
    int64_t first = offset[blockIdx.x], count = offset[blockIdx.x + 1] - first;
    /* Each warp has a stretch of places. */
    int64_t stretch = (count + SORT_WARPS - 1) / SORT_WARPS;
    int64_t low = first + warp * stretch, high = low + stretch;
    high = high < first + count ? high : first + count;
    for (int i = threadIdx.x; i < SORT_WARPS * bins; i += SORT_THREADS)
        counts[i] = 0;
    __syncthreads();
    for (int64_t place = low + lane; place < high; place += WARP)
        atomicAdd(mine + item_at(p, codes, keep, head, hash, list, place).bin, 1);
    __syncthreads();
    starts_of(counts, total, bins, (int)first);
    if (p.start) {
        int64_t all = (blockIdx.x * gridDim.y + head) * gridDim.z + hash;
        for (int bin = threadIdx.x; bin < bins; bin += SORT_THREADS)
            p.start[all * bins + bin] = total[bin];
    }
    for (int64_t base = low; base < high; base += WARP) {
        int64_t place = base + lane;
        Item item = {0, 0, -1};
        if (place < high)
            item = item_at(p, codes, keep, head, hash, list, place);
        unsigned peers = __match_any_sync(FULL, item.bin), before = peers & ((1u << lane) - 1);
        int64_t to = item.bin >= 0 ? mine[item.bin] + __popc(before) : 0;
        __syncwarp();
        if (item.bin >= 0 && before == 0)
            mine[item.bin] += __popc(peers);
        if (item.bin >= 0) {
            p.order[list + to] = item.row;
            p.code[list + to] = (uint16_t)item.code;
        }
        __syncwarp();
    }
}

yoso_status Sorting::sort(const Codes &codes, const uint8_t *keep, const int64_t *offset,
                          const yo_attention *at, yo_stream *stream)
{
    Scratch spare_order, spare_code;
    const void *starts;
    int64_t all = codes.rows * at->heads * codes.num_hash, buckets = (int64_t)1 << at->code_len;
    int64_t lists = at->sequences * at->heads * codes.num_hash;
    bool twice = at->code_len > MOST_BITS;
    YO_TRY(constant(&starts, offset, (size_t)(at->sequences + 1) * sizeof(int64_t)));
    YO_TRY(order.take((size_t)all * sizeof(int32_t)));
    YO_TRY(code.take((size_t)all * sizeof(uint16_t)));
    if (twice) {
        YO_TRY(spare_order.take((size_t)all * sizeof(int32_t)));
        YO_TRY(spare_code.take((size_t)all * sizeof(uint16_t)));
    } else {
        YO_TRY(start.take((size_t)(lists * (buckets + 1)) * sizeof(int32_t)));
    }
    rows = SortedRows{order.as<int32_t>(), code.as<uint16_t>(), twice ? nullptr : start.as<int32_t>(),
                      codes.rows,          at->heads,           codes.num_hash,
                      (int32_t)buckets};
    Pass pass = {order.as<int32_t>(), code.as<uint16_t>(), nullptr, nullptr, start.as<int32_t>(), 0,
                 at->code_len};
    dim3 grid((unsigned)at->sequences, (unsigned)at->heads, (unsigned)codes.num_hash);
    for (int i = 0; i <= (int)twice; i++) {
        if (twice && i == 0)
            pass = Pass{spare_order.as<int32_t>(), spare_code.as<uint16_t>(), nullptr, nullptr,
                        nullptr, 0, 8};
        else if (twice)
            pass = Pass{order.as<int32_t>(), code.as<uint16_t>(), spare_order.as<int32_t>(),
                        spare_code.as<uint16_t>(), nullptr, 8, at->code_len - 8};
        size_t bytes = (size_t)(SORT_WARPS + 1) * (((size_t)1 << pass.bits) + 1) * sizeof(int);
        YO_TRY(launch("lsh_weighted_cumulation", sort_codes_kernel, grid, SORT_THREADS, bytes,
                      stream, pass, codes, keep, static_cast<const int64_t *>(starts)));
    }
    return YOSO_OK;
}
