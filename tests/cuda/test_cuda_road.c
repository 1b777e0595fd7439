/* The road of a batch: what is launched, who waits for whom, what is allocated when. */
#include "support/cuda_stage.h"

#include "cuda/device/meeting.h"

static int count_launches(const char *kernel)
{
    int count = 0;

    for (int l = 0; l < fake_cuda.launch_count; l++)
        count += strcmp(fake_cuda.launches[l].kernel, kernel) == 0;
    return count;
}

/* The first launch of gcr_crunch. */
static const fake_launch *first_crunch(void)
{
    int l = 0;

    while (strcmp(fake_cuda.launches[l].kernel, "gcr_crunch") != 0)
        l++;
    return &fake_cuda.launches[l];
}

static void test_results_are_there_when_the_event_is(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    for (int d = 0; d < STAGE_DATASETS; d++)
        assert_ok(stage_bring(&s, d, 6));
    assert_ok(stage_crunch_all(&s, STAGE_DATASETS));
    assert_ok(gcr_event_sync(s.event, -1));
    for (int d = 0; d < STAGE_DATASETS; d++)
        stage_check(&s, d);
    stage_close(&s);
    assert_clean();
}

/* Datasets and prepared blocks are of floats; what comes back is of doubles. */
static void test_floats_take_the_same_road(void **state)
{
    gcr_unit unit = stage_unit;
    stage s = { .spec = { .unit = &unit } };

    (void)state;
    unit.scalar = GCR_F32;
    assert_ok(stage_open(&s));
    for (int d = 0; d < STAGE_DATASETS; d++)
        assert_ok(stage_bring(&s, d, 6 + 60 * d));
    assert_ok(stage_crunch_all(&s, STAGE_DATASETS));
    assert_ok(gcr_event_sync(s.event, -1));
    for (int d = 0; d < STAGE_DATASETS; d++)
        stage_check(&s, d);
    stage_close(&s);
    assert_clean();
}

/* As many threads have scratch of their own side by side, each of floats. */
static void test_scratch_is_counted_in_what_the_unit_computes_with(void **state)
{
    gcr_unit unit = stage_unit;
    stage s = { .spec = { .unit = &unit } };

    (void)state;
    for (gcr_scalar scalar = GCR_F64; scalar < GCR_SCALAR_COUNT; scalar++) {
        const fake_launch *launch;
        const gcr_crossovers table = gcr_crossovers_default(90, scalar);
        const int64_t n = table.blocked_rows - 1; /* in the scratch of a block */
        gcr_cell_shape shape = { .n = n, .systems = 1, .right_sides = 1, .output_width = 2 };
        gcr_variant variant;

        shape.form = GCR_FORM_SPD;
        variant = gcr_variant_of(&table, &shape);
        unit.scalar = scalar;
        s = (stage){ .spec = { .unit = &unit } };
        assert_ok(stage_open(&s));
        assert_ok(stage_bring(&s, 0, n));
        assert_ok(stage_crunch_all(&s, 1));
        launch = &fake_cuda.launches[fake_cuda.launch_count - 1];
        assert_int_equal(launch->scratch_stride * gcr_scalar_bytes(scalar), variant.scratch_bytes);
        stage_close(&s);
    }
    assert_clean();
}

/* In place of the records of all cells; the fake's outputs are 100 (d + 1) + point. */
static void test_records_of_blocks_come_down_in_place_of_cells(void **state)
{
    enum { TILES = STAGE_DATASETS * 7 };
    const gcr_reduction reduction = {
        .reduced = { { 0, GCR_REDUCED_SUM }, { 1, GCR_REDUCED_MAX_OF } }, .count = 2, .top_of = -1
    };
    const uint64_t bytes = gcr_partial_bytes(&reduction);
    gcr_unit_tile tiles[TILES];
    gcr_reduce_args args = { .tiles = tiles, .tile_count = TILES, .reduction = &reduction };
    gcr_buf *records_dev, *records;
    stage s = { 0 };

    (void)state;
    s.setup.jitter_count = 2;
    assert_ok(stage_open(&s));
    for (int d = 0; d < STAGE_DATASETS; d++)
        assert_ok(stage_bring(&s, d, 6));
    for (int t = 0; t < TILES;
         t++) /* the same cells again and again: more tiles than a launch takes */
        tiles[t] = stage_tile(&s, t % STAGE_DATASETS, 0, STAGE_POINTS);
    assert_ok(gcr_buf_open(&records_dev, s.device, GCR_PLACE_DEVICE, TILES * bytes));
    assert_ok(gcr_buf_open(&records, s.device, GCR_PLACE_STAGING, TILES * bytes));
    args.records = records_dev->base;
    assert_ok(stage_crunch_all(&s, STAGE_DATASETS));
    stage_turn_away();
    assert_ok(gcr_reduce(s.queue, s.program, &args));
    assert_ok(
        gcr_download(s.queue, records->base, GCR_PLACE_STAGING, records_dev, 0, TILES * bytes));
    assert_ok(gcr_event_record(s.event, s.queue));
    assert_ok(gcr_event_sync(s.event, -1));
    for (int t = 0; t < TILES; t++) {
        const double base = 100.0 * (t % STAGE_DATASETS + 1);
        const gcr_partial_states *states = (void *)((char *)records->base + (uint64_t)t * bytes);
        const gcr_partial *partials = (const void *)(states + 1);

        assert_int_equal(states->counts[GCR_CELL_OK], 16);
        assert_int_equal(states->counts[GCR_CELL_OK_JITTER], 4);
        assert_near(partials[0].value, 20 * base + 190, 0);
        assert_near(partials[1].value, base + 1019, 0);
        assert_int_equal(partials[1].at, 19);
    }
    tiles[0].count = 0; /* nothing is no launch */
    args.tile_count = 1;
    assert_ok(gcr_reduce(s.queue, s.program, &args));
    assert_int_equal(count_launches("gcr_reduce"), 2);
    gcr_buf_close(records);
    gcr_buf_close(records_dev);
    stage_close(&s);
    assert_clean();
}

