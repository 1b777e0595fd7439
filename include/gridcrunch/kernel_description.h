/*
 * gridcrunch/kernel_description.h -- what is known of a kernel without running it.
 *
 * A kernel file ends in its description (kernel.h); a program reads those of the kernels it runs
 * (gcr_run_kernel() in run.h). Everything in a description is constant and lives as long as the
 * kernel is loaded.
 */
#ifndef GCR_KERNEL_DESCRIPTION_H
#define GCR_KERNEL_DESCRIPTION_H

#if !defined(__CUDACC_RTC__) /* NVRTC has no headers of its own: kernel.h has brought the types */
#include <stdint.h>
#endif

enum {
    GCR_PARAMETERS_MAX = 31, /* as many as HDF5 leaves room for beside the dataset dimension */
    GCR_OPTIONS_MAX = 8,
    GCR_CHOICES_MAX = 8,
    GCR_OUTPUTS_MAX = 16,
    GCR_FAULTS_MAX = 8,
    GCR_DERIVED_MAX = 8,
};

typedef enum gcr_kernel_form {
    GCR_FORM_CELL,
    GCR_FORM_SPD,
} gcr_kernel_form;

typedef struct gcr_kernel_parameter {
    const char *name; /* an axis of this name gives the values       */
    const char *help; /* one line, with the unit where there is one  */
    double least;     /* values below are refused before the run ... */
    int is_open;      /* ... and `least` itself too                  */
    int is_integer;   /* values with a fraction are refused          */
    int is_free;      /* any finite value is allowed; least is unread */
    int is_base;      /* base() or rhs() depends on it, of a kernel that has base() */
} gcr_kernel_parameter;

/* An option holds for the whole run and is a constant for the compiler: a choice by name, or an
 * integer. Read it as GCR_OPTION(name): the index of the choice, or the integer. */
typedef struct gcr_kernel_option {
    const char *name;
    const char *help;
    const char *choices[GCR_CHOICES_MAX]; /* NULL-terminated; choices[0] == NULL: an integer */
    int64_t standard;                     /* what holds when the job says nothing            */
    int64_t least, most;                  /* of an integer                                   */
} gcr_kernel_option;

/* How many values an output has in each cell: a constant, or one per row or feature of the
 * dataset (stored padded with NaN up to the largest dataset). */
enum {
    GCR_WIDTH_ROWS = -1,
    GCR_WIDTH_FEATURES = -2,
};

typedef struct gcr_kernel_output {
    const char *name;
    const char *help;
    const char *unit; /* "1" or an SI symbol, never a word */
    int32_t width;    /* >= 1, GCR_WIDTH_ROWS or GCR_WIDTH_FEATURES */
} gcr_kernel_output;

/* What sizes may depend on. */
typedef struct gcr_shape {
    int64_t rows, features;
    const int64_t *option; /* [GCR_OPTIONS_MAX] in the order of the description */
} gcr_shape;

enum {
    GCR_USES_NOTHING = 0,
    GCR_USES_X = 1,
    GCR_USES_Y = 2,
};

typedef struct gcr_kernel {
    const char *name;
    const char *help; /* one line */
    gcr_kernel_form form;
    unsigned uses; /* which columns a dataset must have: GCR_USES_* or-ed */
    gcr_kernel_parameter parameters[GCR_PARAMETERS_MAX + 1]; /* up to the first without a name */
    gcr_kernel_option options[GCR_OPTIONS_MAX + 1];
    gcr_kernel_output outputs[GCR_OUTPUTS_MAX + 1];
    const char *faults[GCR_FAULTS_MAX + 1]; /* sentences, said after "DATASET, axis=value: " */

    int64_t (*size)(const gcr_shape *shape);           /* SPD: rows of each matrix           */
    int64_t (*systems)(const gcr_shape *shape);        /* SPD: matrices per cell; NULL is 1  */
    int64_t (*right_sides)(const gcr_shape *shape);    /* SPD: columns of rhs; NULL is 1     */
    int64_t (*prepared_count)(const gcr_shape *shape); /* values of prepare(); NULL is 0     */
    int64_t (*scratch_count)(const gcr_shape *shape);  /* cell: values of gcr_scratch(); NULL: 0 */
    double (*cost)(const gcr_shape *shape);            /* flops of a cell, roughly; NULL: by form */
    /* Of prepare(), if it is shared out so that the largest team is of use; NULL: it is not. */
    double (*prepare_cost)(const gcr_shape *shape);
} gcr_kernel;

#endif /* GCR_KERNEL_DESCRIPTION_H */
