/* Line editing and Ctrl-C for the program's interactive mode, as the Lua module "yoso.line". */
#ifndef YO_HOST_LINE_H
#define YO_HOST_LINE_H

#include <lua.h>

#include "yoso.h"

/* Makes require "yoso.line" work in the state. Raises Lua errors. */
void yo_line_install(lua_State *lua, yoso_state *state);

#endif
