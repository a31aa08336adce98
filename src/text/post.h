/* After the model: truncation into windows, special tokens around them, trimmed offsets.
 *
 * Nothing is copied here. A window is a list of parts, each a range of a sequence's tokens or one
 * special token, and steps make new windows from old ones; encoding.c writes them out. */
#ifndef YO_TEXT_POST_H
#define YO_TEXT_POST_H

#include "text/json.h"

enum { YO_MAX_TRIMS = 4 };

typedef struct yo_part {
    int32_t special;  /* a place in yo_post.specials; -1 for tokens of a sequence */
    int32_t sequence; /* 0 or 1 */
    int32_t told;     /* which sequence the record says it is, -1 for none */
    bool overflow;    /* truncation cut it off */
    int32_t type_id;
    uint32_t start, stop;        /* tokens of the sequence */
    uint8_t trims;               /* how often offsets are trimmed */
    uint8_t first[YO_MAX_TRIMS]; /* whether the part began the window then */
    uint8_t keep[YO_MAX_TRIMS];  /* and the space that was put before everything is kept */
} yo_part;

typedef struct yo_window {
    size_t first, count; /* in yo_post_work.parts */
} yo_window;

/* A window with those that truncation cut off. */
typedef struct yo_group {
    yo_window window;
    size_t first_overflow, overflow_count; /* in yo_post_work.windows */
} yo_group;

typedef struct yo_groups {
    yo_group *list;
    size_t count, capacity;
} yo_groups;

typedef struct yo_post_work {
    yo_part *parts;
    size_t part_count, part_room;
    yo_window *windows;
    size_t window_count, window_room;
    yo_groups groups[2];
} yo_post_work;

void yo_post_work_free(yo_post_work *work);
yoso_status yo_post_part(yo_post_work *work, yo_part part);
yoso_status yo_post_window(yo_post_work *work, yo_window window);

typedef struct yo_special {
    int32_t id;
    char *token;
    size_t length;
} yo_special;

typedef enum yo_processor_kind {
    YO_POST_BERT,
    YO_POST_ROBERTA,
    YO_POST_BYTE_LEVEL,
    YO_POST_TEMPLATE
} yo_processor_kind;

/* A piece of a template: a sequence, or `count` special tokens from `special` on. */
typedef struct yo_template_piece {
    int32_t sequence; /* -1 for specials */
    int32_t type_id;
    size_t special, count;
} yo_template_piece;

typedef struct yo_processor {
    yo_processor_kind kind;
    bool trim_offsets, add_prefix_space;
    size_t cls, sep;              /* places in specials */
    yo_template_piece *pieces[2]; /* single, pair */
    size_t piece_count[2];
} yo_processor;

typedef struct yo_post {
    yo_processor *list;
    size_t count, capacity;
    yo_special *specials;
    size_t special_count, special_room;
} yo_post;

/* Adds what a JSON object says (NULL: nothing). */
yoso_status yo_post_load(yo_post *post, const yo_json *json);
void yo_post_free(yo_post *post);

/* How many special tokens are added. */
size_t yo_post_added(const yo_post *post, bool pair);

typedef enum yo_truncation_strategy {
    YO_LONGEST_FIRST,
    YO_ONLY_FIRST,
    YO_ONLY_SECOND
} yo_truncation_strategy;

typedef struct yo_truncation {
    bool on, left;
    size_t max_length, stride;
    yo_truncation_strategy strategy;
} yo_truncation;

/* Cuts sequences of these lengths (lengths[1] is SIZE_MAX without a pair) into groups. */
yoso_status yo_truncate(yo_post_work *work, yo_groups *groups, const yo_truncation *truncation,
                        const size_t lengths[2], size_t added);

/* Without any processor nobody tells where the sequences of a window end, but for a pair's parts
 * that truncation left: sets what is told of each part. Returns whether all that is put beside the
 * tokens belongs to the first sequence. */
bool yo_post_untold(yo_post_work *work, yo_window window);

/* Runs the processors and joins everything into one group. */
yoso_status yo_post_run(const yo_post *post, yo_post_work *work, bool add_special,
                        yo_group *result);

#endif
