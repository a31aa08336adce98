/* The thread-local message behind yoso_error_message. */
#include "core/status.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGE_SIZE = 4096 };

static _Thread_local char message[MESSAGE_SIZE];

yoso_status yo_fail(yoso_status status, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    return status;
}

yoso_status yo_fail_within(yoso_status status, const char *format, ...)
{
    char prefix[MESSAGE_SIZE / 2];
    char inner[MESSAGE_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(prefix, sizeof prefix, format, arguments);
    va_end(arguments);
    memcpy(inner, message, sizeof inner);
    /* Precisions say that cutting at the buffer's end is meant. */
    snprintf(message, sizeof message, "%.*s: %.*s", (int)sizeof prefix, prefix,
             (int)(sizeof message - sizeof prefix - 3), inner);
    return status;
}

const char *yoso_error_message(void)
{
    return message;
}

const char *yoso_status_name(yoso_status status)
{
    switch (status) {
    case YOSO_OK:
        return "ok";
    case YOSO_MISUSE:
        return "misuse";
    case YOSO_NO_MEMORY:
        return "out of memory";
    case YOSO_IO:
        return "input or output";
    case YOSO_FORMAT:
        return "bad data";
    case YOSO_UNSUPPORTED:
        return "unsupported";
    case YOSO_SCRIPT:
        return "script";
    case YOSO_INTERRUPTED:
        return "interrupted";
    }
    return "unknown status";
}
