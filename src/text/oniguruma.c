/* From Oniguruma's syntax to PCRE2's: see oniguruma.h.
 *
 * Both are Perl's children, and what tokenizers use is nearly the same. What differs: in Ruby's
 * syntax ^ and $ always see lines (PCRE2_MULTILINE), (?m) lets the dot match newlines (Perl's s),
 * \h is a hexadecimal digit, {,n} counts from 0, and \s and \w are other sets of characters. */
#include "text/oniguruma.h"

#include "text/unicode.h"
#include "text/utf8.h"

/* The letters of an option group (?imx-imx: or (?imx-imx), translated; 0 when it is none. */
static size_t option_group(const char *at, size_t length, char *out)
{
    size_t i = 0;
    while (i < length && i < 12 && memchr("imx-", at[i], 4) != NULL) {
        out[i] = at[i] == 'm' ? 's' : at[i];
        i++;
    }
    out[i] = '\0';
    return i > 0 && i < length && (at[i] == ':' || at[i] == ')') ? i : 0;
}

/* Inside a character class. */
#define SPACES                                                                                     \
    "\\t-\\r "                                                                                     \
    "\\x{85}\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}"
#define WORDS                                                                                      \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{24B6}-\\x{24E9}\\x{1F130}-\\x{1F149}\\x{1F150}-\\x{"     \
    "1F169}"                                                                                       \
    "\\x{1F170}-\\x{1F189}"
/* What Oniguruma takes for \\w besides when it stands alone. */
#define MORE_WORDS "\\xB2\\xB3\\xB9\\xBC-\\xBE"
#define WORD "[" WORDS MORE_WORDS "]"

static const struct {
    char letter;
    const char *outside, *inside; /* a class; NULL where PCRE2 has no words for it */
} escapes[] = {
    {'h', "[0-9a-fA-F]", "0-9a-fA-F"},
    {'H', "[^0-9a-fA-F]", NULL},
    {'s', "[" SPACES "]", SPACES},
    {'S', "[^" SPACES "]", "\\S\\x{180E}"},
    {'w', WORD, WORDS},
    {'W', "[^" WORDS MORE_WORDS "]", NULL},
    {'b', "(?:(?<=" WORD ")(?!" WORD ")|(?<!" WORD ")(?=" WORD "))", "\\b"},
    {'B', "(?:(?<=" WORD ")(?=" WORD ")|(?<!" WORD ")(?!" WORD "))", NULL},
    {'K', NULL, NULL},
    {'g', NULL, NULL},
    {'k', NULL, NULL},
    {'X', NULL, NULL},
    {'R', NULL, NULL},
    {'y', NULL, NULL},
    {'Y', NULL, NULL},
    {'O', NULL, NULL},
    {'N', NULL, NULL},
    {'G', "\\G", NULL},
    {'Z', "\\Z", NULL},
    {'z', "\\z", NULL},
};

typedef struct translation {
    yo_bytes *out;
    const char *where, *pattern;
    size_t length, at; /* of the pattern, and the place in it */
} translation;

static yoso_status unknown(const translation *t, const char *what, size_t length)
{
    return yo_fail(YOSO_FORMAT, "%s: the pattern \"%.*s\" has %.*s, which is not known", t->where,
                   (int)(t->length < 200 ? t->length : 200), t->pattern,
                   (int)(length < 40 ? length : 40), what);
}

/* General categories mean the same to both. Of scripts PCRE2 would take what is used with them. */
static yoso_status translate_property(translation *t, char letter)
{
    static const char *const categories[] = {
        "L",  "Lu", "Ll", "Lt", "Lm", "Lo", "M",  "Mn", "Mc", "Me", "N",  "Nd", "Nl",
        "No", "P",  "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "S",  "Sm", "Sc", "Sk",
        "So", "Z",  "Zs", "Zl", "Zp", "C",  "Cc", "Cf", "Cn", "Co", "Cs"};
    const char *start = t->pattern + t->at - 2;
    const char *name = start + 3, *end = t->pattern + t->length;
    const char *close = memchr(start, '}', (size_t)(end - start));
    if (name > end || start[2] != '{' || close == NULL)
        return unknown(t, start, 2);
    bool negated = *name == '^';
    name += negated;
    size_t length = close > name ? (size_t)(close - name) : 0;
    bool known = yo_equals(name, length, "Han");
    const char *prefix = known ? "sc:" : "";
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        known = known || yo_equals(name, length, categories[i]);
    if (!known)
        return unknown(t, start, (size_t)(close - start) + 1);
    t->at = (size_t)(close - t->pattern) + 1;
    YO_TRY(yo_bytes_text(t->out, (letter == 'P') != negated ? "\\P{" : "\\p{"));
    YO_TRY(yo_bytes_text(t->out, prefix));
    YO_TRY(yo_bytes_append(t->out, name, length));
    return yo_bytes_text(t->out, "}");
}

