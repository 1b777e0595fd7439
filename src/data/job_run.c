/* data/job_run.c -- the mappings `run` and `output` of a job file: how to compute, and where to. */
#include "data/job_schema.h"
#include "data/job_sections.h"

#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char device_wanted[] = "auto, any, the name of a device, or a list of names";

/* ---- run ------------------------------------------------------------------------------------- */

/* A list is kept as the text with commas that could have been written in its place. */
static gcr_status read_devices(gcr_job *job, const gcr_node *list)
{
    gcr_status status = GCR_OK;
    char *text = NULL, *longer = NULL, *word = NULL;

    for (const gcr_node *item = list->first; item != NULL; item = item->next) {
        GCR_TRY(gcr_node_read_line(&word, item, device_wanted));
        GCR_TRY(gcr_text_format(&longer, "%s%s%s", text != NULL ? text : "",
                                text != NULL ? ", " : "", word));
        free(text);
        text = longer;
        longer = NULL;
    }
    if (text == NULL)
        GCR_TRY(gcr_node_refuse(list, device_wanted));
    free(job->device);
    job->device = text;
    text = NULL;
out:
    free(word);
    free(text);
    return status;
}

static gcr_status read_device(gcr_job *job, const gcr_node *node)
{
    job->device_mark = node->mark;
    return node->kind == GCR_NODE_LIST ? read_devices(job, node)
                                       : gcr_node_read_line(&job->device, node, device_wanted);
}

static gcr_status read_code_path(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    const char *words[GCR_PATH_COUNT];
    int choice;

    for (int path = 0; path < GCR_PATH_COUNT; path++)
        words[path] = gcr_code_path_name((gcr_code_path)path);
    GCR_TRY(gcr_node_read_choice(&choice, node, words, GCR_PATH_COUNT));
    job->code_path = (gcr_code_path)choice;
    job->code_path_mark = node->mark;
out:
    return status;
}

static gcr_status read_algorithm(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    const char *words[GCR_ALGORITHM_COUNT];
    int choice;

    for (int algorithm = 0; algorithm < GCR_ALGORITHM_COUNT; algorithm++)
        words[algorithm] = gcr_algorithm_name((gcr_algorithm)algorithm);
    GCR_TRY(gcr_node_read_choice(&choice, node, words, GCR_ALGORITHM_COUNT));
    job->algorithm = (gcr_algorithm)choice;
    job->algorithm_mark = node->mark;
out:
    return status;
}

static gcr_status read_precision(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    const char *words[GCR_SCALAR_COUNT];
    int choice;

    for (int scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++)
        words[scalar] = gcr_precision_name((gcr_scalar)scalar);
    GCR_TRY(gcr_node_read_choice(&choice, node, words, GCR_SCALAR_COUNT));
    job->precision = (gcr_scalar)choice;
    job->precision_mark = node->mark;
out:
    return status;
}

static gcr_status read_schedule(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    const char *words[GCR_SCHEDULE_COUNT];
    int choice;

    for (int form = 0; form < GCR_SCHEDULE_COUNT; form++)
        words[form] = gcr_schedule_name((gcr_schedule_form)form);
    GCR_TRY(gcr_node_read_choice(&choice, node, words, GCR_SCHEDULE_COUNT));
    job->schedule = (gcr_schedule_form)choice;
out:
    return status;
}

static gcr_status read_gather(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    const char *words[GCR_GATHER_COUNT];
    int choice;

    for (int gather = 0; gather < GCR_GATHER_COUNT; gather++)
        words[gather] = gcr_gather_name((gcr_gather_form)gather);
    GCR_TRY(gcr_node_read_choice(&choice, node, words, GCR_GATHER_COUNT));
    job->gather = (gcr_gather_form)choice;
out:
    return status;
}

static gcr_status read_batch(gcr_job *job, const gcr_node *node)
{
    job->batch = 0;
    if (gcr_node_is(node, "auto"))
        return GCR_OK;
    return gcr_node_read_whole(&job->batch, node, 1, INT64_MAX, "a whole number >= 1 or auto");
}