/* A batch on data that nobody uploaded: it waits for the stream on which they are made. */
static void test_a_dataset_that_is_made_is_there_before_its_batch(void **state)
{
    gcr_generate_args args = { .recipe = { .seed = 3, .rows = 6, .features = 1 } };
    double phases[GCR_SYNTHETIC_SINES], first;
    gcr_unit_tile tile;
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(gcr_buf_open(&s.data[0], s.device, GCR_PLACE_DEVICE, 12 * sizeof(double)));
    args.x = s.data[0]->base;
    args.y = (double *)s.data[0]->base + 6;
    s.view[0] = (gcr_view){ .rows = 6, .features = 1, .x = args.x, .y = args.y };
    for (int twice = 0; twice < 2; twice++) {
        stage_turn_away();
        assert_ok(gcr_generate(s.queue, &args));
    }
    tile = stage_tile(&s, 0, 0, 1);
    assert_ok(stage_crunch(&s, &tile, 1));
    assert_ok(gcr_event_sync(s.event, -1));
    const gcr_synthetic_stream stream = gcr_synthetic_open(&args.recipe);

    for (int k = 0; k < GCR_SYNTHETIC_SINES; k++)
        phases[k] = gcr_synthetic_phase(&stream, 0, k);
    first = gcr_synthetic_add(0, &args.recipe, 0, phases);
    assert_near(*(const double *)s.records->base, first, 0);
    assert_int_equal(count_launches("gcr_generate"), 2);
    assert_int_equal(s.queue->ledger.up_bytes, 0);
    stage_close(&s);
    assert_clean();
}

static void test_nothing_waits_before_the_event_is_waited_for(void **state)
{
    stage s = { 0 };
    int waits;

    (void)state;
    assert_ok(stage_open(&s));
    waits = fake_cuda.waits;
    assert_ok(stage_bring(&s, 0, 6));
    for (int batch = 0; batch < GCR_CUDA_IN_FLIGHT; batch++)
        assert_ok(stage_crunch_all(&s, 1));
    assert_int_equal(fake_cuda.waits, waits);
    assert_ok(gcr_event_sync(s.event, -1));
    assert_int_equal(fake_cuda.waits, waits + 1);
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
}

static void test_tiles_of_one_size_are_one_launch_whatever_their_dataset(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    for (int d = 0; d < STAGE_DATASETS; d++)
        assert_ok(stage_bring(&s, d, 6));
    assert_ok(stage_crunch_all(&s, STAGE_DATASETS));
    assert_int_equal(count_launches("gcr_crunch"), 1);
    assert_int_equal(first_crunch()->tile_count, STAGE_DATASETS);
    assert_int_equal(first_crunch()->cell_count, STAGE_DATASETS * STAGE_POINTS);
    stage_close(&s);
    assert_clean();
}

static void test_sizes_of_other_variants_are_other_launches(void **state)
{
    static const int64_t rows[STAGE_DATASETS] = { 6, 20, 150 };
    gcr_unit_tile tiles[2 * STAGE_DATASETS];
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    for (int d = 0; d < STAGE_DATASETS; d++)
        assert_ok(stage_bring(&s, d, rows[d]));
    for (int t = 0; t < 2 * STAGE_DATASETS; t++)
        tiles[t] = stage_tile(&s, t % STAGE_DATASETS, t < STAGE_DATASETS ? 0 : 7,
                              t < STAGE_DATASETS ? 7 : STAGE_POINTS - 7);
    assert_ok(stage_crunch(&s, tiles, 2 * STAGE_DATASETS));
    assert_int_equal(count_launches("gcr_crunch"), STAGE_DATASETS);
    assert_int_equal(first_crunch()->tile_count, 2);
    assert_ok(gcr_event_sync(s.event, -1));
    for (int d = 0; d < STAGE_DATASETS; d++)
        stage_check(&s, d);
    stage_close(&s);
    assert_clean();
}

