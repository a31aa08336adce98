/* Added tokens: strings that are found in a text before anything else is done to it (or after
 * the normalizer, when they ask for that) and become one token each. */
#ifndef YO_TEXT_ADDED_H
#define YO_TEXT_ADDED_H

#include "text/model.h"
#include "text/normalizer.h"
#include "text/pieces.h"
#include "text/trie.h"

typedef struct yo_added_token {
    int32_t id;
    char *content;
    size_t length;
    char *shown; /* what its id decodes to: the content in normal form if `normalized` */
    size_t shown_length;
    bool single_word, lstrip, rstrip, normalized, special;
    bool was_special; /* in any of the entries with its content: what being special means */
} yo_added_token;

/* Strings that are looked for in a text; values are places in the list. */
typedef struct yo_added_set {
    yo_trie trie;
    size_t count;
    uint8_t first[4];   /* the bytes that they begin with */
    size_t first_count; /* more than 4 are not told */
} yo_added_set;

typedef struct yo_added {
    yo_added_token *list;
    size_t count, capacity;
    yo_vocab vocab; /* content to id; its entries are numbered as the list */
    int32_t last;   /* the largest id, -1 for none */
    yo_added_set raw, normal;
} yo_added;

/* Reads the "added_tokens" list (or NULL). Ids are given as the library gives them: the model's
 * where it knows the token, else the next free one. */
yoso_status yo_added_load(yo_added *added, const yo_json *json, const yo_model *model,
                          const yo_normalizers *normalizers);
/* Adds one token; `token->content` is copied. */
yoso_status yo_added_add(yo_added *added, const yo_added_token *token, const yo_model *model);
/* Call once after the last addition. */
yoso_status yo_added_finish(yo_added *added, const yo_normalizers *normalizers);
void yo_added_free(yo_added *added);

/* The token with an id; NULL for none. */
const yo_added_token *yo_added_by_id(const yo_added *added, int32_t id);

/* Cuts text[start .. stop) at the tokens of `set` and appends the pieces; with skip_special,
 * special tokens are text like any other. */
yoso_status yo_added_cut(const yo_added *added, const yo_added_set *set, const yo_view_text *text,
                         size_t start, size_t stop, bool skip_special, yo_pieces *out);

/* Appends the "added_tokens" list. */
yoso_status yo_added_write(const yo_added *added, yo_bytes *out);

#endif
