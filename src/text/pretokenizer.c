/* From JSON to a list of pre-tokenizers, and running one: see pretokenizer.h. */
#include "text/pretokenizer.h"

#include <stdlib.h>

#include "text/pattern.h"

static yoso_status load_behavior(yo_pretokenizer *p, const char *where, const yo_json *json,
                                 bool needed)
{
    static const struct {
        const char *name, *other;
        yo_behavior behavior;
    } names[] = {{"Removed", "removed", YO_REMOVED},
                 {"Isolated", "isolated", YO_ISOLATED},
                 {"MergedWithPrevious", "merged_with_previous", YO_MERGED_WITH_PREVIOUS},
                 {"MergedWithNext", "merged_with_next", YO_MERGED_WITH_NEXT},
                 {"Contiguous", "contiguous", YO_CONTIGUOUS}};
    p->behavior = YO_ISOLATED;
    const yo_json *behavior = yo_json_get(json, "behavior");
    if (behavior == NULL && !needed)
        return YOSO_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (yo_json_is(behavior, names[i].name) || yo_json_is(behavior, names[i].other)) {
            p->behavior = names[i].behavior;
            return YOSO_OK;
        }
    }
    bool text = behavior != NULL && behavior->kind == YO_JSON_STRING;
    return yo_fail(YOSO_FORMAT, "%s: unknown behavior \"%.*s\"", where,
                   text ? (int)(behavior->count < 80 ? behavior->count : 80) : 0,
                   text ? behavior->as.text : "");
}

static yoso_status load_byte_level(yo_pretokenizer *p, const char *where, const yo_json *json)
{
    p->add_prefix_space = p->use_regex = true;
    YO_TRY(yo_json_bool(json, where, "add_prefix_space", &p->add_prefix_space));
    return yo_json_bool(json, where, "use_regex", &p->use_regex);
}

static yoso_status load_digits(yo_pretokenizer *p, const char *where, const yo_json *json)
{
    return yo_json_bool(json, where, "individual_digits", &p->individual);
}

static yoso_status load_punctuation(yo_pretokenizer *p, const char *where, const yo_json *json)
{
    return load_behavior(p, where, json, false);
}

/* One character, as Metaspace and CharDelimiterSplit want it. */
static yoso_status load_mark(yo_pretokenizer *p, const char *where, const yo_json *json,
                             const char *key, const char *otherwise)
{
    const char *text;
    size_t length;
    uint32_t size = 0;
    YO_TRY(yo_json_string(json, where, key, &text, &length));
    if (text == NULL && otherwise != NULL) {
        text = otherwise;
        length = strlen(otherwise);
    }
    if (text != NULL && length > 0)
        p->delimiter = yo_utf8_decode((const uint8_t *)text, &size);
    if (size == 0 || size != length)
        return yo_fail(YOSO_FORMAT, "%s: %s must be one character", where, key);
    memcpy(p->mark, text, length);
    p->mark_length = size;
    return YOSO_OK;
}

static yoso_status load_metaspace(yo_pretokenizer *p, const char *where, const yo_json *json)
{
    bool old = true;
    p->split = true;
    YO_TRY(load_mark(p, where, json, "replacement", "\xE2\x96\x81"));
    YO_TRY(yo_json_bool(json, where, "split", &p->split));
    YO_TRY(yo_json_bool(json, where, "add_prefix_space", &old));
    const yo_json *scheme = yo_json_get(json, "prepend_scheme");
    p->prepend = old ? YO_PREPEND_ALWAYS : YO_PREPEND_NEVER;
    if (yo_json_is(scheme, "always"))
        p->prepend = YO_PREPEND_ALWAYS;
    else if (yo_json_is(scheme, "first"))
        p->prepend = YO_PREPEND_FIRST;
    else if (yo_json_is(scheme, "never"))
        p->prepend = YO_PREPEND_NEVER;
    else if (scheme != NULL)
        return yo_fail(YOSO_FORMAT, "%s: prepend_scheme must be always, first or never", where);
    return YOSO_OK;
}

static yoso_status load_split(yo_pretokenizer *p, const char *where, const yo_json *json)
{
    YO_TRY(load_behavior(p, where, json, true));
    YO_TRY(yo_json_bool(json, where, "invert", &p->invert));
    return yo_pattern_load(&p->pattern, where, yo_json_get(json, "pattern"));
}

static yoso_status load_delimiter(yo_pretokenizer *p, const char *where, const yo_json *json)
{
    return load_mark(p, where, json, "delimiter", NULL);
}

static yoso_status load_fixed(yo_pretokenizer *p, const char *where, const yo_json *json)
{
    int64_t length = 5;
    YO_TRY(yo_json_integer(json, where, "length", 1, INT32_MAX, &length));
    p->length = (size_t)length;
    return YOSO_OK;
}