static void test_a_long_batch_is_several_launches(void **state)
{
    const uint64_t count = 2 * GCR_CUDA_LAUNCH_TILES + 1;
    gcr_unit_tile *tiles = calloc(count, sizeof *tiles);
    stage s = { 0 };

    (void)state;
    assert_non_null(tiles);
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    for (uint64_t t = 0; t < count; t++)
        tiles[t] = stage_tile(&s, 0, t % STAGE_POINTS, 1);
    assert_ok(stage_crunch(&s, tiles, count));
    assert_int_equal(count_launches("gcr_crunch"), 3);
    assert_ok(gcr_event_sync(s.event, -1));
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
    free(tiles);
}

static void test_each_rung_of_the_ladder_is_one_launch(void **state)
{
    (void)state;
    for (int rungs = 0; rungs <= 3; rungs++) {
        stage s = { .setup.jitter_count = rungs };

        fake_cuda.launch_count = 0;
        assert_ok(stage_open(&s));
        assert_ok(stage_bring(&s, 0, 6));
        for (int batch = 0; batch < 2; batch++)
            assert_ok(stage_crunch_all(&s, 1));
        assert_int_equal(count_launches("gcr_crunch"), 2);
        assert_int_equal(count_launches("gcr_retry"), 2 * rungs);
        assert_ok(gcr_event_sync(s.event, -1));
        stage_check(&s, 0);
        stage_close(&s);
        assert_clean();
    }
}

static void test_batches_allocate_nothing(void **state)
{
    stage s = { .setup.jitter_count = 2 };
    int allocations;

    (void)state;
    assert_ok(stage_open(&s));
    for (int d = 0; d < STAGE_DATASETS; d++)
        assert_ok(stage_bring(&s, d, 6));
    assert_ok(stage_crunch_all(&s, STAGE_DATASETS));
    allocations = fake_cuda.allocations;
    for (int batch = 0; batch < 100; batch++) {
        assert_ok(stage_crunch_all(&s, STAGE_DATASETS));
        assert_ok(gcr_event_sync(s.event, -1));
    }
    assert_int_equal(fake_cuda.allocations, allocations);
    stage_check(&s, 1);
    stage_close(&s);
    assert_clean();
}

/* The descriptors of batch k + 4 take the place of those of batch k, which must have been read. */
static void test_batches_that_nobody_waits_for_keep_their_descriptors(void **state)
{
    stage s = { 0 };
    gcr_unit_tile tile;

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    for (int p = 0; p < STAGE_POINTS; p++) {
        tile = stage_tile(&s, 0, (uint64_t)p, 1);
        assert_ok(stage_crunch(&s, &tile, 1));
    }
    assert_ok(gcr_event_sync(s.event, -1));
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
}

static void test_datasets_that_came_since_the_last_batch_are_prepared_by_one_launch(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    for (int d = 0; d < STAGE_DATASETS; d++)
        assert_ok(stage_bring(&s, d, 6));
    assert_int_equal(fake_cuda.launch_count, 0);
    assert_ok(stage_crunch_all(&s, STAGE_DATASETS));
    assert_int_equal(count_launches("gcr_prepare"), 1);
    assert_string_equal(fake_cuda.launches[0].kernel, "gcr_prepare");
    assert_int_equal(fake_cuda.launches[0].dataset_count, STAGE_DATASETS);
    assert_int_equal(fake_cuda.launches[0].blocks, STAGE_DATASETS);
    assert_ok(stage_crunch_all(&s, STAGE_DATASETS));
    assert_int_equal(count_launches("gcr_prepare"), 1);
    assert_ok(gcr_event_sync(s.event, -1));
    for (int d = 0; d < STAGE_DATASETS; d++)
        stage_check(&s, d);
    stage_close(&s);
    assert_clean();
}

/* Its memory, the upload after it, the copy; and, when it goes, the memory again. */
static void test_a_dataset_takes_five_calls(void **state)
{
    stage s = { 0 };
    gcr_prepare_args args;
    gcr_buf *buf = NULL;
    int calls;

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    calls = fake_cuda.calls;
    assert_ok(gcr_buf_open(&buf, s.device, GCR_PLACE_DEVICE, 1024));
    assert_ok(gcr_upload(s.queue, buf, 0, &(double){ 1 }, GCR_PLACE_HOST, sizeof(double)));
    args = (gcr_prepare_args){ .data = { .rows = 1, .y = buf->base },
                               .prepared = (char *)buf->base + 256,
                               .fault = (int32_t *)buf->base + 100 };
    assert_ok(gcr_prepare(s.queue, s.program, &args));
    assert_int_equal(fake_cuda.calls - calls, 4);
    assert_ok(gcr_queue_sync(s.queue));
    calls = fake_cuda.calls;
    gcr_buf_close_idle(buf);
    assert_int_equal(fake_cuda.calls - calls, 1);
    stage_close(&s);
    assert_clean();
}

