/* tests/unit/data/array_test.h -- files of arrays: those of tests/data, and damaged copies. */
#ifndef GCR_ARRAY_TEST_H
#define GCR_ARRAY_TEST_H

#include "table_test.h"

/* Loads one file of tests/data by its name. */
static inline gcr_status load_stored(gcr_datasets *out, const gcr_data_spec *spec, const char *name)
{
    char path[512];
    char *sources[] = { path, NULL };

    snprintf(path, sizeof path, "%s/%s", GCR_TEST_DATA, name);
    return load_sources(out, spec, sources);
}

static inline gcr_status load_here(gcr_datasets *out, const gcr_data_spec *spec, const char *name)
{
    char *sources[] = { (char *)name, NULL };

    return load_sources(out, spec, sources);
}

/* A stored file in memory, for the caller to free. */
static inline char *stored_bytes(const char *name, size_t *bytes)
{
    char path[512], *text;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", GCR_TEST_DATA, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *bytes = (size_t)ftell(file);
    rewind(file);
    text = malloc(*bytes + 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, *bytes, file), *bytes);
    fclose(file);
    return text;
}

/* Refused, with a sentence that holds `part`, and nothing is left behind. */
static inline void assert_array_refused(gcr_status got, const gcr_datasets *datasets,
                                        gcr_status expected, const char *part)
{
    const gcr_datasets empty = { 0 };

    assert_string_equal(gcr_status_name(got), gcr_status_name(expected));
    assert_error_mentions(part);
    assert_memory_equal(datasets, &empty, sizeof empty);
}

static inline void assert_stored_refused(const gcr_data_spec *spec, const char *name,
                                         gcr_status expected, const char *part)
{
    gcr_datasets datasets;
    const gcr_status got = load_stored(&datasets, spec, name);

    assert_array_refused(got, &datasets, expected, part);
}

static inline void assert_here_refused(const char *name, gcr_status expected, const char *part)
{
    const gcr_data_spec spec = { .y = NULL };
    gcr_datasets datasets;
    const gcr_status got = load_here(&datasets, &spec, name);

    assert_array_refused(got, &datasets, expected, part);
}

/* splitmix64: small, and the same everywhere. */
static inline uint64_t draw_bits(uint64_t *random)
{
    uint64_t z = *random += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Changes one to eight bytes before `end`. */
static inline void mutate(char *text, size_t end, uint64_t *random)
{
    const int changes = 1 + (int)(draw_bits(random) % 8);

    for (int i = 0; i < changes; i++)
        text[draw_bits(random) % end] = (char)draw_bits(random);
}

/* Loads `copies` of a stored file, as a file called `name`, that are damaged in their first
 * `damaged_bytes`; returns how many were refused. The seed is fixed: a failure comes again. */
static inline int count_refused_copies(const char *stored, const char *name, size_t damaged_bytes,
                                       int copies)
{
    const gcr_data_spec spec = { .y = NULL };
    size_t bytes;
    char *const text = stored_bytes(stored, &bytes), *const copy = malloc(bytes);
    const size_t end = damaged_bytes < bytes ? damaged_bytes : bytes;
    uint64_t random = 1;
    int refused = 0;

    assert_non_null(copy);
    for (int i = 0; i < copies; i++) {
        gcr_datasets datasets;

        memcpy(copy, text, bytes);
        mutate(copy, end, &random);
        write_file(name, copy, bytes);
        refused += load_here(&datasets, &spec, name) != GCR_OK;
        gcr_datasets_clear(&datasets);
    }
    free(copy);
    free(text);
    return refused;
}

#endif /* GCR_ARRAY_TEST_H */
