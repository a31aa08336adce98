/* require "yoso.line": editing lines over libedit, and running code that Ctrl-C can stop.
 *   editor = line.open(history file or nil, complete)   complete(text before the cursor) gives
 *                                                        the start of the word (from 1), candidates
 *   editor:read(prompt)          the line; nil at the end of input; false after Ctrl-C
 *   editor:remember(text)        adds to the history and its file
 *   line.interruptible(fn, ...)  pcall whose code stops with an error on Ctrl-C */
#include "host/line.h"

#include <histedit.h>
#include <lauxlib.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const editor_type = "yoso.line.editor";

typedef struct {
    EditLine *edit;
    History *history;
    char *file; /* of the history, or NULL */
    char *prompt;
    lua_State *lua; /* while a line is read */
    int completer;  /* reference to the Lua function */
} editor;

/* -- Completion ------------------------------------------------------------------------------ */

/* The length of what all candidates (strings in the table at the top) begin with. */
static size_t common_length(lua_State *lua, int count)
{
    lua_rawgeti(lua, -1, 1);
    const char *first = lua_tostring(lua, -1);
    size_t common = first ? strlen(first) : 0;
    for (int i = 2; i <= count; i++) {
        lua_rawgeti(lua, -2, i);
        const char *other = lua_tostring(lua, -1);
        size_t same = 0;
        while (other && same < common && other[same] == first[same])
            same++;
        common = same;
        lua_pop(lua, 1);
    }
    lua_pop(lua, 1);
    return common;
}

static void print_candidates(lua_State *lua, int count)
{
    enum { WIDTH = 80, GAP = 2 };
    size_t widest = 1;
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(lua, -1, i);
        size_t length = lua_objlen(lua, -1);
        widest = length > widest ? length : widest;
        lua_pop(lua, 1);
    }
    int columns = (int)(WIDTH / (widest + GAP));
    columns = columns > 0 ? columns : 1;
    putchar('\n');
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(lua, -1, i);
        printf("%-*s%s", (int)widest + GAP, lua_tostring(lua, -1),
               i % columns == 0 || i == count ? "\n" : "");
        lua_pop(lua, 1);
    }
    fflush(stdout);
}

/* Asks the Lua function and inserts what all candidates share; prints them when there are more. */
static unsigned char complete(EditLine *edit, int key)
{
    (void)key;
    editor *self;
    el_get(edit, EL_CLIENTDATA, &self);
    lua_State *lua = self->lua;
    const LineInfo *info = el_line(edit);
    int before = (int)(info->cursor - info->buffer);
    int top = lua_gettop(lua);
    unsigned char result = CC_REFRESH_BEEP;
    lua_rawgeti(lua, LUA_REGISTRYINDEX, self->completer);
    lua_pushlstring(lua, info->buffer, (size_t)before);
    if (lua_pcall(lua, 1, 2, 0) == 0 && lua_isnumber(lua, -2) && lua_istable(lua, -1)) {
        int typed = before - (int)lua_tointeger(lua, -2) + 1;
        int count = (int)lua_objlen(lua, -1);
        size_t common = count > 0 ? common_length(lua, count) : 0;
        if (typed >= 0 && common > (size_t)typed) {
            lua_rawgeti(lua, -1, 1);
            lua_pushlstring(lua, lua_tostring(lua, -1) + typed, common - (size_t)typed);
            el_insertstr(edit, lua_tostring(lua, -1));
            result = CC_REFRESH;
        } else if (count > 1) {
            print_candidates(lua, count);
            result = CC_REDISPLAY;
        }
    }
    lua_settop(lua, top);
    return result;
}

/* -- The editor ------------------------------------------------------------------------------ */

static char *prompt_of(EditLine *edit)
{
    editor *self;
    el_get(edit, EL_CLIENTDATA, &self);
    return self->prompt ? self->prompt : "";
}

static int editor_close(lua_State *lua)
{
    editor *self = luaL_checkudata(lua, 1, editor_type);
    if (self->edit)
        el_end(self->edit);
    if (self->history)
        history_end(self->history);
    free(self->file);
    free(self->prompt);
    luaL_unref(lua, LUA_REGISTRYINDEX, self->completer);
    *self = (editor){.completer = LUA_NOREF};
    return 0;
}