static void test_a_dataset_that_waits_to_be_prepared_is_prepared_before_it_goes(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    gcr_buf_close(s.prepared[0]);
    s.prepared[0] = NULL;
    assert_int_equal(count_launches("gcr_prepare"), 1);
    assert_ok(gcr_queue_sync(s.queue));
    stage_close(&s);
    assert_clean();
}

static void test_whoever_syncs_a_queue_finds_its_datasets_prepared(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    assert_ok(gcr_queue_sync(s.queue));
    assert_int_equal(count_launches("gcr_prepare"), 1);
    assert_int_equal(fake_cuda.launches_done, 1);
    stage_close(&s);
    assert_clean();
}

static void test_datasets_of_two_programs_are_two_launches(void **state)
{
    stage s = { 0 };
    gcr_program *other = NULL, *first;

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(gcr_program_open(&other, s.device, &s.spec));
    first = s.program;
    assert_ok(stage_bring(&s, 0, 6));
    s.program = other;
    assert_ok(stage_bring(&s, 1, 6));
    s.program = first;
    assert_ok(stage_bring(&s, 2, 6));
    gcr_program_close(other);
    assert_ok(gcr_queue_sync(s.queue));
    assert_int_equal(count_launches("gcr_prepare"), 3);
    stage_close(&s);
    assert_clean();
}

static void test_a_program_that_is_closed_prepares_nothing_any_more(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    gcr_program_close(s.program);
    s.program = NULL;
    assert_ok(gcr_queue_sync(s.queue));
    assert_int_equal(fake_cuda.launch_count, 0);
    stage_close(&s);
    assert_clean();
}

static int64_t much(const gcr_shape *shape)
{
    return shape->rows << 20;
}

static void test_without_memory_for_more_one_block_prepares_all(void **state)
{
    gcr_kernel kernel = stage_kernel;
    gcr_unit unit = stage_unit;
    stage s = { 0 };

    (void)state;
    kernel.scratch_count = much;
    unit.kernel = &kernel;
    assert_ok(stage_open(&s));
    gcr_program_close(s.program);
    s.spec.unit = &unit;
    assert_ok(gcr_program_open(&s.program, s.device, &s.spec));
    assert_ok(stage_bring(&s, 0, 2));
    /* After the two blocks of the next dataset. */
    fake_cuda_let_fail("cudaMallocFromPoolAsync", 3, cudaErrorMemoryAllocation);
    assert_ok(stage_bring(&s, 1, 2)); /* the scratch of two is not to be had */
    assert_true(fake_cuda.has_failed);
    assert_ok(stage_bring(&s, 2, 2));
    assert_ok(gcr_queue_sync(s.queue));
    for (int l = 0; l < fake_cuda.launch_count; l++)
        assert_true(fake_cuda.launches[l].blocks >= 1);
    stage_close(&s);
    assert_clean();
}

/* Each has a place for its descriptor, until it has been read. */
static void test_more_datasets_than_places_are_prepared(void **state)
{
    enum { COUNT = 2500 };
    stage s = { 0 };
    int32_t faults[COUNT];
    gcr_buf *buf = NULL;

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 2));
    assert_ok(gcr_buf_open(&buf, s.device, GCR_PLACE_DEVICE, sizeof faults));
    for (int d = 0; d < COUNT; d++) {
        const gcr_prepare_args args = { .data = s.view[0],
                                        .prepared = s.prepared[0]->base,
                                        .fault = (int32_t *)buf->base + d };

        assert_ok(gcr_prepare(s.queue, s.program, &args));
    }
    assert_ok(gcr_download(s.queue, faults, GCR_PLACE_HOST, buf, 0, sizeof faults));
    assert_ok(gcr_queue_sync(s.queue));
    for (int d = 0; d < COUNT; d++)
        assert_int_equal(faults[d], 0);
    gcr_buf_close(buf);
    stage_close(&s);
    assert_clean();
}

static void test_a_dataset_may_be_closed_while_its_batch_is_under_way(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    assert_ok(stage_crunch_all(&s, 1));
    gcr_buf_close(s.prepared[0]);
    gcr_buf_close(s.data[0]);
    s.prepared[0] = s.data[0] = NULL;
    assert_ok(stage_bring(&s, 1, 6)); /* perhaps in the same place */
    assert_ok(gcr_event_sync(s.event, -1));
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
}

