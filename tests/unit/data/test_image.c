/* tests/unit/data/test_image.c -- datasets in a block are the datasets; a wrong block is a
 * sentence. */
#include "support/gcr_test.h"

#include "base/memory.h"
#include "data/dataset_create.h"
#include "data/image.h"
#include "data/image_layout.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- datasets of all kinds ------------------------------------------------------------------- */

static uint64_t next_number(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    return XXH3_64bits(state, sizeof *state);
}

static int64_t number_below(uint64_t *state, int64_t bound)
{
    return (int64_t)(next_number(state) % (uint64_t)bound);
}

static char *some_text(uint64_t *state, const char *begin)
{
    static const char *const pieces[] = { "a", "\xc3\xa9", "\xe6\xb0\xb4", " ", "\"", "0" };
    char text[64];

    snprintf(text, sizeof text, "%s", begin);
    for (int64_t i = number_below(state, 9); i > 0; i--)
        strcat(text, pieces[number_below(state, 6)]);
    return strdup(text);
}

static double *some_doubles(uint64_t *state, int64_t count)
{
    double *values = malloc((size_t)count * sizeof *values + 1);

    for (int64_t i = 0; i < count; i++)
        values[i] = (double)number_below(state, 1000) - 500;
    return values;
}

static void fill(double *to, int64_t count, uint64_t *state)
{
    double *values = some_doubles(state, count);

    if (count > 0)
        memcpy(to, values, (size_t)count * sizeof *to);
    free(values);
}

static void make_dataset(gcr_dataset *out, uint64_t *state, int64_t features, int has_y,
                         int standardized)
{
    const int64_t rows = 1 + number_below(state, 40);
    char *key = some_text(state, "k");

    assert_ok(gcr_dataset_create(out, key, rows, features, has_y));
    free(key);
    fill(out->x, rows * features, state);
    fill(out->y, has_y ? rows : 0, state);
    out->dropped = next_number(state) % 5;
    if ((standardized & GCR_STANDARDIZE_X) != 0 && features > 0) {
        out->x_mean = some_doubles(state, features);
        out->x_scale = some_doubles(state, features);
    }
    if ((standardized & GCR_STANDARDIZE_Y) != 0) {
        out->y_mean = -3.5;
        out->y_scale = 0.25;
    }
}

/* The same ones for the same seed. */
static gcr_datasets make(uint64_t seed)
{
    uint64_t state = seed;
    const int64_t features = number_below(&state, 4);
    const int has_y = number_below(&state, 4) > 0 || features == 0;
    gcr_datasets out = { .standardized = (int)number_below(&state, has_y ? 4 : 2) };

    out.features = calloc((size_t)features + 1, sizeof *out.features);
    out.items = calloc(8, sizeof *out.items);
    out.skipped = calloc(8, sizeof *out.skipped);
    for (; out.feature_count < features; out.feature_count++)
        out.features[out.feature_count] = some_text(&state, "f");
    if (has_y)
        out.y_name = some_text(&state, "");
    for (int64_t d = number_below(&state, 8); d > 0; d--)
        make_dataset(&out.items[out.count++], &state, features, has_y, out.standardized);
    for (int64_t s = number_below(&state, 3); s > 0; s--)
        out.skipped[out.skipped_count++] =
            (gcr_skipped){ some_text(&state, ""), some_text(&state, "no value in any of 3 rows") };
    return out;
}

static gcr_datasets make_synthetic(gcr_synthetic spec)
{
    const gcr_job job = { .seed = 3, .data = { .synthetic = spec } };
    gcr_datasets datasets;

    assert_ok(gcr_datasets_load(&datasets, &job));
    return datasets;
}

/* ---- what is the same ------------------------------------------------------------------------ */

static void assert_same_text(const char *got, const char *want)
{
    assert_true((got == NULL) == (want == NULL));
    if (want != NULL)
        assert_string_equal(got, want);
}

