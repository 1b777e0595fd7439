/*
 * base/number.c -- decimal numbers to doubles and back, whatever the locale says.
 *
 * Reading a table is mostly reading numbers, so the common ones take Clinger's fast path: a
 * mantissa below 2^53 and a power of ten up to 10^22 are both exact doubles, and one operation on
 * exact operands is rounded correctly. Numbers written with all their digits have a longer
 * mantissa; the long double of x86 holds that, and powers up to 10^27, and its 11 bits more say
 * whether rounding twice is rounding once. Everything else goes to strtod, so the bits are always
 * its.
 */
#include "base/text.h"

#include <endian.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    EXACT_POWER_MAX = 22,
    LONG_POWER_MAX = 27,  /* 5^27 < 2^63 */
    DIGITS_MAX = 19,      /* of a mantissa that cannot overflow 64 bits */
    EXPONENT_MAX = 99999, /* beyond any double; keeps the sum an int    */
    NUMBER_MAX = 1023,    /* characters; longer ones are not numbers    */
};

static const double power_of_ten[EXACT_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

static const long double long_power_of_ten[LONG_POWER_MAX + 1] = {
    1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,
    1e10L, 1e11L, 1e12L, 1e13L, 1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L,
    1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L,
};

static const uint32_t whole_power_of_ten[9] = { 1,      10,      100,      1000,     10000,
                                                100000, 1000000, 10000000, 100000000 };

/* A number taken apart: mantissa * 10^exponent, if the mantissa has at most DIGITS_MAX digits. */
typedef struct decimal {
    uint64_t mantissa;
    int digits; /* significant ones, without leading zeros */
    int exponent;
    int is_negative;
} decimal;

static int is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The first byte lowest. */
static uint64_t load_eight(const char *at)
{
    uint64_t eight;

    memcpy(&eight, at, sizeof eight);
    return le64toh(eight);
}

/* How many of eight bytes, from the lowest on, are digits less '0'. */
static int count_digits(uint64_t eight)
{
    const uint64_t others =
        ((eight + UINT64_C(0x7676767676767676)) | eight) & UINT64_C(0x8080808080808080);

    return others != 0 ? __builtin_ctzll(others) / 8 : 8;
}

/* Of eight digits less '0', the first lowest: they are added in pairs, pairs in fours, fours. */
static uint64_t value_of_digits(uint64_t eight)
{
    eight = eight * 2561 >> 8;
    eight = (eight & UINT64_C(0x00ff00ff00ff00ff)) * 6553601 >> 16;
    return (eight & UINT64_C(0x0000ffff0000ffff)) * UINT64_C(42949672960001) >> 32;
}

/* Digits from `at`; each moves the exponent by `shift`. Reads GCR_NUMBER_SPARE bytes behind `end`:
 * eight bytes at a time cost one jump for each number, not one for each digit. */
static inline __attribute__((always_inline)) const char *
scan_digits(decimal *number, const char *at, const char *end, int shift)
{
    const char *begin = at;
    int count;

    do {
        const uint64_t eight = load_eight(at) ^ UINT64_C(0x3030303030303030);
        const int left = end - at < 8 ? (int)(end - at) : 8;

        count = count_digits(eight);
        count = count < left ? count : left;
        if (count > 0) /* beyond DIGITS_MAX the mantissa wraps */
            number->mantissa = number->mantissa * whole_power_of_ten[count] +
                               value_of_digits(eight << (64 - 8 * count));
        at += count;
    } while (count == 8);
    number->exponent += shift * (int)(at - begin);
    while (number->digits == 0 && begin < at && *begin == '0')
        begin++;
    number->digits += (int)(at - begin);
    return at;
}

/* "e-3" from `at`, or nothing; NULL if it is begun and not finished. */
static const char *scan_exponent(decimal *number, const char *at, const char *end)
{
    int exponent = 0, is_negative = 0;

    if (at == end || (*at != 'e' && *at != 'E'))
        return at;
    at++;
    if (at < end && (*at == '+' || *at == '-'))
        is_negative = *at++ == '-';
    if (at == end || !is_digit(*at))
        return NULL;
    for (; at < end && is_digit(*at); at++)
        if (exponent < EXPONENT_MAX)
            exponent = exponent * 10 + (*at - '0');
    number->exponent += is_negative ? -exponent : exponent;
    return at;
}

/* Takes the unsigned number begin .. end apart. False if it is not one, to its last character. */
static int scan_decimal(decimal *number, const char *begin, const char *end)
{
    const char *whole_end = scan_digits(number, begin, end, 0);
    const char *at = whole_end;
    int has_digits = whole_end > begin;

    if (at < end && *at == '.') {
        at = scan_digits(number, at + 1, end, -1);
        has_digits |= at > whole_end + 1;
    }
    return has_digits && scan_exponent(number, at, end) == end;
}

/* Without a jump. */
static double with_sign(double value, int is_negative)
{
    return value * (1 - 2 * is_negative);
}

/* The double that is exactly what strtod would give, where that is cheap to know. */
static int convert_exactly(double *out, const decimal *number)
{
    double value = (double)number->mantissa;

    if (number->digits > DIGITS_MAX || number->mantissa > UINT64_C(1) << DBL_MANT_DIG ||
        abs(number->exponent) > EXACT_POWER_MAX)
        return 0;
    if (number->exponent < 0)
        value /= power_of_ten[-number->exponent];
    else
        value *= power_of_ten[number->exponent];
    *out = with_sign(value, number->is_negative);
    return 1;
}

/* The same by way of 64 bits of mantissa, unless what is to be rounded off is so near to a half
 * that the first rounding may have decided the second. */
static int convert_by_long_double(double *out, const decimal *number)
{
    long double value = (long double)number->mantissa;
    uint64_t bits;

    if (LDBL_MANT_DIG != 64 || number->digits > DIGITS_MAX ||
        abs(number->exponent) > LONG_POWER_MAX)
        return 0;
    if (number->exponent < 0)
        value /= long_power_of_ten[-number->exponent];
    else
        value *= long_power_of_ten[number->exponent];
    memcpy(&bits, &value, sizeof bits);
    if ((bits & 0x7ff) - 0x3ff <= 2)
        return 0;
    *out = with_sign((double)value, number->is_negative);
    return 1;
}

static locale_t c_locale;

static void create_c_locale(void)
{
    c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* The locale in which a point is a point; made once, lives as long as the process. */
static locale_t point_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, create_c_locale);
    return c_locale;
}

