/* ewma.c -- exponential smoothing: how well the smoothed past of y predicts the next y. */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { ALPHA };
enum output { MSE, LEVEL };
enum fault { TOO_FEW_ROWS = 1 };

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    const int64_t n = gcr_rows(ctx);
    gcr_real level, sum = 0;

    if (n < 2)
        return TOO_FEW_ROWS;
    level = gcr_y(ctx, 0);
    for (int64_t i = 1; i < n; i++) {
        const gcr_real error = gcr_y(ctx, i) - level;

        sum += error * error;
        level += gcr_param(ctx, ALPHA) * error;
    }
    outputs[MSE] = sum / (gcr_real)(n - 1);
    outputs[LEVEL] = level;
    return 0;
}

GCR_DESCRIBE(.name = "ewma", .help = "exponential smoothing of y", .form = GCR_FORM_CELL,
             .uses = GCR_USES_Y,
             .parameters = { { .name = "alpha",
                               .help = "weight of the newest value",
                               .least = 0 } },
             .outputs = { { .name = "mse",
                            .help = "mean squared error of the forecasts",
                            .unit = "1",
                            .width = 1 },
                          { .name = "level",
                            .help = "the forecast after the last row",
                            .unit = "1",
                            .width = 1 } },
             .faults = { "fewer than two rows" })
