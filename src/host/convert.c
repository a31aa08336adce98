/* From yoso_value to Lua's stack and back. Runs in protected calls: a failure is a Lua error.
 * What is being read hangs on the caller's table at every moment, so an error leaks nothing. */
#include "host/state.h"

#include <lauxlib.h>

enum { MOST_LEVELS = 200 }; /* tables in tables; a cycle ends there */

static void raise(lua_State *lua)
{
    luaL_error(lua, "%s", yoso_error_message());
}

/* Calls yoso.crossing's function with the value at the top of the stack, which it takes, and the
 * address of a tensor pointer; leaves one result. */
static void cross(lua_State *lua, const char *function, yoso_tensor **slot)
{
    lua_getglobal(lua, "require");
    lua_pushliteral(lua, "yoso.crossing");
    lua_call(lua, 1, 1);
    lua_getfield(lua, -1, function);
    lua_replace(lua, -2);
    lua_insert(lua, -2);
    lua_pushlightuserdata(lua, slot);
    lua_call(lua, 2, 1);
}

/* -- To Lua ------------------------------------------------------------------------------------ */

static int adopt(lua_State *lua)
{
    yoso_tensor **slot = lua_touserdata(lua, 1);
    lua_pushnil(lua);
    cross(lua, "adopt", slot);
    return 1;
}

static void push_tensor(lua_State *lua, const yoso_tensor *tensor)
{
    yoso_tensor *view; /* Lua's own, once it is taken over and this is NULL */
    if (yo_value_view(&view, tensor) != YOSO_OK)
        raise(lua);
    int status = lua_checkstack(lua, 4);
    if (status) {
        lua_pushcfunction(lua, adopt);
        lua_pushlightuserdata(lua, &view);
        status = lua_pcall(lua, 1, 1, 0);
    }
    if (view) {
        yoso_tensor_free(view);
        lua_error(lua);
    }
}

static void push(lua_State *lua, const yoso_value *value, int level)
{
    luaL_checkstack(lua, 8, "a value to Lua");
    if (level > MOST_LEVELS)
        luaL_error(lua, "a table is nested deeper than %d levels", MOST_LEVELS);
    int64_t length;
    switch (yoso_value_kind(value)) {
    case YOSO_BOOLEAN:
        lua_pushboolean(lua, yoso_value_to_boolean(value));
        break;
    case YOSO_NUMBER:
        lua_pushnumber(lua, yoso_value_to_number(value));
        break;
    case YOSO_STRING: {
        const char *bytes = yoso_value_to_string(value, &length);
        lua_pushlstring(lua, bytes, (size_t)length);
        break;
    }
    case YOSO_TENSOR:
        push_tensor(lua, yoso_value_to_tensor(value));
        break;
    case YOSO_TABLE:
        length = yoso_value_length(value);
        lua_newtable(lua);
        for (int64_t i = 0; i < length; i++) {
            push(lua, yoso_value_at(value, i), level + 1);
            lua_rawseti(lua, -2, (int)(i + 1));
        }
        for (int64_t i = 0; i < yoso_value_count(value); i++) {
            push(lua, yoso_value_key(value, i), level + 1);
            push(lua, yoso_value_entry(value, i), level + 1);
            lua_rawset(lua, -3);
        }
        break;
    default:
        lua_pushnil(lua);
    }
}

void yo_value_push(lua_State *lua, const yoso_value *value)
{
    push(lua, value, 0);
}

/* -- From Lua ---------------------------------------------------------------------------------- */

/* Whether the table at index is a tensor: it has the metatable of yoso.tensor, if that is loaded.
 */
static int is_tensor(lua_State *lua, int index)
{
    if (!lua_getmetatable(lua, index))
        return 0;
    int same = 0;
    lua_getfield(lua, LUA_REGISTRYINDEX, "_LOADED");
    lua_getfield(lua, -1, "yoso.tensor");
    if (lua_istable(lua, -1)) {
        lua_getfield(lua, -1, "metatable");
        same = lua_rawequal(lua, -1, -4);
        lua_pop(lua, 1);
    }
    lua_pop(lua, 3);
    return same;
}

