/* Files written whole or not at all: the bytes go to a temporary file beside the target, which
 * takes the target's name once everything is on disk. A reader that has the old file open (or
 * mapped) keeps the old contents. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/status.h"
#include "core/tensor.h"

struct yoso_writer {
    int fd; /* -1 once closed */
    char *path;
    char *temporary; /* "" once moved */
};

/* Closes and removes what is left of an unfinished file. */
void yoso_writer_free(yoso_writer *writer)
{
    if (!writer)
        return;
    if (writer->fd >= 0)
        close(writer->fd);
    if (writer->temporary && writer->temporary[0])
        unlink(writer->temporary);
    free(writer->temporary);
    free(writer->path);
    free(writer);
}

static yoso_status open_temporary(yoso_writer *writer, const char *path)
{
    struct stat about;
    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        return yo_fail(YOSO_IO, "%s: cannot write, it is a folder", path);
    static const char ending[] = ".part";
    size_t room = strlen(path) + sizeof ".XXXXXX" + strlen(ending);
    writer->path = strdup(path);
    char *name = malloc(room);
    if (!writer->path || !name) {
        free(name);
        return yo_fail(YOSO_NO_MEMORY, "%s: out of memory while opening", path);
    }
    snprintf(name, room, "%s.XXXXXX%s", path, ending);
    writer->fd = mkostemps(name, (int)strlen(ending), O_CLOEXEC);
    if (writer->fd < 0) {
        free(name);
        return yo_fail(YOSO_IO, "%s: cannot write: %s", path, strerror(errno));
    }
    writer->temporary = name;
    /* mkostemps makes files for their owner alone; ours get what others would. */
    mode_t mask = umask(0);
    umask(mask);
    fchmod(writer->fd, 0666 & ~mask);
    return YOSO_OK;
}

yoso_status yoso_writer_open(yoso_writer **out, const char *path)
{
    yoso_writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        return yo_fail(YOSO_NO_MEMORY, "%s: out of memory while opening", path);
    writer->fd = -1;
    yoso_status status = open_temporary(writer, path);
    if (status != YOSO_OK) {
        yoso_writer_free(writer);
        return status;
    }
    *out = writer;
    return YOSO_OK;
}

yoso_status yoso_writer_write(yoso_writer *writer, const void *data, int64_t bytes)
{
    if (writer->fd < 0)
        return yo_fail(YOSO_MISUSE, "%s: written to after it was committed", writer->path);
    const char *next = data;
    while (bytes > 0) {
        ssize_t count = write(writer->fd, next, (size_t)bytes);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return yo_fail(YOSO_IO, "%s: cannot write: %s", writer->path, strerror(errno));
        next += count;
        bytes -= count;
    }
    return YOSO_OK;
}

yoso_status yoso_writer_write_tensor(yoso_writer *writer, const yoso_tensor *tensor)
{
    if (tensor->storage->device != YOSO_CPU || !yoso_tensor_is_contiguous(tensor))
        return yo_fail(YOSO_MISUSE,
                       "writer_write_tensor: the tensor of shape %s must be "
                       "contiguous and on the CPU",
                       yo_text(tensor).text);
    return yoso_writer_write(writer, yo_tensor_data(tensor),
                             yoso_tensor_numel(tensor) * yoso_dtype_size(tensor->dtype));
}

yoso_status yoso_writer_commit(yoso_writer *writer)
{
    if (writer->fd < 0)
        return yo_fail(YOSO_MISUSE, "%s: committed twice", writer->path);
    bool stored = fsync(writer->fd) == 0 || errno == EINVAL;
    stored = close(writer->fd) == 0 && stored;
    writer->fd = -1;
    if (!stored || rename(writer->temporary, writer->path) != 0)
        return yo_fail(YOSO_IO, "%s: cannot write: %s", writer->path, strerror(errno));
    writer->temporary[0] = '\0';
    return YOSO_OK;
}
