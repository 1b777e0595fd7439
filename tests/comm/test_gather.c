/*
 * What workers of all ranks compute comes together at rank 0, whichever rank and node they are on.
 * On one machine ranks are one node; as_nodes makes several of them. Workers are threads.
 */
#include "base/memory.h"
#include "exec/gather.h"
#include "exec/teller.h"

#include "gridcrunch/cell.h"

#include "support/live_points.h"
#include "support/ranks.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <time.h>

enum { WORKERS = 3, RANKS_MAX = 8, DATASETS_MAX = 8, TAG_PACKET = 7, TAG_ENDED = 8 };

static const int64_t widths[] = { 1, 2 };
static const int outputs[] = { 0, 0, 0 };
static const gcr_summary_spec summary_specs[] = {
    { .name = "a", .op = GCR_SUMMARY_MEAN, .output = "o" },
    { .name = "b", .op = GCR_SUMMARY_ARGMAX, .output = "o" },
    { .name = "c", .op = GCR_SUMMARY_MIN, .output = "o" },
};

typedef struct part part;

/* A run of this rank. */
typedef struct scene {
    int point_count, dataset_count, by_blocks;
    gcr_points *points;
    gcr_shared memory;
    gcr_slots *slots;
    gcr_summaries *summaries;
    gcr_gather *gather;
    int is_lazy; /* rank 0 looks seldom */
    atomic_int completed[DATASETS_MAX];
    pthread_t threads[WORKERS];
    part *parts;
    atomic_int failures; /* of workers */
} scene;

struct part {
    scene *scene;
    int worker;
};

/* ---- a run ----------------------------------------------------------------------------------- */

static double value_of(uint64_t cell, uint64_t i)
{
    return (double)(cell * 2654435761 % 1000003) / 7 + (double)i;
}

static uint8_t state_of(uint64_t cell)
{
    return cell % 31 == 5 ? GCR_CELL_NOT_SPD : GCR_CELL_OK;
}

static void compute(double *first, double *second, uint8_t *state, uint64_t cell)
{
    *state = state_of(cell);
    *first = *state == GCR_CELL_OK ? value_of(cell, 0) : gcr_cell_nan(3);
    for (uint64_t i = 0; second != NULL && i < 2; i++)
        second[i] = *state == GCR_CELL_OK ? value_of(cell, i + 1) : gcr_cell_nan(0);
}

static void complete(void *arg, uint64_t dataset)
{
    scene *s = arg;

    if (s->by_blocks)
        gcr_summaries_fire(s->summaries, dataset, WORKERS);
    atomic_fetch_add(&s->completed[dataset], 1);
}

static void open_slots(scene *s)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);
    gcr_slots_spec spec = { .points = gcr_points_table(s->points),
                            .dataset_count = (uint64_t)s->dataset_count,
                            .output_count = 2,
                            .width = widths,
                            .has_jitter = 1,
                            .has_no_cells = s->by_blocks,
                            .leaves_excluded = info->rank > 0 };
    uint64_t bytes;

    assert_ok(gcr_slots_bytes(&bytes, &spec));
    assert_ok(gcr_comm_share(&s->memory, ranks, bytes, 0, "the results"));
    spec.block = s->memory.base;
    assert_ok(gcr_slots_create(&s->slots, &spec));
    const gcr_summaries_spec summaries = { .summaries = summary_specs,
                                           .output = outputs,
                                           .summary_count = 3,
                                           .top = 5,
                                           .slots = s->slots,
                                           .points = spec.points,
                                           .keep = GCR_KEEP_SUMMARY,
                                           .by_blocks = s->by_blocks };

    assert_ok(gcr_summaries_create(&s->summaries, &summaries, WORKERS + 1));
}

static gcr_gather_spec describe_gather(scene *s, uint64_t packet_bytes)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);

    return (gcr_gather_spec){ .comm = ranks,
                              .points = s->points,
                              .slots = s->slots,
                              .by_blocks = s->by_blocks,
                              .summaries = s->summaries,
                              .node_workers = WORKERS * info->node_size,
                              .first_worker = WORKERS * info->node_rank,
                              .workers = WORKERS,
                              .tag = TAG_PACKET,
                              .packet_bytes = packet_bytes,
                              .on_complete = complete,
                              .arg = s };
}

