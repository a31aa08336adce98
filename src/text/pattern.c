/* Literal patterns, and PCRE2 for the others: see pattern.h. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/pattern.h"

#include <pcre2.h>
#include <stdlib.h>

#include "text/oniguruma.h"
#include "text/utf8.h"

struct yo_pattern {
    char *literal; /* or NULL */
    size_t length;
    char *source; /* of the regular expression */
    pcre2_code *code;
};

struct yo_search {
    const yo_pattern *pattern;
    const uint8_t *text; /* what PCRE2 sees: the text, or a copy with stand-ins */
    size_t length, at;
    size_t last; /* the end of the last match, SIZE_MAX for none */
    pcre2_match_data *data;
    pcre2_match_context *context;
    yo_bytes copy;
};

static char *copy_text(const char *text, size_t length)
{
    char *copy = malloc(length + 1);
    if (copy != NULL) {
        if (length > 0)
            memcpy(copy, text, length);
        copy[length] = '\0';
    }
    return copy;
}

static yoso_status compile(yo_pattern *pattern, const char *where, const yo_json *regex)
{
    yo_bytes translated = {0};
    pattern->source = copy_text(regex->as.text, regex->count);
    if (pattern->source == NULL)
        return yo_fail(YOSO_NO_MEMORY, "%s: no memory", where);
    yoso_status status = yo_oniguruma_translate(&translated, where, regex->as.text, regex->count);
    if (status != YOSO_OK) {
        yo_bytes_free(&translated);
        return status;
    }
    int code = 0;
    PCRE2_SIZE place = 0;
    pattern->code = pcre2_compile(translated.data, translated.length,
                                  PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK | PCRE2_MULTILINE,
                                  &code, &place, NULL);
    yo_bytes_free(&translated);
    if (pattern->code == NULL) {
        PCRE2_UCHAR message[128];
        pcre2_get_error_message(code, message, sizeof message);
        return yo_fail(YOSO_FORMAT, "%s: the pattern \"%.*s\" is wrong at byte %zu: %s", where,
                       (int)(regex->count < 200 ? regex->count : 200), regex->as.text,
                       (size_t)place, (const char *)message);
    }
    pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); /* without it matching is only slower */
    return YOSO_OK;
}

yoso_status yo_pattern_load(yo_pattern **out, const char *where, const yo_json *json)
{
    const yo_json *string = yo_json_get(json, "String"), *regex = yo_json_get(json, "Regex");
    if (json != NULL && json->kind == YO_JSON_STRING)
        string = json;
    const yo_json *text = string != NULL ? string : regex;
    if (text == NULL || text->kind != YO_JSON_STRING)
        return yo_fail(YOSO_FORMAT,
                       "%s: pattern is %s, must be {\"String\": ...} or {\"Regex\": ...}", where,
                       yo_json_kind_name(json));
    yo_pattern *pattern = calloc(1, sizeof *pattern);
    if (pattern == NULL)
        return yo_fail(YOSO_NO_MEMORY, "%s: no memory", where);
    yoso_status status = YOSO_OK;
    if (string != NULL) {
        pattern->literal = copy_text(string->as.text, string->count);
        pattern->length = string->count;
        if (pattern->literal == NULL)
            status = yo_fail(YOSO_NO_MEMORY, "%s: no memory", where);
    } else {
        status = compile(pattern, where, regex);
    }
    if (status != YOSO_OK) {
        yo_pattern_free(pattern);
        return status;
    }
    *out = pattern;
    return YOSO_OK;
}

void yo_pattern_free(yo_pattern *pattern)
{
    if (pattern == NULL)
        return;
    free(pattern->literal);
    free(pattern->source);
    pcre2_code_free(pattern->code);
    free(pattern);
}

const char *yo_pattern_literal(const yo_pattern *pattern, size_t *length)
{
    *length = pattern->length;
    return pattern->literal;
}

const char *yo_pattern_regex(const yo_pattern *pattern)
{
    return pattern->source;
}

yoso_status yo_search_begin(yo_search **out, const yo_pattern *pattern, const uint8_t *text,
                            size_t length)
{
    yo_search *search = calloc(1, sizeof *search);
    if (search == NULL)
        return yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for a search");
    *search = (yo_search){.pattern = pattern, .text = text, .length = length, .last = SIZE_MAX};
    if (pattern->literal == NULL) {
        bool changed = false;
        yoso_status status = yo_oniguruma_stand_in(&search->copy, &changed, text, length);
        search->data = pcre2_match_data_create(1, NULL);
        search->context = pcre2_match_context_create(NULL);
        if (search->data == NULL || search->context == NULL)
            status = yo_fail(YOSO_NO_MEMORY, "tokenizer: no memory for a search");
        if (status != YOSO_OK) {
            yo_search_end(search);
            return status;
        }
        if (changed)
            search->text = search->copy.data;
        pcre2_set_match_limit(search->context, 50000000);
    }
    *out = search;
    return YOSO_OK;
}

void yo_search_end(yo_search *search)
{
    if (search == NULL)
        return;
    pcre2_match_data_free(search->data);
    pcre2_match_context_free(search->context);
    yo_bytes_free(&search->copy);
    free(search);
}

static yoso_status next_literal(yo_search *search, bool *found, size_t *start, size_t *stop)
{
    const yo_pattern *pattern = search->pattern;
    const uint8_t *at = NULL;
    if (pattern->length > 0 && search->at < search->length)
        at = memmem(search->text + search->at, search->length - search->at, pattern->literal,
                    pattern->length);
    *found = at != NULL;
    if (*found) {
        *start = (size_t)(at - search->text);
        *stop = search->at = *start + pattern->length;
    }
    return YOSO_OK;
}

yoso_status yo_search_next(yo_search *search, bool *found, size_t *start, size_t *stop)
{
    if (search->pattern->literal != NULL)
        return next_literal(search, found, start, stop);
    *found = false;
    while (search->at <= search->length) {
        int count = pcre2_match(search->pattern->code, search->text, search->length, search->at,
                                PCRE2_NO_UTF_CHECK, search->data, search->context);
        if (count == PCRE2_ERROR_NOMATCH)
            return YOSO_OK;
        if (count < 0) {
            PCRE2_UCHAR message[128];
            pcre2_get_error_message(count, message, sizeof message);
            return yo_fail(YOSO_UNSUPPORTED,
                           "tokenizer: the pattern \"%.200s\" cannot be matched: %s",
                           search->pattern->source, (const char *)message);
        }
        const PCRE2_SIZE *place = pcre2_get_ovector_pointer(search->data);
        size_t first = place[0], last = place[1];
        if (first > last) /* \K in a lookahead */
            first = last;
        if (first == last && search->last == last) {
            search->at =
                last + (search->at < search->length ? yo_utf8_size(search->text[last]) : 1);
            continue;
        }
        search->at = search->last = *stop = last;
        *start = first;
        *found = true;
        return YOSO_OK;
    }
    return YOSO_OK;
}
