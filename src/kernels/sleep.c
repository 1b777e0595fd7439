/*
 * kernels/sleep.c -- waits without using a processor. For measuring schedules on few processors.
 */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { MS };
enum output { ASKED };

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    gcr_sleep_ns(gcr_param(ctx, MS) * 1e6);
    outputs[ASKED] = gcr_param(ctx, MS);
    return 0;
}

GCR_DESCRIBE(.name = "sleep", .help = "waits without using a processor, for measuring",
             .form = GCR_FORM_CELL, .uses = GCR_USES_NOTHING,
             .parameters = { { .name = "ms", .help = "how long, in milliseconds", .least = 0 } },
             .outputs = { { .name = "asked", .help = "the parameter", .unit = "ms", .width = 1 } })
