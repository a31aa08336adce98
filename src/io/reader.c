/* Files read as a stream of bytes. zlib recognises gzip by its first bytes and passes anything
 * else through, so one path serves plain and compressed files. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "core/status.h"

struct yoso_file {
    gzFile stream;
    char *path;
};

enum { STREAM_BUFFER = 1 << 16 };

/* A descriptor of a readable file that is no folder. */
static yoso_status open_file(int *descriptor, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return yo_fail(YOSO_IO, "%s: %s", path, strerror(errno));
    struct stat about;
    if (fstat(fd, &about) != 0 || S_ISDIR(about.st_mode)) {
        close(fd);
        return yo_fail(YOSO_IO, "%s: is a folder, must be a file", path);
    }
    *descriptor = fd;
    return YOSO_OK;
}

yoso_status yoso_file_open(yoso_file **out, const char *path)
{
    int fd = -1;
    YO_TRY(open_file(&fd, path));
    yoso_file *file = calloc(1, sizeof *file);
    if (file)
        file->path = strdup(path);
    if (file && file->path)
        file->stream = gzdopen(fd, "rb");
    if (!file || !file->stream) {
        close(fd);
        yoso_file_close(file);
        return yo_fail(YOSO_NO_MEMORY, "%s: out of memory while opening", path);
    }
    gzbuffer(file->stream, STREAM_BUFFER);
    *out = file;
    return YOSO_OK;
}

yoso_status yoso_file_read(yoso_file *file, void *buffer, int64_t room, int64_t *got)
{
    unsigned wanted = room > (1 << 30) ? 1u << 30 : room < 0 ? 0u : (unsigned)room;
    int count = gzread(file->stream, buffer, wanted);
    int code;
    const char *text = gzerror(file->stream, &code);
    if (code == Z_ERRNO)
        return yo_fail(YOSO_IO, "%s: %s", file->path, strerror(errno));
    /* A stream that ends too early gives its last bytes first, with the error set. */
    if (count < 0 || code == Z_BUF_ERROR || code == Z_DATA_ERROR)
        return yo_fail(YOSO_FORMAT, "%s: damaged gzip data: %s", file->path, text);
    *got = count;
    return YOSO_OK;
}

void yoso_file_close(yoso_file *file)
{
    if (!file)
        return;
    if (file->stream)
        gzclose_r(file->stream);
    free(file->path);
    free(file);
}
