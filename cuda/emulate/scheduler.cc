/* Runs a grid: blocks in turn, their threads as fibers, barriers and meetings of warps. */
#include <stdio.h>
#include <stdlib.h>

#include <vector>

#include "cuda/emulate/emulate.h"
#include "cuda/emulate/fiber.h"

namespace emulate
{

Thread *self;
dim3 block_size, grid_size;
uint3 block_index;
void *dynamic_shared;

namespace
{

enum State { NEW, READY, AT_BARRIER, MEETING, DONE };

struct Copy {
    void *to;
    const void *from;
    unsigned bytes, room, group;
};

struct Slot {
    Thread thread;
    State state;
    Fiber *fiber;
    std::vector<Copy> copies;
    unsigned copy_groups; /* ended so far */
};

struct Warp {
    LaneValue value[2][32]; /* by the parity of the meeting: a fast lane may be one ahead */
    unsigned arrived, alive;
    const char *place[32];
};

std::vector<Slot> slots;
std::vector<Warp> warps;
std::vector<void *> shared;
uint64_t block_number; /* over all launches: shared arrays know by it that a block is new */
unsigned alive, at_barrier;
const char *barrier_place;
char failure[256];
void (*kernel)(void *);
void *kernel_argument;

bool same(const char *a, const char *b)
{
    return a == b || strcmp(a, b) == 0;
}

/* A shared array for the running block, all NaN; NULL without memory. */
void *new_shared(size_t bytes)
{
    void *memory;
    if (posix_memalign(&memory, 1024, bytes) != 0)
        return nullptr;
    memset(memory, 0xff, bytes);
    shared.push_back(memory);
    return memory;
}

Slot *me()
{
    return reinterpret_cast<Slot *>(self);
}

Warp *my_warp()
{
    return &warps[(size_t)(me() - slots.data()) / 32];
}

/* Notes the first failure and never comes back: the scheduler gives the block up. */
void fail(const char *what, const char *place)
{
    if (!failure[0])
        snprintf(failure, sizeof failure, "%s at %s, thread (%u, %u, %u) of block (%u, %u, %u)",
                 what, place, self->index.x, self->index.y, self->index.z, block_index.x,
                 block_index.y, block_index.z);
    fiber_pause();
}

void wait_as(State state)
{
    me()->state = state;
    fiber_pause();
}

void run_thread(void *slot)
{
    kernel(kernel_argument);
    static_cast<Slot *>(slot)->state = DONE;
}

void open_barrier()
{
    for (Slot &slot : slots)
        if (slot.state == AT_BARRIER)
            slot.state = READY;
    at_barrier = 0;
    barrier_place = nullptr;
}

void thread_ended(size_t i)
{
    if (!slots[i].copies.empty() && !failure[0])
        snprintf(failure, sizeof failure, "a thread ended without waiting for its copies");
    fiber_give(slots[i].fiber);
    slots[i].fiber = nullptr;
    warps[i / 32].alive &= ~(1u << (i & 31));
    alive--;
    if (at_barrier && at_barrier == alive)
        open_barrier();
}

/* Runs thread i until it waits or ends; false when it could not run. */
bool step(size_t i)
{
    Slot &slot = slots[i];
    if (slot.state == NEW) {
        slot.fiber = fiber_take(run_thread, &slot);
        if (!slot.fiber) {
            snprintf(failure, sizeof failure, "no memory for a thread's stack");
            return false;
        }
        slot.state = READY;
    }
    if (slot.state != READY)
        return false;
    self = &slot.thread;
    fiber_resume(slot.fiber);
    if (slot.state == DONE)
        thread_ended(i);
    return true;
}

void give_up_block()
{
    for (Slot &slot : slots)
        if (slot.fiber) {
            fiber_abandon(slot.fiber);
            slot.fiber = nullptr;
        }
}

void start_block(size_t threads, size_t shared_bytes)
{
    block_number++;
    alive = (unsigned)threads;
    at_barrier = 0;
    barrier_place = nullptr;
    warps.assign((threads + 31) / 32, Warp());
    slots.assign(threads, Slot());
    for (size_t i = 0; i < threads; i++) {
        unsigned x = (unsigned)i;
        slots[i].thread.index = {x % block_size.x, x / block_size.x % block_size.y,
                                 x / (block_size.x * block_size.y)};
        slots[i].thread.lane = x & 31;
        warps[i / 32].alive |= 1u << (i & 31);
    }
    dynamic_shared = shared_bytes ? new_shared(shared_bytes) : nullptr;
    if (shared_bytes && !dynamic_shared)
        snprintf(failure, sizeof failure, "no memory for %zu shared bytes", shared_bytes);
}

void run_block(size_t threads, size_t shared_bytes, bool reverse)
{
    start_block(threads, shared_bytes);
    while (alive && !failure[0]) {
        bool ran = false;
        for (size_t k = 0; k < threads && !failure[0]; k++)
            ran |= step(reverse ? threads - 1 - k : k);
        if (!ran && !failure[0]) {
            const char *place = barrier_place ? barrier_place : "a warp's operation";
            snprintf(failure, sizeof failure,
                     "%u threads wait at %s for others that never come, block (%u, %u, %u)", alive,
                     place, block_index.x, block_index.y, block_index.z);
        }
    }
    if (failure[0])
        give_up_block();
    for (void *memory : shared)
        free(memory);
    shared.clear();
}

} // namespace

void *SharedArray::get(size_t bytes)
{
    if (block != block_number) {
        block = block_number;
        memory = new_shared(bytes);
        if (!memory)
            fail("no memory for a shared array", "SHARED");
    }
    return memory;
}

void barrier(const char *place)
{
    if (barrier_place && !same(barrier_place, place))
        fail("threads of one block wait at different barriers", place);
    barrier_place = place;
    if (++at_barrier == alive)
        open_barrier();
    else
        wait_as(AT_BARRIER);
}

const LaneValue *exchange(unsigned mask, const void *value, size_t bytes, const char *place)
{
    Warp *warp = my_warp();
    unsigned lane = self->lane, parity = self->meetings++ & 1;
    /* A block's last warp may be short: a full mask means those that there are. */
    unsigned wanted = mask == 0xffffffffu && slots.size() % 32 && my_warp() == &warps.back()
                          ? (1u << slots.size() % 32) - 1
                          : mask;
    if (!(wanted >> lane & 1))
        fail("a lane is outside the mask of its own operation", place);
    if (wanted & ~warp->alive)
        fail("the mask names a lane that has ended", place);
    memcpy(warp->value[parity][lane].bytes, value, bytes);
    warp->place[lane] = place;
    warp->arrived |= 1u << lane;
    for (unsigned other = 0; other < 32; other++)
        if ((wanted & warp->arrived) >> other & 1 && !same(warp->place[other], place))
            fail("lanes of one warp meet at different operations", place);
    if ((warp->arrived & wanted) != wanted) {
        wait_as(MEETING);
        return warp->value[parity];
    }
    warp->arrived &= ~wanted;
    Slot *first = &slots[(size_t)(warp - warps.data()) * 32];
    for (unsigned other = 0; other < 32; other++)
        if (wanted >> other & 1 && other != lane)
            first[other].state = READY;
    return warp->value[parity];
}

void copy_later(void *to, const void *from, unsigned bytes, unsigned room)
{
    if ((uintptr_t)to % room || (bytes && (uintptr_t)from % room))
        fail("a copy in the background is not aligned to its size", "a copy");
    memset(to, 0xff, room);
    me()->copies.push_back(Copy{to, from, bytes, room, me()->copy_groups});
}

void end_copy_group()
{
    me()->copy_groups++;
}

void wait_for_copies(unsigned pending)
{
    std::vector<Copy> &copies = me()->copies;
    size_t done = 0;
    for (; done < copies.size() && copies[done].group + pending < me()->copy_groups; done++) {
        const Copy &copy = copies[done];
        memset(copy.to, 0, copy.room);
        memcpy(copy.to, copy.from, copy.bytes);
    }
    copies.erase(copies.begin(), copies.begin() + (ptrdiff_t)done);
}

const char *launch(dim3 grid, dim3 block, size_t shared_bytes, void (*body)(void *), void *argument)
{
    const char *order = getenv("YOSO_EMULATE_ORDER");
    bool reverse = order && strcmp(order, "reverse") == 0;
    size_t threads = (size_t)block.x * block.y * block.z;
    uint64_t blocks = (uint64_t)grid.x * grid.y * grid.z;
    failure[0] = '\0';
    if (threads == 0 || threads > 1024 || blocks == 0 || grid.y > 65535 || grid.z > 65535) {
        snprintf(failure, sizeof failure,
                 "no device takes a grid of %ux%ux%u blocks of %zu threads", grid.x, grid.y, grid.z,
                 threads);
        return failure;
    }
    if (shared_bytes > 227 << 10) {
        snprintf(failure, sizeof failure, "%zu bytes of shared memory, a block has at most %d",
                 shared_bytes, 227 << 10);
        return failure;
    }
    grid_size = grid;
    block_size = block;
    kernel = body;
    kernel_argument = argument;
    for (uint64_t k = 0; k < blocks && !failure[0]; k++) {
        uint64_t i = reverse ? blocks - 1 - k : k;
        block_index = {(unsigned)(i % grid.x), (unsigned)(i / grid.x % grid.y),
                       (unsigned)(i / ((uint64_t)grid.x * grid.y))};
        run_block(threads, shared_bytes, reverse);
    }
    return failure[0] ? failure : nullptr;
}

} // namespace emulate
