/*
 * bench/gpu/bench_ceilings.c -- what can this GPU do at most?
 *
 * Every floor that is printed beside a time of ours is made of these: the rates of its arithmetic,
 * of its memory and of products of matrices by cuBLAS, what a launch costs, and how long a load is
 * under way. Three answers decide how our kernels are written: which shape of the tensor cores'
 * products of doubles has the full rate (ours use m8n8k4), whether kernels of 90 to 290 KB of code,
 * as ours have, wait for their instructions, and how far an inverse root by rsqrt.approx and one
 * step of Newton's method is off.
 *
 * Results are looked at: multiply-adds go to 1, products of matrices of ones count, exponentials
 * agree with CUDA's, copies are compared, entries of a product are computed again on the host.
 *
 *     gridcrunch bench ceilings             rows; 77 where there is no GPU
 *     gridcrunch bench ceilings --compile   the kernels for sm_80 and sm_90, without a GPU
 */
#include "gpu/ceilings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES_MAX = 40, OUT_VALUES = 1024 };

typedef struct side_arg {
    const ceilings *c;
    const ceilings_case *which;
    ceilings_launch launch;
} side_arg;

static side_arg args[SIDES_MAX];
static bench_side sides[SIDES_MAX];

/* ---- arithmetic ------------------------------------------------------------------------------ */

static gcr_status run_launch(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    const side_arg *const a = arg;

    GCR_TRY(bench_gpu_start(a->c->gpu));
    GCR_TRY(ceilings_launch_on(a->c, &a->launch, a->c->gpu->stream));
    GCR_TRY(bench_gpu_stop(seconds_out, a->c->gpu));
out:
    return status;
}

/* The first values that a launch leaves. */
static gcr_status take(double values[OUT_VALUES], const ceilings *c, const ceilings_launch *launch)
{
    gcr_status status = GCR_OK;
    const int is_float = launch->text == CEILINGS_SINGLE;
    float floats[OUT_VALUES];

    GCR_TRY(bench_gpu_set(c->gpu, c->out_dev, 0xff, CEILINGS_OUT_BYTES));
    GCR_TRY(ceilings_launch_on(c, launch, c->gpu->stream));
    GCR_TRY(bench_gpu_sync(c->gpu));
    GCR_TRY(bench_gpu_download(c->gpu, is_float ? (void *)floats : (void *)values, c->out_dev,
                               is_float ? sizeof floats : OUT_VALUES * sizeof *values));
    for (int i = 0; is_float && i < OUT_VALUES; i++)
        values[i] = (double)floats[i];
out:
    return status;
}

static gcr_status expect(const double got[OUT_VALUES], const double *wanted, double value,
                         double tolerance, const char *what)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < OUT_VALUES; i++) {
        const double want = wanted != NULL ? wanted[i] : value;

        if (!(fabs(got[i] - want) <= tolerance * fabs(want)))
            GCR_FAIL(GCR_EDEVICE, "%s: thread %d has %.17g, not %.17g", what, i, got[i], want);
    }
out:
    return status;
}

/* Words of shared memory, summed 16 times a round. */
static gcr_status check_shared(const ceilings *c, const ceilings_case *which)
{
    gcr_status status = GCR_OK;
    const ceilings_launch launch = ceilings_launch_of(c, which);
    static double left[OUT_VALUES];
    uint32_t in[CEILINGS_INPUTS * 2], got[OUT_VALUES];

    GCR_TRY(take(left, c, &launch));
    GCR_TRY(bench_gpu_download(c->gpu, in, c->in_dev, sizeof in));
    memcpy(got, left, sizeof got);
    for (uint32_t i = 0; i < OUT_VALUES; i++)
        if (got[i] != in[i % (CEILINGS_INPUTS * 2)] * 16 * (uint32_t)which->rounds)
            GCR_FAIL(GCR_EDEVICE, "shared memory: word %u of the sums is wrong", i);
out:
    return status;
}

static gcr_status check_case(const ceilings *c, const ceilings_case *which)
{
    gcr_status status = GCR_OK;
    static double got[OUT_VALUES], wanted[OUT_VALUES];
    ceilings_launch launch = ceilings_launch_of(c, which);
    const double tolerance = which->text == CEILINGS_SINGLE ? 1e-4 : 1e-12;

    if (strcmp(which->entry, "read_shared") == 0) {
        GCR_TRY(check_shared(c, which));
    } else if (strstr(which->entry, "_rate") != NULL) {
        int inner = 0;

        (void)sscanf(strrchr(which->what, 'k'), "k%d", &inner);
        launch.in_dev = c->ones_dev;
        GCR_TRY(take(got, c, &launch));
        GCR_TRY(expect(got, NULL, (double)inner * which->rounds, 0, which->what));
    } else if (strncmp(which->entry, "exp_", 4) == 0 && strcmp(which->entry, "exp_none") != 0) {
        GCR_TRY(take(got, c, &launch));
        launch.entry = "exp_cuda";
        GCR_TRY(take(wanted, c, &launch));
        GCR_TRY(expect(got, wanted, 0, tolerance, which->what));
    } else if (strcmp(which->entry, "exp_none") != 0) {
        GCR_TRY(take(got, c, &launch));
        GCR_TRY(expect(got, NULL, 1, tolerance, which->what));
    }
out:
    return status;
}