static const struct {
    const char *type;
    yo_pretokenizer_kind kind;
    yoso_status (*load)(yo_pretokenizer *p, const char *where, const yo_json *json);
} kinds[] = {
    {"ByteLevel", YO_CUT_BYTE_LEVEL, load_byte_level},
    {"BertPreTokenizer", YO_CUT_BERT, NULL},
    {"Whitespace", YO_CUT_WHITESPACE, NULL},
    {"WhitespaceSplit", YO_CUT_WHITESPACE_SPLIT, NULL},
    {"Digits", YO_CUT_DIGITS, load_digits},
    {"Punctuation", YO_CUT_PUNCTUATION, load_punctuation},
    {"Metaspace", YO_CUT_METASPACE, load_metaspace},
    {"Split", YO_CUT_SPLIT, load_split},
    {"CharDelimiterSplit", YO_CUT_DELIMITER, load_delimiter},
    {"UnicodeScripts", YO_CUT_SCRIPTS, NULL},
    {"FixedLength", YO_CUT_FIXED_LENGTH, load_fixed},
};

yoso_status yo_pretokenizers_load(yo_pretokenizers *list, const yo_json *json)
{
    if (json == NULL)
        return YOSO_OK;
    const yo_json *type;
    YO_TRY(yo_json_need(json, "pre_tokenizer", "type", YO_JSON_STRING, &type));
    if (yo_json_is(type, "Sequence")) {
        const yo_json *items;
        YO_TRY(
            yo_json_need(json, "pre_tokenizer: Sequence", "pretokenizers", YO_JSON_ARRAY, &items));
        const yo_json *item = items + 1;
        for (uint32_t i = 0; i < items->count; i++, item = yo_json_next(item))
            YO_TRY(yo_pretokenizers_load(list, item));
        return YOSO_OK;
    }
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (!yo_json_is(type, kinds[k].type))
            continue;
        char where[64];
        YO_TRY(yo_grow((void **)&list->list, &list->capacity, list->count + 1, sizeof *list->list));
        yo_pretokenizer *p = &list->list[list->count++];
        *p = (yo_pretokenizer){.kind = kinds[k].kind};
        memcpy(where, "pre_tokenizer: ", 15);
        memcpy(where + 15, kinds[k].type, strlen(kinds[k].type) + 1);
        return kinds[k].load != NULL ? kinds[k].load(p, where, json) : YOSO_OK;
    }
    return yo_fail(YOSO_FORMAT, "pre_tokenizer: unknown type \"%.*s\"",
                   (int)(type->count < 80 ? type->count : 80), type->as.text);
}

void yo_pretokenizers_free(yo_pretokenizers *list)
{
    for (size_t i = 0; i < list->count; i++)
        yo_pattern_free(list->list[i].pattern);
    free(list->list);
    *list = (yo_pretokenizers){0};
}

/* An added token's text moves to the next text unchanged. */
static yoso_status carry(yo_cutting *cutting, const yo_piece *piece, bool rewrites)
{
    yo_piece moved = *piece;
    if (rewrites) {
        moved.start = cutting->next_text->bytes.length;
        YO_TRY(yo_aligned_keep(cutting->next_text, &cutting->text, piece->start, piece->stop));
        moved.stop = cutting->next_text->bytes.length;
    }
    return yo_pieces_add(cutting->next_pieces, moved);
}

yoso_status yo_pretokenize(const yo_pretokenizer *p, yo_cutting *cutting)
{
    bool rewrites = p->kind == YO_CUT_METASPACE || p->kind == YO_CUT_BYTE_LEVEL;
    cutting->next_pieces->count = 0;
    if (rewrites)
        yo_aligned_clear(cutting->next_text, cutting->text.tracked);
    for (size_t i = 0; i < cutting->pieces->count; i++) {
        const yo_piece *piece = &cutting->pieces->list[i];
        if (piece->token >= 0)
            YO_TRY(carry(cutting, piece, rewrites));
        else if (p->kind == YO_CUT_METASPACE)
            YO_TRY(yo_cut_metaspace(p, cutting, piece));
        else if (p->kind == YO_CUT_BYTE_LEVEL)
            YO_TRY(yo_cut_byte_level(p, cutting, piece));
        else if (p->kind == YO_CUT_SPLIT)
            YO_TRY(yo_cut_by_pattern(p, cutting, piece));
        else
            YO_TRY(yo_cut_by_class(p, cutting, piece));
    }
    if (rewrites)
        cutting->text = yo_aligned_view(cutting->next_text);
    yo_pieces *swap = cutting->pieces;
    cutting->pieces = cutting->next_pieces;
    cutting->next_pieces = swap;
    return YOSO_OK;
}