static void open_scene(scene *s, int datasets, int points, const char *where, int by_blocks)
{
    *s = (scene){ .dataset_count = datasets, .point_count = points, .by_blocks = by_blocks };
    s->points = live_points(points, where);
    open_slots(s);
    const gcr_gather_spec spec = describe_gather(s, 20000);

    assert_ok(gcr_comm_agree(ranks, gcr_gather_create(&s->gather, &spec)));
    assert_int_equal(gcr_gather_rings(s->gather) == NULL, rank == 0);
}

static void close_scene(scene *s)
{
    gcr_gather_destroy(s->gather);
    gcr_summaries_destroy(s->summaries);
    gcr_slots_destroy(s->slots);
    gcr_shared_clear(&s->memory);
    gcr_points_destroy(s->points);
}

/* ---- workers --------------------------------------------------------------------------------- */

/* Which cells are whose: stretches of random length are dealt to all workers of all ranks at
 * random, blocks of points where cells are not kept. */
static int deal(uint64_t *seed, const scene *s, uint64_t first, uint64_t *end)
{
    const uint64_t step = s->by_blocks ? GCR_PARTIAL_POINTS
                                       : 1 + random_below(seed, random_below(seed, 9) ? 60 : 2000);

    *end = first + step;
    if (*end > (uint64_t)s->point_count)
        *end = (uint64_t)s->point_count;
    return (int)random_below(seed, (uint64_t)(WORKERS * rank_count));
}

/* Into their slots, or where a batch has its results. */
static gcr_landing compute_cells(const scene *s, const gcr_records *to,
                                 const gcr_records_part *cells)
{
    gcr_landing landing = { .dataset = cells->dataset,
                            .first = cells->first,
                            .count = cells->count };
    gcr_unit_tile tile;

    gcr_records_aim(to, s->slots, cells, &tile);
    for (uint64_t i = 0; i < cells->count; i++) {
        const uint64_t cell = cells->dataset * (uint64_t)s->point_count + cells->first + i;

        if (!gcr_point_is_live(gcr_points_table(s->points), cells->first + i))
            continue;
        compute(&tile.outputs[0][i], &tile.outputs[1][2 * i], &tile.state[i], cell);
        tile.jitter_step[i] = (uint8_t)(cell % 3);
        landing.live++;
        landing.failed += state_of(cell) != GCR_CELL_OK;
    }
    landing.cost = (double)landing.live;
    return landing;
}

static gcr_landing reduce_cells(const scene *s, gcr_summaries *into, int thread, uint64_t dataset,
                                uint64_t first, uint64_t end)
{
    gcr_landing landing = { .dataset = dataset };
    double first_output[GCR_PARTIAL_POINTS];
    uint8_t states[GCR_PARTIAL_POINTS];
    const gcr_partial_block block = { .outputs = { first_output },
                                      .width = { 1, 2 },
                                      .state = states,
                                      .count = (uint32_t)(end - first) };

    for (uint64_t p = 0; p < end - first; p++) {
        const uint64_t cell = dataset * (uint64_t)s->point_count + first + p;

        compute(&first_output[p], NULL, &states[p], cell);
        if (!gcr_point_is_live(gcr_points_table(s->points), first + p))
            states[p] = GCR_CELL_EXCLUDED;
        landing.live += states[p] != GCR_CELL_EXCLUDED;
        landing.failed += states[p] == GCR_CELL_NOT_SPD;
    }
    landing.cost = (double)landing.live;
    gcr_summaries_add(into, thread, first, &block);
    return landing;
}

/* Rank 0 counts its own down itself. */
static gcr_status land_here(scene *s, int worker, const gcr_landing *landing)
{
    if (s->by_blocks && gcr_summaries_leave(s->summaries, landing->dataset, worker) != GCR_OK)
        return GCR_ENOMEM;
    if (!gcr_slots_land(s->slots, landing->dataset, landing->live))
        return GCR_OK;
    if (s->by_blocks)
        gcr_summaries_fire(s->summaries, landing->dataset, worker);
    atomic_fetch_add(&s->completed[landing->dataset], 1);
    return GCR_OK;
}

