/*
 * tests/unit/data/test_csv_random.c -- what is written is read back, and nothing crashes.
 *
 * Both are runs over seeded random text; the second earns its keep under AddressSanitizer. The seed
 * of a failure is in its message.
 */
#include "table_test.h"

#include "data/csv.h"

enum { TABLES = 300, MUTATIONS = 2000, RECORDS_MAX = 20, FIELDS_MAX = 6, FIELD_MAX = 12 };

/* splitmix64: small, and the same everywhere. */
static uint64_t draw(uint64_t *random)
{
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static int below(uint64_t *random, int bound)
{
    return (int)(draw(random) % (uint64_t)bound);
}

typedef struct made_table {
    char fields[RECORDS_MAX][FIELDS_MAX][FIELD_MAX + 1];
    int records, columns;
} made_table;

/* Commas, quotes and line ends as often as letters. The first field is never blank, so that no
 * record is a blank line. */
static void make(made_table *table, uint64_t *random)
{
    static const char letters[] = "ab ,\"\"\r\n1.";

    table->records = 1 + below(random, RECORDS_MAX);
    table->columns = 1 + below(random, FIELDS_MAX);
    for (int r = 0; r < table->records; r++)
        for (int c = 0; c < table->columns; c++) {
            char *field = table->fields[r][c];
            int bytes = below(random, FIELD_MAX);

            for (int i = 0; i < bytes; i++)
                field[i] = letters[below(random, (int)sizeof letters - 1)];
            if (c == 0)
                field[bytes++] = 'x';
            field[bytes] = '\0';
        }
}

static void put_field(FILE *file, const char *field, uint64_t *random)
{
    const int must_quote = strpbrk(field, ",\"\r\n") != NULL;

    if (!must_quote && below(random, 2)) {
        fputs(field, file);
        return;
    }
    fputc('"', file);
    for (; *field != '\0'; field++) {
        if (*field == '"')
            fputc('"', file);
        fputc(*field, file);
    }
    fputc('"', file);
}

static void put(const made_table *table, const char *path, uint64_t *random)
{
    static const char *const ends[] = { "\n", "\r\n", "\r" };
    const char *end = ends[below(random, 3)];
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    if (below(random, 2))
        fputs("\xef\xbb\xbf", file);
    for (int r = 0; r < table->records; r++) {
        for (int c = 0; c < table->columns; c++) {
            if (c > 0)
                fputc(',', file);
            put_field(file, table->fields[r][c], random);
        }
        if (r + 1 < table->records || below(random, 2))
            fputs(end, file);
    }
    fclose(file);
}

static void assert_same_record(const gcr_csv_record *got, const made_table *table, int record,
                               int seed)
{
    if (got->count != table->columns)
        fail_msg("seed %d: record %d has %d fields, not %d", seed, record, got->count,
                 table->columns);
    for (int c = 0; c < table->columns; c++) {
        const char *want = table->fields[record][c];

        if (got->fields[c].bytes != strlen(want) ||
            memcmp(got->fields[c].text, want, strlen(want)) != 0)
            fail_msg("seed %d: record %d, field %d is not what was written", seed, record, c);
    }
}

static void test_what_a_writer_quotes_is_read_back(void **state)
{
    made_table table;
    gcr_csv_record record;
    gcr_csv *csv;

    (void)state;
    for (int seed = 0; seed < TABLES; seed++) {
        uint64_t random = (uint64_t)seed;

        make(&table, &random);
        put(&table, "random.csv", &random);
        assert_ok(gcr_csv_open(&csv, "random.csv", 0));
        for (int r = 0; r < table.records; r++) {
            assert_ok(gcr_csv_next(&record, csv));
            assert_same_record(&record, &table, r, seed);
        }
        assert_ok(gcr_csv_next(&record, csv));
        assert_int_equal(record.count, 0);
        gcr_csv_close(csv);
    }
}

static void mutate(char *text, size_t *bytes, uint64_t *random)
{
    static const char poison[] = "\",\n\r\0\xff -+e.9aN";

    for (int i = 1 + below(random, 3); i > 0 && *bytes > 1; i--) {
        const size_t at = (size_t)below(random, (int)*bytes);

        const int kind = below(random, 16);

        if (kind < 10)
            text[at] = poison[below(random, (int)sizeof poison - 1)];
        else if (kind < 15)
            memmove(text + at, text + at + 1, --*bytes - at);
        else
            *bytes = at + 1;
    }
}

/* Whatever a file holds, it is loaded or it is refused with a sentence. */
static void test_damaged_tables_are_loaded_or_refused(void **state)
{
    static const char whole[] = "\xef\xbb\xbfname,1960,1961,\"19\"\"62\"\n\"A, b\",1,2.5e-3,NA\n"
                                "c,,inf,4\r\n\"d \",-1,.5,6\n\nlast,7,8,9";
    char *names[] = { (char *)"1961" };
    const gcr_data_spec specs[] = {
        { .key = (char *)"name" },
        { .key = (char *)"name", .layout = GCR_LAYOUT_WIDE, .x_by_position = 1 },
        { .key = (char *)"name", .layout = GCR_LAYOUT_LONG, .x = { .names = names, .count = 1 } },
        { .layout = GCR_LAYOUT_LONG, .y = (char *)"1960", .standardize = GCR_STANDARDIZE_Y },
    };
    int loaded = 0;

    (void)state;
    for (int seed = 0; seed < MUTATIONS; seed++) {
        uint64_t random = (uint64_t)seed;
        char text[sizeof whole];
        size_t bytes = sizeof whole - 1;
        gcr_datasets datasets;

        memcpy(text, whole, sizeof whole);
        mutate(text, &bytes, &random);
        if (load_table(&datasets, &specs[seed % 4], text, bytes) == GCR_OK)
            loaded++;
        else if (gcr_last_error()[0] == '\0' || strchr(gcr_last_error(), '\n') != NULL)
            fail_msg("seed %d: the sentence is \"%s\"", seed, gcr_last_error());
        gcr_datasets_clear(&datasets);
    }
    assert_in_range(loaded, 100, MUTATIONS - 100); /* the damage is neither nothing nor all */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_writer_quotes_is_read_back),
        cmocka_unit_test(test_damaged_tables_are_loaded_or_refused),
    };
    return cmocka_run_group_tests(tests, setup_folder, teardown_folder);
}
