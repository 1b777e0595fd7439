/*
 * bench/gpu/ceilings.h -- the kernels of ceilings.cu, compiled for a GPU, and how each is launched.
 *
 * A rate is that of all multiprocessors at once, in the unit that the table gives.
 */
#ifndef GCR_BENCH_CEILINGS_H
#define GCR_BENCH_CEILINGS_H

#include "gpu/gpu.h"

/* ceilings.cu is compiled for doubles, for floats, and for doubles with long code alone: that takes
 * longest. */
typedef enum ceilings_text {
    CEILINGS_DOUBLE,
    CEILINGS_SINGLE,
    CEILINGS_CODE,
    CEILINGS_TEXTS
} ceilings_text;

enum { CEILINGS_INPUTS = 256 }; /* numbers that the kernels of arithmetic read */

typedef struct ceilings {
    const bench_gpu *gpu;
    cudaLibrary_t library[CEILINGS_TEXTS];
    void *out_dev;       /* written by all; CEILINGS_OUT_BYTES                        */
    void *in_dev;        /* CEILINGS_INPUTS numbers between 1/4 and 3/4, as doubles ... */
    void *in_float_dev;  /* ... and as floats                                          */
    void *ones_dev;      /* as many 1.0                                                */
    uint64_t *ticks_dev; /* [2]                                                       */
} ceilings;

enum { CEILINGS_OUT_BYTES = 64 << 20 };

/* `has_code`: kernels of much code, too. The caller closes it, also after a failure. */
GCR_MUST_CHECK gcr_status ceilings_open(ceilings *out, const bench_gpu *gpu, int has_code);
void ceilings_close(ceilings *c);

/* One launch of an entry, and what its parameters are. */
typedef struct ceilings_launch {
    ceilings_text text;
    const char *entry;
    unsigned blocks, threads;
    void *out_dev;      /* NULL: that of `ceilings` */
    const void *in_dev; /* NULL: likewise           */
    uint64_t count;
    int rounds;
} ceilings_launch;
GCR_MUST_CHECK gcr_status ceilings_launch_on(const ceilings *c, const ceilings_launch *launch,
                                             cudaStream_t stream);

/* Rates of arithmetic, on all multiprocessors. */
typedef struct ceilings_case {
    const char *what;
    ceilings_text text;
    const char *entry;
    int capability;         /* from which on it is there             */
    int blocks;             /* of a multiprocessor, of 256 threads    */
    int rounds;             /* in a launch                            */
    double operations;      /* of a thread in a round                 */
    const char *unit;       /* of so many ...                         */
    double unit_operations; /* ... operations per second              */
} ceilings_case;
extern const ceilings_case ceilings_cases[]; /* ends with entry == NULL */
ceilings_launch ceilings_launch_of(const ceilings *c, const ceilings_case *which);
double ceilings_operations(const ceilings *c, const ceilings_case *which); /* of one launch */

/* Operations per second of the case with this entry, which must be there: the median of a few
 * launches. */
GCR_MUST_CHECK gcr_status ceilings_rate(double *out, const ceilings *c, ceilings_text text,
                                        const char *entry);

/* The row of what a side did per second: so many units, in each of its seconds[]. */
void ceilings_say_rate(const bench *b, const char *where, const bench_side *side, double units,
                       const char *unit);

/* What bench_ceilings.c measures beside arithmetic: rows and ratios. */
GCR_MUST_CHECK gcr_status ceilings_measure_copies(bench *b, const ceilings *c);
GCR_MUST_CHECK gcr_status ceilings_measure_launches(bench *b, const ceilings *c);
GCR_MUST_CHECK gcr_status ceilings_measure_products(bench *b, const ceilings *c);

/* Compiles all for one compute capability, without a GPU. The sentence of a failure says what is
 * wrong. */
GCR_MUST_CHECK gcr_status ceilings_compile(int capability);

#endif /* GCR_BENCH_CEILINGS_H */
