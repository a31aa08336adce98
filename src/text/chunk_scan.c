/* Finding where stretches end, 64 bytes at a time: for each class of characters a mask with one
 * bit a byte, and the ends from these masks by shifts. See chunk.h. */
#include "text/chunk.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { BLOCK = 64 };

typedef struct classes {
    uint64_t letters, digits, spaces, white; /* white: \t to \r */
    uint64_t graphic;                        /* 0x21 to 0x7E */
    uint64_t high;                           /* 0x80 and above */
    uint64_t quotes, underscores;            /* ' and _ */
    uint64_t wide;                           /* 0xE3 and above: begins a character from U+3000 */
} classes;

#ifdef __SSE2__
static uint64_t between(__m128i block, char low, char high)
{
    __m128i above = _mm_cmpgt_epi8(block, _mm_set1_epi8((char)(low - 1)));
    __m128i below = _mm_cmpgt_epi8(_mm_set1_epi8((char)(high + 1)), block);
    return (unsigned)_mm_movemask_epi8(_mm_and_si128(above, below));
}

static uint64_t equal(__m128i block, char c)
{
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(c)));
}

static classes classify(const uint8_t *text)
{
    classes c = {0};
    for (int i = 0; i < BLOCK; i += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(text + i));
        c.letters |= between(_mm_or_si128(block, _mm_set1_epi8(0x20)), 'a', 'z') << i;
        c.digits |= between(block, '0', '9') << i;
        c.spaces |= equal(block, ' ') << i;
        c.white |= between(block, '\t', '\r') << i;
        c.graphic |= between(block, 0x21, 0x7E) << i;
        c.high |= (uint64_t)(unsigned)_mm_movemask_epi8(block) << i;
        c.quotes |= equal(block, '\'') << i;
        c.underscores |= equal(block, '_') << i;
        __m128i most = _mm_max_epu8(block, _mm_set1_epi8((char)0xE3));
        c.wide |= (uint64_t)(unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(block, most)) << i;
    }
    return c;
}
#else
static classes classify(const uint8_t *text)
{
    classes c = {0};
    for (int i = 0; i < BLOCK; i++) {
        uint8_t byte = text[i], lower = byte | 0x20;
        c.letters |= (uint64_t)(lower >= 'a' && lower <= 'z') << i;
        c.digits |= (uint64_t)(byte >= '0' && byte <= '9') << i;
        c.spaces |= (uint64_t)(byte == ' ') << i;
        c.white |= (uint64_t)(byte >= '\t' && byte <= '\r') << i;
        c.graphic |= (uint64_t)(byte > 0x20 && byte < 0x7F) << i;
        c.high |= (uint64_t)(byte >= 0x80) << i;
        c.quotes |= (uint64_t)(byte == '\'') << i;
        c.underscores |= (uint64_t)(byte == '_') << i;
        c.wide |= (uint64_t)(byte >= 0xE3) << i;
    }
    return c;
}
#endif

/* The classes of text[at ..], with `pad` after its end; *count is how many bytes are there. */
static classes look(const uint8_t *text, size_t at, size_t stop, uint8_t pad, size_t *count)
{
    *count = stop - at;
    if (*count >= BLOCK) {
        *count = BLOCK;
        return classify(text + at);
    }
    uint8_t rest[2 * BLOCK];
    memset(rest, pad, sizeof rest);
    if (stop >= BLOCK) /* the last bytes before the end, some of them from before `at` */
        memcpy(rest, text + stop - BLOCK, BLOCK);
    else
        memcpy(rest + BLOCK - *count, text + at, *count);
    return classify(rest + BLOCK - *count);
}

/* Bits below number n, n <= 64. */
static uint64_t first_bits(size_t n)
{
    return n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
}

/* -- GPT-2's pattern -------------------------------------------------------------------------- */

/* A contraction where a piece begins with an apostrophe: the letters are no piece of their own. */
static uint64_t join_contractions(uint64_t ends, uint64_t quotes, const uint8_t *text, size_t left)
{
    for (uint64_t found = quotes & (ends | 1) & first_bits(62); found != 0; found &= found - 1) {
        size_t at = (size_t)__builtin_ctzll(found);
        size_t length = yo_fixed_contraction(text + at + 1, left - at - 1);
        if (length == 0)
            continue;
        ends &= ~((uint64_t)1 << (at + 1));
        if (at + 1 + length < BLOCK)
            ends |= (uint64_t)1 << (at + 1 + length);
    }
    return ends;
}

/* Places in the block, after the first, at which a piece begins: of ASCII before the first byte
 * that is none, and where the byte after is known, too. */
