/* The wire format of protocol buffers: see protobuf.h. */
#include "text/protobuf.h"

static bool varint(yo_message *m, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; shift < 64 && m->at < m->length; shift += 7) {
        uint8_t byte = m->data[m->at++];
        *value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return true;
    }
    return false;
}

static bool fixed(yo_message *m, size_t bytes, uint64_t *value)
{
    if (m->length - m->at < bytes)
        return false;
    *value = 0;
    for (size_t i = bytes; i-- > 0;)
        *value = *value << 8 | m->data[m->at + i];
    m->at += bytes;
    return true;
}

yoso_status yo_message_next(yo_message *m, bool *found, yo_field *field)
{
    size_t start = m->at;
    uint64_t tag, size;
    *found = m->at < m->length;
    if (!*found)
        return YOSO_OK;
    bool good = varint(m, &tag) && tag >> 3 != 0 && tag >> 3 <= UINT32_MAX;
    *field = (yo_field){.number = good ? (uint32_t)(tag >> 3) : 0, .wire = good ? tag & 7 : 7};
    switch (field->wire) {
    case 0:
        good = varint(m, &field->value);
        break;
    case 1:
        good = fixed(m, 8, &field->value);
        break;
    case 2:
        good = varint(m, &size) && size <= m->length - m->at;
        if (good) {
            field->data = m->data + m->at;
            field->length = (size_t)size;
            m->at += (size_t)size;
        }
        break;
    case 5:
        good = fixed(m, 4, &field->value);
        break;
    default:
        good = false;
    }
    return good ? YOSO_OK : yo_fail(YOSO_FORMAT, "a damaged field at byte %zu", start);
}
