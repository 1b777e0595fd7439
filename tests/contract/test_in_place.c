/*
 * tests/contract/test_in_place.c -- what a device may do where its memory is: make synthetic
 * datasets, and leave records in place of cells. `test_in_place cpu`, `test_in_place cpu f32`,
 * `test_in_place cuda`. See test_crunch.c for what happens where there is no such device. One that
 * cannot says so.
 *
 * Bits are compared with those of the same text on the host.
 */
#include "backend/backend.h"
#include "kernels/registry.h"

#include "support/contract_in_hand.h"

#include "gridcrunch/cell.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- datasets ------------------------------------------------------------------------------- */

static void expect_row(const gcr_recipe *recipe, int64_t row, double *x, double *y)
{
    const gcr_synthetic_stream stream = gcr_synthetic_open(recipe);

    *y = 0;
    for (int64_t f = 0; f < recipe->features; f++) {
        double phases[GCR_SYNTHETIC_SINES];

        for (int k = 0; k < GCR_SYNTHETIC_SINES; k++)
            phases[k] = gcr_synthetic_phase(&stream, f, k);
        x[f] = gcr_synthetic_x(&stream, recipe, f, row);
        *y = gcr_synthetic_add(*y, recipe, x[f], phases);
    }
    *y += gcr_synthetic_noise(&stream, recipe, row);
}

static void assert_bits(const void *made, int64_t at, double want, const char *what, int64_t row)
{
    const float narrow = (float)want;
    const size_t bytes = gcr_scalar_bytes(scalar);

    if (memcmp((const char *)made + (size_t)at * bytes,
               scalar == GCR_F32 ? (const void *)&narrow : &want, bytes) != 0)
        fail_msg("%s of row %lld has other bits than %.17g", what, (long long)row, want);
}

static void check_made(const gcr_recipe *recipe)
{
    enum { FEATURES_MAX = 4 };
    const uint64_t value = gcr_scalar_bytes(scalar), rows = (uint64_t)recipe->rows;
    const uint64_t bytes = rows * ((uint64_t)recipe->features + 1) * value;
    gcr_buf *buf = device_buf(bytes);
    char *made = malloc(bytes);
    const gcr_generate_args args = { .recipe = *recipe,
                                     .scalar = scalar,
                                     .x = buf->base,
                                     .y = (char *)buf->base +
                                          rows * (uint64_t)recipe->features * value };

    assert_non_null(made);
    assert_ok(gcr_generate(queue, &args));
    assert_ok(gcr_download(queue, made, GCR_PLACE_HOST, buf, 0, bytes));
    assert_ok(gcr_queue_sync(queue));
    for (int64_t row = 0; row < recipe->rows; row++) {
        double x[FEATURES_MAX], y;

        expect_row(recipe, row, x, &y);
        for (int64_t f = 0; f < recipe->features; f++)
            assert_bits(made, f * recipe->rows + row, x[f], "x", row);
        assert_bits(made, recipe->features * recipe->rows + row, y, "y", row);
    }
    free(made);
    gcr_buf_close(buf);
}

static void test_datasets_that_are_made_have_the_hosts_bits(void **state)
{
    static const int64_t rows[] = { 1, 127, 128, 129, 200000 };
    gcr_recipe recipe = { .seed = (UINT64_C(7) << 32) + 5,
                          .identity = { 0xd82ca470, 0xf40d4c08, 0x2c54dd62, 0x66acf297 },
                          .features = 1,
                          .noise = 0.1 };

    (void)state;
    if (!gcr_can_generate(device)) {
        const gcr_generate_args args = { .recipe = recipe };

        assert_status(gcr_generate(queue, &args), GCR_EUNSUPPORTED);
        return;
    }
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (recipe.features = 1; recipe.features <= 4; recipe.features += 3) {
            recipe.rows = rows[r];
            check_made(&recipe);
        }
}

/* ---- records -------------------------------------------------------------------------------- */

enum { POINTS = 150000, BLOCKS = (POINTS + GCR_PARTIAL_POINTS - 1) / GCR_PARTIAL_POINTS };

static const gcr_reduction reduction = {
    .reduced = { { 0, GCR_REDUCED_SUM }, { 0, GCR_REDUCED_MAX_OF }, { 0, GCR_REDUCED_MIN_OF } },
    .count = 3,
    .top = 5,
    .top_of = 1
};

/* One output and a state of each point; of points that are not live, a state that nobody may
 * read. */
typedef struct cells {
    double values[POINTS];
    uint8_t state[POINTS];
    uint64_t live[POINTS / 64 + 1];
} cells;

static void fill(cells *c)
{
    uint64_t seed = 20260110;

    for (uint64_t p = 0; p < POINTS; p++) {
        seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t r = seed >> 33;
        const int is_live = p / 3000 % 5 != 2 && r % 9 != 0;

        c->values[p] = r % 23 == 0 ? gcr_cell_nan((uint32_t)p) : (double)(r % 100000) / 7 - 5000;
        c->state[p] = !is_live ? 0xee : r % 23 == 0 ? GCR_CELL_NOT_SPD : GCR_CELL_OK;
        c->live[p / 64] |= (uint64_t)is_live << (p % 64);
    }
}

