/*
 * kernels/logistic.c -- logistic regression of y in {0, 1} with a penalty, by Newton's method.
 *
 *     minimise  sum of log(1 + exp(-s_i (c + x_i'b)))  +  penalty / 2 |b|^2,  s_i = 2 y_i - 1
 *
 * as scikit-learn's LogisticRegression(C=1 / penalty); the intercept c is not penalised. Newton's
 * method with backtracking stops when half the squared Newton decrement, which estimates how far
 * the sum is above its minimum, falls below 10^-digits per row (Boyd and Vandenberghe, Convex
 * Optimization (2004), section 9.5), or below what rounding leaves of a sum over the rows. How many
 * steps that takes differs from cell to cell.
 */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { PENALTY };
enum output { LOG_LOSS, ACCURACY, ITERATIONS };
enum fault { NOT_BINARY = 1, ONE_CLASS, SINGULAR, NOT_CONVERGED, NOT_FINITE };

/* What the team works on; the intercept is the last coefficient, of a column of ones. */
struct fit {
    int64_t n, columns;
    gcr_real *weights;  /* [columns] the coefficients                       */
    gcr_real *step;     /* [columns] the gradient, then Newton's step       */
    gcr_real *hessian;  /* [columns (columns + 1) / 2]                      */
    gcr_real *margin;   /* [n] c + x_i'b                                    */
    gcr_real *movement; /* [n] what a whole step adds to the margins        */
    gcr_real *slope;    /* [n] p_i - y_i, the derivative by the margin      */
    gcr_real *bend;     /* [n] p_i (1 - p_i), the second one                */
};

GCR_FN struct fit fit_open(const gcr_ctx *ctx)
{
    struct fit fit;

    fit.n = gcr_rows(ctx);
    fit.columns = gcr_features(ctx) + 1;
    fit.weights = gcr_scratch(ctx);
    fit.step = fit.weights + fit.columns;
    fit.hessian = fit.step + fit.columns;
    fit.margin = fit.hessian + gcr_triangle(fit.columns, 0);
    fit.movement = fit.margin + fit.n;
    fit.slope = fit.movement + fit.n;
    fit.bend = fit.slope + fit.n;
    return fit;
}

GCR_FN gcr_real value(const gcr_ctx *ctx, int64_t row, int64_t column)
{
    return column < gcr_features(ctx) ? gcr_x(ctx, row, column) : 1;
}

GCR_FN gcr_real penalty_of(const gcr_ctx *ctx, int64_t column)
{
    return column < gcr_features(ctx) ? gcr_param(ctx, PENALTY) : 0;
}

GCR_FN int check_classes(const gcr_ctx *ctx)
{
    int64_t ones = 0;

    for (int64_t i = 0; i < gcr_rows(ctx); i++) {
        if (gcr_y(ctx, i) != 0 && gcr_y(ctx, i) != 1)
            return NOT_BINARY;
        ones += gcr_y(ctx, i) == 1;
    }
    return ones == 0 || ones == gcr_rows(ctx) ? ONE_CLASS : 0;
}

/* What is not finite in x would be told of as a singular step. */
GCR_FN int check_features(const gcr_ctx *ctx)
{
    for (int64_t f = 0; f < gcr_features(ctx); f++)
        for (int64_t i = 0; i < gcr_rows(ctx); i++)
            if (!gcr_is_finite(gcr_x(ctx, i, f)))
                return NOT_FINITE;
    return 0;
}

/* log(1 + exp(-s margin)) without overflow. */
GCR_FN gcr_real loss_of(gcr_real y, gcr_real margin)
{
    const gcr_real wrong = y == 1 ? -margin : margin;

    return gcr_max(wrong, 0) + gcr_log(1 + gcr_exp_minus(gcr_fabs(margin)));
}

/* The sum of the losses when `share` of the step is taken. */
GCR_FN gcr_real loss_after(const gcr_ctx *ctx, const struct fit *fit, gcr_real share)
{
    gcr_real sum = 0;

    for (int64_t i = gcr_team_rank(ctx); i < fit->n; i += gcr_team_size(ctx))
        sum += loss_of(gcr_y(ctx, i), fit->margin[i] + share * fit->movement[i]);
    return gcr_team_sum(ctx, sum);
}

