/* Records of cells go from the GPUs of other ranks to rank 0's, and from there where their keys
 * say; started by mpirun. */
#include "cuda/cuda_backend.h" /* first: kernel.h has a `rank` of its own */

#include "base/clock.h"
#include "exec/carrier.h"
#include "exec/gather_device.h"
#include "exec/gather_way.h"
#include "results/slots.h"
#include "support/fake_cuda.h"
#include "support/fake_nccl.h"
#include "support/live_points.h"
#include "support/ranks.h"

#include "gridcrunch/cell.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { DATASETS = 3, POINTS = 1000, RUN = 23, TAG = 17, FLIGHTS = 3 };

static const int64_t widths[] = { 1, 3 };
static const double wait_seconds = 20;

/* What the test has open. */
static gcr_device *device;
static gcr_bridge *bridge;
static gcr_points *points;
static gcr_slots *slots;
static uint64_t landed[DATASETS], failed[DATASETS];
static double cost;

static uint8_t state_of(uint64_t dataset, uint64_t point)
{
    return point % 17 == dataset ? GCR_CELL_NOT_SPD : GCR_CELL_OK;
}

static double value_of(uint64_t dataset, uint64_t point, int output, int64_t k)
{
    return (double)(dataset * POINTS + point) + 0.25 * output + 1e6 * (double)k;
}

static gcr_status note_landed(void *arg, const gcr_landing *landing)
{
    (void)arg;
    landed[landing->dataset] += landing->live;
    failed[landing->dataset] += landing->failed;
    cost += landing->cost;
    return GCR_OK;
}

/* Some points are not live: one alone, and more than a run. */
static void open_all(void)
{
    gcr_slots_spec spec = { .dataset_count = DATASETS,
                            .output_count = 2,
                            .width = widths,
                            .has_jitter = 1,
                            .has_kinds = 1 };
    const gcr_gather_way_spec way = { .asked = GCR_GATHER_NCCL,
                                      .devices = &device,
                                      .device_count = 1,
                                      .bytes = 1,
                                      .seconds = wait_seconds };
    gcr_gather_way chosen;

    fake_cuda_reset();
    fake_nccl_reset();
    fake_cuda.first_gpu = rank;
    memset(landed, 0, sizeof landed);
    memset(failed, 0, sizeof failed);
    cost = 0;
    points = live_points(POINTS, "a != 7 and (a < 100 or a > 130)");
    spec.points = gcr_points_table(points);
    assert_ok(gcr_slots_create(&slots, &spec));
    assert_ok(gcr_cuda_device_open(&device, 0));
    atomic_flag_clear(&device->ledger_busy);
    assert_ok(gcr_gather_choose(&chosen, &bridge, ranks, &way));
    assert_true((bridge != NULL) == (rank_count > 1));
}

static void close_all(void)
{
    gcr_bridge_close(bridge);
    gcr_device_close(device);
    gcr_slots_destroy(slots);
    gcr_points_destroy(points);
    if (fake_cuda.broken != NULL)
        fail_msg("%s", fake_cuda.broken);
    assert_int_equal(fake_nccl.live, 0);
    assert_int_equal(fake_cuda.live, 0);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
}

/* ---- a rank that sends ----------------------------------------------------------------------- */

typedef struct flight {
    gcr_buf *records;
    gcr_event *sent;
    int is_sent;
} flight;

typedef struct shipper {
    gcr_queue *queue;
    flight flights[FLIGHTS];
    gcr_parcel_outbox outbox;
    char *host;
    uint64_t bytes;
} shipper;

static void open_shipper(shipper *s, uint64_t bytes)
{
    *s = (shipper){ .bytes = bytes, .host = malloc(bytes) };
    assert_non_null(s->host);
    assert_ok(gcr_queue_open(&s->queue, device));
    for (int f = 0; f < FLIGHTS; f++) {
        assert_ok(gcr_buf_open(&s->flights[f].records, device, GCR_PLACE_DEVICE, bytes));
        assert_ok(gcr_event_open(&s->flights[f].sent, device));
    }
    gcr_parcel_outbox_open(&s->outbox, ranks, TAG);
}

static void close_shipper(shipper *s)
{
    gcr_parcel_outbox_close(&s->outbox);
    gcr_queue_close(s->queue);
    for (int f = 0; f < FLIGHTS; f++) {
        gcr_event_close(s->flights[f].sent);
        gcr_buf_close(s->flights[f].records);
    }
    free(s->host);
}

