/* The lists of derived data. One lock serves all: making an entry is rare, finding one is short. */
#include "core/derived.h"

#include <pthread.h>
#include <string.h>

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