/* The upload for the batch after the next comes after what was freed in between. */
static void check_upload_past_a_closed_dataset(void (*close)(gcr_buf *buf), int launches_before)
{
    stage s = { 0 };
    gcr_unit_tile tile;
    int done;

    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    assert_ok(stage_crunch_all(&s, 1));
    assert_ok(gcr_event_sync(s.event, -1));
    stage_check(&s, 0);
    done = fake_cuda.launches_done;
    assert_ok(stage_bring(&s, 1, 6));
    tile = stage_tile(&s, 1, 0, STAGE_POINTS);
    assert_ok(stage_crunch(&s, &tile, 1));
    close(s.data[0]);
    close(s.prepared[0]);
    s.data[0] = s.prepared[0] = NULL;
    assert_ok(stage_bring(&s, 2, 6));
    assert_int_equal(cudaStreamSynchronize(((cuda_queue *)s.queue)->up.stream), cudaSuccess);
    assert_int_equal(fake_cuda.launches_done - done, launches_before);
    stage_close(&s);
    assert_clean();
}

static void test_a_dataset_that_is_idle_leaves_without_holding_up_uploads(void **state)
{
    (void)state;
    check_upload_past_a_closed_dataset(gcr_buf_close_idle, 0);
}

static void test_a_dataset_in_use_leaves_before_the_next_comes(void **state)
{
    (void)state;
    check_upload_past_a_closed_dataset(gcr_buf_close, 2); /* dataset 1 prepared, and the batch */
}

static void test_a_thread_turns_to_its_gpu_for_launches_alone(void **state)
{
    stage s = { 0 };
    int turns;

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    turns = fake_cuda.turns;
    assert_ok(gcr_upload(s.queue, s.data[0], 0, &(double){ 100 }, GCR_PLACE_HOST, sizeof(double)));
    assert_ok(stage_crunch_all(&s, 1));
    assert_ok(gcr_event_sync(s.event, -1));
    gcr_buf_close_idle(s.prepared[0]);
    s.prepared[0] = NULL;
    assert_int_equal(fake_cuda.turns, turns + 2); /* the dataset is prepared, the batch computed */
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
}

static void test_a_thread_that_was_turned_away_comes_back(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    stage_turn_away();
    assert_ok(stage_crunch_all(&s, 1));
    assert_ok(gcr_event_sync(s.event, -1));
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
}

static void test_an_upload_longer_than_all_stages_comes_whole(void **state)
{
    const uint64_t bytes = GCR_CUDA_STAGES * (uint64_t)GCR_CUDA_STAGE_BYTES * 2 + 24;
    unsigned char *from = malloc(bytes), *back = malloc(bytes);
    stage s = { 0 };
    gcr_buf *buf = NULL;

    (void)state;
    assert_non_null(from);
    assert_non_null(back);
    for (uint64_t i = 0; i < bytes; i++)
        from[i] = (unsigned char)(i % 251);
    assert_ok(stage_open(&s));
    assert_ok(gcr_buf_open(&buf, s.device, GCR_PLACE_DEVICE, bytes));
    assert_ok(gcr_upload(s.queue, buf, 0, from, GCR_PLACE_HOST, bytes));
    memset(from, 0, bytes / 2); /* what was uploaded from memory that is not pinned has been read */
    assert_ok(gcr_download(s.queue, back, GCR_PLACE_HOST, buf, 0, bytes));
    assert_ok(gcr_queue_sync(s.queue));
    for (uint64_t i = 0; i < bytes; i++)
        if (back[i] != i % 251)
            fail_msg("byte %llu is wrong", (unsigned long long)i);
    gcr_buf_close(buf);
    stage_close(&s);
    assert_clean();
    free(back);
    free(from);
}

/* Far fewer bytes than a stage has, and far more uploads than there are stages. */
static void test_small_uploads_share_a_stage_and_wait_for_nothing(void **state)
{
    enum { COUNT = 1000 };
    double back[COUNT];
    stage s = { 0 };
    gcr_buf *buf = NULL;
    int waits;

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(gcr_buf_open(&buf, s.device, GCR_PLACE_DEVICE, sizeof back));
    waits = fake_cuda.waits;
    for (int i = 0; i < COUNT; i++) {
        const double value = i;

        assert_ok(gcr_upload(s.queue, buf, (uint64_t)i * sizeof value, &value, GCR_PLACE_HOST,
                             sizeof value));
    }
    assert_int_equal(fake_cuda.waits, waits);
    assert_ok(gcr_download(s.queue, back, GCR_PLACE_HOST, buf, 0, sizeof back));
    assert_ok(gcr_queue_sync(s.queue));
    for (int i = 0; i < COUNT; i++)
        assert_near(back[i], i, 0);
    gcr_buf_close(buf);
    stage_close(&s);
    assert_clean();
}

static cuda_device *waited_for; /* whose lock nobody who waits may hold */

