/*
 * backend/cpu/order_points.h -- the live cells of a tile in the order of the points.
 */
#ifndef GCR_CPU_ORDER_POINTS_H
#define GCR_CPU_ORDER_POINTS_H

#include "backend/cpu/walk.h"

typedef struct gcr_order {
    const gcr_unit_setup *setup;
    const gcr_unit_tile *tile;
    gcr_walk walk; /* stands at cell `next` */
    uint64_t next;
    int has_begun;
} gcr_order;

static void gcr_order_open(gcr_order *order, const gcr_unit_setup *setup, const gcr_unit_tile *tile)
{
    order->setup = setup;
    order->tile = tile;
    gcr_walk_open(&order->walk, setup, tile->first);
    order->next = 0;
    order->has_begun = 0;
}

/* Turns to the next cells that may be computed together: here, once, to all. */
static inline int gcr_order_turn(gcr_order *order, gcr_engine *engine)
{
    (void)engine;
    return order->has_begun++ == 0;
}

/* Writes the parameters of the next cell to `lane` of `param`; returns 0 if there is none. */
static inline int gcr_order_take(gcr_order *order, gcr_real *param, int lane, uint64_t *cell_out)
{
    while (order->next < order->tile->count) {
        const uint64_t cell = order->next++;
        const int is_live = gcr_point_is_live(order->setup->points, order->tile->first + cell);

        if (is_live) {
            gcr_walk_bind(&order->walk, param, lane);
            *cell_out = cell;
        }
        gcr_walk_step(&order->walk);
        if (is_live)
            return 1;
    }
    return 0;
}

#endif /* GCR_CPU_ORDER_POINTS_H */
