/* data/job_grid.c -- the mapping `grid` of a job file: axes in the order of the file. Here they are
 * taken down as written; grid/axis.c gives the forms their meaning. */
#include "data/job_schema.h"
#include "data/job_sections.h"

#include "gridcrunch/grid.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static const char *const form_words[] = {
    [GCR_AXIS_LIST] = "list",         [GCR_AXIS_RANGE] = "range",
    [GCR_AXIS_LINSPACE] = "linspace", [GCR_AXIS_GEOMSPACE] = "geomspace",
    [GCR_AXIS_LOGSPACE] = "logspace",
};
enum { FORM_COUNT = (int)(sizeof form_words / sizeof *form_words) };

static gcr_status find_form(gcr_axis_form *out, const gcr_node *entry)
{
    gcr_status status = GCR_OK;
    char suggestion[128];

    for (int f = 0; f < FORM_COUNT; f++) {
        if (strcmp(entry->key, form_words[f]) == 0) {
            *out = (gcr_axis_form)f;
            goto out;
        }
    }
    gcr_suggest(suggestion, sizeof suggestion, entry->key, form_words, FORM_COUNT);
    GCR_FAIL(GCR_EINVAL, GCR_AT(entry->key_mark, "unknown form '%s' of an axis%s"), entry->key,
             suggestion);
out:
    return status;
}

/* {geomspace: [0.5, 60, 24]} */
static gcr_status read_form(gcr_axis_spec *axis, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    if (node->count == 0)
        GCR_TRY(gcr_node_refuse(node, "numbers, or one of list, range, linspace, geomspace, "
                                      "logspace"));
    GCR_TRY(find_form(&axis->form, node->first));
    if (node->count > 1)
        GCR_FAIL(GCR_EINVAL,
                 GCR_AT(node->first->next->key_mark, "'%s' already has its values from "
                                                     "'%s'; write one form only"),
                 axis->name, node->first->key);
    if (node->first->kind != GCR_NODE_LIST)
        GCR_TRY(gcr_node_refuse(node->first, "a list of numbers"));
    GCR_TRY(gcr_node_read_numbers(&axis->numbers, &axis->number_count, node->first));
out:
    return status;
}

static gcr_status read_axis(gcr_axis_spec *axis, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    axis->mark = node->key_mark;
    axis->values_mark = node->mark;
    GCR_TRY(gcr_text_copy(&axis->name, node->key, strlen(node->key)));
    if (node->kind == GCR_NODE_MAPPING)
        GCR_TRY(read_form(axis, node));
    else
        GCR_TRY(gcr_node_read_numbers(&axis->numbers, &axis->number_count, node));
out:
    return status;
}

gcr_status gcr_job_read_grid(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_node_expect_mapping(node, " from parameter names to values"));
    if (node->count > GCR_AXES_MAX)
        GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "a grid of %d axes; at most %d are possible"),
                 (int)node->count, (int)GCR_AXES_MAX);
    job->axes = calloc(node->count + 1, sizeof *job->axes);
    if (job->axes == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the axes of the grid");
    for (const gcr_node *entry = node->first; entry != NULL; entry = entry->next)
        GCR_TRY(read_axis(&job->axes[job->axis_count++], entry));
out:
    return status;
}
