/*
 * bench/bench_gather.c -- what does it cost to have the results of two ranks at one?
 *
 * 10^7 results of one number and a state, half of them computed by rank 0 and half by another rank,
 * in stretches of 1000 points in turn. Time goes from "each rank has its numbers and states in an
 * array, as a batch of a run has them" to "rank 0 has each at its key, and has counted it". The
 * other rank is one of the same node, and one of another (ranks.h; if that one only believes to be
 * there the network is memory all the same). Rivals: MPI_Gatherv of (key, value) pairs, and a
 * message for each result, on a hundredth of them. What stands in the table of each side is
 * checked.
 */
#include "exec/gather.h"
#include "exec/teller.h"

#include "ranks.h"
#include "rival_gather.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/pool.h"
#include "comm/comm.h"

#include "gridcrunch/cell.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

enum {
    DATASETS = 10,
    POINTS = 1000000,
    STRETCH = 1000,
    STRETCH_BYTES = STRETCH * 9,
    SAMPLED = 100,
    TAG_PACKET = 1,
    TAG_END = 2
};

static const uint64_t cell_count = (uint64_t)DATASETS * POINTS;

/* A pair of ranks, 0 and another, and what the case needs. */
typedef struct pair {
    gcr_comm *comm;
    int rank, other; /* within the pair; of all ranks */
    gcr_points *points;
    gcr_slots_spec spec;
    gcr_shared memory;
    gcr_slots *slots;
    gcr_gather *gather;
    gcr_pool *pool;
    gcr_teller teller; /* of another rank's worker */
    char *mine;    /* [stretches / 2] what this rank has computed, as a batch of a run has it: the
                    * numbers of a stretch, then its states */
    double beyond; /* bytes that rank 0 took beside the table, the most of all rounds     */
    atomic_int is_lost;
} pair;

static double value_of(uint64_t cell)
{
    return (double)cell * 0.5 + 1;
}

/* Of stretch number `index` of this rank. */
static double *numbers_of(const pair *p, uint64_t index)
{
    return (double *)(void *)(p->mine + index * STRETCH_BYTES);
}

/* ---- a round of ours ------------------------------------------------------------------------- */

static void complete(void *arg, uint64_t dataset)
{
    (void)arg;
    (void)dataset;
}

/* All are empty again. */
static gcr_status open_round(pair *p)
{
    gcr_status status = GCR_OK;
    const gcr_gather_spec spec = { .comm = p->comm,
                                   .points = p->points,
                                   .node_workers = gcr_comm_info_of(p->comm)->node_size,
                                   .first_worker = gcr_comm_info_of(p->comm)->node_rank,
                                   .workers = 1,
                                   .tag = TAG_PACKET,
                                   .on_complete = complete };
    gcr_gather_spec with_slots = spec;

    GCR_TRY(gcr_slots_create(&p->slots, &p->spec));
    if (p->rank == 0) {
        memset(p->slots->state, 0, cell_count);
        memset(p->slots->values[0], 0, cell_count * sizeof(double));
    }
    with_slots.slots = p->slots;
    GCR_TRY(gcr_gather_create(&p->gather, &with_slots));
    const gcr_teller_spec teller = {
        .ring = gcr_gather_rings(p->gather),
        .points = p->points,
        .slots = p->slots,
        .sends_cells = gcr_gather_sends_cells(gcr_comm_info_of(p->comm), 0),
    };

    gcr_teller_open(&p->teller, &teller);
out:
    return status;
}

static void close_round(pair *p)
{
    gcr_gather_destroy(p->gather);
    gcr_slots_destroy(p->slots);
    p->gather = NULL;
    p->slots = NULL;
}

/* What is computed gets its slots, on node 0; and is counted down, or told. */
static gcr_status land(pair *p, const gcr_records *from, const gcr_records_part *part)
{
    const gcr_landing landing = {
        .dataset = part->dataset, .first = part->first, .count = part->count, .live = part->count
    };
    const gcr_packing_source cells = { .records = from, .part = part };

    if (!p->teller.spec.sends_cells)
        gcr_records_keep(from, p->slots, gcr_points_table(p->points), part);
    if (p->rank == 0)
        (void)gcr_slots_land(p->slots, landing.dataset, landing.live);
    return gcr_teller_put(&p->teller, &landing, &cells);
}

static void work(void *arg, int worker)
{
    pair *p = arg;
    gcr_records from = { .base = p->mine, .points = STRETCH };
    gcr_status status = GCR_OK;

    (void)worker;
    for (uint64_t cell = (uint64_t)p->rank * STRETCH; status == GCR_OK && cell < cell_count;
         cell += 2 * STRETCH) {
        const gcr_records_part part = { .dataset = cell / POINTS,
                                        .first = cell % POINTS,
                                        .count = STRETCH };

        status = land(p, &from, &part);
        from.base += STRETCH_BYTES;
    }
    if (status == GCR_OK)
        status = gcr_teller_flush(&p->teller);
    gcr_teller_close(&p->teller);
    if (status != GCR_OK)
        atomic_store(&p->is_lost, 1);
}