static int convert_by_strtod(double *out, const char *begin, const char *end, int is_negative)
{
    char copy[NUMBER_MAX + 1];
    const size_t bytes = (size_t)(end - begin);
    double value;

    memcpy(copy, begin, bytes);
    copy[bytes] = '\0';
    value = strtod_l(copy, NULL, point_locale());
    *out = is_negative ? -value : value;
    return 1;
}

static int is_word(const char *begin, const char *end, const char *word)
{
    const size_t bytes = strlen(word);

    return (size_t)(end - begin) == bytes && strncasecmp(begin, word, bytes) == 0;
}

/* "inf", "infinity" and "nan", in any case. */
static int convert_word(double *out, const char *begin, const char *end, int is_negative)
{
    double value;

    if (is_word(begin, end, "inf") || is_word(begin, end, "infinity"))
        value = (double)INFINITY;
    else if (is_word(begin, end, "nan"))
        value = (double)NAN;
    else
        return 0;
    *out = is_negative ? -value : value;
    return 1;
}

int gcr_parse_padded_number(double *out, const char *text, size_t bytes)
{
    const char *begin = text, *end = text + bytes;
    decimal number = { .mantissa = 0 };

    while (begin < end && is_blank(*begin))
        begin++;
    while (begin < end && is_blank(end[-1]))
        end--;
    if (begin < end) { /* signs come at random: no jump depends on one */
        number.is_negative = *begin == '-';
        begin += (*begin == '-') | (*begin == '+');
    }
    if (end - begin > NUMBER_MAX)
        return 0;
    if (!scan_decimal(&number, begin, end))
        return convert_word(out, begin, end, number.is_negative);
    return convert_exactly(out, &number) || convert_by_long_double(out, &number) ||
           convert_by_strtod(out, begin, end, number.is_negative);
}

int gcr_parse_number(double *out, const char *text, size_t bytes)
{
    char padded[NUMBER_MAX + GCR_NUMBER_SPARE];

    if (bytes > NUMBER_MAX)
        return 0;
    memcpy(padded, text, bytes);
    memset(padded + bytes, 0, GCR_NUMBER_SPARE);
    return gcr_parse_padded_number(out, padded, bytes);
}

/* Fifteen digits always survive; below DBL_MIN a double has fewer than that. */
static void print_shortest(char out[32], double value)
{
    int precision = fabs(value) < DBL_MIN ? 1 : DBL_DIG;
    double back;

    do {
        snprintf(out, 32, "%.*g", precision, value);
        precision++;
    } while (gcr_parse_number(&back, out, strlen(out)) && back != value);
}

const char *gcr_format_number(char out[32], double value)
{
    const locale_t before = uselocale(point_locale());
    char text[32] = "nan"; /* printf would also know "-nan" */

    if (!isnan(value))
        print_shortest(text, value);
    uselocale(before);
    return strcpy(out, text);
}
