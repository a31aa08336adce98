/* States: opening, closing, running scripts and calling functions, every entry protected. */
#include "host/state.h"

#include <lauxlib.h>
#include <lualib.h>
#include <stdlib.h>
#include <string.h>

#include "core/threads.h"

/* What one entry is to do, and where its results go. */
typedef struct {
    yoso_state *state;
    const char *where; /* the C function's name, for messages */
    void (*push_function)(lua_State *lua, const void *what);
    const void *what;
    const yoso_value *arguments; /* a table or NULL */
    int32_t argc;                /* or these, as main gets them */
    char *const *argv;
    yoso_value *results; /* a table to fill, or NULL */
    yoso_status status;
} entry;

static void keep_traceback(yoso_state *state, const char *text)
{
    free(state->traceback);
    state->traceback = text ? strdup(text) : NULL;
}

/* The message handler: makes the error a text and keeps it with the call stack. */
static int on_error(lua_State *lua)
{
    yoso_state *state = lua_touserdata(lua, lua_upvalueindex(1));
    if (lua_type(lua, 1) != LUA_TSTRING && !luaL_callmeta(lua, 1, "__tostring"))
        lua_pushfstring(lua, "(error object is a %s value)", luaL_typename(lua, 1));
    else if (lua_gettop(lua) == 1)
        lua_pushvalue(lua, 1);
    if (!lua_isstring(lua, -1)) {
        lua_pop(lua, 1);
        lua_pushliteral(lua, "(error object has no text)");
    }
    luaL_traceback(lua, lua, lua_tostring(lua, -1), 1);
    keep_traceback(state, lua_tostring(lua, -1));
    lua_pop(lua, 1);
    return 1;
}

/* Keeps the message at the top of the stack as one line. */
static yoso_status fail_with_top(lua_State *lua, yoso_status status, const char *where)
{
    size_t length;
    const char *text = lua_tolstring(lua, -1, &length);
    luaL_Buffer line;
    luaL_buffinit(lua, &line);
    for (size_t i = 0; text && i < length; i++) {
        if (text[i] != '\n') {
            luaL_addchar(&line, text[i]);
            continue;
        }
        while (i + 1 < length && (text[i + 1] == ' ' || text[i + 1] == '\t' || text[i + 1] == '\n'))
            i++;
        luaL_addstring(&line, i + 1 < length ? "; " : "");
    }
    luaL_pushresult(&line);
    text = lua_tostring(lua, -1);
    return where ? yo_fail(status, "%s: %s", where, text) : yo_fail(status, "%s", text);
}

/* Everything that may raise: runs inside lua_cpcall. */
static int protected_entry(lua_State *lua)
{
    entry *job = lua_touserdata(lua, 1);
    luaL_checkstack(lua, 16, job->where);
    lua_pushlightuserdata(lua, job->state);
    lua_pushcclosure(lua, on_error, 1);
    int handler = lua_gettop(lua);
    job->push_function(lua, job);
    if (job->status != YOSO_OK) {
        job->status = fail_with_top(lua, job->status, NULL);
        return 0;
    }
    int count = (int)yoso_value_length(job->arguments);
    luaL_checkstack(lua, count + job->argc + 16, "too many arguments");
    for (int i = 0; i < count; i++)
        yo_value_push(lua, yoso_value_at(job->arguments, i));
    for (int i = 1; i < job->argc; i++, count++)
        lua_pushstring(lua, job->argv[i]);
    int status = lua_pcall(lua, count, LUA_MULTRET, handler);
    if (status != 0) {
        job->status = fail_with_top(lua, status == LUA_ERRMEM ? YOSO_NO_MEMORY : YOSO_SCRIPT, NULL);
        return 0;
    }
    if (job->results)
        for (int i = handler + 1, last = lua_gettop(lua); i <= last; i++)
            yo_value_read(lua, i, job->results,
                          lua_pushfstring(lua, "%s: result %d", job->where, i - handler));
    return 0;
}

