/* SentencePiece's .model: read into the same JSON that a tokenizer.json has, with components of
 * our own (SentencePiece...) where SentencePiece differs from the tokenizers library. */
#include <stdio.h>
#include <stdlib.h>

#include "text/load.h"
#include "text/protobuf.h"

enum { NORMAL = 1, UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5, BYTE = 6 };
enum { UNIGRAM = 1 };

typedef struct piece {
    const uint8_t *text;
    size_t length;
    float score;
    int kind;
} piece;

typedef struct model_file {
    piece *pieces;
    size_t count, room;
    int model_type;
    bool byte_fallback, suffix;
    const uint8_t *surface; /* what an unknown piece decodes to */
    size_t surface_length;
    const uint8_t *charsmap;
    size_t charsmap_length;
    bool dummy_prefix, remove_spaces, escape_spaces;
} model_file;

static yoso_status read_piece(model_file *file, yo_message message)
{
    piece p = {.kind = NORMAL};
    yo_field field;
    bool found;
    for (;;) {
        YO_TRY(yo_message_next(&message, &found, &field));
        if (!found)
            break;
        if (field.number == 1 && field.wire == 2) {
            p.text = field.data;
            p.length = field.length;
        } else if (field.number == 2 && field.wire == 5) {
            p.score = yo_field_float(&field);
        } else if (field.number == 3 && field.wire == 0) {
            p.kind = (int)field.value;
        }
    }
    if (p.length == 0 || yo_utf8_valid(p.text, p.length) < p.length || p.score != p.score)
        return yo_fail(YOSO_FORMAT, "piece %zu is empty, no UTF-8 or has no score", file->count);
    if (p.kind < NORMAL || p.kind > BYTE)
        return yo_fail(YOSO_FORMAT, "piece %zu is of unknown type %d", file->count, p.kind);
    YO_TRY(yo_grow((void **)&file->pieces, &file->room, file->count + 1, sizeof p));
    file->pieces[file->count++] = p;
    return YOSO_OK;
}

static yoso_status read_trainer(model_file *file, yo_message message)
{
    yo_field field;
    bool found;
    for (;;) {
        YO_TRY(yo_message_next(&message, &found, &field));
        if (!found)
            return YOSO_OK;
        if (field.number == 3 && field.wire == 0)
            file->model_type = (int)field.value;
        else if (field.number == 24 && field.wire == 0)
            file->suffix = field.value != 0;
        else if (field.number == 35 && field.wire == 0)
            file->byte_fallback = field.value != 0;
        else if (field.number == 44 && field.wire == 2) {
            file->surface = field.data;
            file->surface_length = field.length;
        }
    }
}

static yoso_status read_normalizer(model_file *file, yo_message message)
{
    yo_field field;
    bool found;
    for (;;) {
        YO_TRY(yo_message_next(&message, &found, &field));
        if (!found)
            return YOSO_OK;
        if (field.number == 2 && field.wire == 2) {
            file->charsmap = field.data;
            file->charsmap_length = field.length;
        } else if (field.number == 3 && field.wire == 0) {
            file->dummy_prefix = field.value != 0;
        } else if (field.number == 4 && field.wire == 0) {
            file->remove_spaces = field.value != 0;
        } else if (field.number == 5 && field.wire == 0) {
            file->escape_spaces = field.value != 0;
        }
    }
}

static yoso_status read_model(model_file *file, const yo_bytes *bytes)
{
    yo_message message = {bytes->data, bytes->length, 0};
    yo_field field;
    bool found;
    for (;;) {
        YO_TRY(yo_message_next(&message, &found, &field));
        if (!found)
            break;
        yo_message inner = {field.data, field.length, 0};
        if (field.wire != 2)
            continue;
        if (field.number == 1)
            YO_TRY(read_piece(file, inner));
        else if (field.number == 2)
            YO_TRY(read_trainer(file, inner));
        else if (field.number == 3)
            YO_TRY(read_normalizer(file, inner));
    }
    if (file->count == 0)
        return yo_fail(YOSO_FORMAT, "the file has no pieces");
    if (file->model_type != UNIGRAM)
        return yo_fail(YOSO_FORMAT, "model type %d is not known; Unigram (1) is", file->model_type);
    if (file->suffix || !file->escape_spaces)
        return yo_fail(YOSO_FORMAT, "%s is not known",
                       file->suffix ? "treat_whitespace_as_suffix" : "escape_whitespaces = false");
    return YOSO_OK;
}

static yoso_status write_base64(yo_bytes *out, const uint8_t *data, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    YO_TRY(yo_bytes_reserve(out, length / 3 * 4 + 8));
    for (size_t i = 0; i < length; i += 3) {
        uint32_t bits = (uint32_t)data[i] << 16;
        bits |= i + 1 < length ? (uint32_t)data[i + 1] << 8 : 0;
        bits |= i + 2 < length ? data[i + 2] : 0;
        for (int k = 0; k < 4; k++)
            out->data[out->length++] =
                (size_t)k > length - i ? '=' : (uint8_t)digits[bits >> (18 - 6 * k) & 63];
    }
    return YOSO_OK;
}

