/*
 * cuda/cuda_program.h -- a kernel on a GPU: its tables, and its code for each variant.
 *
 * Which variants a run needs depends on the sizes of its datasets. Those that it says before it
 * begins are compiled, or read from the cache, when the program is opened; any other when the first
 * of its cells comes.
 */
#ifndef GCR_CUDA_PROGRAM_H
#define GCR_CUDA_PROGRAM_H

#include "cuda/cuda_backend.h"
#include "cuda/cuda_unit.h"

enum { GCR_CUDA_CODES_MAX = 32 };

/* What a variant with GCR_TEAM_GRID has in place of gcr_crunch() and gcr_retry(). */
typedef enum cuda_grid_entry {
    CUDA_GRID_LIST,
    CUDA_GRID_FILL,
    CUDA_GRID_DIAGONAL,
    CUDA_GRID_ANSWER,
    CUDA_GRID_INVERT,
    CUDA_GRID_FINISH,
    CUDA_GRID_ENTRY_COUNT
} cuda_grid_entry;

/* A variant that has been compiled and loaded. */
typedef struct cuda_code {
    gcr_variant variant; /* its first five members say which                       */
    cudaLibrary_t library;
    cudaKernel_t crunch, retry, prepare; /* those that the variant has; else NULL       */
    cudaKernel_t grid[CUDA_GRID_ENTRY_COUNT];
    /* Under the lock of the program: */
    uint64_t shared_allowed; /* dynamic shared memory that a block may have, so far    */
    uint64_t shared_asked;   /* with so much of it ...                                 */
    int blocks;              /* ... so many blocks are on a multiprocessor; 0: unknown */
} cuda_code;

typedef struct cuda_program {
    gcr_program base;
    gcr_program_spec spec;
    gcr_launch common;       /* of all launches: addresses are those of `tables` */
    void *tables;            /* on the device: axes, live points, jitter         */
    uint64_t *words;         /* what they are made of */
    const char *path, *text; /* of the kernel                                    */
    cuda_code codes[GCR_CUDA_CODES_MAX];
    int code_count;
    cuda_unit reduce;     /* of cuda_reduce.c */
    pthread_mutex_t lock; /* of the codes, and of that */
} cuda_program;

/* The table of the precision that the unit computes in. */
const gcr_crossovers *gcr_cuda_crossovers_of(const cuda_program *program);

/* A dataset's, with the options of the run. */
gcr_shape gcr_cuda_shape_of(const cuda_program *program, const gcr_view *data);

/* Compiles those of the variants that are not there. GCR_EINVAL: the kernel does not compile, with
 * the sentence of the first that does not. */
GCR_MUST_CHECK gcr_status gcr_cuda_codes_make(cuda_program *program, const gcr_variant *variants,
                                              int count);

/* The same for what cells of these shapes need, and the preparing of their datasets. */
GCR_MUST_CHECK gcr_status gcr_cuda_codes_make_for(cuda_program *program, const gcr_shape *shapes,
                                                  uint64_t count);
void gcr_cuda_codes_close(cuda_program *program);

/* The code of a variant; belongs to the program. The device's lock is not held. */
GCR_MUST_CHECK gcr_status gcr_cuda_code_find(cuda_code **out, cuda_program *program,
                                             const gcr_variant *variant);

/* How many blocks with so much dynamic shared memory are on a multiprocessor at once, > 0. */
GCR_MUST_CHECK gcr_status gcr_cuda_code_blocks(int *out, cuda_program *program, cuda_code *code,
                                               uint64_t shared_bytes);

#endif /* GCR_CUDA_PROGRAM_H */
