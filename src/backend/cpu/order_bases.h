/*
 * backend/cpu/order_bases.h -- the live cells of a tile base by base: those that share all base
 * parameters come one after the other, whichever axis is the innermost.
 *
 * A tile is sorted in windows of at most GCR_WINDOW points, so that room for it is fixed; a base
 * that comes again in a later window is reduced again. Cells of a base are a chain of indices in
 * their order, and bases are found by a hash of their coordinates: sorting is a pass of a few
 * instructions per cell.
 */
#ifndef GCR_CPU_ORDER_BASES_H
#define GCR_CPU_ORDER_BASES_H

#include "backend/cpu/walk.h"

enum {
    GCR_WINDOW = 4096,
    GCR_WINDOW_HASH_BITS = 13, /* half of the table stays empty */
    GCR_WINDOW_END = UINT16_MAX,
};

typedef struct gcr_order {
    const gcr_unit_setup *setup;
    const gcr_unit_tile *tile;
    int is_base[GCR_AXES_MAX];
    gcr_walk walk;
    uint64_t at;                /* the cell of the tile where the walk stands               */
    uint64_t begin, end;        /* the window: cells of the tile                            */
    int base, count;            /* the next base, of how many                               */
    int reduced, reduced_end;   /* those that the engine has reduced                        */
    uint16_t next_cell;         /* of the base in hand, within the window; GCR_WINDOW_END   */
    uint16_t after[GCR_WINDOW]; /* the next cell of the same base                         */
    uint16_t first[GCR_WINDOW], last[GCR_WINDOW]; /* of each base                         */
    uint64_t key[GCR_WINDOW];                     /* of each base                         */
    uint16_t hashed[1 << GCR_WINDOW_HASH_BITS];   /* a base, or GCR_WINDOW_END            */
} gcr_order;

static void gcr_order_open(gcr_order *order, const gcr_unit_setup *setup, const gcr_unit_tile *tile)
{
    order->setup = setup;
    order->tile = tile;
    for (int a = 0; a < setup->points->axis_count; a++)
        order->is_base[a] = gcr_description.parameters[setup->parameter_of_axis[a]].is_base;
    gcr_walk_open(&order->walk, setup, tile->first);
    order->at = order->begin = order->end = 0;
    order->base = order->count = order->reduced = order->reduced_end = 0;
    order->next_cell = GCR_WINDOW_END;
}

/* From a cell to the next costs no division; any other is looked up. */
static inline void gcr_order_walk_to(gcr_order *order, uint64_t cell)
{
    if (cell == order->at + 1)
        gcr_walk_step(&order->walk);
    else if (cell != order->at)
        gcr_walk_seek(&order->walk, order->tile->first + cell);
    order->at = cell;
}

/* ---- sorting --------------------------------------------------------------------------------- */

/* Base coordinates as one number, where the walk stands. */
static inline uint64_t gcr_order_key(const gcr_order *order)
{
    const gcr_point_table *points = order->setup->points;
    uint64_t key = 0;

    for (int a = 0; a < points->axis_count; a++)
        if (order->is_base[a])
            key = key * points->axes[a].count + order->walk.coords[a];
    return key;
}

/* The base with this key, a new one if it is the first of its kind. */
static inline int gcr_order_find(gcr_order *order, uint64_t key)
{
    uint64_t at = key * UINT64_C(0x9e3779b97f4a7c15) >> (64 - GCR_WINDOW_HASH_BITS);

    while (order->hashed[at] != GCR_WINDOW_END && order->key[order->hashed[at]] != key)
        at = (at + 1) % (1 << GCR_WINDOW_HASH_BITS);
    if (order->hashed[at] == GCR_WINDOW_END) {
        order->key[order->count] = key;
        order->first[order->count] = order->last[order->count] = GCR_WINDOW_END;
        order->hashed[at] = (uint16_t)order->count++;
    }
    return order->hashed[at];
}

static inline void gcr_order_append(gcr_order *order, int base, uint16_t cell)
{
    if (order->first[base] == GCR_WINDOW_END)
        order->first[base] = cell;
    else
        order->after[order->last[base]] = cell;
    order->after[cell] = GCR_WINDOW_END;
    order->last[base] = cell;
}

/* Sorts the next window. Returns 0 when the tile is at its end. */
static int gcr_order_next_window(gcr_order *order)
{
    const uint64_t left = order->tile->count - order->end;

    if (left == 0)
        return 0;
    order->begin = order->end;
    order->end += left < GCR_WINDOW ? left : GCR_WINDOW;
    order->base = order->count = order->reduced = order->reduced_end = 0;
    memset(order->hashed, 0xff, sizeof order->hashed);
    for (uint64_t cell = order->begin; cell < order->end; cell++)
        if (gcr_point_is_live(order->setup->points, order->tile->first + cell)) {
            gcr_order_walk_to(order, cell);
            gcr_order_append(order, gcr_order_find(order, gcr_order_key(order)),
                             (uint16_t)(cell - order->begin));
        }
    return 1;
}

/* ---- bases ----------------------------------------------------------------------------------- */

/* Base parameters of `base` to a lane. */
static void gcr_order_bind_base(gcr_order *order, gcr_engine *engine, int base, int lane)
{
    const gcr_point_table *points = order->setup->points;

    gcr_order_walk_to(order, order->begin + order->first[base]);
    for (int a = 0; a < points->axis_count; a++)
        if (order->is_base[a])
            engine->base_param[order->setup->parameter_of_axis[a] * GCR_LANES + lane] =
                points->axes[a].values[order->walk.coords[a]];
}

/* As many of the next bases as the engine reduces together; lanes beyond the last repeat it. */
static void gcr_order_reduce(gcr_order *order, gcr_engine *engine)
{
    const int together = gcr_engine_bases(engine), left = order->count - order->base;

    order->reduced = order->base;
    order->reduced_end = order->base + (left < together ? left : together);
    for (int lane = 0; lane < together; lane++)
        gcr_order_bind_base(order, engine,
                            lane < left ? order->base + lane : order->reduced_end - 1, lane);
    gcr_engine_reduce(engine);
}

/* Turns to the next cells that may be computed together: those of the next base. */
static int gcr_order_turn(gcr_order *order, gcr_engine *engine)
{
    while (order->base == order->count)
        if (!gcr_order_next_window(order))
            return 0;
    if (order->base == order->reduced_end)
        gcr_order_reduce(order, engine);
    engine->of_base = order->base - order->reduced;
    order->next_cell = order->first[order->base++];
    return 1;
}

/* Writes the parameters of the next cell to `lane` of `param`; returns 0 if there is none. */
static inline int gcr_order_take(gcr_order *order, gcr_real *param, int lane, uint64_t *cell_out)
{
    if (order->next_cell == GCR_WINDOW_END)
        return 0;
    *cell_out = order->begin + order->next_cell;
    gcr_order_walk_to(order, *cell_out);
    gcr_walk_bind(&order->walk, param, lane);
    order->next_cell = order->after[order->next_cell];
    return 1;
}

#endif /* GCR_CPU_ORDER_BASES_H */
