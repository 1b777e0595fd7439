/*
 * kernels/kernel_ridge.c -- kernel ridge regression, judged by leaving out one row at a time.
 *
 *     k(r) = exp(-r^2 / (2 lengthscale^2)),  A = K + alpha I,  c = inv(A) y
 *
 * The prediction at x is sum of c_i k(|x - x_i|), without an intercept, as scikit-learn's
 * KernelRidge(alpha, kernel="rbf", gamma=1 / (2 lengthscale^2)). The n fits that leave out a row
 * are never made: what row i is off by, if the others predict it, is c_i / inv(A)_ii (Rasmussen
 * and Williams, Gaussian Processes for Machine Learning (2006), eq. 5.12). The predictions at the
 * rows are K inv(A) y, and the degrees of freedom the trace of K inv(A) = I - alpha inv(A).
 */
#define GCR_SPD_KERNEL
#define GCR_HAS_PREPARE
#define GCR_HAS_DERIVE
#define GCR_HAS_BASE
#include "gridcrunch/kernel.h"

enum parameter { LENGTHSCALE, ALPHA };
enum derived { RATE };
enum output { LOO_MSE, DOF };

GCR_FN gcr_real square_distance(const gcr_ctx *ctx, int64_t i, int64_t j)
{
    gcr_real sum = 0;

    for (int64_t f = 0; f < gcr_features(ctx); f++) {
        const gcr_real difference = gcr_x(ctx, i, f) - gcr_x(ctx, j, f);

        sum += difference * difference;
    }
    return sum;
}

GCR_FN int prepare(const gcr_ctx *ctx, gcr_real *prepared)
{
    for (int64_t i = gcr_team_rank(ctx); i < gcr_rows(ctx); i += gcr_team_size(ctx))
        for (int64_t j = 0; j <= i; j++)
            prepared[gcr_triangle(i, j)] = square_distance(ctx, i, j);
    return 0;
}

/* Its square may be more, or less, than there are numbers for. */
GCR_FN void derive(const gcr_ctx *ctx, gcr_real *derived)
{
    derived[RATE] = gcr_sqrt(0.5) / gcr_param(ctx, LENGTHSCALE);
}

GCR_FN gcr_real base(const gcr_ctx *ctx, int system, int i, int j)
{
    const gcr_real rate = gcr_derived(ctx, RATE);

    (void)system;
    return gcr_exp_minus(gcr_prepared(ctx, gcr_triangle(i, j)) * rate * rate);
}

GCR_FN gcr_real scale(const gcr_ctx *ctx, int system)
{
    (void)ctx;
    (void)system;
    return 1;
}

GCR_FN gcr_real shift(const gcr_ctx *ctx, int system)
{
    (void)system;
    return gcr_param(ctx, ALPHA);
}

GCR_FN gcr_real rhs(const gcr_ctx *ctx, int system, int i, int column)
{
    (void)system;
    (void)column;
    return gcr_y(ctx, i);
}

GCR_FN unsigned needs(const gcr_ctx *ctx, int system)
{
    (void)ctx;
    (void)system;
    return GCR_NEED_SOLUTION | GCR_NEED_INVERSE_DIAGONAL;
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    const gcr_real n = (gcr_real)gcr_rows(ctx);
    gcr_real error = 0, trace = 0;

    for (int i = 0; i < gcr_rows(ctx); i++) {
        const gcr_real inverse = gcr_inverse_diagonal(answers, 0, i);
        const gcr_real residual = gcr_solution(answers, 0, 0, i) / inverse;

        error += residual * residual;
        trace += inverse;
    }
    outputs[LOO_MSE] = error / n;
    outputs[DOF] = n - gcr_param(ctx, ALPHA) * trace;
    return 0;
}

GCR_HOST_FN int64_t size(const gcr_shape *shape)
{
    return shape->rows;
}

GCR_HOST_FN int64_t prepared_count(const gcr_shape *shape)
{
    return shape->rows * (shape->rows + 1) / 2;
}

/* A difference, its square and a sum for each feature. */
GCR_HOST_FN double prepare_cost(const gcr_shape *shape)
{
    return 3 * (double)shape->features * (double)prepared_count(shape);
}

/* The diagonal of the inverse costs as much again as the factorisation; an exponential as much as
 * 40 operations. */
GCR_HOST_FN double cost(const gcr_shape *shape)
{
    const double n = (double)shape->rows;

    return 2 * n * n * n / 3 + 22 * n * n;
}

GCR_DESCRIBE(.name = "kernel_ridge",
             .help = "kernel ridge regression (rbf), leave-one-out cross-validated",
             .form = GCR_FORM_SPD, .uses = GCR_USES_X | GCR_USES_Y,
             .parameters = { { .name = "lengthscale",
                               .help = "in units of x",
                               .least = 0,
                               .is_open = 1,
                               .is_base = 1 },
                             { .name = "alpha",
                               .help = "weight of the penalty, added to the diagonal",
                               .least = 0 } },
             .outputs = { { .name = "loo_mse",
                            .help = "mean squared error of each row predicted by the others, "
                                    "in units of y squared",
                            .unit = "1",
                            .width = 1 },
                          { .name = "dof",
                            .help = "effective degrees of freedom, up to the number of rows",
                            .unit = "1",
                            .width = 1 } },
             .size = size, .prepared_count = prepared_count, .cost = cost,
             .prepare_cost = prepare_cost)