static gcr_status measure_arithmetic(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK, wrong = GCR_OK;
    const bench_side *slow = NULL, *fast = NULL, *small = NULL, *large = NULL;
    const bench_side *ours = NULL, *theirs = NULL;
    int count = 0;

    for (const ceilings_case *which = ceilings_cases; which->entry != NULL; which++) {
        if (c->gpu->capability < which->capability)
            continue;
        GCR_TRY(bench_gpu_go_on(&wrong, check_case(c, which)));
        args[count] = (side_arg){ .c = c, .which = which, .launch = ceilings_launch_of(c, which) };
        sides[count] = (bench_side){ .what = which->what, .run = run_launch, .arg = &args[count] };
        slow = strcmp(which->what, "m8n8k4") == 0 ? &sides[count] : slow;
        fast = strcmp(which->what, "m16n8k16") == 0 ? &sides[count] : fast;
        small = strcmp(which->what, "8 KB of code") == 0 ? &sides[count] : small;
        large = strcmp(which->what, "288 KB of code") == 0 ? &sides[count] : large;
        ours = strcmp(which->what, "gcr_exp_minus f64") == 0 ? &sides[count] : ours;
        theirs = strcmp(which->what, "exp f64") == 0 ? &sides[count] : theirs;
        count++;
    }
    GCR_TRY(bench_alternate(b, "arithmetic", sides, count));
    for (int i = 0; i < count; i++)
        ceilings_say_rate(b, "arithmetic", &sides[i],
                          ceilings_operations(c, args[i].which) / args[i].which->unit_operations,
                          args[i].which->unit);
    if (fast != NULL) /* both do the same operations in a launch */
        bench_ratio_sides(b, "m16n8k16_over_m8n8k4", slow, fast);
    bench_ratio_sides(b, "code_288K_over_8K_time", large, small);
    bench_ratio_sides(b, "exp_cuda_over_ours_time", theirs, ours);
out:
    return status == GCR_OK ? wrong : status;
}

/* ---- latencies ------------------------------------------------------------------------------- */

/* One thread, one chain: clocks of a step. Says the median of all rounds after the first. */
static gcr_status measure_latency(const bench *b, const ceilings *c, const char *what,
                                  const ceilings_launch *launch, double steps)
{
    gcr_status status = GCR_OK;
    double clocks[BENCH_ROUNDS_MAX];
    uint64_t ticks;

    for (int round = -b->warmup; round < b->rounds; round++) {
        GCR_TRY(ceilings_launch_on(c, launch, c->gpu->stream));
        GCR_TRY(bench_gpu_sync(c->gpu));
        GCR_TRY(bench_gpu_download(c->gpu, &ticks, c->ticks_dev, sizeof ticks));
        if (round >= 0)
            clocks[round] = (double)ticks / steps;
    }
    bench_row(b, "latency", what, "clocks", bench_spread_of(clocks, b->rounds));
out:
    return status;
}

static gcr_status measure_chain(const bench *b, const ceilings *c, const char *what, uint64_t lines,
                                int steps)
{
    gcr_status status = GCR_OK;
    ceilings_launch lay = { .entry = "lay_chain", .blocks = 1024, .threads = 256, .count = lines };
    ceilings_launch follow = {
        .entry = "follow_chain", .blocks = 1, .threads = 1, .rounds = steps
    };
    void *lines_dev = NULL;

    GCR_TRY(bench_gpu_allocate(&lines_dev, lines * 128));
    lay.out_dev = lines_dev;
    follow.in_dev = lines_dev;
    GCR_TRY(bench_gpu_set(c->gpu, c->ticks_dev, 0, 2 * sizeof *c->ticks_dev));
    GCR_TRY(ceilings_launch_on(c, &lay, c->gpu->stream));
    GCR_TRY(measure_latency(b, c, what, &follow, steps));
out:
    if (lines_dev != NULL)
        GCR_CUDA_CLOSE(cudaFree(lines_dev));
    return status;
}

