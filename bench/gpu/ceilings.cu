/*
 * bench/gpu/ceilings.cu -- what a GPU can do at most, one kernel for each unit that our own kernels
 * wait for.
 *
 * Compiled at run time, as those are (cuda/cuda_compile.h), so that the instructions are the GPU's
 * own. All entries have one signature; what `count` and `rounds` are is said at each. Each works on
 * numbers that it is given, not on zeros, and writes what follows from them, which bench_ceilings.c
 * checks.
 */
#define GCR_CELL_KERNEL
#define GCR_TEAM 1
#define GCR_TEAM_THREADS 256
#define GCR_TEAM_HEADER "cuda/device/device_team.h"
#include "gridcrunch/kernel.h"

#include "cuda/device/pivots.h"

#define ENTRY(name)                                                                                \
    extern "C" __global__ void __launch_bounds__(GCR_TEAM_THREADS)                                 \
        name(gcr_real *out, const gcr_real *in, uint64_t *ticks, uint64_t count, int rounds)

enum { INPUTS = 256 }; /* values of `in`, where nothing else is said */

GCR_FN uint64_t index_of_thread(void)
{
    return (uint64_t)blockIdx.x * blockDim.x + threadIdx.x;
}

GCR_FN void stop_watch(uint64_t *ticks, long long begin)
{
    if (index_of_thread() == 0)
        *ticks = (uint64_t)(clock64() - begin);
}

/* ---- nothing: what a launch costs ------------------------------------------------------------ */

ENTRY(nothing)
{
}

