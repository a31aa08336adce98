/* States: scripts, calls, errors, interruption, several states and threads. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    if (file) {
        fputs(text, file);
        fclose(file);
    }
}

static void running(yoso_state *state)
{
    CHECK(yoso_run_string(state, "x = (x or 0) + 1") == YOSO_OK);
    yoso_value *results = NULL;
    CHECK(yoso_evaluate(state, "return x, 'a', nil, ...", NULL, &results) == YOSO_OK);
    CHECK(yoso_value_length(results) == 3);
    CHECK(yoso_value_to_number(yoso_value_at(results, 0)) == 1);
    yoso_value_free(results);

    char path[] = "/tmp/yoso-state-test-XXXXXX";
    close(mkstemp(path));
    write_file(path, "first, second, zero, before = arg[1], select(2, ...), arg[0], arg[-1]\n"
                     "if first == 'fail' then error('told to') end\n");
    char *argv[] = {"host", "one", "two", NULL};
    CHECK(yoso_run_file(state, path, 3, argv) == YOSO_OK);
    CHECK(yoso_evaluate(state, "return first, second, zero, before", NULL, &results) == YOSO_OK);
    CHECK(strcmp(yoso_value_to_string(yoso_value_at(results, 0), NULL), "one") == 0);
    CHECK(strcmp(yoso_value_to_string(yoso_value_at(results, 1), NULL), "two") == 0);
    CHECK(strcmp(yoso_value_to_string(yoso_value_at(results, 2), NULL), path) == 0);
    CHECK(strcmp(yoso_value_to_string(yoso_value_at(results, 3), NULL), "host") == 0);
    yoso_value_free(results);
    CHECK(yoso_run_file(state, path, 0, NULL) == YOSO_OK);
    argv[1] = "fail";
    CHECK_FAILS(yoso_run_file(state, path, 2, argv), YOSO_SCRIPT, ":2: told to");
    CHECK(strstr(yoso_traceback(state), "stack traceback:"));
    write_file(path, "x = = 2\n");
    CHECK_FAILS(yoso_run_file(state, path, 0, NULL), YOSO_SCRIPT, ":1: unexpected symbol");
    unlink(path);
    CHECK_FAILS(yoso_run_file(state, path, 0, NULL), YOSO_IO, path);
    CHECK_FAILS(yoso_run_file(state, path, 2, NULL), YOSO_MISUSE, "argc is 2");
}

static void errors(yoso_state *state)
{
    CHECK_FAILS(yoso_run_string(state, "local t = nil; t.x = 1"), YOSO_SCRIPT, "index");
    CHECK_FAILS(yoso_run_string(state, "x ="), YOSO_SCRIPT, "<eof>");
    CHECK_FAILS(yoso_run_string(state, "error({})"), YOSO_SCRIPT, "error object is a table value");
    CHECK_FAILS(yoso_run_string(state, "error(setmetatable({}, {__tostring = function() return "
                                       "'my own' end}))"),
                YOSO_SCRIPT, "my own");
    CHECK_FAILS(yoso_run_string(state, "error('two\\n   lines')"), YOSO_SCRIPT, "two; lines");
    CHECK_FAILS(yoso_run_string(state, "require 'not.there'"), YOSO_SCRIPT, "not.there");
    CHECK(!strchr(yoso_error_message(), '\n'));
    CHECK_FAILS(yoso_run_string(state, "local function f() return f() + 1 end f()"), YOSO_SCRIPT,
                "stack overflow");
    CHECK_FAILS(yoso_run_string(state, "require('yoso').zeros('x')"), YOSO_SCRIPT,
                "zeros: shape is a string");
    CHECK_FAILS(yoso_run_string(NULL, "x = 1"), YOSO_MISUSE, "state is NULL");
    CHECK_FAILS(yoso_run_string(state, NULL), YOSO_MISUSE, "what to run is NULL");
    CHECK_FAILS(yoso_call(state, "no.such", NULL, NULL), YOSO_MISUSE, "no.such is a nil");
    CHECK_FAILS(yoso_call(state, "", NULL, NULL), YOSO_MISUSE, "must be a function");
    yoso_value *results = NULL;
    CHECK_FAILS(yoso_evaluate(state, "return print", NULL, &results), YOSO_SCRIPT,
                "has a function, which cannot leave");
    CHECK_FAILS(yoso_evaluate(state, "return 1, {a = {print}}", NULL, &results), YOSO_SCRIPT,
                "result 2 has a function");
    CHECK_FAILS(yoso_evaluate(state, "return {[{}] = 1}", NULL, &results), YOSO_SCRIPT,
                "a table as key");
    CHECK_FAILS(yoso_evaluate(state, "local t = {} t[1] = t return t", NULL, &results), YOSO_SCRIPT,
                "nested deeper");
    CHECK(results == NULL);
    yoso_value *number = NULL;
    CHECK(yoso_value_number(&number, 1) == YOSO_OK);
    CHECK_FAILS(yoso_call(state, "print", number, NULL), YOSO_MISUSE, "arguments must be a table");
    yoso_value_free(number);
    CHECK(yoso_run_string(state, "after = 1") == YOSO_OK); /* still well */
}