static void rest(void)
{
    nanosleep(&(struct timespec){ .tv_nsec = 20000 }, NULL);
}

static gcr_status gather_at_rank_0(pair *p)
{
    gcr_status status = GCR_OK;
    int nodes = gcr_comm_info_of(p->comm)->node_count - 1, found;

    while (nodes > 0 || !gcr_gather_is_over(p->gather)) {
        gcr_message message;

        GCR_TRY(gcr_gather_look(p->gather));
        GCR_TRY(gcr_comm_look(&message, &found, p->comm));
        if (found && message.tag == TAG_END)
            nodes--;
        else if (found)
            GCR_TRY(gcr_gather_take(p->gather, &message));
        else
            rest();
    }
out:
    return status;
}

static gcr_status gather_at_leader(pair *p)
{
    gcr_status status = GCR_OK;
    gcr_send *end = NULL;
    int is_sent = 0;

    while (!gcr_gather_is_over(p->gather)) {
        GCR_TRY(gcr_gather_look(p->gather));
        rest();
    }
    GCR_TRY(gcr_comm_send(&end, p->comm, 0, TAG_END, NULL, 0));
    while (!is_sent) {
        GCR_TRY(gcr_comm_is_sent(&is_sent, p->comm, &end));
        rest();
    }
out:
    return status;
}

static gcr_status gather(pair *p)
{
    gcr_status status = GCR_OK;

    gcr_pool_start(p->pool, work, p);
    if (p->rank == 0)
        status = gather_at_rank_0(p);
    else if (gcr_comm_info_of(p->comm)->node_rank == 0)
        status = gather_at_leader(p);
    (void)gcr_pool_wait(p->pool, -1);
    if (status == GCR_OK && atomic_load(&p->is_lost))
        GCR_FAIL(GCR_EIO, "a worker could not tell what has landed");
out:
    return status;
}

/* ---- the sides ------------------------------------------------------------------------------- */

static gcr_status check(const pair *p, uint64_t step)
{
    gcr_status status = GCR_OK;

    for (uint64_t cell = 0; p->rank == 0 && cell < cell_count; cell += step)
        if (p->slots->values[0][cell] != value_of(cell) || p->slots->state[cell] != GCR_CELL_OK)
            GCR_FAIL(GCR_EDEVICE, "cell %lu is not there, or not what it was", (unsigned long)cell);
out:
    return status;
}

/* The peak of memory that this process has is from now on that from now on. */
static double reset_peak(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");

    if (file != NULL) {
        fputs("5", file);
        fclose(file);
    }
    return bench_own_bytes("VmHWM");
}

/* Waits until both are here: what is timed begins and ends at rank 0. */
static gcr_status meet(pair *p, gcr_status status)
{
    return gcr_comm_agree(p->comm, status);
}

static gcr_status run_ours(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    pair *p = arg;
    double begin, before, beyond;

    GCR_TRY(meet(p, open_round(p)));
    before = reset_peak();
    GCR_TRY(meet(p, GCR_OK)); /* that took rank 0 longer, and the other is not to be ahead */
    begin = gcr_clock_seconds();
    status = gather(p);
    *seconds_out = gcr_clock_seconds() - begin;
    beyond = bench_own_bytes("VmHWM") - before;
    p->beyond = beyond > p->beyond ? beyond : p->beyond;
    GCR_TRY(meet(p, status != GCR_OK ? status : check(p, 1)));
out:
    close_round(p);
    return status;
}

/* What this rank has as pairs, `count` of them: whole stretches. */
static void make_pairs(rival_pair *out, const pair *p, uint64_t count)
{
    for (uint64_t i = 0; i < count; i += STRETCH) {
        const uint64_t index = i / STRETCH, cell = (2 * index + (uint64_t)p->rank) * STRETCH;
        const double *const numbers = numbers_of(p, index);

        for (uint64_t k = 0; k < STRETCH; k++)
            out[i + k] = (rival_pair){ .key = cell + k, .value = numbers[k] };
    }
}

static rival_table table_of(const pair *p)
{
    return (rival_table){ .values = p->slots->values[0], .states = p->slots->state };
}

static gcr_status run_pairs(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    pair *p = arg;
    const uint64_t half = cell_count / 2;
    void *mine = NULL, *all = NULL;
    double begin;

    GCR_TRY(meet(p, gcr_memory_create(&mine, half, sizeof(rival_pair), "pairs")));
    GCR_TRY(meet(p, gcr_memory_create(&all, p->rank == 0 ? cell_count : 0, sizeof(rival_pair),
                                      "all pairs")));
    GCR_TRY(meet(p, open_round(p)));
    const rival_table table = table_of(p);

    begin = gcr_clock_seconds();
    make_pairs(mine, p, half);
    status = rival_gather_pairs(p->other, mine, (int)half, all, &table);
    *seconds_out = gcr_clock_seconds() - begin;
    GCR_TRY(meet(p, status != GCR_OK ? status : check(p, 1)));
out:
    close_round(p);
    gcr_memory_destroy(all);
    gcr_memory_destroy(mine);
    return status;
}

