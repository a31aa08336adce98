/* What is known of ASCII words: see plain.h. */
#include "text/plain.h"

#include "text/pattern.h"

static bool is_graphic(uint8_t c)
{
    return c > 0x20 && c < 0x7F;
}

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static bool is_word(uint8_t c)
{
    uint8_t small = lower(c);
    return (small >= 'a' && small <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* Takes a normalizer that is `local` into account; false when that is not known how. */
static bool add_normalizer(yo_plain *plain, const yo_normalizer *n)
{
    if (n->pattern != NULL) {
        size_t length;
        if (yo_pattern_literal(n->pattern, &length) == NULL)
            return true; /* the one that is local sees two spaces or more */
        for (int i = 0; i < 4; i++) {
            if (plain->replaced[i] == NULL) {
                plain->replaced[i] = n;
                return true;
            }
        }
        return false;
    }
    for (uint8_t c = 0; c < 128; c++) {
        if (n->run == yo_normalize_lowercase || (n->run == yo_normalize_bert && n->lower))
            plain->becomes[c] = lower(plain->becomes[c]);
    }
    return n->run == yo_normalize_lowercase || n->run == yo_normalize_bert ||
           n->run == yo_normalize_form || n->run == yo_normalize_strip_accents ||
           n->run == yo_normalize_nmt || n->run == yo_normalize_precompiled;
}

yo_plain yo_plain_of(const yo_normalizers *normalizers, const yo_pretokenizers *cuts)
{
    const yo_plain none = {.rule = YO_PLAIN_NONE};
    yo_plain plain = {.rule = YO_PLAIN_ANY};
    for (uint8_t c = 0; c < 128; c++)
        plain.becomes[c] = is_graphic(c) ? c : 0;
    for (size_t i = 0; i < normalizers->count; i++) {
        if (!normalizers->list[i].local || !add_normalizer(&plain, &normalizers->list[i]))
            return none;
    }
    const yo_pretokenizer *cut = cuts->list, *end = cut + cuts->count;
    if (cut == end)
        return none;
    bool splits = cut->kind == YO_CUT_WHITESPACE_SPLIT;
    if (cut->kind == YO_CUT_BERT)
        plain.rule = YO_PLAIN_MARK;
    else if (cut->kind == YO_CUT_WHITESPACE)
        plain.rule = YO_PLAIN_WORD;
    if (plain.rule != YO_PLAIN_ANY || splits)
        cut++;
    if (plain.rule == YO_PLAIN_ANY && cut < end && cut->kind == YO_CUT_METASPACE && cut->split) {
        plain.metaspace = cut++;
        plain.takes_space = !splits;
        if (plain.metaspace->mark_length == 1)
            plain.becomes[(uint8_t)plain.metaspace->mark[0] & 127] = 0;
    }
    return cut == end && (splits || plain.metaspace != NULL || plain.rule != YO_PLAIN_ANY) ? plain
                                                                                           : none;
}

yo_plain yo_plain_joined(const char *mark, bool prepends)
{
    yo_plain plain = {.rule = YO_PLAIN_ANY, .joined = mark, .prepends = prepends};
    for (uint8_t c = 0; c < 128; c++)
        plain.becomes[c] = c != ' ' ? c : 0;
    return plain;
}

/* Whether a string that is replaced may begin at text, whatever has become of its case. */
static bool may_be_replaced(const yo_plain *plain, const uint8_t *text, size_t length)
{
    for (int i = 0; i < 4 && plain->replaced[i] != NULL; i++) {
        size_t size, k = 0;
        const char *string = yo_pattern_literal(plain->replaced[i]->pattern, &size);
        while (k < size && k < length && lower(text[k]) == lower((uint8_t)string[k]))
            k++;
        if (k == size)
            return true;
    }
    return false;
}

bool yo_plain_make(const yo_plain *plain, const uint8_t *text, size_t length, bool first,
                   uint8_t *out, yo_plain_piece *piece)
{
    bool space = text[0] == ' ';
    const uint8_t *body = text + space;
    size_t left = length - space;
    if (left == 0 || left > YO_PLAIN_LONGEST)
        return false;
    *piece = (yo_plain_piece){.rest = space};
    const yo_pretokenizer *m = plain->metaspace;
    if (m != NULL && ((space && plain->takes_space) || m->prepend == YO_PREPEND_ALWAYS ||
                      (m->prepend == YO_PREPEND_FIRST && first && !space))) {
        memcpy(out, m->mark, m->mark_length);
        piece->mark = m->mark_length;
        piece->mark_start = space && !plain->takes_space;
    }
    for (int i = !(plain->prepends && first); plain->joined != NULL && i < 1 + space; i++) {
        memcpy(out + piece->mark, plain->joined, 3);
        piece->mark += 3;
    }
    bool word = is_word(body[0]);
    if (plain->rule == YO_PLAIN_MARK && left > 1 && (!word || body[0] == '_'))
        return false;
    for (size_t i = 0; i < left; i++) {
        uint8_t c = body[i], becomes = c < 128 ? plain->becomes[c] : 0;
        if (becomes == 0)
            return false;
        if (plain->rule == YO_PLAIN_MARK && left > 1 && (!is_word(c) || c == '_'))
            return false;
        if (plain->rule == YO_PLAIN_WORD && is_word(c) != word)
            return false;
        if (plain->replaced[0] != NULL && may_be_replaced(plain, body + i, left - i))
            return false;
        out[piece->mark + i] = becomes;
    }
    return true;
}
