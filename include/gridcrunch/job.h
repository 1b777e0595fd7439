/*
 * gridcrunch/job.h -- what somebody asked for.
 *
 * A gcr_job is plain data: the job file after its words and types have been checked, and before
 * anybody has looked at the data, the kernel or the machine. gcr_job_load() reads one from a file,
 * gcr_job_parse() from text. Whatever a person wrote keeps the place where it was written, so that
 * a mistake found later is still reported as file:line:column.
 *
 * A program may fill one in instead: zeroed is automatic or nothing everywhere, and only `kernel`
 * and the axes of its parameters must be there. What such a job points to is the program's, must
 * stay as long as the job is used, and is not for gcr_job_clear(). What is impossible is refused by
 * gcr_run_create(), without a place.
 *
 * Threads: a job is only read after it has been made, so several runs may use one at once.
 */
#ifndef GCR_JOB_H
#define GCR_JOB_H

#include "gridcrunch/kind.h"
#include "gridcrunch/status.h"

#include <stdint.h>

GCR_API_BEGIN

/* A place in the job file, from 1; line 0: not from a file. `source` is what stands before the
 * first colon of an error: the file's name as given, or "--set grid.noise". Borrowed from the
 * job. */
typedef struct gcr_mark {
    const char *source;
    int line, column;
} gcr_mark;

/* ---- data ----------------------------------------------------------------------------------- */

typedef enum gcr_layout {
    GCR_LAYOUT_AUTO,   /* told from the job's words and the first header: see dataset.h   */
    GCR_LAYOUT_LONG,   /* rows grouped by the key column; no key: each file is one dataset    */
    GCR_LAYOUT_WIDE,   /* one row per dataset; the columns that are not skipped are y over x  */
    GCR_LAYOUT_MATRIX, /* as long, but there is no y: all columns that are left are features */
} gcr_layout;

enum {
    GCR_STANDARDIZE_X = 1, /* subtract the mean, divide by the standard deviation (of n, not */
    GCR_STANDARDIZE_Y = 2, /* n - 1); where that is 0, divide by 1                           */
};

typedef struct gcr_name_list {
    char **names; /* [count] */
    gcr_mark *marks;
    int count;
} gcr_name_list;

/* Synthetic datasets: made by the seed, the same on every machine. */
typedef struct gcr_synthetic {
    uint64_t datasets; /* how many; 0: the data is not synthetic              */
    int64_t rows;      /* of the first; sizes run evenly from `rows` ...      */
    int64_t rows_last; /* ... to `rows_last`; 0: all have `rows`              */
    int64_t features;  /* x uniform in [0, 1), or 0, 1, 2 ... if there is one */
    double noise;      /* y = smooth function of x + noise * normal           */
} gcr_synthetic;

typedef struct gcr_data_spec {
    gcr_name_list sources; /* paths or glob patterns, relative to the job file's folder */
    gcr_synthetic synthetic;
    gcr_layout layout;
    char *key;         /* column that names the dataset; NULL: the file's stem (long),  */
    gcr_mark key_mark; /* the row number (wide)                                         */
    gcr_name_list x;   /* feature columns (long); none: all that are left               */
    char *y;           /* target column (long); NULL: none                              */
    gcr_mark y_mark;
    gcr_name_list skip;    /* columns that are neither                                      */
    char *x_format;        /* strptime format of dates in x, turned into days since         */
    gcr_mark x_mark;       /* 1970-01-01; NULL: x is a number                               */
    int x_by_position;     /* wide: x = 0, 1, 2 ... in place of the numbers in the header   */
    char delimiter;        /* 0: by the file's name, .tsv is a tab and all else a comma     */
    gcr_name_list missing; /* words that mean no value beside the empty cell, NA and NaN    */
    int standardize;       /* GCR_STANDARDIZE_* or-ed                                       */
    gcr_mark mark;
} gcr_data_spec;

/* ---- grid ----------------------------------------------------------------------------------- */

typedef enum gcr_axis_form {
    GCR_AXIS_LIST,      /* numbers[0 .. number_count-1]                              */
    GCR_AXIS_RANGE,     /* start, stop, step as numpy.arange                         */
    GCR_AXIS_LINSPACE,  /* start, stop, count as numpy.linspace                      */
    GCR_AXIS_GEOMSPACE, /* start, stop, count as numpy.geomspace                     */
    GCR_AXIS_LOGSPACE,  /* exponents start, stop, count, base (10) as numpy.logspace */
} gcr_axis_form;

typedef struct gcr_axis_spec {
    char *name;
    gcr_mark mark;
    gcr_axis_form form;
    double *numbers; /* a list's values, or the arguments of the form as written */
    uint64_t number_count;
    gcr_mark values_mark;
} gcr_axis_spec;

/* ---- summary -------------------------------------------------------------------------------- */

typedef enum gcr_summary_op {
    GCR_SUMMARY_ARGMAX,
    GCR_SUMMARY_ARGMIN,
    GCR_SUMMARY_MEAN,
    GCR_SUMMARY_MIN,
    GCR_SUMMARY_MAX,
    GCR_SUMMARY_QUANTILE,
} gcr_summary_op;

enum { GCR_SUMMARY_OP_COUNT = GCR_SUMMARY_QUANTILE + 1 };

/* "argmax", "quantile" ...: as in a job file. Never NULL. */
const char *gcr_summary_op_name(gcr_summary_op op);