/* `count` numbers between 1/4 and 3/4, each another. */
ENTRY(fill)
{
    for (uint64_t i = index_of_thread(); i < count; i += (uint64_t)gridDim.x * blockDim.x)
        out[i] = (gcr_real)0.25 +
                 (gcr_real)((i * 0x9e3779b97f4a7c15 ^ i * 0xd1342543de82ef95 >> 29) >> 40) *
                     (gcr_real)0x1p-25;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* Copies `count` pieces of 16 bytes, four of each thread on their way at once. */
ENTRY(copy)
{
    const uint64_t threads = (uint64_t)gridDim.x * blockDim.x;
    const uint4 *from = (const uint4 *)in;
    uint4 *to = (uint4 *)out;
    uint64_t i = index_of_thread();

    for (; i + 3 * threads < count; i += 4 * threads) {
        uint4 piece[4];

        GCR_UNROLL
        for (int k = 0; k < 4; k++)
            piece[k] = __ldcs(from + i + k * threads);
        GCR_UNROLL
        for (int k = 0; k < 4; k++)
            __stcs(to + i + k * threads, piece[k]);
    }
    for (; i < count; i += threads)
        to[i] = from[i];
}

/* Each thread sums 16 pieces of 16 bytes of shared memory in each round, word by word. */
ENTRY(read_shared)
{
    enum { PIECES = 2048, BATCH = 16 };
    __shared__ uint4 pieces[PIECES];
    uint4 sum = { 0, 0, 0, 0 };

    for (int i = threadIdx.x; i < PIECES; i += blockDim.x)
        pieces[i] = ((const uint4 *)in)[i % (INPUTS * sizeof(gcr_real) / sizeof(uint4))];
    __syncthreads(); /* all pieces are there */
    for (int round = 0; round < rounds; round++) {
        GCR_UNROLL
        for (int k = 0; k < BATCH; k++) {
            const uint4 *piece = &pieces[threadIdx.x + k % 8 * GCR_TEAM_THREADS];
            uint4 read;

            asm volatile("ld.volatile.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                         : "=r"(read.x), "=r"(read.y), "=r"(read.z), "=r"(read.w)
                         : "r"((uint32_t)__cvta_generic_to_shared(piece)));
            sum.x += read.x;
            sum.y += read.y;
            sum.z += read.z;
            sum.w += read.w;
        }
    }
    ((uint4 *)out)[index_of_thread()] = sum;
}

/* Fills `out` with a chain through all of `count` lines of 128 bytes (a power of two): each begins
 * with the index of the next. The multiplier and the step make it one cycle. */
ENTRY(lay_chain)
{
    uint64_t *lines = (uint64_t *)out;

    for (uint64_t i = index_of_thread(); i < count; i += (uint64_t)gridDim.x * blockDim.x)
        lines[16 * i] = (i * 6364136223846793005 + 1442695040888963407) & (count - 1);
}

/* One thread follows the chain from where it stands, `rounds` times, past the first cache. It goes
 * on from and leaves behind ticks[1]. */
ENTRY(follow_chain)
{
    const unsigned long long *lines = (const unsigned long long *)in;
    uint64_t at = ticks[1];
    const long long begin = clock64();

    for (int round = 0; round < rounds; round++)
        at = __ldcg(lines + 16 * at);
    ticks[1] = at;
    stop_watch(ticks, begin);
}

/* The same through 1024 words of shared memory. */
ENTRY(follow_shared)
{
    __shared__ uint32_t words[1024];
    uint32_t at = 0;
    long long begin;

    for (uint32_t i = threadIdx.x; i < 1024; i += blockDim.x)
        words[i] = (i * 1664525 + 1013904223) & 1023;
    __syncthreads(); /* the chain is there */
    begin = clock64();
    for (int round = 0; round < rounds; round++)
        at = *(const volatile uint32_t *)&words[at];
    stop_watch(ticks, begin);
    if (threadIdx.x == 0)
        ticks[1] = at;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Chains of multiply-adds x = a x + 1 - a, which go to 1; LENGTH * 8 in a row without a branch. */
template <int LENGTH>
GCR_FN void multiply_add(gcr_real *out, const gcr_real *in, int rounds)
{
    enum { CHAINS = 8 };
    const gcr_real a = in[0], b = 1 - a;
    gcr_real x[CHAINS], sum = 0;

    GCR_UNROLL
    for (int c = 0; c < CHAINS; c++)
        x[c] = in[(threadIdx.x + c) % INPUTS];
    GCR_ROLL
    for (int round = 0; round < rounds; round++) {
        GCR_UNROLL
        for (int k = 0; k < LENGTH * CHAINS; k++)
            x[k % CHAINS] = gcr_fma(a, x[k % CHAINS], b);
    }
    GCR_UNROLL
    for (int c = 0; c < CHAINS; c++)
        sum += x[c];
    out[index_of_thread()] = sum / CHAINS;
}

/* rounds * 128 in each thread. */
ENTRY(multiply_adds)
{
    multiply_add<16>(out, in, rounds);
}

#if defined(CODE)
/* The same number of them in loops of so many kilobytes of code, at 16 bytes each: where the loop
 * no longer fits the cache of instructions, the rate says so. */
#define ENTRY_OF_CODE(kilobytes)                                                                   \
    ENTRY(code_##kilobytes)                                                                        \
    {                                                                                              \
        multiply_add<kilobytes * 8>(out, in, rounds);                                              \
    }
ENTRY_OF_CODE(8)
ENTRY_OF_CODE(32)
ENTRY_OF_CODE(64)
ENTRY_OF_CODE(128)
ENTRY_OF_CODE(288)
#endif

/* e^-x of rounds * 4 numbers in each thread, `in` between 0 and 1, by ... */
template <typename Exponential>
GCR_FN void exponentials(gcr_real *out, const gcr_real *in, int rounds, Exponential exponential)
{
    enum { CHAINS = 4 };
    gcr_real x[CHAINS], sum[CHAINS] = { 0 };

    GCR_UNROLL
    for (int c = 0; c < CHAINS; c++)
        x[c] = in[(threadIdx.x + c) % INPUTS];
    for (int round = 0; round < rounds; round++) {
        GCR_UNROLL
        for (int c = 0; c < CHAINS; c++) {
            sum[c] += exponential(x[c]);
            x[c] += (gcr_real)0.03125;
        }
    }
    out[index_of_thread()] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/* ... our own, ... */
ENTRY(exp_minus)
{
    exponentials(out, in, rounds, [](gcr_real x) { return gcr_exp_minus(x); });
}

ENTRY(exp_any)
{
    exponentials(out, in, rounds, [](gcr_real x) { return gcr_exp(-x); });
}

/* ... CUDA's, ... */
ENTRY(exp_cuda)
{
    exponentials(out, in, rounds, [](gcr_real x) { return (gcr_real)exp(-x); });
}

/* ... and none: what the loop costs. */
ENTRY(exp_none)
{
    exponentials(out, in, rounds, [](gcr_real x) { return x; });
}

#if defined(GCR_SINGLE)
ENTRY(exp_fast)
{
    exponentials(out, in, rounds, [](gcr_real x) { return __expf(-x); });
}
#else

/* Inverse roots of `count` numbers, then the guesses that they begin with. */
ENTRY(inverse_roots)
{
    for (uint64_t i = index_of_thread(); i < count; i += (uint64_t)gridDim.x * blockDim.x) {
        out[i] = gcr_inverse_root(in[i]);
        out[count + i] = gcr_root_guess(in[i]);
    }
}

/* ---- products of matrices, by shape: values of A, B and C that a thread holds ---------------- */

struct shape_m8n8k4 {
    enum { A = 1, B = 1, C = 2 };
    static __device__ void multiply(double *c, const double *a, const double *b)
    {
        gcr_multiply_matrices(c, a[0], b[0]);
    }
};

#if __CUDA_ARCH__ >= 900
struct shape_m16n8k4 {
    enum { A = 2, B = 1, C = 4 };
    static __device__ void multiply(double *c, const double *a, const double *b)
    {
        asm volatile("mma.sync.aligned.m16n8k4.row.col.f64.f64.f64.f64 {%0, %1, %2, %3},"
                     " {%4, %5}, {%6}, {%0, %1, %2, %3};"
                     : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
                     : "d"(a[0]), "d"(a[1]), "d"(b[0]));
    }
};

struct shape_m16n8k8 {
    enum { A = 4, B = 2, C = 4 };
    static __device__ void multiply(double *c, const double *a, const double *b)
    {
        asm volatile("mma.sync.aligned.m16n8k8.row.col.f64.f64.f64.f64 {%0, %1, %2, %3},"
                     " {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                     : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
                     : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(b[0]), "d"(b[1]));
    }
};

struct shape_m16n8k16 {
    enum { A = 8, B = 4, C = 4 };
    static __device__ void multiply(double *c, const double *a, const double *b)
    {
        asm volatile("mma.sync.aligned.m16n8k16.row.col.f64.f64.f64.f64 {%0, %1, %2, %3},"
                     " {%4, %5, %6, %7, %8, %9, %10, %11}, {%12, %13, %14, %15},"
                     " {%0, %1, %2, %3};"
                     : "+d"(c[0]), "+d"(c[1]), "+d"(c[2]), "+d"(c[3])
                     : "d"(a[0]), "d"(a[1]), "d"(a[2]), "d"(a[3]), "d"(a[4]), "d"(a[5]), "d"(a[6]),
                       "d"(a[7]), "d"(b[0]), "d"(b[1]), "d"(b[2]), "d"(b[3]));
    }
};
#endif

/* CHAINS products in each round of a warp, each added to a matrix of its own. `in` all 1 makes
 * every entry of these the inner length times the rounds. */
template <typename Shape, int CHAINS>
GCR_FN void multiply(double *out, const double *in, uint64_t *ticks, int rounds)
{
    double a[Shape::A], b[Shape::B], c[CHAINS][Shape::C], sum = 0;
    long long begin;

    GCR_UNROLL
    for (int k = 0; k < Shape::A; k++)
        a[k] = in[(threadIdx.x + 32 * k) % INPUTS];
    GCR_UNROLL
    for (int k = 0; k < Shape::B; k++)
        b[k] = in[(threadIdx.x + 32 * k + 16) % INPUTS];
    GCR_UNROLL
    for (int k = 0; k < CHAINS * Shape::C; k++)
        c[k / Shape::C][k % Shape::C] = 0;
    begin = clock64();
    for (int round = 0; round < rounds; round++) {
        GCR_UNROLL
        for (int k = 0; k < CHAINS; k++)
            Shape::multiply(c[k], a, b);
    }
    stop_watch(ticks, begin);
    GCR_UNROLL
    for (int k = 0; k < CHAINS * Shape::C; k++)
        sum += c[k / Shape::C][k % Shape::C];
    out[index_of_thread()] = sum / (CHAINS * Shape::C);
}

#define ENTRIES_OF_SHAPE(shape)                                                                    \
    ENTRY(shape##_rate)                                                                            \
    {                                                                                              \
        multiply<shape_##shape, 8>(out, in, ticks, rounds);                                        \
    }                                                                                              \
    ENTRY(shape##_chain)                                                                           \
    {                                                                                              \
        multiply<shape_##shape, 1>(out, in, ticks, rounds);                                        \
    }

ENTRIES_OF_SHAPE(m8n8k4)
#if __CUDA_ARCH__ >= 900
ENTRIES_OF_SHAPE(m16n8k4)
ENTRIES_OF_SHAPE(m16n8k8)
ENTRIES_OF_SHAPE(m16n8k16)
#endif
#endif /* GCR_SINGLE */