static void assert_same_doubles(const double *got, const double *want, int64_t count)
{
    assert_true((got == NULL) == (want == NULL));
    if (want != NULL && count > 0)
        assert_memory_equal(got, want, (size_t)count * sizeof *want);
}

static void assert_same_dataset(const gcr_dataset *got, const gcr_dataset *want)
{
    assert_same_text(got->key, want->key);
    assert_int_equal(got->rows, want->rows);
    assert_int_equal(got->features, want->features);
    assert_same_doubles(got->x, want->x, want->rows * want->features);
    assert_same_doubles(got->y, want->y, want->rows);
    assert_int_equal(got->dropped, want->dropped);
    assert_same_doubles(got->x_mean, want->x_mean, want->features);
    assert_same_doubles(got->x_scale, want->x_scale, want->features);
    assert_same_doubles(&got->y_mean, &want->y_mean, 1);
    assert_same_doubles(&got->y_scale, &want->y_scale, 1);
    assert_memory_equal(got->identity, want->identity, sizeof want->identity);
    assert_true((got->recipe == NULL) == (want->recipe == NULL));
    if (want->recipe != NULL)
        assert_memory_equal(got->recipe, want->recipe, sizeof *want->recipe);
}

static void assert_same(const gcr_datasets *got, const gcr_datasets *want)
{
    assert_int_equal(got->count, want->count);
    assert_int_equal(got->skipped_count, want->skipped_count);
    assert_int_equal(got->feature_count, want->feature_count);
    assert_int_equal(got->standardized, want->standardized);
    assert_same_text(got->y_name, want->y_name);
    for (int64_t f = 0; f < want->feature_count; f++)
        assert_same_text(got->features[f], want->features[f]);
    for (uint64_t d = 0; d < want->count; d++)
        assert_same_dataset(&got->items[d], &want->items[d]);
    for (uint64_t s = 0; s < want->skipped_count; s++) {
        assert_same_text(got->skipped[s].key, want->skipped[s].key);
        assert_same_text(got->skipped[s].reason, want->skipped[s].reason);
    }
}

/* ---- blocks ---------------------------------------------------------------------------------- */

typedef struct block {
    void *base;
    uint64_t bytes;
} block;

/* Moves `datasets` into a new one, of exactly the bytes that it needs. */
static block write_block(gcr_datasets *datasets)
{
    block out = { NULL };

    assert_ok(gcr_image_measure(&out.bytes, datasets));
    out.base = aligned_alloc(GCR_ALIGNMENT, out.bytes);
    memset(out.base, 0, out.bytes);
    assert_ok(gcr_image_write(&(gcr_image_place){ .base = out.base }, datasets));
    assert_null(datasets->items);
    return out;
}

/* Writes `datasets` to a block and reads them from there; `want` is the same. */
static void check_round_trip(gcr_datasets *datasets, const gcr_datasets *want)
{
    block b = write_block(datasets);
    gcr_datasets got;

    assert_ok(gcr_image_read(&got, b.base, b.bytes));
    assert_same(&got, want);
    gcr_datasets_clear(&got);
    free(b.base);
}

static void test_what_is_read_is_what_was_written(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 300; seed++) {
        gcr_datasets datasets = make(seed), want = make(seed);

        check_round_trip(&datasets, &want);
        gcr_datasets_clear(&want);
    }
}

static void test_no_dataset_at_all_has_a_block(void **state)
{
    gcr_datasets nothing = { 0 }, want = { 0 };

    (void)state;
    check_round_trip(&nothing, &want);
}

static void test_a_recipe_comes_along(void **state)
{
    const gcr_synthetic spec = { 3, 5, 9, 2, 0.5 };
    gcr_datasets datasets = make_synthetic(spec), want = make_synthetic(spec);

    (void)state;
    assert_non_null(want.items[0].recipe);
    check_round_trip(&datasets, &want);
    gcr_datasets_clear(&want);
}

