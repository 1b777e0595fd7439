/*
 * Gram matrices and factors of a block and of all blocks, against sums in long double: around each
 * size where a part begins, with blocks that meet, in both orders of threads.
 */
#include "support/device_twin.h"
#include "support/gcr_test.h"
#include "support/matrix_variant.h"
#include "support/units.h"

#include "gridcrunch/kernel.h"

#include <stdlib.h>

#define GCR_VARIANT(name) extern const matrix_variant name;
#include "support/gcr_matrix_variants.def"
#undef GCR_VARIANT
#define GCR_VARIANT(name) &name,
static const matrix_variant *const variants[] = {
#include "support/gcr_matrix_variants.def"
};
#undef GCR_VARIANT

enum { VARIANTS = sizeof variants / sizeof *variants };

/* A launch and its arrays, in the precision of its variant; as many values as there are. */
typedef struct subject {
    const matrix_variant *of;
    matrix_launch launch;
    int64_t minor;
    void *x;
} subject;

static double get(const subject *s, const void *from, int64_t k)
{
    return s->of->scalar == GCR_F32 ? (double)((const float *)from)[k] : ((const double *)from)[k];
}

static void put(const subject *s, void *to, int64_t k, double value)
{
    if (s->of->scalar == GCR_F32)
        ((float *)to)[k] = (float)value;
    else
        ((double *)to)[k] = value;
}

/* NaN, of exactly so many values, for the address sanitizer. */
static void *open_array(const subject *s, int64_t count)
{
    const size_t bytes = (size_t)count * gcr_scalar_bytes(s->of->scalar);
    void *const array = malloc(bytes > 0 ? bytes : 1);

    assert_non_null(array);
    memset(array, 0xff, bytes);
    return array;
}

static subject open_subject(const matrix_variant *of, int64_t n, int64_t rows)
{
    subject s = { .of = of, .launch = { .n = n, .rows = rows } };

    s.launch.x = s.x = open_array(&s, n * rows);
    s.launch.triangle = open_array(&s, gcr_triangle(n, 0));
    s.launch.side = open_array(&s, n);
    s.launch.meeting = malloc((size_t)of->meeting_bytes);
    assert_non_null(s.launch.meeting);
    memset(s.launch.meeting, 0xff, (size_t)of->meeting_bytes);
    for (int64_t k = 0; k < n * rows; k++)
        put(&s, s.x, k, fmod(0.6180339887498949 * (double)(k + 1) * (double)(k + 1), 1) * 2 - 1);
    return s;
}

static void close_subject(subject *s)
{
    free(s->x);
    free(s->launch.triangle);
    free(s->launch.side);
    free(s->launch.meeting);
}

static void run(subject *s, void (*entry)(const void *launch), int blocks, twin_order order)
{
    const char *wrong;

    s->minor = -1;
    s->launch.minor = &s->minor;
    memset(s->launch.meeting, 0, sizeof(uint64_t));
    wrong = twin_run(&(twin_grid){ .entry = entry,
                                   .argument = &s->launch,
                                   .blocks = blocks,
                                   .together = 1,
                                   .threads = s->of->threads,
                                   .shared_bytes = (size_t)s->of->shared_bytes,
                                   .order = order });
    if (wrong != NULL)
        fail_msg("%s, %d rows: %s", s->of->name, (int)s->launch.n, wrong);
}

/* A team of one block has no others; of them all, there are three. */
static int blocks_of(const matrix_variant *of)
{
    return of->is_whole ? 3 : 1;
}

static double epsilon_of(const matrix_variant *of)
{
    return of->scalar == GCR_F32 ? 0x1p-23 : 0x1p-52;
}

/* Fails where entry (i, j) is not near. */
static void agree(const subject *s, int64_t i, int64_t j, long double want, long double most)
{
    const double got = get(s, s->launch.triangle, gcr_triangle(i, j));

    if (!(fabsl(got - want) <= most))
        fail_msg("%s: (%d, %d) of %d rows is %.17g, not %.17Lg", s->of->name, (int)i, (int)j,
                 (int)s->launch.n, got, want);
}

/* ---- products -------------------------------------------------------------------------------- */

static void check_gram(const matrix_variant *of, int64_t n, int64_t rows)
{
    subject s = open_subject(of, n, rows);

    run(&s, of->gram, blocks_of(of), TWIN_UPWARDS);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++) {
            long double sum = 0, terms = 0;

            for (int64_t k = 0; k < rows; k++) {
                const long double term =
                    (long double)get(&s, s.x, i * rows + k) * get(&s, s.x, j * rows + k);

                sum += term;
                terms += fabsl(term);
            }
            agree(&s, i, j, sum, (double)(rows + 1) * epsilon_of(of) * terms);
        }
    close_subject(&s);
}

