/* First fit over one list: there are hundreds of large blocks, not millions. The oldest region
 * comes first, and in it the lowest address: what was never in use, at the last region's end, is so
 * taken last. */
#include "core/extents.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#define ASAN_UNPOISON_MEMORY_REGION(start, size) ((void)(start), (void)(size))
#endif

#define HUGE_PAGE ((size_t)2 << 20)
/* Address space that is asked for at once; memory it becomes where it is written. */
#define REGION ((size_t)1 << 30)

typedef struct extent {
    char *start;
    size_t size;
    size_t touched; /* bytes of a free one that were in use before, taken to lie at its start */
    bool used;
    bool begins; /* a region: it never joins what is before it */
} extent;

static extent *list;
static size_t count, room, cached;

/* Room for two extents more: a region, and what a block leaves of it. */
static bool reserve(void)
{
    if (count + 2 <= room)
        return true;
    size_t wanted = room ? 2 * room : 64;
    extent *longer = realloc(list, wanted * sizeof *list);
    if (!longer)
        return false;
    list = longer;
    room = wanted;
    return true;
}

static void insert(size_t at, extent e)
{
    memmove(list + at + 1, list + at, (count - at) * sizeof *list);
    list[at] = e;
    count++;
}

static void erase(size_t at)
{
    memmove(list + at, list + at + 1, (count - at - 1) * sizeof *list);
    count--;
}

/* Address space on a huge page's boundary, or NULL. */
static char *map(size_t size)
{
    char *whole =
        mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_PAGE - (uintptr_t)whole % HUGE_PAGE) % HUGE_PAGE;
    if (before)
        munmap(whole, before);
    munmap(whole + before + size, HUGE_PAGE - before);
#ifdef MADV_HUGEPAGE
    /* Products that write rows far apart are a tenth faster on huge pages; failing changes nothing.
     */
    madvise(whole + before, size, MADV_HUGEPAGE);
#endif
    return whole + before;
}

/* A region that holds `size` bytes, at the list's end. */
static bool add_region(size_t size)
{
    size_t whole = (size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    char *start = whole < REGION ? map(REGION) : NULL;
    if (start)
        whole = REGION;
    else
        start = map(whole);
    if (!start)
        return false;
    insert(count, (extent){.start = start, .size = whole, .begins = true});
    ASAN_POISON_MEMORY_REGION(start, whole);
    return true;
}

void *yo_extents_take(size_t size)
{
    size_t at = 0;
    while (at < count && (list[at].used || list[at].size < size))
        at++;
    if (!reserve() || (at == count && !add_region(size)))
        return NULL;
    extent *e = list + at;
    size_t touched = e->touched < size ? e->touched : size;
    cached -= touched;
    if (e->size > size) {
        extent rest = {
            .start = e->start + size, .size = e->size - size, .touched = e->touched - touched};
        insert(at + 1, rest);
        e = list + at;
    }
    e->size = size;
    e->used = true;
    ASAN_UNPOISON_MEMORY_REGION(e->start, size);
    return e->start;
}

/* Joins the free extents at and at + 1 of one region. */
static void join(size_t at)
{
    if (at + 1 >= count || list[at].used || list[at + 1].used || list[at + 1].begins)
        return;
    list[at].touched += list[at + 1].touched;
    list[at].size += list[at + 1].size;
    erase(at + 1);
}

void yo_extents_give(void *block)
{
    size_t at = 0;
    while (list[at].start != block)
        at++;
    list[at].used = false;
    list[at].touched = list[at].size;
    cached += list[at].size;
    ASAN_POISON_MEMORY_REGION(block, list[at].size);
    join(at);
    if (at > 0)
        join(at - 1);
}

size_t yo_extents_cached(void)
{
    return cached;
}

void yo_extents_trim(void)
{
    for (size_t at = count; at-- > 0;) {
        extent *e = list + at;
        if (e->used)
            continue;
        if (e->begins && (at + 1 == count || list[at + 1].begins)) { /* all of a region */
            ASAN_UNPOISON_MEMORY_REGION(e->start, e->size);
            munmap(e->start, e->size);
            erase(at);
            continue;
        }
        if (e->touched)
            madvise(e->start, e->size, MADV_DONTNEED);
        e->touched = 0;
    }
    cached = 0;
}
