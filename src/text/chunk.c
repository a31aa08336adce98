/* Where stretches end, sixteen bytes at a time where the processor can: see chunk.h. */
#include "text/chunk.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "text/bytelevel.h"

yo_chunking yo_chunking_of(const yo_normalizers *normalizers, const yo_pretokenizers *cuts,
                           bool bytes)
{
    for (size_t i = 0; i < normalizers->count; i++) {
        if (!normalizers->list[i].local)
            return YO_CHUNK_NONE;
    }
    if (cuts->count == 0)
        return YO_CHUNK_NONE;
    if (bytes)
        return normalizers->count == 0 && cuts->count == 1 && cuts->list[0].use_regex
                   ? YO_CHUNK_BYTES
                   : YO_CHUNK_NONE;
    /* The first step must cut at spaces; the others see its pieces one by one. */
    switch (cuts->list[0].kind) {
    case YO_CUT_BERT:
    case YO_CUT_WHITESPACE:
    case YO_CUT_WHITESPACE_SPLIT:
        break;
    case YO_CUT_METASPACE:
        if (!cuts->list[0].split)
            return YO_CHUNK_NONE;
        break;
    default:
        return YO_CHUNK_NONE;
    }
    return YO_CHUNK_SPACES;
}

static bool graphic(uint8_t c)
{
    return c > 0x20 && c < 0x7F;
}

static bool cuts_here(const uint8_t *text, size_t at, size_t stop)
{
    return graphic(text[at - 1]) && at + 1 < stop && graphic(text[at + 1]);
}

static size_t end_at_space(const uint8_t *text, size_t at, size_t stop)
{
    size_t i = at + 1;
#ifdef __SSE2__
    for (; i + 16 <= stop; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(text + i));
        unsigned spaces = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(' ')));
        for (; spaces != 0; spaces &= spaces - 1) {
            size_t space = i + (size_t)__builtin_ctz(spaces);
            if (cuts_here(text, space, stop))
                return space;
        }
    }
#endif
    for (; i < stop; i++) {
        if (text[i] == ' ' && cuts_here(text, i, stop))
            return i;
    }
    return stop;
}

/* Most pieces are an optional space and ASCII letters, and something else in ASCII after them. */
static size_t end_of_bytes(const uint8_t *text, size_t at, size_t stop)
{
#ifdef __SSE2__
    size_t first = at + (text[at] == ' ');
    if (first + 16 <= stop) {
        __m128i block = _mm_loadu_si128((const __m128i *)(text + first));
        __m128i lower = _mm_or_si128(block, _mm_set1_epi8(0x20));
        __m128i letters = _mm_and_si128(_mm_cmpgt_epi8(lower, _mm_set1_epi8('a' - 1)),
                                        _mm_cmplt_epi8(lower, _mm_set1_epi8('z' + 1)));
        unsigned others = ~(unsigned)_mm_movemask_epi8(letters) & 0xFFFF;
        if (others != 0 && !(others & 1)) {
            size_t end = first + (size_t)__builtin_ctz(others);
            if (text[end] < 0x80)
                return end;
        }
    }
#endif
    return yo_bytelevel_end(text, at, stop);
}

size_t yo_chunk_end(yo_chunking chunking, const uint8_t *text, size_t at, size_t stop)
{
    return chunking == YO_CHUNK_BYTES ? end_of_bytes(text, at, stop) : end_at_space(text, at, stop);
}
