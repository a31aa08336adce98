/* Patterns that users write: literal strings, and regular expressions in Oniguruma's syntax run
 * by PCRE2. The classes \p{L}, \w, \s, ... mean what the tokenizers library means by them. */
#ifndef YO_TEXT_PATTERN_H
#define YO_TEXT_PATTERN_H

#include "text/json.h"

typedef struct yo_pattern yo_pattern;

/* One search over a text; a thread's own. */
typedef struct yo_search yo_search;

/* {"String": "..."} or {"Regex": "..."}. */
yoso_status yo_pattern_load(yo_pattern **out, const char *where, const yo_json *json);
void yo_pattern_free(yo_pattern *pattern);

/* Matches of the pattern in text, left to right, without overlap and with no empty match right
 * after a match: call yo_search_next until *found is false. */
yoso_status yo_search_begin(yo_search **out, const yo_pattern *pattern, const uint8_t *text,
                            size_t length);
yoso_status yo_search_next(yo_search *search, bool *found, size_t *start, size_t *stop);
void yo_search_end(yo_search *search);

/* The literal of a pattern that is one (an escaped literal too), else NULL. */
const char *yo_pattern_literal(const yo_pattern *pattern, size_t *length);
/* The text of a regular expression, NULL for a literal. */
const char *yo_pattern_regex(const yo_pattern *pattern);

#endif