static void try_the_lock(void)
{
    assert_int_equal(pthread_mutex_trylock(&waited_for->lock), 0);
    pthread_mutex_unlock(&waited_for->lock);
}

static void test_nobody_holds_the_lock_who_waits(void **state)
{
    const uint64_t bytes = GCR_CUDA_STAGES * (uint64_t)GCR_CUDA_STAGE_BYTES + 8;
    char *from = calloc(bytes, 1);
    stage s = { 0 };
    gcr_buf *buf = NULL;
    int waits;

    (void)state;
    assert_non_null(from);
    assert_ok(stage_open(&s));
    assert_ok(gcr_buf_open(&buf, s.device, GCR_PLACE_DEVICE, bytes));
    waited_for = cuda_device_of(s.device);
    fake_cuda.on_wait = try_the_lock;
    waits = fake_cuda.waits;
    assert_ok(gcr_upload(s.queue, buf, 0, from, GCR_PLACE_HOST, bytes));
    assert_int_equal(fake_cuda.waits,
                     waits + 1); /* for the first stage, when it has its second turn */
    assert_ok(stage_bring(&s, 0, 6));
    for (int batch = 0; batch < 2 * GCR_CUDA_LAUNCH_SLOTS; batch++)
        assert_ok(stage_crunch_all(&s, 1));
    assert_true(fake_cuda.waits > waits + 1);
    gcr_buf_close(buf);
    stage_close(&s);
    assert_clean();
    free(from);
}

static void test_a_block_gets_the_shared_memory_it_asks_for(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 150));
    assert_ok(stage_crunch_all(&s, 1));
    assert_true(first_crunch()->shared_bytes > 48 << 10);
    stage_close(&s);
    assert_clean(); /* each kernel that has so much was given it */
}

static int64_t eleven(const gcr_shape *shape)
{
    (void)shape;
    return 11;
}

/* 96 rows and 11 sides are 48 KB, which a kernel that declares some more may not have unasked. */
static void test_what_a_kernel_declares_counts_as_shared_memory(void **state)
{
    gcr_kernel kernel = stage_kernel;
    gcr_unit unit = stage_unit;
    stage s = { 0 };

    (void)state;
    kernel.right_sides = eleven;
    unit.kernel = &kernel;
    assert_ok(stage_open(&s));
    gcr_program_close(s.program);
    s.spec.unit = &unit;
    assert_ok(gcr_program_open(&s.program, s.device, &s.spec));
    assert_ok(stage_bring(&s, 0, 96));
    assert_ok(stage_crunch_all(&s, 1));
    assert_int_equal(first_crunch()->shared_bytes, 48 << 10);
    stage_close(&s);
    assert_clean();
}

/* Cells of one variant differ in shared memory: 78 KB, and 107, of which the fake runs half as
 * many. */
static void test_how_many_blocks_fit_is_asked_for_each_size(void **state)
{
    static const int64_t rows[] = { 130, 160, 130 };
    static const unsigned blocks[] = { 8, 4, 8 };
    stage s = { 0 };
    unsigned seen = 0;

    (void)state;
    assert_ok(stage_open(&s));
    for (int d = 0; d < 3; d++) {
        assert_ok(stage_bring(&s, d, rows[d]));
        const gcr_unit_tile tile = stage_tile(&s, d, 0, STAGE_POINTS);

        assert_ok(stage_crunch(&s, &tile, 1));
    }
    for (int l = 0; l < fake_cuda.launch_count; l++)
        if (strcmp(fake_cuda.launches[l].kernel, "gcr_crunch") == 0)
            assert_int_equal(fake_cuda.launches[l].blocks, blocks[seen++]);
    assert_int_equal(seen, 3);
    stage_close(&s);
    assert_clean();
}

/* Four multiprocessors; matrices that all of them factor are those of a sub-batch. */
static void test_cells_at_once_are_those_of_all_multiprocessors(void **state)
{
    static const struct {
        int64_t rows;
        uint64_t cells;
    } cases[] = { { 6, 4 * 3 * 128 }, { 32, 4 * 3 * 4 }, { 64, 4 * 5 },
                  { 200, 4 },         { 1024, 132 },     { 4096, 1 } };
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        const gcr_shape shape = { .rows = cases[c].rows, .option = s.setup.option };

        assert_int_equal(gcr_cells_at_once(s.device, &stage_unit, &shape), cases[c].cells);
    }
    stage_close(&s);
    assert_clean();
}

/* 150 rows: 20 cells on the 8 blocks of a GPU whose memory somebody else uses, too. */
static void test_where_memory_is_short_fewer_blocks_go_further(void **state)
{
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 150));
    fake_cuda_let_fail("cudaMallocFromPoolAsync", 1, cudaErrorMemoryAllocation);
    assert_ok(stage_crunch_all(&s, 1));
    assert_true(fake_cuda.has_failed);
    assert_int_equal(first_crunch()->blocks, 4);
    assert_ok(gcr_event_sync(s.event, -1));
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
}