/* As a device leaves it: nothing is written of points that are not live. */
static void write_part(const gcr_records *records, const gcr_records_part *at)
{
    gcr_unit_tile tile = { 0 };

    gcr_records_aim(records, slots, at, &tile);
    for (uint64_t i = 0; i < at->count; i++) {
        const uint64_t point = at->first + i;

        if (!gcr_point_is_live(gcr_points_table(points), point))
            continue;
        for (int o = 0; o < 2; o++)
            for (int64_t k = 0; k < widths[o]; k++)
                tile.outputs[o][(int64_t)i * widths[o] + k] = value_of(at->dataset, point, o, k);
        tile.state[i] = state_of(at->dataset, point);
        tile.jitter_step[i] = (uint8_t)(point % 5);
    }
}

/* Two runs of a dataset, as far as there are so many. */
static gcr_parcel write_batch(shipper *s, uint64_t dataset, uint64_t first)
{
    gcr_parcel parcel = { .kind = (uint8_t)(1 + rank % 2) };
    gcr_records records;

    for (; parcel.part_count < 2 && first < POINTS; first += RUN) {
        const uint64_t count = POINTS - first < RUN ? POINTS - first : RUN;

        parcel.parts[parcel.part_count++] = (gcr_parcel_part){ dataset, first, count, 1 };
        parcel.points += count;
    }
    parcel.bytes = parcel.points * gcr_records_cell_bytes(slots);
    records = (gcr_records){ .base = s->host, .points = parcel.points };
    memset(s->host, 0x5a, s->bytes); /* what the device had there before */
    for (uint64_t p = 0, at = 0; p < parcel.part_count; at += parcel.parts[p++].count)
        write_part(&records, &(gcr_records_part){ .dataset = dataset,
                                                  .first = parcel.parts[p].first,
                                                  .count = parcel.parts[p].count,
                                                  .at = at });
    return parcel;
}

/* True while rank 0 has not been told of all. */
static int announce(shipper *s)
{
    int is_under_way;

    assert_ok(gcr_parcel_announce(&s->outbox));
    assert_ok(gcr_parcel_look(&is_under_way, &s->outbox));
    return is_under_way;
}

/* A flight is used again when its records have been taken. */
static void ship(shipper *s, flight *f, uint64_t dataset, uint64_t first)
{
    gcr_parcel parcel;
    int is_taken = 0;

    if (f->is_sent)
        assert_ok(gcr_bridge_wait(bridge, f->sent, wait_seconds));
    parcel = write_batch(s, dataset, first);
    assert_ok(gcr_upload(s->queue, f->records, 0, s->host, GCR_PLACE_HOST, s->bytes));
    while (!is_taken) {
        assert_ok(
            gcr_parcel_send(&is_taken, &s->outbox, bridge, s->queue, f->records, &parcel, f->sent));
        announce(s);
    }
    f->is_sent = 1;
}

/* Batches are dealt in turn, so that each rank has some of each dataset. */
static void ship_share(shipper *s)
{
    int batch = 0, turn = 0;

    for (uint64_t d = 0; d < DATASETS; d++)
        for (uint64_t first = 0; first < POINTS; first += 2 * RUN)
            if (batch++ % (rank_count - 1) == rank - 1)
                ship(s, &s->flights[turn++ % FLIGHTS], d, first);
    for (int is_under_way = 1; is_under_way; usleep(50))
        is_under_way = announce(s);
    for (int f = 0; f < FLIGHTS; f++)
        if (s->flights[f].is_sent)
            assert_ok(gcr_bridge_wait(bridge, s->flights[f].sent, wait_seconds));
}

/* ---- rank 0 ---------------------------------------------------------------------------------- */

static gcr_receiver *open_receiver(uint64_t bytes, double seconds)
{
    gcr_receiver *receiver;
    const gcr_receiver_spec spec = { .bridge = bridge,
                                     .bytes = bytes,
                                     .seconds = seconds,
                                     .slots = slots,
                                     .points = points,
                                     .on_landed = note_landed };

    assert_ok(gcr_receiver_create(&receiver, &spec));
    return receiver;
}

static int look_for_announcement(gcr_receiver *receiver)
{
    gcr_message message;
    int found;

    assert_ok(gcr_comm_look(&message, &found, ranks));
    if (found) {
        assert_int_equal(message.tag, TAG);
        assert_ok(gcr_receiver_take(receiver, message.from, message.bytes, message.count));
    }
    return found;
}

static uint64_t count_live(void)
{
    return gcr_points_table(points)->live_count;
}

