/*
 * tests/support/device_twin.h -- what cuda/device/intrinsics.h has on a device, on the host.
 *
 * The threads of a block are fibers that are switched where they wait for each other, so that a
 * variant is run as it stands, and what goes wrong can be said: threads that wait at different
 * places, threads that have ended while others wait, a write beside shared memory, neighbours that
 * are read together from a place that is no multiple of them. Copies to shared memory that a thread
 * waits for are made when it waits, and are NaN before.
 *
 *     const char *wrong = twin_run(&(twin_grid){ .entry = ..., .blocks = 3, .threads = 128 });
 */
#ifndef GCR_DEVICE_TWIN_H
#define GCR_DEVICE_TWIN_H

#include <stddef.h>
#include <stdint.h>

/* ---- for tests ------------------------------------------------------------------------------- */

enum { TWIN_THREADS_MAX = 1024, TWIN_TOGETHER_MAX = 8 };

/* In which order threads come to run, which no result may depend on. */
typedef enum twin_order { TWIN_UPWARDS, TWIN_DOWNWARDS, TWIN_ORDER_COUNT } twin_order;

typedef struct twin_grid {
    void (*entry)(const void *argument); /* what a thread does */
    const void *argument;
    int blocks, threads;
    int together;        /* blocks run at one time, and can meet; else one after the other */
    size_t shared_bytes; /* of dynamic shared memory       */
    twin_order order;
} twin_grid;

/* Returns NULL, or what went wrong: a sentence that is there until the next call. One grid at a
 * time: the stand-in for CUDA (fake_cuda.h) runs it under its lock. */
const char *twin_run(const twin_grid *grid);

/* ---- for the text of the device -------------------------------------------------------------- */

typedef struct twin_place {
    int thread, block, block_count;
    void *shared;
} twin_place;

extern twin_place twin_here;

void twin_block_barrier(const char *file, int line);
void twin_device_barrier(const char *file, int line);
void twin_copy_begin(void *to, const void *from, size_t bytes, int is_there);
void twin_copies_close(void);
void twin_copies_wait(void);
int twin_block_any(int condition, const char *file, int line);
void twin_warp_barrier(const char *file, int line);
int twin_warp_any(int condition, const char *file, int line);
double twin_warp_read(double value, int lane, const char *file, int line);
void twin_multiply_matrices(double c[2], double a, double b, const char *file, int line);
void twin_check_place(const void *place, size_t bytes, const char *file, int line);
double twin_root_guess(double x, double least);

#define GCR_ENTRY(name, type) static void name(const type launch)
#define GCR_SHARED static __attribute__((section("twin_shared"))) /* one at a time has it */
#define GCR_UNROLL _Pragma("GCC unroll 16")
#define GCR_ROLL _Pragma("GCC unroll 1")
#define GCR_UNROLL_BY(count)
#define GCR_APART static __attribute__((noinline))

#define gcr_thread_index() (twin_here.thread)
#define gcr_block_index() ((uint64_t)twin_here.block)
#define gcr_block_count() ((uint64_t)twin_here.block_count)
#define gcr_shared() ((gcr_real *)twin_here.shared)
#define gcr_block_barrier() twin_block_barrier(__FILE__, __LINE__)
#define gcr_device_barrier(arrived) ((void)(arrived), twin_device_barrier(__FILE__, __LINE__))
#define gcr_copy_begin(to, from, is_there) twin_copy_begin(to, from, sizeof *(to), is_there)
#define gcr_copies_close() twin_copies_close()
#define gcr_copies_wait() twin_copies_wait()
#define gcr_prefetch(from) ((void)(from))
#define gcr_block_any(condition) twin_block_any(condition, __FILE__, __LINE__)
#define gcr_warp_barrier() twin_warp_barrier(__FILE__, __LINE__)
#define gcr_warp_any(condition) twin_warp_any(condition, __FILE__, __LINE__)
#define gcr_warp_read(value, lane) ((gcr_real)twin_warp_read(value, lane, __FILE__, __LINE__))
#define gcr_count_up(counter) ((*(counter))++)
#if defined(GCR_SINGLE)
#define gcr_root_guess(x) ((gcr_real)twin_root_guess((double)(x), 0x1p-126))
#else
#define gcr_root_guess(x) ((gcr_real)twin_root_guess(x, 0x1p-1022))
#endif
#define gcr_compute_first(x) ((void)(x))
#define gcr_multiply_matrices(c, a, b) twin_multiply_matrices(c, a, b, __FILE__, __LINE__)
#define gcr_load_two(two, from)                                                                    \
    (twin_check_place((from), 2 * sizeof *(from), __FILE__, __LINE__),                             \
     (void)((two)[0] = (from)[0], (two)[1] = (from)[1]))
#define gcr_load_four(four, from)                                                                  \
    (twin_check_place((from), 4 * sizeof *(from), __FILE__, __LINE__),                             \
     (void)((four)[0] = (from)[0], (four)[1] = (from)[1], (four)[2] = (from)[2],                   \
            (four)[3] = (from)[3]))
#define gcr_store_two(to, two)                                                                     \
    (twin_check_place((to), 2 * sizeof *(to), __FILE__, __LINE__),                                 \
     (void)((to)[0] = (two)[0], (to)[1] = (two)[1]))

#endif /* GCR_DEVICE_TWIN_H */
