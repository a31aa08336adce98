/* Reading protocol buffer messages field by field, every length checked. */
#ifndef YO_TEXT_PROTOBUF_H
#define YO_TEXT_PROTOBUF_H

#include "text/bytes.h"

typedef struct yo_message {
    const uint8_t *data;
    size_t length, at;
} yo_message;

/* One field: a number (varint or fixed), or `length` bytes. */
typedef struct yo_field {
    uint32_t number;
    uint32_t wire; /* 0 varint, 1 eight bytes, 2 bytes, 5 four bytes */
    uint64_t value;
    const uint8_t *data;
    size_t length;
} yo_field;

/* The next field; *found is false after the last. Damage is YOSO_FORMAT with the place. */
yoso_status yo_message_next(yo_message *message, bool *found, yo_field *field);

/* A field of four bytes as a float. */
static inline float yo_field_float(const yo_field *field)
{
    uint32_t bits = (uint32_t)field->value;
    float number;
    memcpy(&number, &bits, sizeof number);
    return number;
}

#endif
