/* exec/schedule.c -- blocks of positions, one per worker, and how they are taken apart. */
#include "exec/schedule.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { GUIDED_SHARE = 8 }; /* a guided batch is this part of what is left in the block */

/* What is left for one worker: begin .. end - 1. Its owner and thieves change it under the lock,
 * which is held for a few instructions; others may read a stale size. One cache line each. */
typedef struct block {
    _Alignas(GCR_ALIGNMENT) atomic_flag lock;
    _Atomic uint64_t begin, end;
} block;

struct gcr_schedule {
    gcr_schedule_spec spec;
    block *blocks; /* [workers] */
};

static void lock_block(block *b)
{
    while (atomic_flag_test_and_set_explicit(&b->lock, memory_order_acquire))
#if defined(__x86_64__)
        __builtin_ia32_pause();
#else
        ;
#endif
}

static void unlock_block(block *b)
{
    atomic_flag_clear_explicit(&b->lock, memory_order_release);
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

static uint64_t equal_part(const gcr_schedule_spec *spec, int worker)
{
    const uint64_t workers = (uint64_t)spec->workers, w = (uint64_t)worker;
    const uint64_t longer = spec->count % workers;

    return w * (spec->count / workers) + (w < longer ? w : longer);
}

static uint64_t weighted_part(const gcr_schedule_spec *spec, int worker)
{
    double before = 0.0, all = 0.0;

    if (worker == spec->workers)
        return spec->count;
    for (int w = 0; w < spec->workers; w++) {
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
    const uint64_t workers = (uint64_t)spec->workers;
    const uint64_t begin = spec->first + (spec->weights == NULL ? equal_part(spec, worker)
                                                                : weighted_part(spec, worker));
    const int aligns = !is_static(spec) && spec->count / spec->live_count >= workers;

    if (!aligns || worker == 0 || worker == spec->workers)
        return begin;
    return max_u64(spec->first, begin - begin % spec->live_count);
}

gcr_span gcr_schedule_block(const gcr_schedule_spec *spec, int worker)
{
    const uint64_t begin = block_begin(spec, worker);

    if (spec->form == GCR_SCHEDULE_CYCLIC)
        return (gcr_span){ .first = spec->first, .count = spec->count };
    return (gcr_span){ .first = begin, .count = block_begin(spec, worker + 1) - begin };
}

gcr_status gcr_schedule_create(gcr_schedule **out, const gcr_schedule_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_schedule *schedule = NULL;

    *out = NULL;
    schedule = calloc(1, sizeof *schedule);
    if (schedule == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a schedule");
    schedule->spec = *spec;
    schedule->spec.weights = NULL; /* borrowed for the call */
    GCR_TRY(gcr_memory_create((void **)&schedule->blocks, (uint64_t)spec->workers, sizeof(block),
                              "a schedule"));
    for (int w = 0; w < spec->workers; w++) {
        block *b = &schedule->blocks[w];

        atomic_flag_clear(&b->lock);
        put(&b->begin, block_begin(spec, w));
        put(&b->end, block_begin(spec, w + 1));
        if (spec->form == GCR_SCHEDULE_CYCLIC) /* here a block counts batches: begin is the next */
            put(&b->begin, (uint64_t)w);
    }
    *out = schedule;
    schedule = NULL;
out:
    gcr_schedule_destroy(schedule);
    return status;
}

void gcr_schedule_destroy(gcr_schedule *schedule)
{
    if (schedule == NULL)
        return;
    gcr_memory_destroy(schedule->blocks);
    free(schedule);
}

static int next_cyclic(gcr_schedule *schedule, block *own, gcr_span *out)
{
    const gcr_schedule_spec *spec = &schedule->spec;
    const uint64_t turn = get(&own->begin);
    uint64_t first;

    if (__builtin_mul_overflow(turn, spec->batch, &first) || first >= spec->count)
        return 0;
    put(&own->begin, turn + (uint64_t)spec->workers);
    *out = (gcr_span){ .first = spec->first + first,
                       .count = min_u64(spec->batch, spec->count - first) };
    return 1;
}

/* Takes what is wanted from the front of a block; false if it is empty. */
static int take_front(const gcr_schedule_spec *spec, block *own, uint64_t want, gcr_span *out)
{
    uint64_t begin, left;

    lock_block(own);
    begin = get(&own->begin);
    left = get(&own->end) - begin;
    if (spec->form == GCR_SCHEDULE_GUIDED && left / GUIDED_SHARE > want)
        want = left / GUIDED_SHARE;
    want = min_u64(want, left);
    put(&own->begin, begin + want);
    unlock_block(own);
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

/* Moves the back half of the fullest other block to `own`, which is empty. False if all are. */
static int steal(gcr_schedule *schedule, block *own)
{
    const gcr_schedule_spec *spec = &schedule->spec;
    block *victim = NULL;
    uint64_t most = 0, begin, end, at;

    for (int w = 0; w < spec->workers; w++) {
        block *b = &schedule->blocks[w];
        const uint64_t seen_begin = get(&b->begin), seen_end = get(&b->end);

        if (seen_end > seen_begin && seen_end - seen_begin > most) {
            most = seen_end - seen_begin;
            victim = b;
        }
    }
    if (victim == NULL)
        return 0;
    lock_block(victim);
    begin = get(&victim->begin);
    end = get(&victim->end);
    at = begin < end ? cut(spec, begin, end) : end;
    put(&victim->end, at);
    unlock_block(victim);
    /* between the two locks the loot is in nobody's block. The victim keeps the front, so another
     * thief still finds work there, unless the loot was one position and could not be shared */
    lock_block(own);
    put(&own->begin, at);
    put(&own->end, end);
    unlock_block(own);
    return 1;
}

int gcr_schedule_next(gcr_schedule *schedule, int worker, uint64_t want, gcr_span *out)
{
    block *own = &schedule->blocks[worker];

    if (schedule->spec.form == GCR_SCHEDULE_CYCLIC)
        return next_cyclic(schedule, own, out);
    if (is_static(&schedule->spec))
        return take_front(&schedule->spec, own, want, out);
    while (!take_front(&schedule->spec, own, want, out))
        if (!steal(schedule, own))
            return 0;
    return 1;
}
