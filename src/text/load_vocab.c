/* vocab.txt, and vocab.json with merges.txt: written as the tokenizer.json that means the same,
 * which is then read. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "text/load.h"

/* The path of another file in the same folder. */
static yoso_status beside(yo_bytes *out, const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    out->length = 0;
    if (slash != NULL)
        YO_TRY(yo_bytes_append(out, path, (size_t)(slash - path) + 1));
    return yo_bytes_append(out, name, strlen(name) + 1);
}

/* The next line of text from *at on, without its end; false after the last. */
static bool next_line(const yo_bytes *text, size_t *at, const char **line, size_t *length)
{
    if (*at >= text->length)
        return false;
    const char *start = (const char *)text->data + *at;
    const char *end = memchr(start, '\n', text->length - *at);
    *length = end != NULL ? (size_t)(end - start) : text->length - *at;
    *at += *length + 1;
    *line = start;
    if (*length > 0 && start[*length - 1] == '\r')
        --*length;
    return true;
}

/* Appends the "added_tokens" entries of the names that the vocabulary has. */
static yoso_status add_specials(yo_bytes *out, const yo_vocab *vocab, const char *const *names,
                                size_t count, bool normalized)
{
    bool any = false;
    YO_TRY(yo_bytes_text(out, "\"added_tokens\":["));
    for (size_t i = 0; i < count; i++) {
        int32_t id = yo_vocab_find(vocab, names[i], strlen(names[i]));
        if (id < 0)
            continue;
        bool mask = strcmp(names[i], "<mask>") == 0;
        char text[256];
        snprintf(text, sizeof text,
                 "%s{\"id\":%d,\"content\":\"%s\",\"single_word\":false,\"lstrip\":%s,"
                 "\"rstrip\":false,\"normalized\":%s,\"special\":true}",
                 any ? "," : "", id, names[i], mask ? "true" : "false",
                 normalized && !mask ? "true" : "false");
        YO_TRY(yo_bytes_text(out, text));
        any = true;
    }
    return yo_bytes_text(out, "],");
}

/* ["name",id] */
static yoso_status named(yo_bytes *out, const yo_vocab *vocab, const char *key, const char *name)
{
    char text[96];
    snprintf(text, sizeof text, "\"%s\":[\"%s\",%d],", key, name,
             yo_vocab_find(vocab, name, strlen(name)));
    return yo_bytes_text(out, text);
}

/* -- vocab.txt ------------------------------------------------------------------------------- */

static yoso_status read_lines(yo_vocab *vocab, const yo_bytes *text)
{
    const char *line;
    size_t at = 0, length;
    int32_t id = 0;
    while (next_line(text, &at, &line, &length)) {
        while (length > 0 && strchr(" \t\r", line[length - 1]) != NULL)
            length--;
        YO_TRY(yo_vocab_add(vocab, line, length, id++));
    }
    return YOSO_OK;
}

/* Whether tokenizer_config.json beside the file says no to lower case. */
static bool keeps_case(const char *path)
{
    yo_bytes name = {0}, text = {0};
    yo_json_document document = {0};
    bool lower = true;
    if (beside(&name, path, "tokenizer_config.json") == YOSO_OK &&
        access((const char *)name.data, R_OK) == 0 &&
        yo_load_file(&text, (const char *)name.data) == YOSO_OK &&
        yo_json_read(&document, "tokenizer_config.json", (char *)text.data, text.length) == YOSO_OK)
        yo_json_bool(document.nodes, "tokenizer_config.json", "do_lower_case", &lower);
    yo_json_free(&document);
    yo_bytes_free(&name);
    yo_bytes_free(&text);
    return !lower;
}