static void test_a_key_may_be_long(void **state)
{
    enum { BYTES = 100000 };
    gcr_datasets datasets = make_synthetic((gcr_synthetic){ 1, 1, 0, 1, 0 });
    gcr_datasets want = make_synthetic((gcr_synthetic){ 1, 1, 0, 1, 0 });

    (void)state;
    free(datasets.items[0].key);
    free(want.items[0].key);
    datasets.items[0].key = malloc(BYTES + 1);
    memset(datasets.items[0].key, 'k', BYTES);
    datasets.items[0].key[BYTES] = '\0';
    want.items[0].key = strdup(datasets.items[0].key);
    check_round_trip(&datasets, &want);
    gcr_datasets_clear(&want);
}

static void test_tables_are_in_the_block_aligned_and_y_is_right_behind_x(void **state)
{
    gcr_datasets datasets = make_synthetic((gcr_synthetic){ 5, 3, 13, 2, 0 }), got;
    block b = write_block(&datasets);

    (void)state;
    assert_ok(gcr_image_read(&got, b.base, b.bytes));
    for (uint64_t d = 0; d < got.count; d++) {
        const gcr_dataset *dataset = &got.items[d];

        assert_int_equal((uintptr_t)dataset->x % GCR_ALIGNMENT, 0);
        assert_ptr_equal(dataset->y, dataset->x + dataset->rows * dataset->features);
        assert_in_range((uintptr_t)dataset->x, (uintptr_t)b.base, (uintptr_t)b.base + b.bytes);
        assert_in_range((uintptr_t)(dataset->y + dataset->rows), (uintptr_t)b.base,
                        (uintptr_t)b.base + b.bytes);
    }
    gcr_datasets_clear(&got);
    free(b.base);
}

static void test_what_was_read_can_be_standardised_and_the_block_is_unharmed(void **state)
{
    gcr_datasets datasets = make_synthetic((gcr_synthetic){ 2, 7, 0, 2, 0.1 }), got, again;
    gcr_datasets want = make_synthetic((gcr_synthetic){ 2, 7, 0, 2, 0.1 });
    block b = write_block(&datasets);

    (void)state;
    assert_ok(gcr_image_read(&got, b.base, b.bytes));
    assert_ok(gcr_datasets_standardize(&got, GCR_STANDARDIZE_X | GCR_STANDARDIZE_Y));
    assert_ok(gcr_image_read(&again, b.base, b.bytes));
    assert_same(&again, &want);
    gcr_datasets_clear(&got);
    gcr_datasets_clear(&again);
    gcr_datasets_clear(&want);
    free(b.base);
}

static void test_borrowed_tables_are_copied_and_left_alone(void **state)
{
    static const double x[] = { 1, 2, 3 }, y[] = { 4, 5, 6 };
    const gcr_borrowed table = { .key = "theirs", .rows = 3, .x = x, .y = y };
    const gcr_borrow_spec spec = { .items = &table, .count = 1, .features = 1 };
    gcr_datasets datasets, got;
    block b;

    (void)state;
    assert_ok(gcr_datasets_borrow(&datasets, &spec));
    b = write_block(&datasets);
    assert_ok(gcr_image_read(&got, b.base, b.bytes));
    assert_ptr_not_equal(got.items[0].x, x);
    assert_memory_equal(got.items[0].x, x, sizeof x);
    assert_memory_equal(got.items[0].y, y, sizeof y);
    gcr_datasets_clear(&got);
    free(b.base);
}

static void test_tables_that_repeat_beyond_all_counting_are_refused(void **state)
{
    static const double x[1] = { 0 };
    gcr_dataset items[3] = { 0 };
    const gcr_datasets datasets = { .items = items, .count = 3 };
    uint64_t bytes;

    (void)state;
    for (int i = 0; i < 3; i++)
        items[i] = (gcr_dataset){
            .key = (char *)"k", .rows = INT64_MAX / 16, .features = 1, .x = (double *)x
        };
    assert_status(gcr_image_measure(&bytes, &datasets), GCR_EOVERFLOW);
    assert_string_equal(gcr_last_error(), "the datasets have more bytes than 63 bits can count");
}

