/* The program yoso: opens a state, hands the arguments to lua/yoso/cli.lua, which does the rest,
 * and makes sure that what was printed has really been written. */
#include <lua.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/line.h"

static int install(lua_State *lua)
{
    yo_line_install(lua, lua_touserdata(lua, 1));
    return 0;
}

/* Runs the command line; *code becomes the exit status that it asks for. */
static yoso_status run(yoso_state *state, int argc, char **argv, int *code)
{
    lua_State *lua = yoso_lua_state(state);
    if (lua_cpcall(lua, install, state) != 0) {
        lua_settop(lua, 0);
        return YOSO_NO_MEMORY;
    }
    yoso_value *arguments = NULL, *results = NULL;
    yoso_status status = yoso_value_table(&arguments);
    for (int i = 0; status == YOSO_OK && i < argc; i++)
        status = yoso_value_append_string(arguments, argv[i]);
    if (status == YOSO_OK)
        status = yoso_evaluate(state, "return require('yoso.cli').main(...)", arguments, &results);
    if (status == YOSO_OK)
        *code = (int)yoso_value_to_number(yoso_value_at(results, 0));
    yoso_value_free(arguments);
    yoso_value_free(results);
    return status;
}

/* OpenMP's threads wait awake for the next piece of work, by default for so long that beside other
 * work on the machine most of a processor's time goes there. The library reads how long when it is
 * loaded, before main: the program starts once more with a shorter wait, unless the user chose. */
static void wait_shortly(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT"))
        return;
    if (setenv("GOMP_SPINCOUNT", "2000", 1) == 0)
        execv("/proc/self/exe", argv); /* failing costs time alone */
}

/* The library takes its best kernels where it lacks those of YOSO_ISA; who names some to the
 * program wants these. */
static yoso_status choose_kernels(void)
{
    const char *wish = getenv("YOSO_ISA");
    return wish && *wish ? yoso_set_isa(wish) : YOSO_OK;
}

int main(int argc, char **argv)
{
    wait_shortly(argv);
    if (choose_kernels() != YOSO_OK) {
        fprintf(stderr, "yoso: YOSO_ISA: %s\n", yoso_error_message());
        return 2;
    }
    yoso_state *state = NULL;
    int code = 1;
    yoso_status status = yoso_open(&state, NULL);
    if (status == YOSO_OK)
        status = run(state, argc, argv, &code);
    if (status != YOSO_OK)
        fprintf(stderr, "yoso: %s\n", state ? yoso_traceback(state) : yoso_error_message());
    yoso_close(state);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fprintf(stderr, "yoso: standard output could not be written\n");
        return 1;
    }
    return code;
}
