/* The trainer: counting words, and writing what was learned as tokenizer.json. */
#include "text/train.h"

#include <stdio.h>
#include <stdlib.h>

#include "text/bytelevel.h"
#include "text/fixed.h"
#include "text/load.h"

static const char *const wordpiece_cutter =
    "{\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,\"handle_chinese_chars\":"
    "true,"
    "\"strip_accents\":null,\"lowercase\":%s},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},";
static const char *const unigram_cutter =
    "{\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFKC\"},%s{\"type\":"
    "\"Replace\",\"pattern\":{\"Regex\":\" {2,}\"},\"content\":\" "
    "\"}]},\"pre_tokenizer\":{\"type\":"
    "\"Metaspace\",\"replacement\":\"\xE2\x96\x81\",\"prepend_scheme\":\"always\",\"split\":true},";
static const char *const specials[][5] = {{"<s>", "<pad>", "</s>", "<unk>", "<mask>"},
                                          {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"},
                                          {"<pad>", "<unk>", "<s>", "</s>", "<mask>"}};

/* The beginning of the JSON, up to the model. */
static yoso_status write_cutter(yo_bytes *out, int32_t kind, bool lowercase)
{
    char text[640];
    if (kind == YOSO_TRAIN_BPE)
        return yo_bytes_text(out, "{\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":"
                                  "false,\"trim_offsets\":true,\"use_regex\":true},");
    if (kind == YOSO_TRAIN_WORDPIECE)
        snprintf(text, sizeof text, wordpiece_cutter, lowercase ? "true" : "false");
    else
        snprintf(text, sizeof text, unigram_cutter, lowercase ? "{\"type\":\"Lowercase\"}," : "");
    return yo_bytes_text(out, text);
}

yoso_status yoso_trainer_new(yoso_trainer **out, int32_t kind, int64_t vocab_size,
                             int64_t min_count, int32_t lowercase)
{
    if (kind < YOSO_TRAIN_BPE || kind > YOSO_TRAIN_UNIGRAM || vocab_size < 1 ||
        vocab_size > INT32_MAX || min_count < 0)
        return yo_fail(YOSO_MISUSE, "train: kind %d, vocab_size %lld, min_count %lld", kind,
                       (long long)vocab_size, (long long)min_count);
    if (kind == YOSO_TRAIN_BPE && lowercase)
        return yo_fail(YOSO_MISUSE, "train: byte-level BPE keeps the case");
    yoso_trainer *t = calloc(1, sizeof *t);
    if (t == NULL)
        return yo_fail(YOSO_NO_MEMORY, "train: no memory");
    *t = (yoso_trainer){
        .kind = kind, .vocab_size = (size_t)vocab_size, .min_count = (size_t)min_count};
    yo_bytes json = {0};
    t->lowercase = lowercase != 0;
    yoso_status status = write_cutter(&json, kind, t->lowercase);
    if (status == YOSO_OK) /* a model that shows every piece as it is */
        status = yo_bytes_text(
            &json, "\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"\",0]]}}");
    if (status == YOSO_OK)
        status =
            yoso_tokenizer_from_json(&t->cutter, (const char *)json.data, (int64_t)json.length);
    yo_bytes_free(&json);
    for (int32_t i = 0; i < 5 && status == YOSO_OK; i++)
        status = yo_vocab_add(&t->specials, specials[kind][i], strlen(specials[kind][i]), i);
    if (status != YOSO_OK) {
        yoso_trainer_free(t);
        return status;
    }
    *out = t;
    return YOSO_OK;
}

void yoso_trainer_free(yoso_trainer *t)
{
    if (t == NULL)
        return;
    yo_vocab_free(&t->words);
    yo_vocab_free(&t->specials);
    yoso_tokenizer_free(t->cutter);
    free(t->counts);
    free(t);
}

static yoso_status count_word(yoso_trainer *t, const uint8_t *text, size_t length)
{
    int32_t place = yo_vocab_find(&t->words, text, length);
    if (place < 0) {
        if (t->words.count == INT32_MAX)
            return yo_fail(YOSO_UNSUPPORTED, "train: too many different words");
        place = (int32_t)t->words.count;
        YO_TRY(yo_grow((void **)&t->counts, &t->count_room, t->words.count + 1, sizeof *t->counts));
        YO_TRY(yo_vocab_add(&t->words, (const char *)text, length, place));
        t->counts[place] = 0;
    }
    t->counts[place]++;
    return YOSO_OK;
}

yoso_status yoso_trainer_add(yoso_trainer *t, const char *text, int64_t length)
{
    yo_worker *worker;
    YO_TRY(yo_worker_take(&worker, t->cutter));
    yo_sequence *sequence = &worker->sequence[0];
    yo_sequence_clear(sequence, true);
    yoso_status status = yo_sequence_sources(sequence, &text, &length, 1, false);
    if (status == YOSO_OK && t->kind == YOSO_TRAIN_BPE) {
        const yo_source *source = &sequence->sources[0];
        for (size_t at = 0; at < source->length && status == YOSO_OK;) {
            size_t end = yo_fixed_end(YO_FIXED_GPT2, source->data, at, source->length);
            status = count_word(t, source->data + at, end - at);
            at = end;
        }
    } else if (status == YOSO_OK) {
        status = yo_encode_source(t->cutter, worker, sequence, 0, false);
        for (size_t i = 0; i < sequence->count && status == YOSO_OK; i++) {
            yo_span own = sequence->own_texts[sequence->texts[i] - 1];
            status = count_word(t, sequence->text.data + own.start, own.stop - own.start);
        }
    }
    yo_worker_give(worker, t->cutter);
    return status;
}

typedef struct sorted_word {
    const uint8_t *text;
    uint32_t length, place;
} sorted_word;

static int by_text(const void *a, const void *b)
{
    const sorted_word *x = a, *y = b;
    int order = memcmp(x->text, y->text, x->length < y->length ? x->length : y->length);
    return order != 0 ? order : (x->length > y->length) - (x->length < y->length);
}

yoso_status yo_trainer_sorted(const yoso_trainer *t, uint32_t **order)
{
    sorted_word *words = malloc((t->words.count + 1) * sizeof *words);
    uint32_t *list = malloc((t->words.count + 1) * sizeof *list);
    if (words == NULL || list == NULL) {
        free(words);
        free(list);
        return yo_fail(YOSO_NO_MEMORY, "train: no memory for %zu words", t->words.count);
    }
    for (size_t i = 0; i < t->words.count; i++) {
        const yo_vocab_entry *word = &t->words.entries[i];
        words[i] = (sorted_word){t->words.text.data + word->start, word->length, (uint32_t)i};
    }
    qsort(words, t->words.count, sizeof *words, by_text);
    for (size_t i = 0; i < t->words.count; i++)
        list[i] = words[i].place;
    free(words);
    *order = list;
    return YOSO_OK;
}

/* -- Writing what was learned
 * ---------------------------------------------------------------------- */

static yoso_status write_string(yo_bytes *out, const yo_vocab *vocab, size_t place)
{
    const yo_vocab_entry *entry = &vocab->entries[place];
    return yo_json_write_string(out, (const char *)vocab->text.data + entry->start, entry->length);
}

static yoso_status write_model(yo_bytes *out, int32_t kind, const yo_learned *learned)
{
    static const char *const begin[] = {
        "\"model\":{\"type\":\"BPE\",\"vocab\":{",
        "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"[UNK]\",\"continuing_subword_prefix\":"
        "\"##\",\"max_input_chars_per_word\":100,\"vocab\":{",
        "\"model\":{\"type\":\"Unigram\",\"unk_id\":1,\"byte_fallback\":false,\"vocab\":["};
    bool scores = kind == YOSO_TRAIN_UNIGRAM;
    YO_TRY(yo_bytes_text(out, begin[kind]));
    for (size_t i = 0; i < learned->vocab.count; i++) {
        char id[24];
        snprintf(id, sizeof id, ":%zu", i);
        YO_TRY(yo_bytes_text(out, i > 0 ? "," : ""));
        YO_TRY(yo_bytes_text(out, scores ? "[" : ""));
        YO_TRY(write_string(out, &learned->vocab, i));
        YO_TRY(yo_bytes_text(out, scores ? "," : id));
        if (scores) {
            YO_TRY(yo_json_write(
                out, &(yo_json){.kind = YO_JSON_NUMBER, .as.number = learned->scores[i]}));
            YO_TRY(yo_bytes_text(out, "]"));
        }
    }
    if (kind != YOSO_TRAIN_BPE)
        return yo_bytes_text(out, scores ? "]}}" : "}}}");
    YO_TRY(yo_bytes_text(out, "},\"merges\":["));
    for (size_t i = 0; i < learned->merge_count; i++) {
        YO_TRY(yo_bytes_text(out, i > 0 ? ",[" : "["));
        YO_TRY(write_string(out, &learned->vocab, (size_t)learned->merges[i].left));
        YO_TRY(yo_bytes_text(out, ","));
        YO_TRY(write_string(out, &learned->vocab, (size_t)learned->merges[i].right));
        YO_TRY(yo_bytes_text(out, "]"));
    }
    return yo_bytes_text(out, "]}}");
}

static yoso_status write_rest(yo_bytes *out, int32_t kind)
{
    static const char *const rest[] = {
        "\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":[\"</"
        "s>\",2],\"cls\":[\"<s>\",0],"
        "\"trim_offsets\":true,\"add_prefix_space\":false},\"decoder\":{\"type\":\"ByteLevel\","
        "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},",
        "\"post_processor\":{\"type\":\"BertProcessing\",\"sep\":[\"[SEP]\",3],\"cls\":[\"[CLS]\","
        "2]},"
        "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\",\"cleanup\":true},",
        "\"post_processor\":{\"type\":\"RobertaProcessing\",\"sep\":[\"</"
        "s>\",3],\"cls\":[\"<s>\",2],"
        "\"trim_offsets\":false,\"add_prefix_space\":false},\"decoder\":{\"type\":\"Metaspace\","
        "\"replacement\":\"\xE2\x96\x81\",\"prepend_scheme\":\"always\",\"split\":true},"};
    YO_TRY(yo_bytes_text(out, rest[kind]));
    YO_TRY(yo_bytes_text(out, "\"added_tokens\":["));
    for (int i = 0; i < 5; i++) {
        char token[200];
        snprintf(token, sizeof token,
                 "%s{\"id\":%d,\"content\":\"%s\",\"single_word\":false,\"lstrip\":%s,\"rstrip\":"
                 "false,\"normalized\":false,\"special\":true}",
                 i > 0 ? "," : "", i, specials[kind][i], i == 4 ? "true" : "false");
        YO_TRY(yo_bytes_text(out, token));
    }
    return yo_bytes_text(out, "],");
}

yoso_status yoso_trainer_finish(yoso_tokenizer **out, const yoso_trainer *t)
{
    yo_learned learned = {0};
    yo_bytes json = {0};
    yoso_status status = YOSO_OK;
    for (size_t i = 0; i < t->specials.count && status == YOSO_OK; i++) {
        const yo_vocab_entry *entry = &t->specials.entries[i];
        status = yo_vocab_add(&learned.vocab, (const char *)t->specials.text.data + entry->start,
                              entry->length, (int32_t)i);
    }
    if (status == YOSO_OK)
        status = t->kind == YOSO_TRAIN_UNIGRAM
                     ? yo_train_unigram(t, &learned)
                     : yo_train_merges(t, t->kind == YOSO_TRAIN_BPE ? NULL : "##", &learned);
    if (status == YOSO_OK)
        status = write_cutter(&json, t->kind, t->lowercase);
    if (status == YOSO_OK)
        status = write_rest(&json, t->kind);
    if (status == YOSO_OK)
        status = write_model(&json, t->kind, &learned);
    if (status == YOSO_OK)
        status = yoso_tokenizer_from_json(out, (const char *)json.data, (int64_t)json.length);
    yo_vocab_free(&learned.vocab);
    free(learned.merges);
    free(learned.scores);
    yo_bytes_free(&json);
    return status;
}
