/* exec/residency.c -- one entry per dataset, brought up by whoever comes first. */
#include "exec/residency.h"

#include "base/check.h"
#include "base/memory.h"
#include "exec/values.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

typedef enum standing {
    STANDS_NOWHERE,
    STANDS_READY,
    STANDS_FAILED,
} standing;

typedef struct entry entry;

struct entry {
    _Atomic int standing; /* written under the lock; READY may be read without it */
    int is_coming;        /* under the lock: somebody is bringing it              */
    gcr_status status;    /* of who tried to bring it, with the sentence; under the lock */
    char *sentence;
    gcr_resident resident;
    /* x, then y, in single precision; NULL where the unit reads doubles, or the device has its
     * own */
    float *narrow;
    /* x and y where the device does not share memory, then what is prepared of them and its fault.
     * One buffer: each takes calls to open, to wait for and to close. */
    gcr_buf *block;
    uint64_t prepared_at; /* of the block, where what is prepared begins */

    /* Under the lock, on a device with memory of its own; `holders` also where datasets are let
     * go. */
    int holders;           /* tiles that need it: it may not leave; there, workers at it, too */
    int is_idle;           /* all that used it has been seen to end                          */
    int is_given_up;       /* by a batch that may have used it, and none has landed since    */
    int is_listed;         /* among those that have a block ...                              */
    entry *before, *after; /* ... in the order in which they came up */
};