GCR_FN gcr_real objective_after(const gcr_ctx *ctx, const struct fit *fit, gcr_real share)
{
    gcr_real sum = 0;

    for (int64_t a = 0; a < fit->columns; a++) {
        const gcr_real weight = fit->weights[a] + share * fit->step[a];

        sum += penalty_of(ctx, a) * weight * weight;
    }
    return loss_after(ctx, fit, share) + sum / 2;
}

GCR_FN void find_slopes(const gcr_ctx *ctx, const struct fit *fit)
{
    for (int64_t i = gcr_team_rank(ctx); i < fit->n; i += gcr_team_size(ctx)) {
        const gcr_real tail = gcr_exp_minus(gcr_fabs(fit->margin[i]));
        const gcr_real far = 1 / (1 + tail), near = tail / (1 + tail);

        fit->slope[i] = (fit->margin[i] > 0 ? far : near) - gcr_y(ctx, i);
        fit->bend[i] = far * near;
    }
    gcr_team_barrier(ctx);
}

/* Minus the gradient into `step`, and the Hessian. */
GCR_FN void find_derivatives(const gcr_ctx *ctx, const struct fit *fit)
{
    for (int64_t a = gcr_team_rank(ctx); a < fit->columns; a += gcr_team_size(ctx)) {
        gcr_real gradient = penalty_of(ctx, a) * fit->weights[a];

        for (int64_t i = 0; i < fit->n; i++)
            gradient += fit->slope[i] * value(ctx, i, a);
        fit->step[a] = -gradient;
        for (int64_t b = 0; b <= a; b++) {
            gcr_real sum = a == b ? penalty_of(ctx, a) : 0;

            for (int64_t i = 0; i < fit->n; i++)
                sum += fit->bend[i] * value(ctx, i, a) * value(ctx, i, b);
            fit->hessian[gcr_triangle(a, b)] = sum;
        }
    }
}

/* From the step, what it adds to the margins. Returns the squared decrement, step' H step. */
GCR_FN gcr_real find_movement(const gcr_ctx *ctx, const struct fit *fit)
{
    gcr_real square = 0, penalty = 0;

    for (int64_t i = gcr_team_rank(ctx); i < fit->n; i += gcr_team_size(ctx)) {
        fit->movement[i] = 0;
        for (int64_t a = 0; a < fit->columns; a++)
            fit->movement[i] += fit->step[a] * value(ctx, i, a);
        square += fit->bend[i] * fit->movement[i] * fit->movement[i];
    }
    for (int64_t a = 0; a < fit->columns; a++)
        penalty += penalty_of(ctx, a) * fit->step[a] * fit->step[a];
    return gcr_team_sum(ctx, square) + penalty;
}

/* The largest of 1, 1/2, 1/4 ... of the step that goes down by a part of what the slope promises;
 * 0: none does. */
GCR_FN gcr_real find_share(const gcr_ctx *ctx, const struct fit *fit, gcr_real square)
{
    const gcr_real here = objective_after(ctx, fit, 0);

    for (gcr_real share = 1; share > 1e-9; share /= 2)
        if (objective_after(ctx, fit, share) <= here - 1e-4 * share * square)
            return share;
    return 0;
}

GCR_FN void move(const gcr_ctx *ctx, const struct fit *fit, gcr_real share)
{
    gcr_team_barrier(ctx);
    for (int64_t a = gcr_team_rank(ctx); a < fit->columns; a += gcr_team_size(ctx))
        fit->weights[a] += share * fit->step[a];
    for (int64_t i = gcr_team_rank(ctx); i < fit->n; i += gcr_team_size(ctx))
        fit->margin[i] += share * fit->movement[i];
    gcr_team_barrier(ctx);
}

GCR_FN gcr_real tolerance(const gcr_ctx *ctx)
{
    const gcr_real rows = (gcr_real)gcr_rows(ctx);
    gcr_real tolerance = rows;

    for (int64_t k = 0; k < GCR_OPTION(digits); k++)
        tolerance /= 10;
    return gcr_max(tolerance, GCR_EPSILON * rows * gcr_sqrt(rows));
}