/* Appends `"key":["piece",...]` of the pieces of one kind. */
static yoso_status write_kind(yo_bytes *out, const char *key, const model_file *file, int kind)
{
    bool any = false;
    YO_TRY(yo_bytes_text(out, key));
    for (size_t i = 0; i < file->count; i++) {
        if (file->pieces[i].kind != kind)
            continue;
        YO_TRY(yo_bytes_text(out, any ? "," : "["));
        YO_TRY(
            yo_json_write_string(out, (const char *)file->pieces[i].text, file->pieces[i].length));
        any = true;
    }
    return yo_bytes_text(out, any ? "]" : "[]");
}

static yoso_status write_pieces(yo_bytes *out, const model_file *file)
{
    char text[64];
    YO_TRY(yo_bytes_text(out, "\"vocab\":["));
    for (size_t i = 0; i < file->count; i++) {
        const piece *p = &file->pieces[i];
        YO_TRY(yo_bytes_text(out, i > 0 ? ",[" : "["));
        YO_TRY(yo_json_write_string(out, (const char *)p->text, p->length));
        YO_TRY(yo_bytes_text(out, ","));
        YO_TRY(yo_json_write(out, &(yo_json){.kind = YO_JSON_NUMBER, .as.number = p->score}));
        YO_TRY(yo_bytes_text(out, "]"));
    }
    YO_TRY(yo_bytes_text(out, "],\"kinds\":["));
    for (size_t i = 0; i < file->count; i++) {
        snprintf(text, sizeof text, "%s%d", i > 0 ? "," : "", file->pieces[i].kind);
        YO_TRY(yo_bytes_text(out, text));
    }
    return yo_bytes_text(out, "]");
}

static yoso_status write_json(yo_bytes *out, const model_file *file)
{
    char text[64];
    size_t unknown = 0;
    while (unknown < file->count && file->pieces[unknown].kind != UNKNOWN)
        unknown++;
    YO_TRY(yo_bytes_text(out, "{\"normalizer\":{\"type\":\"SentencePiece\",\"add_dummy_prefix\":"));
    YO_TRY(yo_bytes_text(out, file->dummy_prefix ? "true" : "false"));
    YO_TRY(yo_bytes_text(out, ",\"remove_extra_whitespaces\":"));
    YO_TRY(yo_bytes_text(out, file->remove_spaces ? "true," : "false,"));
    YO_TRY(write_kind(out, "\"symbols\":", file, USER_DEFINED));
    if (file->charsmap_length > 0) {
        YO_TRY(yo_bytes_text(out, ",\"precompiled_charsmap\":\""));
        YO_TRY(write_base64(out, file->charsmap, file->charsmap_length));
        YO_TRY(yo_bytes_text(out, "\""));
    }
    YO_TRY(yo_bytes_text(out, "},\"decoder\":{\"type\":\"SentencePiece\",\"strip\":"));
    YO_TRY(yo_bytes_text(out, file->remove_spaces  ? "\"all\","
                              : file->dummy_prefix ? "\"one\","
                                                   : "\"none\","));
    YO_TRY(write_kind(out, "\"control\":", file, CONTROL));
    if (unknown < file->count) {
        YO_TRY(yo_bytes_text(out, ",\"unknown\":"));
        YO_TRY(yo_json_write_string(out, (const char *)file->pieces[unknown].text,
                                    file->pieces[unknown].length));
    }
    YO_TRY(yo_bytes_text(out, ",\"surface\":"));
    YO_TRY(yo_json_write_string(out, (const char *)file->surface, file->surface_length));
    snprintf(text, sizeof text, "},\"model\":{\"type\":\"Unigram\",\"unk_id\":%zu,", unknown);
    YO_TRY(yo_bytes_text(
        out, unknown < file->count ? text : "},\"model\":{\"type\":\"Unigram\",\"unk_id\":null,"));
    YO_TRY(yo_bytes_text(out, file->byte_fallback ? "\"byte_fallback\":true,"
                                                  : "\"byte_fallback\":false,"));
    YO_TRY(write_pieces(out, file));
    YO_TRY(yo_bytes_text(out, "}}"));
    return yo_bytes_append(out, yo_json_pad, YO_JSON_PAD);
}

yoso_status yo_read_sentencepiece(yoso_tokenizer **out, const char *what, const yo_bytes *bytes)
{
    static const char surface[] = " \xE2\x81\x87 ";
    model_file file = {.model_type = UNIGRAM,
                       .surface = (const uint8_t *)surface,
                       .surface_length = sizeof surface - 1,
                       .dummy_prefix = true,
                       .remove_spaces = true,
                       .escape_spaces = true};
    yo_bytes json = {0};
    yoso_status status = read_model(&file, bytes);
    if (status == YOSO_OK)
        status = write_json(&json, &file);
    if (status != YOSO_OK)
        yo_fail_within(status, "%s", what);
    else
        status = yo_tokenizer_from_json(out, what, (char *)json.data, json.length - YO_JSON_PAD);
    free(file.pieces);
    yo_bytes_free(&json);
    return status;
}

yoso_status yo_load_sentencepiece(yoso_tokenizer **out, const char *path)
{
    yo_bytes bytes = {0};
    yoso_status status = yo_load_file(&bytes, path);
    if (status == YOSO_OK)
        status = yo_read_sentencepiece(out, path, &bytes);
    yo_bytes_free(&bytes);
    return status;
}