/* Of a hundredth of the other rank's, as long as all of them would take; rank 0 has its own. */
static gcr_status run_messages(void *arg, double *seconds_out)
{
    gcr_status status = GCR_OK;
    pair *p = arg;
    const uint64_t sampled = cell_count / 2 / SAMPLED;
    void *mine = NULL;
    double begin;

    GCR_TRY(meet(p, gcr_memory_create(&mine, sampled, sizeof(rival_pair), "pairs")));
    GCR_TRY(meet(p, open_round(p)));
    const rival_table table = table_of(p);

    make_pairs(mine, p, sampled);
    begin = gcr_clock_seconds();
    status = rival_gather_messages(p->other, mine, (int)sampled, &table);
    *seconds_out = (gcr_clock_seconds() - begin) * SAMPLED;
    for (uint64_t i = 0; status == GCR_OK && p->rank == 0 && i < sampled; i++) {
        const uint64_t cell = STRETCH + i / STRETCH * 2 * STRETCH + i % STRETCH;

        if (table.values[cell] != value_of(cell))
            status = gcr_fail_at(__FILE__, __LINE__, GCR_EDEVICE, "a message did not arrive");
    }
    GCR_TRY(meet(p, status));
out:
    close_round(p);
    gcr_memory_destroy(mine);
    return status;
}

/* ---- the program ----------------------------------------------------------------------------- */

static gcr_status open_points(gcr_points **out)
{
    double stop = POINTS;
    gcr_axis_spec axis = {
        .name = "a", .form = GCR_AXIS_RANGE, .numbers = &stop, .number_count = 1
    };
    const gcr_job job = { .axes = &axis, .axis_count = 1 };

    return gcr_points_create(out, &job);
}

static gcr_status open_pair(pair *p, gcr_comm *comm, int other)
{
    gcr_status status = GCR_OK;
    static const int64_t width[] = { 1 };
    const uint64_t stretches = cell_count / 2 / STRETCH;
    uint64_t bytes;

    *p = (pair){ .comm = comm, .rank = gcr_comm_info_of(comm)->rank, .other = other };
    GCR_TRY(open_points(&p->points));
    p->spec = (gcr_slots_spec){ .points = gcr_points_table(p->points),
                                .dataset_count = DATASETS,
                                .output_count = 1,
                                .width = width };
    GCR_TRY(gcr_slots_bytes(&bytes, &p->spec));
    GCR_TRY(gcr_comm_share(&p->memory, comm, bytes, 0, "the table"));
    p->spec.block = p->memory.base;
    GCR_TRY(gcr_pool_create(&p->pool, 1));
    GCR_TRY(gcr_memory_create((void **)&p->mine, stretches, STRETCH_BYTES, "results"));
    for (uint64_t i = 0; i < stretches; i++) {
        double *const numbers = numbers_of(p, i);
        const uint64_t cell = (2 * i + (uint64_t)p->rank) * STRETCH;

        for (uint64_t k = 0; k < STRETCH; k++)
            numbers[k] = value_of(cell + k);
        memset(numbers + STRETCH, GCR_CELL_OK, STRETCH);
    }
out:
    return status;
}

static void close_pair(pair *p)
{
    gcr_pool_destroy(p->pool);
    gcr_memory_destroy(p->mine);
    gcr_shared_clear(&p->memory);
    gcr_points_destroy(p->points);
    gcr_comm_close(p->comm);
}

static void report(bench *b, const char *where, bench_side *sides, const pair *p)
{
    const bench_spread beyond = { p->beyond, p->beyond, p->beyond };
    double ns[BENCH_ROUNDS_MAX];
    char over[64];

    for (int i = 0; i < b->rounds; i++)
        ns[i] = sides[0].seconds[i] / (double)cell_count * 1e9;
    bench_row(b, where, "each result", "ns", bench_spread_of(ns, b->rounds));
    bench_row(b, where, "memory of rank 0 beside the table", "bytes", beyond);
    for (int s = 1; s < 3; s++) {
        snprintf(over, sizeof over, "%s_%s", where, s == 1 ? "gatherv" : "message_each");
        bench_ratio_sides(b, over, &sides[s], &sides[0]);
    }
}

static gcr_status measure(bench *b, gcr_comm *all, int other, const char *where)
{
    gcr_status status = GCR_OK;
    const int members[] = { 0, other };
    bench_side sides[] = { { .what = "gridcrunch", .run = run_ours },
                           { .what = "MPI_Gatherv of pairs", .run = run_pairs },
                           { .what = "a message each", .run = run_messages } };
    gcr_comm *comm = NULL;
    pair p = { 0 };

    GCR_TRY(gcr_comm_select(&comm, all, members, 2));
    if (comm == NULL)
        goto out; /* not one of the two */
    for (int s = 0; s < 3; s++)
        sides[s].arg = &p;
    GCR_TRY(meet(&(pair){ .comm = comm }, open_pair(&p, comm, other)));
    GCR_TRY(bench_alternate(b, where, sides, 3));
    report(b, where, sides, &p);
out:
    close_pair(&p);
    return status;
}

int main(int argc, char **argv)
{
    return bench_ranks_main("gather", measure, (const char *[]){ NULL }, argc, argv);
}
