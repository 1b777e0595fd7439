/*
 * kernels/own/checking/crunching.h -- the cells of a problem, computed in one manner or another.
 */
#ifndef GCR_CHECKING_CRUNCHING_H
#define GCR_CHECKING_CRUNCHING_H

#include "kernels/own/checking/random_problem.h"

#include "gridcrunch/cell.h"

/* Where the program is, in the file that it shares with own_check.c. */
static gcr_checking_place *place;

/* How the cells are computed. The result must not depend on it. */
typedef struct manner {
    uint64_t batch;     /* cells at a time */
    int is_backwards;   /* batches from the last to the first */
    unsigned char fill; /* what memory holds before */
    int is_told;        /* each batch is noted as the place */
    int is_counted; /* outputs that a cell leaves unwritten are, where batches are of one cell */
} manner;

/* What a problem gives: the outputs and states of all its cells. */
typedef struct results {
    gcr_unit_tile tile; /* points to the others */
    uint8_t state[POINTS_MAX];
    gcr_real *prepared;
    int32_t fault;
} results;

/* Notes where the program is. */
static void tell_place(const gcr_unit *unit, const char *what, const problem *p, uint64_t point)
{
    char cell[GCR_PLACE_BYTES];

    name_cell(cell, p, point);
    snprintf(place->cell, sizeof place->cell, "%s%s%s",
             unit->algorithm == GCR_TRIDIAGONAL ? "algorithm: tridiagonal, " : "", what, cell);
}

static void *filled(uint64_t bytes, unsigned char fill)
{
    void *memory = aligned_alloc(64, bytes > 0 ? (bytes + 63) / 64 * 64 : 64);

    if (memory == NULL)
        __builtin_trap();
    return memset(memory, fill, bytes);
}

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

/* ---- results --------------------------------------------------------------------------------- */

static void prepare_data(results *r, const problem *p, const gcr_unit *unit, const manner *how)
{
    const gcr_shape shape = shape_of(p);
    const uint64_t bytes = (uint64_t)kernel->prepared_count(&shape) * sizeof *r->prepared;
    void *scratch = filled(unit->scratch_bytes(&shape), how->fill);

    r->prepared = room(bytes, 1);
    memset(r->prepared, how->fill, bytes);
    if (how->is_told)
        tell_place(unit, "", p, 0);
    r->fault = unit->prepare(&p->setup, &p->data, r->prepared, scratch);
    free(scratch);
}

/* Of a unit that has prepared the data and computed no cell. */
static void open_results(results *r, const problem *p, const gcr_unit *unit, const manner *how)
{
    memset(r, 0, sizeof *r);
    for (int o = 0; kernel->outputs[o].name != NULL; o++) {
        r->tile.width[o] = width_of(p, o);
        r->tile.outputs[o] =
            room(p->table.point_count * (uint64_t)r->tile.width[o], sizeof(gcr_real));
    }
    if (unit->prepare != NULL)
        prepare_data(r, p, unit, how);
    r->tile.prepared = r->prepared;
    r->tile.fault = &r->fault;
    r->tile.state = r->state;
    r->tile.data = p->data;
}

static void close_results(results *r)
{
    for (int o = 0; r->tile.outputs[o] != NULL; o++)
        free(r->tile.outputs[o]);
    free(r->prepared);
}

/* The tile of up to `count` points from `first` on. */
static gcr_unit_tile part_of(const results *r, const problem *p, uint64_t first, uint64_t count)
{
    const uint64_t left = p->table.point_count - first;
    gcr_unit_tile tile = r->tile;

    tile.first = first;
    tile.count = count < left ? count : left;
    tile.state += first;
    for (int o = 0; tile.outputs[o] != NULL; o++)
        tile.outputs[o] += first * (uint64_t)tile.width[o];
    return tile;
}

/* ---- crunching ------------------------------------------------------------------------------- */

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
    const gcr_unit_tile tile = part_of(r, p, first, how->batch);
    void *scratch = filled(unit->scratch_bytes(&shape), how->fill);

    if (how->is_told)
        tell_place(unit, "", p, first);
    unit->crunch(&p->setup, &tile, 1, scratch);
    if (how->is_counted)
        look_for_unwritten(r, scratch, first); /* a unit begins its scratch with a cell's outputs */
    free(scratch);
}

static void crunch(results *r, const problem *p, const gcr_unit *unit, const manner *how)
{
    const uint64_t batches = (p->table.point_count + how->batch - 1) / how->batch;

    open_results(r, p, unit, how);
    for (uint64_t b = 0; b < batches; b++)
        crunch_batch(r, p, unit, how, (how->is_backwards ? batches - 1 - b : b) * how->batch);
}

/* ---- several datasets ------------------------------------------------------------------------ */

/* Datasets of the same shape, and a last one of another, over one grid. */
enum { HERD = 5, HERD_TILES_MAX = HERD * POINTS_MAX };

/* Tiles of mixed sizes in which the datasets take turns, each time another one first. Returns how
 * many. */
static uint64_t cut_tiles(gcr_unit_tile out[HERD_TILES_MAX], const results *r, const problem *herd)
{
    static const uint64_t sizes[] = { 1, 3, 2, 7, 1, 4 };
    const uint64_t cells = HERD * herd[0].table.point_count;
    uint64_t next[HERD] = { 0 }, count = 0;

    for (uint64_t k = 0, cut = 0; cut < cells; k++) {
        const uint64_t d = (k + k / HERD) % HERD;

        if (next[d] == herd[d].table.point_count)
            continue;
        out[count] = part_of(&r[d], &herd[d], next[d], sizes[k % 6]);
        next[d] += out[count].count;
        cut += out[count].count;
        count++;
    }
    return count;
}

/* All cells of all datasets in one call, with scratch for the largest. */
static void crunch_herd(results r[HERD], const problem herd[HERD], const gcr_unit *unit)
{
    const manner how = { .fill = 0xff, .is_told = 1 };
    gcr_unit_tile tiles[HERD_TILES_MAX];
    gcr_shape largest = shape_of(&herd[0]);
    uint64_t count;
    void *scratch;

    for (int d = 0; d < HERD; d++) {
        open_results(&r[d], &herd[d], unit, &how);
        if (largest.rows < herd[d].data.rows)
            largest.rows = herd[d].data.rows;
        if (largest.features < herd[d].data.features)
            largest.features = herd[d].data.features;
    }
    count = cut_tiles(tiles, r, herd);
    scratch = filled(unit->scratch_bytes(&largest), how.fill);
    tell_place(unit, "tiles of several datasets at once, the first of ", &herd[0], 0);
    unit->crunch(&herd[0].setup, tiles, count, scratch);
    free(scratch);
}

#endif /* GCR_CHECKING_CRUNCHING_H */