static void expect_record(char *record, const cells *c, uint64_t block)
{
    const uint64_t first = block * GCR_PARTIAL_POINTS, left = POINTS - first;
    const uint32_t count = left < GCR_PARTIAL_POINTS ? (uint32_t)left : GCR_PARTIAL_POINTS;
    gcr_partial_states *states = (void *)record;
    gcr_partial *partials = (void *)(states + 1);
    uint8_t state[GCR_PARTIAL_POINTS];

    for (uint32_t p = 0; p < count; p++)
        state[p] = c->live[(first + p) / 64] >> (first + p) % 64 & 1 ? c->state[first + p]
                                                                     : GCR_CELL_EXCLUDED;
    gcr_partial_count(states, state, count, c->values + first, 1);
    for (int i = 0; i < reduction.count; i++)
        gcr_partial_reduce(&partials[i], state, count, c->values + first, reduction.reduced[i].op);
    gcr_partial_find_top((void *)(partials + reduction.count), state, count, c->values + first,
                         &reduction);
}

/* 20 tiles, more than a launch takes; the last ends with the points. */
static uint64_t cut_tiles(gcr_unit_tile tiles[20], const gcr_buf *buf)
{
    uint64_t count = 0;

    for (uint64_t first = 0; first < POINTS; first += tiles[count++].count) {
        const uint64_t left = POINTS - first, most = 8 * GCR_PARTIAL_POINTS;

        tiles[count] =
            (gcr_unit_tile){ .first = first,
                             .count = left < most ? left : most,
                             .outputs = { (double *)buf->base + first },
                             .width = { 1 },
                             .state = (uint8_t *)((double *)buf->base + POINTS) + first };
    }
    return count;
}

static void check_records(gcr_program *program, const cells *c)
{
    const uint64_t bytes = gcr_partial_bytes(&reduction);
    gcr_buf *cells_buf = device_buf(POINTS * (sizeof(double) + 1));
    gcr_buf *records = device_buf(BLOCKS * bytes);
    char *made = malloc(BLOCKS * bytes), *want = malloc(bytes);
    gcr_unit_tile tiles[20];
    const gcr_reduce_args args = { .tiles = tiles,
                                   .tile_count = cut_tiles(tiles, cells_buf),
                                   .reduction = &reduction,
                                   .records = records->base };

    assert_true(made != NULL && want != NULL);
    assert_ok(gcr_upload(queue, cells_buf, 0, c->values, GCR_PLACE_HOST, sizeof c->values));
    assert_ok(
        gcr_upload(queue, cells_buf, sizeof c->values, c->state, GCR_PLACE_HOST, sizeof c->state));
    assert_ok(gcr_reduce(queue, program, &args));
    assert_ok(gcr_download(queue, made, GCR_PLACE_HOST, records, 0, BLOCKS * bytes));
    assert_ok(gcr_queue_sync(queue));
    for (uint64_t b = 0; b < BLOCKS; b++) {
        expect_record(want, c, b);
        if (memcmp(made + b * bytes, want, bytes) != 0)
            fail_msg("the record of block %llu has other bits", (unsigned long long)b);
    }
    free(want);
    free(made);
    gcr_buf_close(records);
    gcr_buf_close(cells_buf);
}

static void test_records_have_the_hosts_bits(void **state)
{
    static cells c;
    static const double one[] = { 1 };
    char kernel[] = "scale";
    const gcr_job job = { .kernel = kernel, .precision = scalar };
    const gcr_point_table points = { .axes = { { "factor", one, 1 } },
                                     .axis_count = 1,
                                     .point_count = POINTS,
                                     .live_count = POINTS,
                                     .live = c.live };
    gcr_unit_setup setup = { .points = &points };
    gcr_program_spec spec = { .setup = &setup, .largest = { .rows = 1 } };
    gcr_program *program = NULL;

    (void)state;
    if (!gcr_can_reduce(device, &reduction)) {
        const gcr_reduce_args args = { .reduction = &reduction };

        assert_status(gcr_reduce(queue, NULL, &args), GCR_EUNSUPPORTED);
        return;
    }
    fill(&c);
    assert_ok(gcr_unit_find(&spec.unit, setup.option, &job, device->info.code_path));
    spec.largest.option = setup.option;
    assert_ok(gcr_program_open(&program, device, &spec));
    check_records(program, &c);
    gcr_program_close(program);
}

static void test_a_tile_within_a_block_cannot_be_reduced(void **state)
{
    const gcr_unit_tile tile = { .first = 1000, .count = 24 };
    const gcr_reduce_args args = { .tiles = &tile, .tile_count = 1, .reduction = &reduction };

    (void)state;
    if (gcr_can_reduce(device, &reduction))
        assert_status(gcr_reduce(queue, NULL, &args), GCR_EINVAL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_datasets_that_are_made_have_the_hosts_bits),
        cmocka_unit_test(test_records_have_the_hosts_bits),
        cmocka_unit_test(test_a_tile_within_a_block_cannot_be_reduced),
    };

    return contract_run(argc, argv, tests);
}