static uint64_t byte_level_ends(const classes *c, const uint8_t *text, size_t left)
{
    uint64_t blank = c->spaces | c->white, solid = ~blank;
    uint64_t others = ~(blank | c->letters | c->digits);
    uint64_t goes_on = (c->letters & c->letters << 1) | (c->digits & c->digits << 1) |
                       (others & others << 1) | (solid & c->spaces << 1);
    /* Of blanks the last is cut from those before it when something follows. */
    uint64_t ends = (solid & ~goes_on) | (blank & (~(blank << 1) | (solid >> 1)));
    size_t known = c->high != 0 ? (size_t)__builtin_ctzll(c->high) : BLOCK;
    if (c->quotes != 0)
        ends = join_contractions(ends, c->quotes, text, left);
    return ends & first_bits(known > 0 ? known - 1 : 0) & ~(uint64_t)1;
}

static size_t scan_gpt2(const uint8_t *text, size_t at, size_t stop, uint32_t *ends, size_t most)
{
    size_t count = 0;
    while (count < most && at < stop) {
        size_t here;
        classes c = look(text, at, stop, ' ', &here);
        uint64_t found = byte_level_ends(&c, text + at, stop - at) & first_bits(here);
        for (size_t start = at; found != 0 && count < most; found &= found - 1)
            ends[count++] = (uint32_t)(at = start + (size_t)__builtin_ctzll(found));
        if (count == most)
            break;
        /* The last piece reaches into what the masks do not tell, or to the end. */
        at = here < BLOCK && c.high == 0 ? stop : yo_fixed_end(YO_FIXED_GPT2, text, at, stop);
        ends[count++] = (uint32_t)at;
    }
    return count;
}

/* -- Spaces ----------------------------------------------------------------------------------- */

static uint64_t divide_ascii(const yo_chunking *chunking, const classes *c)
{
    uint64_t inside = c->graphic & c->graphic << 1, words = c->letters | c->digits;
    uint64_t ends = c->spaces & c->graphic << 1 & c->graphic >> 1;
    if (chunking->inner == YO_INNER_PUNCTUATION)
        ends |= inside & ~(words & words << 1);
    words |= c->underscores;
    if (chunking->inner == YO_INNER_WORDS)
        ends |= inside & (words ^ words << 1);
    return ends;
}

static size_t scan_spaces(const yo_chunking *chunking, const uint8_t *text, size_t at, size_t stop,
                          uint32_t *ends, size_t most)
{
    size_t count = 0, from = at; /* what comes before `from` has been looked at */
    while (count < most) {
        size_t here;
        classes c = look(text, from, stop, 0, &here);
        uint64_t found = divide_ascii(chunking, &c), maybe = 0;
        if (chunking->kind == YO_CHUNK_JOINED) {
            found = c.spaces & ~(c.spaces << 1) & ~(c.high << 1);
            maybe = c.spaces & c.high << 1;
        } else if (c.high != 0) {
            uint64_t solid = c.graphic | c.high;
            maybe = c.spaces & solid << 1 & solid >> 1 & (c.high << 1 | c.high >> 1);
            if (chunking->chinese) /* before them and behind */
                maybe |= solid & solid << 1 & (c.wide | c.wide << 3 | c.wide << 4);
        }
        /* The byte after a place must be known, but at the end, where none follows. */
        uint64_t all =
            (found | maybe) & first_bits(here == BLOCK ? BLOCK - 1 : here) & ~(uint64_t)1;
        for (; all != 0 && count < most; all &= all - 1) {
            size_t place = from + (size_t)__builtin_ctzll(all);
            bool sure = found >> (place - from) & 1;
            if (sure || (!yo_utf8_continues(text[place]) &&
                         yo_chunk_divides(chunking, text, at, place, stop)))
                ends[count++] = (uint32_t)(at = place);
        }
        if (count == most)
            break;
        if (here < BLOCK || from + BLOCK == stop) {
            ends[count++] = (uint32_t)stop;
            break;
        }
        from += BLOCK - 2; /* the last place looked at is the first of the next block */
    }
    return count;
}

size_t yo_chunk_ends(const yo_chunking *chunking, const uint8_t *text, size_t at, size_t stop,
                     uint32_t *ends, size_t most)
{
    if (chunking->kind == YO_CHUNK_BYTES && chunking->pattern == YO_FIXED_GPT2)
        return scan_gpt2(text, at, stop, ends, most);
    if (chunking->kind == YO_CHUNK_BYTES) {
        size_t count = 0;
        for (; count < most && at < stop; count++)
            ends[count] = (uint32_t)(at = yo_fixed_end(chunking->pattern, text, at, stop));
        return count;
    }
    if (chunking->kind == YO_CHUNK_SPACES || chunking->kind == YO_CHUNK_JOINED)
        return scan_spaces(chunking, text, at, stop, ends, most);
    ends[0] = (uint32_t)stop;
    return 1;
}
