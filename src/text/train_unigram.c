/* Learning a Unigram vocabulary (Kudo, 2018): frequent substrings as a beginning, then expectation
 * and maximisation in turn, dropping the pieces that the likelihood misses least. */
#include <math.h>
#include <stdlib.h>

#include "text/train.h"
#include "text/trie.h"
#include "text/utf8.h"

enum { LONGEST = 16, SEEDS = 1000000, ROUNDS = 2 };

typedef struct candidate {
    uint32_t start, length; /* in the texts of the pieces */
    double score;           /* log probability */
    double count;           /* expected, or frequency */
    bool single;            /* one character: never dropped */
} candidate;

typedef struct learner {
    const yoso_trainer *trainer;
    yo_vocab texts; /* every substring; its id is its candidate while seeding */
    candidate *list;
    size_t count, room;
    yo_trie trie;
    double *forward, *backward;
    size_t forward_room, backward_room;
    uint32_t *order; /* of the words */
} learner;

static const uint8_t *text_of(const learner *l, const candidate *c)
{
    return l->texts.text.data + c->start;
}

static yoso_status add_substring(learner *l, const uint8_t *text, size_t length, bool single,
                                 int64_t weight)
{
    int32_t id = yo_vocab_find(&l->texts, text, length);
    if (id < 0) {
        if (l->texts.text.length > UINT32_MAX - LONGEST * 4)
            return yo_fail(YOSO_UNSUPPORTED, "train: too many different words");
        id = (int32_t)l->count;
        YO_TRY(yo_grow((void **)&l->list, &l->room, l->count + 1, sizeof *l->list));
        l->list[l->count++] =
            (candidate){(uint32_t)l->texts.text.length, (uint32_t)length, 0, 0, single};
        YO_TRY(yo_vocab_add(&l->texts, (const char *)text, length, id));
    }
    l->list[id].count += (double)weight;
    return YOSO_OK;
}

/* All substrings of all words, weighted by the words' counts. */
static yoso_status seed(learner *l)
{
    const yo_vocab *words = &l->trainer->words;
    for (size_t w = 0; w < words->count; w++) {
        const yo_vocab_entry *word = &words->entries[l->order[w]];
        const uint8_t *text = words->text.data + word->start;
        for (size_t start = 0; start < word->length; start += yo_utf8_size(text[start])) {
            size_t end = start;
            for (int chars = 1; chars <= LONGEST && end < word->length; chars++) {
                end += yo_utf8_size(text[end]);
                YO_TRY(add_substring(l, text + start, end - start, chars == 1,
                                     l->trainer->counts[word->id]));
            }
        }
    }
    return YOSO_OK;
}

/* Better pieces first: single characters, then by worth, then in the order in which they were met
 * (which is that of the sorted words). */
static int by_worth(const void *a, const void *b)
{
    const candidate *x = a, *y = b;
    if (x->single != y->single)
        return y->single - x->single;
    if (x->score != y->score)
        return x->score < y->score ? 1 : -1;
    return (x->start > y->start) - (x->start < y->start);
}

static void keep_best(learner *l, size_t count)
{
    if (l->count > 0)
        qsort(l->list, l->count, sizeof *l->list, by_worth);
    while (l->count > count && !l->list[l->count - 1].single)
        l->count--;
}

static yoso_status build_trie(learner *l)
{
    yo_trie_free(&l->trie);
    yo_trie_string *strings = malloc((l->count + 1) * sizeof *strings);
    if (strings == NULL || l->count >= YO_TRIE_VALUES) {
        free(strings);
        return yo_fail(YOSO_NO_MEMORY, "train: no memory for %zu pieces", l->count);
    }
    for (size_t i = 0; i < l->count; i++)
        strings[i] = (yo_trie_string){text_of(l, &l->list[i]), l->list[i].length, (int32_t)i};
    yoso_status status = yo_trie_build(&l->trie, strings, l->count);
    free(strings);
    return status;
}

static double log_add(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return low == -INFINITY ? high : high + log1p(exp(low - high));
}

/* Expected counts of the pieces in one word; `forward` of its end is its log likelihood. */
static yoso_status expect(learner *l, const uint8_t *text, size_t length, double weight)
{
    YO_TRY(yo_grow((void **)&l->forward, &l->forward_room, length + 1, sizeof(double)));
    YO_TRY(yo_grow((void **)&l->backward, &l->backward_room, length + 1, sizeof(double)));
    double *forward = l->forward, *backward = l->backward;
    for (size_t i = 0; i <= length; i++)
        forward[i] = backward[i] = -INFINITY;
    forward[0] = backward[length] = 0;
    for (int pass = 0; pass < 3; pass++) {
        for (size_t k = 0; k < length; k++) {
            size_t start = pass == 1 ? length - 1 - k : k;
            yo_trie_walk walk = {.text = text + start, .length = length - start};
            if (yo_utf8_continues(text[start]))
                continue;
            while (yo_trie_next(&l->trie, &walk)) {
                size_t end = start + walk.taken;
                double score = l->list[walk.value].score;
                if (pass == 0)
                    forward[end] = log_add(forward[end], forward[start] + score);
                else if (pass == 1)
                    backward[start] = log_add(backward[start], backward[end] + score);
                else
                    l->list[walk.value].count +=
                        weight * exp(forward[start] + score + backward[end] - forward[length]);
            }
        }
    }
    return YOSO_OK;
}

