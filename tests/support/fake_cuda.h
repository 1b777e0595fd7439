/*
 * tests/support/fake_cuda.h -- CUDA's runtime and run-time compiler as far as the backend uses
 * them, without a GPU.
 *
 * Streams are as late as CUDA allows: what is enqueued is done when somebody waits for it, and then
 * only as much as must come before. Whoever forgets to let a stream wait for another reads
 * poison, and whoever uses memory that was freed before, or is not allocated yet, is told so. A
 * launch computes no kernel: output o of a point is y[0] of its dataset + point + 1000 o, and cells
 * whose point is 3 more than a multiple of 5 need the second rung of the ladder; or cells are those
 * of the smallest kernel, in full. Copies by threads are done, and whoever waits behind a gate that
 * nobody opens is told so. Each call can be told to fail.
 *
 * Threads may call at once, as those of several GPUs do: one is served after the other, together
 * with all that its call has run. `fake_cuda` itself is for a thread that has no others beside it.
 *
 * A test that has the kernels themselves sets `run`; then cuBLAS and cuSOLVER (fake_blas.c)
 * compute, too, with the libraries of the host.
 */
#ifndef GCR_FAKE_CUDA_H
#define GCR_FAKE_CUDA_H

#include <cuda_runtime_api.h>
#include <nvrtc.h>
#include <stdint.h>

enum { FAKE_LAUNCHES_MAX = 4096, FAKE_TEXT_BYTES = 1 << 14 };

/* A launch that was enqueued. */
typedef struct fake_launch {
    char kernel[16]; /* "gcr_crunch" */
    unsigned blocks, threads;
    size_t shared_bytes;
    int step;
    int is_cooperative;
    uint64_t tile_count, cell_count, scratch_stride;
    uint64_t dataset_count;                    /* of gcr_prepare */
    int team, bound, min_blocks, is_of_floats; /* what its text was compiled for */
    int parameters, option;                    /* of the kernel in it; of option `n` its value */
} fake_launch;

/* Runs a kernel on the host. Returns NULL, or what is wrong. */
typedef const char *fake_kernel(const char *name, const fake_launch *launch, const void *argument);

typedef struct fake_cuda_state {
    /* What there is. */
    int driver_version; /* 0: no driver */
    int has_no_managed; /* managed memory cannot be told to move */
    int launches_wait;  /* a launch returns when it has ended    */
    int late_gates;     /* so many give up before they are opened */
    int has_no_blas;    /* the library is not on this machine ... */
    int has_no_solver;  /* ... nor the other                       */
    int computes_scale; /* cells are those of the kernel `scale` */
    int device_count, capability, compute_mode;
    int units;     /* multiprocessors */
    int first_gpu; /* is in all UUIDs: GPUs of another process are others if theirs is another */
    int live;      /* streams, events, pools, blocks, libraries and programs of the compiler */

    fake_kernel *run; /* NULL: as above */

    /* What shall go wrong: the nth call (from 1) of the function `fail_call` answers
     * `fail_code`. */
    const char *fail_call;
    int fail_nth;
    cudaError_t fail_code;
    /* It does, and all that come after it, until the pool has given back so often. */
    int fails_until_trim;
    int has_failed;
    int hangs;       /* no kernel ever ends */
    int calls_after; /* of anything, after a failure with a code that a process does not survive */

    void (*on_wait)(void); /* called when the host waits for an event; may be NULL */

    /* Not NULL: what a launch takes, of cells of a dataset with so many rows, or of such datasets
     * to be prepared, which then are not computed. */
    double (*launch_ms)(const fake_launch *launch, int64_t rows);

    /* What happened. */
    int calls, allocations, waits, queries; /* waits: of the host */
    const char *broken;                     /* the first broken rule, or NULL */
    fake_launch launches[FAKE_LAUNCHES_MAX];
    int launch_count;
    int launches_done; /* of these */
    int turns;         /* of threads to a GPU */
    int copies;        /* that were enqueued */
    int trims;         /* of the pool        */
    int kept;          /* blocks that were freed since, which are the pool's still */
    int graphs;        /* that were recorded */

    /* The compiler. */
    nvrtcResult compile_result;
    const char *compile_log;
    int archs[4], arch_count;
    int compilations;
    char main_text[FAKE_TEXT_BYTES], kernel_text[FAKE_TEXT_BYTES], options[1024];
} fake_cuda_state;

extern fake_cuda_state fake_cuda;

/* One GPU of compute capability 9.0 with a driver for CUDA 13.0; nothing has happened, and the
 * backend has lost no GPU. */
void fake_cuda_reset(void);

/* The nth call of `call` from now on answers `code`, and others as before. */
void fake_cuda_let_fail(const char *call, int nth, cudaError_t code);

/* ---- for stand-ins of libraries -------------------------------------------------------------- */

/* What a call answers. */
cudaError_t fake_cuda_answer(const char *call);

/* Notes a rule that was broken, if it is the first. */
void fake_cuda_break(const char *rule);

/* A thing of so many bytes, zeroed, that is to be dropped. */
void *fake_cuda_make(size_t bytes);
void fake_cuda_drop(void *thing);

enum { FAKE_ARGUMENT_BYTES = 160 };

/* Has `call` done with a copy of `argument` when the stream comes to it. */
void fake_cuda_enqueue(cudaStream_t stream, void (*call)(const void *argument),
                       const void *argument, size_t bytes);

/* The same for what may have to wait for another process: `attempt` is called until it returns
 * true. */
void fake_cuda_try(cudaStream_t stream, int (*attempt)(void *thing), void *thing);

/* Device memory that is used must be live. */
void fake_cuda_check(const void *at, size_t bytes);

#endif /* GCR_FAKE_CUDA_H */
