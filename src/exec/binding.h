/*
 * exec/binding.h -- a job, a kernel and datasets, checked against each other.
 *
 * Rooms of one floor do not know each other, so nobody before could say whether kernel `gp` has a
 * parameter called `noise`, whether the values on its axis make sense to it, or whether the data
 * has the columns it reads. This is where such mistakes are found, all before anything large is
 * allocated, each with the place in the job file.
 */
#ifndef GCR_EXEC_BINDING_H
#define GCR_EXEC_BINDING_H

#include "backend/backend.h"
#include "grid/points.h"
#include "kernels/own/own_kernel.h"

#include "gridcrunch/dataset.h"
#include "gridcrunch/job.h"

typedef struct gcr_binding {
    const gcr_unit *unit;
    gcr_own *own; /* what keeps a unit of the user's loaded; NULL: built in */
    gcr_unit_setup
        setup; /* points, parameter_of_axis, option, seed, jitter: borrowed from the job */
    int output_count;
    int64_t width[GCR_OUTPUTS_MAX]; /* stored values per cell */
    int *summary_output;            /* [job->summary_count] index of each summary's output */
    gcr_shape largest;              /* of a dataset whose cells need the most scratch      */
    int64_t matrix_rows;            /* of the largest matrix; 0: the kernel has none       */
    gcr_shape *shapes;              /* of the datasets, each once and without options      */
    uint64_t shape_count;
} gcr_binding;

/* Everything in *out is borrowed from the arguments, except own, shapes and summary_output: clear
 * it. GCR_EINVAL, GCR_EUNSUPPORTED (a code path that the device does not have), GCR_EOVERFLOW,
 * GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_binding_create(gcr_binding *out, const gcr_job *job,
                                             const gcr_points *points, const gcr_datasets *datasets,
                                             const gcr_device *device);
void gcr_binding_clear(gcr_binding *binding);

/* What a device must know to compute with the binding, which it borrows. */
gcr_program_spec gcr_binding_program_spec(const gcr_binding *binding);

/* Makes the kernel ready on a device; the binding is borrowed until gcr_program_close(). */
GCR_MUST_CHECK gcr_status gcr_binding_open_program(gcr_program **out, const gcr_binding *binding,
                                                   gcr_device *device);

/* The shape of a dataset, with the job's options. */
gcr_shape gcr_binding_shape(const gcr_binding *binding, const gcr_dataset *dataset);

/* Predicted operations of one cell of a dataset of this shape: what the kernel says, or what its
 * form implies. > 0. */
double gcr_binding_cost(const gcr_binding *binding, const gcr_shape *shape);

#endif /* GCR_EXEC_BINDING_H */
