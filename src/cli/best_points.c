/* cli/best_points.c -- see best_points.h. */
#include "cli/best_points.h"

#include "cli/cell_key.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

enum { SUMMARIES_SHOWN_MAX = 32 };

int gcr_best_is_ranking(const gcr_results_file *file, int summary)
{
    return strncmp(gcr_results_summary_text(file, summary), "arg", 3) == 0;
}

gcr_status gcr_best_find(int *out, const gcr_results_file *file, const char *name)
{
    gcr_status status = GCR_OK;
    const char *names[SUMMARIES_SHOWN_MAX];
    char suggestion[256];
    int count = 0;

    *out = -1;
    for (int s = 0; s < gcr_results_summary_count(file) && count < SUMMARIES_SHOWN_MAX; s++) {
        if (!gcr_best_is_ranking(file, s))
            continue;
        names[count++] = gcr_results_summary_name(file, s);
        if (name == NULL || strcmp(name, names[count - 1]) == 0) {
            *out = s;
            goto out;
        }
    }
    if (name == NULL)
        goto out;
    gcr_suggest(suggestion, sizeof suggestion, name, names, count);
    GCR_FAIL(GCR_ENOENT, "this run has no argmax or argmin '%s'%s", name, suggestion);
out:
    return status;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void put_names(gcr_sheet *sheet, const gcr_results_file *file, const gcr_best_spec *spec)
{
    const gcr_point_table *points = gcr_results_points(file);

    gcr_sheet_name(sheet, "dataset");
    if (spec->top > 1)
        gcr_sheet_name(sheet, "place");
    if (spec->summary >= 0) {
        gcr_sheet_name(sheet, "%s", gcr_results_summary_name(file, spec->summary));
        for (int a = 0; a < points->axis_count; a++)
            gcr_sheet_name(sheet, "%s", points->axes[a].name);
    }
    for (int s = 0; s < gcr_results_summary_count(file) && spec->top == 1; s++)
        if (s != spec->summary)
            gcr_sheet_name(sheet, "%s", gcr_results_summary_name(file, s));
}

static void put_point(gcr_sheet *sheet, const gcr_results_file *file, gcr_summary_value best)
{
    const gcr_point_table *points = gcr_results_points(file);
    uint64_t coords[GCR_AXES_MAX] = { 0 };

    gcr_sheet_number(sheet, best.value);
    if (best.point >= 0)
        gcr_point_coords(points, (uint64_t)best.point, coords);
    for (int a = 0; a < points->axis_count; a++)
        if (best.point >= 0)
            gcr_sheet_number(sheet, points->axes[a].values[coords[a]]);
        else
            gcr_sheet_none(sheet);
}

static void put_dataset(gcr_sheet *sheet, const gcr_results_file *file, const gcr_best_spec *spec,
                        uint64_t dataset)
{
    gcr_sheet_text(sheet, gcr_results_dataset_key(file, dataset));
    if (spec->summary >= 0)
        put_point(sheet, file, gcr_results_summary(file, dataset, spec->summary));
    for (int s = 0; s < gcr_results_summary_count(file); s++)
        if (s != spec->summary)
            gcr_sheet_number(sheet, gcr_results_summary(file, dataset, s).value);
}

static void put_top(gcr_sheet *sheet, const gcr_results_file *file, const gcr_best_spec *spec,
                    uint64_t dataset)
{
    for (int place = 0; place < spec->top; place++) {
        const gcr_summary_value best = gcr_results_top(file, dataset, place);

        if (best.point < 0)
            break;
        gcr_sheet_text(sheet, gcr_results_dataset_key(file, dataset));
        gcr_sheet_count(sheet, (uint64_t)place + 1);
        put_point(sheet, file, best);
    }
}

gcr_status gcr_best_put(gcr_sheet *sheet, const gcr_results_file *file, const gcr_best_spec *spec)
{
    gcr_status status = GCR_OK;
    const uint64_t datasets = gcr_results_dataset_count(file);
    const uint64_t shown = spec->limit > 0 && spec->limit < datasets ? spec->limit : datasets;
    const int kept = gcr_results_top_of(file) == spec->summary ? gcr_results_top_count(file) : 1;

    if (spec->top > 1 && spec->top > kept)
        GCR_FAIL(GCR_EINVAL,
                 "this run has kept the %d best of each dataset and not %d: "
                 "'top' in the summary of the job says how many",
                 kept > 1 ? kept : 1, spec->top);
    put_names(sheet, file, spec);
    for (uint64_t dataset = 0; dataset < shown; dataset++)
        if (spec->top > 1)
            put_top(sheet, file, spec, dataset);
        else
            put_dataset(sheet, file, spec, dataset);
out:
    return status;
}

/* ---- edges ----------------------------------------------------------------------------------- */

gcr_edges gcr_best_edges(const gcr_results_file *file, int summary)
{
    const gcr_point_table *points = gcr_results_points(file);
    gcr_edges edges = { 0 };

    for (uint64_t dataset = 0; dataset < gcr_results_dataset_count(file); dataset++) {
        const int64_t point = gcr_results_summary(file, dataset, summary).point;
        uint64_t coords[GCR_AXES_MAX];

        if (point < 0)
            continue;
        edges.datasets++;
        gcr_point_coords(points, (uint64_t)point, coords);
        for (int a = 0; a < points->axis_count; a++) {
            edges.low[a] += coords[a] == 0;
            edges.high[a] += coords[a] + 1 == points->axes[a].count;
        }
    }
    return edges;
}

/* "8 low, 4 high" */
static void put_sides(FILE *stream, uint64_t low, uint64_t high)
{
    fputs(" (", stream);
    if (low > 0)
        fprintf(stream, "%" PRIu64 " low%s", low, high > 0 ? ", " : "");
    if (high > 0)
        fprintf(stream, "%" PRIu64 " high", high);
    fputc(')', stream);
}

static void put_edges(FILE *stream, const gcr_edges *edges, const gcr_point_table *points)
{
    int named = 0, counted = 0;

    for (int a = 0; a < points->axis_count; a++) {
        const uint64_t low = edges->low[a], high = edges->high[a];

        counted += gcr_edges_count(&points->axes[a]);
        if (!gcr_edges_count(&points->axes[a]) || low + high == 0)
            continue;
        fprintf(stream, "%s of %s in %" PRIu64, named > 0 ? "," : "on the edge",
                points->axes[a].name, low + high);
        if (named++ == 0)
            fprintf(stream, " of %" PRIu64 " dataset%s", edges->datasets,
                    gcr_plural(edges->datasets));
        put_sides(stream, low, high);
    }
    if (counted == 0)
        fputs("no axis has an inside: more than two values would tell", stream);
    else if (named == 0)
        fprintf(stream, "on no edge in all %" PRIu64 " dataset%s", edges->datasets,
                gcr_plural(edges->datasets));
}

const char *gcr_edges_text(char *out, size_t bytes, const gcr_edges *edges,
                           const gcr_point_table *points)
{
    FILE *stream = fmemopen(out, bytes, "w");

    out[0] = '\0';
    if (stream != NULL) {
        put_edges(stream, edges, points);
        fclose(stream);
    }
    return out;
}
