/* exec/residency.c -- one entry per dataset, brought up by whoever comes first. */
#include "exec/residency.h"

#include "base/check.h"
#include "base/memory.h"

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
    float *narrow; /* x, then y, in single precision; NULL where the unit reads doubles */
    /* x and y where the device does not share memory, then what is prepared of them and its fault. One
     * buffer: each takes calls to open, to wait for and to close. */
    gcr_buf *block;

    /* Under the lock, on a device with memory of its own; `holders` also where datasets are let go. */
    int holders;     /* tiles that need it: it may not leave; there, workers at it, too */
    int is_idle;     /* all that used it has been seen to end                          */
    int is_given_up; /* by a batch that may have got as far as using it, and none has landed since */
    entry *before, *after; /* of those that have a block, in the order in which they came up */
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

/* Puts an entry that has a block behind the others. Under the lock. */
static void list(gcr_residency *residency, entry *e)
{
    e->before = residency->last;
    e->after = NULL;
    *(e->before != NULL ? &e->before->after : &residency->first) = e;
    residency->last = e;
    residency->bytes += e->block->bytes;
}

/* Under the lock. */
static void unlist(gcr_residency *residency, entry *e)
{
    *(e->before != NULL ? &e->before->after : &residency->first) = e->after;
    *(e->after != NULL ? &e->after->before : &residency->last) = e->before;
    residency->bytes -= e->block->bytes;
}

