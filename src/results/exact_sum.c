/* results/exact_sum.c -- see exact_sum.h. */
#include "results/exact_sum.h"

#include <math.h>
#include <string.h>

enum {
    WORD_BITS = 64,
    FRACTION_BITS = 52,
    EXPONENT_MAX = 0x7ff,
    LEAST_EXPONENT = -1074, /* of the unit */
};

/* Adds or subtracts `term` at word `w`, and carries on as far as needed. */
static void add_word(gcr_exact_sum *sum, int w, uint64_t term, int is_negative)
{
    for (; term != 0 && w < GCR_EXACT_WORDS; w++) {
        const uint64_t before = sum->words[w];

        sum->words[w] = is_negative ? before - term : before + term;
        term = is_negative ? before < term : sum->words[w] < before;
    }
}

void gcr_exact_add(gcr_exact_sum *sum, double value)
{
    uint64_t bits, fraction;
    int exponent, is_negative, shift;

    memcpy(&bits, &value, sizeof bits);
    is_negative = (int)(bits >> 63);
    exponent = (int)(bits >> FRACTION_BITS) & EXPONENT_MAX;
    fraction = bits & ((UINT64_C(1) << FRACTION_BITS) - 1);
    if (exponent == EXPONENT_MAX) {
        sum->nans += fraction != 0;
        sum->infinities[is_negative] += fraction == 0;
        return;
    }
    if (exponent > 0)
        fraction |= UINT64_C(1) << FRACTION_BITS;
    shift = exponent > 0 ? exponent - 1 : 0;
    add_word(sum, shift / WORD_BITS, fraction << shift % WORD_BITS, is_negative);
    if (shift % WORD_BITS > 0)
        add_word(sum, shift / WORD_BITS + 1, fraction >> (WORD_BITS - shift % WORD_BITS),
                 is_negative);
}

void gcr_exact_merge(gcr_exact_sum *sum, const gcr_exact_sum *other)
{
    uint64_t carry = 0;

    for (int w = 0; w < GCR_EXACT_WORDS; w++) {
        const uint64_t with = sum->words[w] + other->words[w];

        sum->words[w] = with + carry;
        carry = (with < other->words[w]) | (sum->words[w] < with);
    }
    sum->infinities[0] += other->infinities[0];
    sum->infinities[1] += other->infinities[1];
    sum->nans += other->nans;
}

/* The magnitude of the sum; returns whether it is negative. */
static int take_magnitude(uint64_t out[GCR_EXACT_WORDS], const gcr_exact_sum *sum)
{
    const int is_negative = (int)(sum->words[GCR_EXACT_WORDS - 1] >> 63);
    uint64_t carry = 1;

    for (int w = 0; w < GCR_EXACT_WORDS; w++) {
        out[w] = is_negative ? ~sum->words[w] + carry : sum->words[w];
        carry = carry && out[w] == 0;
    }
    return is_negative;
}

static int bit_of(const uint64_t *words, int bit)
{
    return (int)(words[bit / WORD_BITS] >> bit % WORD_BITS) & 1;
}

static int is_any_below(const uint64_t *words, int bit)
{
    for (int w = 0; w < bit / WORD_BITS; w++)
        if (words[w] != 0)
            return 1;
    return (words[bit / WORD_BITS] & ((UINT64_C(1) << bit % WORD_BITS) - 1)) != 0;
}

/* The 64 bits from `low` on, `low` >= 0; there are none above the last word. */
static uint64_t bits_from(const uint64_t *words, int low)
{
    const int w = low / WORD_BITS, shift = low % WORD_BITS;
    const uint64_t above = w + 1 < GCR_EXACT_WORDS ? words[w + 1] : 0;

    return words[w] >> shift | (shift > 0 ? above << (WORD_BITS - shift) : 0);
}

static double round_magnitude(const uint64_t *words)
{
    int top = GCR_EXACT_WORDS * WORD_BITS - 1, low;
    uint64_t fraction;

    while (top >= 0 && !bit_of(words, top))
        top -= words[top / WORD_BITS] == 0 ? top % WORD_BITS + 1 : 1;
    if (top < 0)
        return 0;
    low = top > FRACTION_BITS ? top - FRACTION_BITS : 0;
    fraction = bits_from(words, low);
    fraction &= (UINT64_C(1) << (FRACTION_BITS + 1)) - 1;
    if (low > 0 && bit_of(words, low - 1) && (is_any_below(words, low - 1) || (fraction & 1)))
        fraction++;
    return ldexp((double)fraction, low + LEAST_EXPONENT);
}

double gcr_exact_round(const gcr_exact_sum *sum)
{
    uint64_t words[GCR_EXACT_WORDS];
    int is_negative;

    if (sum->nans > 0 || (sum->infinities[0] > 0 && sum->infinities[1] > 0))
        return NAN;
    if (sum->infinities[0] + sum->infinities[1] > 0)
        return sum->infinities[0] > 0 ? INFINITY : -INFINITY;
    is_negative = take_magnitude(words, sum);
    return is_negative ? -round_magnitude(words) : round_magnitude(words);
}