/* 20 cells of 150 rows, on 8 blocks; an eighth of 20 and one more. */
static void test_few_blocks_try_cells_again(void **state)
{
    stage s = { .setup.jitter_count = 2 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 150));
    assert_ok(stage_crunch_all(&s, 1));
    assert_int_equal(first_crunch()->blocks, 8);
    for (int l = 0; l < fake_cuda.launch_count; l++)
        if (strcmp(fake_cuda.launches[l].kernel, "gcr_retry") == 0)
            assert_int_equal(fake_cuda.launches[l].blocks, 3);
    assert_int_equal(count_launches("gcr_retry"), 2);
    assert_ok(gcr_event_sync(s.event, -1));
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
}

static void test_a_cell_without_room_for_its_scratch_is_refused_with_its_bytes(void **state)
{
    stage s = { 0 };
    gcr_unit_tile tile;
    const gcr_crunch_args args = { .tiles = &tile, .tile_count = 1 };

    (void)state;
    assert_ok(stage_open(&s));
    cuda_device_of(s.device)->crossovers[GCR_F64].blocked_rows = 0;
    tile = stage_tile(&s, 0, 0, 1);
    tile.data.rows = 20000; /* 1.6 GB as a triangle; the GPU has 1 GiB */
    assert_status(gcr_crunch(s.queue, s.program, &args), GCR_ENOMEM);
    assert_error_mentions("bytes of scratch");
    stage_close(&s);
    assert_clean();
}

static void test_tiles_without_points_are_no_launch(void **state)
{
    gcr_unit_tile tiles[2];
    stage s = { 0 };

    (void)state;
    assert_ok(stage_open(&s));
    assert_ok(stage_bring(&s, 0, 6));
    assert_ok(stage_bring(&s, 1, 20));
    tiles[0] = stage_tile(&s, 0, 0, STAGE_POINTS);
    tiles[1] = stage_tile(&s, 1, 0, 0);
    assert_ok(stage_crunch(&s, tiles, 2));
    assert_int_equal(count_launches("gcr_crunch"), 1);
    assert_ok(gcr_event_sync(s.event, -1));
    stage_check(&s, 0);
    stage_close(&s);
    assert_clean();
}

static void test_a_cell_kernel_has_no_retries(void **state)
{
    gcr_kernel kernel = stage_kernel;
    gcr_unit unit = stage_unit;
    stage s = { .setup.jitter_count = 2 };
    gcr_unit_tile tile;

    (void)state;
    kernel.form = GCR_FORM_CELL;
    unit.kernel = &kernel;
    assert_ok(stage_open(&s));
    gcr_program_close(s.program);
    s.spec.unit = &unit;
    assert_ok(gcr_program_open(&s.program, s.device, &s.spec));
    assert_ok(stage_bring(&s, 0, 6));
    tile = stage_tile(&s, 0, 0, 3);
    assert_ok(stage_crunch(&s, &tile, 1));
    assert_int_equal(count_launches("gcr_crunch"), 1);
    assert_int_equal(count_launches("gcr_retry"), 0);
    stage_close(&s);
    assert_clean();
}

static int64_t count_of_rows(const gcr_shape *shape)
{
    return shape->rows;
}

static double cost_of_rows(const gcr_shape *shape)
{
    return (double)shape->rows;
}

/* One after the other, with the scratch of one; others have a block each. */
static void test_expensive_cells_have_all_blocks(void **state)
{
    gcr_kernel kernel = stage_kernel;
    gcr_unit unit = stage_unit;
    stage s = { .spec = { .unit = &unit } };
    gcr_crossovers *crossovers;
    const fake_launch *launch;
    gcr_unit_tile tile;

    (void)state;
    kernel.form = GCR_FORM_CELL;
    kernel.cost = cost_of_rows;
    kernel.scratch_count = count_of_rows;
    unit.kernel = &kernel;
    assert_ok(stage_open(&s));
    crossovers = &cuda_device_of(s.device)->crossovers[GCR_F64];
    assert_int_equal(crossovers->whole_blocks, 4); /* the fake's multiprocessors */
    crossovers->cell_thread_flops = 0;
    crossovers->cell_whole_flops = crossovers->cell_whole_count = 1000;
    assert_ok(stage_bring(&s, 0, 1000));
    assert_ok(stage_bring(&s, 1, 999));
    assert_int_equal(gcr_cells_at_once(s.device, &unit, &(const gcr_shape){ .rows = 1000 }), 1);
    assert_int_equal(gcr_cells_at_once(s.device, &unit, &(const gcr_shape){ .rows = 999 }), 4);
    for (int d = 0; d < 2; d++) {
        tile = stage_tile(&s, d, 0, STAGE_POINTS);
        assert_ok(stage_crunch(&s, &tile, 1));
        launch = &fake_cuda.launches[fake_cuda.launch_count - 1];
        assert_int_equal(launch->is_cooperative, d == 0);
        assert_int_equal(launch->blocks, d == 0 ? 4 : 8);
        assert_int_equal(launch->threads, d == 0 ? 256 : 128);
        assert_int_equal(launch->shared_bytes,
                         d == 0 ? GCR_WHOLE_PANEL_VALUES * sizeof(double) : 0);
    }
    stage_close(&s);
    assert_clean();
}

