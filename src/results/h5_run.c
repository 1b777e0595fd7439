/*
 * results/h5_run.c -- results.h5: the group /run, how the run went. Its arrays have no scales:
 * xarray does not look into groups when it opens the root.
 */
#include "results/h5_writer.h"

#include "results/layout.h"

#include <stdlib.h>

static gcr_status write_facts(const gcr_results *results, const gcr_h5_table *run)
{
    gcr_status status = GCR_OK;

    for (int f = 0; f < results->fact_count; f++) {
        const gcr_fact *fact = &results->facts[f];

        if (fact->text != NULL)
            GCR_TRY(gcr_h5_attribute_text(run, run->group, fact->name, fact->text));
        else
            GCR_TRY(
                gcr_h5_attribute_numbers(run->group, fact->name, GCR_H5_DOUBLE, &fact->number, 1));
    }
out:
    return status;
}

static gcr_status write_skipped(const gcr_results *results, const gcr_h5_table *run)
{
    gcr_status status = GCR_OK;
    const gcr_datasets *datasets = results->datasets;
    const char **texts = calloc(datasets->skipped_count + 1, sizeof *texts);

    if (texts == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the skipped datasets in results.h5");
    for (uint64_t i = 0; i < datasets->skipped_count; i++)
        texts[i] = datasets->skipped[i].key;
    GCR_TRY(gcr_h5_list_add(run, "skipped_key", texts, datasets->skipped_count));
    for (uint64_t i = 0; i < datasets->skipped_count; i++)
        texts[i] = datasets->skipped[i].reason;
    GCR_TRY(gcr_h5_list_add(run, "skipped_reason", texts, datasets->skipped_count));
out:
    free(texts);
    return status;
}

/* What the kernel calls things, in its order. */
static gcr_status write_vocabulary(const gcr_results *results, const gcr_h5_table *run)
{
    gcr_status status = GCR_OK;
    const gcr_kernel *kernel = results->kernel;
    const char *outputs[GCR_OUTPUTS_MAX];
    uint64_t faults = 0;

    for (int o = 0; o < results->slots->output_count; o++)
        outputs[o] = kernel->outputs[o].name;
    GCR_TRY(gcr_h5_list_add(run, "output", outputs, (uint64_t)results->slots->output_count));
    while (kernel->faults[faults] != NULL)
        faults++;
    GCR_TRY(gcr_h5_list_add(run, "fault", kernel->faults, faults));
out:
    return status;
}

static gcr_status write_operations(const gcr_results *results, const gcr_h5_table *run)
{
    gcr_status status = GCR_OK;
    const gcr_job *job = results->job;
    const uint64_t count = (uint64_t)job->summary_count;
    const char **names = calloc(count + 1, sizeof *names);
    char **texts = calloc(count + 1, sizeof *texts);

    if (names == NULL || texts == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the summaries in results.h5");
    for (uint64_t s = 0; s < count; s++) {
        names[s] = job->summaries[s].name;
        GCR_TRY(gcr_summary_text(&texts[s], &job->summaries[s]));
    }
    GCR_TRY(gcr_h5_list_add(run, "summary", names, count));
    GCR_TRY(gcr_h5_list_add(run, "summary_text", (const char *const *)texts, count));
out:
    for (uint64_t s = 0; texts != NULL && s < count; s++)
        free(texts[s]);
    free(texts);
    free(names);
    return status;
}

/* Where there is no array of cells, whose dimensions would name the axes. */
static gcr_status write_axis_names(const gcr_results *results, const gcr_h5_table *run)
{
    const char *names[GCR_AXES_MAX];

    for (int a = 0; a < results->points->axis_count; a++)
        names[a] = results->points->axes[a].name;
    return gcr_h5_list_add(run, "axis", names, (uint64_t)results->points->axis_count);
}

static gcr_status write_group(const gcr_results *results, const gcr_h5_table *run)
{
    gcr_status status = GCR_OK;
    const char *job = results->job->text;

    GCR_TRY(gcr_h5_text_add(run, "job", job != NULL ? job : ""));
    if (results->kernel_text != NULL)
        GCR_TRY(gcr_h5_text_add(run, "kernel_text", results->kernel_text));
    GCR_TRY(gcr_h5_list_add(run, "override", (const char *const *)results->job->overrides,
                            (uint64_t)results->job->override_count));
    GCR_TRY(write_vocabulary(results, run));
    if (results->job->keep == GCR_KEEP_SUMMARY)
        GCR_TRY(write_axis_names(results, run));
    GCR_TRY(write_operations(results, run));
    GCR_TRY(write_skipped(results, run));
    GCR_TRY(write_facts(results, run));
out:
    return status;
}

static gcr_status create_group(hid_t *out, hid_t file)
{
    gcr_status status = GCR_OK;
    hid_t creation = H5I_INVALID_HID;

    GCR_H5(creation = H5Pcreate(H5P_GROUP_CREATE));
    GCR_H5(H5Pset_obj_track_times(creation, 0));
    GCR_H5(*out = H5Gcreate2(file, "run", H5P_DEFAULT, creation, H5P_DEFAULT));
out:
    if (creation >= 0)
        H5Pclose(creation);
    return status;
}

gcr_status gcr_h5_write_run(const gcr_results *results, hid_t file)
{
    gcr_status status = GCR_OK;
    hid_t group = H5I_INVALID_HID;
    gcr_h5_table run = { 0 };

    GCR_TRY(create_group(&group, file));
    GCR_TRY(gcr_h5_table_open(&run, group));
    GCR_TRY(write_group(results, &run));
out:
    gcr_h5_table_close(&run);
    if (group >= 0)
        H5Gclose(group);
    return status;
}
