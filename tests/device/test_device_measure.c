/* What is launched to measure: each byte arrives, no other is touched, and work is what it says. */
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

/* ---- work ------------------------------------------------------------------------------------ */

#define RUN(entry)                                                                                 \
    static void run_##entry(const void *argument)                                                  \
    {                                                                                              \
        gcr_##entry(*(const gcr_work_launch *)argument);                                           \
    }
RUN(multiply)
RUN(tan_f64)
RUN(tan_f32)
RUN(sum_parts)
RUN(sum)
RUN(neighbours)
RUN(apart)

static void work(void (*entry)(const void *argument), int blocks, int threads,
                 const gcr_work_launch *launch, twin_order order)
{
    const char *wrong = twin_run(&(twin_grid){
        .entry = entry, .argument = launch, .blocks = blocks, .threads = threads, .order = order });

    if (wrong != NULL)
        fail_msg("n = %d: %s", (int)launch->n, wrong);
}

static double *numbers(int count, double first)
{
    double *to = malloc((size_t)count * sizeof *to);

    assert_non_null(to);
    for (int i = 0; i < count; i++)
        to[i] = fmod(first + 0.6180339887498949 * i, 1) - 0.3;
    return to;
}

/* One square, its edge, and several with ragged ends; depths that are no multiple of 16. */
static void test_a_product_is_that_of_the_definition(void **state)
{
    static const int sizes[] = { 1, 2, 15, 16, 17, 63, 64, 65, 100, 129 };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int n = sizes[s], squares = (n + GCR_MULTIPLY_TILE - 1) / GCR_MULTIPLY_TILE;
        double *a = numbers(n * n, 0.1), *b = numbers(n * n, 0.7), *out = numbers(n * n + 1, 0);
        const double behind = out[n * n];
        const gcr_work_launch launch = { .a = a, .b = b, .out = out, .n = (uint64_t)n };

        work(run_multiply, squares * squares, GCR_MULTIPLY_THREADS, &launch, s % TWIN_ORDER_COUNT);
        for (int i = 0; i < n; i++)
            for (int j = 0; j < n; j++) {
                double want = 0;

                for (int k = 0; k < n; k++)
                    want += a[i * n + k] * b[k * n + j];
                assert_near(out[i * n + j], want, 1e-13);
            }
        assert_true(out[n * n] == behind);
        free(out);
        free(b);
        free(a);
    }
}

static void test_tangents_and_sines_are_those_of_the_library(void **state)
{
    enum { N = 3000 };
    double *a = numbers(N, 0.2), *out = numbers(N + 1, 0);
    float a_f32[N], out_f32[N + 1] = { 0 };
    const double behind = out[N];

    (void)state;
    for (int i = 0; i < N; i++)
        a_f32[i] = (float)a[i];
    for (int blocks = 1; blocks < 4; blocks++) {
        work(run_tan_f64, blocks, GCR_MEASURE_THREADS,
             &(gcr_work_launch){ .a = a, .out = out, .n = N }, TWIN_UPWARDS);
        work(run_tan_f32, blocks, GCR_MEASURE_THREADS,
             &(gcr_work_launch){ .a = a_f32, .out = out_f32, .n = N }, TWIN_UPWARDS);
        for (int i = 0; i < N; i++) {
            assert_near(out[i], tan(a[i]) + 3 * sin(a[i]), 1e-14);
            assert_near((double)out_f32[i], tan((double)a_f32[i]) + 3 * sin((double)a_f32[i]),
                        1e-6);
        }
        assert_true(out[N] == behind && out_f32[N] == 0);
    }
    free(out);
    free(a);
}

/* As backend/measure.h has it: pieces, lanes, halves. */
static double lanes_of(const double *a, int64_t count)
{
    double lane[512] = { 0 };

    for (int64_t i = 0; i < count; i++)
        lane[i % 512] += a[i];
    for (int half = 256; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            lane[k] += lane[k + half];
    return lane[0];
}

static void test_a_sum_has_one_order_whatever_the_blocks(void **state)
{
    static const int sizes[] = { 1, 1025, 600000 };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const int n = sizes[s], piece = (n + 1023) / 1024;
        double *a = numbers(n, 0.3), out[1 + 1024], parts[1024];

        for (int p = 0; p < 1024; p++) {
            const int first = p * piece < n ? p * piece : n;

            parts[p] = lanes_of(a + first, n - first < piece ? n - first : piece);
        }
        for (int blocks = 1; blocks <= 3; blocks += 2) {
            const gcr_work_launch launch = { .a = a, .out = out, .n = (uint64_t)n };

            memset(out, 0xff, sizeof out);
            work(run_sum_parts, blocks, GCR_MEASURE_THREADS, &launch, s % TWIN_ORDER_COUNT);
            work(run_sum, 1, GCR_MEASURE_THREADS, &launch, s % TWIN_ORDER_COUNT);
            assert_memory_equal(out + 1, parts, sizeof parts);
            assert_true(out[0] == lanes_of(parts, 1024));
        }
        free(a);
    }
}

static void test_both_walks_double_each_value(void **state)
{
    static const int sizes[] = { 1, 127, 128, 129, 300 };

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++)
        for (int apart = 0; apart < 2; apart++) {
            const int n = sizes[s], blocks = (n + GCR_WALK_THREADS - 1) / GCR_WALK_THREADS;
            float *a = malloc((size_t)(n * n) * sizeof *a);
            float *out = calloc((size_t)(n * n) + 1, sizeof *out);
            const gcr_work_launch launch = { .a = a, .out = out, .n = (uint64_t)n };

            assert_true(a != NULL && out != NULL);
            for (int i = 0; i < n * n; i++)
                a[i] = (float)(i + 1);
            work(apart ? run_apart : run_neighbours, blocks, GCR_WALK_THREADS, &launch,
                 TWIN_DOWNWARDS);
            for (int i = 0; i < n * n; i++)
                assert_true(out[i] == 2 * a[i]);
            assert_true(out[n * n] == 0);
            free(out);
            free(a);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_byte_arrives_and_no_other),
        cmocka_unit_test(test_an_open_gate_lets_through_and_a_closed_one_gives_up),
        cmocka_unit_test(test_a_product_is_that_of_the_definition),
        cmocka_unit_test(test_tangents_and_sines_are_those_of_the_library),
        cmocka_unit_test(test_a_sum_has_one_order_whatever_the_blocks),
        cmocka_unit_test(test_both_walks_double_each_value),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
