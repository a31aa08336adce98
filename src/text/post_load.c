/* From JSON to post-processors: see post.h. */
#include <stdio.h>
#include <stdlib.h>

#include "text/post.h"

static yoso_status add_special(yo_post *post, int32_t id, const yo_json *token)
{
    YO_TRY(yo_grow((void **)&post->specials, &post->special_room, post->special_count + 1,
                   sizeof *post->specials));
    char *copy = malloc((size_t)token->count + 1);
    if (copy == NULL)
        return yo_fail(YOSO_NO_MEMORY, "post_processor: no memory");
    memcpy(copy, token->as.text, token->count);
    copy[token->count] = '\0';
    post->specials[post->special_count++] = (yo_special){id, copy, token->count};
    return YOSO_OK;
}

static bool is_id(const yo_json *node)
{
    return node->kind == YO_JSON_NUMBER && node->as.number >= 0 && node->as.number <= INT32_MAX &&
           node->as.number == (double)(int32_t)node->as.number;
}

/* ["</s>", 2] */
static yoso_status load_named(yo_post *post, const char *where, const yo_json *json,
                              const char *key, size_t *place)
{
    const yo_json *pair;
    YO_TRY(yo_json_need(json, where, key, YO_JSON_ARRAY, &pair));
    if (pair->count != 2 || pair[1].kind != YO_JSON_STRING || !is_id(&pair[2]))
        return yo_fail(YOSO_FORMAT, "%s: %s must be a token and its id", where, key);
    *place = post->special_count;
    return add_special(post, (int32_t)pair[2].as.number, &pair[1]);
}

static yoso_status load_trimming(yo_processor *p, const char *where, const yo_json *json)
{
    p->trim_offsets = p->add_prefix_space = true;
    YO_TRY(yo_json_bool(json, where, "trim_offsets", &p->trim_offsets));
    return yo_json_bool(json, where, "add_prefix_space", &p->add_prefix_space);
}

/* The ids and tokens of a template's special token, added to the specials. */
static yoso_status load_special(yo_post *post, const char *where, const yo_json *specials,
                                const char *name, size_t length, yo_template_piece *piece)
{
    const yo_json *member = specials + 1;
    for (uint32_t i = 0; i < specials->count; i++, member = yo_json_next(member + 1)) {
        if (member->count != length || memcmp(member->as.text, name, length) != 0)
            continue;
        const yo_json *ids, *tokens;
        YO_TRY(yo_json_need(member + 1, where, "ids", YO_JSON_ARRAY, &ids));
        YO_TRY(yo_json_need(member + 1, where, "tokens", YO_JSON_ARRAY, &tokens));
        piece->special = post->special_count;
        piece->count = ids->count;
        bool fits = ids->count == tokens->count;
        const yo_json *id = ids + 1, *token = tokens + 1;
        for (uint32_t k = 0; fits && k < ids->count; k++) {
            fits = is_id(id) && token->kind == YO_JSON_STRING;
            if (fits)
                YO_TRY(add_special(post, (int32_t)id->as.number, token));
            id = yo_json_next(id);
            token = yo_json_next(token);
        }
        if (fits)
            return YOSO_OK;
        return yo_fail(YOSO_FORMAT, "%s: special token \"%.*s\": ids and tokens do not fit", where,
                       (int)(length < 80 ? length : 80), name);
    }
    return yo_fail(YOSO_FORMAT, "%s: the special token \"%.*s\" is not in special_tokens", where,
                   (int)(length < 80 ? length : 80), name);
}

static yoso_status load_piece(yo_post *post, const char *where, const yo_json *json,
                              const yo_json *specials, bool pair, yo_template_piece *piece)
{
    const yo_json *sequence = yo_json_get(json, "Sequence"),
                  *special = yo_json_get(json, "SpecialToken"), *id;
    const yo_json *body = sequence != NULL ? sequence : special;
    int64_t type_id = 0;
    if (body == NULL)
        return yo_fail(YOSO_FORMAT, "%s: a piece is neither Sequence nor SpecialToken", where);
    YO_TRY(yo_json_need(body, where, "id", YO_JSON_STRING, &id));
    YO_TRY(yo_json_integer(body, where, "type_id", 0, INT32_MAX, &type_id));
    *piece = (yo_template_piece){.sequence = -1, .type_id = (int32_t)type_id};
    if (sequence == NULL)
        return load_special(post, where, specials, id->as.text, id->count, piece);
    piece->sequence = yo_json_is(id, "B");
    if ((piece->sequence == 0 && !yo_json_is(id, "A")) || (piece->sequence == 1 && !pair))
        return yo_fail(YOSO_FORMAT, "%s: sequence \"%.*s\" in the template of %s", where,
                       (int)(id->count < 80 ? id->count : 80), id->as.text,
                       pair ? "a pair" : "a single text");
    return YOSO_OK;
}