void gcr_residency_release(gcr_residency *residency, uint64_t dataset)
{
    entry *e = &residency->entries[dataset];

    pthread_mutex_lock(&residency->lock);
    if (is_far(residency) && e->block != NULL)
        unlist(residency, e);
    clear(e, e->is_given_up ? gcr_buf_close : gcr_buf_close_idle);
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

/* What the unit reads of a dataset, in host memory and in the unit's precision. */
typedef struct columns {
    const void *x, *y;
    uint64_t x_bytes, y_bytes; /* 0: there is none */
} columns;

uint64_t gcr_residency_narrow_bytes(const gcr_unit *unit, const gcr_dataset *dataset)
{
    return unit->scalar == GCR_F32 ? gcr_dataset_bytes(dataset) / sizeof(double) * sizeof(float)
                                   : 0;
}

/* Numbers that a float has no room for become infinite, or 0. */
static void convert(float *to, const double *from, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        to[i] = (float)from[i];
}

/* The dataset's own, or a copy of them: the one place where doubles of a dataset become floats. */
static gcr_status find_columns(columns *out, entry *e, const gcr_unit *unit,
                               const gcr_dataset *dataset)
{
    gcr_status status = GCR_OK;
    const uint64_t rows = (uint64_t)dataset->rows;
    const uint64_t x_count = dataset->x != NULL ? rows * (uint64_t)dataset->features : 0;
    const uint64_t y_count = dataset->y != NULL ? rows : 0;
    const uint64_t value_bytes = gcr_scalar_bytes(unit->scalar);

    *out = (columns){ .x = dataset->x,
                      .y = dataset->y,
                      .x_bytes = x_count * value_bytes,
                      .y_bytes = y_count * value_bytes };
    if (unit->scalar == GCR_F64 || x_count + y_count == 0)
        goto out;
    GCR_TRY(gcr_memory_create((void **)&e->narrow, x_count + y_count, sizeof(float),
                              "a dataset in single precision"));
    convert(e->narrow, dataset->x, x_count);
    convert(e->narrow + x_count, dataset->y, y_count);
    out->x = x_count > 0 ? e->narrow : NULL;
    out->y = y_count > 0 ? e->narrow + x_count : NULL;
out:
    return status;
}

/* Copies x, and y behind it, to the front of the block; in one go where they are neighbours here. */
static gcr_status upload(entry *e, gcr_queue *queue, const columns *from)
{
    gcr_status status = GCR_OK;
    gcr_view *view = &e->resident.data;
    const uint64_t x_bytes = from->x_bytes, y_bytes = from->y_bytes;
    const int are_neighbours =
        x_bytes > 0 && y_bytes > 0 && (const char *)from->x + x_bytes == (const char *)from->y;

    if (x_bytes > 0) {
        GCR_TRY(gcr_upload(queue, e->block, 0, from->x, GCR_PLACE_HOST,
                           are_neighbours ? x_bytes + y_bytes : x_bytes));
        view->x = e->block->base;
    }
    if (y_bytes > 0 && !are_neighbours)
        GCR_TRY(gcr_upload(queue, e->block, x_bytes, from->y, GCR_PLACE_HOST, y_bytes));
    if (y_bytes > 0)
        view->y = (const char *)e->block->base + x_bytes;
out:
    return status;
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

/* What is prepared stands `at` bytes into the block. */
static gcr_status prepare(entry *e, gcr_residency *residency, gcr_queue *queue, uint64_t at)
{
    gcr_status status = GCR_OK;
    char *base = (char *)e->block->base;
    gcr_prepare_args args = { .data = e->resident.data,
                              .prepared = base + at,
                              .fault = (int32_t *)(void *)(base + e->block->bytes) - 1 };

    GCR_TRY(gcr_prepare(queue, residency->spec.program, &args));
    e->resident.prepared = args.prepared;
    e->resident.fault = args.fault;
out:
    return status;
}

/* Opens the block of a dataset; *at: where what is prepared begins. */
static gcr_status open_block(entry *e, uint64_t *at, const gcr_residency *residency,
                             gcr_device *device, uint64_t data_bytes)
{
    gcr_status status = GCR_OK;
    const gcr_shape shape = { .rows = e->resident.data.rows,
                              .features = e->resident.data.features,
                              .option = residency->spec.option };
    const uint64_t prepared_bytes = gcr_prepared_bytes(residency->spec.program->unit, &shape);
    const uint64_t bytes = block_bytes(at, data_bytes, prepared_bytes, device->info.alignment);

    if (bytes > 0)
        GCR_TRY(gcr_buf_open(&e->block, device, GCR_PLACE_DEVICE, bytes));
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

/* Where x and y are uploaded to else. */
static gcr_status generate(entry *e, gcr_queue *queue, gcr_scalar scalar,
                           const gcr_dataset *dataset)
{
    gcr_status status = GCR_OK;
    const uint64_t x_bytes =
        (uint64_t)dataset->rows * (uint64_t)dataset->features * gcr_scalar_bytes(scalar);
    const gcr_generate_args args = { .recipe = *dataset->recipe,
                                     .standard = standard_of(dataset),
                                     .scalar = scalar,
                                     .x = e->block->base,
                                     .y = (char *)e->block->base + x_bytes };

    GCR_TRY(gcr_generate(queue, &args));
    e->resident.data.x = args.x;
    e->resident.data.y = args.y;
out:
    return status;
}

/* Brings a dataset to the device and prepares it. */
static gcr_status bring(gcr_residency *residency, gcr_queue *queue, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    const gcr_dataset *source = &residency->spec.datasets->items[dataset];
    const int is_shared = queue->device->info.shares_memory;
    entry *e = &residency->entries[dataset];
    const gcr_unit *unit = residency->spec.program->unit;
    const int is_made = is_made_there(queue->device, source);
    columns here = { 0 };
    uint64_t prepared_at;

    e->resident.data = (gcr_view){ .rows = source->rows, .features = source->features };
    for (int i = 0; i < 4; i++)
        e->resident.data.identity[i] = source->identity[i];
    if (!is_made)
        GCR_TRY(find_columns(&here, e, unit, source));
    GCR_TRY(open_block(e, &prepared_at, residency, queue->device,
                       is_shared ? 0 : data_bytes_of(unit, source)));
    if (is_made) {
        GCR_TRY(generate(e, queue, unit->scalar, source));
    } else if (is_shared) {
        e->resident.data.x = here.x;
        e->resident.data.y = here.y;
        gcr_share(queue, here.x_bytes + here.y_bytes);
    } else {
        GCR_TRY(upload(e, queue, &here));
    }
    if (unit->prepare != NULL)
        GCR_TRY(prepare(e, residency, queue, prepared_at));
out:
    return status;
}

/* What did not come because a device of its own memory has none may come later, when others have left.
 * Under the lock. */
static void settle_far(gcr_residency *residency, entry *e, gcr_status status)
{
    if (status == GCR_OK) {
        e->is_idle = e->is_given_up = 0;
        if (e->block != NULL)
            list(residency, e);
    } else {
        clear(e, gcr_buf_close);
    }
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

/* ---- where nobody releases datasets ------------------------------------------------------------ */

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

/* How soon a dataset is needed again that the plan has in `place`, by one who is at `now`: the plan is
 * walked through from front to back, and what has been passed only comes again by way of the front. */
static uint64_t distance(const gcr_residency *residency, uint64_t place, uint64_t now)
{
    return place >= now ? place - now : place + residency->spec.datasets->count - now;
}

/* Lets the dataset go that is needed last of those that nobody holds; false if all are held. Under the
 * lock. */
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
    unlist(residency, furthest);
    clear(furthest, furthest->is_idle ? gcr_buf_close_idle : gcr_buf_close);
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

/* Makes room for `bytes` within the budget. GCR_ENOMEM: what is held is too much. Under the lock. */
static gcr_status make_room(gcr_residency *residency, uint64_t dataset, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const uint64_t budget = residency->spec.budget_bytes;

    while (budget > 0 && residency->bytes > 0 && residency->bytes + bytes > budget)
        if (!evict_one(residency, residency->spec.places[dataset]))
            GCR_FAIL(GCR_ENOMEM, "the datasets of a batch are larger than the device's memory");
out:
    return status;
}

static gcr_status acquire_far(gcr_residency *residency, gcr_queue *queue, uint64_t dataset,
                              gcr_resident *out)
{
    gcr_status status = GCR_OK;
    entry *e = &residency->entries[dataset];

    pthread_mutex_lock(&residency->lock);
    if (e->standing == STANDS_NOWHERE) {
        GCR_TRY(make_room(
            residency, dataset,
            gcr_residency_device_bytes(residency->spec.program->unit, residency->spec.option,
                                       &residency->spec.datasets->items[dataset],
                                       residency->spec.program->device->info.alignment)));
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
