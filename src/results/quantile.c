/*
 * results/quantile.c -- see quantile.h.
 *
 * Selection by digits, most significant first, rather than quickselect: the values over a grid
 * are smooth and rise and fall along the axes, which is the kind of order that pivots of
 * quickselect handle badly. This reads each key at most eight times, whatever the order.
 */
#include "results/quantile.h"

#include <math.h>
#include <string.h>

enum { DIGIT_BITS = 8, DIGITS = 1 << DIGIT_BITS };

static const uint64_t sign_bit = UINT64_C(1) << 63;

uint64_t gcr_quantile_key(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits & sign_bit ? ~bits : bits | sign_bit;
}

static double value_of(uint64_t key)
{
    const uint64_t bits = key & sign_bit ? key & ~sign_bit : ~key;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Keys that agree in all digits looked at so far, `rank` counted among them; `above` is the least
 * key that was larger. */
typedef struct selection {
    uint64_t *keys;
    uint64_t count, rank, above;
} selection;

static unsigned digit_of(uint64_t key, int shift)
{
    return (unsigned)(key >> shift) % DIGITS;
}

/* The digit that the key at `rank` has; `rank` becomes its rank among the keys with that digit. */
static unsigned find_digit(selection *s, int shift)
{
    uint64_t counts[DIGITS] = { 0 };
    unsigned digit = 0;

    for (uint64_t i = 0; i < s->count; i++)
        counts[digit_of(s->keys[i], shift)]++;
    for (; s->rank >= counts[digit]; digit++)
        s->rank -= counts[digit];
    return digit;
}

static void keep_digit(selection *s, int shift, unsigned digit)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < s->count; i++) {
        const uint64_t key = s->keys[i];
        const unsigned other = digit_of(key, shift);

        if (other == digit)
            s->keys[kept++] = key;
        else if (other > digit && key < s->above)
            s->above = key;
    }
    s->count = kept;
}

double gcr_quantile(uint64_t *keys, uint64_t count, double q)
{
    const double place = q * (double)(count - 1);
    const double t = place - floor(place);
    selection s = { .keys = keys, .count = count, .rank = (uint64_t)place, .above = UINT64_MAX };
    const int is_last = s.rank == count - 1;

    for (int shift = 64 - DIGIT_BITS; shift >= 0 && s.count > 1; shift -= DIGIT_BITS)
        keep_digit(&s, shift, find_digit(&s, shift));

    const double a = value_of(s.keys[0]);
    const double b = is_last ? a : s.rank + 1 < s.count ? a : value_of(s.above);

    /* As numpy: from the nearer end, so that t = 1 would give b exactly. */
    return t < 0.5 ? a + (b - a) * t : b - (b - a) * (1 - t);
}
