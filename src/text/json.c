/* The JSON reader: see json.h. */
#include "text/json.h"

#include <math.h>
#include <stdlib.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "text/utf8.h"

enum { MAX_DEPTH = 128 };

const char yo_json_pad[YO_JSON_PAD] = {0};

typedef struct reader {
    yo_json_document *document;
    const char *what;
    char *text, *at, *end;
    int depth;
} reader;

static yoso_status fail_at(const reader *r, const char *at, const char *problem)
{
    size_t line = 1, column = 1;
    for (const char *c = r->text; c < at; c++) {
        column++;
        if (*c == '\n') {
            line++;
            column = 1;
        }
    }
    return yo_fail(YOSO_FORMAT, "%s: line %zu, column %zu: %s", r->what, line, column, problem);
}

static void skip_space(reader *r)
{
    while (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t')
        r->at++;
}

static yoso_status add(reader *r, size_t *index, yo_json_kind kind)
{
    yo_json_document *d = r->document;
    if (d->count == d->capacity) /* more than there can be in what is well formed */
        YO_TRY(yo_grow((void **)&d->nodes, &d->capacity, d->count + 1, sizeof *d->nodes));
    *index = d->count++;
    d->nodes[*index] = (yo_json){.kind = kind};
    return YOSO_OK;
}

static int hex4(const char *at)
{
    int value = 0;
    for (int i = 0; i < 4; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* One escape at r->at (after the backslash) to *out. */
static yoso_status read_escape(reader *r, char **out)
{
    static const char plain[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
    const char *found = *r->at != '\0' ? strchr(plain, *r->at) : NULL;
    if (found != NULL) {
        *(*out)++ = meaning[found - plain];
        r->at++;
        return YOSO_OK;
    }
    if (*r->at != 'u')
        return fail_at(r, r->at, "an unknown escape in a string");
    int value = hex4(r->at + 1);
    if (value < 0)
        return fail_at(r, r->at, "\\u wants four hexadecimal digits");
    r->at += 5;
    uint32_t c = (uint32_t)value;
    if (c >= 0xD800 && c < 0xE000) {
        int low = c < 0xDC00 && r->at[0] == '\\' && r->at[1] == 'u' ? hex4(r->at + 2) : -1;
        if (low < 0xDC00 || low > 0xDFFF)
            return fail_at(r, r->at, "half a surrogate pair in a string");
        c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
        r->at += 6;
    }
    *out += yo_utf8_encode((uint8_t *)*out, c); /* never longer than its escape */
    return YOSO_OK;
}

/* The first quote, backslash or control character at text or after it. */
static char *end_of_plain(char *text, const char *end)
{
#ifdef __SSE2__
    for (; end - text >= 16; text += 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)text);
        __m128i quote = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
        __m128i slash = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
        __m128i control = _mm_cmpeq_epi8(_mm_min_epu8(block, _mm_set1_epi8(0x1F)), block);
        int found = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quote, slash), control));
        if (found != 0)
            return text + __builtin_ctz((unsigned)found);
    }
#endif
    while (*text != '"' && *text != '\\' && (uint8_t)*text >= 0x20)
        text++;
    return text;
}

static yoso_status read_string(reader *r, yo_json *node)
{
    char *start = ++r->at;
    r->at = end_of_plain(r->at, r->end);
    char *out = r->at;
    while (*r->at != '"') {
        if (r->at == r->end)
            return fail_at(r, start, "a string that does not end");
        if ((uint8_t)*r->at < 0x20)
            return fail_at(r, r->at, "a control character in a string");
        if (*r->at == '\\') {
            r->at++;
            YO_TRY(read_escape(r, &out));
        } else {
            *out++ = *r->at++;
        }
    }
    if ((size_t)(out - start) > UINT32_MAX)
        return fail_at(r, start, "a string of more than 4 GiB");
    r->at++;
    node->kind = YO_JSON_STRING;
    node->count = (uint32_t)(out - start);
    node->as.text = start;
    return YOSO_OK;
}

static yoso_status read_number(reader *r, yo_json *node)
{
    const char *end = yo_json_read_number(r->at, &node->as.number);
    if (end == NULL)
        return fail_at(r, r->at, "not a number");
    if (!isfinite(node->as.number))
        return fail_at(r, r->at, "a number out of range");
    node->kind = YO_JSON_NUMBER;
    r->at += end - r->at;
    return YOSO_OK;
}

static yoso_status read_value(reader *r);