static gcr_status read_threads(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    uint64_t threads = 0;

    if (!gcr_node_is(node, "auto"))
        GCR_TRY(gcr_node_read_whole(&threads, node, 1, GCR_THREADS_MAX,
                                    "a whole number from 1 to 4096 or auto"));
    job->threads = (int)threads;
out:
    return status;
}

/* A first step of 0 is the try without jitter, which comes first anyway. */
static gcr_status read_jitter(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    uint64_t count = 0;
    double least = 0;

    GCR_TRY(gcr_node_read_numbers(&job->jitter, &count, node));
    if (job->jitter[0] == 0)
        memmove(job->jitter, job->jitter + 1, --count * sizeof *job->jitter);
    if (count > GCR_JITTER_MAX)
        GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "'jitter' has %" PRIu64 " steps; at most %d"),
                 count, GCR_JITTER_MAX);
    for (uint64_t i = 0; i < count; least = job->jitter[i++])
        if (job->jitter[i] <= least)
            GCR_FAIL(GCR_EINVAL, GCR_AT(node->mark, "the steps of 'jitter' are positive, each "
                                                    "larger than the one before it"));
    job->jitter_count = (int)count;
out:
    return status;
}

/* "1h30m", "90s": each unit at most once, the larger before the smaller. */
static int parse_duration(double *out, const char *text)
{
    static const struct {
        char letter;
        double seconds;
    } units[] = { { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

    *out = 0;
    for (size_t u = 0; u < sizeof units / sizeof *units; u++) {
        const size_t bytes = strspn(text, "0123456789.");
        double amount;

        if (bytes == 0 || text[bytes] != units[u].letter)
            continue;
        if (!gcr_parse_number(&amount, text, bytes))
            return 0;
        *out += amount * units[u].seconds;
        text += bytes + 1;
    }
    return *text == '\0';
}

static gcr_status read_time(double *out, const gcr_node *node)
{
    static const char wanted[] = "seconds, or a time such as 90s, 10m or 1h30m";
    gcr_status status = GCR_OK;
    double seconds;

    if (node->kind != GCR_NODE_TEXT || !parse_duration(&seconds, node->text))
        GCR_TRY(gcr_node_read_number(&seconds, node, wanted));
    if (!(seconds > 0))
        GCR_TRY(gcr_node_refuse(node, wanted));
    *out = seconds;
out:
    return status;
}

static gcr_status read_max_time(gcr_job *job, const gcr_node *node)
{
    return read_time(&job->max_seconds, node);
}

static gcr_status read_kernel_time(gcr_job *job, const gcr_node *node)
{
    return read_time(&job->kernel_seconds, node);
}

gcr_status gcr_job_read_run(gcr_job *job, const gcr_node *node)
{
    static const gcr_schema_entry entries[] = {
        { "device", read_device, 0 },       { "code_path", read_code_path, 0 },
        { "algorithm", read_algorithm, 0 }, { "precision", read_precision, 0 },
        { "schedule", read_schedule, 0 },   { "batch", read_batch, 0 },
        { "threads", read_threads, 0 },     { "jitter", read_jitter, 0 },
        { "max_time", read_max_time, 0 },   { "kernel_time", read_kernel_time, 0 },
        { "gather", read_gather, 0 },
    };
    static const gcr_schema schema = GCR_SCHEMA(entries);

    return gcr_schema_read(job, node, &schema);
}

/* ---- output ---------------------------------------------------------------------------------- */

static gcr_status read_folder(gcr_job *job, const gcr_node *node)
{
    return gcr_node_read_line(&job->output_folder, node, "the path of a folder");
}

static gcr_status read_keep(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;
    const char *words[GCR_KEEP_COUNT];
    int choice;

    for (int keep = 0; keep < GCR_KEEP_COUNT; keep++)
        words[keep] = gcr_keep_name((gcr_keep)keep);
    GCR_TRY(gcr_node_read_choice(&choice, node, words, GCR_KEEP_COUNT));
    job->keep = (gcr_keep)choice;
out:
    return status;
}

gcr_status gcr_job_read_output(gcr_job *job, const gcr_node *node)
{
    static const gcr_schema_entry entries[] = {
        { "folder", read_folder, 0 },
        { "keep", read_keep, 0 },
    };
    static const gcr_schema schema = GCR_SCHEMA(entries);

    return gcr_schema_read(job, node, &schema);
}
