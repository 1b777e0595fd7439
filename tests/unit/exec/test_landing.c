/* tests/unit/exec/test_landing.c -- what workers of other processes tell arrives, once and in
 * order. */
#include "exec/landing.h"

#include "support/live_points.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST = 300, RECORDS = 5000 };

typedef struct shared {
    void *memory;
    uint64_t bytes;
} shared;

static shared share(int rings, uint64_t most)
{
    shared s = { .bytes = gcr_landing_bytes(rings, most) };

    s.memory = mmap(NULL, s.bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(s.memory != MAP_FAILED);
    return s;
}

static void unshare(shared *s)
{
    munmap(s->memory, s->bytes);
}

/* The record number `i` of a worker, which says all of itself. */
static gcr_landing record_of(int worker, uint64_t i, uint64_t most, unsigned char *tally)
{
    const uint64_t bytes = most == 0 ? 0 : i * 7 % (most + 1);

    for (uint64_t b = 0; b < bytes; b++)
        tally[b] = (unsigned char)(i + b * 3 + (uint64_t)worker);
    return (gcr_landing){ .dataset = (uint64_t)worker,
                          .first = i,
                          .count = i * i,
                          .live = i + 1,
                          .failed = i / 2,
                          .cost = 1.0 / (double)(i + 1),
                          .bytes = bytes };
}

static void assert_record(const gcr_landing *got, const unsigned char *tally, int worker,
                          uint64_t i, uint64_t most)
{
    unsigned char bytes[MOST];
    const gcr_landing want = record_of(worker, i, most, bytes);

    assert_memory_equal(got, &want, sizeof want);
    assert_memory_equal(tally, bytes, want.bytes);
}

/* A child that puts `count` records, at its own pace. */
static pid_t start_worker(const shared *s, int worker, uint64_t most, uint64_t count)
{
    const pid_t child = fork();
    gcr_landing_ring ring;

    if (child != 0)
        return child;
    gcr_landing_attach(&ring, s->memory, worker, most);
    for (uint64_t i = 0; i < count; i++) {
        gcr_landing landing;
        void *behind;

        if (gcr_landing_reserve(&behind, &ring, most) != GCR_OK)
            _exit(2);
        landing = record_of(worker, i, most, behind);
        gcr_landing_put(&ring, &landing);
        if (i % 1000 == 999)
            usleep(200);
    }
    gcr_landing_end(&ring);
    _exit(0);
}

static void assert_ended(pid_t child)
{
    int ended = -1;

    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

static void assert_all_arrive(int workers, uint64_t most)
{
    shared s = share(workers, most);
    gcr_landing_ring rings[8];
    uint64_t next[8] = { 0 };
    pid_t children[8];
    int over = 0;

    for (int w = 0; w < workers; w++)
        children[w] = start_worker(&s, w, most, RECORDS);
    for (int w = 0; w < workers; w++)
        gcr_landing_attach(&rings[w], s.memory, w, most);
    while (over < workers) {
        over = 0;
        for (int w = 0; w < workers; w++) {
            gcr_landing landing;
            const void *behind;
            int found;

            assert_ok(gcr_landing_get(&landing, &behind, &found, &rings[w]));
            if (found) {
                assert_record(&landing, behind, w, next[w]++, most);
                gcr_landing_drop(&rings[w], &landing);
            }
            over += gcr_landing_is_over(&rings[w]);
        }
    }
    for (int w = 0; w < workers; w++) {
        assert_int_equal(next[w], RECORDS);
        assert_ended(children[w]);
    }
    unshare(&s);
}

static void test_records_of_several_processes_arrive_once_and_in_order(void **state)
{
    (void)state;
    assert_all_arrive(1, 0);
    assert_all_arrive(3, 0);
}

static void test_tallies_of_all_sizes_arrive_with_their_records(void **state)
{
    (void)state;
    assert_all_arrive(2, 1);
    assert_all_arrive(3, MOST);
}

static void test_an_empty_ring_has_nothing_and_is_over_when_its_writer_says_so(void **state)
{
    shared s = share(1, 0);
    gcr_landing landing;
    gcr_landing_ring writer, reader;
    const void *there;
    void *behind;
    int found = 1;

    (void)state;
    gcr_landing_attach(&writer, s.memory, 0, 0);
    gcr_landing_attach(&reader, s.memory, 0, 0);
    assert_ok(gcr_landing_get(&landing, &there, &found, &reader));
    assert_false(found);
    assert_false(gcr_landing_is_over(&reader));
    landing = record_of(0, 1, 0, NULL);
    assert_ok(gcr_landing_reserve(&behind, &writer, 0));
    gcr_landing_put(&writer, &landing);
    gcr_landing_end(&writer);
    assert_false(gcr_landing_is_over(&reader));
    assert_ok(gcr_landing_get(&landing, &there, &found, &reader));
    assert_true(found);
    assert_false(gcr_landing_is_over(&reader)); /* it stands there still */
    gcr_landing_drop(&reader, &landing);
    assert_true(gcr_landing_is_over(&reader));
    unshare(&s);
}

static void test_a_ring_is_crowded_long_before_its_writer_has_to_wait(void **state)
{
    shared s = share(1, 0);
    gcr_landing landing = record_of(0, 1, 0, NULL);
    gcr_landing_ring writer, reader;
    const void *there;
    void *behind;
    int found = 1, count = 0;

    (void)state;
    gcr_landing_attach(&writer, s.memory, 0, 0);
    gcr_landing_attach(&reader, s.memory, 0, 0);
    for (; !gcr_landing_is_crowded(&reader); count++) {
        assert_ok(gcr_landing_reserve(&behind, &writer, 0));
        gcr_landing_put(&writer, &landing);
    }
    assert_in_range(count, 10, 100); /* of 256 */
    assert_ok(gcr_landing_get(&landing, &there, &found, &reader));
    gcr_landing_drop(&reader, &landing);
    assert_false(gcr_landing_is_crowded(&reader));
    unshare(&s);
}

/* The child fills its ring and would wait for ever. */
static void test_a_writer_that_waits_is_told_when_nobody_takes_records(void **state)
{
    shared s = share(1, 0);
    gcr_landing_ring ring;
    int ended = -1;

    (void)state;
    const pid_t child = start_worker(&s, 0, 0, UINT64_MAX);

    gcr_landing_attach(&ring, s.memory, 0, 0);
    usleep(2000);
    gcr_landing_close(&ring);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(WEXITSTATUS(ended), 2);
    unshare(&s);
}

/* Noise in the shared memory, at every place and of every kind, is refused or read as a record,
 * which ends within it. */
static void test_noise_in_a_ring_is_never_more_than_a_record(void **state)
{
    shared s = share(1, MOST);
    uint64_t seed = 99, refused = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint64_t *words = s.memory;
        const void *behind;
        gcr_landing_ring ring;
        gcr_landing landing;
        int found;

        for (uint64_t i = 0; i < 300 / 8 + 20; i++)
            words[i] =
                round % 2 == 0 ? random_below(&seed, UINT64_C(1) << 31) : random_below(&seed, 400);
        gcr_landing_attach(&ring, s.memory, 0, MOST);
        ring.at = random_below(&seed, 2) * random_below(&seed, s.bytes);
        if (gcr_landing_get(&landing, &behind, &found, &ring) != GCR_OK) {
            refused++;
            assert_error_mentions("a record that is none");
        } else if (found) {
            assert_true(landing.bytes <= MOST);
            assert_true((const char *)behind + landing.bytes <= (char *)s.memory + s.bytes);
        }
    }
    assert_true(refused > 5000);
    unshare(&s);
}

/* ---- records --------------------------------------------------------------------------------- */

static gcr_landing span(const gcr_points *points, uint64_t dataset, uint64_t first, uint64_t end)
{
    return (gcr_landing){ .dataset = dataset,
                          .first = first,
                          .count = end - first,
                          .live = gcr_points_count_before(points, end) -
                                  gcr_points_count_before(points, first),
                          .failed = 1,
                          .cost = 0.25 };
}

static void test_spans_join_where_no_live_point_is_between_them(void **state)
{
    gcr_points *points = live_points(100, "a < 10 or a >= 20");
    gcr_landing to = span(points, 3, 0, 5), next = span(points, 3, 5, 10);

    (void)state;
    assert_true(gcr_landing_join(&to, &next, points));
    next = span(points, 3, 20, 30); /* what is between is left out */
    assert_true(gcr_landing_join(&to, &next, points));
    assert_int_equal(to.first, 0);
    assert_int_equal(to.count, 30);
    assert_int_equal(to.live, 20);
    assert_int_equal(to.failed, 3);
    assert_near(to.cost, 0.75, 0);
    next = span(points, 3, 31, 40);
    assert_false(gcr_landing_join(&to, &next, points)); /* point 30 */
    next = span(points, 4, 30, 40);
    assert_false(gcr_landing_join(&to, &next, points));
    next = span(points, 3, 29, 40);
    assert_false(gcr_landing_join(&to, &next, points));
    next = span(points, 3, 30, 40);
    next.bytes = 8;
    assert_false(gcr_landing_join(&to, &next, points));
    assert_int_equal(to.count, 30);
    gcr_points_destroy(points);
}

static void test_a_landing_is_split_at_any_live_point(void **state)
{
    gcr_points *points = live_points(100, "a < 10 or a >= 20");

    (void)state;
    for (uint64_t live = 1; live <= 40; live++) {
        gcr_landing left = span(points, 3, 5, 40);
        const gcr_landing front = gcr_landing_split(&left, live, points);

        assert_int_equal(front.live, live < 25 ? live : 25);
        assert_int_equal(front.live + left.live, 25);
        assert_int_equal(front.first, 5);
        assert_int_equal(front.first + front.count, left.first);
        assert_int_equal(left.first + left.count, 40);
        assert_int_equal(gcr_points_count_before(points, left.first) -
                             gcr_points_count_before(points, 5),
                         front.live);
        assert_near(front.cost, 0.25 * (double)front.live / 25, 1e-15);
        assert_near(front.cost + left.cost, 0.25, 1e-15);
        assert_int_equal(front.failed, live < 25 ? 0 : 1);
    }
    gcr_points_destroy(points);
}

static void test_only_cells_of_the_run_can_have_landed(void **state)
{
    gcr_points *points = live_points(100, "a < 10 or a >= 20");
    uint8_t states[300] = { 0 };
    const gcr_slots slots = { .dataset_count = 3, .point_count = 100, .state = states };
    const gcr_slots no_slots = { .dataset_count = 3, .point_count = 100 };
    const gcr_landing good = span(points, 2, 5, 50),
                      tally = { .dataset = 2, .live = 7, .bytes = 8 };
    gcr_landing bad[9];

    (void)state;
    assert_ok(gcr_landing_check(&good, &slots, points, 0));
    assert_ok(gcr_landing_check(&tally, &no_slots, points, 8));
    assert_status(gcr_landing_check(&tally, &no_slots, points, 16), GCR_EIO);
    assert_status(gcr_landing_check(&good, &no_slots, points, 0), GCR_EIO);
    for (int i = 0; i < 9; i++)
        bad[i] = good;
    bad[0].dataset = 3;
    bad[1].first = 101;
    bad[2].count = 96;
    bad[3].first = UINT64_MAX;
    bad[4].live++;
    bad[5].failed = good.live + 1;
    bad[6].cost = NAN;
    bad[7].bytes = 8;
    bad[8].live = UINT64_MAX;
    for (int i = 0; i < 9; i++)
        if (gcr_landing_check(&bad[i], &slots, points, 0) != GCR_EIO)
            fail_msg("%d", i);
    assert_error_mentions("which are not cells of this run");
    gcr_points_destroy(points);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_of_several_processes_arrive_once_and_in_order),
        cmocka_unit_test(test_tallies_of_all_sizes_arrive_with_their_records),
        cmocka_unit_test(test_an_empty_ring_has_nothing_and_is_over_when_its_writer_says_so),
        cmocka_unit_test(test_a_ring_is_crowded_long_before_its_writer_has_to_wait),
        cmocka_unit_test(test_a_writer_that_waits_is_told_when_nobody_takes_records),
        cmocka_unit_test(test_noise_in_a_ring_is_never_more_than_a_record),
        cmocka_unit_test(test_spans_join_where_no_live_point_is_between_them),
        cmocka_unit_test(test_a_landing_is_split_at_any_live_point),
        cmocka_unit_test(test_only_cells_of_the_run_can_have_landed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
