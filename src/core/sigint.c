/* Ctrl-C as a wish that long work can see between its steps, so that it saves and stops. A signal
 * belongs to the whole process, and so does the note that it came: this is the one static here. */
#include <signal.h>
#include <stdbool.h>

#include "core/status.h"

static volatile sig_atomic_t came;
static bool watching;
static struct sigaction before;

/* The second Ctrl-C acts as if nobody watched: who waits for the step's end may be tired of it. */
static void on_sigint(int number)
{
    if (came) {
        sigaction(number, &before, NULL);
        raise(number);
    }
    came = 1;
}

yoso_status yoso_watch_sigint(int32_t on)
{
    if (on && !watching) {
        struct sigaction ours = {.sa_handler = on_sigint, .sa_flags = SA_RESTART};
        sigemptyset(&ours.sa_mask);
        came = 0;
        if (sigaction(SIGINT, &ours, &before) != 0)
            return yo_fail(YOSO_UNSUPPORTED, "watch_sigint: the system refused the handler");
        watching = true;
    } else if (!on && watching) {
        sigaction(SIGINT, &before, NULL);
        watching = false;
    }
    return YOSO_OK;
}

int32_t yoso_sigint_came(void)
{
    return came != 0;
}
