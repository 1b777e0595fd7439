/* tests/unit/base/test_memory.c -- blocks are zeroed, aligned, counted and refused in time. */
#include "support/gcr_test.h"

#include "base/memory.h"

#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

static const uint64_t large = UINT64_C(64) << 20;

static int is_aligned(const void *block)
{
    return (uintptr_t)block % GCR_ALIGNMENT == 0;
}

static int is_zero(const unsigned char *block, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        if (block[i] != 0)
            return 0;
    return 1;
}

static void check_block(uint64_t bytes)
{
    void *block;

    assert_ok(gcr_memory_create(&block, bytes, 1, "a test"));
    assert_true(is_aligned(block));
    assert_true(is_zero(block, bytes));
    memset(block, 0xff, bytes); /* what lies around it is watched by the sanitizers */
    gcr_memory_destroy(block);
}

static void test_blocks_of_every_size_are_aligned_and_zero(void **state)
{
    const uint64_t mib = UINT64_C(1) << 20;

    (void)state;
    for (uint64_t bytes = 1; bytes < 300; bytes++)
        check_block(bytes);
    check_block(mib - 1);
    check_block(mib);
    check_block(mib + 1);
    for (int again = 0; again < 3; again++) /* recycled memory is zero too */
        check_block(1000);
}

static void test_nothing_is_null_and_may_be_destroyed(void **state)
{
    void *block = &block;

    (void)state;
    assert_ok(gcr_memory_create(&block, 0, 8, "nothing"));
    assert_null(block);
    gcr_memory_destroy(block);
}

static void test_a_product_beyond_64_bits_is_refused(void **state)
{
    void *block = &block;

    (void)state;
    assert_status(gcr_memory_create(&block, UINT64_C(1) << 40, UINT64_C(1) << 40, "the outputs"),
                  GCR_EOVERFLOW);
    assert_null(block);
    assert_error_mentions("no memory for the outputs");
}

static void test_more_than_the_system_has_is_refused_with_its_size(void **state)
{
    void *block = &block;

    (void)state;
    assert_status(gcr_memory_create(&block, UINT64_C(1) << 50, 8, "the outputs"), GCR_ENOMEM);
    assert_null(block);
    assert_error_mentions("no memory for the outputs");
    assert_error_mentions("8.0 PiB");
    assert_status(gcr_memory_create(&block, UINT64_MAX, 1, "the outputs"), GCR_ENOMEM);
}

static void test_a_refused_block_is_not_counted(void **state)
{
    const uint64_t before = gcr_memory_live_bytes();
    void *block;

    (void)state;
    assert_status(gcr_memory_create(&block, UINT64_C(1) << 50, 8, "too much"), GCR_ENOMEM);
    assert_int_equal(gcr_memory_live_bytes(), before);
}

static void test_live_bytes_are_what_was_asked_for_and_not_freed(void **state)
{
    const uint64_t before = gcr_memory_live_bytes();
    void *small, *big;

    (void)state;
    assert_ok(gcr_memory_create(&small, 10, 10, "a test"));
    assert_ok(gcr_memory_create(&big, large, 1, "a test"));
    assert_int_equal(gcr_memory_live_bytes(), before + 100 + large);
    gcr_memory_destroy(big);
    gcr_memory_destroy(small);
    assert_int_equal(gcr_memory_live_bytes(), before);
}

static void test_the_peak_outlives_the_block_until_it_is_reset(void **state)
{
    const uint64_t before = gcr_memory_live_bytes();
    void *block;

    (void)state;
    gcr_memory_reset_peak();
    assert_ok(gcr_memory_create(&block, 1000, 1, "a test"));
    gcr_memory_destroy(block);
    assert_int_equal(gcr_memory_peak_bytes(), before + 1000);
    gcr_memory_reset_peak();
    assert_int_equal(gcr_memory_peak_bytes(), before);
}

/* Under AddressSanitizer all blocks are of the heap, and zeroing it touches them. */
#ifndef __SANITIZE_ADDRESS__
static void test_pages_of_a_large_block_that_nobody_touched_are_not_resident(void **state)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    static unsigned char is_resident[(64 << 20) / 4096];
    uint64_t resident = 0;
    void *block;
    char *first_page;

    (void)state;
    assert_ok(gcr_memory_create(&block, large, 1, "a test"));
    first_page = (char *)block - GCR_ALIGNMENT;
    assert_int_equal(mincore(first_page, large, is_resident), 0);
    for (uint64_t i = 0; i < large / page; i++)
        resident += is_resident[i] & 1;
    assert_true(resident * page <= 4 << 20); /* one page, of whatever size */
    gcr_memory_destroy(block);
}
#endif

static void test_sums_and_products_say_when_they_do_not_fit(void **state)
{
    uint64_t value;

    (void)state;
    assert_true(gcr_multiply(&value, UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1));
    assert_false(gcr_multiply(&value, UINT64_C(1) << 32, UINT64_C(1) << 32));
    assert_true(gcr_add(&value, UINT64_MAX - 1, 1));
    assert_false(gcr_add(&value, UINT64_MAX, 1));
}

static void test_what_is_free_is_less_than_what_there_is(void **state)
{
    const uint64_t free_bytes = gcr_memory_free_bytes();
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    struct sysinfo machine;

    (void)state;
    assert_int_equal(sysinfo(&machine), 0);
    assert_true(free_bytes >= page);
    assert_true(free_bytes < (machine.totalram + machine.totalswap) * machine.mem_unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_of_every_size_are_aligned_and_zero),
        cmocka_unit_test(test_nothing_is_null_and_may_be_destroyed),
        cmocka_unit_test(test_a_product_beyond_64_bits_is_refused),
        cmocka_unit_test(test_more_than_the_system_has_is_refused_with_its_size),
        cmocka_unit_test(test_a_refused_block_is_not_counted),
        cmocka_unit_test(test_live_bytes_are_what_was_asked_for_and_not_freed),
        cmocka_unit_test(test_the_peak_outlives_the_block_until_it_is_reset),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test(test_pages_of_a_large_block_that_nobody_touched_are_not_resident),
#endif
        cmocka_unit_test(test_sums_and_products_say_when_they_do_not_fit),
        cmocka_unit_test(test_what_is_free_is_less_than_what_there_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
