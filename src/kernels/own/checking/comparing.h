/*
 * kernels/own/checking/comparing.h -- where two results of one problem differ, bit by bit or by
 * more than rounding.
 */
#ifndef GCR_CHECKING_COMPARING_H
#define GCR_CHECKING_COMPARING_H

#include "kernels/own/checking/crunching.h"

static gcr_real value_at(const results *r, int o, uint64_t point, int64_t k)
{
    return r->tile.outputs[o][(int64_t)point * r->tile.width[o] + k];
}

static const char *const state_words[GCR_CELL_STATE_COUNT] = {
    [GCR_CELL_EMPTY] = "left out",      [GCR_CELL_OK] = "ok",
    [GCR_CELL_NOT_SPD] = "not_spd",     [GCR_CELL_NAN_IN] = "nan_in",
    [GCR_CELL_NAN_OUT] = "nan_out",     [GCR_CELL_KERNEL_ERROR] = "kernel_error",
    [GCR_CELL_OK_JITTER] = "ok_jitter", [GCR_CELL_EXCLUDED] = "excluded",
};

static void tell_states(char out[2 * GCR_PLACE_BYTES], const problem *p, uint64_t point, uint8_t u,
                        uint8_t v)
{
    char cell[GCR_PLACE_BYTES];

    name_cell(cell, p, point);
    snprintf(out, 2 * GCR_PLACE_BYTES, "%s: it is %s in one and %s in the other", cell,
             state_words[u], state_words[v]);
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
            tell_states(out, p, at, a->state[at], b->state[i]);
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

/* A cell that has a result in b has one in a; but rounding may decide whether a matrix is SPD. */
static int lacks_result(char out[2 * GCR_PLACE_BYTES], const problem *p, const results *a,
                        const results *b, uint64_t point)
{
    if (a->state[point] == GCR_CELL_OK || a->state[point] == GCR_CELL_NOT_SPD)
        return 0;
    tell_states(out, p, point, a->state[point], b->state[point]);
    return 1;
}

/* In the cells that have a result in b, whose data may be nudged. */
static int is_far(char out[2 * GCR_PLACE_BYTES], const problem *p, const results *a,
                  const results *b, const results *nudged)
{
    for (uint64_t i = 0; i < p->table.point_count; i++) {
        if (b->state[i] != GCR_CELL_OK || nudged->state[i] != GCR_CELL_OK)
            continue;
        if (lacks_result(out, p, a, b, i))
            return 1;
        for (int o = 0; kernel->outputs[o].name != NULL; o++)
            for (int64_t k = 0; k < a->tile.width[o]; k++) {
                const double u = (double)value_at(a, o, i, k), v = (double)value_at(b, o, i, k);

                if (a->state[i] != GCR_CELL_OK || is_near(u, v, (double)value_at(nudged, o, i, k)))
                    continue;
                tell(out, p, i, kernel->outputs[o].name, u, v);
                return 1;
            }
    }
    return 0;
}

#endif /* GCR_CHECKING_COMPARING_H */
