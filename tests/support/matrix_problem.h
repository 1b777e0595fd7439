/*
 * tests/support/matrix_problem.h -- a dataset of the kernel `matrix` (kernel_matrix.c), and two
 * tiles of its cells: what the CPU's own engine makes of them, and one that is still to be
 * computed.
 */
#ifndef GCR_TEST_MATRIX_PROBLEM_H
#define GCR_TEST_MATRIX_PROBLEM_H

#include "support/tile.h"
#include "support/units.h"

enum {
    MATRIX_POINTS = 3,
    MATRIX_NEEDS_ALL = GCR_NEED_LOG_DETERMINANT | GCR_NEED_QUADRATIC_FORM | GCR_NEED_SOLUTION |
                       GCR_NEED_INVERSE_DIAGONAL
};

typedef struct matrix_problem {
    int n;
    double *x, *y;
    double needs[1];
    tile expected, got;
} matrix_problem;

/* X = G G' / n + I, G from -1 to 1, with NaN above the diagonal, where nobody may look. G has no
 * more columns than that large matrices are soon made. */
static inline void matrix_problem_fill(matrix_problem *p)
{
    const int n = p->n, columns = n < 24 ? n : 24;
    double *g = tile_memory((uint64_t)(n * columns), sizeof *g);

    srand((unsigned)n);
    for (int k = 0; k < n * columns; k++)
        g[k] = 2.0 * rand() / RAND_MAX - 1;
    for (int i = 0; i < n; i++) {
        p->y[i] = 2.0 * rand() / RAND_MAX - 1;
        for (int j = 0; j < n; j++) {
            double sum = i == j;

            for (int k = 0; k < columns; k++)
                sum += g[i + k * n] * g[j + k * n] / n;
            p->x[i + j * n] = j <= i ? sum : NAN;
        }
    }
    free(g);
}

static inline void matrix_problem_open_tile(tile *t, const matrix_problem *p)
{
    static const double one[] = { 1 };
    /* The last is not SPD from some row on. */
    static const double shifts[MATRIX_POINTS] = { 0, 0.25, -1.05 };

    *t = (tile){ .unit = unit_named("matrix"),
                 .data = { .rows = p->n, .features = p->n, .x = p->x, .y = p->y },
                 .padding = 3 };
    tile_axis(t, "needs", p->needs, 1);
    tile_axis(t, "shift", shifts, MATRIX_POINTS);
    tile_axis(t, "scale", one, 1);
    tile_open(t);
}

static inline matrix_problem *matrix_problem_open(int n, unsigned needs)
{
    matrix_problem *p = tile_memory(1, sizeof *p);

    p->n = n;
    p->needs[0] = needs;
    p->x = tile_memory((uint64_t)(n * n), sizeof *p->x);
    p->y = tile_memory((uint64_t)n, sizeof *p->y);
    matrix_problem_fill(p);
    matrix_problem_open_tile(&p->expected, p);
    matrix_problem_open_tile(&p->got, p);
    tile_crunch(&p->expected);
    return p;
}

static inline void matrix_problem_close(matrix_problem *p)
{
    tile_close(&p->expected);
    tile_close(&p->got);
    free(p->x);
    free(p->y);
    free(p);
}

#endif /* GCR_TEST_MATRIX_PROBLEM_H */
