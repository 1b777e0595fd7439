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

typedef struct entry {
    _Atomic int standing; /* written under the lock; READY may be read without it */
    int is_coming;        /* under the lock: somebody is bringing it              */
    gcr_status status;    /* of who tried to bring it, with the sentence; under the lock */
    char *sentence;
    gcr_resident resident;
    float *narrow;     /* x, then y, in single precision; NULL where the unit reads doubles */
    gcr_buf *data;     /* NULL where the device shares memory */
    gcr_buf *prepared; /* values, then the fault              */
} entry;

struct gcr_residency {
    gcr_program *program;
    const int64_t *option;
    const gcr_datasets *datasets;
    entry *entries; /* [datasets->count] */
    pthread_mutex_t lock;
    pthread_cond_t changed;
};

gcr_status gcr_residency_create(gcr_residency **out, gcr_program *program, const int64_t *option,
                                const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    gcr_residency *residency = NULL;

    *out = NULL;
    residency = calloc(1, sizeof *residency);
    if (residency == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the residency of datasets");
    residency->program = program;
    residency->option = option;
    residency->datasets = datasets;
    pthread_mutex_init(&residency->lock, NULL);
    pthread_cond_init(&residency->changed, NULL);
    GCR_TRY(gcr_memory_create((void **)&residency->entries, datasets->count, sizeof(entry),
                              "the residency of datasets"));
    *out = residency;
    residency = NULL;
out:
    gcr_residency_destroy(residency);
    return status;
}

void gcr_residency_release(gcr_residency *residency, uint64_t dataset)
{
    entry *e = &residency->entries[dataset];

    gcr_buf_close(e->prepared);
    gcr_buf_close(e->data);
    gcr_memory_destroy(e->narrow);
    e->prepared = e->data = NULL;
    e->narrow = NULL;
}

void gcr_residency_destroy(gcr_residency *residency)
{
    if (residency == NULL)
        return;
    for (uint64_t d = 0; residency->entries != NULL && d < residency->datasets->count; d++) {
        gcr_residency_release(residency, d);
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

/* Copies x and then y into one buffer of the device. */
static gcr_status upload(entry *e, gcr_queue *queue, const columns *from)
{
    gcr_status status = GCR_OK;
    gcr_view *view = &e->resident.data;
    const uint64_t x_bytes = from->x_bytes, y_bytes = from->y_bytes;

    if (x_bytes + y_bytes == 0)
        goto out;
    GCR_TRY(gcr_buf_open(&e->data, queue->device, GCR_PLACE_DEVICE, x_bytes + y_bytes));
    if (x_bytes > 0) {
        GCR_TRY(gcr_upload(queue, e->data, 0, from->x, GCR_PLACE_HOST, x_bytes));
        view->x = e->data->base;
    }
    if (y_bytes > 0) {
        GCR_TRY(gcr_upload(queue, e->data, x_bytes, from->y, GCR_PLACE_HOST, y_bytes));
        view->y = (const char *)e->data->base + x_bytes;
    }
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

static gcr_status prepare(entry *e, gcr_residency *residency, gcr_queue *queue)
{
    gcr_status status = GCR_OK;
    const gcr_unit *unit = residency->program->unit;
    const gcr_shape shape = { .rows = e->resident.data.rows,
                              .features = e->resident.data.features,
                              .option = residency->option };
    const uint64_t bytes = gcr_prepared_bytes(unit, &shape);
    gcr_prepare_args args = { .data = e->resident.data };

    GCR_TRY(gcr_buf_open(&e->prepared, queue->device, GCR_PLACE_DEVICE, bytes));
    args.prepared = e->prepared->base;
    args.fault = (int32_t *)((char *)e->prepared->base + bytes - sizeof *args.fault);
    GCR_TRY(gcr_prepare(queue, residency->program, &args));
    e->resident.prepared = args.prepared;
    e->resident.fault = args.fault;
out:
    return status;
}

/* Brings a dataset to the device and prepares it. */
static gcr_status bring(gcr_residency *residency, gcr_queue *queue, uint64_t dataset)
{
    gcr_status status = GCR_OK;
    const gcr_dataset *source = &residency->datasets->items[dataset];
    entry *e = &residency->entries[dataset];
    columns here;

    e->resident.data = (gcr_view){ .rows = source->rows, .features = source->features };
    for (int i = 0; i < 4; i++)
        e->resident.data.identity[i] = source->identity[i];
    GCR_TRY(find_columns(&here, e, residency->program->unit, source));
    if (queue->device->info.shares_memory) {
        e->resident.data.x = here.x;
        e->resident.data.y = here.y;
        gcr_share(queue, here.x_bytes + here.y_bytes);
    } else {
        GCR_TRY(upload(e, queue, &here));
    }
    if (residency->program->unit->prepare != NULL)
        GCR_TRY(prepare(e, residency, queue));
out:
    return status;
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

gcr_status gcr_residency_acquire(gcr_residency *residency, gcr_queue *queue, uint64_t dataset,
                                 gcr_resident *out)
{
    gcr_status status = GCR_OK;
    entry *e = &residency->entries[dataset];

    if (atomic_load_explicit(&e->standing, memory_order_acquire) == STANDS_READY)
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
    pthread_mutex_unlock(&residency->lock);
out:
    *out = e->resident;
    return status;
}
