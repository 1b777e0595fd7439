/*
 * exec/calibrate.c -- see calibrate.h.
 *
 * Matrices are those of `gp`: a covariance, its factor and one right-hand side, as most SPD kernels
 * have them. Cells are those of `logistic`: sums over rows between barriers, as most cell kernels;
 * those that the whole device may be for are matrices of `cholesky`.
 */
#include "exec/calibrate.h"

#include "base/check.h"
#include "kernels/registry.h"

#include <string.h>

enum { AXES = 3, VALUES_MOST = 8192 };

/* An axis of `count` values from 0.1 to 1, for the parameter of that name. */
typedef struct subject_axis {
    const char *parameter;
    uint64_t count;
} subject_axis;

static const struct subject {
    const char *kernel;
    subject_axis axes[AXES + 1];
} matrices = { "gp", { { "lengthscale", 64 }, { "noise", 16 }, { "variance", 1024 } } },
  cells = { "logistic", { { "penalty", VALUES_MOST } } },
  wholes = { "cholesky", { { "replicate", VALUES_MOST } } };

/* Rows of these, a number for each. */
static const int whole_rows[GCR_CALIBRATION_WHOLE] = { 384, 768, 1152 };

/* A program of one precision, with what its specification borrows. */
typedef struct made {
    gcr_unit_setup setup;
    gcr_point_table points;
} made;

static int parameter_named(const gcr_kernel *kernel, const char *name)
{
    int p = 0;

    while (kernel->parameters[p].name != NULL && strcmp(kernel->parameters[p].name, name) != 0)
        p++;
    return p;
}

static void make_axes(made *to, const gcr_kernel *kernel, const subject_axis *axes,
                      const double *values)
{
    to->points.point_count = 1;
    for (int a = 0; axes[a].parameter != NULL; a++) {
        to->points.axes[a] = (gcr_axis){ axes[a].parameter, values, axes[a].count };
        to->points.axis_count = a + 1;
        to->points.point_count *= axes[a].count;
        to->setup.parameter_of_axis[a] = parameter_named(kernel, axes[a].parameter);
    }
    to->points.live_count = to->points.point_count;
    to->setup.points = &to->points;
}

static gcr_status make(gcr_program_spec *out, made *to, const gcr_device *device,
                       const struct subject *of, gcr_scalar scalar, const double *values)
{
    gcr_status status = GCR_OK;
    char kernel[16];
    gcr_job job = { .kernel = kernel, .precision = scalar };
    const gcr_unit *unit;

    strcpy(kernel, of->kernel);
    GCR_TRY(gcr_unit_find(&unit, to->setup.option, &job, device->info.code_path));
    make_axes(to, unit->kernel, of->axes, values);
    *out = (gcr_program_spec){ .unit = unit, .setup = &to->setup };
out:
    return status;
}

/* The option of `cholesky` is the rows of its matrix. */
static gcr_status make_wholes(gcr_program_spec *out, made *to, const gcr_device *device,
                              gcr_scalar scalar, const double *values)
{
    gcr_status status = GCR_OK;

    for (int k = 0; k < GCR_CALIBRATION_WHOLE; k++) {
        GCR_TRY(make(&out[k], &to[k], device, &wholes, scalar, values));
        to[k].setup.option[0] = whole_rows[k];
    }
out:
    return status;
}

gcr_status gcr_calibrate(gcr_device *device, void (*note)(void *context, const char *line),
                         void *context)
{
    gcr_status status = GCR_OK;
    gcr_calibration_spec spec = { .note = note, .context = context };
    made made_matrices[GCR_SCALAR_COUNT] = { 0 }, made_cells[GCR_SCALAR_COUNT] = { 0 };
    made made_wholes[GCR_SCALAR_COUNT][GCR_CALIBRATION_WHOLE] = { 0 };
    double values[VALUES_MOST];

    for (int k = 0; k < VALUES_MOST; k++)
        values[k] = 0.1 + 0.9 * k / VALUES_MOST;
    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++) {
        GCR_TRY(
            make(&spec.matrix[scalar], &made_matrices[scalar], device, &matrices, scalar, values));
        GCR_TRY(make(&spec.cell[scalar], &made_cells[scalar], device, &cells, scalar, values));
        GCR_TRY(make_wholes(spec.whole[scalar], made_wholes[scalar], device, scalar, values));
    }
    GCR_TRY(gcr_device_calibrate(device, &spec));
out:
    return status;
}