/* Runs the job: everything around the protected part. */
static yoso_status enter(entry *job, yoso_value **results)
{
    yoso_state *state = job->state;
    if (!state || !job->what)
        return yo_fail(YOSO_MISUSE, "%s: %s is NULL", job->where, state ? "what to run" : "state");
    if (job->arguments && yoso_value_kind(job->arguments) != YOSO_TABLE)
        return yo_fail(YOSO_MISUSE, "%s: arguments must be a table or NULL", job->where);
    if (job->argc < 0 || (job->argc > 0 && !job->argv))
        return yo_fail(YOSO_MISUSE, "%s: argc is %d, argv %s", job->where, job->argc,
                       job->argv ? "is given" : "is NULL");
    if (results)
        YO_TRY(yoso_value_table(&job->results));
    int32_t threads = yo_threads_wish();
    if (state->threads)
        yoso_set_threads(state->threads);
    yoso_state *outer = yo_interrupt_enter(state);
    int top = lua_gettop(state->lua);
    job->status = YOSO_OK;
    keep_traceback(state, NULL);
    int status = lua_cpcall(state->lua, protected_entry, job);
    if (status != 0) {
        const char *text = lua_tostring(state->lua, -1);
        job->status = yo_fail(status == LUA_ERRMEM ? YOSO_NO_MEMORY : YOSO_SCRIPT, "%s: %s",
                              job->where, text ? text : "failed without a message");
    }
    lua_settop(state->lua, top);
    if (yo_interrupt_leave(state, outer) && job->status != YOSO_OK)
        job->status = yo_fail(YOSO_INTERRUPTED, "%s: interrupted", job->where);
    if (state->threads)
        yoso_set_threads(threads);
    if (job->status != YOSO_OK) {
        if (!state->traceback)
            keep_traceback(state, yoso_error_message());
        yoso_value_free(job->results);
        return job->status;
    }
    if (results)
        *results = job->results;
    return YOSO_OK;
}

/* -- Opening and closing --------------------------------------------------------------------- */

static int protected_open(lua_State *lua)
{
    const yoso_value *options = lua_touserdata(lua, 1);
    luaL_openlibs(lua);
    yo_modules_install(lua);
    const char *path = yoso_value_to_string(yoso_value_get(options, "path"), NULL);
    if (path) {
        lua_getglobal(lua, "package");
        lua_getfield(lua, -1, "path");
        lua_pushfstring(lua, "%s;%s", path, lua_tostring(lua, -1));
        lua_setfield(lua, -3, "path");
    }
    return 0;
}

static yoso_status check_options(const yoso_value *options)
{
    static const struct {
        const char *name;
        int32_t kind;
    } known[] = {{"path", YOSO_STRING}, {"threads", YOSO_NUMBER}, {"seed", YOSO_NUMBER}};
    if (options && yoso_value_kind(options) != YOSO_TABLE)
        return yo_fail(YOSO_MISUSE, "open: options must be a table or NULL");
    for (int64_t i = 0; i < yoso_value_count(options); i++) {
        const char *name = yoso_value_to_string(yoso_value_key(options, i), NULL);
        int32_t kind = YOSO_NIL;
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (name && strcmp(known[k].name, name) == 0)
                kind = known[k].kind;
        if (kind == YOSO_NIL)
            return yo_fail(YOSO_MISUSE, "open: unknown option %s; there are path, threads, seed",
                           name ? name : "(no string)");
        if (yoso_value_kind(yoso_value_entry(options, i)) != kind)
            return yo_fail(YOSO_MISUSE, "open: option %s must be a %s", name,
                           kind == YOSO_STRING ? "string" : "number");
    }
    double threads = yoso_value_to_number(yoso_value_get(options, "threads"));
    if (!(threads >= 0 && threads <= YO_MOST_THREADS && threads == (int32_t)threads))
        return yo_fail(YOSO_MISUSE, "open: option threads is %g, must be a whole number to %d",
                       threads, YO_MOST_THREADS);
    return YOSO_OK;
}

static yoso_status seed(yoso_state *state, const yoso_value *number)
{
    yoso_value *arguments;
    YO_TRY(yoso_value_table(&arguments));
    yoso_status status = yoso_value_append(arguments, number);
    if (status == YOSO_OK)
        status = yoso_call(state, "yoso.manual_seed", arguments, NULL);
    yoso_value_free(arguments);
    return status;
}