/* ---- memory that is asked for ---------------------------------------------------------------- */

typedef struct reservations {
    uint64_t end, calls, refuse_from;
    uint64_t most_resident; /* bytes of this process */
} reservations;

static uint64_t resident_bytes(void)
{
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    assert_int_equal(fscanf(file, "%*u %lu", &pages), 1);
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static gcr_status note(void *context, uint64_t first, uint64_t bytes)
{
    reservations *r = context;
    const uint64_t now = resident_bytes();

    assert_int_equal(first, r->end);
    r->end += bytes;
    r->calls++;
    if (now > r->most_resident)
        r->most_resident = now;
    return r->end > r->refuse_from ? GCR_ENOMEM : GCR_OK;
}

static block map_block(const gcr_datasets *datasets)
{
    block out = { NULL };

    assert_ok(gcr_image_measure(&out.bytes, datasets));
    out.base = mmap(NULL, out.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(out.base != MAP_FAILED);
    return out;
}

static void test_memory_is_asked_for_in_order_and_seldom(void **state)
{
    gcr_datasets datasets = make_synthetic((gcr_synthetic){ 5000, 3, 0, 1, 0 });
    block b = map_block(&datasets);
    reservations r = { .refuse_from = UINT64_MAX };

    (void)state;
    assert_ok(gcr_image_write(&(gcr_image_place){ b.base, note, &r }, &datasets));
    assert_int_equal(r.end, b.bytes);
    assert_int_equal(r.calls, 1);
    munmap(b.base, b.bytes);
}

/* One of 96 MiB: what is copied has gone before the next piece is asked for. */
static void test_there_are_never_two_copies_of_all(void **state)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    (void)state;
    skip(); /* whose memory does not go back to the system */
#else
    enum { MIB = 1 << 20 };
    gcr_datasets datasets = make_synthetic((gcr_synthetic){ 1, 2 * MIB, 0, 5, 0 });
    block b = map_block(&datasets);
    reservations r = { .refuse_from = UINT64_MAX };
    const uint64_t before = resident_bytes();

    (void)state;
    assert_ok(gcr_image_write(&(gcr_image_place){ b.base, note, &r }, &datasets));
    assert_int_equal(r.end, b.bytes);
    assert_true(r.most_resident < before + 24 * MIB);
    assert_true(resident_bytes() < before + 24 * MIB);
    munmap(b.base, b.bytes);
#endif
}

static void test_no_memory_for_a_piece_leaves_nothing_behind(void **state)
{
    const uint64_t live = gcr_memory_live_bytes();
    const gcr_datasets empty = { 0 };

    (void)state;
    for (uint64_t from = 0; from < 40 << 20; from += 15 << 20) {
        gcr_datasets datasets = make_synthetic((gcr_synthetic){ 3, 1 << 20, 0, 1, 0 });
        block b = map_block(&datasets);
        reservations r = { .refuse_from = from };

        assert_status(gcr_image_write(&(gcr_image_place){ b.base, note, &r }, &datasets),
                      GCR_ENOMEM);
        assert_memory_equal(&datasets, &empty, sizeof empty);
        assert_int_equal(gcr_memory_live_bytes(), live);
        munmap(b.base, b.bytes);
    }
}

/* ---- blocks that are wrong ------------------------------------------------------------------- */

/* Reads a copy that ends where its memory ends. True if it was taken, and then all of it is looked
 * at. */
static int try_block(const void *base, uint64_t bytes)
{
    void *copy =
        malloc(bytes + 1); /* as large as it is wrong: a sanitizer sees what is behind it */
    gcr_datasets got;
    gcr_status status;
    volatile double sum = 0;

    copy = realloc(copy, bytes > 0 ? bytes : 1);
    memcpy(copy, base, bytes);
    status = gcr_image_read(&got, copy, bytes);
    for (uint64_t d = 0; status == GCR_OK && d < got.count; d++) {
        for (int64_t i = 0; i < got.items[d].rows * got.items[d].features; i++)
            sum += got.items[d].x[i];
        for (int64_t i = 0; got.items[d].y != NULL && i < got.items[d].rows; i++)
            sum += got.items[d].y[i];
    }
    if (status != GCR_OK) {
        assert_int_equal(status, GCR_EFORMAT);
        assert_null(got.items);
    }
    gcr_datasets_clear(&got);
    free(copy);
    return status == GCR_OK;
}

static void test_a_block_that_is_cut_off_is_refused_wherever_it_is_cut(void **state)
{
    gcr_datasets datasets = make(7);
    block b = write_block(&datasets);

    (void)state;
    for (uint64_t bytes = 0; bytes < b.bytes; bytes++)
        assert_false(try_block(b.base, bytes));
    assert_true(try_block(b.base, b.bytes));
    free(b.base);
}

static void test_what_is_wrong_is_said(void **state)
{
    gcr_datasets datasets = make_synthetic((gcr_synthetic){ 2, 5, 0, 1, 0 }), got;
    block b = write_block(&datasets);

    (void)state;
    assert_status(gcr_image_read(&got, b.base, b.bytes - 64), GCR_EFORMAT);
    assert_string_equal(gcr_last_error(), "a block of datasets has 576 B in place of 640 B");
    ((char *)b.base)[100] ^= 1;
    assert_status(gcr_image_read(&got, b.base, b.bytes), GCR_EFORMAT);
    assert_string_equal(gcr_last_error(), "a block of datasets is damaged: its index has another "
                                          "hash than was written");
    ((char *)b.base)[0] ^= 1;
    assert_status(gcr_image_read(&got, b.base, b.bytes), GCR_EFORMAT);
    assert_string_equal(gcr_last_error(), "what should be a block of datasets is none");
    free(b.base);
}

static void test_a_changed_byte_of_an_index_is_found(void **state)
{
    gcr_datasets datasets = make(11);
    block b = write_block(&datasets);
    char *bytes = b.base;
    const uint64_t index_bytes = ((gcr_image_header *)b.base)->index_bytes;

    (void)state;
    for (uint64_t i = 0; i < index_bytes; i++) {
        bytes[i] = (char)(bytes[i] + 1 + (int)(i % 200));
        assert_false(try_block(b.base, b.bytes));
        bytes[i] = (char)(bytes[i] - 1 - (int)(i % 200));
    }
    assert_true(try_block(b.base, b.bytes));
    free(b.base);
}

/* Changes words of an index to numbers that hurt, and gives it the hash that it should have. */
static void test_an_index_that_lies_reaches_nothing_outside_its_block(void **state)
{
    static const uint64_t numbers[] = {
        0, 1, 7, 64, 1 << 20, INT64_MAX / 8, INT64_MAX, UINT64_MAX
    };
    int taken = 0, refused = 0;

    (void)state;
    for (uint64_t seed = 0; seed < 6000; seed++) {
        uint64_t random = seed;
        gcr_datasets datasets = make(seed % 50);
        block b = write_block(&datasets);
        gcr_image_header *head = b.base;
        uint64_t *words = b.base;

        for (int64_t changes = 1 + number_below(&random, 2); changes > 0; changes--) {
            const int64_t at = 1 + number_below(&random, (int64_t)head->index_bytes / 8 - 1);
            const uint64_t nearby = words[at] + (uint64_t)number_below(&random, 5) - 2;

            words[at] = next_number(&random) % 2 ? nearby : numbers[number_below(&random, 8)];
            if (head->index_bytes < sizeof *head || head->index_bytes > b.bytes)
                break;
        }
        if (head->index_bytes >= sizeof *head && head->index_bytes <= b.bytes)
            head->index_hash = gcr_image_hash(head);
        if (try_block(b.base, b.bytes))
            taken++;
        else
            refused++;
        free(b.base);
    }
    assert_true(taken > 100); /* a mean, say */
    assert_true(refused > 1000);
}

/* ---- fingerprints ---------------------------------------------------------------------------- */

static void test_the_fingerprint_is_of_the_contents_wherever_they_stand(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        gcr_datasets datasets = make(seed), got;
        uint64_t want[2], here[2];
        block b;

        assert_ok(gcr_datasets_fingerprint(want, &datasets));
        b = write_block(&datasets);
        assert_ok(gcr_image_read(&got, b.base, b.bytes));
        assert_ok(gcr_datasets_fingerprint(here, &got));
        assert_memory_equal(here, want, sizeof want);
        gcr_datasets_clear(&got);
        free(b.base);
    }
}

