/*
 * kernels/own/checking/checks.h -- what the result of a cell must not depend on, each tried on one
 * problem after the other.
 */
#ifndef GCR_CHECKING_CHECKS_H
#define GCR_CHECKING_CHECKS_H

#include "kernels/own/checking/comparing.h"

#include <pthread.h>

/* The others are there where cells are compared, the last of them if the kernel has base(). */
extern const gcr_unit gcr_unit_here;
extern const gcr_unit gcr_unit_plain __attribute__((weak));
extern const gcr_unit gcr_unit_tridiagonal __attribute__((weak));

enum { THREADS = 3 };
enum promise { BATCH, ORDER, LANES, TILES, MEMORY, THREAD, PLAIN, PROMISES };

/* A unit, and how each promise went over all problems. */
typedef struct trial {
    const gcr_unit *unit;
    char broken[PROMISES][2 * GCR_PLACE_BYTES]; /* where and how; "": it was not */
} trial;

static void compare(trial *t, enum promise promise, const problem *p, const results *alone,
                    const results *other, const uint64_t *map)
{
    if (t->broken[promise][0] == '\0')
        differs(t->broken[promise], p, alone, other, map);
}

static void check_manner(trial *t, enum promise promise, const problem *p, const results *alone,
                         manner how)
{
    results other;

    crunch(&other, p, t->unit, &how);
    compare(t, promise, p, alone, &other, NULL);
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

static void check_plain(trial *t, const problem *p, const results *alone)
{
    const manner how = { .batch = POINTS_MAX };
    results plain, nudged;
    problem near;

    nudge(&near, p);
    crunch(&plain, p, &gcr_unit_plain, &how);
    crunch(&nudged, &near, &gcr_unit_plain, &how);
    if (t->broken[PLAIN][0] == '\0')
        is_far(t->broken[PLAIN], p, alone, &plain, &nudged);
    close_results(&plain);
    close_results(&nudged);
    close_problem(&near);
}

/* The same grid with its axes the other way round, which gives each cell other neighbours. */
static void check_lanes(trial *t, const problem *p, const results *alone)
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
    crunch(&other, &turned, t->unit, &(manner){ .batch = POINTS_MAX });
    compare(t, LANES, p, alone, &other, map);
    close_results(&other);
}

/* Beside cells of other datasets, in tiles of whatever sizes. Alone first: a cell that crashes by
 * itself is then named as such. */
static void check_tiles(trial *t, const problem *p, const results *alone, int round)
{
    const manner how = { .batch = 1, .fill = 0xff, .is_told = 1 };
    problem herd[HERD] = { *p };
    results single[HERD] = { *alone }, together[HERD];

    for (int d = 1; d < HERD; d++) {
        open_sibling(&herd[d], p, d == HERD - 1 ? round + 1 : round, d);
        crunch(&single[d], &herd[d], t->unit, &how);
    }
    crunch_herd(together, herd, t->unit);
    for (int d = 0; d < HERD; d++) {
        compare(t, TILES, &herd[d], &single[d], &together[d], NULL);
        close_results(&together[d]);
    }
    for (int d = 1; d < HERD; d++) {
        close_results(&single[d]);
        close_problem(&herd[d]);
    }
}

typedef struct thread_arg {
    const gcr_unit *unit;
    const problem *problem;
    results other;
} thread_arg;

static void *crunch_on_thread(void *arg)
{
    thread_arg *a = arg;

    for (int i = 0; i < 20; i++) {
        if (i > 0)
            close_results(&a->other);
        crunch(&a->other, a->problem, a->unit, &(manner){ .batch = 4 });
    }
    return NULL;
}

static void check_threads(trial *t, const problem *p, const results *alone)
{
    pthread_t threads[THREADS];
    thread_arg args[THREADS];
    int count = 0;

    while (count < THREADS) {
        args[count].unit = t->unit;
        args[count].problem = p;
        if (pthread_create(&threads[count], NULL, crunch_on_thread, &args[count]) != 0)
            break;
        count++;
    }
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        compare(t, THREAD, p, alone, &args[i].other, NULL);
        close_results(&args[i].other);
    }
}

static int cell_count, state_counts[GCR_CELL_STATE_COUNT];

static void count_states(const problem *p, const results *r)
{
    cell_count += (int)p->table.point_count;
    for (uint64_t i = 0; i < p->table.point_count; i++)
        state_counts[r->state[i] < GCR_CELL_STATE_COUNT ? r->state[i] : 0]++;
}

/* All promises but those that need no second look where memory is watched. */
static void check_problem(trial *t, const problem *p, int round, int is_comparing)
{
    const manner whole = { .batch = POINTS_MAX, .fill = 0xff, .is_told = 1 };
    const int is_counted = t->unit->algorithm == GCR_DIRECT;
    const manner one = { .batch = 1, .fill = 0xff, .is_told = 1, .is_counted = is_counted };
    results alone;

    crunch(&alone, p, t->unit, &one);
    if (is_counted)
        count_states(p, &alone);
    check_manner(t, BATCH, p, &alone, whole);
    check_tiles(t, p, &alone, round);
    if (is_comparing) {
        check_manner(t, BATCH, p, &alone, (manner){ .batch = 5, .fill = 0xff });
        check_manner(t, ORDER, p, &alone, (manner){ .batch = 1, .is_backwards = 1, .fill = 0xff });
        check_manner(t, MEMORY, p, &alone, (manner){ .batch = 1, .fill = 0x3f });
        check_manner(t, MEMORY, p, &alone, (manner){ .batch = 1 });
        check_plain(t, p, &alone);
        check_lanes(t, p, &alone);
        check_threads(t, p, &alone);
    }
    close_results(&alone);
}

#endif /* GCR_CHECKING_CHECKS_H */
