/* exec/schedule.c -- blocks of positions, one per worker, and how they are taken apart. */
#include "exec/schedule.h"

#include "base/check.h"
#include "base/memory.h"

#include <assert.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

enum {
    GUIDED_SHARE = 8, /* a guided batch is this part of what is left in the block        */
    STOCK_SHARE = 2,  /* from the stock a worker takes this part of what were fair to it */
    STOCK_SPANS = 8,
    SPINS = 64, /* until one who waits for a lock lets others run: its owner may be one of them */
};

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2,
               "processes share these atomics, which needs them to be free of locks");

/* What is left for one worker: begin .. end - 1. Its owner and thieves change it under the lock,
 * which is held for a few instructions; others may read a stale size. One cache line each. */
typedef struct block {
    _Alignas(GCR_ALIGNMENT) atomic_flag lock;
    _Atomic uint64_t begin, end;
    _Atomic uint64_t taken_first, taken, want; /* what its worker has in hand, and asked for last */
    double weight;                             /* of the worker, as a share of the node's         */
} block;

/* What has been granted to the node and to none of its workers; the front is taken first. A
 * worker's lock may be taken inside this one, not the other way round. */
typedef struct stock {
    _Alignas(GCR_ALIGNMENT) atomic_flag lock;
    atomic_int count;
    gcr_span spans[STOCK_SPANS];
} stock;

/* Stands in memory that is shared: no addresses. All read its first line whenever they take; it is
 * written when something of it changes, and not else. */
typedef struct shared {
    _Alignas(GCR_ALIGNMENT) atomic_int is_stopped; /* once                                    */
    atomic_int is_closed;                          /* once                                    */
    atomic_int is_low;                             /* near the end of what has been granted   */
    stock stock;
    block blocks[]; /* [workers] */
} shared;

struct gcr_schedule {
    gcr_schedule_spec spec;
    shared *shared;
    void *memory; /* what shared stands in, where it is the schedule's own */
};

static int try_lock(atomic_flag *flag)
{
    return !atomic_flag_test_and_set_explicit(flag, memory_order_acquire);
}