static void test_a_gram_matrix_has_all_products(void **state)
{
    static const int64_t rows[] = { 0, 1, 15, 16, 17, 33 };

    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const int part = variants[v]->part;

        for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
            for (int64_t n = 1; n <= 10; n += 3)
                check_gram(variants[v], n, rows[r]);
        for (int64_t n = part - 1; n <= part + 1; n++)
            check_gram(variants[v], n, 19);
        check_gram(variants[v], 2 * part + 5, 40);
    }
}

/* ---- factors --------------------------------------------------------------------------------- */

/* L with L_ij = 1 / (1 + i - j) below a diagonal of 2, 3, ... up to 9. */
static double factor_entry(int64_t i, int64_t j)
{
    return i == j ? 2 + (double)(i % 8) : 1 / (double)(1 + i - j);
}

static void fill_product(subject *s)
{
    for (int64_t i = 0; i < s->launch.n; i++)
        for (int64_t j = 0; j <= i; j++) {
            double sum = 0;

            for (int64_t k = 0; k <= j; k++)
                sum += factor_entry(i, k) * factor_entry(j, k);
            put(s, s->launch.triangle, gcr_triangle(i, j), sum);
        }
}

static void check_factor(const matrix_variant *of, int64_t n)
{
    subject s = open_subject(of, n, 0);

    fill_product(&s);
    run(&s, of->factor, blocks_of(of), TWIN_UPWARDS);
    assert_int_equal(s.minor, 0);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j <= i; j++)
            agree(&s, i, j, factor_entry(i, j), 2000 * epsilon_of(of));
    close_subject(&s);
}

static void test_the_factor_of_a_product_is_found_again(void **state)
{
    static const int64_t sizes[] = { 0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33 };

    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const int part = variants[v]->part;

        for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++)
            check_factor(variants[v], sizes[k]);
        for (int parts = 1; parts <= 2; parts++)
            for (int64_t n = parts * part - 1; n <= parts * part + 1; n++)
                check_factor(variants[v], n);
        check_factor(variants[v], 3 * part + 13);
    }
}

static void test_a_solution_is_found(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const int64_t n = variants[v]->part + 9;
        subject s = open_subject(variants[v], n, 0);

        fill_product(&s);
        for (int64_t i = 0; i < n; i++) {
            double sum = 0;

            for (int64_t j = 0; j < n; j++)
                sum += get(&s, s.launch.triangle, i >= j ? gcr_triangle(i, j) : gcr_triangle(j, i));
            put(&s, s.launch.side, i, sum);
        }
        run(&s, variants[v]->solve, blocks_of(variants[v]), TWIN_UPWARDS);
        assert_int_equal(s.minor, 0);
        for (int64_t i = 0; i < n; i++)
            assert_near(get(&s, s.launch.side, i), 1, 2e4 * epsilon_of(variants[v]));
        close_subject(&s);
    }
}

/* In each place of a tile, and in each part. All members say the same: the last is asked. */
static void test_the_first_bad_minor_is_told(void **state)
{
    static const double wrong[] = { 0, -1, -INFINITY, NAN, INFINITY };

    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const int64_t n = 2 * variants[v]->part + 3;

        for (int64_t k = 0; k < n; k += k < 9 ? 1 : n / 5) {
            subject s = open_subject(variants[v], n, 0);

            fill_product(&s);
            put(&s, s.launch.triangle, gcr_triangle(k, k), wrong[k % 5]);
            put(&s, s.launch.triangle, gcr_triangle(n - 1, n - 1), -1); /* of no matter */
            run(&s, variants[v]->factor, blocks_of(variants[v]), TWIN_UPWARDS);
            assert_int_equal(s.minor, k + 1);
            close_subject(&s);
        }
    }
}

/* Who computes a part, and when, is not to be seen. */
static void test_bits_depend_on_no_blocks_and_no_order(void **state)
{
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        const matrix_variant *const of = variants[v];
        const int64_t n = 2 * of->part + 21;
        const size_t bytes = (size_t)gcr_triangle(n, 0) * gcr_scalar_bytes(of->scalar);
        subject one = open_subject(of, n, 2 * n), other = open_subject(of, n, 2 * n);

        run(&one, of->gram, 1, TWIN_UPWARDS);
        run(&other, of->gram, of->is_whole ? 5 : 1, TWIN_DOWNWARDS);
        assert_memory_equal(one.launch.triangle, other.launch.triangle, bytes);
        run(&one, of->factor, 1, TWIN_UPWARDS);
        run(&other, of->factor, of->is_whole ? 2 : 1, TWIN_DOWNWARDS);
        assert_int_equal(one.minor, 0);
        assert_memory_equal(one.launch.triangle, other.launch.triangle, bytes);
        close_subject(&one);
        close_subject(&other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_gram_matrix_has_all_products),
        cmocka_unit_test(test_the_factor_of_a_product_is_found_again),
        cmocka_unit_test(test_a_solution_is_found),
        cmocka_unit_test(test_the_first_bad_minor_is_told),
        cmocka_unit_test(test_bits_depend_on_no_blocks_and_no_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
