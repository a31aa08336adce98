/* Stretches: cutting raw text where neighbours cannot influence each other, so that each stretch
 * can be looked up by itself. */
#ifndef YO_TEXT_CHUNK_H
#define YO_TEXT_CHUNK_H

#include "text/normalizer.h"
#include "text/pretokenizer.h"

typedef enum yo_chunking {
    YO_CHUNK_NONE,   /* a text is one stretch */
    YO_CHUNK_SPACES, /* before a space between two ASCII graphic characters */
    YO_CHUNK_BYTES   /* the fixed pattern of ByteLevel */
} yo_chunking;

/* How texts may be cut, given all steps before the model. `bytes` says that the model takes the
 * pieces of a last ByteLevel step as bytes. */
yo_chunking yo_chunking_of(const yo_normalizers *normalizers, const yo_pretokenizers *cuts,
                           bool bytes);

/* The end of the stretch that begins at text[at], at < stop. */
size_t yo_chunk_end(yo_chunking chunking, const uint8_t *text, size_t at, size_t stop);

#endif
