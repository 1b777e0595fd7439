/* bench/fit.c -- see fit.h: the best of all lines through two points, then least squares near
 * it. */
#include "fit.h"

#include <math.h>
#include <stdlib.h>

typedef struct points {
    const double *bytes, *seconds;
    int count;
} points;

typedef struct line {
    double a, slope;
} line;

static const double most_error = 0.3;  /* that counts  */
static const double near_error = 0.02; /* is never far */
static const double least_part = 0.01; /* of the time, that bytes must be to have a rate */

static double error_of(const points *p, line l, int i)
{
    return fabs(l.a + l.slope * p->bytes[i] - p->seconds[i]) / p->seconds[i];
}

static double cost_of(const points *p, line l)
{
    double sum = 0;

    for (int i = 0; i < p->count; i++)
        sum += fmin(error_of(p, l, i), most_error);
    return sum;
}

/* Takes `other` in place of `best` where it is nearer; not a line whose end is before its
 * beginning. */
static void prefer(line *best, double *cost, const points *p, line other)
{
    const double other_cost = other.a >= 0 && other.slope >= 0 ? cost_of(p, other) : INFINITY;

    if (other_cost < *cost) {
        *best = other;
        *cost = other_cost;
    }
}

static line find_line(const points *p)
{
    line best = { 0, p->seconds[0] / p->bytes[0] };
    double cost = INFINITY;

    for (int i = 0; i < p->count; i++) {
        prefer(&best, &cost, p, (line){ 0, p->seconds[i] / p->bytes[i] });
        for (int j = 0; j < i; j++) {
            const double slope = (p->seconds[i] - p->seconds[j]) / (p->bytes[i] - p->bytes[j]);

            prefer(&best, &cost, p, (line){ p->seconds[i] - slope * p->bytes[i], slope });
        }
    }
    return best;
}

static int by_value(const void *x, const void *y)
{
    const double a = *(const double *)x, b = *(const double *)y;

    return (a > b) - (a < b);
}

static double median_error(const points *p, line l)
{
    double errors[BENCH_FIT_MAX];

    for (int i = 0; i < p->count; i++)
        errors[i] = error_of(p, l, i);
    qsort(errors, (size_t)p->count, sizeof *errors, by_value);
    return 0.5 * (errors[(p->count - 1) / 2] + errors[p->count / 2]);
}

/* Least squares of relative errors over the points that lie near the line; itself where those do
 * not say more. 1.48 medians of noise are its deviation. */
static line polish(const points *p, line l)
{
    const double near = fmax(3 * 1.48 * median_error(p, l), near_error);
    double w = 0, ws = 0, wss = 0, wt = 0, wst = 0, determinant;
    line better;

    for (int i = 0; i < p->count; i++) {
        const double s = p->bytes[i], t = p->seconds[i], weight = 1 / (t * t);

        if (error_of(p, l, i) > near)
            continue;
        w += weight;
        ws += weight * s;
        wss += weight * s * s;
        wt += weight * t;
        wst += weight * s * t;
    }
    determinant = w * wss - ws * ws;
    if (!(determinant > 1e-12 * w * wss))
        return l;
    better.slope = (w * wst - ws * wt) / determinant;
    better.a = (wt - better.slope * ws) / w;
    return better.a >= 0 && better.slope >= 0 ? better : l;
}

bench_line bench_fit(const double *bytes, const double *seconds, int count)
{
    const points p = { .bytes = bytes, .seconds = seconds, .count = count };
    const line l = polish(&p, find_line(&p));
    double most = 0;
    int matters;

    for (int i = 0; i < count; i++)
        most = fmax(most, bytes[i]);
    matters = l.slope * most > least_part * l.a;
    return (bench_line){ .latency = l.a,
                         .rate = matters ? 1 / l.slope : NAN,
                         .half = matters ? l.a / l.slope : NAN,
                         .residual = median_error(&p, l) };
}
