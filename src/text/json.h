/* A strict JSON reader for megabytes of vocabulary: one pass, no allocation per value.
 *
 * The document is a flat array of nodes in reading order: a container is followed by its
 * elements, an object's by key and value in turn. Strings point into the text, which is
 * unescaped in place and must outlive the document. */
#ifndef YO_TEXT_JSON_H
#define YO_TEXT_JSON_H

#include "text/bytes.h"

typedef enum yo_json_kind {
    YO_JSON_NULL,
    YO_JSON_FALSE,
    YO_JSON_TRUE,
    YO_JSON_NUMBER,
    YO_JSON_STRING,
    YO_JSON_ARRAY,
    YO_JSON_OBJECT
} yo_json_kind;

typedef struct yo_json {
    uint32_t kind;
    uint32_t count; /* bytes of a string, elements of an array, members of an object */
    union {
        double number;
        const char *text; /* a string */
        size_t end;       /* a container: nodes from itself to what follows it */
    } as;
} yo_json;

typedef struct yo_json_document {
    yo_json *nodes;
    size_t count, capacity;
} yo_json_document;

enum { YO_JSON_PAD = 8 };
extern const char yo_json_pad[YO_JSON_PAD]; /* zeros */ /* numbers are read eight bytes at a time */

/* Reads text[0 .. length), which is changed; YO_JSON_PAD zero bytes must
 * follow it. `what` names the
 * text in messages, which give line and column. */
yoso_status yo_json_read(yo_json_document *document, const char *what, char *text, size_t length);
void yo_json_free(yo_json_document *document);

/* The node after this value. */
static inline const yo_json *yo_json_next(const yo_json *node)
{
    return node->kind >= YO_JSON_ARRAY ? node + node->as.end : node + 1;
}

/* The member of that name; NULL when there is none, it is null, or node is no object. */
const yo_json *yo_json_get(const yo_json *node, const char *key);

static inline bool yo_json_is(const yo_json *node, const char *text)
{
    return node != NULL && node->kind == YO_JSON_STRING &&
           yo_equals(node->as.text, node->count, text);
}

/* What a value is, for messages: "a string", "null", ... */
const char *yo_json_kind_name(const yo_json *node);

/* Members with a type: absent or null leaves *value as it is; another type is YOSO_FORMAT with
 * a message that begins with `where`. */
yoso_status yo_json_bool(const yo_json *node, const char *where, const char *key, bool *value);
yoso_status yo_json_integer(const yo_json *node, const char *where, const char *key, int64_t low,
                            int64_t high, int64_t *value);
/* As above, for a string; *value is NULL when absent. */
yoso_status yo_json_string(const yo_json *node, const char *where, const char *key,
                           const char **value, size_t *length);
/* A member that must be there, of that kind. */
yoso_status yo_json_need(const yo_json *node, const char *where, const char *key, yo_json_kind kind,
                         const yo_json **value);

/* Reads the number at text, which ends with a byte that is part of none, behind which YO_JSON_PAD
 * more may be read; returns its end, or NULL
 * when it is none. Too large ones become infinite. Numbers are read as the tokenizers library reads
 * them: digits as one integer, then one multiplication or division by a power of ten. That is not
 * always the nearest double, but equal scores must tie here where they tie there. */
const char *yo_json_read_number(const char *text, double *number);
/* Appends a number that reads back as the same. */
yoso_status yo_json_write_number(yo_bytes *out, double number);

/* Appends the value as JSON text. */
yoso_status yo_json_write(yo_bytes *out, const yo_json *node);
/* Appends a JSON string, quoted. */
yoso_status yo_json_write_string(yo_bytes *out, const char *text, size_t length);

#endif
