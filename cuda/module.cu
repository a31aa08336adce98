/* The module's door: driver and device, the stream, copies, and how failures are told. */
#include <stdio.h>
#include <stdlib.h>

#include "cuda/device.cuh"
#include "cuda/fault.cuh"

extern const yo_kernels yo_cuda_kernels;

namespace yo_cuda
{

const yo_module_host *host;
cudaStream_t the_stream;
static Fault *fault_host, *fault_device;
static bool synchronous; /* YOSO_CUDA_SYNC: wait after each launch, so that it is the culprit */

Fault *fault_record()
{
    return fault_device;
}

yoso_status check(cudaError_t error, const char *what)
{
    if (error == cudaSuccess)
        return YOSO_OK;
    return yo_cuda_fail(error == cudaErrorMemoryAllocation ? YOSO_NO_MEMORY : YOSO_UNSUPPORTED,
                        "%s: device cuda: %s", what, cudaGetErrorString(error));
}

static yoso_status tell_fault()
{
    Fault fault = *fault_host;
    *fault_host = Fault();
    const long long *detail = fault.detail;
    switch (fault.kind) {
    case ZERO_DIVISOR:
        return yo_cuda_fail(YOSO_MISUSE, "div: integer division by zero");
    case GATHER_RANGE:
    case SCATTER_RANGE:
        return yo_cuda_fail(YOSO_MISUSE, "%s: a position is not %lld to %lld",
                            fault.kind == GATHER_RANGE ? "gather" : "scatter", detail[0],
                            detail[1]);
    case ID_RANGE:
        return yo_cuda_fail(YOSO_MISUSE,
                            "embedding: id %lld at position %lld is outside the table's 0 to %lld",
                            detail[0], detail[1], detail[2]);
    case LABEL_RANGE:
        return yo_cuda_fail(YOSO_MISUSE,
                            "cross_entropy: label %lld at position %lld is outside 0 to %lld "
                            "(ignored: %lld)",
                            detail[0], detail[1], detail[2], detail[3]);
    default:
        return yo_cuda_fail(YOSO_MISUSE,
                            "lsh_cumulation: code %lld, must be 0 to %lld for hash_code_len %lld",
                            detail[0], detail[1], detail[2]);
    }
}

/* The fault that a kernel has noted, if one has: volatile, because the device writes it. */
static yoso_status check_fault()
{
    return static_cast<volatile Fault *>(fault_host)->ready ? tell_fault() : YOSO_OK;
}

static yoso_status synchronize()
{
    if (is_capturing())
        return refuse_capture("waiting for a result");
    YO_TRY(check(cudaStreamSynchronize(the_stream), "synchronize"));
    return check_fault();
}

yoso_status launched(const char *name)
{
    YO_TRY(check(cudaGetLastError(), name));
    if (synchronous && !is_capturing())
        YO_TRY(check(cudaStreamSynchronize(the_stream), name));
    return check_fault();
}

static yoso_status check_driver()
{
    int driver = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
        return yo_cuda_fail(YOSO_UNSUPPORTED, "device cuda: no NVIDIA driver is loaded here");
    int devices = 0;
    cudaError_t error = cudaGetDeviceCount(&devices);
    cudaGetLastError();
    if (error == cudaErrorInsufficientDriver)
        return yo_cuda_fail(YOSO_UNSUPPORTED,
                            "device cuda: wrong version: the driver is for CUDA %d.%d, the module "
                            "was built with CUDA %d.%d",
                            driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
                            CUDART_VERSION % 1000 / 10);
    if (error == cudaErrorNoDevice || (error == cudaSuccess && devices == 0))
        return yo_cuda_fail(YOSO_UNSUPPORTED,
                            "device cuda: the driver is here (CUDA %d.%d), but no device",
                            driver / 1000, driver % 1000 / 10);
    return check(error, "open");
}

static yoso_status open_device()
{
    YO_TRY(check_driver());
    YO_TRY(check(cudaSetDevice(0), "open"));
    YO_TRY(check(cudaStreamCreateWithFlags(&the_stream, cudaStreamNonBlocking), "open"));
    YO_TRY(open_memory());
    void *record, *device;
    YO_TRY(check(cudaHostAlloc(&record, sizeof(Fault), cudaHostAllocMapped), "open"));
    YO_TRY(check(cudaHostGetDevicePointer(&device, record, 0), "open"));
    fault_host = static_cast<Fault *>(record);
    fault_device = static_cast<Fault *>(device);
    *fault_host = Fault();
    const char *wish = getenv("YOSO_CUDA_SYNC");
    synchronous = wish && *wish && *wish != '0';
    return YOSO_OK;
}

static yo_stream *stream()
{
    return (yo_stream *)the_stream;
}

/* From the host the bytes are taken before this returns, and the copy runs behind the program. */
static yoso_status transfer(void *target, const void *source, size_t bytes, int32_t direction)
{
    static const cudaMemcpyKind kinds[] = {cudaMemcpyDeviceToDevice, cudaMemcpyHostToDevice,
                                           cudaMemcpyDeviceToHost};
    if (direction != YO_WITHIN_DEVICE && is_capturing())
        return refuse_capture("a copy from or to the host");
    YO_TRY(check(cudaMemcpyAsync(target, source, bytes, kinds[direction], the_stream), "copy"));
    return direction == YO_TO_HOST ? synchronize() : YOSO_OK;
}

static yoso_status count(int32_t *devices)
{
    int found = 0;
    YO_TRY(check_driver());
    YO_TRY(check(cudaGetDeviceCount(&found), "count"));
    *devices = found;
    return YOSO_OK;
}

static yoso_status describe(char *text, size_t size, int32_t device)
{
    cudaDeviceProp properties;
    YO_TRY(check(cudaGetDeviceProperties(&properties, device), "describe"));
    snprintf(text, size, "%s, compute capability %d.%d, %d multiprocessors, %.1f GiB",
             properties.name, properties.major, properties.minor, properties.multiProcessorCount,
             (double)properties.totalGlobalMem / (1 << 30));
    return YOSO_OK;
}

yoso_status Scratch::download(int64_t *target, size_t index)
{
    return transfer(target, as<int64_t>() + index, sizeof *target, YO_TO_HOST);
}

} // namespace yo_cuda

extern "C" __attribute__((visibility("default"))) const yo_module *
yoso_module(const yo_module_host *library)
{
    static const yo_module module = {
        YO_MODULE_VERSION,    YOSO_ABI,          sizeof(yo_kernels),   &yo_cuda_kernels,
        yo_cuda::open_device, yo_cuda::stream,   yo_cuda::take,        yo_cuda::give,
        yo_cuda::zero,        yo_cuda::transfer, yo_cuda::synchronize, yo_cuda::count,
        yo_cuda::describe,    yo_cuda::peak,          yo_cuda::capture_begin, yo_cuda::capture_end, yo_cuda::replay,
        yo_cuda::graph_seeds, yo_cuda::graph_free};
    yo_cuda::host = library;
    return &module;
}
