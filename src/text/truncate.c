/* Truncation: how much each sequence keeps, and the windows that the rest falls into. */
#include "text/post.h"

/* A window of one sequence. */
static yoso_status one_part(yo_post_work *work, yo_window *window, int32_t sequence, size_t start,
                            size_t stop, bool overflow)
{
    *window = (yo_window){work->part_count, 1};
    return yo_post_part(work, (yo_part){.special = -1,
                                        .sequence = sequence,
                                        .told = sequence,
                                        .overflow = overflow,
                                        .type_id = sequence,
                                        .start = (uint32_t)start,
                                        .stop = (uint32_t)stop});
}

/* Cuts one sequence to windows of `keep` tokens that share `stride`. */
static yoso_status cut(yo_post_work *work, yo_group *group, const yo_truncation *t,
                       int32_t sequence, size_t length, size_t keep)
{
    *group = (yo_group){.first_overflow = work->window_count};
    if (keep >= length)
        return one_part(work, &group->window, sequence, 0, length, false);
    if (keep > 0 && t->stride >= keep)
        return yo_fail(YOSO_MISUSE,
                       "encode: stride is %zu, must be below the %zu tokens that are kept",
                       t->stride, keep);
    if (keep == 0) { /* nothing stays: one overflow has everything */
        yo_window all;
        YO_TRY(one_part(work, &group->window, sequence, 0, 0, false));
        YO_TRY(one_part(work, &all, sequence, 0, length, true));
        group->overflow_count = 1;
        return yo_post_window(work, all);
    }
    size_t step = keep - t->stride;
    for (size_t n = 0, at = 0;; n++, at += step) {
        size_t start, stop;
        if (t->left) {
            stop = length - at;
            start = stop > keep ? stop - keep : 0;
        } else {
            start = at;
            stop = length - at > keep ? at + keep : length;
        }
        yo_window window;
        YO_TRY(one_part(work, &window, sequence, start, stop, n > 0));
        if (n == 0)
            group->window = window;
        else
            YO_TRY(yo_post_window(work, window));
        if (t->left ? start == 0 : stop == length)
            break;
    }
    group->overflow_count = work->window_count - group->first_overflow;
    return YOSO_OK;
}

/* The tokens that each of two sequences keeps when the longest is cut first. */
static void share(size_t budget, size_t keep[2])
{
    int shorter = keep[0] > keep[1], longer = !shorter;
    size_t n1 = keep[shorter], n2 = keep[longer];
    if (n1 > budget)
        n2 = n1;
    else
        n2 = n1 > budget - n1 ? n1 : budget - n1;
    if (n1 + n2 > budget) {
        n1 = budget / 2;
        n2 = n1 + budget % 2;
    }
    keep[shorter] = n1;
    keep[longer] = n2;
}

yoso_status yo_truncate(yo_post_work *work, yo_groups *groups, const yo_truncation *t,
                        const size_t lengths[2], size_t added)
{
    bool pair = lengths[1] != SIZE_MAX;
    size_t keep[2] = {lengths[0], pair ? lengths[1] : 0}, total = keep[0] + keep[1];
    /* A limit below the number of special tokens cuts nothing: the library's way. */
    bool cuts = t->on && t->max_length >= added && total > t->max_length - added;
    if (cuts) {
        size_t budget = t->max_length - added, remove = total - budget;
        int target = t->strategy == YO_ONLY_SECOND;
        if (budget == 0) {
            keep[0] = keep[1] = 0;
        } else if (t->strategy == YO_LONGEST_FIRST) {
            if (pair)
                share(budget, keep);
            else
                keep[0] = budget;
        } else if (target == 1 && !pair) {
            return yo_fail(YOSO_MISUSE, "encode: truncation only_second: there is no second text");
        } else if (keep[target] <= remove) {
            return yo_fail(YOSO_MISUSE,
                           "encode: truncation %s: that text has %zu tokens, %zu must go",
                           target ? "only_second" : "only_first", keep[target], remove);
        } else {
            keep[target] -= remove;
        }
    }
    groups->count = pair ? 2 : 1;
    YO_TRY(yo_grow((void **)&groups->list, &groups->capacity, 2, sizeof *groups->list));
    for (int32_t i = 0; i < (pair ? 2 : 1); i++)
        YO_TRY(cut(work, &groups->list[i], t, i, lengths[i], keep[i]));
    return YOSO_OK;
}