static void calling(yoso_state *state)
{
    yoso_value *arguments = NULL, *results = NULL, *options = NULL;
    CHECK(yoso_value_table(&arguments) == YOSO_OK && yoso_value_table(&options) == YOSO_OK);
    CHECK(yoso_value_set_string(options, "name", "n\xc3\xa9") == YOSO_OK);
    CHECK(yoso_value_set_boolean(options, "flag", 1) == YOSO_OK);
    CHECK(yoso_value_append_number(options, 10) == YOSO_OK);
    CHECK(yoso_value_append(arguments, options) == YOSO_OK);
    CHECK(yoso_run_string(state, "box = {echo = function(t) t.more = {1, 2, [5] = 'five', "
                                 "[true] = 1} return t, 'x' end}") == YOSO_OK);
    CHECK(yoso_call(state, "box.echo", arguments, &results) == YOSO_OK);
    const yoso_value *table = yoso_value_at(results, 0);
    CHECK(strcmp(yoso_value_to_string(yoso_value_get(table, "name"), NULL), "n\xc3\xa9") == 0);
    CHECK(yoso_value_to_boolean(yoso_value_get(table, "flag")) == 1);
    CHECK(yoso_value_to_number(yoso_value_at(table, 0)) == 10);
    const yoso_value *more = yoso_value_get(table, "more");
    CHECK(yoso_value_length(more) == 2 && yoso_value_count(more) == 2);
    CHECK(yoso_value_length(results) == 2);
    yoso_value_free(results);
    yoso_value_free(options);
    yoso_value_free(arguments);
}

static void tensors(yoso_state *state)
{
    const int64_t shape[] = {3};
    yoso_tensor *tensor = NULL;
    yoso_value *arguments = NULL, *results = NULL;
    CHECK(yoso_tensor_zeros(&tensor, YOSO_F32, YOSO_CPU, 1, shape) == YOSO_OK);
    CHECK(yoso_fill(tensor, 2) == YOSO_OK);
    CHECK(yoso_value_table(&arguments) == YOSO_OK);
    CHECK(yoso_value_append_tensor(arguments, tensor) == YOSO_OK);
    CHECK(yoso_value_append_number(arguments, 3) == YOSO_OK);
    CHECK(yoso_run_string(state, "function scale(x, by) return x * by, x end") == YOSO_OK);
    CHECK(yoso_call(state, "scale", arguments, &results) == YOSO_OK);
    const yoso_tensor *scaled = yoso_value_to_tensor(yoso_value_at(results, 0));
    CHECK(scaled && yoso_tensor_numel(scaled) == 3);
    CHECK(scaled && ((float *)yoso_tensor_data(scaled))[2] == 6);
    const yoso_tensor *same = yoso_value_to_tensor(yoso_value_at(results, 1));
    CHECK(same && yoso_tensor_same_storage(same, tensor)); /* no copy */
    yoso_value_free(arguments);
    yoso_tensor_free(tensor);
    CHECK(yoso_run_string(state, "gone = require('yoso').zeros{1} gone:free()") == YOSO_OK);
    yoso_value *none = NULL;
    CHECK_FAILS(yoso_evaluate(state, "return gone", NULL, &none), YOSO_SCRIPT, "was freed");
    /* Results outlive their state: the caller closes it before it frees them. */
    CHECK(yoso_evaluate(state, "return require('yoso').ones({2})", NULL, &none) == YOSO_OK);
    yoso_value_free(results);
    yoso_close(state);
    scaled = yoso_value_to_tensor(yoso_value_at(none, 0));
    CHECK(scaled && ((float *)yoso_tensor_data(scaled))[1] == 1);
    yoso_value_free(none);
}

