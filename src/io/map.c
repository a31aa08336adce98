/* Mapped files, and tensors that stand on their bytes. The pages are private: a tensor that is
 * written to takes its own copy of a page, the file stays as it is. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"
#include "core/tensor.h"
#include "io/formats.h"

struct yoso_map {
    atomic_int references;
    uint8_t *data;
    int64_t size;
};

static yoso_status map_descriptor(yoso_map *map, int fd, const char *path)
{
    struct stat about;
    if (fstat(fd, &about) != 0 || !S_ISREG(about.st_mode))
        return yo_fail(YOSO_IO, "%s: is no regular file", path);
    map->size = about.st_size;
    if (map->size == 0)
        return YOSO_OK;
    void *data = mmap(NULL, (size_t)map->size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (data == MAP_FAILED)
        return yo_fail(errno == ENOMEM ? YOSO_NO_MEMORY : YOSO_IO, "%s: cannot map: %s", path,
                       strerror(errno));
    madvise(data, (size_t)map->size, MADV_WILLNEED);
    map->data = data;
    return YOSO_OK;
}

yoso_status yoso_map_open(yoso_map **out, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return yo_fail(YOSO_IO, "%s: %s", path, strerror(errno));
    yoso_map *map = calloc(1, sizeof *map);
    if (!map) {
        close(fd);
        return yo_fail(YOSO_NO_MEMORY, "%s: out of memory while opening", path);
    }
    atomic_init(&map->references, 1);
    yoso_status status = map_descriptor(map, fd, path);
    close(fd);
    if (status != YOSO_OK) {
        free(map);
        return status;
    }
    *out = map;
    return YOSO_OK;
}

static void release(void *owner)
{
    yoso_map *map = owner;
    if (atomic_fetch_sub_explicit(&map->references, 1, memory_order_acq_rel) != 1)
        return;
    if (map->data)
        munmap(map->data, (size_t)map->size);
    free(map);
}

void yoso_map_free(yoso_map *map)
{
    if (map)
        release(map);
}

int64_t yoso_map_size(const yoso_map *map)
{
    return map->size;
}

const uint8_t *yoso_map_data(const yoso_map *map)
{
    return map->data;
}

yoso_status yoso_map_tensor(yoso_tensor **out, yoso_map *map, const char *format, int32_t ndim,
                            const int64_t *shape, int64_t offset)
{
    const yo_format *of = yo_format_find(format);
    if (!of)
        return yo_fail(YOSO_FORMAT, "elements of format %.32s are not supported", format);
    int64_t count, bytes;
    YO_TRY(yo_shape_count(&count, "map_tensor", ndim, shape));
    if (offset < 0 || offset > map->size || __builtin_mul_overflow(count, of->size, &bytes) ||
        bytes > map->size - offset)
        return yo_fail(YOSO_FORMAT, "%s %s at byte %lld leaves the file of %lld bytes", format,
                       yo_shape_to_text(ndim, shape).text, (long long)offset, (long long)map->size);
    uint8_t *data = map->data ? map->data + offset : NULL;
    if (bytes > 0 && !of->convert && (uintptr_t)data % (size_t)of->size == 0) {
        atomic_fetch_add_explicit(&map->references, 1, memory_order_relaxed);
        yoso_status status =
            yo_tensor_adopt(out, of->dtype, ndim, shape, data, (size_t)bytes, release, map);
        if (status != YOSO_OK)
            release(map);
        return status;
    }
    yoso_tensor *tensor;
    YO_TRY(yoso_tensor_new(&tensor, of->dtype, YOSO_CPU, ndim, shape));
    if (of->convert)
        of->convert(yo_tensor_data(tensor), data, count);
    else if (bytes > 0)
        memcpy(yo_tensor_data(tensor), data, (size_t)bytes);
    *out = tensor;
    return YOSO_OK;
}
