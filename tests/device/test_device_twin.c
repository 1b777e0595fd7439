/*
 * The twin itself: it does what a block does, and says what a block must not do.
 */
#include "support/gcr_test.h"

#include "gridcrunch/kernel.h"

#include "support/device_twin.h"

enum { THREADS = 96 };

static double seen[THREADS];

static const char *run(void (*entry)(const void *argument))
{
    const char *wrong = NULL;

    for (twin_order order = 0; order < TWIN_ORDER_COUNT && wrong == NULL; order++)
        wrong = twin_run(&(twin_grid){ .entry = entry,
                                       .blocks = 2,
                                       .threads = THREADS,
                                       .shared_bytes = THREADS * sizeof(double),
                                       .order = order });
    return wrong;
}

static void assert_says(void (*entry)(const void *argument), const char *text)
{
    const char *wrong = run(entry);

    if (wrong == NULL || strstr(wrong, text) == NULL)
        fail_msg("\"%s\" does not mention \"%s\"", wrong == NULL ? "nothing" : wrong, text);
}

static void pass_on(const void *argument)
{
    const int thread = gcr_thread_index();

    (void)argument;
    gcr_shared()[thread] = thread;
    gcr_block_barrier();
    seen[thread] = gcr_shared()[(thread + 1) % THREADS];
    gcr_block_barrier();
    for (int k = 0; k < 100; k++)
        gcr_shared()[thread] = gcr_warp_read((double)(thread + k), (thread + k) % 32);
    if (gcr_shared()[thread] != thread / 32 * 32 + (thread + 99) % 32 + 99)
        seen[thread] = NAN;
}

static void test_threads_meet_at_barriers_and_read_each_other(void **state)
{
    (void)state;
    assert_null(run(pass_on));
    for (int thread = 0; thread < THREADS; thread++)
        assert_true(seen[thread] == (thread + 1) % THREADS);
}

static void ask_any(const void *argument)
{
    const int thread = gcr_thread_index();
    int right = 1;

    (void)argument;
    for (int k = 0; k < THREADS; k++)
        right &= gcr_block_any(thread == k) && !gcr_block_any(0) &&
                 gcr_warp_any(thread == k) == (thread / 32 == k / 32);
    seen[thread] = right;
}

static void test_any_is_of_this_meeting_alone(void **state)
{
    (void)state;
    assert_null(run(ask_any));
    for (int thread = 0; thread < THREADS; thread++)
        assert_true(seen[thread] == 1);
}

/* A = 1 + r + 10 k, B = 2 r - k, C = 1000. */
static void multiply(const void *argument)
{
    const int lane = gcr_thread_index() % 32, row = lane / 4, k = lane % 4;
    double c[2] = { 1000, 1000 };

    (void)argument;
    gcr_multiply_matrices(c, 1 + row + 10 * k, 2 * row - k);
    seen[gcr_thread_index()] = c[1];
}

static void test_a_product_of_matrices_is_where_a_gpu_has_it(void **state)
{
    (void)state;
    assert_null(run(multiply));
    for (int thread = 0; thread < THREADS; thread++) {
        const int row = thread % 32 / 4, column = 2 * (thread % 4) + 1;
        double sum = 1000;

        for (int k = 0; k < 4; k++)
            sum += (1 + row + 10 * k) * (2 * column - k);
        assert_true(seen[thread] == sum);
    }
}

static void end_early(const void *argument)
{
    (void)argument;
    if (gcr_thread_index() != 40)
        gcr_block_barrier();
}

static void meet_elsewhere(const void *argument)
{
    (void)argument;
    if (gcr_thread_index() == 40)
        gcr_warp_barrier();
    else
        gcr_warp_barrier();
}

static void wait_apart(const void *argument)
{
    (void)argument;
    if (gcr_thread_index() < 32)
        gcr_block_barrier();
    else
        gcr_warp_barrier();
    if (gcr_thread_index() >= 32)
        gcr_warp_any(gcr_thread_index() != 40 || gcr_block_any(1));
}

static void read_beside(const void *argument)
{
    (void)argument;
    seen[gcr_thread_index()] = gcr_warp_read(1.0, gcr_thread_index());
}

