/* The post-processors as steps from groups of windows to groups of windows: see post.h. */
#include "text/post.h"

#include <stdlib.h>

void yo_post_work_free(yo_post_work *work)
{
    free(work->parts);
    free(work->windows);
    free(work->groups[0].list);
    free(work->groups[1].list);
    *work = (yo_post_work){0};
}

yoso_status yo_post_part(yo_post_work *work, yo_part part)
{
    if (work->part_count == work->part_room)
        YO_TRY(yo_grow((void **)&work->parts, &work->part_room, work->part_count + 1, sizeof part));
    work->parts[work->part_count++] = part;
    return YOSO_OK;
}

yoso_status yo_post_window(yo_post_work *work, yo_window window)
{
    if (work->window_count == work->window_room)
        YO_TRY(yo_grow((void **)&work->windows, &work->window_room, work->window_count + 1,
                       sizeof window));
    work->windows[work->window_count++] = window;
    return YOSO_OK;
}

static yoso_status add_group(yo_groups *groups, yo_group group)
{
    if (groups->count == groups->capacity)
        YO_TRY(yo_grow((void **)&groups->list, &groups->capacity, groups->count + 1, sizeof group));
    groups->list[groups->count++] = group;
    return YOSO_OK;
}

static yoso_status add_special(yo_post_work *work, size_t special, int32_t type_id)
{
    return yo_post_part(work, (yo_part){.special = (int32_t)special, .type_id = type_id});
}

static yoso_status add_window(yo_post_work *work, yo_window window)
{
    for (size_t i = 0; i < window.count; i++)
        YO_TRY(yo_post_part(work, work->parts[window.first + i]));
    return YOSO_OK;
}

/* Says of every part that its offsets are trimmed now. */
static void trim(yo_post_work *work, const yo_processor *p, yo_window window)
{
    bool first = true;
    for (size_t i = 0; i < window.count; i++) {
        yo_part *part = &work->parts[window.first + i];
        if (part->special < 0 && part->trims < YO_MAX_TRIMS) {
            part->first[part->trims] = first;
            part->keep[part->trims] = p->add_prefix_space;
            part->trims++;
        }
        first = first && part->special < 0 && part->start == part->stop;
    }
}

/* Special tokens before and after a window; `before` is SIZE_MAX for none. */
static yoso_status wrap(yo_post_work *work, yo_window *window, size_t before, size_t after,
                        int32_t type_id, bool retype)
{
    yo_window old = *window;
    window->first = work->part_count;
    if (before != SIZE_MAX)
        YO_TRY(add_special(work, before, type_id));
    size_t inner = work->part_count;
    YO_TRY(add_window(work, old));
    for (size_t i = inner; retype && i < work->part_count; i++)
        work->parts[i].type_id = type_id;
    YO_TRY(add_special(work, after, type_id));
    window->count = work->part_count - window->first;
    return YOSO_OK;
}

/* Bert and Roberta: in place. Roberta has one type and a separator before the second text. */
static yoso_status run_pair(const yo_processor *p, yo_post_work *work, yo_groups *groups,
                            bool specials)
{
    bool roberta = p->kind == YO_POST_ROBERTA;
    for (size_t g = 0; g < groups->count; g++) {
        yo_group *group = &groups->list[g];
        int32_t type_id = roberta || g == 0 ? 0 : 1;
        size_t before = g == 0 ? p->cls : roberta ? p->sep : SIZE_MAX;
        for (size_t i = 0; roberta && i < group->window.count; i++)
            work->parts[group->window.first + i].type_id = 0;
        if (!specials)
            continue;
        YO_TRY(wrap(work, &group->window, before, p->sep, type_id, roberta));
        for (size_t i = 0; i < group->overflow_count; i++) {
            yo_window window = work->windows[group->first_overflow + i];
            YO_TRY(wrap(work, &window, before, p->sep, type_id, roberta));
            work->windows[group->first_overflow + i] = window;
        }
    }
    return YOSO_OK;
}