static gcr_datasets make_one(void)
{
    gcr_datasets out = make_synthetic((gcr_synthetic){ 2, 4, 0, 2, 0.1 });

    out.skipped = calloc(1, sizeof *out.skipped);
    out.skipped_count = 1;
    out.skipped[0] = (gcr_skipped){ strdup("gone"), strdup("no value in any of 3 rows") };
    return out;
}

/* Every change is another fingerprint, and no two are the same. */
static void test_any_difference_is_another_fingerprint(void **state)
{
    enum { CHANGES = 12 };
    uint64_t prints[CHANGES][2];

    (void)state;
    for (int change = 0; change < CHANGES; change++) {
        gcr_datasets d = make_one();
        gcr_dataset *first = &d.items[0];

        switch (change) {
        case 1: first->key[0] = 'S'; break;
        case 2: first->x[0] = -first->x[0]; break;
        case 3: first->y[3] += 1e-13; break;
        case 4: first->dropped = 1; break;
        case 5: first->y_mean = 1; break;
        case 6: d.skipped[0].reason[0] = 'N'; break;
        case 7: d.features[1][0] = 'X'; break;
        case 8: d.y_name[0] = 'Y'; break;
        case 9: d.standardized = GCR_STANDARDIZE_Y; break;
        case 10: first->recipe->seed++; break;
        case 11: {
            const gcr_dataset other = d.items[1];

            d.items[1] = d.items[0];
            d.items[0] = other;
            break;
        }
        default: break;
        }
        assert_ok(gcr_datasets_fingerprint(prints[change], &d));
        for (int before = 0; before < change; before++)
            assert_memory_not_equal(prints[before], prints[change], sizeof prints[0]);
        gcr_datasets_clear(&d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read_is_what_was_written),
        cmocka_unit_test(test_no_dataset_at_all_has_a_block),
        cmocka_unit_test(test_a_recipe_comes_along),
        cmocka_unit_test(test_a_key_may_be_long),
        cmocka_unit_test(test_tables_are_in_the_block_aligned_and_y_is_right_behind_x),
        cmocka_unit_test(test_what_was_read_can_be_standardised_and_the_block_is_unharmed),
        cmocka_unit_test(test_borrowed_tables_are_copied_and_left_alone),
        cmocka_unit_test(test_tables_that_repeat_beyond_all_counting_are_refused),
        cmocka_unit_test(test_memory_is_asked_for_in_order_and_seldom),
        cmocka_unit_test(test_there_are_never_two_copies_of_all),
        cmocka_unit_test(test_no_memory_for_a_piece_leaves_nothing_behind),
        cmocka_unit_test(test_a_block_that_is_cut_off_is_refused_wherever_it_is_cut),
        cmocka_unit_test(test_what_is_wrong_is_said),
        cmocka_unit_test(test_a_changed_byte_of_an_index_is_found),
        cmocka_unit_test(test_an_index_that_lies_reaches_nothing_outside_its_block),
        cmocka_unit_test(test_the_fingerprint_is_of_the_contents_wherever_they_stand),
        cmocka_unit_test(test_any_difference_is_another_fingerprint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
