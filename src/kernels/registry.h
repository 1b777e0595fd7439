/*
 * kernels/registry.h -- which kernels there are, and which compiled unit serves a job.
 *
 * The room kernels/ holds one readable file per built-in kernel. They include gridcrunch/kernel.h
 * and nothing else, and are compiled by the build together with an engine (see
 * backend/cpu/cpu_unit.c); the registry lists the units that came out. The folder own/ does the
 * same with a file of the user's when a job asks for it.
 */
#ifndef GCR_KERNELS_REGISTRY_H
#define GCR_KERNELS_REGISTRY_H

#include "kernels/own/own_kernel.h"

#include "gridcrunch/job.h"
#include "gridcrunch/unit.h"

/* The built-in kernels, in alphabetical order: *count_out descriptions. */
const gcr_kernel *const *gcr_kernels(int *count_out);

enum { GCR_KERNEL_HINT_BYTES = 256 };

/* The built-in kernel of that name. NULL: there is none, and `hint` is what to say behind that: the
 * nearest one. */
const gcr_kernel *gcr_kernel_named(char hint[GCR_KERNEL_HINT_BYTES], const char *name);

/*
 * Finds the unit of code path `path` for `job->kernel` with the job's options, whose values go to
 * `option` in the order of the kernel's description (standard values where the job says nothing).
 * GCR_EINVAL, with the place in the job: no such kernel, no such option, not one of the choices,
 * an integer out of range; each with the nearest right word.
 */
GCR_MUST_CHECK gcr_status gcr_unit_find(const gcr_unit **out, int64_t option[GCR_OPTIONS_MAX],
                                        const gcr_job *job, gcr_code_path path);

/* The same where `job->kernel` is a path (gcr_own_is_path()), relative to the folder of the job's
 * file: the kernel is compiled and loaded. The caller closes *own_out when the unit is not needed
 * any more. Also failures as of gcr_own_open() and gcr_own_load(). */
GCR_MUST_CHECK gcr_status gcr_unit_load(const gcr_unit **out, gcr_own **own_out,
                                        int64_t option[GCR_OPTIONS_MAX], const gcr_job *job,
                                        gcr_code_path path);

/* The values of the kernel's options with what the job sets. GCR_EINVAL as of gcr_unit_find(). */
GCR_MUST_CHECK gcr_status gcr_kernel_read_options(int64_t option[GCR_OPTIONS_MAX],
                                                  const gcr_kernel *kernel, const gcr_job *job);

/* How many parameters, options, outputs a kernel has. */
int gcr_kernel_parameter_count(const gcr_kernel *kernel);
int gcr_kernel_option_count(const gcr_kernel *kernel);
int gcr_kernel_output_count(const gcr_kernel *kernel);

#endif /* GCR_KERNELS_REGISTRY_H */