static gcr_status measure_latencies(const bench *b, const ceilings *c)
{
    static const char *const chains[] = { "m8n8k4_chain", "m16n8k4_chain", "m16n8k8_chain",
                                          "m16n8k16_chain" };
    gcr_status status = GCR_OK;
    ceilings_launch launch = {
        .entry = "follow_shared", .blocks = 1, .threads = 32, .rounds = 4096
    };

    GCR_TRY(measure_latency(b, c, "shared memory", &launch, launch.rounds));
    for (int i = 0; i < (c->gpu->capability >= 90 ? 4 : 1); i++) {
        launch.entry = chains[i];
        GCR_TRY(measure_latency(b, c, chains[i], &launch, launch.rounds));
    }
    GCR_TRY(measure_chain(b, c, "L2 (4 MB)", 1 << 15, 1 << 15));
    GCR_TRY(measure_chain(b, c, "memory (1 GB)", 1 << 23, 1 << 12));
out:
    return status;
}

/* ---- inverse roots --------------------------------------------------------------------------- */

enum { ROOTS = 1 << 20 };

/* In units in the last place of the root that is exact, as far as a long double tells. Infinite
 * where there is no number: fmax() would pass over it. */
static double ulps_off(double got, double x)
{
    const long double exact = 1 / sqrtl((long double)x);
    const double step = nextafter((double)exact, INFINITY) - (double)exact;

    return isnan(got) ? INFINITY : (double)(fabsl((long double)got - exact) / (long double)step);
}

static gcr_status measure_roots(bench *b, const ceilings *c)
{
    gcr_status status = GCR_OK;
    double *const roots_dev = (double *)c->out_dev + ROOTS; /* behind the numbers */
    const ceilings_launch launch = { .entry = "inverse_roots",
                                     .blocks = 1024,
                                     .threads = 256,
                                     .out_dev = roots_dev,
                                     .in_dev = c->out_dev,
                                     .count = ROOTS };
    double *x = malloc(3 * ROOTS * sizeof *x), worst = 0, bits = 53;
    uint64_t random = 1;

    if (x == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for numbers to take roots of");
    for (int i = 0; i < ROOTS; i++) { /* half of them as pivots are, half of any size */
        random = random * 6364136223846793005 + 1442695040888963407;
        x[i] = ldexp(1 + (double)(random >> 12) * 0x1p-52,
                     i % 2 == 0 ? (int)(random >> 3 & 1) : (int)(random >> 2 & 1023) - 511);
    }
    GCR_TRY(bench_gpu_upload(c->gpu, c->out_dev, x, ROOTS * sizeof *x));
    GCR_TRY(bench_gpu_set(c->gpu, roots_dev, 0xff, 2 * ROOTS * sizeof *x));
    GCR_TRY(ceilings_launch_on(c, &launch, c->gpu->stream));
    GCR_TRY(bench_gpu_download(c->gpu, x + ROOTS, roots_dev, 2 * ROOTS * sizeof *x));
    for (int i = 0; i < ROOTS; i++) {
        worst = fmax(worst, ulps_off(x[ROOTS + i], x[i]));
        bits = fmin(bits, -log2(fabs(x[2 * ROOTS + i] * sqrt(x[i]) - 1)));
    }
    bench_row(b, "inverse root", "at most off", "ulp", (bench_spread){ worst, worst, worst });
    bench_row(b, "inverse root", "guess", "bits", (bench_spread){ bits, bits, bits });
    if (!(worst <= 2))
        GCR_FAIL(GCR_EDEVICE, "an inverse root is off by %.3g units in the last place", worst);
out:
    free(x);
    return status;
}

/* ---- all ------------------------------------------------------------------------------------- */

static int compile_only(void)
{
    for (int capability = 80; capability <= 90; capability += 10)
        if (ceilings_compile(capability) != GCR_OK) {
            fprintf(stderr, "%s\n%s\n", gcr_last_error(), gcr_last_error_details());
            return 1;
        }
    puts("the ceilings compile for sm_80 and sm_90");
    return 0;
}

int main(int argc, char **argv)
{
    gcr_status status = GCR_OK, failed = GCR_OK;
    bench_gpu gpu = { 0 };
    ceilings c = { 0 };
    bench b;

    if (argc == 2 && strcmp(argv[1], "--compile") == 0)
        return compile_only();
    GCR_TRY(bench_begin(&b, "ceilings", argc, argv));
    GCR_TRY(bench_gpu_open(&gpu));
    GCR_TRY(ceilings_open(&c, &gpu, 1));
    GCR_TRY(bench_gpu_go_on(&failed, ceilings_measure_copies(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, measure_arithmetic(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, measure_latencies(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, ceilings_measure_launches(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, measure_roots(&b, &c)));
    GCR_TRY(bench_gpu_go_on(&failed, ceilings_measure_products(&b, &c)));
    status = failed;
out:
    ceilings_close(&c);
    return bench_gpu_end(&gpu, &b, status);
}