/* Writes the number of steps to *steps_out; returns 0 or a fault. */
GCR_FN int minimise(const gcr_ctx *ctx, const struct fit *fit, int64_t *steps_out)
{
    for (*steps_out = 1; *steps_out <= GCR_OPTION(max_iterations); ++*steps_out) {
        gcr_real square, share;

        find_slopes(ctx, fit);
        find_derivatives(ctx, fit);
        if (gcr_team_spd_solve(ctx, fit->columns, fit->hessian, fit->step) != 0)
            return SINGULAR;
        square = find_movement(ctx, fit);
        if (square / 2 <= tolerance(ctx)) {
            move(ctx, fit, 1); /* so near that a whole step is right, and free */
            return 0;
        }
        share = find_share(ctx, fit, square);
        if (!(share > 0))
            return NOT_CONVERGED;
        move(ctx, fit, share);
    }
    return NOT_CONVERGED;
}

/* All coefficients 0. */
GCR_FN void begin(const gcr_ctx *ctx, const struct fit *fit)
{
    for (int64_t a = gcr_team_rank(ctx); a < fit->columns; a += gcr_team_size(ctx))
        fit->weights[a] = 0;
    for (int64_t i = gcr_team_rank(ctx); i < fit->n; i += gcr_team_size(ctx))
        fit->margin[i] = 0;
    gcr_team_barrier(ctx);
}

GCR_FN gcr_real accuracy(const gcr_ctx *ctx, const struct fit *fit)
{
    gcr_real right = 0;

    for (int64_t i = gcr_team_rank(ctx); i < fit->n; i += gcr_team_size(ctx))
        right += (fit->margin[i] > 0) == (gcr_y(ctx, i) == 1);
    return gcr_team_sum(ctx, right) / (gcr_real)fit->n;
}

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    const struct fit fit = fit_open(ctx);
    int64_t steps = 0;
    int fault = check_classes(ctx);

    if (fault == 0)
        fault = check_features(ctx);
    if (fault != 0)
        return fault;
    begin(ctx, &fit);
    fault = minimise(ctx, &fit, &steps);
    if (fault != 0)
        return fault;
    outputs[LOG_LOSS] = loss_after(ctx, &fit, 0) / (gcr_real)fit.n;
    outputs[ACCURACY] = accuracy(ctx, &fit);
    outputs[ITERATIONS] = (gcr_real)steps;
    return 0;
}

GCR_HOST_FN int64_t scratch_count(const gcr_shape *shape)
{
    const int64_t columns = shape->features + 1;

    return 2 * columns + columns * (columns + 1) / 2 + 4 * shape->rows;
}

/* Of eight steps. */
GCR_HOST_FN double cost(const gcr_shape *shape)
{
    const double n = (double)shape->rows, columns = (double)shape->features + 1;

    return 8 * (1.5 * n * columns * columns + 4 * n * columns + 160 * n +
                columns * columns * columns / 3);
}

GCR_DESCRIBE(.name = "logistic", .help = "logistic regression with a penalty |b|^2 / 2",
             .form = GCR_FORM_CELL, .uses = GCR_USES_X | GCR_USES_Y,
             .parameters = { { .name = "penalty",
                               .help = "1 / C of scikit-learn; the intercept has none",
                               .least = 0 } },
             .options = { { .name = "max_iterations",
                            .help = "steps of Newton's method",
                            .standard = 50,
                            .least = 1,
                            .most = 10000 },
                          { .name = "digits",
                            .help = "log_loss is found to 10^-digits, or much better",
                            .standard = 10,
                            .least = 3,
                            .most = 12 } },
             .outputs = { { .name = "log_loss",
                            .help = "mean over the rows of -log(probability of y), no penalty",
                            .unit = "1",
                            .width = 1 },
                          { .name = "accuracy",
                            .help = "share of the rows whose y is the more probable one",
                            .unit = "1",
                            .width = 1 },
                          { .name = "iterations",
                            .help = "steps that were taken",
                            .unit = "1",
                            .width = 1 } },
             .faults = { "y is not 0 or 1 in every row",
                         "y is the same in every row, so there is nothing to tell apart",
                         "a step of Newton's method has no solution: columns of x are constant, "
                         "zero, or sums of others; raise the penalty or drop them",
                         "Newton's method did not converge; raise max_iterations or the penalty",
                         "x is NaN or infinite in some row" },
             .scratch_count = scratch_count, .cost = cost)