static void open_teller(gcr_teller *out, scene *s, int worker)
{
    gcr_landing_ring *rings = gcr_gather_rings(s->gather);
    const gcr_teller_spec spec = {
        .ring = rings != NULL ? &rings[worker] : NULL,
        .points = s->points,
        .summaries = s->by_blocks ? s->summaries : NULL,
        .thread = worker,
        .slots = s->slots,
        .sends_cells = gcr_gather_sends_cells(gcr_comm_info_of(ranks), s->by_blocks),
    };

    gcr_teller_open(out, &spec);
}

static gcr_status work_on(scene *s, gcr_teller *teller, const gcr_records_part *run)
{
    gcr_records block = { .base = NULL, .points = run->count };
    const gcr_packing_source cells = { .records = &block, .part = run };
    gcr_status status = GCR_OK;
    gcr_landing landing;

    if (teller->spec.sends_cells)
        block.base = calloc(run->count, gcr_records_cell_bytes(s->slots));
    landing = s->by_blocks ? reduce_cells(s, s->summaries, teller->spec.thread, run->dataset,
                                          run->first, run->first + run->count)
                           : compute_cells(s, &block, run);
    if (landing.live > 0 && rank == 0)
        status = land_here(s, teller->spec.thread, &landing);
    else
        status = gcr_teller_put(teller, &landing, &cells);
    free(block.base);
    return status;
}

static void *work(void *arg)
{
    const part *p = arg;
    scene *s = p->scene;
    const int me = rank * WORKERS + p->worker;
    uint64_t seed = 20000 + (uint64_t)s->point_count;
    gcr_status status = GCR_OK;
    gcr_teller teller;

    open_teller(&teller, s, p->worker);
    for (uint64_t d = 0; d < (uint64_t)s->dataset_count; d++) {
        for (uint64_t first = 0, end; first < (uint64_t)s->point_count; first = end) {
            const int is_mine = deal(&seed, s, first, &end) == me;
            const gcr_records_part run = { .dataset = d, .first = first, .count = end - first };

            if (is_mine && status == GCR_OK)
                status = work_on(s, &teller, &run);
        }
        if (status == GCR_OK)
            status = gcr_teller_flush(&teller);
    }
    atomic_fetch_add(&s->failures, status != GCR_OK);
    gcr_teller_close(&teller);
    return NULL;
}

static void start_workers(scene *s, part *parts)
{
    s->parts = parts;
    for (int w = 0; w < WORKERS; w++) {
        parts[w] = (part){ .scene = s, .worker = w };
        assert_int_equal(pthread_create(&s->threads[w], NULL, work, &parts[w]), 0);
    }
}

static void join_workers(scene *s)
{
    for (int w = 0; w < WORKERS; w++)
        pthread_join(s->threads[w], NULL);
}

/* ---- the threads that look ------------------------------------------------------------------- */

static void nap(long us)
{
    nanosleep(&(struct timespec){ .tv_nsec = us * 1000 }, NULL);
}

/* Until all nodes have ended. */
static void look_at_rank_0(scene *s)
{
    int nodes = gcr_comm_info_of(ranks)->node_count - 1, found;

    while (nodes > 0 || !gcr_gather_is_over(s->gather)) {
        gcr_message message;

        assert_ok(gcr_gather_look(s->gather));
        assert_ok(gcr_comm_look(&message, &found, ranks));
        if (found && message.tag == TAG_ENDED)
            nodes--;
        else if (found)
            assert_ok(gcr_gather_take(s->gather, &message));
        if (!found || s->is_lazy)
            nap(s->is_lazy ? 500 : 50);
    }
}

static void look_at_leader(scene *s)
{
    gcr_send *end = NULL;
    int is_sent = 0;

    while (!gcr_gather_is_over(s->gather)) {
        assert_ok(gcr_gather_look(s->gather));
        nap(50);
    }
    assert_ok(gcr_comm_send(&end, ranks, 0, TAG_ENDED, NULL, 0));
    while (!is_sent) {
        assert_ok(gcr_comm_is_sent(&is_sent, ranks, &end));
        nap(50);
    }
}

static void run_scene(scene *s)
{
    part parts[WORKERS];

    start_workers(s, parts);
    if (rank == 0)
        look_at_rank_0(s);
    else if (gcr_comm_info_of(ranks)->node_rank == 0)
        look_at_leader(s);
    join_workers(s);
    assert_int_equal(atomic_load(&s->failures), 0);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
}

/* ---- what must be ---------------------------------------------------------------------------- */

