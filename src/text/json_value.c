/* Asking a JSON document for members, and writing values back as text. */
#include <math.h>
#include <stdio.h>

#include "text/json.h"

const yo_json *yo_json_get(const yo_json *node, const char *key)
{
    if (node == NULL || node->kind != YO_JSON_OBJECT)
        return NULL;
    const yo_json *found = NULL, *member = node + 1;
    for (uint32_t i = 0; i < node->count; i++) {
        if (yo_json_is(member, key))
            found = member + 1;
        member = yo_json_next(member + 1);
    }
    return found != NULL && found->kind == YO_JSON_NULL ? NULL : found;
}

const char *yo_json_kind_name(const yo_json *node)
{
    static const char *const names[] = {"null",     "false",  "true",     "a number",
                                        "a string", "a list", "an object"};
    return node == NULL ? "nothing" : names[node->kind];
}

static yoso_status wrong(const char *where, const char *key, const yo_json *value, const char *want)
{
    return yo_fail(YOSO_FORMAT, "%s: %s is %s, must be %s", where, key, yo_json_kind_name(value),
                   want);
}

yoso_status yo_json_bool(const yo_json *node, const char *where, const char *key, bool *value)
{
    const yo_json *member = yo_json_get(node, key);
    if (member == NULL)
        return YOSO_OK;
    if (member->kind != YO_JSON_TRUE && member->kind != YO_JSON_FALSE)
        return wrong(where, key, member, "true or false");
    *value = member->kind == YO_JSON_TRUE;
    return YOSO_OK;
}

yoso_status yo_json_integer(const yo_json *node, const char *where, const char *key, int64_t low,
                            int64_t high, int64_t *value)
{
    const yo_json *member = yo_json_get(node, key);
    if (member == NULL)
        return YOSO_OK;
    if (member->kind != YO_JSON_NUMBER)
        return wrong(where, key, member, "a whole number");
    double number = member->as.number;
    if (number != floor(number) || number < (double)low || number > (double)high)
        return yo_fail(YOSO_FORMAT, "%s: %s is %.17g, must be a whole number from %lld to %lld",
                       where, key, number, (long long)low, (long long)high);
    *value = (int64_t)number;
    return YOSO_OK;
}

yoso_status yo_json_string(const yo_json *node, const char *where, const char *key,
                           const char **value, size_t *length)
{
    const yo_json *member = yo_json_get(node, key);
    *value = NULL;
    *length = 0;
    if (member == NULL)
        return YOSO_OK;
    if (member->kind != YO_JSON_STRING)
        return wrong(where, key, member, "a string");
    *value = member->as.text;
    *length = member->count;
    return YOSO_OK;
}

yoso_status yo_json_need(const yo_json *node, const char *where, const char *key, yo_json_kind kind,
                         const yo_json **value)
{
    const yo_json *member = yo_json_get(node, key);
    if (member == NULL)
        return yo_fail(YOSO_FORMAT, "%s: %s is missing", where, key);
    if (member->kind != kind)
        return wrong(where, key, member, yo_json_kind_name(&(yo_json){.kind = kind}));
    *value = member;
    return YOSO_OK;
}

yoso_status yo_json_write_string(yo_bytes *out, const char *text, size_t length)
{
    YO_TRY(yo_bytes_text(out, "\""));
    size_t start = 0;
    for (size_t i = 0; i < length; i++) {
        uint8_t c = (uint8_t)text[i];
        if (c != '"' && c != '\\' && c >= 0x20)
            continue;
        YO_TRY(yo_bytes_append(out, text + start, i - start));
        start = i + 1;
        char escape[8];
        if (c == '"' || c == '\\')
            snprintf(escape, sizeof escape, "\\%c", c);
        else if (c == '\n')
            snprintf(escape, sizeof escape, "\\n");
        else
            snprintf(escape, sizeof escape, "\\u%04x", c);
        YO_TRY(yo_bytes_text(out, escape));
    }
    YO_TRY(yo_bytes_append(out, text + start, length - start));
    return yo_bytes_text(out, "\"");
}

yoso_status yo_json_write(yo_bytes *out, const yo_json *node)
{
    if (node == NULL)
        return yo_bytes_text(out, "null");
    switch ((yo_json_kind)node->kind) {
    case YO_JSON_NULL:
        return yo_bytes_text(out, "null");
    case YO_JSON_FALSE:
        return yo_bytes_text(out, "false");
    case YO_JSON_TRUE:
        return yo_bytes_text(out, "true");
    case YO_JSON_NUMBER:
        return yo_json_write_number(out, node->as.number);
    case YO_JSON_STRING:
        return yo_json_write_string(out, node->as.text, node->count);
    case YO_JSON_ARRAY:
    case YO_JSON_OBJECT:
        break;
    }
    bool object = node->kind == YO_JSON_OBJECT;
    YO_TRY(yo_bytes_text(out, object ? "{" : "["));
    const yo_json *child = node + 1;
    for (uint32_t i = 0; i < node->count; i++) {
        if (i > 0)
            YO_TRY(yo_bytes_text(out, ","));
        if (object) {
            YO_TRY(yo_json_write(out, child++));
            YO_TRY(yo_bytes_text(out, ":"));
        }
        YO_TRY(yo_json_write(out, child));
        child = yo_json_next(child);
    }
    return yo_bytes_text(out, object ? "}" : "]");
}
