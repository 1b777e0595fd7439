/*
 * kernels/gp_profile.c -- log marginal likelihood of a Gaussian process with mean zero, at the
 * variance that makes it largest.
 *
 *     K = variance * A,  A = k(r / lengthscale) + noise_ratio * I
 *     lml = -1/2 y' inv(A) y / variance - 1/2 log |A| - n/2 log(2 pi variance)
 *
 * The derivative by variance, y' inv(A) y / (2 variance^2) - n / (2 variance), is positive below
 * y' inv(A) y / n and negative above, so that with the noise as a ratio to the variance no axis for
 * the variance is needed: the likelihood at its best variance is
 *
 *     lml = -1/2 log |A| - n/2 (log(2 pi variance) + 1),  variance = y' inv(A) y / n
 *
 * Elsewhere this is called the concentrated or profile likelihood; logLikFun() of the R package
 * DiceKriging computes it, there with a mean that is estimated too. Covariances, distances and the
 * parameters are those of gp.c: variance and noise_ratio * variance are its variance and noise.
 */
#define GCR_SPD_KERNEL
#define GCR_HAS_PREPARE
#define GCR_HAS_DERIVE
#define GCR_HAS_BASE
#include "gridcrunch/kernel.h"

enum parameter { LENGTHSCALE, NOISE_RATIO };
enum covariance { RBF, MATERN12, MATERN32, MATERN52 }; /* the choices of the option */
enum derived { RATE };
enum { FAR = 10000 };
enum output { LML, VARIANCE };
enum fault { NO_VARIANCE = 1 };

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
    (void)ctx;
    (void)system;
    return 1;
}

GCR_FN gcr_real shift(const gcr_ctx *ctx, int system)
{
    (void)system;
    return gcr_param(ctx, NOISE_RATIO);
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
    const gcr_real variance = gcr_quadratic_form(answers, 0, 0) / n;

    if (variance == 0)
        return NO_VARIANCE;
    outputs[LML] =
        -0.5 * gcr_log_determinant(answers, 0) - 0.5 * n * (gcr_log(2 * GCR_PI * variance) + 1);
    outputs[VARIANCE] = variance;
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

GCR_DESCRIBE(.name = "gp_profile", .help = "as gp, at the variance of the highest likelihood",
             .form = GCR_FORM_SPD, .uses = GCR_USES_X | GCR_USES_Y,
             .parameters = { { .name = "lengthscale",
                               .help = "in units of x",
                               .least = 0,
                               .is_open = 1,
                               .is_base = 1 },
                             { .name = "noise_ratio",
                               .help = "variance of the noise, in units of the signal's" } },
             .options = { { .name = "covariance",
                            .help = "how values at a distance go together",
                            .choices = { "rbf", "matern12", "matern32", "matern52" },
                            .standard = RBF } },
             .outputs = { { .name = "lml",
                            .help = "log marginal likelihood at its highest over the variance",
                            .unit = "1",
                            .width = 1 },
                          { .name = "variance",
                            .help = "of the signal there, in units of y squared",
                            .unit = "1",
                            .width = 1 } },
             .faults = { "y is zero in all rows, so that no variance is the best" }, .size = size,
             .prepared_count = prepared_count, .cost = cost, .prepare_cost = prepare_cost)
