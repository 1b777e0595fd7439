/* tests/unit/data/table_test.h -- tables from text, for the tests of datasets. */
#ifndef GCR_TABLE_TEST_H
#define GCR_TABLE_TEST_H

#include "support/gcr_test.h"

#include "gridcrunch/dataset.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* A text with its length: tables may hold zero bytes. */
#define TEXT(literal) (literal), sizeof(literal) - 1

static char table_folder[64];

static inline int setup_folder(void **state)
{
    (void)state;
    strcpy(table_folder, "/tmp/gcr_table_test_XXXXXX");
    return mkdtemp(table_folder) != NULL && chdir(table_folder) == 0 ? 0 : -1;
}

static inline int teardown_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", table_folder);
    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static inline void write_file(const char *path, const char *text, size_t bytes)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, bytes, file), bytes);
    assert_int_equal(fclose(file), 0);
}

/* Loads `sources` (up to a NULL) with the words of `spec`, as a job in the current folder would. */
static inline gcr_status load_sources(gcr_datasets *out, const gcr_data_spec *spec,
                                      char *const *sources)
{
    gcr_job job = { .folder = (char *)"", .data = *spec };

    job.data.sources.names = (char **)sources;
    while (sources[job.data.sources.count] != NULL)
        job.data.sources.count++;
    return gcr_datasets_load(out, &job);
}

/* Loads one table, t.csv. */
static inline gcr_status load_table(gcr_datasets *out, const gcr_data_spec *spec, const char *text,
                                    size_t bytes)
{
    char *sources[] = { (char *)"t.csv", NULL };

    write_file("t.csv", text, bytes);
    return load_sources(out, spec, sources);
}

/* The table is refused, with exactly this sentence, and nothing is left behind. */
static inline void assert_refused(const gcr_data_spec *spec, const char *text, size_t bytes,
                                  gcr_status expected, const char *sentence)
{
    const gcr_datasets empty = { 0 };
    gcr_datasets datasets;
    const gcr_status got = load_table(&datasets, spec, text, bytes);

    assert_string_equal(gcr_status_name(got), gcr_status_name(expected));
    assert_string_equal(gcr_last_error(), sentence);
    assert_memory_equal(&datasets, &empty, sizeof empty);
}

static inline void assert_column(const double *got, const double *want, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (got[i] != want[i])
            fail_msg("value %d is %.17g, not %.17g", (int)i, got[i], want[i]);
}

#endif /* GCR_TABLE_TEST_H */