static yoso_status read_container(reader *r, char close)
{
    bool object = close == '}';
    size_t index;
    YO_TRY(add(r, &index, object ? YO_JSON_OBJECT : YO_JSON_ARRAY));
    if (++r->depth > MAX_DEPTH)
        return fail_at(r, r->at, "nested too deeply");
    uint32_t count = 0;
    r->at++;
    skip_space(r);
    if (*r->at == close) {
        r->at++;
    } else {
        for (;;) {
            skip_space(r);
            if (object) {
                size_t key;
                if (*r->at != '"')
                    return fail_at(r, r->at, "a member must begin with a string");
                YO_TRY(add(r, &key, YO_JSON_STRING));
                YO_TRY(read_string(r, &r->document->nodes[key]));
                skip_space(r);
                if (*r->at != ':')
                    return fail_at(r, r->at, "':' expected");
                r->at++;
            }
            YO_TRY(read_value(r));
            if (++count == UINT32_MAX)
                return fail_at(r, r->at, "too many elements");
            skip_space(r);
            char c = *r->at;
            if (c != ',' && c != close)
                return fail_at(r, r->at, object ? "',' or '}' expected" : "',' or ']' expected");
            r->at++;
            if (c == close)
                break;
        }
    }
    r->depth--;
    r->document->nodes[index].count = count;
    r->document->nodes[index].as.end = r->document->count - index;
    return YOSO_OK;
}

static yoso_status read_value(reader *r)
{
    size_t index;
    skip_space(r);
    char c = *r->at;
    if (c == '{')
        return read_container(r, '}');
    if (c == '[')
        return read_container(r, ']');
    YO_TRY(add(r, &index, YO_JSON_NULL));
    yo_json *node = &r->document->nodes[index];
    if (c == '"')
        return read_string(r, node);
    if (c == '-' || (c >= '0' && c <= '9'))
        return read_number(r, node);
    static const struct {
        const char *word;
        yo_json_kind kind;
    } words[] = {{"null", YO_JSON_NULL}, {"false", YO_JSON_FALSE}, {"true", YO_JSON_TRUE}};
    for (size_t i = 0; i < 3; i++) {
        size_t length = strlen(words[i].word);
        if (strncmp(r->at, words[i].word, length) == 0) {
            node->kind = words[i].kind;
            r->at += length;
            return YOSO_OK;
        }
    }
    return fail_at(r, r->at, r->at == r->end ? "the text ends too early" : "a value expected");
}

/* No fewer than the values and keys of a text: each but the first follows one of , : [ { */
static size_t count_nodes(const char *text, size_t length)
{
    size_t count = 1, i = 0;
#ifdef __SSE2__
    __m128i sums = _mm_setzero_si128(), found = sums;
    for (int steps = 1; i + 16 <= length; i += 16, steps++) {
        __m128i block = _mm_loadu_si128((const __m128i *)(text + i));
        __m128i comma = _mm_cmpeq_epi8(block, _mm_set1_epi8(','));
        __m128i colon = _mm_cmpeq_epi8(block, _mm_set1_epi8(':'));
        __m128i open = _mm_cmpeq_epi8(_mm_or_si128(block, _mm_set1_epi8(0x20)), _mm_set1_epi8('{'));
        found = _mm_sub_epi8(found, _mm_or_si128(_mm_or_si128(comma, colon), open));
        if (steps % 255 == 0 || i + 32 > length) { /* before a byte overflows, and at the end */
            sums = _mm_add_epi64(sums, _mm_sad_epu8(found, _mm_setzero_si128()));
            found = _mm_setzero_si128();
        }
    }
    count +=
        (size_t)_mm_cvtsi128_si64(sums) + (size_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(sums, sums));
#endif
    for (; i < length; i++)
        count += text[i] == ',' || text[i] == ':' || text[i] == '[' || text[i] == '{';
    return count;
}

yoso_status yo_json_read(yo_json_document *document, const char *what, char *text, size_t length)
{
    reader r = {.document = document, .what = what, .text = text, .at = text, .end = text + length};
    size_t valid = yo_utf8_valid((uint8_t *)text, length);
    if (valid < length)
        return fail_at(&r, text + valid, "bytes that are not UTF-8");
    YO_TRY(yo_grow((void **)&document->nodes, &document->capacity, count_nodes(text, length),
                   sizeof *document->nodes));
    yoso_status status = read_value(&r);
    if (status == YOSO_OK) {
        skip_space(&r);
        if (r.at != r.end)
            status = fail_at(&r, r.at, "text after the value");
    }
    return status;
}

void yo_json_free(yo_json_document *document)
{
    free(document->nodes);
    *document = (yo_json_document){0};
}
