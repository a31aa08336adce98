/* NFD, NFKD, NFC and NFKC with alignment: decompose, put marks into canonical order, compose. */
#include "text/normalize_form.h"

#include <stdlib.h>

#include "text/normalizer.h"
#include "text/unicode.h"

/* A character on its way: see aligned.h for what a change is. */
typedef struct moved {
    uint32_t c;
    int32_t class;
    int64_t change;
} moved;

typedef struct moved_list {
    moved *list;
    size_t count, capacity;
} moved_list;

typedef struct former {
    yo_rewrite rewrite;
    bool compose;
    moved_list marks;  /* not yet in canonical order: all but a leading starter have a class */
    moved_list sorted; /* room for ordering long runs */
    bool have_starter; /* composition: the last starter, not yet written */
    moved starter;
    moved_list held; /* marks that did not compose with it */
    int last_class;  /* of the last held mark, -1 for none */
} former;

static yoso_status add(moved_list *list, moved item)
{
    if (list->count == list->capacity)
        YO_TRY(yo_grow((void **)&list->list, &list->capacity, list->count + 1, sizeof item));
    list->list[list->count++] = item;
    return YOSO_OK;
}

static yoso_status write(former *f, const moved *item)
{
    return yo_rewrite_put(&f->rewrite, item->c, item->change);
}

static yoso_status write_starter(former *f)
{
    if (f->have_starter)
        YO_TRY(write(f, &f->starter));
    for (size_t i = 0; i < f->held.count; i++)
        YO_TRY(write(f, &f->held.list[i]));
    f->held.count = 0;
    f->last_class = -1;
    f->have_starter = false;
    return YOSO_OK;
}

/* The composition algorithm of the standard, one character in canonical order at a time. */
static yoso_status compose(former *f, const moved *item)
{
    if (!f->have_starter) {
        if (item->class != 0)
            return write(f, item);
        f->starter = *item;
        f->have_starter = true;
        return YOSO_OK;
    }
    if (f->last_class < item->class || f->last_class < 0) {
        uint32_t made = yo_compose(f->starter.c, item->c);
        if (made != 0) {
            f->starter.c = made;
            f->starter.change += item->change - 1;
            return YOSO_OK;
        }
    }
    if (item->class == 0) {
        YO_TRY(write_starter(f));
        f->starter = *item;
        f->have_starter = true;
        return YOSO_OK;
    }
    f->last_class = item->class;
    return add(&f->held, *item);
}

/* Sorts marks by class, keeping the order of equal ones: by insertion when they are few, by
 * counting when many. */
static yoso_status order_marks(former *f, size_t first)
{
    moved *marks = f->marks.list + first;
    size_t count = f->marks.count - first;
    if (count <= 16) {
        for (size_t i = 1; i < count; i++) {
            moved item = marks[i];
            size_t k = i;
            for (; k > 0 && marks[k - 1].class > item.class; k--)
                marks[k] = marks[k - 1];
            marks[k] = item;
        }
        return YOSO_OK;
    }
    size_t place[257] = {0};
    YO_TRY(yo_grow((void **)&f->sorted.list, &f->sorted.capacity, count, sizeof(moved)));
    for (size_t i = 0; i < count; i++)
        place[marks[i].class + 1]++;
    for (int class = 0; class < 256; class ++)
        place[class + 1] += place[class];
    for (size_t i = 0; i < count; i++)
        f->sorted.list[place[marks[i].class]++] = marks[i];
    memcpy(marks, f->sorted.list, count * sizeof *marks);
    return YOSO_OK;
}

static yoso_status flush_marks(former *f)
{
    if (f->marks.count == 0)
        return YOSO_OK;
    size_t first = f->marks.list[0].class == 0;
    YO_TRY(order_marks(f, first));
    for (size_t i = 0; i < f->marks.count; i++)
        YO_TRY(f->compose ? compose(f, &f->marks.list[i]) : write(f, &f->marks.list[i]));
    f->marks.count = 0;
    return YOSO_OK;
}

static size_t end_of_inert(const yo_view_text *in, size_t at)
{
    uint32_t size;
    while (at < in->length && yo_is_inert(yo_utf8_decode(in->data + at, &size)))
        at += size;
    return at;
}

static yoso_status run(former *f, bool compatibility)
{
    const yo_view_text *in = f->rewrite.in;
    for (size_t at = 0; at < in->length;) {
        size_t end = f->compose ? at : end_of_inert(in, at);
        if (end > at) { /* characters that stay as they are, whatever follows */
            YO_TRY(flush_marks(f));
            YO_TRY(yo_aligned_keep(f->rewrite.out, in, at, end));
            f->rewrite.at = at = end;
            continue;
        }
        uint32_t size, parts[YO_DECOMPOSED], c = yo_utf8_decode(in->data + at, &size);
        int count = yo_decompose(c, compatibility, parts);
        for (int i = 0; i < count; i++) {
            moved item = {parts[i], yo_combining_class(parts[i]), i > 0};
            if (item.class == 0)
                YO_TRY(flush_marks(f));
            YO_TRY(add(&f->marks, item));
        }
        at += size;
    }
    YO_TRY(flush_marks(f));
    return write_starter(f);
}

yoso_status yo_normal_form(const yo_view_text *in, uint32_t from, bool compatibility, bool composed,
                           yo_aligned *out)
{
    former f = {.rewrite = {.in = in, .out = out, .stop = in->length, .from = from},
                .compose = composed,
                .last_class = -1};
    yoso_status status = run(&f, compatibility);
    free(f.marks.list);
    free(f.sorted.list);
    free(f.held.list);
    return status;
}

/* Each character alone and, composed, also solid: no second part of a composition. */
bool yo_idle_form(const yo_normalizer *normalizer, const yo_view_text *in)
{
    for (size_t at = 0; at < in->length;) {
        uint32_t size, c = yo_utf8_decode(in->data + at, &size);
        if (c >= 0x80 && (!yo_is_inert(c) || (normalizer->composed && !yo_is_solid(c))))
            return false;
        at += size;
    }
    return true;
}

yoso_status yo_normalize_form(const yo_normalizer *normalizer, const yo_view_text *in,
                              uint32_t from, yo_aligned *out)
{
    return yo_normal_form(in, from, normalizer->compatibility, normalizer->composed, out);
}
