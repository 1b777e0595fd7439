/*
 * backend/cpu/engine.h -- what the engines of the CPU have in common.
 *
 * An engine is text, not a library: cpu_unit.c includes a kernel file and then the engine for the
 * kernel's form, so that the compiler sees both at once. Each engine says how many cells it
 * computes together, GCR_GROUP_MAX, defines a struct `gcr_engine` (the memory of one worker) and
 * these functions:
 *
 *     gcr_engine_serves_both  whether cells of datasets of these two shapes may share a group
 *     gcr_engine_open         shares out scratch memory; with a carver of no memory it only counts
 *     gcr_engine_bind         completes the context that the kernel will see
 *     gcr_engine_compute      one attempt at the cells of a group
 */
#ifndef GCR_CPU_ENGINE_H
#define GCR_CPU_ENGINE_H

#include "base/memory.h"

#include "gridcrunch/cell.h"
#include "gridcrunch/unit.h"

/* What became of an attempt, and the minor or fault that explains it. */
typedef struct gcr_verdict {
    gcr_cell_state state;
    uint32_t detail;
} gcr_verdict;

/* What each lane is about, by field: a loop over lanes loads vectors. */
typedef struct gcr_lane_data {
    int64_t rows[GCR_LANES], features[GCR_LANES];
    const gcr_real *x[GCR_LANES], *y[GCR_LANES], *prepared[GCR_LANES];
    uint32_t identity[4][GCR_LANES];
    int system[GCR_LANES]; /* which of its cell's; written and read by the engine */
} gcr_lane_data;

/* Cells, one in each lane from 0 on. */
typedef struct gcr_group {
    int count;    /* cells; the lanes beyond repeat lane 0                   */
    int is_mixed; /* lanes are of several datasets, or systems               */
    gcr_lane_data data;
    gcr_real jitter[GCR_LANES];     /* to be added to the diagonal                             */
    gcr_verdict verdict[GCR_LANES]; /* [count] written by gcr_engine_compute()                 */
    gcr_real *outputs;              /* [count][width] written where the verdict is GCR_CELL_OK */
    int64_t width;
} gcr_group;

/* Lane `lane` is of the dataset of `tile` from now on. */
static inline void gcr_group_see(gcr_group *group, int lane, const gcr_unit_tile *tile)
{
    gcr_lane_data *const data = &group->data;

    data->rows[lane] = tile->data.rows;
    data->features[lane] = tile->data.features;
    data->x[lane] = tile->data.x;
    data->y[lane] = tile->data.y;
    data->prepared[lane] = tile->prepared;
    for (int i = 0; i < 4; i++)
        data->identity[i][lane] = tile->data.identity[i];
}

static inline gcr_verdict gcr_verdict_of(gcr_cell_state state, uint32_t detail)
{
    return (gcr_verdict){ state, detail };
}

/* What a kernel's function returned: 0, or the number of a fault. */
static inline gcr_verdict gcr_verdict_of_fault(int fault)
{
    return gcr_verdict_of(fault == 0 ? GCR_CELL_OK : GCR_CELL_KERNEL_ERROR, (uint32_t)fault);
}

/* Cuts one block of memory into arrays that each begin on a cache line. Without a block it counts
 * what would be needed, so that the sum can never differ from the cutting. */
typedef struct gcr_carver {
    gcr_real *base; /* NULL: only count */
    uint64_t used;  /* values; UINT64_MAX: more than can be counted */
} gcr_carver;

/* `gridcrunch kernel check` leaves a gap behind each array, which nobody may touch. */
#if defined(GCR_CHECKS)
#include <sanitizer/asan_interface.h>

enum { GCR_GAP_LINES = 1 };

static inline void gcr_mark_gap(gcr_real *array, uint64_t count, uint64_t end)
{
    ASAN_UNPOISON_MEMORY_REGION(array, count * sizeof *array);
    ASAN_POISON_MEMORY_REGION(array + count, (end - count) * sizeof *array);
}
#else
enum { GCR_GAP_LINES = 0 };

static inline void gcr_mark_gap(const gcr_real *array, uint64_t count, uint64_t end)
{
    (void)array;
    (void)count;
    (void)end;
}
#endif

static inline gcr_real *gcr_carve(gcr_carver *carver, int64_t rows, int64_t cols)
{
    const uint64_t line = GCR_ALIGNMENT / sizeof(gcr_real), at = carver->used;
    uint64_t count, room;

    if (!gcr_multiply(&count, (uint64_t)rows, (uint64_t)cols) ||
        !gcr_add(&room, count, line - 1 + GCR_GAP_LINES * line) ||
        !gcr_add(&carver->used, at, room / line * line))
        carver->used = UINT64_MAX;
    if (carver->base == NULL)
        return NULL;
    gcr_mark_gap(carver->base + at, count, carver->used - at);
    return carver->base + at;
}

/* The address of a function that a description may leave out, called; or `standard`. */
static inline int64_t gcr_count_or(int64_t (*count)(const gcr_shape *shape), const gcr_shape *shape,
                                   int64_t standard)
{
    return count == NULL ? standard : count(shape);
}

#endif /* GCR_CPU_ENGINE_H */
