/*
 * kernels/own/checking/checks.h -- what the result of a cell must not depend on, each tried on one
 * problem after the other.
 */
#ifndef GCR_CHECKING_CHECKS_H
#define GCR_CHECKING_CHECKS_H

#include "kernels/own/checking/comparing.h"

#include <pthread.h>

extern const gcr_unit gcr_unit_here, gcr_unit_plain;

enum { THREADS = 3 };

/* One thing that a result must not depend on: how it went over all problems. */
typedef struct check {
    const char *name, *sentence; /* the sentence where it holds */
    int is_failed;
    char why[2 * GCR_PLACE_BYTES];
} check;

enum { BATCH, ORDER, LANES, MEMORY, THREAD, PLAIN, CHECKS };

static check checks[CHECKS] = {
    [BATCH] = { "batch", "a cell has the same bits alone and in batches" },
    [ORDER] = { "order", "in whatever order batches are computed" },
    [LANES] = { "lanes", "beside whatever other cells" },
    [MEMORY] = { "memory", "whatever memory held before" },
    [THREAD] = { "threads", "on several threads at once" },
    [PLAIN] = { "plain", "and it is near that of the plain engine" },
};

static void compare(int c, const problem *p, const results *alone, const results *other,
                    const uint64_t *map)
{
    if (!checks[c].is_failed)
        checks[c].is_failed = differs(checks[c].why, p, alone, other, map);
}

static void check_manner(int c, const problem *p, const results *alone, manner how)
{
    results other;

    crunch(&other, p, &gcr_unit_here, &how);
    compare(c, p, alone, &other, NULL);
    close_results(&other);
}

/* The same grid over data that are moved by a few units in the last place, classes excepted. */
static void nudge(problem *out, const problem *p)
{
    const int64_t count = p->data.rows * p->data.features;

    *out = *p;
    out->setup.points = &out->table;
    out->x = room((uint64_t)count, sizeof *out->x);
    out->y = room((uint64_t)p->data.rows, sizeof *out->y);
    for (int64_t i = 0; i < count; i++)
        out->x[i] = p->x[i] * (gcr_real)(1 + 1e-15 * (uniform() - 0.5));
    for (int64_t i = 0; i < p->data.rows; i++)
        out->y[i] = p->y[i] == 1 ? p->y[i] : p->y[i] * (gcr_real)(1 + 1e-15 * (uniform() - 0.5));
    out->data.x = p->data.x != NULL ? out->x : NULL;
    out->data.y = p->data.y != NULL ? out->y : NULL;
}

static void check_plain(const problem *p, const results *alone)
{
    const manner how = { .batch = POINTS_MAX };
    results plain, nudged;
    problem near;

    nudge(&near, p);
    crunch(&plain, p, &gcr_unit_plain, &how);
    crunch(&nudged, &near, &gcr_unit_plain, &how);
    if (!checks[PLAIN].is_failed)
        checks[PLAIN].is_failed = is_far(checks[PLAIN].why, p, alone, &plain, &nudged);
    close_results(&plain);
    close_results(&nudged);
    close_problem(&near);
}

/* The same grid with its axes the other way round, which gives each cell other neighbours. */
static void check_lanes(const problem *p, const results *alone)
{
    problem turned = *p;
    const int last = p->table.axis_count - 1;
    uint64_t map[POINTS_MAX];
    results other;

    for (int a = 0; a <= last; a++) {
        turned.table.axes[a] = p->table.axes[last - a];
        turned.setup.parameter_of_axis[a] = last - a;
    }
    turned.setup.points = &turned.table;
    for (uint64_t i = 0; i < p->table.point_count; i++) {
        uint64_t rest = i, stride = 1;

        map[i] = 0;
        for (int a = last; a >= 0; a--) { /* the innermost here is the outermost there */
            const uint64_t count = turned.table.axes[a].count;

            stride = 1;
            for (int b = last - a + 1; b <= last; b++)
                stride *= p->table.axes[b].count;
            map[i] += rest % count * stride;
            rest /= count;
        }
    }
    crunch(&other, &turned, &gcr_unit_here, &(manner){ .batch = POINTS_MAX });
    compare(LANES, p, alone, &other, map);
    close_results(&other);
}

typedef struct thread_arg {
    const problem *problem;
    results other;
} thread_arg;

static void *crunch_on_thread(void *arg)
{
    thread_arg *a = arg;

    for (int i = 0; i < 20; i++) {
        if (i > 0)
            close_results(&a->other);
        crunch(&a->other, a->problem, &gcr_unit_here, &(manner){ .batch = 4 });
    }
    return NULL;
}

static void check_threads(const problem *p, const results *alone)
{
    pthread_t threads[THREADS];
    thread_arg args[THREADS];
    int count = 0;

    while (count < THREADS) {
        args[count].problem = p;
        if (pthread_create(&threads[count], NULL, crunch_on_thread, &args[count]) != 0)
            break;
        count++;
    }
    for (int t = 0; t < count; t++) {
        pthread_join(threads[t], NULL);
        compare(THREAD, p, alone, &args[t].other, NULL);
        close_results(&args[t].other);
    }
}

static int cell_count, state_counts[GCR_CELL_STATE_COUNT];

static void count_states(const problem *p, const results *r)
{
    cell_count += (int)p->table.point_count;
    for (uint64_t i = 0; i < p->table.point_count; i++)
        state_counts[r->state[i] < GCR_CELL_STATE_COUNT ? r->state[i] : 0]++;
}

static void check_problem(int round, int is_comparing)
{
    problem p;
    results alone;

    open_problem(&p, round);
    crunch(&alone, &p, &gcr_unit_here, &(manner){ .batch = 1, .fill = 0xff, .is_told = 1 });
    count_states(&p, &alone);
    check_manner(BATCH, &p, &alone, (manner){ .batch = POINTS_MAX, .fill = 0xff, .is_told = 1 });
    if (is_comparing) {
        check_manner(BATCH, &p, &alone, (manner){ .batch = 5, .fill = 0xff });
        check_manner(ORDER, &p, &alone, (manner){ .batch = 1, .is_backwards = 1, .fill = 0xff });
        check_manner(MEMORY, &p, &alone, (manner){ .batch = 1, .fill = 0x3f });
        check_manner(MEMORY, &p, &alone, (manner){ .batch = 1 });
        check_plain(&p, &alone);
        check_lanes(&p, &alone);
        check_threads(&p, &alone);
    }
    close_results(&alone);
    close_problem(&p);
}

#endif /* GCR_CHECKING_CHECKS_H */