/* Appends what a backslash and the letter before `at` mean. */
static yoso_status translate_escape(translation *t, bool inside)
{
    char letter = t->pattern[t->at - 1];
    if (letter == 'p' || letter == 'P')
        return translate_property(t, letter);
    for (size_t k = 0; k < sizeof escapes / sizeof *escapes; k++) {
        if (escapes[k].letter != letter)
            continue;
        const char *meaning = inside ? escapes[k].inside : escapes[k].outside;
        return meaning != NULL ? yo_bytes_text(t->out, meaning)
                               : unknown(t, t->pattern + t->at - 2, 2);
    }
    return yo_bytes_append(t->out, t->pattern + t->at - 2, 2);
}

/* [:space:] and its kind, in a class, at `at` after the bracket. */
static yoso_status translate_bracket(translation *t)
{
    static const char *const names[][2] = {{":digit:]", "\\p{Nd}"},
                                           {":space:]", SPACES},
                                           {":word:]", WORDS},
                                           {":xdigit:]", "0-9a-fA-F"}};
    const char *at = t->pattern + t->at;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length = strlen(names[i][0]);
        if (t->length - t->at >= length && memcmp(at, names[i][0], length) == 0) {
            t->at += length;
            return yo_bytes_text(t->out, names[i][1]);
        }
    }
    return unknown(t, at - 1, t->length - t->at + 1);
}

/* A class from after its bracket to the end. Classes in it are joined to it: of what is not
 * negated that is the union. */
static yoso_status translate_class(translation *t)
{
    int depth = 1;
    const char *p = t->pattern;
    YO_TRY(yo_bytes_text(t->out, "["));
    if (t->at < t->length && p[t->at] == '^')
        YO_TRY(yo_bytes_append(t->out, &p[t->at++], 1));
    if (t->at < t->length && p[t->at] == ']')
        YO_TRY(yo_bytes_append(t->out, &p[t->at++], 1));
    while (depth > 0 && t->at < t->length) {
        char c = p[t->at++], next = t->at < t->length ? p[t->at] : '\0';
        if (c == '\\' && t->at < t->length) {
            t->at++;
            YO_TRY(translate_escape(t, true));
        } else if (c == '&' && next == '&') {
            return unknown(t, "&& in a class", 13);
        } else if (c == '[' && next == ':') {
            YO_TRY(translate_bracket(t));
        } else if (c == '[') {
            if (next == '^' || next == ']')
                return unknown(t, p + t->at - 1, 2);
            depth++;
        } else if (c == ']') {
            depth--;
        } else {
            YO_TRY(yo_bytes_append(t->out, &c, 1));
        }
    }
    return depth == 0 ? yo_bytes_text(t->out, "]") : YOSO_OK; /* PCRE2 says that it is not closed */
}

yoso_status yo_oniguruma_translate(yo_bytes *out, const char *where, const char *pattern,
                                   size_t length)
{
    translation t = {.out = out, .where = where, .pattern = pattern, .length = length};
    for (size_t at = 0; at < length;) {
        uint32_t size, c = yo_utf8_decode((const uint8_t *)pattern + at, &size);
        if (yo_is(c, YO_NEWER))
            return unknown(&t, pattern + at, size);
        at += size;
    }
    while (t.at < length) {
        char c = pattern[t.at++], options[16];
        size_t taken;
        if (c == '\\' && t.at < length) {
            t.at++;
            YO_TRY(translate_escape(&t, false));
        } else if (c == '[') {
            YO_TRY(translate_class(&t));
        } else if (c == '(' && t.at + 1 < length && pattern[t.at] == '?' &&
                   (taken = option_group(pattern + t.at + 1, length - t.at - 1, options)) > 0) {
            YO_TRY(yo_bytes_text(out, "(?"));
            YO_TRY(yo_bytes_text(out, options));
            t.at += 1 + taken;
        } else if (c == '{' && t.at < length && pattern[t.at] == ',') {
            YO_TRY(yo_bytes_text(out, "{0"));
        } else {
            YO_TRY(yo_bytes_append(out, &c, 1));
        }
    }
    return YOSO_OK;
}