/* `best: argmax(lml)` is one; `median: quantile(lml, 0.5)` another. */
typedef struct gcr_summary_spec {
    char *name;
    gcr_mark mark;
    gcr_summary_op op;
    char *output;
    gcr_mark output_mark;
    double q; /* of a quantile, 0 .. 1, interpolated linearly as numpy.quantile does */
} gcr_summary_spec;

/* ---- run ------------------------------------------------------------------------------------ */

typedef enum gcr_schedule_form {
    GCR_SCHEDULE_AUTO,
    GCR_SCHEDULE_STATIC, /* blocks                      */
    GCR_SCHEDULE_CYCLIC, /* batches dealt in turn       */
    GCR_SCHEDULE_DYNAMIC,
    GCR_SCHEDULE_GUIDED,
    GCR_SCHEDULE_COUNT
} gcr_schedule_form;

/* "auto", "static" ...: as in a job file. Never NULL. */
const char *gcr_schedule_name(gcr_schedule_form form);

/* How results come from other ranks to the first, where a run has several. */
typedef enum gcr_gather_form {
    GCR_GATHER_AUTO,
    GCR_GATHER_MPI,  /* by way of the hosts       */
    GCR_GATHER_NCCL, /* from one GPU to the other */
    GCR_GATHER_COUNT
} gcr_gather_form;

/* "auto", "mpi", "nccl": as in a job file. Never NULL. */
const char *gcr_gather_name(gcr_gather_form form);

enum {
    GCR_THREADS_MAX = 4096,
    GCR_JITTER_MAX = 255, /* steps: a cell's is stored in one byte */
};

/* What is there of cells after a run. */
typedef enum gcr_keep {
    GCR_KEEP_ALL,     /* each with its state and outputs                            */
    GCR_KEEP_SUMMARY, /* summaries, how many cells ended how, and the first to fail: */
                      /* memory does not grow with the grid. No quantile            */
    GCR_KEEP_COUNT
} gcr_keep;

/* "all", "summary": as in a job file. Never NULL. */
const char *gcr_keep_name(gcr_keep keep);

typedef struct gcr_option_spec {
    char *name;
    char *value; /* as written; what it may be is the kernel's business */
    gcr_mark mark, value_mark;
} gcr_option_spec;

typedef struct gcr_job {
    char *path;   /* as given */
    char *folder; /* of the job file: what relative paths are relative to */
    char *text;   /* the file, byte for byte, kept with the results */

    char *name; /* also names the run folder */
    gcr_data_spec data;
    char *kernel;
    gcr_mark kernel_mark;
    gcr_option_spec *options;
    int option_count;
    uint64_t seed;
    gcr_axis_spec *axes; /* in the order of the file */
    int axis_count;
    char *where; /* NULL: every point */
    gcr_mark where_mark;

    gcr_summary_spec *summaries;
    int summary_count;
    int top;            /* also name the `top` first of the first argmax or argmin; 0: none */
    int nan_propagates; /* summaries: one NaN makes the summary NaN; 0: they are skipped    */

    char *device; /* "auto", "any", "cpu", "cuda:1, cuda:2" ...; NULL: "auto" */
    gcr_mark device_mark;
    gcr_code_path code_path;
    gcr_mark code_path_mark;
    gcr_algorithm algorithm;
    gcr_mark algorithm_mark;
    gcr_scalar precision; /* what kernels compute with */
    gcr_mark precision_mark;
    gcr_schedule_form schedule;
    gcr_gather_form gather;
    uint64_t batch;        /* cells; 0: automatic                     */
    int threads;           /* 0: as many as the affinity mask allows  */
    double *jitter;        /* [jitter_count] > 0, ascending           */
    int jitter_count;      /* 0: a cell that is not SPD stays so      */
    double max_seconds;    /* 0: no limit                           */
    double kernel_seconds; /* of a batch on a GPU; 0: no limit      */

    char *output_folder; /* NULL: runs/NAME */
    gcr_keep keep;

    char *
        *overrides; /* [override_count] "grid.noise=[0.1, 0.2]", as given; kept with the results */
    char **origins; /* [override_count] "--set grid.noise": what marks may point to             */
    int override_count;
} gcr_job;

/*
 * Reads the YAML file at `path` (JSON is YAML too) and lays `overrides` over it, each of the form
 * "grid.noise=[0.1, 0.2]": a dotted path into the file, and any YAML value. An override may replace
 * what is there or add what is not. The caller clears *out; on failure it is zeroed.
 *
 * Sentences read "fertility.yaml:7:3: unknown key 'lengthscal' in ... (did you mean ...?)"; a
 * mistake in an override has "--set grid.noise" in the place of the file, and columns are counted
 * from behind its '='.
 * GCR_EINVAL: unknown key, wrong type, out of range, a key given twice, something that must be
 * there is not. GCR_EFORMAT: not YAML, aliases or anchors, several documents, more than 1 MiB.
 * GCR_EUNREADABLE: the file cannot be read.
 */
GCR_MUST_CHECK gcr_status gcr_job_load(gcr_job *out, const char *path, const char *const *overrides,
                                       int override_count);

/* The same from text in memory; `path` is for the sentences and for what is relative to it. */
GCR_MUST_CHECK gcr_status gcr_job_parse(gcr_job *out, const char *path, const char *text,
                                        const char *const *overrides, int override_count);

/* Frees what is inside and zeroes it. NULL and a zeroed struct are allowed. */
void gcr_job_clear(gcr_job *job);

GCR_API_END

#endif /* GCR_JOB_H */