static void options(void)
{
    yoso_state *state = NULL;
    yoso_value *table = NULL, *results = NULL;
    CHECK(yoso_value_table(&table) == YOSO_OK);
    CHECK(yoso_value_set_string(table, "path", "/somewhere/?.lua") == YOSO_OK);
    CHECK(yoso_value_set_number(table, "threads", 1) == YOSO_OK);
    CHECK(yoso_open(&state, table) == YOSO_OK);
    CHECK(yoso_evaluate(state, "return package.path:sub(1, 17), require('yoso').threads()", NULL,
                        &results) == YOSO_OK);
    CHECK(strcmp(yoso_value_to_string(yoso_value_at(results, 0), NULL), "/somewhere/?.lua;") == 0);
    CHECK(yoso_value_to_number(yoso_value_at(results, 1)) == 1);
    yoso_value_free(results);
    yoso_close(state);
    state = NULL;
    CHECK(yoso_value_set_number(table, "threads", 1.5) == YOSO_OK);
    CHECK_FAILS(yoso_open(&state, table), YOSO_MISUSE, "threads is 1.5");
    CHECK(yoso_value_set_string(table, "threads", "two") == YOSO_OK);
    CHECK_FAILS(yoso_open(&state, table), YOSO_MISUSE, "threads must be a number");
    CHECK(yoso_value_set_number(table, "colour", 1) == YOSO_OK);
    CHECK(yoso_value_set(table, "threads", NULL) == YOSO_OK);
    CHECK_FAILS(yoso_open(&state, table), YOSO_MISUSE, "unknown option colour");
    CHECK(state == NULL);
    CHECK_FAILS(yoso_open(NULL, NULL), YOSO_MISUSE, "out is NULL");
    yoso_value_free(table);
    yoso_close(NULL);
}

static void separate(void)
{
    yoso_state *a = NULL, *b = NULL;
    yoso_value *results = NULL;
    CHECK(yoso_open(&a, NULL) == YOSO_OK && yoso_open(&b, NULL) == YOSO_OK);
    CHECK(yoso_run_string(a, "mine = 'a'") == YOSO_OK);
    CHECK(yoso_evaluate(b, "return mine", NULL, &results) == YOSO_OK);
    CHECK(yoso_value_kind(yoso_value_at(results, 0)) == YOSO_NIL);
    yoso_value_free(results);
    yoso_close(a);
    CHECK(yoso_run_string(b, "return require('yoso').zeros{2} + 1") == YOSO_OK);
    yoso_close(b);
}

static void *work(void *result)
{
    yoso_state *state = NULL;
    yoso_value *results = NULL;
    int *sum = result;
    if (yoso_open(&state, NULL) == YOSO_OK &&
        yoso_evaluate(state,
                      "local yoso = require 'yoso' local x = yoso.zeros{64} "
                      "for i = 1, 200 do x = yoso.scope(function() return x + 1 end) end "
                      "local s = 0 for _, v in ipairs(x:totable()) do s = s + v end return s",
                      NULL, &results) == YOSO_OK)
        *sum = (int)yoso_value_to_number(yoso_value_at(results, 0));
    yoso_value_free(results);
    yoso_close(state);
    return NULL;
}

static void threads(void)
{
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    int sums[THREADS] = {0};
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&thread[i], NULL, work, &sums[i]) == 0);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(thread[i], NULL);
        CHECK(sums[i] == 64 * 200);
    }
}

static void *interrupt_soon(void *state)
{
    usleep(50000);
    yoso_interrupt(state);
    return NULL;
}

static void interruption(void)
{
    static const char *const loops[] = {
        "jit.off() while true do end",
        "jit.off() while true do pcall(function() while true do end end) end",
        "local yoso = require 'yoso' jit.on() local x = yoso.zeros{4} "
        "while true do yoso.scope(function() return x + x end) end",
    };
    for (size_t i = 0; i < sizeof loops / sizeof *loops; i++) {
        yoso_state *state = NULL;
        pthread_t thread;
        CHECK(yoso_open(&state, NULL) == YOSO_OK);
        CHECK(pthread_create(&thread, NULL, interrupt_soon, state) == 0);
        CHECK_FAILS(yoso_run_string(state, loops[i]), YOSO_INTERRUPTED, "interrupted");
        pthread_join(thread, NULL);
        CHECK(yoso_run_string(state, "return 1") == YOSO_OK); /* forgotten afterwards */
        yoso_close(state);
    }
    yoso_interrupt(NULL);
    CHECK(yoso_interrupted() == 0);
}

int main(void)
{
    yoso_state *state = NULL;
    CHECK(yoso_open(&state, NULL) == YOSO_OK);
    CHECK(yoso_lua_state(state) != NULL && strcmp(yoso_traceback(state), "") == 0);
    running(state);
    errors(state);
    calling(state);
    tensors(state); /* closes the state */
    options();
    separate();
    threads();
    interruption();
    return finish();
}
