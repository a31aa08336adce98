/* Grapheme clusters: utf8proc's rules, with the library's newer table of what extends a cluster. */
#include <utf8proc.h>

#include "text/grapheme_tables.h"
#include "text/unicode.h"
#include "text/utf8.h"

static bool extends(uint32_t c)
{
    size_t low = 0, high = sizeof yo_extending / sizeof *yo_extending;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (yo_extending[middle][1] < c)
            low = middle + 1;
        else
            high = middle;
    }
    return low < sizeof yo_extending / sizeof *yo_extending && yo_extending[low][0] <= c;
}

/* Controls and line ends stand alone whatever follows; so do unassigned characters that are to be
 * ignored, which utf8proc does not know. */
static bool stands_alone(uint32_t c)
{
    int class = (int)utf8proc_get_property((utf8proc_int32_t)c)->boundclass;
    return class == UTF8PROC_BOUNDCLASS_CONTROL || class == UTF8PROC_BOUNDCLASS_CR ||
           class == UTF8PROC_BOUNDCLASS_LF || c == 0x2065 || (c >= 0xFFF0 && c <= 0xFFF8) ||
           (c >= 0xE0000 && c <= 0xE0FFF && !extends(c));
}

static bool breaks_between(uint32_t c, uint32_t next, utf8proc_int32_t *state)
{
    enum { REPHA = 0x113D1 }; /* joins what follows, since Unicode 16 */
    bool breaks =
        utf8proc_grapheme_break_stateful((utf8proc_int32_t)c, (utf8proc_int32_t)next, state);
    if (stands_alone(c))
        return !(c == '\r' && next == '\n');
    if (next >= 0x300 && extends(next))
        return false;
    return breaks && !(c == REPHA && !stands_alone(next));
}

size_t yo_cluster_end(const uint8_t *text, size_t start, size_t length)
{
    uint32_t size, c = yo_utf8_decode(text + start, &size);
    utf8proc_int32_t state = 0;
    size_t at = start + size;
    while (at < length) {
        uint32_t next = yo_utf8_decode(text + at, &size);
        if (breaks_between(c, next, &state))
            break;
        c = next;
        at += size;
    }
    return at;
}
