/*
 * cuda/device/intrinsics.h -- the only way of device code to what C does not have.
 *
 * On the host the same names come from a twin, GCR_DEVICE_TWIN (tests/support/device_twin.h), so
 * that the blocks of any variant can be run and looked at without a GPU. Functions of a warp are
 * called by all its 32 threads, those of a block by all its threads; the twin says where not.
 */
#ifndef GCR_CUDA_INTRINSICS_H
#define GCR_CUDA_INTRINSICS_H

#if defined(GCR_DEVICE_TWIN)
#include GCR_DEVICE_TWIN
#else

/* A function that the host launches, with one argument by value, called `launch`. */
#define GCR_ENTRY(name, type)                                                                      \
    extern "C" __global__ void __launch_bounds__(GCR_TEAM_THREADS, GCR_TEAM_MIN_BLOCKS)            \
        name(const __grid_constant__ type launch)
#define GCR_SHARED __shared__ /* a variable of the block */
#define GCR_UNROLL _Pragma("unroll")
#define GCR_ROLL _Pragma("unroll 1")
#define GCR_UNROLL_BY(count) GCR_PRAGMA(unroll count)
#define GCR_PRAGMA(text) _Pragma(#text)
#define GCR_APART static __device__ __noinline__ /* a function that is seldom called */

GCR_FN int gcr_thread_index(void)
{
    return (int)threadIdx.x;
}

GCR_FN uint64_t gcr_block_index(void)
{
    return blockIdx.x;
}

GCR_FN uint64_t gcr_block_count(void)
{
    return gridDim.x;
}

/* Dynamic shared memory. */
GCR_FN gcr_real *gcr_shared(void)
{
    extern __shared__ __align__(16) unsigned char gcr_shared_bytes[];

    return (gcr_real *)gcr_shared_bytes;
}

GCR_FN void gcr_block_barrier(void)
{
    __syncthreads();
}

/* Whether `condition` holds in any thread; a barrier. */
GCR_FN int gcr_block_any(int condition)
{
    return __syncthreads_or(condition);
}

GCR_FN void gcr_warp_barrier(void)
{
    __syncwarp();
}

GCR_FN int gcr_warp_any(int condition)
{
    return __any_sync(0xffffffff, condition);
}

/* What thread `lane` of the warp gives as `value`. */
GCR_FN gcr_real gcr_warp_read(gcr_real value, int lane)
{
    return __shfl_sync(0xffffffff, value, lane);
}

GCR_FN int gcr_warp_read_int(int value, int lane)
{
    return __shfl_sync(0xffffffff, value, lane);
}

/* All threads of all blocks, which run at the same time, meet: what each has written before all can
 * read after. `arrived` counts blocks, from a multiple of how many there are. */
GCR_FN void gcr_device_barrier(uint64_t *arrived)
{
    __syncthreads();
    if (threadIdx.x == 0) {
        unsigned long long before, end;

        __threadfence(); /* the block's writes come first */
        before = atomicAdd((unsigned long long *)arrived, 1);
        end = (before / gridDim.x + 1) * gridDim.x;
        while (*(volatile unsigned long long *)arrived < end)
            __nanosleep(64);
        __threadfence(); /* its reads come after */
    }
    __syncthreads();
}

/* Adds 1 to what all blocks see; returns what it was. */
GCR_FN uint64_t gcr_count_up(uint64_t *counter)
{
    return atomicAdd((unsigned long long *)counter, 1);
}

/* A value on its way to shared memory, or 0 where it is not there. It is there when the thread has
 * closed two groups of them, its own and another, and waits; for other threads after a barrier. */
GCR_FN void gcr_copy_begin(gcr_real *to, const gcr_real *from, int is_there)
{
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2, %3;" ::"r"(
                     (unsigned)__cvta_generic_to_shared(to)),
                 "l"(from), "n"((int)sizeof *to), "r"(is_there ? (int)sizeof *to : 0)
                 : "memory");
}

GCR_FN void gcr_copies_close(void)
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* For all groups but the last. */
GCR_FN void gcr_copies_wait(void)
{
    asm volatile("cp.async.wait_group 1;" ::: "memory");
}

/* Some time later what is around `from` is near. */
GCR_FN void gcr_prefetch(const gcr_real *from)
{
    asm volatile("prefetch.global.L2 [%0];" ::"l"(from));
}

#if defined(GCR_SINGLE)
/* 1 / sqrt(x), to 20 bits or more, for normal positive numbers. */
GCR_FN gcr_real gcr_root_guess(gcr_real x)
{
    gcr_real guess;

    asm("rsqrt.approx.ftz.f32 %0, %1;" : "=f"(guess) : "f"(x));
    return guess;
}

/* What comes before is computed before: it does not wait for a condition that follows. */
GCR_FN void gcr_compute_first(gcr_real *x)
{
    asm volatile("" : "+f"(*x));
}

typedef float2 gcr_two;
#else
GCR_FN gcr_real gcr_root_guess(gcr_real x)
{
    gcr_real guess;

    asm("rsqrt.approx.ftz.f64 %0, %1;" : "=d"(guess) : "d"(x));
    return guess;
}

GCR_FN void gcr_compute_first(gcr_real *x)
{
    asm volatile("" : "+d"(*x));
}

typedef double2 gcr_two;
#endif

/* Two neighbours in memory, the first on an even place. */
GCR_FN void gcr_load_two(gcr_real two[2], const gcr_real *from)
{
    const gcr_two pair = *(const gcr_two *)from;

    two[0] = pair.x;
    two[1] = pair.y;
}

GCR_FN void gcr_store_two(gcr_real *to, const gcr_real two[2])
{
    gcr_two pair;

    pair.x = two[0];
    pair.y = two[1];
    *(gcr_two *)to = pair;
}

#if defined(GCR_SINGLE)
/* Four neighbours in memory, the first on a multiple of four. */
GCR_FN void gcr_load_four(gcr_real four[4], const gcr_real *from)
{
    const float4 all = *(const float4 *)from;

    four[0] = all.x;
    four[1] = all.y;
    four[2] = all.z;
    four[3] = all.w;
}
#else
/*
 * C += A B' with A 8 x 4, B 8 x 4: thread 4 r + k holds A(r, k) and B(r, k), and of C
 * (r, 2 k) and (r, 2 k + 1). Of doubles alone: the tensor cores multiply floats with 10 bits of
 * each.
 */
GCR_FN void gcr_multiply_matrices(double c[2], double a, double b)
{
    asm("mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0, %1}, {%2}, {%3}, {%0, %1};"
        : "+d"(c[0]), "+d"(c[1])
        : "d"(a), "d"(b));
}
#endif

#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900 && !defined(GCR_SINGLE)
/*
 * The same twice with one B, 8 x 8: UPPER += A B' and LOWER += C B'. The columns of A, B and C are
 * those with the first values of the threads, then those with the second.
 */
#define GCR_HAS_TALL_PRODUCT
GCR_FN void gcr_multiply_tall_matrices(double upper[2], double lower[2], const double a[2],
                                       const double c[2], const double b[2][1])
{
    asm("mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
        "{%8, %9}, {%0, %1, %2, %3};"
        : "+d"(upper[0]), "+d"(upper[1]), "+d"(lower[0]), "+d"(lower[1])
        : "d"(a[0]), "d"(c[0]), "d"(a[1]), "d"(c[1]), "d"(b[0][0]), "d"(b[1][0]));
}
#endif

#endif /* GCR_DEVICE_TWIN */

#endif /* GCR_CUDA_INTRINSICS_H */
