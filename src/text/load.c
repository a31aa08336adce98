/* Opening tokenizer files: which of the kinds a path holds, and saving. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "text/load.h"

yoso_status yo_load_file(yo_bytes *out, const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat facts;
    if (file == NULL || fstat(fileno(file), &facts) != 0 || !S_ISREG(facts.st_mode)) {
        int why = file == NULL ? errno : EISDIR;
        if (file != NULL)
            fclose(file);
        return yo_fail(YOSO_IO, "tokenizer: %s: %s", path, strerror(why));
    }
    out->length = 0;
    yoso_status status = yo_bytes_reserve(out, (size_t)facts.st_size + 2 * YO_JSON_PAD);
    while (status == YOSO_OK) {
        if (out->capacity - out->length <= YO_JSON_PAD) /* the file has grown */
            status = yo_bytes_reserve(out, 65536);
        if (status != YOSO_OK)
            break;
        size_t got =
            fread(out->data + out->length, 1, out->capacity - out->length - YO_JSON_PAD, file);
        out->length += got;
        if (got == 0)
            break;
    }
    if (status == YOSO_OK && ferror(file))
        status = yo_fail(YOSO_IO, "tokenizer: %s: %s", path, strerror(errno));
    fclose(file);
    if (status == YOSO_OK)
        memset(out->data + out->length, 0, YO_JSON_PAD);
    return status;
}

static bool ends_with(const char *path, const char *ending)
{
    size_t length = strlen(path), end = strlen(ending);
    return length >= end && strcmp(path + length - end, ending) == 0;
}

static bool is_file(const char *path)
{
    struct stat facts;
    return stat(path, &facts) == 0 && S_ISREG(facts.st_mode);
}

static yoso_status join(yo_bytes *out, const char *folder, const char *name)
{
    out->length = 0;
    YO_TRY(yo_bytes_text(out, folder));
    YO_TRY(yo_bytes_text(out, "/"));
    return yo_bytes_append(out, name, strlen(name) + 1);
}

static yoso_status load_json(yoso_tokenizer **out, const char *path)
{
    yo_bytes text = {0};
    yoso_status status = yo_load_file(&text, path);
    if (status == YOSO_OK)
        status = yo_tokenizer_from_json(out, path, (char *)text.data, text.length);
    yo_bytes_free(&text);
    return status;
}

static yoso_status load_path(yoso_tokenizer **out, const char *path)
{
    if (ends_with(path, ".model"))
        return yo_load_sentencepiece(out, path);
    if (ends_with(path, "vocab.txt"))
        return yo_load_vocab_txt(out, path);
    if (ends_with(path, "vocab.json") || ends_with(path, "merges.txt"))
        return yo_load_vocab_merges(out, path);
    return load_json(out, path);
}

yoso_status yoso_tokenizer_load(yoso_tokenizer **out, const char *path)
{
    static const char *const names[] = {"tokenizer.json",  "vocab.json",
                                        "vocab.txt",       "spiece.model",
                                        "tokenizer.model", "sentencepiece.bpe.model"};
    struct stat facts;
    if (stat(path, &facts) != 0)
        return yo_fail(YOSO_IO, "tokenizer: %s: %s", path, strerror(errno));
    if (!S_ISDIR(facts.st_mode))
        return load_path(out, path);
    yo_bytes file = {0};
    yoso_status status = YOSO_OK;
    size_t i = 0;
    for (; i < sizeof names / sizeof *names; i++) {
        status = join(&file, path, names[i]);
        if (status != YOSO_OK || is_file((const char *)file.data))
            break;
    }
    if (status == YOSO_OK && i < sizeof names / sizeof *names)
        status = load_path(out, (const char *)file.data);
    else if (status == YOSO_OK)
        status = yo_fail(
            YOSO_IO, "tokenizer: %s has no tokenizer.json, vocab.json, vocab.txt or .model file",
            path);
    yo_bytes_free(&file);
    return status;
}

static yoso_status part(yo_bytes *out, const char *key, const yo_bytes *json)
{
    YO_TRY(yo_bytes_text(out, key));
    if (json->length == 0)
        return yo_bytes_text(out, "null");
    return yo_bytes_append(out, json->data, json->length);
}

yoso_status yo_tokenizer_write(const yoso_tokenizer *t, yo_bytes *out)
{
    YO_TRY(yo_bytes_text(out, "{\"version\":\"1.0\""));
    YO_TRY(part(out, ",\"truncation\":", &t->truncation_json));
    YO_TRY(part(out, ",\"padding\":", &t->padding_json));
    YO_TRY(yo_bytes_text(out, ",\"added_tokens\":"));
    YO_TRY(yo_added_write(&t->added, out));
    YO_TRY(part(out, ",\"normalizer\":", &t->normalizer_json));
    YO_TRY(part(out, ",\"pre_tokenizer\":", &t->pretokenizer_json));
    YO_TRY(part(out, ",\"post_processor\":", &t->post_json));
    YO_TRY(part(out, ",\"decoder\":", &t->decoder_json));
    YO_TRY(yo_bytes_text(out, ",\"model\":"));
    YO_TRY(t->model.kind->write(&t->model, out));
    return yo_bytes_text(out, "}\n");
}

yoso_status yoso_tokenizer_save(const yoso_tokenizer *t, const char *path)
{
    yo_bytes out = {0};
    yoso_status status = yo_tokenizer_write(t, &out);
    if (status == YOSO_OK) {
        FILE *file = fopen(path, "wb");
        bool written = file != NULL && fwrite(out.data, 1, out.length, file) == out.length;
        if (file != NULL && fclose(file) != 0)
            written = false;
        if (!written)
            status = yo_fail(YOSO_IO, "save: %s: %s", path, strerror(errno));
    }
    yo_bytes_free(&out);
    return status;
}
