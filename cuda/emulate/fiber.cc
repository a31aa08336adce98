/* Switching stacks: a few instructions on x86-64, ucontext elsewhere. */
#include "cuda/emulate/fiber.h"

#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if !defined(__x86_64__)
#include <ucontext.h>
#endif

namespace emulate
{

static const size_t STACK = 256 << 10, GUARD = 4096;
static Fiber scheduler;
static Fiber *running;
static Fiber *idle;

#if defined(__SANITIZE_ADDRESS__)
static const void *scheduler_bottom;
static size_t scheduler_size;

static void leave(Fiber *from, const void *bottom, size_t size)
{
    __sanitizer_start_switch_fiber(&from->fake, bottom, size);
}

static void arrive(Fiber *at, bool in_fiber)
{
    if (in_fiber)
        __sanitizer_finish_switch_fiber(at->fake, &scheduler_bottom, &scheduler_size);
    else
        __sanitizer_finish_switch_fiber(at->fake, nullptr, nullptr);
}
#else
static const void *const scheduler_bottom = nullptr;
static const size_t scheduler_size = 0;
static void leave(Fiber *, const void *, size_t)
{
}
static void arrive(Fiber *, bool)
{
}
#endif

#if defined(__x86_64__)
/* Saves what a call must keep, stores the stack pointer and takes up the other stack. */
extern "C" __attribute__((visibility("hidden"))) void yo_emulate_switch(void **from, void *to);
asm(".text\n"
    ".hidden yo_emulate_switch\n"
    ".globl yo_emulate_switch\n"
    ".type yo_emulate_switch, @function\n"
    "yo_emulate_switch:\n"
    "    pushq %rbp\n    pushq %rbx\n    pushq %r12\n"
    "    pushq %r13\n    pushq %r14\n    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n    popq %r14\n    popq %r13\n"
    "    popq %r12\n    popq %rbx\n    popq %rbp\n"
    "    ret\n"
    ".size yo_emulate_switch, .-yo_emulate_switch\n");

static void swap(Fiber *from, Fiber *to)
{
    yo_emulate_switch(&from->sp, to->sp);
}

static bool prepare(Fiber *fiber, void (*entry)())
{
    /* Six registers, the entry as return address, and one word so that it finds the stack as a
     * call would leave it. */
    void **top = (void **)(fiber->stack + STACK) - 8;
    for (int i = 0; i < 8; i++)
        top[i] = nullptr;
    top[6] = (void *)entry;
    fiber->sp = top;
    return true;
}
#else
static void swap(Fiber *from, Fiber *to)
{
    static ucontext_t home;
    swapcontext(from->context ? (ucontext_t *)from->context : &home,
                to->context ? (ucontext_t *)to->context : &home);
}

static bool prepare(Fiber *fiber, void (*entry)())
{
    if (!fiber->context)
        fiber->context = malloc(sizeof(ucontext_t));
    ucontext_t *context = (ucontext_t *)fiber->context;
    if (!context || getcontext(context) != 0)
        return false;
    context->uc_stack.ss_sp = fiber->stack;
    context->uc_stack.ss_size = STACK;
    context->uc_link = nullptr;
    makecontext(context, entry, 0);
    return true;
}
#endif

/* The bottom of every fiber's stack: one task after another. */
static void run_tasks()
{
    arrive(running, true);
    for (;;) {
        running->task(running->argument);
        fiber_pause();
    }
}

static Fiber *make()
{
    Fiber *fiber = new Fiber;
    void *memory = mmap(nullptr, STACK + GUARD, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        delete fiber;
        return nullptr;
    }
    mprotect(memory, GUARD, PROT_NONE);
    fiber->stack = (char *)memory + GUARD;
    if (!prepare(fiber, run_tasks)) {
        munmap(memory, STACK + GUARD);
        delete fiber;
        return nullptr;
    }
    return fiber;
}

Fiber *fiber_take(void (*task)(void *), void *argument)
{
    Fiber *fiber = idle;
    if (fiber)
        idle = fiber->next;
    else
        fiber = make();
    if (fiber) {
        fiber->task = task;
        fiber->argument = argument;
    }
    return fiber;
}

void fiber_give(Fiber *fiber)
{
    fiber->next = idle;
    idle = fiber;
}

void fiber_abandon(Fiber *fiber)
{
#if defined(__SANITIZE_ADDRESS__)
    ASAN_UNPOISON_MEMORY_REGION(fiber->stack, STACK);
    fiber->fake = nullptr;
#endif
    prepare(fiber, run_tasks);
    fiber_give(fiber);
}

void fiber_resume(Fiber *fiber)
{
    running = fiber;
    leave(&scheduler, fiber->stack, STACK);
    swap(&scheduler, fiber);
    arrive(&scheduler, false);
}

void fiber_pause()
{
    Fiber *self = running;
    leave(self, scheduler_bottom, scheduler_size);
    swap(self, &scheduler);
    arrive(self, true);
}

} // namespace emulate