static void test_what_threads_must_not_do_is_said(void **state)
{
    (void)state;
    assert_says(end_early, "have ended, such as 40");
    assert_says(meet_elsewhere, "while others of its group wait at");
    assert_says(wait_apart, "wait");
    assert_says(read_beside, "reads lane");
}

#if !defined(__SANITIZE_ADDRESS__) /* which would say so itself, and end the program */
static void write_beside(const void *argument)
{
    (void)argument;
    gcr_shared()[gcr_thread_index() + 1] = 0;
}

static void test_a_write_beside_shared_memory_is_said(void **state)
{
    (void)state;
    assert_says(write_beside, "beside its 768 bytes of shared memory");
}
#endif

static void see_shared(const void *argument)
{
    (void)argument;
    seen[gcr_thread_index()] = gcr_shared()[gcr_thread_index()];
}

static void test_shared_memory_begins_as_nan_in_each_block(void **state)
{
    (void)state;
    assert_null(run(see_shared));
    for (int thread = 0; thread < THREADS; thread++)
        assert_true(isnan(seen[thread]));
}

/* Each block counts in what it declares and adds what the one before it had when all met. */
static double left_by[3];

static double *declared(void)
{
    GCR_SHARED double count;

    return &count;
}

static void count_together(const void *argument)
{
    const int block = (int)gcr_block_index(), blocks = (int)gcr_block_count();

    (void)argument;
    if (gcr_thread_index() == 0)
        *declared() = block + 1;
    for (int round = 0; round < 4; round++) {
        double before;

        gcr_block_barrier();
        if (gcr_thread_index() == THREADS - 1)
            left_by[block] = *declared();
        gcr_device_barrier(NULL);
        before = left_by[(block + blocks - 1) % blocks];
        gcr_device_barrier(NULL);
        if (gcr_thread_index() == 0)
            *declared() += before;
    }
}

static const char *run_together(void (*entry)(const void *argument), int blocks, twin_order order)
{
    return twin_run(&(twin_grid){
        .entry = entry, .blocks = blocks, .together = 1, .threads = THREADS, .order = order });
}

static void test_blocks_that_run_together_meet(void **state)
{
    double count[3] = { 1, 2, 3 };

    (void)state;
    for (int round = 0; round < 3; round++) {
        const double first = count[0], last = count[2];

        count[2] += count[1];
        count[1] += first;
        count[0] += last;
    }
    for (twin_order order = 0; order < TWIN_ORDER_COUNT; order++) {
        assert_null(run_together(count_together, 3, order));
        for (int b = 0; b < 3; b++)
            assert_true(left_by[b] == count[b]);
    }
    assert_says(count_together, "run one after the other");
}

/* What is copied is not there before it is waited for, of the group before the last. */
static void copy_late(const void *argument)
{
    static const double from[2] = { 1, 2 };
    double *const to = gcr_shared() + gcr_thread_index();
    int is_late;

    (void)argument;
    gcr_copy_begin(to, from, 1);
    gcr_copies_close();
    gcr_copies_wait();
    is_late = isnan(*to) != 0;
    gcr_copies_close();
    gcr_copies_wait();
    seen[gcr_thread_index()] = is_late ? *to : -1;
    gcr_copy_begin(to, from + 1, 0);
    gcr_copies_close();
    gcr_copies_close();
    gcr_copies_wait();
    if (*to != 0)
        seen[gcr_thread_index()] = -1;
}

static void test_copies_are_there_when_they_are_waited_for(void **state)
{
    (void)state;
    assert_null(run(copy_late));
    for (int thread = 0; thread < THREADS; thread++)
        assert_true(seen[thread] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_meet_at_barriers_and_read_each_other),
        cmocka_unit_test(test_any_is_of_this_meeting_alone),
        cmocka_unit_test(test_a_product_of_matrices_is_where_a_gpu_has_it),
        cmocka_unit_test(test_what_threads_must_not_do_is_said),
#if !defined(__SANITIZE_ADDRESS__)
        cmocka_unit_test(test_a_write_beside_shared_memory_is_said),
#endif
        cmocka_unit_test(test_shared_memory_begins_as_nan_in_each_block),
        cmocka_unit_test(test_blocks_that_run_together_meet),
        cmocka_unit_test(test_copies_are_there_when_they_are_waited_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
