/*
 * results/h5_writer.h -- results.h5 while it is written, in parts with a file each: cells
 * (results_h5.c) or what is left of them (h5_remains.c), what is known of each dataset
 * (h5_columns.c), how the run went (h5_run.c).
 */
#ifndef GCR_RESULTS_H5_WRITER_H
#define GCR_RESULTS_H5_WRITER_H

#include "results/h5_sink.h"
#include "results/h5_table.h"
#include "results/outcome.h"

#define GCR_H5_DOUBLE H5T_IEEE_F64LE
#define GCR_H5_INT64 H5T_STD_I64LE

enum { GCR_H5_DATASET = 0 }; /* the first scale; axis a is scale 1 + a */

typedef struct gcr_h5_writer {
    const gcr_results *results;
    gcr_h5_sink *sink;
    gcr_h5_table root;
    gcr_h5_array cells; /* an array over (dataset, axis 1, axis 2, ...), without a name */
    void *column;       /* [dataset count] doubles or int64s on their way into the file */
} gcr_h5_writer;

/* What the kernel says of the parameter of that name, or NULL. */
const char *gcr_h5_parameter_help(const gcr_kernel *kernel, const char *name);

/* A scale first, first + 1, ... */
GCR_MUST_CHECK gcr_status gcr_h5_write_index(gcr_h5_writer *w, int *out, const char *name,
                                             int64_t first, uint64_t count);

/* The names of all states, as CF wants them. */
GCR_MUST_CHECK gcr_status gcr_h5_write_flags(const gcr_h5_writer *w, hid_t array);

GCR_MUST_CHECK gcr_status gcr_h5_write_remains(gcr_h5_writer *w);
GCR_MUST_CHECK gcr_status gcr_h5_write_columns(gcr_h5_writer *w);
GCR_MUST_CHECK gcr_status gcr_h5_write_run(const gcr_results *results, hid_t file);

#endif /* GCR_RESULTS_H5_WRITER_H */
