/*
 * results/results_csv.c -- summary.csv: one row per dataset, for people and spreadsheets.
 *
 * Quoted as RFC 4180 says, lines end in \n, numbers read back exactly, and a value that is
 * not there is an empty cell.
 */
#include "base/check.h"
#include "base/text.h"
#include "results/layout.h"
#include "results/results_files.h"
#include "results/utf8_text.h"

#include "gridcrunch/cell.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put_number(FILE *file, double value)
{
    char text[32];

    fprintf(file, ",%s", isnan(value) ? "" : gcr_format_number(text, value));
}

/* ,OWNER or ,OWNER_SUFFIX; names hold nothing that needs quotes but a comma or a quote. */
static gcr_status put_header(FILE *file, const char *owner, const char *suffix)
{
    gcr_status status = GCR_OK;
    char *name = NULL;

    GCR_TRY(gcr_array_name(&name, owner, suffix));
    fputc(',', file);
    gcr_put_csv_text(file, name);
out:
    free(name);
    return status;
}

static gcr_status put_summary_headers(const gcr_results *results, FILE *file,
                                      const gcr_summary_spec *spec)
{
    gcr_status status = GCR_OK;

    GCR_TRY(put_header(file, spec->name, NULL));
    if (gcr_summary_has_point(spec->op))
        for (int a = 0; a < results->points->axis_count; a++)
            GCR_TRY(put_header(file, spec->name, results->points->axes[a].name));
    GCR_TRY(put_header(file, spec->name, "skipped"));
out:
    return status;
}

static gcr_status put_headers(const gcr_results *results, FILE *file)
{
    gcr_status status = GCR_OK;

    fputs("dataset,rows,dropped", file);
    for (int s = 0; s < results->job->summary_count; s++)
        GCR_TRY(put_summary_headers(results, file, &results->job->summaries[s]));
    fputs(",n_ok,n_failed\n", file);
out:
    return status;
}

static void put_summary(const gcr_results *results, FILE *file, uint64_t dataset, int summary)
{
    const gcr_summary_value best = gcr_summaries_get(results->summaries, dataset, summary);

    put_number(file, best.value);
    if (gcr_summary_has_point(results->job->summaries[summary].op))
        for (int a = 0; a < results->points->axis_count; a++)
            put_number(file, gcr_axis_value_at(results->points, a, best.point));
    fprintf(file, ",%" PRIu64, best.skipped);
}

static void put_counts(const gcr_results *results, FILE *file, uint64_t dataset)
{
    uint64_t counts[GCR_CELL_STATE_COUNT];
    uint64_t ok = 0, failed = 0;

    if (results->job->keep == GCR_KEEP_SUMMARY)
        gcr_summaries_count(results->summaries, dataset, counts);
    else
        gcr_slots_count_dataset(results->slots, dataset, counts);
    for (int state = 0; state < GCR_CELL_STATE_COUNT; state++) {
        ok += gcr_cell_has_result((uint8_t)state) ? counts[state] : 0;
        failed += gcr_cell_is_failed((uint8_t)state) ? counts[state] : 0;
    }
    fprintf(file, ",%" PRIu64 ",%" PRIu64 "\n", ok, failed);
}

static gcr_status put_row(const gcr_results *results, FILE *file, uint64_t d)
{
    gcr_status status = GCR_OK;
    const gcr_dataset *dataset = &results->datasets->items[d];
    const char *key = NULL;

    GCR_TRY(gcr_utf8_text(&key, dataset->key)); /* as in results.h5 */
    gcr_put_csv_text(file, key);
    fprintf(file, ",%" PRId64 ",%" PRIu64, dataset->rows, dataset->dropped);
    for (int s = 0; s < results->job->summary_count; s++)
        put_summary(results, file, d, s);
    put_counts(results, file, d);
out:
    gcr_utf8_release(key, dataset->key);
    return status;
}

/* A stream of its own descriptor, so that closing it leaves `fd` open. */
static FILE *open_stream(int fd)
{
    const int copy = dup(fd);
    FILE *file = copy >= 0 ? fdopen(copy, "w") : NULL;

    if (file == NULL && copy >= 0)
        close(copy);
    return file;
}

gcr_status gcr_results_write_csv(const gcr_results *results, int fd, const char *path)
{
    gcr_status status = GCR_OK;
    FILE *file = open_stream(fd);

    if (file == NULL)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
    GCR_TRY(put_headers(results, file));
    for (uint64_t d = 0; d < results->datasets->count && !ferror(file); d++)
        GCR_TRY(put_row(results, file, d));
    if (ferror(file) || fflush(file) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
out:
    if (file != NULL)
        fclose(file);
    return status;
}
