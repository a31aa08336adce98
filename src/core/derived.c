/* The lists of derived data. One lock serves all: making an entry is rare, finding one is short. */
#include "core/derived.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/status.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int same_view(const yo_view *a, const yo_view *b)
{
    size_t bytes = (size_t)a->ndim * sizeof a->shape[0];
    return a->data == b->data && a->dtype == b->dtype && a->ndim == b->ndim &&
           memcmp(a->shape, b->shape, bytes) == 0 && memcmp(a->stride, b->stride, bytes) == 0;
}

/* Takes the entries of other versions out of the list: their bytes are no longer the storage's. */
static void drop_stale(yo_derived **list, int64_t version)
{
    while (*list) {
        yo_derived *entry = *list;
        if (entry->version == version) {
            list = &entry->next;
        } else {
            *list = entry->next;
            entry->release(entry);
        }
    }
}

/* The process need not keep pages of a file that its kernels no longer read: whoever does reads
 * them again. What was written to, in a page of its own, could not be had back so. */
static void drop_pages(const yo_view *view)
{
    size_t bytes = (size_t)yoso_dtype_size(view->dtype), page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < view->ndim; i++)
        bytes *= (size_t)view->shape[i];
    uintptr_t start = ((uintptr_t)view->data + page - 1) / page * page;
    uintptr_t end = ((uintptr_t)view->data + bytes) / page * page;
    if (start < end)
        madvise((void *)start, end - start, MADV_DONTNEED); /* failing costs memory alone */
}

static bool is_dense(const yo_view *view)
{
    return view->ndim == 2 && view->stride[1] == 1 && view->stride[0] == view->shape[1];
}

static yoso_status find_or_make(yo_derived **out, const yo_weight *weight, int32_t kind,
                                yo_derived_make make)
{
    drop_stale(weight->derived, weight->version);
    for (yo_derived *entry = *weight->derived; entry; entry = entry->next)
        if (entry->kind == kind && same_view(&entry->source, &weight->view)) {
            *out = entry;
            return YOSO_OK;
        }
    yo_derived *made;
    YO_TRY(make(&made, &weight->view));
    if (weight->from_file && is_dense(&weight->view))
        drop_pages(&weight->view);
    made->version = weight->version;
    made->source = weight->view;
    made->next = *weight->derived;
    *weight->derived = made;
    *out = made;
    return YOSO_OK;
}

yoso_status yo_derived_find(yo_derived **out, const yo_weight *weight, int32_t kind,
                            yo_derived_make make)
{
    pthread_mutex_lock(&lock);
    yoso_status status = find_or_make(out, weight, kind, make);
    pthread_mutex_unlock(&lock);
    return status;
}

void yo_derived_release(yo_derived *list)
{
    while (list) {
        yo_derived *next = list->next;
        list->release(list);
        list = next;
    }
}
