/* The Lua files inside the library: require finds them first, errors name them as
 * "yoso:tensor.lua:12", and the documentation reads their source. */
#include "host/state.h"

#include "config.h"
#include <dlfcn.h>
#include <lauxlib.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/modules.h"

static int by_name(const void *name, const void *module)
{
    return strcmp(name, ((const yo_module *)module)->name);
}

static const yo_module *find(const char *name)
{
    return bsearch(name, yo_modules, (size_t)yo_module_count, sizeof *yo_modules, by_name);
}

/* package.loaders: the module's chunk, or a line for require's message. */
static int searcher(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    const yo_module *module = find(name);
    if (!module) {
        lua_pushfstring(lua, "\n\tno module '%s' in libyoso", name);
        return 1;
    }
    if (luaL_loadbuffer(lua, module->source, module->size, module->chunk) != 0)
        return lua_error(lua);
    return 1;
}

void yo_modules_install(lua_State *lua)
{
    lua_getglobal(lua, "package");
    lua_getfield(lua, -1, "loaders");
    int count = (int)lua_objlen(lua, -1);
    for (int i = count; i >= 2; i--) { /* after package.preload */
        lua_rawgeti(lua, -1, i);
        lua_rawseti(lua, -2, i + 1);
    }
    lua_pushcfunction(lua, searcher);
    lua_rawseti(lua, -2, 2);
    lua_pop(lua, 2);
}

const char *yoso_module_source(const char *name, int64_t *size)
{
    const yo_module *module = name ? find(name) : NULL;
    if (size)
        *size = module ? (int64_t)module->size : 0;
    return module ? module->source : NULL;
}

const char *yoso_module_name(int64_t index)
{
    return index >= 0 && index < yo_module_count ? yo_modules[index].name : NULL;
}

const char *yoso_version(void)
{
    return PACKAGE_VERSION;
}

const char *yoso_library_path(void)
{
    Dl_info info;
    return dladdr((void *)yo_modules, &info) && info.dli_fname ? info.dli_fname : "";
}

const char *yoso_data_path(void)
{
    return YO_DATA_PATH;
}

int32_t yoso_is_terminal(int32_t descriptor)
{
    return isatty(descriptor);
}
