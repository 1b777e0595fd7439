/* exec/watch_progress.c -- how far a run is: see watch.h. */
#include "exec/watch.h"

#include "base/clock.h"

#include <math.h>

/* What other ranks have told; returns its share of the cost. */
static double add_other_ranks(const gcr_watch *watch, gcr_progress *out)
{
    gcr_gather_totals totals = { 0 };

    if (watch->gather != NULL)
        totals = gcr_gather_totals_of(watch->gather);
    out->landed += totals.landed;
    out->failed += totals.failed;
    out->datasets_done += totals.datasets;
    return totals.cost;
}

void gcr_watch_progress(const gcr_watch *watch, gcr_progress *out)
{
    const gcr_run *run = watch->run;
    double cost = 0.0;

    *out = (gcr_progress){ .cell_count = gcr_plan_live_count(run->plan),
                           .datasets = run->spec.datasets->count,
                           .seconds = gcr_clock_seconds() - watch->begin,
                           .seconds_left = -1.0 };
    for (int w = 0; w < run->workers; w++) {
        const gcr_pipeline_progress *p = &run->worker_progress[w];

        out->landed += atomic_load_explicit(&p->landed, memory_order_relaxed);
        out->halved += atomic_load_explicit(&p->halved, memory_order_relaxed);
        out->failed += atomic_load_explicit(&p->failed, memory_order_relaxed);
        out->datasets_done += atomic_load_explicit(&p->datasets, memory_order_relaxed);
        cost += atomic_load_explicit(&p->cost, memory_order_relaxed);
    }
    cost += add_other_ranks(watch, out);
    if (out->landed == out->cell_count)
        out->seconds_left = 0.0;
    else if (cost > 0.0 && out->seconds > 0.0)
        out->seconds_left = out->seconds * fmax(0.0, 1.0 - cost) / cost;
    if (out->seconds > 0.0)
        out->cells_per_second = (double)out->landed / out->seconds;
}
