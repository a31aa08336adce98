/* Fibers: stacks of their own to switch between, within one system thread.
 * A fiber runs tasks one after another, so that a CUDA thread which never waits costs one switch
 * to and fro and no new stack. Told to AddressSanitizer, when that is on. */
#ifndef YO_EMULATE_FIBER_H
#define YO_EMULATE_FIBER_H

#include <stddef.h>

namespace emulate
{

struct Fiber {
    void *sp = nullptr;      /* where it stopped */
    void *context = nullptr; /* where there is no switch in assembly: its ucontext_t */
    char *stack = nullptr;
    void *fake = nullptr; /* AddressSanitizer's */
    void (*task)(void *) = nullptr;
    void *argument = nullptr;
    Fiber *next = nullptr; /* in the list of idle ones */
};

/* An idle fiber that will run task(argument) when switched to; NULL without memory for a stack. */
Fiber *fiber_take(void (*task)(void *), void *argument);
/* Gives back a fiber whose task has returned. */
void fiber_give(Fiber *fiber);
/* Gives back a fiber in the middle of its task, which is never resumed. */
void fiber_abandon(Fiber *fiber);

/* From the scheduler into a fiber, until it pauses or its task returns. */
void fiber_resume(Fiber *fiber);
/* From the running fiber back to the scheduler. */
void fiber_pause();

} // namespace emulate

#endif
