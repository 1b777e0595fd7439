/*
 * tests/support/draft.h -- random cases for any kernel: data, a grid with holes, a ladder of
 * jitter.
 *
 * Draws come of a number that is given, so that a failure which names it can be made again.
 */
#ifndef GCR_DRAFT_H
#define GCR_DRAFT_H

#include "support/tile.h"
#include "support/units.h"

enum { ROWS_MAX = 180, FEATURES_MAX = 4, AXES_MAX = 3, VALUES_MAX = 5, POOL_MAX = 7 };
enum { POINTS_MAX = VALUES_MAX * VALUES_MAX * VALUES_MAX };

/* What is tried, with the ends between which its options are drawn. */
static const struct subject {
    const char *unit;
    int64_t least[2], most[2];
    int is_binary; /* y is 0 or 1, most of the time */
} subjects[] = {
    { .unit = "cholesky", .least = { 3 }, .most = { 20 } },
    { .unit = "convolve" },
    { .unit = "draw" },
    { .unit = "gp_rbf" },
    { .unit = "gp_lapack" },
    { .unit = "gp_matern12" },
    { .unit = "gp_matern32" },
    { .unit = "gp_matern52" },
    { .unit = "gp_rbf_tridiagonal" },
    { .unit = "gp_matern32_tridiagonal" },
    { .unit = "gp_profile_matern12" },
    { .unit = "gp_profile_rbf_tridiagonal" },
    { .unit = "herd" },
    { .unit = "kernel_ridge" },
    { .unit = "kernel_ridge_tridiagonal" },
    { .unit = "logistic", .least = { 2, 3 }, .most = { 50, 12 }, .is_binary = 1 },
    { .unit = "outer" },
    { .unit = "ridge", .least = { 2 }, .most = { 6 } },
    { .unit = "ridge_tridiagonal", .least = { 2 }, .most = { 6 } },
    { .unit = "scale" },
    { .unit = "spin" },
};

/* What axes of a name are made of: the ordinary, the ends, and what ends in a fault. */
static const struct pool {
    const char *parameter;
    double values[POOL_MAX];
} pools[] = {
    { "lengthscale", { 0.05, 0.3, 1, 2.5, 20, 1e3, 1e-3 } },
    { "noise", { 0, 0, 1e-9, 1e-4, 0.01, 1, 1e12 } },
    { "noise_ratio", { 0, 1e-9, 1e-4, 0.01, 0.1, 1, 1e6 } },
    { "variance", { 0.25, 1, 4, 1e-300, 1e300, 1, 2 } },
    { "alpha", { 0, 0, 1e-9, 1e-3, 1, 1e4, 1e300 } },
    { "penalty", { 0, 1e-3, 0.1, 1, 30, 500, 1e9 } },
    { "row", { 0, 1, 2, 3, 7, 19, 47 } },
    { "k", { 1, 2, 3, 4, 7, 20, 65 } },
    { "replicate", { 0, 1, 2, 3, 5, 8, 1e9 } },
    { "factor", { -1, 0, 0.5, 3, 1e300, 1e-310, 1e-300 } },
    { "ns", { 0, 1, 2, 3, 10, 20, 30 } },
    { "a", { 0, 1, 2, 3, 4, 5, 6 } },
    { "b", { 0.5, 1.5, -2, 1e9, -1e-9, 0, 3 } },
};

static uint64_t random_state;

/* Of xorshift64*, below `end`. */
static inline uint64_t draw(uint64_t end)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * 0x2545f4914f6cdd1du >> 33) % end;
}

/* One random case: data, axes, holes and a ladder. */
struct draft {
    tile tile;
    double x[ROWS_MAX * FEATURES_MAX], y[ROWS_MAX];
    double values[AXES_MAX][VALUES_MAX], jitter[4];
    uint64_t live[(POINTS_MAX + 63) / 64];
};

/* From a coarse grid, so that rows are equal now and then; some y are hostile to their kernel. */
static inline void draw_values(struct draft *out, const struct subject *subject, int64_t rows,
                               int64_t features)
{
    const int is_binary = subject->is_binary && draw(8) != 0;

    for (int64_t k = 0; k < rows * features; k++)
        out->x[k] = (double)draw(64) / 8 - 4;
    for (int64_t i = 0; i < rows; i++)
        out->y[i] = is_binary ? (double)draw(2) : (double)draw(256) / 64 - 2;
    if (draw(12) == 0)
        out->y[draw((uint64_t)rows)] = NAN;
    out->tile.data = (gcr_view){ .rows = rows,
                                 .features = features,
                                 .x = out->x,
                                 .y = out->y,
                                 .identity = { (uint32_t)draw(1000), 1, 2, 3 } };
}

static inline void draw_data(struct draft *out, const struct subject *subject)
{
    const int64_t rows = 1 + (int64_t)draw(draw(24) == 0 ? ROWS_MAX : 48);
    const int64_t features = 1 + (int64_t)draw(FEATURES_MAX);

    draw_values(out, subject, rows, features);
}

static inline const double *pool_of(const char *parameter)
{
    for (size_t p = 0; p < sizeof pools / sizeof *pools; p++)
        if (strcmp(pools[p].parameter, parameter) == 0)
            return pools[p].values;
    fail_msg("no values to draw for %s", parameter);
    return NULL;
}

/* The parameters in any order, since axes are in the order of the job. */
static inline void draw_axes(struct draft *out)
{
    const gcr_kernel_parameter *parameters = out->tile.unit->kernel->parameters;
    int count = 0, from;

    while (parameters[count].name != NULL)
        count++;
    assert_true(count <= AXES_MAX);
    from = (int)draw((uint64_t)count);
    for (int a = 0; a < count; a++) {
        const char *name = parameters[(from + a) % count].name;
        const uint64_t length = 1 + draw(VALUES_MAX);

        for (uint64_t k = 0; k < length; k++)
            out->values[a][k] = pool_of(name)[draw(POOL_MAX)];
        tile_axis(&out->tile, name, out->values[a], length);
    }
}

static inline void draw_setup(struct draft *out, const struct subject *subject)
{
    out->tile.setup.seed = draw(1u << 30);
    out->tile.setup.ns_per_tick = 1;
    for (int o = 0; o < 2; o++)
        out->tile.setup.option[o] =
            subject->least[o] + (int64_t)draw((uint64_t)(subject->most[o] - subject->least[o] + 1));
    out->tile.setup.jitter = out->jitter;
    out->tile.setup.jitter_count = (int)draw(5);
    for (int step = 0; step < 4; step++)
        out->jitter[step] = ldexp(1, 12 * step - 42);
    if (draw(2) == 0)
        return;
    for (int p = 0; p < POINTS_MAX; p++)
        out->live[p / 64] |= (uint64_t)(draw(4) != 0) << p % 64;
    out->tile.points.live = out->live;
}

static inline void draw_draft(struct draft *out, const struct subject *subject, uint64_t round)
{
    memset(out, 0, sizeof *out);
    random_state = 0x9e3779b97f4a7c15u * (round + 1) + 1;
    out->tile.unit = unit_named(subject->unit);
    out->tile.padding = (int64_t)draw(3);
    draw_data(out, subject);
    draw_axes(out);
    draw_setup(out, subject);
}

/* Scratch holds what another cell has left there. */
static inline void soil_scratch(void *scratch, uint64_t bytes)
{
    for (uint64_t k = 0; k < bytes / sizeof(double); k++)
        ((double *)scratch)[k] = draw(3) == 0 ? NAN : (double)draw(1000);
}

#endif /* GCR_DRAFT_H */
