/* cli/describe.c -- see describe.h. */
#include "cli/describe.h"

#include "cli/screen.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAMES_SHOWN = 4 };

void gcr_describe_axes(FILE *stream, const gcr_point_table *points)
{
    for (int a = 0; a < points->axis_count; a++) {
        const gcr_axis *axis = &points->axes[a];

        gcr_screen_note(stream, a == 0 ? "axes" : "", "%s: %" PRIu64 " value%s, %.6g .. %.6g",
                        axis->name, axis->count, gcr_plural(axis->count), axis->values[0],
                        axis->values[axis->count - 1]);
    }
}

const char *gcr_describe_job(char *out, size_t bytes, const gcr_job *job)
{
    size_t used =
        (size_t)snprintf(out, bytes, "%s (%s): kernel %s", job->name, job->path, job->kernel);

    for (int i = 0; i < job->option_count && used < bytes; i++)
        used += (size_t)snprintf(out + used, bytes - used, ", %s=%s", job->options[i].name,
                                 job->options[i].value);
    return out;
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

gcr_row_range gcr_describe_rows(const gcr_datasets *datasets)
{
    gcr_row_range range = { 0 };
    int64_t *rows = calloc(datasets->count, sizeof *rows);

    if (rows == NULL || datasets->count == 0)
        goto out;
    for (uint64_t i = 0; i < datasets->count; i++)
        rows[i] = datasets->items[i].rows;
    qsort(rows, datasets->count, sizeof *rows, by_size);
    range = (gcr_row_range){ rows[0], rows[datasets->count / 2], rows[datasets->count - 1] };
out:
    free(rows);
    return range;
}

const char *gcr_describe_datasets(char *out, size_t bytes, const gcr_datasets *datasets)
{
    const gcr_row_range range = gcr_describe_rows(datasets);
    char count[32];

    gcr_format_count(count, datasets->count);
    if (range.least == range.most)
        snprintf(out, bytes, "%s with %" PRId64 " row%s", count, range.most,
                 gcr_plural((uint64_t)range.most));
    else
        snprintf(out, bytes,
                 "%s with %" PRId64 " / %" PRId64 " / %" PRId64 " rows (min / median / max)", count,
                 range.least, range.median, range.most);
    return out;
}

const char *gcr_describe_skipped(char *out, size_t bytes, const gcr_datasets *datasets)
{
    const uint64_t count = datasets->skipped_count;
    size_t used = (size_t)snprintf(out, bytes, "%" PRIu64 " of %" PRIu64 ": ", count,
                                   count + datasets->count);

    for (uint64_t i = 0; i < count && i < NAMES_SHOWN && used < bytes; i++)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s", i > 0 ? ", " : "",
                                 datasets->skipped[i].key);
    if (used < bytes && count > 0)
        snprintf(out + used, bytes - used, "%s (%s%s)", count > NAMES_SHOWN ? ", ..." : "",
                 count > 1 ? "the first: " : "", datasets->skipped[0].reason);
    return out;
}

const char *gcr_describe_grid(char *out, size_t bytes, const gcr_point_table *points)
{
    size_t used = 0;
    char count[32];

    out[0] = '\0';
    for (int a = 0; a < points->axis_count && used < bytes; a++)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s (%" PRIu64 ")", a > 0 ? " x " : "",
                                 points->axes[a].name, points->axes[a].count);
    if (used < bytes)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s point%s", used > 0 ? " = " : "",
                                 gcr_format_count(count, points->point_count),
                                 gcr_plural(points->point_count));
    if (used < bytes && points->live_count < points->point_count)
        snprintf(out + used, bytes - used, ", %s of them wanted",
                 gcr_format_count(count, points->live_count));
    return out;
}

const char *gcr_describe_schedule(char *out, size_t bytes, const gcr_run *run)
{
    const int threads = gcr_run_thread_count(run), ranks = gcr_run_rank_count(run);
    const uint64_t batch = gcr_run_batch(run);
    char count[32], of_cpu[32] = "";

    if (ranks > 1)
        snprintf(of_cpu, sizeof of_cpu, "%d ranks, ", ranks);
    else if (threads > 0)
        snprintf(of_cpu, sizeof of_cpu, "%d thread%s, ", threads, gcr_plural((uint64_t)threads));
    snprintf(out, bytes, "%sschedule %s, batches of %s cell%s", of_cpu,
             gcr_schedule_name(gcr_run_schedule(run)), gcr_format_count(count, batch),
             gcr_plural(batch));
    return out;
}

const char *gcr_describe_devices(char *out, size_t bytes, const gcr_run *run)
{
    const int count = gcr_run_device_count(run);
    size_t used = 0;

    if (count == 1)
        snprintf(out, bytes, "%s", gcr_run_device_name(run, 0));
    for (int d = 0; count > 1 && d < count && used < bytes; d++)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s %s", d > 0 ? ", " : "",
                                 gcr_run_device_word(run, d), gcr_run_device_name(run, d));
    return out;
}

const char *gcr_describe_busy(char *out, size_t bytes, const gcr_busy *busy, const char *host)
{
    char rank[160] = "", idle[32];

    if (host != NULL)
        snprintf(rank, sizeof rank, ": rank %" PRIu64 " on %s", busy->least_rank, host);
    snprintf(out, bytes, "busy %.1f %% of the time (median), %.1f %% (least%s); %s idle",
             100 * busy->median, 100 * busy->least, rank, gcr_format_count(idle, busy->idle_ranks));
    return out;
}

void gcr_describe_kinds(FILE *stream, const gcr_run *run)
{
    const int count = gcr_run_kind_count(run);

    if (count == 1)
        gcr_screen_note(stream, "kind", "%s", gcr_run_kind(run, 0));
    for (int k = 0; count > 1 && k < count; k++) {
        const double share = gcr_run_kind_share(run, k);
        char text[64] = "what is left";

        if (share >= 0)
            snprintf(text, sizeof text, "%.3g %% of the work", 100 * share);
        gcr_screen_note(stream, k == 0 ? "kinds" : "", "kind_%d: %s (%s)", k + 1,
                        gcr_run_kind(run, k), text);
    }
    if (gcr_run_left_out(run)[0] != '\0')
        gcr_screen_note(stream, "left out", "%s", gcr_run_left_out(run));
}
