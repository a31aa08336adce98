/* The table of embedded Lua files, which lua/embed.lua writes. */
#ifndef YO_HOST_MODULES_H
#define YO_HOST_MODULES_H

#include <stddef.h>

typedef struct {
    const char *name;  /* "yoso.nn" */
    const char *chunk; /* "@yoso:nn/init.lua" */
    const char *source;
    size_t size;
} yo_module;

/* In the order of strcmp. */
extern const yo_module yo_modules[];
extern const long yo_module_count;

#endif
