/* What is launched to measure copies: each byte arrives, and no other is touched. */
#include "support/gcr_test.h"

#define GCR_DEVICE_TWIN "support/device_twin.h"
#include "cuda/device/measure_unit.h"

enum { MOST = 40000, MARGIN = 32 };

static void run_copy(const void *argument)
{
    gcr_copy(*(const gcr_copy_launch *)argument);
}

static void run_gate(const void *argument)
{
    gcr_gate(*(const gcr_gate_launch *)argument);
}

/* Copies `bytes` by `blocks` blocks and looks at all, and at what stands around them. */
static void check_copy(int bytes, int blocks, twin_order order)
{
    _Alignas(16) static unsigned char from[MOST + MARGIN], to[MARGIN + MOST + MARGIN];
    const gcr_copy_launch launch = { .to = to + MARGIN, .from = from, .bytes = (uint64_t)bytes };
    const char *wrong;

    memset(to, 0xee, sizeof to);
    for (int i = 0; i < MOST; i++)
        from[i] = (unsigned char)(i * 7 + i / 256);
    wrong = twin_run(&(twin_grid){ .entry = run_copy,
                                   .argument = &launch,
                                   .blocks = blocks,
                                   .threads = GCR_MEASURE_THREADS,
                                   .order = order });
    if (wrong != NULL)
        fail_msg("%d bytes, %d blocks: %s", bytes, blocks, wrong);
    for (int i = -MARGIN; i < MOST + MARGIN; i++)
        if (to[MARGIN + i] != (i >= 0 && i < bytes ? from[i] : 0xee))
            fail_msg("%d bytes, %d blocks: byte %d is wrong", bytes, blocks, i);
}

/* Around one piece, one round of all threads, and one round of what a thread has under way. */
static void test_each_byte_arrives_and_no_other(void **state)
{
    static const int sizes[] = { 0,     1,     4,     15,    16,    17,    31,
                                 33,    8191,  8192,  8193,  8207,  16384, 24575,
                                 24577, 32767, 32768, 32769, 32785, 39999, 40000 };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int blocks = 1; blocks <= 3; blocks++)
            check_copy(sizes[s], blocks, s % TWIN_ORDER_COUNT);
}

static int32_t pass(int is_open, uint64_t limit)
{
    gcr_gate_words gate = { .is_open = is_open };
    const gcr_gate_launch launch = { .gate = &gate, .limit_ticks = limit };

    assert_null(twin_run(
        &(twin_grid){ .entry = run_gate, .argument = &launch, .blocks = 1, .threads = 32 }));
    return gate.gave_up;
}

static void test_an_open_gate_lets_through_and_a_closed_one_gives_up(void **state)
{
    (void)state;
    assert_int_equal(pass(1, 0), 0);
    assert_int_equal(pass(0, 1000000), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_arrives_and_no_other),
        cmocka_unit_test(test_an_open_gate_lets_through_and_a_closed_one_gives_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
