/* Folders: what a path is, making one, listing one. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/status.h"

struct yoso_folder {
    char **names;
    int64_t count;
    int64_t room;
};

int32_t yoso_path_kind(const char *path)
{
    struct stat about;
    if (stat(path, &about) != 0)
        return 0;
    return S_ISDIR(about.st_mode) ? 2 : 1;
}

static yoso_status make_one(const char *path)
{
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && yoso_path_kind(path) == 2))
        return YOSO_OK;
    return yo_fail(YOSO_IO, "%s: cannot make the folder: %s", path, strerror(errno));
}

yoso_status yoso_folder_make(const char *path)
{
    char *copy = strdup(path);
    if (!copy)
        return yo_fail(YOSO_NO_MEMORY, "%s: out of memory while making the folder", path);
    yoso_status status = YOSO_OK;
    for (char *at = copy; *at && status == YOSO_OK; at++) {
        if (*at != '/' || at == copy)
            continue;
        *at = '\0';
        if (yoso_path_kind(copy) != 2)
            status = make_one(copy);
        *at = '/';
    }
    if (status == YOSO_OK)
        status = make_one(path);
    free(copy);
    return status;
}

static bool append(yoso_folder *folder, const char *name)
{
    if (folder->count == folder->room) {
        int64_t room = folder->room ? 2 * folder->room : 16;
        char **names = realloc(folder->names, (size_t)room * sizeof *names);
        if (!names)
            return false;
        folder->names = names;
        folder->room = room;
    }
    char *copy = strdup(name);
    if (copy)
        folder->names[folder->count++] = copy;
    return copy != NULL;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

yoso_status yoso_folder_open(yoso_folder **out, const char *path)
{
    DIR *stream = opendir(path);
    if (!stream)
        return yo_fail(YOSO_IO, "%s: %s", path, strerror(errno));
    yoso_folder *folder = calloc(1, sizeof *folder);
    bool enough = folder != NULL;
    struct dirent *entry;
    while (enough && (entry = readdir(stream)))
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            enough = append(folder, entry->d_name);
    closedir(stream);
    if (!enough) {
        yoso_folder_free(folder);
        return yo_fail(YOSO_NO_MEMORY, "%s: out of memory while listing", path);
    }
    if (folder->count > 0)
        qsort(folder->names, (size_t)folder->count, sizeof *folder->names, compare);
    *out = folder;
    return YOSO_OK;
}

int64_t yoso_folder_count(const yoso_folder *folder)
{
    return folder->count;
}

const char *yoso_folder_name(const yoso_folder *folder, int64_t index)
{
    return index >= 0 && index < folder->count ? folder->names[index] : NULL;
}

void yoso_folder_free(yoso_folder *folder)
{
    if (!folder)
        return;
    for (int64_t i = 0; i < folder->count; i++)
        free(folder->names[i]);
    free(folder->names);
    free(folder);
}