struct gcr_residency {
    gcr_residency_spec spec;
    entry *entries; /* [datasets->count] */
    entry *first, *last;
    uint64_t bytes; /* of their blocks */
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

gcr_status gcr_residency_create(gcr_residency **out, const gcr_residency_spec *spec)
{
    gcr_status status = GCR_OK;
    gcr_residency *residency = NULL;

    *out = NULL;
    residency = calloc(1, sizeof *residency);
    if (residency == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the residency of datasets");
    residency->spec = *spec;
    pthread_mutex_init(&residency->lock, NULL);
    pthread_cond_init(&residency->changed, NULL);
    GCR_TRY(gcr_memory_create((void **)&residency->entries, spec->datasets->count, sizeof(entry),
                              "the residency of datasets"));
    *out = residency;
    residency = NULL;
out:
    gcr_residency_destroy(residency);
    return status;
}

static int is_far(const gcr_residency *residency)
{
    return !residency->spec.program->device->info.shares_memory;
}

static void clear(entry *e, void (*close)(gcr_buf *buf))
{
    close(e->block);
    gcr_memory_destroy(e->narrow);
    e->block = NULL;
    e->narrow = NULL;
}

/* Puts an entry that has got a block behind the others. Under the lock. */
static void list(gcr_residency *residency, entry *e)
{
    e->before = residency->last;
    e->after = NULL;
    *(e->before != NULL ? &e->before->after : &residency->first) = e;
    residency->last = e;
    residency->bytes += e->block->bytes;
    e->is_listed = 1;
}

/* Under the lock. */
static void unlist(gcr_residency *residency, entry *e)
{
    *(e->before != NULL ? &e->before->after : &residency->first) = e->after;
    *(e->after != NULL ? &e->after->before : &residency->last) = e->before;
    residency->bytes -= e->block->bytes;
    e->is_listed = 0;
}

/* Frees what an entry has. Under the lock. */
static void drop(gcr_residency *residency, entry *e, void (*close)(gcr_buf *buf))
{
    if (e->is_listed)
        unlist(residency, e);
    clear(e, close);
}

void gcr_residency_release(gcr_residency *residency, uint64_t dataset)
{
    entry *e = &residency->entries[dataset];

    pthread_mutex_lock(&residency->lock);
    drop(residency, e, e->is_given_up ? gcr_buf_close : gcr_buf_close_idle);
    pthread_mutex_unlock(&residency->lock);
}

void gcr_residency_destroy(gcr_residency *residency)
{
    if (residency == NULL)
        return;
    for (uint64_t d = 0; residency->entries != NULL && d < residency->spec.datasets->count; d++) {
        clear(&residency->entries[d], gcr_buf_close); /* a run that failed may still be at it */
        free(residency->entries[d].sentence);
    }
    gcr_memory_destroy(residency->entries);
    pthread_cond_destroy(&residency->changed);
    pthread_mutex_destroy(&residency->lock);
    free(residency);
}

uint64_t gcr_residency_bytes(uint64_t dataset_count)
{
    return dataset_count * sizeof(entry);
}

uint64_t gcr_residency_narrow_bytes(const gcr_unit *unit, const gcr_dataset *dataset)
{
    return unit->scalar == GCR_F32 ? gcr_dataset_bytes(dataset) / sizeof(double) * sizeof(float)
                                   : 0;
}

gcr_status gcr_residency_fill(gcr_residency *residency, gcr_queue *queue, uint64_t dataset,
                              uint64_t offset, uint64_t bytes)
{
    const gcr_scalar scalar = residency->spec.program->unit->scalar;
    const uint64_t value_bytes = gcr_scalar_bytes(scalar);
    const gcr_values values = gcr_values_find(&residency->spec.datasets->items[dataset],
                                              offset / value_bytes, bytes / value_bytes);

    return gcr_values_upload(queue, residency->entries[dataset].block, offset, &values, scalar);
}

uint64_t gcr_prepared_bytes(const gcr_unit *unit, const gcr_shape *shape)
{
    if (unit->prepare == NULL || unit->kernel->prepared_count == NULL)
        return 0;
    return (uint64_t)unit->kernel->prepared_count(shape) * gcr_scalar_bytes(unit->scalar) +
           sizeof(int32_t);
}

/* Of a dataset and what is prepared of it, which begins at *at. */
static uint64_t block_bytes(uint64_t *at, uint64_t data_bytes, uint64_t prepared_bytes,
                            uint64_t alignment)
{
    *at = (data_bytes + alignment - 1) / alignment * alignment;
    return prepared_bytes > 0 ? *at + prepared_bytes : data_bytes;
}

static uint64_t data_bytes_of(const gcr_unit *unit, const gcr_dataset *dataset)
{
    return gcr_dataset_bytes(dataset) / sizeof(double) * gcr_scalar_bytes(unit->scalar);
}

uint64_t gcr_residency_device_bytes(const gcr_unit *unit, const int64_t *option,
                                    const gcr_dataset *dataset, uint64_t alignment)
{
    const gcr_shape shape = { .rows = dataset->rows,
                              .features = dataset->features,
                              .option = option };
    uint64_t at;

    return block_bytes(&at, data_bytes_of(unit, dataset), gcr_prepared_bytes(unit, &shape),
                       alignment);
}

static gcr_status prepare(entry *e, gcr_residency *residency, gcr_queue *queue)
{
    gcr_status status = GCR_OK;
    char *base = (char *)e->block->base;
    gcr_prepare_args args = { .data = e->resident.data,
                              .prepared = base + e->prepared_at,
                              .fault = (int32_t *)(void *)(base + e->block->bytes) - 1 };

    GCR_TRY(gcr_prepare(queue, residency->spec.program, &args));
    e->resident.prepared = args.prepared;
    e->resident.fault = args.fault;
out:
    return status;
}

/* Opens the block of a dataset, of which data_bytes are its values. */
static gcr_status open_block(entry *e, const gcr_residency *residency, uint64_t data_bytes)
{
    gcr_status status = GCR_OK;
    const gcr_program *program = residency->spec.program;
    const gcr_shape shape = { .rows = e->resident.data.rows,
                              .features = e->resident.data.features,
                              .option = residency->spec.option };
    const uint64_t prepared_bytes = gcr_prepared_bytes(program->unit, &shape);
    const uint64_t bytes =
        block_bytes(&e->prepared_at, data_bytes, prepared_bytes, program->device->info.alignment);

    if (bytes > 0)
        GCR_TRY(gcr_buf_open(&e->block, program->device, GCR_PLACE_DEVICE, bytes));
out:
    return status;
}

/* Whether the device makes the numbers itself, the same to the last bit. */
static int is_made_there(const gcr_device *device, const gcr_dataset *dataset)
{
    return !device->info.shares_memory && dataset->recipe != NULL && gcr_can_generate(device) &&
           (dataset->x_scale == NULL || dataset->features <= GCR_STANDARD_FEATURES_MAX);
}

uint64_t gcr_residency_up_bytes(const gcr_device *device, const gcr_unit *unit,
                                const gcr_dataset *dataset)
{
    if (device->info.shares_memory || is_made_there(device, dataset))
        return 0;
    return data_bytes_of(unit, dataset);
}

static gcr_standard standard_of(const gcr_dataset *dataset)
{
    gcr_standard standard = { .y_mean = dataset->y_mean, .y_scale = dataset->y_scale };

    for (int64_t f = 0; f < dataset->features && dataset->x_scale != NULL; f++) {
        standard.x_mean[f] = dataset->x_mean[f];
        standard.x_scale[f] = dataset->x_scale[f];
    }
    return standard;
}

/* What is known of a dataset before its values are anywhere. */
static void describe(entry *e, const gcr_dataset *dataset)
{
    e->resident.data = (gcr_view){ .rows = dataset->rows, .features = dataset->features };
    for (int i = 0; i < 4; i++)
        e->resident.data.identity[i] = dataset->identity[i];
}

/* Where y begins in a block of the device's own memory; x stands at its front. */
static uint64_t x_bytes_of(const gcr_unit *unit, const gcr_dataset *dataset)
{
    return (uint64_t)dataset->rows * (uint64_t)dataset->features * gcr_scalar_bytes(unit->scalar);
}

static gcr_status open_far(entry *e, const gcr_residency *residency, const gcr_dataset *dataset)
{
    gcr_status status = GCR_OK;
    const gcr_unit *unit = residency->spec.program->unit;
    const uint64_t x_bytes = x_bytes_of(unit, dataset);
    const uint64_t data_bytes = data_bytes_of(unit, dataset);

    describe(e, dataset);
    GCR_TRY(open_block(e, residency, data_bytes));
    if (x_bytes > 0)
        e->resident.data.x = e->block->base;
    if (data_bytes > x_bytes)
        e->resident.data.y = (char *)e->block->base + x_bytes;
out:
    return status;
}

/* In place of an upload. */
static gcr_status generate(const entry *e, gcr_queue *queue, const gcr_unit *unit,
                           const gcr_dataset *dataset)
{
    const gcr_generate_args args = { .recipe = *dataset->recipe,
                                     .standard = standard_of(dataset),
                                     .scalar = unit->scalar,
                                     .x = e->block->base,
                                     .y = (char *)e->block->base + x_bytes_of(unit, dataset) };

    return gcr_generate(queue, &args);
}

/* Unless it has been placed, and its values have come. */
static gcr_status bring_far(gcr_residency *residency, gcr_queue *queue, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    const gcr_dataset *source = &residency->spec.datasets->items[dataset];
    const gcr_unit *unit = residency->spec.program->unit;
    entry *e = &residency->entries[dataset];

    if (e->block != NULL)
        goto out;
    GCR_TRY(open_far(e, residency, source));
    if (is_made_there(queue->device, source))
        GCR_TRY(generate(e, queue, unit, source));
    else
        GCR_TRY(gcr_residency_fill(residency, queue, dataset, 0, data_bytes_of(unit, source)));
out:
    return status;
}

/* Where the device shares the host's memory: the dataset's own values, or a copy of them as
 * floats. */
static gcr_status bring_near(gcr_residency *residency, gcr_queue *queue, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    const gcr_dataset *source = &residency->spec.datasets->items[dataset];
    const gcr_unit *unit = residency->spec.program->unit;
    entry *e = &residency->entries[dataset];
    const gcr_values all = gcr_values_find(source, 0, gcr_dataset_bytes(source) / sizeof(double));

    describe(e, source);
    GCR_TRY(open_block(e, residency, 0));
    e->resident.data.x = source->x;
    e->resident.data.y = source->y;
    if (unit->scalar == GCR_F32 && all.x_count + all.y_count > 0) {
        GCR_TRY(gcr_values_narrow(&e->narrow, &all));
        e->resident.data.x = all.x_count > 0 ? e->narrow : NULL;
        e->resident.data.y = all.y_count > 0 ? e->narrow + all.x_count : NULL;
    }
    gcr_share(queue, data_bytes_of(unit, source));
out:
    return status;
}

/* Brings a dataset to the device and prepares it. */
static gcr_status bring(gcr_residency *residency, gcr_queue *queue, uint64_t dataset)
{
    gcr_status status = GCR_OK;

    GCR_TRY(is_far(residency) ? bring_far(residency, queue, dataset)
                              : bring_near(residency, queue, dataset));
    if (residency->spec.program->unit->prepare != NULL)
        GCR_TRY(prepare(&residency->entries[dataset], residency, queue));
out:
    return status;
}

/* What did not come because a device of its own memory has none may come later, when others have
 * left. Under the lock. */
static void settle_far(gcr_residency *residency, entry *e, gcr_status status)
{
    if (status != GCR_OK)
        drop(residency, e, gcr_buf_close);
    else if (e->block != NULL && !e->is_listed)
        list(residency, e);
    e->is_idle = e->is_given_up = 0;
    atomic_store_explicit(&e->standing, status == GCR_OK ? STANDS_READY : STANDS_NOWHERE,
                          memory_order_release);
}

/* Notes how bringing `e` ended and lets the others go on. Under the lock. */
static void settle(gcr_residency *residency, entry *e, gcr_status status)
{
    e->is_coming = 0;
    e->status = status;
    if (status != GCR_OK)
        e->sentence = strdup(gcr_last_error());
    atomic_store_explicit(&e->standing, status == GCR_OK ? STANDS_READY : STANDS_FAILED,
                          memory_order_release);
    pthread_cond_broadcast(&residency->changed);
}

/* ---- where nobody releases datasets ---------------------------------------------------------- */

static int lets_go(const gcr_residency *residency)
{
    return residency->spec.lets_go && !is_far(residency);
}

void gcr_residency_stay(gcr_residency *residency, uint64_t dataset)
{
    if (!lets_go(residency))
        return;
    pthread_mutex_lock(&residency->lock);
    residency->entries[dataset].holders++;
    pthread_mutex_unlock(&residency->lock);
}

void gcr_residency_turn(gcr_residency *residency, uint64_t dataset)
{
    entry *e = &residency->entries[dataset];

    if (!lets_go(residency))
        return;
    pthread_mutex_lock(&residency->lock);
    if (--e->holders == 0) {
        clear(e, gcr_buf_close);
        atomic_store_explicit(&e->standing, STANDS_NOWHERE, memory_order_relaxed);
    }
    pthread_mutex_unlock(&residency->lock);
}

/* ---- where the device has memory of its own: one worker, but any may release ----------------- */

/* How soon a dataset is needed again that the plan has in `place`, by one who is at `now`: the plan
 * is walked through from front to back, and what has been passed only comes again by way of the
 * front. */
static uint64_t distance(const gcr_residency *residency, uint64_t place, uint64_t now)
{
    return place >= now ? place - now : place + residency->spec.datasets->count - now;
}

/* Lets the dataset go that is needed last of those that nobody holds; false if all are held. Under
 * the lock. */
static int evict_one(gcr_residency *residency, uint64_t now)
{
    entry *furthest = NULL;
    uint64_t most = 0;

    for (entry *e = residency->first; e != NULL; e = e->after) {
        const uint64_t place = residency->spec.places[e - residency->entries];
        const uint64_t far = distance(residency, place, now);

        if (e->holders == 0 && (furthest == NULL || far > most)) {
            furthest = e;
            most = far;
        }
    }
    if (furthest == NULL)
        return 0;
    drop(residency, furthest, furthest->is_idle ? gcr_buf_close_idle : gcr_buf_close);
    atomic_store_explicit(&furthest->standing, STANDS_NOWHERE, memory_order_relaxed);
    return 1;
}

int gcr_residency_evict(gcr_residency *residency)
{
    int count = 0;

    if (!is_far(residency))
        return 0;
    pthread_mutex_lock(&residency->lock);
    while (evict_one(residency, 0))
        count++;
    pthread_mutex_unlock(&residency->lock);
    return count;
}

/* Makes room for a dataset within the budget, unless it has its own already. GCR_ENOMEM: what is
 * held is too much. Under the lock. */
static gcr_status make_room(gcr_residency *residency, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    const gcr_residency_spec *spec = &residency->spec;
    const uint64_t bytes = gcr_residency_device_bytes(spec->program->unit, spec->option,
                                                      &spec->datasets->items[dataset],
                                                      spec->program->device->info.alignment);

    if (residency->entries[dataset].block != NULL)
        goto out;
    while (spec->budget_bytes > 0 && residency->bytes > 0 &&
           residency->bytes + bytes > spec->budget_bytes)
        if (!evict_one(residency, spec->places[dataset]))
            GCR_FAIL(GCR_ENOMEM, "the datasets of a batch are larger than the device's memory");
out:
    return status;
}

gcr_status gcr_residency_place(gcr_buf **block_out, gcr_residency *residency, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    entry *e = &residency->entries[dataset];

    pthread_mutex_lock(&residency->lock);
    *block_out = NULL;
    GCR_TRY(make_room(residency, dataset));
    GCR_TRY(open_far(e, residency, &residency->spec.datasets->items[dataset]));
    list(residency, e);
    e->is_idle = 0;
    *block_out = e->block;
out:
    pthread_mutex_unlock(&residency->lock);
    return status;
}

static gcr_status acquire_far(gcr_residency *residency, gcr_queue *queue, uint64_t dataset,
                              gcr_resident *out)
{
    gcr_status status = GCR_OK;
    entry *e = &residency->entries[dataset];

    pthread_mutex_lock(&residency->lock);
    if (e->standing == STANDS_NOWHERE) {
        GCR_TRY(make_room(residency, dataset));
        pthread_mutex_unlock(&residency->lock);
        status = bring(residency, queue, dataset);
        pthread_mutex_lock(&residency->lock);
        settle_far(residency, e, status);
    }
    if (status == GCR_OK)
        e->holders++;
out:
    pthread_mutex_unlock(&residency->lock);
    *out = e->resident;
    return status;
}

void gcr_residency_leave(gcr_residency *residency, uint64_t dataset, int has_landed)
{
    entry *e = &residency->entries[dataset];

    if (!is_far(residency)) {
        gcr_residency_turn(residency, dataset);
        return;
    }
    pthread_mutex_lock(&residency->lock);
    e->holders--;
    e->is_idle = has_landed && e->holders == 0;
    e->is_given_up = !has_landed;
    pthread_mutex_unlock(&residency->lock);
}

/* ---- either ---------------------------------------------------------------------------------- */

gcr_status gcr_residency_acquire(gcr_residency *residency, gcr_queue *queue, uint64_t dataset,
                                 gcr_resident *out)
{
    gcr_status status = GCR_OK;
    entry *e = &residency->entries[dataset];

    if (is_far(residency))
        return acquire_far(residency, queue, dataset, out);
    if (!lets_go(residency) &&
        atomic_load_explicit(&e->standing, memory_order_acquire) == STANDS_READY)
        goto out;
    pthread_mutex_lock(&residency->lock);
    while (e->is_coming)
        pthread_cond_wait(&residency->changed, &residency->lock);
    if (e->standing == STANDS_NOWHERE) {
        e->is_coming = 1;
        pthread_mutex_unlock(&residency->lock);
        status = bring(residency, queue, dataset);
        pthread_mutex_lock(&residency->lock);
        settle(residency, e, status);
    } else if (e->standing == STANDS_FAILED) {
        status = gcr_fail_at(__FILE__, __LINE__, e->status, "%s",
                             e->sentence != NULL ? e->sentence : "no memory for a sentence");
    }
    e->holders += status == GCR_OK && lets_go(residency);
    pthread_mutex_unlock(&residency->lock);
out:
    *out = e->resident;
    return status;
}
