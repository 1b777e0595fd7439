/* bench/metg.c -- see metg.h. */
#include "metg.h"
#include "rival.h"

#include "base/check.h"

#include <math.h>

enum { DURATIONS_MAX = 32 };

static uint64_t cell_count(const bench_metg *s, double ns)
{
    const double count = s->budget_s * 1e9 * s->workers / (ns + s->guess_ns);

    return count < 100 ? 100 : (uint64_t)count;
}

/* The duration at which a line through the two efficiencies reaches `level`, on a log scale. */
static double crossing(double ns_before, double before, double ns, double after, double level)
{
    return ns_before * pow(ns / ns_before, (level - before) / (after - before));
}

/* From efficiencies at rising durations: the first crossing of `level`, in ns. The first duration
 * if that is enough already; the last one, which is too short then, if none is. */
static double metg(const double *ns, const double *efficiency, int count, double level)
{
    if (efficiency[0] >= level)
        return ns[0];
    for (int i = 1; i < count; i++)
        if (efficiency[i] >= level)
            return crossing(ns[i - 1], efficiency[i - 1], ns[i], efficiency[i], level);
    return ns[count - 1];
}

gcr_status bench_metg_run(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    bench_metg *const s = arg;
    double ns[DURATIONS_MAX], efficiency[DURATIONS_MAX] = { 0 };
    int count = 0;

    for (double d = s->first_ns; count < DURATIONS_MAX && d <= s->last_ns; d *= s->factor) {
        const uint64_t cells = cell_count(s, d);
        double seconds;

        GCR_TRY(s->spin(s->arg, &seconds, d, cells));
        ns[count] = d;
        efficiency[count++] = (double)cells * d * 1e-9 / (s->workers * seconds);
        if (efficiency[count - 1] > s->enough)
            break;
    }
    *seconds_out = metg(ns, efficiency, count, 0.5) * 1e-9;
    if (s->bench->round >= 0)
        s->metg90[s->bench->round] = metg(ns, efficiency, count, 0.9) * 1e-9;
out:
    return status;
}

gcr_status bench_metg_spin_rival(void *arg, double *seconds_out, double ns, uint64_t count)
{
    return bench_rival_time(arg, ns, count, seconds_out);
}

bench_metg bench_metg_ours(const bench *b, bench_spin_fn *spin, void *arg, int workers)
{
    return (bench_metg){ .bench = b,
                         .spin = spin,
                         .arg = arg,
                         .workers = workers,
                         .first_ns = 20,
                         .factor = b->quick ? 2.5 : 1.5,
                         .enough = 0.95,
                         .last_ns = 2e6,
                         .budget_s = 0.02,
                         .guess_ns = 100 };
}

bench_metg bench_metg_joblib(const bench *b, bench_spin_fn *spin, void *arg)
{
    return (bench_metg){ .bench = b,
                         .spin = spin,
                         .arg = arg,
                         .workers = 2,
                         .first_ns = 10e3,
                         .factor = 2,
                         .enough = 0.6,
                         .last_ns = 20e6,
                         .budget_s = 0.1,
                         .guess_ns = 200e3 };
}

double bench_metg_us(const bench *b, const double *seconds)
{
    return 1e6 * bench_spread_of(seconds, b->rounds).median;
}
