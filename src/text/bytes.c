/* Growing arrays: see bytes.h. */
#include "text/bytes.h"

#include <stdlib.h>

#include "core/memory.h"

yoso_status yo_grow(void **data, size_t *capacity, size_t need, size_t size)
{
    if (need <= *capacity)
        return YOSO_OK;
    size_t room = *capacity + *capacity / 2 + 16, bytes;
    if (room < need)
        room = need;
    if (!yo_multiply(room, size, &bytes))
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: %zu elements of %zu bytes", room, size);
    void *grown = realloc(*data, bytes);
    if (grown == NULL)
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for %zu bytes", bytes);
    *data = grown;
    *capacity = room;
    return YOSO_OK;
}

void yo_bytes_free(yo_bytes *bytes)
{
    free(bytes->data);
    *bytes = (yo_bytes){0};
}