/* Apart from lock(), which is a few instructions where nobody is in the way. */
static void wait_for_lock(atomic_flag *flag)
{
    for (int spins = 0; !try_lock(flag); spins++) {
        if (spins >= SPINS)
            sched_yield();
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
}

static void lock(atomic_flag *flag)
{
    if (!try_lock(flag))
        wait_for_lock(flag);
}

static void unlock(atomic_flag *flag)
{
    atomic_flag_clear_explicit(flag, memory_order_release);
}

static uint64_t get(const _Atomic uint64_t *value)
{
    return atomic_load_explicit(value, memory_order_relaxed);
}

static void put(_Atomic uint64_t *value, uint64_t to)
{
    atomic_store_explicit(value, to, memory_order_relaxed);
}

static uint64_t min_u64(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static int is_static(const gcr_schedule_spec *spec)
{
    return spec->form == GCR_SCHEDULE_STATIC;
}

/* True where who computes what is a formula of numbers, and never changes. */
static int is_formula(const gcr_schedule_spec *spec)
{
    return is_static(spec) || spec->form == GCR_SCHEDULE_CYCLIC;
}

/* Of those that share first .. first + count - 1: all nodes' where that is a matter of formulas. */
static int count_sharing(const gcr_schedule_spec *spec)
{
    return is_formula(spec) && spec->all_workers > 0 ? spec->all_workers : spec->workers;
}

static uint64_t equal_part(const gcr_schedule_spec *spec, int worker)
{
    const uint64_t workers = (uint64_t)count_sharing(spec), w = (uint64_t)worker;
    const uint64_t longer = spec->count % workers;

    return w * (spec->count / workers) + (w < longer ? w : longer);
}

static uint64_t weighted_part(const gcr_schedule_spec *spec, int worker)
{
    const int workers = count_sharing(spec);
    double before = 0.0, all = 0.0;

    if (worker == workers)
        return spec->count;
    for (int w = 0; w < workers; w++) {
        before += w < worker ? spec->weights[w] : 0.0;
        all += spec->weights[w];
    }
    return min_u64((uint64_t)((double)spec->count * (before / all)), spec->count);
}

/* Where block `worker` begins, counted from the first position of all. Blocks that may be stolen
 * from begin at the edge of a dataset if there are enough of them: the balance comes later, and no
 * dataset is in work at two ends from the start. */
static uint64_t block_begin(const gcr_schedule_spec *spec, int worker)
{
    const int workers = count_sharing(spec);
    const uint64_t begin = spec->first + (spec->weights == NULL ? equal_part(spec, worker)
                                                                : weighted_part(spec, worker));
    const int aligns = !is_static(spec) && spec->count / spec->live_count >= (uint64_t)workers;

    if (!aligns || worker == 0 || worker == workers)
        return begin;
    return max_u64(spec->first, begin - begin % spec->live_count);
}

gcr_span gcr_schedule_block(const gcr_schedule_spec *spec, int worker)
{
    const int number = is_static(spec) ? spec->first_worker + worker : worker;
    const uint64_t begin = block_begin(spec, number);

    if (spec->form == GCR_SCHEDULE_CYCLIC)
        return (gcr_span){ .first = spec->first, .count = spec->count };
    return (gcr_span){ .first = begin, .count = block_begin(spec, number + 1) - begin };
}

static double weight_of(const gcr_schedule_spec *spec, int worker)
{
    double all = 0.0;

    if (spec->weights == NULL)
        return 1.0 / spec->workers;
    for (int w = 0; w < spec->workers; w++)
        all += spec->weights[w];
    return spec->weights[worker] / all;
}

/* True where positions begin in the stock: blocks of so many would be of very different cost. */
static int begins_in_stock(const gcr_schedule_spec *spec)
{
    const gcr_span all = { .first = spec->first, .count = spec->count };

    return !is_formula(spec) && spec->costs != NULL && !gcr_costs_are_even(spec->costs, all);
}

static void put_block(const gcr_schedule *schedule, int worker)
{
    const gcr_schedule_spec *spec = &schedule->spec;
    const gcr_span span = gcr_schedule_block(spec, worker);
    block *b = &schedule->shared->blocks[worker];

    atomic_flag_clear(&b->lock);
    b->weight = is_formula(spec) ? 0.0 : weight_of(spec, worker);
    put(&b->begin, span.first);
    put(&b->end, span.first + span.count);
    put(&b->taken_first, span.first);
    put(&b->taken, 0);
    put(&b->want, 1);
    if (spec->form == GCR_SCHEDULE_CYCLIC) /* here a block counts batches: begin is the next */
        put(&b->begin, (uint64_t)spec->first_worker + (uint64_t)worker);
    else if (begins_in_stock(spec))
        put(&b->end, span.first);
}

static void fill(gcr_schedule *schedule)
{
    const gcr_schedule_spec *spec = &schedule->spec;
    shared *s = schedule->shared;

    atomic_store(&s->is_stopped, 0);
    atomic_store(&s->is_closed, !spec->is_fed);
    atomic_store(&s->is_low, 0);
    atomic_flag_clear(&s->stock.lock);
    atomic_store(&s->stock.count, 0);
    if (begins_in_stock(spec))
        (void)gcr_schedule_grant(schedule,
                                 (gcr_span){ .first = spec->first, .count = spec->count });
    for (int w = 0; w < spec->workers; w++)
        put_block(schedule, w);
}

uint64_t gcr_schedule_bytes(const gcr_schedule_spec *spec)
{
    return sizeof(shared) + (uint64_t)spec->workers * sizeof(block);
}

gcr_status gcr_schedule_attach(gcr_schedule **out, const gcr_schedule_spec *spec, void *memory)
{
    gcr_status status = GCR_OK;
    gcr_schedule *schedule = NULL;

    *out = NULL;
    schedule = calloc(1, sizeof *schedule);
    if (schedule == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a schedule");
    schedule->spec = *spec;
    schedule->spec.weights = NULL; /* borrowed for the call */
    schedule->shared = memory;
    *out = schedule;
out:
    return status;
}

gcr_status gcr_schedule_place(gcr_schedule **out, const gcr_schedule_spec *spec, void *memory)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_schedule_attach(out, spec, memory));
    (*out)->spec.weights = spec->weights;
    fill(*out);
    (*out)->spec.weights = NULL;
out:
    return status;
}

gcr_status gcr_schedule_create(gcr_schedule **out, const gcr_schedule_spec *spec)
{
    gcr_status status = GCR_OK;
    void *memory = NULL;

    *out = NULL;
    GCR_TRY(gcr_memory_create(&memory, 1, gcr_schedule_bytes(spec), "a schedule"));
    GCR_TRY(gcr_schedule_place(out, spec, memory));
    (*out)->memory = memory;
    memory = NULL;
out:
    gcr_memory_destroy(memory);
    return status;
}

void gcr_schedule_destroy(gcr_schedule *schedule)
{
    if (schedule == NULL)
        return;
    gcr_memory_destroy(schedule->memory);
    free(schedule);
}

static int next_cyclic(gcr_schedule *schedule, block *own, gcr_span *out)
{
    const gcr_schedule_spec *spec = &schedule->spec;
    const uint64_t turn = get(&own->begin);
    uint64_t first;

    if (__builtin_mul_overflow(turn, spec->batch, &first) || first >= spec->count)
        return 0;
    put(&own->begin, turn + (uint64_t)count_sharing(spec));
    *out = (gcr_span){ .first = spec->first + first,
                       .count = min_u64(spec->batch, spec->count - first) };
    return 1;
}

/* Takes what is wanted from the front of a block; false if it is empty. */
static int take_front(const gcr_schedule_spec *spec, block *own, uint64_t want, gcr_span *out)
{
    uint64_t begin, left;

    lock(&own->lock);
    begin = get(&own->begin);
    left = get(&own->end) - begin;
    if (spec->form == GCR_SCHEDULE_GUIDED && left / GUIDED_SHARE > want)
        want = left / GUIDED_SHARE;
    want = min_u64(want, left);
    put(&own->begin, begin + want);
    unlock(&own->lock);
    *out = (gcr_span){ .first = begin, .count = want };
    return want > 0;
}

/* Where a thief cuts begin .. end - 1, begin < end: at the edge of a dataset near the middle where
 * there is one inside, else in the middle; the thief gets at least one position. */
static uint64_t cut(const gcr_schedule_spec *spec, uint64_t begin, uint64_t end)
{
    const uint64_t middle = begin + (end - begin) / 2;
    const uint64_t edge = middle - middle % spec->live_count;

    if (edge > begin)
        return edge;
    if (spec->live_count < end - edge) /* the next edge lies inside too */
        return edge + spec->live_count;
    return middle;
}

static void note_low(gcr_schedule *schedule)
{
    atomic_int *is_low = &schedule->shared->is_low;

    if (schedule->spec.is_fed && !atomic_load_explicit(is_low, memory_order_relaxed))
        atomic_store_explicit(is_low, 1, memory_order_relaxed);
}

/* Moves the back half of the fullest other block to `own`, which is empty. False if all are. */
static int steal(gcr_schedule *schedule, block *own)
{
    const gcr_schedule_spec *spec = &schedule->spec;
    block *victim = NULL;
    uint64_t most = 0, begin, end, at;

    for (int w = 0; w < spec->workers; w++) {
        block *b = &schedule->shared->blocks[w];
        const uint64_t seen_begin = get(&b->begin), seen_end = get(&b->end);

        if (seen_end > seen_begin && seen_end - seen_begin > most) {
            most = seen_end - seen_begin;
            victim = b;
        }
    }
    if (victim == NULL)
        return 0;
    lock(&victim->lock);
    begin = get(&victim->begin);
    end = get(&victim->end);
    at = begin < end ? cut(spec, begin, end) : end;
    put(&victim->end, at);
    unlock(&victim->lock);
    /* between the two locks the loot is in nobody's block. The victim keeps the front, so another
     * thief still finds work there, unless the loot was one position and could not be shared */
    lock(&own->lock);
    put(&own->begin, at);
    put(&own->end, end);
    unlock(&own->lock);
    return 1;
}

/* ---- the stock ------------------------------------------------------------------------------- */

static double sum_stock(const gcr_schedule_spec *spec, const stock *from)
{
    double sum = 0.0;

    for (int i = 0; i < atomic_load_explicit(&from->count, memory_order_relaxed); i++)
        sum += gcr_costs_sum(spec->costs, from->spans[i]);
    return sum;
}

/* Moves a share of the stock to `own`, which is empty; false where there is none. */
static int take_share(gcr_schedule *schedule, block *own, uint64_t want)
{
    const gcr_schedule_spec *spec = &schedule->spec;
    stock *from = &schedule->shared->stock;
    gcr_span *front = &from->spans[0];
    uint64_t count = 0;

    if (atomic_load_explicit(&from->count, memory_order_relaxed) == 0)
        return 0;
    lock(&from->lock);
    if (atomic_load_explicit(&from->count, memory_order_relaxed) > 0) {
        const double share = sum_stock(spec, from) * own->weight / STOCK_SHARE;

        count = gcr_costs_cut(spec->costs, *front, share, want, spec->live_count);
        lock(&own->lock);
        put(&own->begin, front->first);
        put(&own->end, front->first + count);
        unlock(&own->lock);
        front->first += count;
        front->count -= count;
    }
    if (count > 0 && front->count == 0) {
        const int left = atomic_load_explicit(&from->count, memory_order_relaxed) - 1;

        for (int i = 0; i < left; i++)
            from->spans[i] = from->spans[i + 1];
        atomic_store_explicit(&from->count, left, memory_order_relaxed);
        if (left == 0)
            note_low(schedule);
    }
    unlock(&from->lock);
    return count > 0;
}

int gcr_schedule_grant(gcr_schedule *schedule, gcr_span span)
{
    stock *to = &schedule->shared->stock;
    int count, has_room;

    if (span.count == 0)
        return 1;
    lock(&to->lock);
    count = atomic_load_explicit(&to->count, memory_order_relaxed);
    has_room = count < STOCK_SPANS;
    if (has_room) {
        to->spans[count] = span;
        atomic_store_explicit(&to->count, count + 1, memory_order_relaxed);
    }
    unlock(&to->lock);
    return has_room;
}

void gcr_schedule_close(gcr_schedule *schedule)
{
    atomic_store_explicit(&schedule->shared->is_closed, 1, memory_order_release);
}

void gcr_schedule_stop(gcr_schedule *schedule)
{
    atomic_store_explicit(&schedule->shared->is_stopped, 1, memory_order_relaxed);
}

gcr_schedule_stand gcr_schedule_look(const gcr_schedule *schedule)
{
    const gcr_schedule_spec *spec = &schedule->spec;
    stock *from = &schedule->shared->stock;
    gcr_schedule_stand stand = { 0 };

    if (gcr_schedule_is_low(schedule))
        atomic_store_explicit(&schedule->shared->is_low, 0, memory_order_relaxed);
    lock(&from->lock);
    stand.left = sum_stock(spec, from);
    unlock(&from->lock);
    for (int w = 0; w < spec->workers; w++) {
        const block *b = &schedule->shared->blocks[w];
        const uint64_t begin = get(&b->begin), end = get(&b->end);
        const gcr_span taken = { .first = get(&b->taken_first), .count = get(&b->taken) };

        if (begin < end)
            stand.left += gcr_costs_sum(spec->costs, (gcr_span){ begin, end - begin });
        stand.in_hand += gcr_costs_sum(spec->costs, taken);
        stand.wants += get(&b->want);
        stand.idle_wants += taken.count == 0 ? get(&b->want) : 0;
    }
    return stand;
}

int gcr_schedule_is_low(const gcr_schedule *schedule)
{
    return atomic_load_explicit(&schedule->shared->is_low, memory_order_relaxed);
}

/* ---- what a worker asks ---------------------------------------------------------------------- */

/* For the leader of the node, if it has one that asks for more. */
static void note_taken(const gcr_schedule *schedule, block *own, uint64_t want,
                       const gcr_span *taken)
{
    if (!schedule->spec.is_fed)
        return;
    put(&own->want, want);
    put(&own->taken_first, taken->first);
    put(&own->taken, taken->count);
}

/* Where the worker's block is empty. Never inlined: what it needs would be saved at every take. */
__attribute__((noinline)) static gcr_schedule_answer refill(gcr_schedule *schedule, block *own,
                                                            uint64_t want, gcr_span *out)
{
    /* asked first: what was granted before it was closed is seen below */
    const int is_closed = atomic_load_explicit(&schedule->shared->is_closed, memory_order_acquire);

    do {
        if (take_share(schedule, own, want))
            continue;
        note_low(schedule);
        if (!steal(schedule, own))
            return is_closed ? GCR_SCHEDULE_NEVER : GCR_SCHEDULE_LATER;
    } while (!take_front(&schedule->spec, own, want, out));
    return GCR_SCHEDULE_NOW;
}

static gcr_schedule_answer next_shared(gcr_schedule *schedule, block *own, uint64_t want,
                                       gcr_span *out)
{
    gcr_schedule_answer answer = GCR_SCHEDULE_NOW;

    if (!take_front(&schedule->spec, own, want, out))
        answer = refill(schedule, own, want, out);
    note_taken(schedule, own, want, out); /* or nothing */
    return answer;
}

gcr_schedule_answer gcr_schedule_next(gcr_schedule *schedule, int worker, uint64_t want,
                                      gcr_span *out)
{
    block *own = &schedule->shared->blocks[worker];
    const gcr_schedule_spec *spec = &schedule->spec;
    int has_some;

    if (atomic_load_explicit(&schedule->shared->is_stopped, memory_order_relaxed))
        return GCR_SCHEDULE_NEVER;
    if (!is_formula(spec))
        return next_shared(schedule, own, want, out);
    has_some = spec->form == GCR_SCHEDULE_CYCLIC ? next_cyclic(schedule, own, out)
                                                 : take_front(spec, own, want, out);
    return has_some ? GCR_SCHEDULE_NOW : GCR_SCHEDULE_NEVER;
}