yoso_status yoso_open(yoso_state **out, const yoso_value *options)
{
    if (!out)
        return yo_fail(YOSO_MISUSE, "open: out is NULL");
    YO_TRY(check_options(options));
    yoso_state *state = calloc(1, sizeof *state);
    if (state)
        state->lua = luaL_newstate();
    if (!state || !state->lua) {
        free(state);
        return yo_fail(YOSO_NO_MEMORY, "open: out of memory");
    }
    yoso_status status = YOSO_OK;
    if (lua_cpcall(state->lua, protected_open, (void *)options) != 0)
        status = fail_with_top(state->lua, YOSO_NO_MEMORY, "open");
    lua_settop(state->lua, 0);
    state->threads = (int32_t)yoso_value_to_number(yoso_value_get(options, "threads"));
    if (status == YOSO_OK && yoso_value_get(options, "seed"))
        status = seed(state, yoso_value_get(options, "seed"));
    if (status != YOSO_OK) {
        yoso_close(state);
        return status;
    }
    *out = state;
    return YOSO_OK;
}

void yoso_close(yoso_state *state)
{
    if (!state)
        return;
    lua_close(state->lua);
    free(state->traceback);
    free(state);
}

const char *yoso_traceback(const yoso_state *state)
{
    return state && state->traceback ? state->traceback : "";
}

void *yoso_lua_state(yoso_state *state)
{
    return state ? state->lua : NULL;
}

/* -- Entries ---------------------------------------------------------------------------------- */

/* Loads the file and sets arg. */
static void push_file(lua_State *lua, const void *request)
{
    entry *job = (entry *)request;
    const char *path = job->what;
    int status = luaL_loadfile(lua, path);
    if (status != 0) {
        job->status = status == LUA_ERRFILE  ? YOSO_IO
                      : status == LUA_ERRMEM ? YOSO_NO_MEMORY
                                             : YOSO_SCRIPT;
        return;
    }
    lua_newtable(lua);
    for (int i = 0; i < job->argc; i++) {
        lua_pushstring(lua, job->argv[i]);
        lua_rawseti(lua, -2, i == 0 ? -1 : i);
    }
    lua_pushstring(lua, path);
    lua_rawseti(lua, -2, 0);
    lua_setglobal(lua, "arg");
}

static void push_code(lua_State *lua, const void *request)
{
    entry *job = (entry *)request;
    int status = luaL_loadstring(lua, job->what);
    if (status != 0)
        job->status = status == LUA_ERRMEM ? YOSO_NO_MEMORY : YOSO_SCRIPT;
}

/* Finds a function by its dotted name, beginning with the globals or with yoso itself. */
static void push_named(lua_State *lua, const void *request)
{
    entry *job = (entry *)request;
    const char *name = job->what;
    lua_pushvalue(lua, LUA_GLOBALSINDEX);
    for (const char *part = name; part;) {
        const char *dot = strchr(part, '.');
        size_t length = dot ? (size_t)(dot - part) : strlen(part);
        if (lua_istable(lua, -1)) {
            lua_pushlstring(lua, part, length);
            lua_gettable(lua, -2);
        } else {
            lua_pushnil(lua);
        }
        lua_replace(lua, -2);
        if (part == name && lua_isnil(lua, -1) && length == 4 && memcmp(part, "yoso", 4) == 0) {
            lua_getglobal(lua, "require");
            lua_pushliteral(lua, "yoso");
            lua_call(lua, 1, 1);
            lua_replace(lua, -2);
        }
        part = dot ? dot + 1 : NULL;
    }
    if (lua_isfunction(lua, -1))
        return;
    if (luaL_getmetafield(lua, -1, "__call")) {
        lua_pop(lua, 1);
    } else {
        job->status = YOSO_MISUSE;
        lua_pushfstring(lua, "call: %s is a %s, must be a function", name, luaL_typename(lua, -1));
    }
}

yoso_status yoso_run_file(yoso_state *state, const char *path, int32_t argc, char *const *argv)
{
    entry job = {.state = state, .where = "run_file", .push_function = push_file, .what = path};
    job.argc = argc;
    job.argv = argv;
    return enter(&job, NULL);
}

yoso_status yoso_run_string(yoso_state *state, const char *code)
{
    entry job = {.state = state, .where = "run_string", .push_function = push_code, .what = code};
    return enter(&job, NULL);
}

yoso_status yoso_evaluate(yoso_state *state, const char *code, const yoso_value *arguments,
                          yoso_value **results)
{
    entry job = {.state = state, .where = "evaluate", .push_function = push_code, .what = code};
    job.arguments = arguments;
    return enter(&job, results);
}

yoso_status yoso_call(yoso_state *state, const char *function, const yoso_value *arguments,
                      yoso_value **results)
{
    entry job = {.state = state, .where = "call", .push_function = push_named, .what = function};
    job.arguments = arguments;
    return enter(&job, results);
}
