/*
 * kernels/spin.c -- keeps a processor busy for a known time. For measuring what a cell costs
 * beside its own work; the output says what was asked for, not what the clock said.
 */
#define GCR_CELL_KERNEL
#include "gridcrunch/kernel.h"

enum parameter { NS };
enum output { ASKED };

GCR_FN int cell(const gcr_ctx *ctx, gcr_real *outputs)
{
    const gcr_real ns = gcr_param(ctx, NS);

    if (ns > 0) {
        const double start = gcr_clock_ns(ctx);

        while (gcr_clock_ns(ctx) - start < ns)
            ;
    }
    outputs[ASKED] = ns;
    return 0;
}

GCR_DESCRIBE(.name = "spin", .help = "keeps a processor busy for a known time, for measuring",
             .form = GCR_FORM_CELL, .uses = GCR_USES_NOTHING,
             .parameters = { { .name = "ns", .help = "how long, in nanoseconds", .least = 0 } },
             .outputs = { { .name = "asked", .help = "the parameter", .unit = "ns", .width = 1 } })