/* A new value for what stands at index; a table comes back empty. */
static yoso_value *read_one(lua_State *lua, int index, const char *what)
{
    yoso_value *value = NULL;
    yoso_status status = YOSO_OK;
    size_t length;
    const char *bytes;
    switch (lua_type(lua, index)) {
    case LUA_TNIL:
        status = yoso_value_nil(&value);
        break;
    case LUA_TBOOLEAN:
        status = yoso_value_boolean(&value, lua_toboolean(lua, index));
        break;
    case LUA_TNUMBER:
        status = yoso_value_number(&value, lua_tonumber(lua, index));
        break;
    case LUA_TSTRING:
        bytes = lua_tolstring(lua, index, &length);
        status = yoso_value_string(&value, bytes, (int64_t)length);
        break;
    case LUA_TTABLE:
        if (is_tensor(lua, index)) {
            yoso_tensor *handle = NULL; /* stays Lua's */
            lua_pushvalue(lua, index);
            cross(lua, "export", &handle);
            lua_pop(lua, 1);
            status = yoso_value_tensor(&value, handle);
        } else {
            status = yoso_value_table(&value);
        }
        break;
    default:
        luaL_error(lua, "%s has a %s, which cannot leave the state", what,
                   luaL_typename(lua, index));
    }
    if (status != YOSO_OK)
        raise(lua);
    return value;
}

static void read_contents(lua_State *lua, int index, yoso_value *table, const char *what,
                          int level);

/* Appends what stands at index (an absolute one) to table's list. */
static void read_item(lua_State *lua, int index, yoso_value *table, const char *what, int level)
{
    luaL_checkstack(lua, 12, what);
    if (level > MOST_LEVELS)
        luaL_error(lua, "%s has a table nested deeper than %d levels", what, MOST_LEVELS);
    yoso_value *value = read_one(lua, index, what);
    if (yo_value_append_taken(table, value) != YOSO_OK)
        raise(lua);
    if (yoso_value_kind(value) == YOSO_TABLE)
        read_contents(lua, index, value, what, level + 1);
}

/* Adds the entry whose key and value are the topmost two of the stack. */
static void read_entry(lua_State *lua, yoso_value *table, const char *what, int level)
{
    int top = lua_gettop(lua);
    int type = lua_type(lua, top - 1);
    if (type != LUA_TSTRING && type != LUA_TNUMBER && type != LUA_TBOOLEAN)
        luaL_error(lua, "%s has a table with a %s as key, which cannot leave the state", what,
                   luaL_typename(lua, top - 1));
    luaL_checkstack(lua, 12, what);
    if (level > MOST_LEVELS)
        luaL_error(lua, "%s has a table nested deeper than %d levels", what, MOST_LEVELS);
    yoso_value *value = read_one(lua, top, what);
    yoso_value *key = NULL;
    yoso_status status = YOSO_OK;
    size_t length;
    if (type == LUA_TSTRING) {
        const char *bytes = lua_tolstring(lua, top - 1, &length);
        status = yoso_value_string(&key, bytes, (int64_t)length);
    } else if (type == LUA_TNUMBER) {
        status = yoso_value_number(&key, lua_tonumber(lua, top - 1));
    } else {
        status = yoso_value_boolean(&key, lua_toboolean(lua, top - 1));
    }
    if (status == YOSO_OK)
        status = yo_value_add_taken(table, key, value);
    else
        yoso_value_free(value);
    if (status != YOSO_OK)
        raise(lua);
    if (yoso_value_kind(value) == YOSO_TABLE)
        read_contents(lua, top, value, what, level + 1);
}

static void read_contents(lua_State *lua, int index, yoso_value *table, const char *what, int level)
{
    int length = (int)lua_objlen(lua, index);
    for (int i = 1; i <= length; i++) {
        lua_rawgeti(lua, index, i);
        read_item(lua, lua_gettop(lua), table, what, level);
        lua_pop(lua, 1);
    }
    lua_pushnil(lua);
    while (lua_next(lua, index)) {
        lua_Number key = lua_type(lua, -2) == LUA_TNUMBER ? lua_tonumber(lua, -2) : 0;
        if (!(key >= 1 && key <= length && key == (lua_Number)(int)key))
            read_entry(lua, table, what, level);
        lua_pop(lua, 1);
    }
}

void yo_value_read(lua_State *lua, int index, yoso_value *table, const char *what)
{
    read_item(lua, index, table, what, 0);
}
