/* Numbers in JSON: see json.h for why they are not read by strtod. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "text/json.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Appends a digit to the significand; false when it would overflow. */
static bool append(uint64_t *significand, char c)
{
    uint64_t digit = (uint64_t)(c - '0'), next;
    if (__builtin_mul_overflow(*significand, 10, &next) ||
        __builtin_add_overflow(next, digit, &next))
        return false;
    *significand = next;
    return true;
}

/* Whether the eight bytes at text are digits; then the number that they are: neighbours are joined
 * to numbers of two, four and eight digits. */
static bool eight_digits(const char *text, uint64_t *number)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t word = yo_load8((const uint8_t *)text);
    if (((word & (word + 0x0606060606060606u)) & 0xF0F0F0F0F0F0F0F0u) != 0x3030303030303030u)
        return false;
    word = (word & 0x0F0F0F0F0F0F0F0Fu) * 2561 >> 8;
    word = (word & 0x00FF00FF00FF00FFu) * 6553601 >> 16;
    *number = (word & 0x0000FFFF0000FFFFu) * 42949672960001u >> 32;
    return true;
#else
    (void)text, (void)number;
    return false;
#endif
}

/* Appends up to 17 digits, which fit behind one; returns where they end. */
static const char *append_some(uint64_t *significand, const char *text)
{
    const char *last = text + 17;
    for (uint64_t eight; last - text >= 8 && eight_digits(text, &eight); text += 8)
        *significand = *significand * 100000000 + eight;
    for (; text < last && is_digit(*text); text++)
        *significand = *significand * 10 + (uint64_t)(*text - '0');
    return text;
}

/* 10^exponent, 0 <= exponent <= 308, to the nearest double. */
static double power_of_ten(int exponent)
{
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    char text[16];
    if (exponent <= 22)
        return exact[exponent];
    snprintf(text, sizeof text, "1e%d", exponent);
    return strtod(text, NULL); /* without a point no locale matters */
}

static double scale(uint64_t significand, int64_t exponent)
{
    double number = (double)significand;
    while (number != 0 && exponent < -308) {
        number /= 1e308;
        exponent += 308;
    }
    if (number == 0)
        return 0;
    if (exponent > 308)
        return INFINITY;
    return exponent < 0 ? number / power_of_ten((int)-exponent)
                        : number * power_of_ten((int)exponent);
}

const char *yo_json_read_number(const char *text, double *number)
{
    uint64_t significand = 0;
    int64_t exponent = 0;
    bool negative = *text == '-', room = true;
    text += negative;
    if (!is_digit(*text) || (*text == '0' && is_digit(text[1])))
        return NULL;
    text = append_some(&significand, text);
    for (; is_digit(*text); text++) { /* digits that do not fit are zeros */
        room = room && append(&significand, *text);
        exponent += !room;
    }
    if (*text == '.') {
        if (!is_digit(*++text))
            return NULL;
        if (significand < 10) {
            const char *point = text;
            text = append_some(&significand, text);
            exponent -= text - point;
        }
        for (; is_digit(*text); text++) { /* and behind the point nothing */
            room = room && append(&significand, *text);
            exponent -= room;
        }
    }
    if (*text == 'e' || *text == 'E') {
        bool down = *++text == '-';
        int64_t given = 0;
        text += *text == '-' || *text == '+';
        if (!is_digit(*text))
            return NULL;
        for (; is_digit(*text); text++)
            given = given < 1000000 ? given * 10 + (*text - '0') : given;
        exponent += down ? -given : given;
    }
    *number = negative ? -scale(significand, exponent) : scale(significand, exponent);
    return text;
}

/* Writes with so many digits; whether that reads back as `wanted`. */
static bool fits(char *text, size_t room, int digits, double number, double wanted)
{
    double back;
    snprintf(text, room, "%.*g", digits, number);
    char *comma = strchr(text, ','); /* a locale's decimal sign */
    if (comma != NULL)
        *comma = '.';
    return yo_json_read_number(text, &back) != NULL && back == wanted;
}

yoso_status yo_json_write_number(yo_bytes *out, double number)
{
    char text[40] = "";
    if (number >= 0 && number < 1e15 && number == (double)(int64_t)number && !signbit(number)) {
        char *at = text + sizeof text - 1;
        int64_t left = (int64_t)number;
        *at = '\0';
        do
            *--at = (char)('0' + left % 10);
        while ((left /= 10) > 0);
        return yo_bytes_text(out, at);
    }
    for (int digits = 15; digits <= 19; digits++) {
        if (fits(text, sizeof text, digits, number, number))
            return yo_bytes_text(out, text);
    }
    /* Reading rounds twice, so it may be a neighbour's text that reads as this number. */
    double below = number, above = number;
    for (int step = 0; step < 8; step++) {
        below = nextafter(below, -INFINITY);
        above = nextafter(above, INFINITY);
        if (fits(text, sizeof text, 17, below, number) ||
            fits(text, sizeof text, 17, above, number))
            return yo_bytes_text(out, text);
    }
    snprintf(text, sizeof text, "%.17g", number);
    char *comma = strchr(text, ',');
    if (comma != NULL)
        *comma = '.';
    return yo_bytes_text(out, text);
}