/* One after the other, in a launch of their own; those that cost less have a block each in
 * another. */
static void test_datasets_that_take_long_are_prepared_by_all_blocks(void **state)
{
    static const int rows[] = { 1000, 1001, 999 };
    gcr_kernel kernel = stage_kernel;
    gcr_unit unit = stage_unit;
    stage s = { .spec = { .unit = &unit } };
    const fake_launch *launch = fake_cuda.launches;

    (void)state;
    kernel.prepare_cost = cost_of_rows;
    unit.kernel = &kernel;
    assert_ok(stage_open(&s));
    cuda_device_of(s.device)->crossovers[GCR_F64].prepare_whole_flops = 1000;
    for (int d = 0; d < 3; d++)
        assert_ok(stage_bring(&s, d, rows[d]));
    assert_ok(gcr_queue_sync(s.queue));
    assert_int_equal(count_launches("gcr_prepare"), 2);
    for (int k = 0; k < 2; k++, launch++) {
        assert_int_equal(launch->team, k == 1 ? GCR_TEAM_PREPARE : GCR_TEAM_PREPARE_WHOLE);
        assert_int_equal(launch->is_cooperative, k != 1);
        assert_int_equal(launch->dataset_count, k == 0 ? 2 : 1);
        assert_int_equal(launch->blocks, k == 1 ? 1 : 4);
        assert_int_equal(launch->shared_bytes,
                         k == 1 ? 0 : GCR_WHOLE_PANEL_VALUES * sizeof(double));
    }
    stage_close(&s);
    assert_clean();
}

#define test(name) cmocka_unit_test_setup_teardown(name, stage_begin, test_folder_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(test_results_are_there_when_the_event_is),
        test(test_floats_take_the_same_road),
        test(test_scratch_is_counted_in_what_the_unit_computes_with),
        test(test_records_of_blocks_come_down_in_place_of_cells),
        test(test_a_dataset_that_is_made_is_there_before_its_batch),
        test(test_nothing_waits_before_the_event_is_waited_for),
        test(test_tiles_of_one_size_are_one_launch_whatever_their_dataset),
        test(test_sizes_of_other_variants_are_other_launches),
        test(test_a_long_batch_is_several_launches),
        test(test_each_rung_of_the_ladder_is_one_launch),
        test(test_batches_allocate_nothing),
        test(test_batches_that_nobody_waits_for_keep_their_descriptors),
        test(test_datasets_that_came_since_the_last_batch_are_prepared_by_one_launch),
        test(test_a_dataset_takes_five_calls),
        test(test_a_dataset_that_waits_to_be_prepared_is_prepared_before_it_goes),
        test(test_whoever_syncs_a_queue_finds_its_datasets_prepared),
        test(test_datasets_of_two_programs_are_two_launches),
        test(test_a_program_that_is_closed_prepares_nothing_any_more),
        test(test_without_memory_for_more_one_block_prepares_all),
        test(test_more_datasets_than_places_are_prepared),
        test(test_a_dataset_may_be_closed_while_its_batch_is_under_way),
        test(test_a_dataset_that_is_idle_leaves_without_holding_up_uploads),
        test(test_a_dataset_in_use_leaves_before_the_next_comes),
        test(test_a_thread_turns_to_its_gpu_for_launches_alone),
        test(test_a_thread_that_was_turned_away_comes_back),
        test(test_an_upload_longer_than_all_stages_comes_whole),
        test(test_small_uploads_share_a_stage_and_wait_for_nothing),
        test(test_nobody_holds_the_lock_who_waits),
        test(test_a_block_gets_the_shared_memory_it_asks_for),
        test(test_what_a_kernel_declares_counts_as_shared_memory),
        test(test_how_many_blocks_fit_is_asked_for_each_size),
        test(test_cells_at_once_are_those_of_all_multiprocessors),
        test(test_where_memory_is_short_fewer_blocks_go_further),
        test(test_few_blocks_try_cells_again),
        test(test_a_cell_without_room_for_its_scratch_is_refused_with_its_bytes),
        test(test_tiles_without_points_are_no_launch),
        test(test_a_cell_kernel_has_no_retries),
        test(test_expensive_cells_have_all_blocks),
        test(test_datasets_that_take_long_are_prepared_by_all_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
