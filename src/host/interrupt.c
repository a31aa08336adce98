/* Stopping a state from outside: yoso_interrupt and what the running side does about it.
 *
 * stop goes from QUIET to ASKED by yoso_interrupt. The hook raises a Lua error once, so that
 * scopes and files are closed on the way out; stop is then RAISED. Inside the library's own Lua
 * files, where a handle may just have been made and not yet been stored, the hook waits: they ask
 * yoso_interrupted themselves, or return before PATIENCE instructions. A script that swallows the
 * error and goes on is stopped again after GRACE instructions, and from there on at every one. */
#include "host/state.h"

#include <lauxlib.h>
#include <string.h>

enum { QUIET, ASKED, RAISED, INSISTING };
enum { PATIENCE = 200000, GRACE = 10000000 };

static _Thread_local yoso_state *running;

static void on_hook(lua_State *lua, lua_Debug *activation);

/* From ASKED to RAISED: the error is on its way. */
static void mark_raised(yoso_state *state)
{
    atomic_store(&state->stop, RAISED);
    lua_sethook(state->lua, on_hook, LUA_MASKCOUNT, GRACE);
}

static int is_library(lua_State *lua, lua_Debug *activation)
{
    return lua_getinfo(lua, "S", activation) && strncmp(activation->source, "@yoso:", 6) == 0;
}

static void on_hook(lua_State *lua, lua_Debug *activation)
{
    yoso_state *state = running;
    if (!state)
        return;
    if (atomic_load(&state->stop) == ASKED) {
        if (is_library(lua, activation) && ++state->waited < PATIENCE)
            return;
        mark_raised(state);
    } else {
        atomic_store(&state->stop, INSISTING);
        lua_sethook(lua, on_hook, LUA_MASKCOUNT, 1);
    }
    luaL_error(lua, "interrupted");
}

void yoso_interrupt(yoso_state *state)
{
    if (!state)
        return;
    int quiet = QUIET;
    if (atomic_compare_exchange_strong(&state->stop, &quiet, ASKED))
        lua_sethook(state->lua, on_hook, LUA_MASKCOUNT, 1);
}

int32_t yoso_interrupted(void)
{
    if (!running || atomic_load(&running->stop) != ASKED)
        return 0;
    mark_raised(running);
    return 1;
}

yoso_state *yo_interrupt_enter(yoso_state *state)
{
    yoso_state *outer = running;
    running = state;
    return outer;
}

void yoso_interrupt_end(yoso_state *state)
{
    if (!state || atomic_load(&state->stop) == QUIET)
        return;
    lua_sethook(state->lua, NULL, 0, 0);
    state->waited = 0;
    atomic_store(&state->stop, QUIET);
}

int yo_interrupt_leave(yoso_state *state, yoso_state *outer)
{
    running = outer;
    if (outer == state || atomic_load(&state->stop) == QUIET)
        return 0; /* an entry inside an entry leaves the stopping to the outermost */
    yoso_interrupt_end(state);
    return 1;
}