static void assert_cells(const scene *s)
{
    for (uint64_t cell = 0; cell < (uint64_t)(s->dataset_count * s->point_count); cell++) {
        double first, second[2];
        uint8_t state;

        compute(&first, second, &state, cell);
        if (!gcr_point_is_live(gcr_points_table(s->points), cell % (uint64_t)s->point_count)) {
            assert_int_equal(s->slots->state[cell], GCR_CELL_EXCLUDED);
            continue;
        }
        assert_int_equal(s->slots->state[cell], state);
        assert_memory_equal(&s->slots->values[0][cell], &first, sizeof first);
        assert_memory_equal(&s->slots->values[1][2 * cell], second, sizeof second);
        assert_int_equal(s->slots->jitter_step[cell], cell % 3);
    }
}

/* What one process says of all cells. */
static void assert_summaries(scene *s)
{
    const uint64_t points = (uint64_t)s->point_count;

    for (uint64_t d = 0; d < (uint64_t)s->dataset_count; d++) {
        gcr_summary_value got[3], top[5];
        gcr_failed_cell failed[GCR_PARTIAL_FAILURES];
        const gcr_failed_cell *list;
        const int failures = gcr_summaries_failed(s->summaries, d, &list);

        memcpy(failed, list, (size_t)failures * sizeof *failed);
        for (int i = 0; i < 5; i++)
            top[i] = gcr_summaries_top(s->summaries, d, i);
        for (int i = 0; i < 3; i++)
            got[i] = gcr_summaries_get(s->summaries, d, i);
        for (uint64_t first = 0; first < points; first += GCR_PARTIAL_POINTS)
            (void)reduce_cells(s, s->summaries, 0, d, first,
                               first + GCR_PARTIAL_POINTS < points ? first + GCR_PARTIAL_POINTS
                                                                   : points);
        gcr_summaries_fire(s->summaries, d, 0);
        for (int i = 0; i < 3; i++) {
            const gcr_summary_value want = gcr_summaries_get(s->summaries, d, i);

            assert_memory_equal(&got[i], &want, sizeof want);
        }
        for (int i = 0; i < 5; i++) {
            const gcr_summary_value want = gcr_summaries_top(s->summaries, d, i);

            assert_memory_equal(&top[i], &want, sizeof want);
        }
        assert_int_equal(gcr_summaries_failed(s->summaries, d, &list), failures);
        for (int i = 0; i < failures; i++)
            assert_int_equal(list[i].point, failed[i].point);
    }
}

/* At rank 0. What its own workers have landed is not among the totals. */
static void assert_all_is_there(scene *s)
{
    const gcr_gather_totals totals = gcr_gather_totals_of(s->gather);
    uint64_t completed = 0;

    for (int d = 0; d < s->dataset_count; d++) {
        assert_int_equal(atomic_load(&s->completed[d]), 1);
        assert_int_equal(atomic_load(&s->slots->missing[d]), 0);
        completed++;
    }
    assert_true(totals.datasets <= completed);
    assert_true(totals.cost == (double)totals.landed);
    assert_int_equal(totals.duplicates, 0);
    assert_int_equal(totals.messages > 0, gcr_comm_info_of(ranks)->node_count > 1);
    if (s->by_blocks)
        assert_summaries(s);
    else
        assert_cells(s);
}

static void run_and_check(int datasets, int points, const char *where, int by_blocks, int is_lazy)
{
    scene s;

    open_scene(&s, datasets, points, where, by_blocks);
    s.is_lazy = is_lazy;
    run_scene(&s);
    if (rank == 0)
        assert_all_is_there(&s);
    if (gcr_comm_info_of(ranks)->node_rank > 0) /* messages grow with nodes, not with ranks */
        assert_int_equal(gcr_gather_totals_of(s.gather).messages, 0);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    close_scene(&s);
}

static void test_cells_of_all_ranks_stand_in_the_slots_of_rank_0(void **state)
{
    (void)state;
    run_and_check(5, 20000, NULL, 0, 0);
    run_and_check(3, 20001, "a % 3 != 1 and (a < 500 or a > 9000)", 0, 0);
    run_and_check(8, 1, NULL, 0, 0); /* fewer cells than workers */
}