static void receive_all(gcr_receiver *receiver)
{
    int is_under_way = 1;

    while (is_under_way || landed[0] + landed[1] + landed[2] < DATASETS * count_live()) {
        if (!look_for_announcement(receiver))
            usleep(50);
        assert_ok(gcr_receiver_look(&is_under_way, receiver));
    }
}

static void check_cell(uint64_t d, uint64_t point)
{
    const uint64_t cell = d * POINTS + point;

    if (!gcr_point_is_live(gcr_points_table(points), point)) {
        assert_int_equal(slots->state[cell], GCR_CELL_EXCLUDED);
        assert_true(isnan(slots->values[0][cell]));
        assert_int_equal(slots->kind[cell], 0);
        return;
    }
    assert_int_equal(slots->state[cell], state_of(d, point));
    assert_int_equal(slots->jitter_step[cell], point % 5);
    assert_in_range(slots->kind[cell], 1, 2);
    for (int o = 0; o < 2; o++)
        for (int64_t k = 0; k < widths[o]; k++)
            assert_near(slots->values[o][(int64_t)cell * widths[o] + k], value_of(d, point, o, k),
                        0);
}

static void check_all(const gcr_receiver *receiver)
{
    assert_int_equal(gcr_receiver_bytes(receiver),
                     DATASETS * POINTS * gcr_records_cell_bytes(slots));
    assert_near(cost, DATASETS * ((POINTS + RUN - 1) / RUN), 0); /* 1 for each run */
    for (uint64_t d = 0; d < DATASETS; d++) {
        uint64_t bad = 0;

        for (uint64_t point = 0; point < POINTS; point++) {
            check_cell(d, point);
            bad += gcr_cell_is_failed(slots->state[d * POINTS + point]) ? 1 : 0;
        }
        assert_int_equal(landed[d], count_live());
        assert_int_equal(failed[d], bad);
        assert_true(bad > 0);
    }
}

static void test_cells_of_all_ranks_find_their_places(void **state)
{
    const uint64_t bytes = 2 * RUN * (4 * sizeof(double) + 2);
    shipper s;

    (void)state;
    open_all();
    if (rank_count > 1 && rank == 0) {
        gcr_receiver *receiver = open_receiver(bytes, wait_seconds);

        receive_all(receiver);
        check_all(receiver);
        gcr_receiver_destroy(receiver);
    } else if (rank_count > 1) {
        open_shipper(&s, bytes);
        ship_share(&s);
        close_shipper(&s);
    }
    close_all();
}