static yoso_status load_template(yo_post *post, yo_processor *p, const char *where,
                                 const yo_json *json)
{
    static const char *const keys[2] = {"single", "pair"};
    const yo_json none = {.kind = YO_JSON_OBJECT};
    const yo_json *specials = yo_json_get(json, "special_tokens");
    if (specials == NULL || specials->kind != YO_JSON_OBJECT)
        specials = &none;
    for (int pair = 0; pair < 2; pair++) {
        const yo_json *list;
        size_t room = 0;
        YO_TRY(yo_json_need(json, where, keys[pair], YO_JSON_ARRAY, &list));
        YO_TRY(yo_grow((void **)&p->pieces[pair], &room, list->count, sizeof **p->pieces));
        const yo_json *piece = list + 1;
        for (uint32_t i = 0; i < list->count; i++, piece = yo_json_next(piece)) {
            YO_TRY(load_piece(post, where, piece, specials, pair == 1, &p->pieces[pair][i]));
            p->piece_count[pair]++;
        }
    }
    return YOSO_OK;
}

yoso_status yo_post_load(yo_post *post, const yo_json *json)
{
    static const char *const types[] = {"BertProcessing", "RobertaProcessing", "ByteLevel",
                                        "TemplateProcessing"};
    if (json == NULL)
        return YOSO_OK;
    const yo_json *type;
    YO_TRY(yo_json_need(json, "post_processor", "type", YO_JSON_STRING, &type));
    if (yo_json_is(type, "Sequence")) {
        const yo_json *list;
        YO_TRY(yo_json_need(json, "post_processor: Sequence", "processors", YO_JSON_ARRAY, &list));
        const yo_json *item = list + 1;
        for (uint32_t i = 0; i < list->count; i++, item = yo_json_next(item))
            YO_TRY(yo_post_load(post, item));
        return YOSO_OK;
    }
    int kind = 0;
    while (kind < 4 && !yo_json_is(type, types[kind]))
        kind++;
    if (kind == 4)
        return yo_fail(YOSO_FORMAT, "post_processor: unknown type \"%.*s\"",
                       (int)(type->count < 80 ? type->count : 80), type->as.text);
    char where[64];
    snprintf(where, sizeof where, "post_processor: %s", types[kind]);
    YO_TRY(yo_grow((void **)&post->list, &post->capacity, post->count + 1, sizeof *post->list));
    yo_processor *p = &post->list[post->count++];
    *p = (yo_processor){.kind = (yo_processor_kind)kind};
    if (p->kind == YO_POST_TEMPLATE)
        return load_template(post, p, where, json);
    if (p->kind != YO_POST_BERT)
        YO_TRY(load_trimming(p, where, json));
    if (p->kind == YO_POST_BYTE_LEVEL)
        return YOSO_OK;
    YO_TRY(load_named(post, where, json, "cls", &p->cls));
    return load_named(post, where, json, "sep", &p->sep);
}

void yo_post_free(yo_post *post)
{
    for (size_t i = 0; i < post->count; i++) {
        free(post->list[i].pieces[0]);
        free(post->list[i].pieces[1]);
    }
    for (size_t i = 0; i < post->special_count; i++)
        free(post->specials[i].token);
    free(post->list);
    free(post->specials);
    *post = (yo_post){0};
}

size_t yo_post_added(const yo_post *post, bool pair)
{
    size_t count = 0;
    for (size_t i = 0; i < post->count; i++) {
        const yo_processor *p = &post->list[i];
        if (p->kind == YO_POST_BERT)
            count += pair ? 3 : 2;
        else if (p->kind == YO_POST_ROBERTA)
            count += pair ? 4 : 2;
        for (size_t k = 0; k < p->piece_count[pair]; k++)
            count += p->pieces[pair][k].sequence < 0 ? p->pieces[pair][k].count : 0;
    }
    return count;
}