static int line_open(lua_State *lua)
{
    const char *file = luaL_optstring(lua, 1, NULL);
    luaL_checktype(lua, 2, LUA_TFUNCTION);
    editor *self = lua_newuserdata(lua, sizeof *self);
    *self = (editor){.completer = LUA_NOREF};
    luaL_getmetatable(lua, editor_type);
    lua_setmetatable(lua, -2);
    lua_pushvalue(lua, 2);
    self->completer = luaL_ref(lua, LUA_REGISTRYINDEX);
    setlocale(LC_CTYPE, ""); /* libedit reads multi-byte characters by it */
    self->edit = el_init("yoso", stdin, stdout, stderr);
    self->history = history_init();
    if (!self->edit || !self->history)
        return luaL_error(lua, "line.open: the terminal cannot be used for editing");
    HistEvent event;
    history(self->history, &event, H_SETSIZE, 5000);
    history(self->history, &event, H_SETUNIQUE, 1);
    if (file) {
        self->file = strdup(file);
        history(self->history, &event, H_LOAD, file);
    }
    el_set(self->edit, EL_CLIENTDATA, self);
    el_set(self->edit, EL_PROMPT, prompt_of);
    el_set(self->edit, EL_EDITOR, "emacs");
    el_set(self->edit, EL_HIST, history, self->history);
    el_set(self->edit, EL_ADDFN, "yoso-complete", "Complete a name", complete);
    el_set(self->edit, EL_BIND, "^I", "yoso-complete", NULL);
    el_set(self->edit, EL_BIND, "^R", "em-inc-search-prev", NULL);
    el_source(self->edit, NULL); /* the user's .editrc */
    return 1;
}

static volatile sig_atomic_t line_broken;

static void on_break(int number)
{
    (void)number;
    line_broken = 1;
}

static int editor_read(lua_State *lua)
{
    editor *self = luaL_checkudata(lua, 1, editor_type);
    const char *prompt = luaL_checkstring(lua, 2);
    free(self->prompt);
    self->prompt = strdup(prompt);
    self->lua = lua;
    struct sigaction ours = {.sa_handler = on_break}, theirs;
    line_broken = 0;
    sigaction(SIGINT, &ours, &theirs); /* without SA_RESTART: el_gets comes back */
    int count = 0;
    const char *line = el_gets(self->edit, &count);
    sigaction(SIGINT, &theirs, NULL);
    if (line_broken) {
        el_reset(self->edit);
        putchar('\n');
        lua_pushboolean(lua, 0);
    } else if (!line || count <= 0) {
        lua_pushnil(lua);
    } else {
        lua_pushlstring(lua, line, (size_t)count - (line[count - 1] == '\n'));
    }
    return 1;
}

static int editor_remember(lua_State *lua)
{
    editor *self = luaL_checkudata(lua, 1, editor_type);
    const char *text = luaL_checkstring(lua, 2);
    HistEvent event;
    history(self->history, &event, H_ENTER, text);
    if (self->file)
        history(self->history, &event, H_SAVE, self->file);
    return 0;
}

/* -- Ctrl-C ------------------------------------------------------------------------------------ */

/* The state that runs interruptible code: a signal handler can be told nothing else. */
static yoso_state *volatile interruptible_state;

static void on_interrupt(int number)
{
    /* A second Ctrl-C, when the first was not heard, ends the process. */
    signal(number, SIG_DFL);
    yoso_interrupt(interruptible_state);
}

static int line_interruptible(lua_State *lua)
{
    yoso_state *state = lua_touserdata(lua, lua_upvalueindex(1));
    struct sigaction ours = {.sa_handler = on_interrupt}, theirs;
    interruptible_state = state;
    sigaction(SIGINT, &ours, &theirs);
    int status = lua_pcall(lua, lua_gettop(lua) - 1, LUA_MULTRET, 0);
    sigaction(SIGINT, &theirs, NULL);
    yoso_interrupt_end(state);
    lua_pushboolean(lua, status == 0);
    lua_insert(lua, 1);
    return lua_gettop(lua);
}

static int load_line(lua_State *lua)
{
    static const luaL_Reg editor_methods[] = {{"read", editor_read},
                                              {"remember", editor_remember},
                                              {"close", editor_close},
                                              {NULL, NULL}};
    luaL_newmetatable(lua, editor_type);
    lua_pushcfunction(lua, editor_close);
    lua_setfield(lua, -2, "__gc");
    lua_newtable(lua);
    luaL_register(lua, NULL, editor_methods);
    lua_setfield(lua, -2, "__index");
    lua_newtable(lua);
    lua_pushcfunction(lua, line_open);
    lua_setfield(lua, -2, "open");
    lua_pushvalue(lua, lua_upvalueindex(1));
    lua_pushcclosure(lua, line_interruptible, 1);
    lua_setfield(lua, -2, "interruptible");
    return 1;
}

void yo_line_install(lua_State *lua, yoso_state *state)
{
    lua_getglobal(lua, "package");
    lua_getfield(lua, -1, "preload");
    lua_pushlightuserdata(lua, state);
    lua_pushcclosure(lua, load_line, 1);
    lua_setfield(lua, -2, "yoso.line");
    lua_pop(lua, 2);
}
