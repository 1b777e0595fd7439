/*
 * kernels/gp.c -- log marginal likelihood of a Gaussian process with mean zero.
 *
 *     K = variance * k(r / lengthscale) + noise * I
 *     lml = -1/2 y' inv(K) y - 1/2 log |K| - n/2 log(2 pi)
 *
 * Rasmussen and Williams, Gaussian Processes for Machine Learning (2006), eq. 2.30 for the
 * likelihood, 4.9 and 4.14 to 4.17 for the covariances k; the parameters mean what they mean in
 * scikit-learn's ConstantKernel() * RBF() (or Matern()) + WhiteKernel(). The distances r, over all
 * features, are the same for all cells of a dataset and are computed once.
 */
#define GCR_SPD_KERNEL
#define GCR_HAS_PREPARE
#define GCR_HAS_DERIVE
#define GCR_HAS_BASE
#include "gridcrunch/kernel.h"

enum parameter { LENGTHSCALE, NOISE, VARIANCE };
enum covariance { RBF, MATERN12, MATERN32, MATERN52 }; /* the choices of the option */
enum derived { RATE };
enum { FAR = 10000 };
enum output { LML };

/* Row i of the packed triangle: the squared distances from row i to the rows up to it. */
GCR_FN void square_distances(const gcr_ctx *ctx, int64_t i, gcr_real *row)
{
    for (int64_t j = 0; j <= i; j++)
        row[j] = 0;
    for (int64_t f = 0; f < gcr_features(ctx); f++) {
        const gcr_real x = gcr_x(ctx, i, f);

        for (int64_t j = 0; j <= i; j++) {
            const gcr_real difference = x - gcr_x(ctx, j, f);

            row[j] += difference * difference;
        }
    }
}

GCR_FN int prepare(const gcr_ctx *ctx, gcr_real *prepared)
{
    for (int64_t i = gcr_team_rank(ctx); i < gcr_rows(ctx); i += gcr_team_size(ctx)) {
        gcr_real *row = prepared + gcr_triangle(i, 0);

        square_distances(ctx, i, row);
        if (GCR_OPTION(covariance) != RBF)
            for (int64_t j = 0; j <= i; j++)
                row[j] = gcr_sqrt(row[j]);
    }
    return 0;
}

/* What a prepared distance is multiplied by to give the argument of the covariance; a squared one
 * twice, because the square of a lengthscale may be more, or less, than there are numbers for. */
GCR_FN void derive(const gcr_ctx *ctx, gcr_real *derived)
{
    const gcr_real lengthscale = gcr_param(ctx, LENGTHSCALE);

    switch (GCR_OPTION(covariance)) {
    case RBF: derived[RATE] = gcr_sqrt(0.5) / lengthscale; break;
    case MATERN12: derived[RATE] = 1 / lengthscale; break;
    case MATERN32: derived[RATE] = gcr_sqrt(3) / lengthscale; break;
    case MATERN52: derived[RATE] = gcr_sqrt(5) / lengthscale; break;
    }
}

/* 0 from somewhere before FAR on, where the square of `a` may be infinite. */
GCR_FN gcr_real covariance(gcr_real a)
{
    const gcr_real near = gcr_min(FAR, a); /* a NaN stays one */

    switch (GCR_OPTION(covariance)) {
    case MATERN32: return (1 + near) * gcr_exp_minus(a);
    case MATERN52: return (1 + near + near * near * (1.0 / 3)) * gcr_exp_minus(a);
    default: return gcr_exp_minus(a);
    }
}

/* What depends on the lengthscale alone. */
GCR_FN gcr_real base(const gcr_ctx *ctx, int system, int i, int j)
{
    const gcr_real rate = gcr_derived(ctx, RATE);
    const gcr_real a = gcr_prepared(ctx, gcr_triangle(i, j)) * rate;

    (void)system;
    return covariance(GCR_OPTION(covariance) == RBF ? a * rate : a);
}

GCR_FN gcr_real scale(const gcr_ctx *ctx, int system)
{
    (void)system;
    return gcr_param(ctx, VARIANCE);
}

GCR_FN gcr_real shift(const gcr_ctx *ctx, int system)
{
    (void)system;
    return gcr_param(ctx, NOISE);
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
    return GCR_NEED_LOG_DETERMINANT | GCR_NEED_QUADRATIC_FORM;
}

GCR_FN int finish(const gcr_ctx *ctx, const gcr_answers *answers, gcr_real *outputs)
{
    const gcr_real n = (gcr_real)gcr_rows(ctx);

    outputs[LML] = -0.5 * gcr_quadratic_form(answers, 0, 0) -
                   0.5 * gcr_log_determinant(answers, 0) - 0.5 * n * gcr_log(2 * GCR_PI);
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

/* A covariance costs as much as 40 of the operations of the factorisation. */
GCR_HOST_FN double cost(const gcr_shape *shape)
{
    const double n = (double)shape->rows;

    return n * n * n / 3 + 20 * n * n + 2 * n;
}

GCR_DESCRIBE(.name = "gp", .help = "log marginal likelihood of a Gaussian process with mean zero",
             .form = GCR_FORM_SPD, .uses = GCR_USES_X | GCR_USES_Y,
             .parameters = { { .name = "lengthscale",
                               .help = "in units of x",
                               .least = 0,
                               .is_open = 1,
                               .is_base = 1 },
                             { .name = "noise",
                               .help = "variance of the noise, in units of y squared" },
                             { .name = "variance",
                               .help = "of the signal, in units of y squared",
                               .least = 0,
                               .is_open = 1 } },
             .options = { { .name = "covariance",
                            .help = "how values at a distance go together",
                            .choices = { "rbf", "matern12", "matern32", "matern52" },
                            .standard = RBF } },
             .outputs = { { .name = "lml",
                            .help = "log marginal likelihood",
                            .unit = "1",
                            .width = 1 } },
             .size = size, .prepared_count = prepared_count, .cost = cost,
             .prepare_cost = prepare_cost)
