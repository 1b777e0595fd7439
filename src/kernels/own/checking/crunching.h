/*
 * kernels/own/checking/crunching.h -- the cells of a problem, computed in one manner or another.
 */
#ifndef GCR_CHECKING_CRUNCHING_H
#define GCR_CHECKING_CRUNCHING_H

#include "kernels/own/checking/random_problem.h"

#include "gridcrunch/cell.h"

/* Where the program is, in the file that it shares with own_check.c. */
static gcr_checking_place *place;

/* What a problem gives: the outputs and states of all its cells. */
typedef struct results {
    gcr_unit_tile tile;
    uint8_t state[POINTS_MAX];
} results;

static gcr_shape shape_of(const problem *p)
{
    return (gcr_shape){ p->data.rows, p->data.features, option };
}

static int64_t width_of(const problem *p, int o)
{
    const int32_t width = kernel->outputs[o].width;

    return width == GCR_WIDTH_ROWS       ? p->data.rows
           : width == GCR_WIDTH_FEATURES ? p->data.features
                                         : width;
}

static void open_results(results *r, const problem *p)
{
    memset(r, 0, sizeof *r);
    for (int o = 0; kernel->outputs[o].name != NULL; o++) {
        r->tile.width[o] = width_of(p, o);
        r->tile.outputs[o] =
            room(p->table.point_count * (uint64_t)r->tile.width[o], sizeof(gcr_real));
    }
    r->tile.state = r->state;
    r->tile.data = p->data;
}

static void close_results(results *r)
{
    for (int o = 0; r->tile.outputs[o] != NULL; o++)
        free(r->tile.outputs[o]);
}

/* How the cells are computed. The result must not depend on it. */
typedef struct manner {
    uint64_t batch;     /* cells at a time */
    int is_backwards;   /* batches from the last to the first */
    unsigned char fill; /* what memory holds before */
    int is_told;        /* each batch is noted as the place */
} manner;

static void *filled(uint64_t bytes, unsigned char fill)
{
    void *memory = aligned_alloc(64, bytes > 0 ? (bytes + 63) / 64 * 64 : 64);

    if (memory == NULL)
        __builtin_trap();
    return memset(memory, fill, bytes);
}

/* Which outputs a cell that came out as NaN has not written at all. */
static int unwritten_cells[GCR_OUTPUTS_MAX];

static void look_for_unwritten(const results *r, const gcr_real *outputs, uint64_t cell)
{
    for (int o = 0; kernel->outputs[o].name != NULL; outputs += r->tile.width[o], o++)
        for (int64_t k = 0; k < r->tile.width[o]; k++) {
            const gcr_real nothing = gcr_cell_nan(0);

            if (r->state[cell] == GCR_CELL_NAN_OUT &&
                memcmp(&outputs[k], &nothing, sizeof nothing) == 0) {
                unwritten_cells[o]++;
                break;
            }
        }
}

static void crunch_batch(results *r, const problem *p, const gcr_unit *unit, const manner *how,
                         uint64_t first)
{
    const gcr_shape shape = shape_of(p);
    gcr_unit_tile tile = r->tile;
    void *scratch = filled(unit->scratch_bytes(&shape), how->fill);

    tile.first = first;
    tile.count = how->batch;
    if (first + tile.count > p->table.point_count)
        tile.count = p->table.point_count - first;
    tile.state += first;
    for (int o = 0; tile.outputs[o] != NULL; o++)
        tile.outputs[o] += first * (uint64_t)tile.width[o];
    if (how->is_told)
        name_cell(place->cell, p, first);
    unit->crunch(&p->setup, &tile, 1, scratch);
    if (how->is_told && tile.count == 1)
        look_for_unwritten(r, scratch, first); /* a unit begins its scratch with a cell's outputs */
    free(scratch);
}

static void crunch(results *r, const problem *p, const gcr_unit *unit, const manner *how)
{
    const uint64_t batches = (p->table.point_count + how->batch - 1) / how->batch;
    const gcr_shape shape = shape_of(p);
    int32_t fault = 0;
    gcr_real *prepared = NULL;
    void *scratch;

    open_results(r, p);
    if (unit->prepare != NULL) {
        const uint64_t bytes = (uint64_t)kernel->prepared_count(&shape) * sizeof *prepared;

        prepared = room(bytes, 1);
        memset(prepared, how->fill, bytes);
        scratch = filled(unit->scratch_bytes(&shape), how->fill);
        if (how->is_told)
            name_cell(place->cell, p, 0);
        fault = unit->prepare(&p->setup, &p->data, prepared, scratch);
        free(scratch);
    }
    r->tile.prepared = prepared;
    r->tile.fault = &fault;
    for (uint64_t b = 0; b < batches; b++)
        crunch_batch(r, p, unit, how, (how->is_backwards ? batches - 1 - b : b) * how->batch);
    free(prepared);
}

#endif /* GCR_CHECKING_CRUNCHING_H */