/* A device that is ahead of its announcements is held back. */
static void test_no_more_than_a_few_are_under_way(void **state)
{
    const uint64_t bytes = 2 * RUN * (4 * sizeof(double) + 2);
    int is_taken, is_under_way = 1;

    (void)state;
    open_all();
    if (rank == 0 && rank_count > 1) {
        gcr_receiver *receiver = open_receiver(bytes, wait_seconds);

        while (is_under_way || gcr_receiver_bytes(receiver) < GCR_PARCELS_UNDER_WAY * bytes) {
            if (!look_for_announcement(receiver))
                usleep(50);
            assert_ok(gcr_receiver_look(&is_under_way, receiver));
        }
        assert_int_equal(gcr_receiver_bytes(receiver), GCR_PARCELS_UNDER_WAY * bytes);
        gcr_receiver_destroy(receiver);
    } else if (rank == 1) {
        shipper s;
        gcr_parcel parcel;

        open_shipper(&s, bytes);
        parcel = write_batch(&s, 0, 0);
        assert_ok(gcr_upload(s.queue, s.flights[0].records, 0, s.host, GCR_PLACE_HOST, bytes));
        for (int k = 0; k <= GCR_PARCELS_UNDER_WAY; k++) {
            assert_ok(gcr_parcel_send(&is_taken, &s.outbox, bridge, s.queue, s.flights[0].records,
                                      &parcel, s.flights[0].sent));
            assert_int_equal(is_taken, k < GCR_PARCELS_UNDER_WAY);
        }
        for (; is_under_way; usleep(50))
            is_under_way = announce(&s);
        assert_ok(gcr_bridge_wait(bridge, s.flights[0].sent, wait_seconds));
        close_shipper(&s);
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    close_all();
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static void refuse(gcr_receiver *receiver, int from, const gcr_parcel *parcel, uint64_t bytes,
                   const char *why)
{
    assert_status(gcr_receiver_take(receiver, from, parcel, bytes), GCR_EIO);
    assert_error_mentions(why);
}

static void test_what_is_announced_is_looked_at_before_it_is_believed(void **state)
{
    static const char why[] = "announces results of cells that this run does not have";

    (void)state;
    open_all();
    if (rank == 0 && rank_count > 1) {
        gcr_receiver *receiver = open_receiver(4096, wait_seconds);
        const uint64_t cell = gcr_records_cell_bytes(slots);
        gcr_parcel good = { .bytes = 5 * cell,
                            .points = 5,
                            .part_count = 1,
                            .parts = { { 2, POINTS - 5, 5, 1 } } },
                   bad = good;
        const uint64_t bytes = gcr_parcel_message_bytes(&good);

        refuse(receiver, 0, &good, bytes, "rank 0 announces results and is not on the bridge");
        refuse(receiver, rank_count, &good, bytes, "is not on the bridge");
        refuse(receiver, 1, &good, bytes - 1, why);
        refuse(receiver, 1, &good, 3, why);
        bad.parts[0].dataset = DATASETS;
        refuse(receiver, 1, &bad, bytes, why);
        bad = good;
        bad.parts[0].first = POINTS - 4;
        refuse(receiver, 1, &bad, bytes, why);
        bad = good;
        bad.parts[0].count = UINT64_MAX - 3;
        refuse(receiver, 1, &bad, bytes, why);
        bad = good;
        bad.points = 6;
        refuse(receiver, 1, &bad, bytes, why);
        bad = good;
        bad.bytes--;
        refuse(receiver, 1, &bad, bytes, why);
        bad = good;
        bad.part_count = GCR_PARCEL_PARTS_MAX + 1;
        refuse(receiver, 1, &bad, sizeof bad, why);
        bad = (gcr_parcel){
            .part_count = 1, .points = 900, .bytes = 900 * cell, .parts = { { 0, 0, 900, 1 } }
        }; /* more than a slot has */
        refuse(receiver, 1, &bad, bytes, why);
        for (int k = 0; k < GCR_PARCELS_UNDER_WAY; k++)
            assert_ok(gcr_receiver_take(receiver, 1, &good, bytes));
        refuse(receiver, 1, &good, bytes, "more results than it may have under way");
        gcr_receiver_destroy(receiver);
    }
    close_all();
}

static void test_parcels_that_are_too_large_are_refused(void **state)
{
    gcr_receiver *receiver;
    gcr_receiver_spec spec = { .bytes = GCR_PARCEL_BYTES_MOST + 1 };

    (void)state;
    open_all();
    spec.bridge = bridge;
    if (bridge != NULL) {
        assert_status(gcr_receiver_create(&receiver, &spec), GCR_EINVAL);
        assert_error_mentions("parcels of 1 to 8388608 bytes, and not of 8388609");
        assert_null(receiver);
    }
    close_all();
}

static void test_what_is_announced_and_never_sent_is_not_waited_for(void **state)
{
    gcr_parcel parcel = { .points = 5, .part_count = 1, .parts = { { 0, 0, 5, 1 } } };
    gcr_status status = GCR_OK;
    int is_under_way = 1;

    (void)state;
    open_all();
    parcel.bytes = 5 * gcr_records_cell_bytes(slots);
    if (rank == 0 && rank_count > 1) {
        gcr_receiver *receiver = open_receiver(4096, 0.1);

        assert_ok(gcr_receiver_take(receiver, 1, &parcel, gcr_parcel_message_bytes(&parcel)));
        while (status == GCR_OK && is_under_way)
            status = gcr_receiver_look(&is_under_way, receiver);
        assert_status(status, GCR_ETIMEOUT);
        assert_error_mentions("rank 1 has announced 170 bytes of results, and its GPU has not "
                              "sent them in 0.1 s");
        gcr_receiver_destroy(receiver);
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    close_all();
}

/* A state that the device never wrote. */
static void test_results_in_no_state_are_refused(void **state)
{
    const uint64_t bytes = 5 * (4 * sizeof(double) + 2);
    gcr_parcel parcel = {
        .points = 5, .bytes = bytes, .part_count = 1, .parts = { { 0, 1, 5, 1 } }
    };
    gcr_status status = GCR_OK;
    int is_under_way = 1, is_taken;

    (void)state;
    open_all();
    if (rank == 0 && rank_count > 1) {
        gcr_receiver *receiver = open_receiver(bytes, wait_seconds);

        while (!look_for_announcement(receiver))
            usleep(50);
        while (status == GCR_OK && is_under_way)
            status = gcr_receiver_look(&is_under_way, receiver);
        assert_status(status, GCR_EIO);
        assert_error_mentions("rank 1 passes on results in a state 90 that no cell has");
        assert_int_equal(landed[0], 0);
        gcr_receiver_destroy(receiver);
    } else if (rank == 1) {
        shipper s;

        open_shipper(&s, bytes);
        memset(s.host, 0x5a, bytes);
        assert_ok(gcr_upload(s.queue, s.flights[0].records, 0, s.host, GCR_PLACE_HOST, bytes));
        assert_ok(gcr_parcel_send(&is_taken, &s.outbox, bridge, s.queue, s.flights[0].records,
                                  &parcel, s.flights[0].sent));
        assert_true(is_taken);
        announce(&s);
        assert_ok(gcr_bridge_wait(bridge, s.flights[0].sent, wait_seconds));
        close_shipper(&s);
    }
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    close_all();
}

/* ---- a run that has failed ------------------------------------------------------------------- */

/* Static, as it is large, and as its messages are the comm's until they are taken. */
static gcr_carrier carrier;
static gcr_flight leaving;
static gcr_status waited;
static atomic_int has_waited;

static void *wait_for_it(void *arg)
{
    waited = gcr_carrier_wait(&carrier, &leaving);
    atomic_store(&has_waited, 1);
    return arg;
}

/* Rank 0 never receives it. */
static void send_in_vain(void)
{
    gcr_queue *queue;
    pthread_t thread;
    int is_under_way = 1;

    leaving = (gcr_flight){ .points = RUN, .tile_count = 1 };
    leaving.parts[0] = (gcr_flight_part){ .at = { .count = RUN }, .live = RUN };
    atomic_store(&has_waited, 0);
    assert_ok(gcr_queue_open(&queue, device));
    assert_ok(gcr_buf_open(&leaving.records_dev, device, GCR_PLACE_DEVICE,
                           RUN * gcr_records_cell_bytes(slots)));
    assert_ok(gcr_event_open(&leaving.done, device));
    assert_ok(gcr_carrier_send(&carrier, queue, &leaving, slots, 1));
    gcr_carrier_hurry(&carrier, 0.2);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_it, NULL), 0);
    for (; !atomic_load(&has_waited); usleep(50))
        assert_ok(gcr_carrier_look(&carrier, 0));
    pthread_join(thread, NULL);
    assert_int_equal(waited, GCR_ECLOSED);
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    for (; is_under_way; usleep(50))
        assert_ok(gcr_parcel_look(&is_under_way, &carrier.outbox));
    gcr_queue_close(queue);
    gcr_flight_close(&leaving);
}

/* It gives up last, so that nobody else finds out by that. */
static void take_in_vain(void)
{
    assert_ok(gcr_comm_agree(ranks, GCR_OK));
    gcr_carrier_hurry(&carrier, 0.2);
    for (; !atomic_load(&carrier.has_given_up); usleep(50))
        assert_ok(gcr_carrier_look(&carrier, 0));
    for (int left = rank_count - 1; left > 0;) {
        gcr_message message;
        int found;

        assert_ok(gcr_comm_look(&message, &found, ranks));
        if (found)
            assert_ok(gcr_carrier_take(&carrier, &message));
        left -= found;
    }
}

static void test_where_the_run_has_failed_nobody_waits_long_for_another_gpu(void **state)
{
    const double begin = gcr_clock_seconds();

    (void)state;
    open_all();
    assert_ok(gcr_carrier_open(&carrier, bridge, ranks, NULL, slots, points));
    if (bridge != NULL && rank == 0)
        take_in_vain();
    else if (bridge != NULL)
        send_in_vain();
    assert_true(gcr_clock_seconds() - begin < wait_seconds / 2);
    gcr_carrier_close(&carrier);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RANK_TEST(test_cells_of_all_ranks_find_their_places),
        RANK_TEST(test_no_more_than_a_few_are_under_way),
        RANK_TEST(test_what_is_announced_is_looked_at_before_it_is_believed),
        RANK_TEST(test_parcels_that_are_too_large_are_refused),
        RANK_TEST(test_results_in_no_state_are_refused),
        RANK_TEST(test_what_is_announced_and_never_sent_is_not_waited_for),
        RANK_TEST(test_where_the_run_has_failed_nobody_waits_long_for_another_gpu),
    };

    return cmocka_run_group_tests(tests, open_ranks, close_ranks);
}