static void test_tallies_of_all_ranks_give_the_bits_of_one_process(void **state)
{
    (void)state;
    run_and_check(3, 60000, NULL, 1, 0);
    run_and_check(2, 50001, "a % 5 != 2", 1, 0);
}

static void test_a_rank_0_that_looks_seldom_gets_all_the_same(void **state)
{
    (void)state;
    run_and_check(2, 30000, NULL, 0, 1);
}

/* The slots that a node has for them are never written. */
static void test_results_of_another_node_take_no_memory_there(void **state)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);
    struct stat about;
    scene s;

    (void)state;
    open_scene(&s, 4, 100000, NULL, 0);
    run_scene(&s);
    if (info->node > 0 && s.memory.file >= 0) {
        assert_int_equal(fstat(s.memory.file, &about), 0);
        assert_int_equal(about.st_blocks, 0);
    }
    close_scene(&s);
}

/* Rank 0 has failed: workers of other ranks do not wait for it, and messages are dropped. */
/* But for some ends of rings. */
static void test_a_plan_is_told_what_it_takes(void **state)
{
    const gcr_comm_info *info = gcr_comm_info_of(ranks);

    (void)state;
    for (int by_blocks = 0; by_blocks < 2 && rank_count > 1; by_blocks++) {
        uint64_t before, one, most, taken;
        scene s;

        open_scene(&s, 2, 1000, NULL, by_blocks);
        gcr_gather_destroy(s.gather);
        before = gcr_memory_live_bytes();
        const gcr_gather_spec spec = describe_gather(&s, 0);

        assert_ok(gcr_comm_agree(ranks, gcr_gather_create(&s.gather, &spec)));
        one = by_blocks ? gcr_summaries_packed_bytes(s.summaries) : 3 * sizeof(double) + 2;
        most = rank > 0 ? gcr_gather_rings(s.gather)[0].most : by_blocks ? one : 0;
        taken = gcr_memory_live_bytes() - before + gcr_landing_bytes(WORKERS, most);
        assert_true(info->node == 0 || info->node_rank > 0 || taken > 4 << 19);
        assert_near((double)gcr_gather_bytes(info, WORKERS, by_blocks, one), (double)taken, 4096);
        close_scene(&s);
    }
}

static void test_workers_are_released_where_a_leader_gives_up(void **state)
{
    const int is_leader = gcr_comm_info_of(ranks)->node_rank == 0;
    part parts[WORKERS];
    scene s;

    (void)state;
    open_scene(&s, 2, 200000, NULL, 0);
    start_workers(&s, parts);
    nap(2000);
    if (is_leader)
        gcr_gather_give_up(s.gather);
    join_workers(&s);
    if (is_leader)
        assert_true(gcr_gather_is_over(s.gather));
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    close_scene(&s);
}

/* Rank 1 says what is not so; alone, rank 0 says it to itself. */
static void test_messages_that_are_no_packets_are_refused(void **state)
{
    gcr_landing lies[4];
    scene s;

    (void)state;
    open_scene(&s, 2, 1000, NULL, 0);
    for (int i = 0; i < 4; i++)
        lies[i] = (gcr_landing){ .dataset = 1, .first = 5, .count = 1, .live = 1, .bytes = 26 };
    lies[1].dataset = 2;
    lies[2].bytes = 25;
    lies[3].count = 2;
    for (int i = 0; i < 4; i++) {
        gcr_message message = { .bytes = &lies[i], .count = sizeof lies[i] };

        if (rank == 0)
            assert_status(gcr_gather_take(s.gather, &message), GCR_EIO);
        message.count = 17;
        if (rank == 0)
            assert_status(gcr_gather_take(s.gather, &message), GCR_EIO);
    }
    assert_int_equal(gcr_gather_totals_of(s.gather).landed, 0);
    close_scene(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_cells_of_all_ranks_stand_in_the_slots_of_rank_0),
        RANK_TEST(test_tallies_of_all_ranks_give_the_bits_of_one_process),
        RANK_TEST(test_a_rank_0_that_looks_seldom_gets_all_the_same),
        RANK_TEST(test_results_of_another_node_take_no_memory_there),
        RANK_TEST(test_a_plan_is_told_what_it_takes),
        RANK_TEST(test_workers_are_released_where_a_leader_gives_up),
        RANK_TEST(test_messages_that_are_no_packets_are_refused),
    };
    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
