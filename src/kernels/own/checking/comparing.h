/*
 * kernels/own/checking/comparing.h -- where two results of one problem differ, bit by bit or by more
 * than rounding.
 */
#ifndef GCR_CHECKING_COMPARING_H
#define GCR_CHECKING_COMPARING_H

#include "kernels/own/checking/crunching.h"

static gcr_real value_at(const results *r, int o, uint64_t point, int64_t k)
{
    return r->tile.outputs[o][(int64_t)point * r->tile.width[o] + k];
}

/* Writes at which cell the two differ, and in what. */
static void tell(char out[2 * GCR_PLACE_BYTES], const problem *p, uint64_t point, const char *what,
                 double u, double v)
{
    char cell[GCR_PLACE_BYTES];

    name_cell(cell, p, point);
    snprintf(out, 2 * GCR_PLACE_BYTES, "%s: %s is %.17g in one and %.17g in the other", cell, what,
             u, v);
}

/* Bit by bit. The cell at `i` of b is the one at point map[i] of a; NULL: the same. */
static int differs(char out[2 * GCR_PLACE_BYTES], const problem *p, const results *a,
                   const results *b, const uint64_t *map)
{
    for (uint64_t i = 0; i < p->table.point_count; i++) {
        const uint64_t at = map != NULL ? map[i] : i;

        if (a->state[at] != b->state[i]) {
            tell(out, p, at, "its state", a->state[at], b->state[i]);
            return 1;
        }
        for (int o = 0; kernel->outputs[o].name != NULL; o++)
            for (int64_t k = 0; k < a->tile.width[o]; k++) {
                const gcr_real u = value_at(a, o, at, k), v = value_at(b, o, i, k);

                if (memcmp(&u, &v, sizeof u) != 0) {
                    tell(out, p, at, kernel->outputs[o].name, (double)u, (double)v);
                    return 1;
                }
            }
    }
    return 0;
}

/* Whether u is v as far as rounding lets one say. `nudged` is v of data that differ in their last
 * bits: where that moves v much, u may be as far away. */
static int is_near(double u, double v, double nudged)
{
    return fabs(u - v) <= fmax(1e-6 * fmax(1, fabs(v)), 1000 * fabs(nudged - v));
}

/* In the cells that have a result in all three. */
static int is_far(char out[2 * GCR_PLACE_BYTES], const problem *p, const results *a,
                  const results *b, const results *nudged)
{
    for (uint64_t i = 0; i < p->table.point_count; i++)
        for (int o = 0; kernel->outputs[o].name != NULL; o++)
            for (int64_t k = 0; k < a->tile.width[o]; k++) {
                const double u = (double)value_at(a, o, i, k), v = (double)value_at(b, o, i, k);

                if (a->state[i] != GCR_CELL_OK || b->state[i] != GCR_CELL_OK ||
                    nudged->state[i] != GCR_CELL_OK ||
                    is_near(u, v, (double)value_at(nudged, o, i, k)))
                    continue;
                tell(out, p, i, kernel->outputs[o].name, u, v);
                return 1;
            }
    return 0;
}

#endif /* GCR_CHECKING_COMPARING_H */
