/* Large blocks (src/core/extents.c, compiled into this test): they never overlap, what is given
 * back serves blocks of other sizes, and trimming leaves nothing behind. */
#include <stdint.h>

#include "check.h"
#include "core/extents.h"

enum { GRAIN = YO_EXTENT_GRAIN, BLOCKS = 200, STEPS = 20000 };

static unsigned next_random(void)
{
    static uint64_t state = 88172645463325252u;
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return (unsigned)(state >> 32);
}

static void sizes(void)
{
    CHECK(yo_extent_size(1) == GRAIN && yo_extent_size(GRAIN) == GRAIN);
    CHECK(yo_extent_size(GRAIN + 1) == 2 * GRAIN);
    CHECK(yo_extents_cached() == 0);
    yo_extents_trim(); /* of nothing */
    CHECK(yo_extents_take((size_t)1 << 60) == NULL);
    CHECK(yo_extents_cached() == 0);
}

/* Three neighbours: the middle one's place waits until those beside it are free too. */
static void neighbours(void)
{
    char *a = yo_extents_take(2 * GRAIN), *b = yo_extents_take(3 * GRAIN);
    char *c = yo_extents_take(GRAIN), *last = yo_extents_take(GRAIN);
    CHECK(a && b && c && last && (uintptr_t)a % GRAIN == 0);
    CHECK(b == a + 2 * GRAIN && c == b + 3 * GRAIN);
    yo_extents_give(b);
    CHECK(yo_extents_cached() == 3 * GRAIN);
    CHECK(yo_extents_take(GRAIN) == b && yo_extents_cached() == 2 * GRAIN);
    yo_extents_give(b);
    yo_extents_give(a);
    yo_extents_give(c);
    CHECK(yo_extents_cached() == 6 * GRAIN);
    CHECK(yo_extents_take(6 * GRAIN) == a && yo_extents_cached() == 0);
    yo_extents_give(a);
    yo_extents_give(last);
    CHECK(yo_extents_cached() == 7 * GRAIN);
    CHECK(yo_extents_take(9 * GRAIN) == a); /* and what was never in use */
    CHECK(yo_extents_cached() == 0);
    memset(a, 1, 9 * GRAIN);
    yo_extents_give(a);
    yo_extents_trim();
    CHECK(yo_extents_cached() == 0);
}

/* Trimming between blocks in use: they keep what they hold, the rest is zeros again. */
static void trimming(void)
{
    char *a = yo_extents_take(GRAIN), *b = yo_extents_take(GRAIN), *c = yo_extents_take(GRAIN);
    memset(a, 7, GRAIN), memset(b, 7, GRAIN), memset(c, 7, GRAIN);
    yo_extents_give(b);
    yo_extents_trim();
    CHECK(yo_extents_cached() == 0 && a[0] == 7 && c[GRAIN - 1] == 7);
    CHECK(yo_extents_take(GRAIN) == b && b[0] == 0 && b[GRAIN - 1] == 0);
    yo_extents_give(a), yo_extents_give(b), yo_extents_give(c);
    yo_extents_trim();
}

/* A block larger than a region, beside small ones. */
static void larger_than_a_region(void)
{
    size_t size = ((size_t)1 << 30) + GRAIN;
    char *small = yo_extents_take(GRAIN), *large = yo_extents_take(size);
    CHECK(small && large);
    large[0] = large[size - 1] = small[0] = 3;
    yo_extents_give(large);
    CHECK(yo_extents_cached() == size && small[0] == 3);
    yo_extents_give(small);
    yo_extents_trim();
    CHECK(yo_extents_cached() == 0);
}

/* Any order of any sizes: each block keeps the mark at its ends. */
static void any_order(void)
{
    static struct {
        uint32_t *start;
        size_t words;
        uint32_t mark;
    } block[BLOCKS];
    size_t broken = 0, missing = 0, alive = 0, most = 0;
    for (int step = 0; step < STEPS; step++) {
        int i = (int)(next_random() % BLOCKS);
        if (block[i].start) {
            broken += block[i].start[0] != block[i].mark ||
                      block[i].start[block[i].words - 1] != block[i].mark;
            yo_extents_give(block[i].start);
            alive -= 4 * block[i].words;
            block[i].start = NULL;
            continue;
        }
        size_t size = yo_extent_size(1 + next_random() % (40 * GRAIN));
        block[i].start = yo_extents_take(size);
        missing += !block[i].start;
        if (!block[i].start)
            continue;
        block[i].words = size / 4;
        block[i].mark = next_random();
        block[i].start[0] = block[i].start[block[i].words - 1] = block[i].mark;
        alive += size;
        most = alive > most ? alive : most;
    }
    CHECK(broken == 0 && missing == 0);
    CHECK(alive + yo_extents_cached() < most + most / 2); /* little is lost between the blocks */
    for (int i = 0; i < BLOCKS; i++)
        if (block[i].start)
            yo_extents_give(block[i].start);
    yo_extents_trim();
    CHECK(yo_extents_cached() == 0);
}

int main(void)
{
    sizes();
    neighbours();
    trimming();
    larger_than_a_region();
    any_order();
    return finish();
}
