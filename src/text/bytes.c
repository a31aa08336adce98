/* Growing arrays: see bytes.h. */
#include "text/bytes.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "core/memory.h"

/* Asks for huge pages in a large block: most of the time that results of megabytes take goes into
 * faulting small ones in, and threads wait for each other there. Only a hint. */
static void ask_for_huge_pages(void *data, size_t bytes)
{
#ifdef MADV_HUGEPAGE
    enum { PAGE = 4096, LARGE = 1 << 22 };
    uintptr_t start = ((uintptr_t)data + PAGE - 1) / PAGE * PAGE;
    uintptr_t end = ((uintptr_t)data + bytes) / PAGE * PAGE;
    if (bytes >= LARGE)
        madvise((void *)start, end - start, MADV_HUGEPAGE);
#else
    (void)data, (void)bytes;
#endif
}

yoso_status yo_grow(void **data, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return YOSO_OK;
    size_t room = *capacity + *capacity / 2 + 16, bytes;
    if (room < need)
        room = need;
    if (!yo_multiply(room, size, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: %zu elements of %zu bytes", room, size);
    void *grown = realloc(*data, bytes);
    if (grown == NULL)
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for %zu bytes", bytes);
    ask_for_huge_pages(grown, bytes);
    *data = grown;
    *capacity = room;
    return YOSO_OK;
}

void yo_bytes_free(yo_bytes *bytes)
{
    free(bytes->data);
    *bytes = (yo_bytes){0};
}