/* The derivative of ln Gamma, which keeps rare pieces from lingering (a Dirichlet prior). */
static double digamma(double x)
{
    double result = 0;
    for (; x < 7; x++)
        result -= 1 / x;
    x -= 0.5;
    double square = 1 / (x * x);
    return result + log(x) + square * (1.0 / 24 - square * (7.0 / 960 - square * 31.0 / 8064));
}

static yoso_status round_of(learner *l)
{
    const yo_vocab *words = &l->trainer->words;
    YO_TRY(build_trie(l));
    for (size_t i = 0; i < l->count; i++)
        l->list[i].count = 0;
    for (size_t w = 0; w < words->count; w++) {
        const yo_vocab_entry *word = &words->entries[l->order[w]];
        YO_TRY(expect(l, words->text.data + word->start, word->length,
                      (double)l->trainer->counts[word->id]));
    }
    double sum = 0;
    size_t kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (l->list[i].count < 0.5 && !l->list[i].single)
            continue;
        l->list[kept] = l->list[i];
        l->list[kept].count = fmax(l->list[i].count, 0.5);
        sum += l->list[kept++].count;
    }
    l->count = kept;
    for (size_t i = 0; i < l->count; i++)
        l->list[i].score = digamma(l->list[i].count) - digamma(sum);
    return YOSO_OK;
}

/* What the likelihood loses without a piece: its count times how much worse the best other way to
 * write it is. */
static yoso_status loss_of(learner *l, const candidate *c, double *loss)
{
    const uint8_t *text = text_of(l, c);
    YO_TRY(yo_grow((void **)&l->forward, &l->forward_room, c->length + 1u, sizeof(double)));
    double *best = l->forward;
    for (size_t i = 0; i <= c->length; i++)
        best[i] = -INFINITY;
    best[0] = 0;
    for (size_t start = 0; start < c->length; start++) {
        yo_trie_walk walk = {.text = text + start, .length = c->length - start};
        while (best[start] > -INFINITY && yo_trie_next(&l->trie, &walk)) {
            size_t end = start + walk.taken;
            if (!(start == 0 && end == c->length))
                best[end] = fmax(best[end], best[start] + l->list[walk.value].score);
        }
    }
    *loss = c->count * (c->score - best[c->length]);
    return YOSO_OK;
}

static yoso_status prune(learner *l, size_t count)
{
    YO_TRY(build_trie(l));
    double *scores = malloc((l->count + 1) * sizeof *scores);
    if (scores == NULL)
        return yo_fail(YOSO_NO_MEMORY, "train: no memory");
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < l->count && status == YOSO_OK; i++)
        status = loss_of(l, &l->list[i], &scores[i]);
    for (size_t i = 0; i < l->count && status == YOSO_OK; i++)
        l->list[i].score = scores[i];
    free(scores);
    if (status == YOSO_OK)
        keep_best(l, count);
    /* The scores are losses now; a round makes probabilities of the counts again. */
    double sum = 0;
    for (size_t i = 0; i < l->count; i++)
        sum += l->list[i].count;
    for (size_t i = 0; i < l->count; i++)
        l->list[i].score = log(l->list[i].count / sum);
    return status;
}

static yoso_status learn(learner *l, size_t wanted)
{
    YO_TRY(seed(l));
    double sum = 0;
    for (size_t i = 0; i < l->count; i++) {
        l->list[i].score = l->list[i].count * l->list[i].length;
        if (l->list[i].count < 2 && !l->list[i].single)
            l->list[i].score = 0;
    }
    keep_best(l, SEEDS);
    while (l->count > 0 && l->list[l->count - 1].score == 0 && !l->list[l->count - 1].single)
        l->count--;
    for (size_t i = 0; i < l->count; i++)
        sum += l->list[i].count;
    for (size_t i = 0; i < l->count; i++)
        l->list[i].score = log(l->list[i].count / sum);
    for (;;) {
        for (int i = 0; i < ROUNDS; i++)
            YO_TRY(round_of(l));
        if (l->count <= wanted)
            break;
        size_t next = l->count * 3 / 4, before = l->count;
        YO_TRY(prune(l, next > wanted ? next : wanted));
        if (l->count == before) /* single characters alone are left */
            break;
    }
    return YOSO_OK;
}

yoso_status yo_train_unigram(const yoso_trainer *trainer, yo_learned *learned)
{
    learner l = {.trainer = trainer};
    size_t specials = learned->vocab.count;
    yoso_status status = yo_trainer_sorted(trainer, &l.order);
    if (status == YOSO_OK)
        status = learn(&l, trainer->vocab_size > specials ? trainer->vocab_size - specials : 1);
    if (status == YOSO_OK) {
        for (size_t i = 0; i < l.count; i++)
            l.list[i].single = false; /* the best first, whatever they are */
        keep_best(&l, l.count);
        status = yo_grow((void **)&learned->scores, &learned->score_room, specials + l.count + 1,
                         sizeof(double));
    }
    for (size_t i = 0; i < specials && status == YOSO_OK; i++)
        learned->scores[i] = 0;
    for (size_t i = 0; i < l.count && status == YOSO_OK; i++) {
        size_t place = learned->vocab.count;
        status = yo_vocab_add(&learned->vocab, (const char *)text_of(&l, &l.list[i]),
                              l.list[i].length, (int32_t)place);
        if (learned->vocab.count > place)
            learned->scores[place] = l.list[i].score;
    }
    yo_vocab_free(&l.texts);
    yo_trie_free(&l.trie);
    free(l.list);
    free(l.forward);
    free(l.backward);
    free(l.order);
    return status;
}
