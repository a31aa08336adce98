/* Inside the host: what a state is, and how values and Lua's stack become each other. */
#ifndef YO_HOST_STATE_H
#define YO_HOST_STATE_H

#include <lua.h>
#include <stdatomic.h>

#include "core/status.h"

struct yoso_state {
    lua_State *lua;
    char *traceback; /* of the latest failure, or NULL */
    int32_t threads; /* for this state's calls; 0: the thread's own */
    atomic_int stop; /* see interrupt.c */
    int32_t waited;  /* instructions of the library since it was told to stop */
};

/* -- convert.c: both raise Lua errors, so they run in protected calls only. */

/* Pushes what value says. */
void yo_value_push(lua_State *lua, const yoso_value *value);
/* Appends the value at a stack index to the list of table. what names it in messages. */
void yo_value_read(lua_State *lua, int index, yoso_value *table, const char *what);

/* -- value.c: for tables under construction; both take value over, also when they fail. */
yoso_status yo_value_append_taken(yoso_value *table, yoso_value *value);
/* The key must not be there yet. */
yoso_status yo_value_add_taken(yoso_value *table, yoso_value *key, yoso_value *value);

/* Another view of all of a tensor. */
yoso_status yo_value_view(yoso_tensor **out, const yoso_tensor *tensor);

/* -- modules.c: makes require find the embedded modules first. Raises Lua errors. */
void yo_modules_install(lua_State *lua);

/* -- interrupt.c */

/* Marks the state as running in this thread; returns the one that was. */
yoso_state *yo_interrupt_enter(yoso_state *state);
/* Ends that; nonzero when the state was told to stop meanwhile, which is then forgotten. */
int yo_interrupt_leave(yoso_state *state, yoso_state *outer);

#endif