static yoso_status run_template(const yo_processor *p, yo_post_work *work, const yo_groups *in,
                                yo_groups *out, bool specials)
{
    int pair = in->count == 2;
    if (in->count > 2)
        return yo_fail(YOSO_FORMAT, "encode: a TemplateProcessing after another is not known");
    out->count = 0;
    for (size_t i = 0; i < p->piece_count[pair]; i++) {
        const yo_template_piece *piece = &p->pieces[pair][i];
        yo_group group = {.window = {work->part_count, 0}};
        if (piece->sequence >= 0) {
            group = in->list[piece->sequence];
            yo_window old = group.window;
            group.window.first = work->part_count;
            YO_TRY(add_window(work, old));
            for (size_t k = 0; k < old.count; k++) /* the overflow keeps its own types */
                work->parts[group.window.first + k].type_id = piece->type_id;
        } else if (specials) {
            for (size_t k = 0; k < piece->count; k++)
                YO_TRY(add_special(work, piece->special + k, piece->type_id));
            group.window.count = piece->count;
        } else {
            continue;
        }
        YO_TRY(add_group(out, group));
    }
    return YOSO_OK;
}

/* One window after another. */
static yoso_status join(yo_post_work *work, yo_window a, yo_window b, yo_window *out)
{
    out->first = work->part_count;
    YO_TRY(add_window(work, a));
    YO_TRY(add_window(work, b));
    out->count = work->part_count - out->first;
    return YOSO_OK;
}

/* Joins `b` to `a`: every window of one with every window of the other. */
static yoso_status merge(yo_post_work *work, yo_group *a, const yo_group *b)
{
    yo_group result = {.first_overflow = work->window_count};
    yo_window made;
    for (size_t i = 0; i <= a->overflow_count; i++) {
        bool last = i == a->overflow_count; /* the main window comes after the overflow */
        yo_window left = last ? a->window : work->windows[a->first_overflow + i];
        if (!last) {
            YO_TRY(join(work, left, b->window, &made));
            YO_TRY(yo_post_window(work, made));
        }
        for (size_t k = 0; k < b->overflow_count; k++) {
            YO_TRY(join(work, left, work->windows[b->first_overflow + k], &made));
            YO_TRY(yo_post_window(work, made));
        }
    }
    YO_TRY(join(work, a->window, b->window, &result.window));
    result.overflow_count = work->window_count - result.first_overflow;
    *a = result;
    return YOSO_OK;
}

bool yo_post_untold(yo_post_work *work, yo_window window)
{
    yo_part *parts = &work->parts[window.first];
    if (window.count == 1)
        return true;
    if (parts[0].overflow)
        parts[1].told = 0;
    else if (parts[1].overflow)
        parts[1].told = -1;
    return parts[0].overflow;
}

yoso_status yo_post_run(const yo_post *post, yo_post_work *work, bool specials, yo_group *result)
{
    yo_groups *groups = &work->groups[0], *other = &work->groups[1];
    for (size_t i = 0; i < post->count; i++) {
        const yo_processor *p = &post->list[i];
        if (p->trim_offsets) {
            for (size_t g = 0; g < groups->count; g++) {
                const yo_group *group = &groups->list[g];
                trim(work, p, group->window);
                for (size_t k = 0; k < group->overflow_count; k++)
                    trim(work, p, work->windows[group->first_overflow + k]);
            }
        }
        if (p->kind == YO_POST_TEMPLATE) {
            YO_TRY(run_template(p, work, groups, other, specials));
            yo_groups *swap = groups;
            groups = other;
            other = swap;
        } else if (p->kind != YO_POST_BYTE_LEVEL) {
            YO_TRY(run_pair(p, work, groups, specials));
        }
    }
    *result = (yo_group){.window = {work->part_count, 0}};
    if (groups->count > 0)
        *result = groups->list[0];
    for (size_t g = 1; g < groups->count; g++)
        YO_TRY(merge(work, result, &groups->list[g]));
    return YOSO_OK;
}