static yoso_status write_wordpiece(yo_bytes *out, const yo_vocab *vocab, bool keep_case)
{
    static const char *const specials[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};
    bool framed = yo_vocab_find(vocab, "[CLS]", 5) >= 0 && yo_vocab_find(vocab, "[SEP]", 5) >= 0;
    YO_TRY(yo_bytes_text(out, "{"));
    YO_TRY(add_specials(out, vocab, specials, 5, false));
    YO_TRY(yo_bytes_text(out,
                         "\"normalizer\":{\"type\":\"BertNormalizer\",\"clean_text\":true,"
                         "\"handle_chinese_chars\":true,\"strip_accents\":null,\"lowercase\":"));
    YO_TRY(yo_bytes_text(out, keep_case ? "false}," : "true},"));
    YO_TRY(yo_bytes_text(out, "\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"},"));
    if (framed) {
        YO_TRY(yo_bytes_text(out, "\"post_processor\":{"));
        YO_TRY(named(out, vocab, "sep", "[SEP]"));
        YO_TRY(named(out, vocab, "cls", "[CLS]"));
        YO_TRY(yo_bytes_text(out, "\"type\":\"BertProcessing\"},"));
    }
    YO_TRY(yo_bytes_text(out, "\"decoder\":{\"type\":\"WordPiece\",\"prefix\":\"##\","
                              "\"cleanup\":true},\"model\":{\"type\":\"WordPiece\",\"unk_token\":"
                              "\"[UNK]\",\"continuing_subword_prefix\":\"##\","
                              "\"max_input_chars_per_word\":100,\"vocab\":{"));
    for (size_t e = 0; e < vocab->count; e++) {
        char id[16];
        snprintf(id, sizeof id, ":%d", vocab->entries[e].id);
        YO_TRY(yo_bytes_text(out, e > 0 ? "," : ""));
        YO_TRY(yo_json_write_string(out, (const char *)vocab->text.data + vocab->entries[e].start,
                                    vocab->entries[e].length));
        YO_TRY(yo_bytes_text(out, id));
    }
    return yo_bytes_text(out, "}}}");
}

/* Reads what has been written as tokenizer.json. */
static yoso_status read_written(yoso_tokenizer **out, const char *path, yo_bytes *json)
{
    YO_TRY(yo_bytes_append(json, yo_json_pad, YO_JSON_PAD));
    return yo_tokenizer_from_json(out, path, (char *)json->data, json->length - YO_JSON_PAD);
}

yoso_status yo_load_vocab_txt(yoso_tokenizer **out, const char *path)
{
    yo_bytes text = {0}, json = {0};
    yo_vocab vocab = {0};
    yoso_status status = yo_load_file(&text, path);
    if (status == YOSO_OK && yo_utf8_valid(text.data, text.length) < text.length)
        status = yo_fail(YOSO_FORMAT, "%s: byte %zu is not UTF-8", path,
                         yo_utf8_valid(text.data, text.length) + 1);
    if (status == YOSO_OK)
        status = read_lines(&vocab, &text);
    if (status == YOSO_OK)
        status = write_wordpiece(&json, &vocab, keeps_case(path));
    if (status == YOSO_OK)
        status = read_written(out, path, &json);
    yo_vocab_free(&vocab);
    yo_bytes_free(&text);
    yo_bytes_free(&json);
    return status;
}

/* -- vocab.json and merges.txt --------------------------------------------------------------- */

static yoso_status read_ids(yo_vocab *vocab, const char *path, const yo_json *root)
{
    const yo_json *key = root + 1;
    if (root->kind != YO_JSON_OBJECT)
        return yo_fail(YOSO_FORMAT, "%s: the file holds %s, must be an object", path,
                       yo_json_kind_name(root));
    for (uint32_t i = 0; i < root->count; i++, key = yo_json_next(key + 1)) {
        double id = key[1].kind == YO_JSON_NUMBER ? key[1].as.number : -1;
        if (id < 0 || id > INT32_MAX || id != (double)(int32_t)id)
            return yo_fail(YOSO_FORMAT, "%s: the id of \"%.*s\" is not a whole number", path,
                           (int)(key->count < 80 ? key->count : 80), key->as.text);
        YO_TRY(yo_vocab_append(vocab, key->as.text, key->count, (int32_t)id));
    }
    return yo_vocab_index(vocab);
}

static yoso_status write_merges(yo_bytes *out, const char *path, const yo_bytes *merges)
{
    const char *line;
    size_t at = 0, length, number = 0, written = 0;
    YO_TRY(yo_bytes_text(out, ",\"merges\":["));
    while (next_line(merges, &at, &line, &length)) {
        number++;
        if (length == 0 || (length >= 8 && memcmp(line, "#version", 8) == 0))
            continue;
        const char *space = memchr(line, ' ', length);
        size_t left = space != NULL ? (size_t)(space - line) : length;
        if (left == 0 || left + 1 >= length || memchr(space + 1, ' ', length - left - 1) != NULL)
            return yo_fail(YOSO_FORMAT, "%s: merges.txt: line %zu is not two tokens", path, number);
        YO_TRY(yo_bytes_text(out, written++ > 0 ? ",[" : "["));
        YO_TRY(yo_json_write_string(out, line, left));
        YO_TRY(yo_bytes_text(out, ","));
        YO_TRY(yo_json_write_string(out, space + 1, length - left - 1));
        YO_TRY(yo_bytes_text(out, "]"));
    }
    return yo_bytes_text(out, "]}}");
}

static yoso_status write_bpe(yo_bytes *out, const char *path, const yo_vocab *vocab,
                             const yo_json *ids, const yo_bytes *merges)
{
    static const char *const roberta[] = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"};
    static const char *const gpt2[] = {"<|endoftext|>"};
    bool framed = yo_vocab_find(vocab, "<s>", 3) >= 0 && yo_vocab_find(vocab, "</s>", 4) >= 0;
    YO_TRY(yo_bytes_text(out, "{"));
    YO_TRY(framed ? add_specials(out, vocab, roberta, 5, true)
                  : add_specials(out, vocab, gpt2, 1, true));
    YO_TRY(yo_bytes_text(out,
                         "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,"
                         "\"trim_offsets\":true,\"use_regex\":true},\"post_processor\":{"));
    if (framed) {
        YO_TRY(named(out, vocab, "sep", "</s>"));
        YO_TRY(named(out, vocab, "cls", "<s>"));
        YO_TRY(yo_bytes_text(out, "\"type\":\"RobertaProcessing\",\"trim_offsets\":true,"));
    } else {
        YO_TRY(yo_bytes_text(out, "\"type\":\"ByteLevel\",\"trim_offsets\":false,"));
    }
    YO_TRY(yo_bytes_text(out, "\"add_prefix_space\":false},\"decoder\":{\"type\":\"ByteLevel\","
                              "\"add_prefix_space\":true,\"trim_offsets\":true,\"use_regex\":true},"
                              "\"model\":{\"type\":\"BPE\",\"vocab\":"));
    YO_TRY(yo_json_write(out, ids));
    return write_merges(out, path, merges);
}

yoso_status yo_load_vocab_merges(yoso_tokenizer **out, const char *path)
{
    yo_bytes name = {0}, text = {0}, merges = {0}, json = {0};
    yo_json_document document = {0};
    yo_vocab vocab = {0};
    yoso_status status = beside(&name, path, "vocab.json");
    if (status == YOSO_OK)
        status = yo_load_file(&text, (const char *)name.data);
    if (status == YOSO_OK)
        status = yo_json_read(&document, (const char *)name.data, (char *)text.data, text.length);
    if (status == YOSO_OK)
        status = read_ids(&vocab, (const char *)name.data, document.nodes);
    if (status == YOSO_OK)
        status = beside(&name, path, "merges.txt");
    if (status == YOSO_OK)
        status = yo_load_file(&merges, (const char *)name.data);
    if (status == YOSO_OK)
        status = write_bpe(&json, path, &vocab, document.nodes, &merges);
    if (status == YOSO_OK)
        status = read_written(out, path, &json);
    yo_json_free(&document);
    yo_vocab_free(&vocab);
    yo_bytes_free(&name);
    yo_bytes_free(&text);
    yo_bytes_free(&merges);
    yo_bytes_free(&json);
    return status;
}
