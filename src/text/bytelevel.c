/* The byte alphabet: see bytelevel.h. */
#include "text/bytelevel.h"

static bool stands_for_itself(uint32_t byte)
{
    return (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
}

uint32_t yo_byte_character(uint8_t byte)
{
    if (stands_for_itself(byte))
        return byte;
    if (byte <= 32)
        return 256u + byte;
    return byte == 173 ? 256 + 67 : 256u + 33 + byte - 127;
}

int yo_character_byte(uint32_t c)
{
    if (c < 256)
        return stands_for_itself(c) ? (int)c : -1;
    c -= 256;
    if (c <= 32)
        return (int)c;
    if (c <= 66)
        return (int)c - 33 + 127;
    return c == 67 ? 173 : -1;
}
