/* data/job_file.c -- the top of a job file, and how its bytes become a gcr_job: text, tree
 * (job_yaml), overrides (job_override), schema (the tables here and in job_data, job_grid,
 * job_summary, job_run). */
#include "gridcrunch/job.h"

#include "data/job_override.h"
#include "data/job_schema.h"
#include "data/job_sections.h"
#include "data/job_yaml.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 200 }; /* it becomes a folder, and the system allows 255 */

/* ---- the keys at the top --------------------------------------------------------------------- */

static int is_folder_name(const char *text)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";

    return text[0] != '.' && text[strspn(text, allowed)] == '\0' && strlen(text) <= NAME_BYTES_MAX;
}

static gcr_status read_name(gcr_job *job, const gcr_node *node)
{
    static const char wanted[] =
        "a name for the run folder (letters, digits, '.', '_' and '-', not "
        "a '.' first)";

    if (node->kind == GCR_NODE_TEXT && !is_folder_name(node->text))
        return gcr_node_refuse(node, wanted);
    return gcr_node_read_text(&job->name, node, wanted);
}

static gcr_status read_kernel(gcr_job *job, const gcr_node *node)
{
    job->kernel_mark = node->mark;
    return gcr_node_read_line(&job->kernel, node, "the name of a kernel");
}

static gcr_status read_option(gcr_option_spec *option, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    option->mark = node->key_mark;
    option->value_mark = node->mark;
    GCR_TRY(gcr_text_copy(&option->name, node->key, strlen(node->key)));
    GCR_TRY(gcr_node_read_line(&option->value, node, "one value"));
out:
    return status;
}

static gcr_status read_options(gcr_job *job, const gcr_node *node)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_node_expect_mapping(node, " from option names to values"));
    job->options = calloc(node->count + 1, sizeof *job->options);
    if (job->options == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the options");
    for (const gcr_node *entry = node->first; entry != NULL; entry = entry->next)
        GCR_TRY(read_option(&job->options[job->option_count++], entry));
out:
    return status;
}

static gcr_status read_seed(gcr_job *job, const gcr_node *node)
{
    return gcr_node_read_whole(&job->seed, node, 0, UINT64_MAX, "a whole number of 64 bits");
}

static gcr_status read_where(gcr_job *job, const gcr_node *node)
{
    job->where_mark = gcr_node_text_mark(node);
    return gcr_node_read_text(&job->where, node, "an expression such as noise < 0.5");
}

static gcr_status read_job(gcr_job *job, const gcr_node *root)
{
    static const gcr_schema_entry entries[] = {
        { "name", read_name, 1 },       { "data", gcr_job_read_data, 0 },
        { "kernel", read_kernel, 1 },   { "options", read_options, 0 },
        { "seed", read_seed, 0 },       { "grid", gcr_job_read_grid, 0 },
        { "where", read_where, 0 },     { "summary", gcr_job_read_summary, 0 },
        { "run", gcr_job_read_run, 0 }, { "output", gcr_job_read_output, 0 },
    };
    static const gcr_schema schema = GCR_SCHEMA(entries);
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_text_copy(&job->device, "auto", 4));
    GCR_TRY(gcr_schema_read(job, root, &schema));
out:
    return status;
}

/* ---- from bytes to a job --------------------------------------------------------------------- */

static gcr_status copy_folder(char **out, const char *path)
{
    const char *const slash = strrchr(path, '/');

    if (slash == NULL)
        return gcr_text_copy(out, ".", 1);
    return gcr_text_copy(out, path, slash == path ? 1 : (size_t)(slash - path));
}

static gcr_status check_root(const gcr_job *job, const gcr_node *root)
{
    gcr_status status = GCR_OK;

    if (gcr_node_is_absent(root))
        GCR_FAIL(GCR_EFORMAT, "%s: the file is empty; a job has at least name, data and kernel",
                 job->path);
    GCR_TRY(gcr_node_expect_mapping(root, " with keys such as name, data and kernel"));
out:
    return status;
}

static gcr_status parse(gcr_job *out, const char *path, const char *text, size_t bytes,
                        const char *const *overrides, int override_count)
{
    gcr_status status = GCR_OK;
    gcr_job job = { 0 };
    gcr_node *root = NULL;

    *out = (gcr_job){ 0 };
    GCR_TRY(gcr_text_copy(&job.path, path, strlen(path)));
    GCR_TRY(copy_folder(&job.folder, path));
    GCR_TRY(gcr_text_copy(&job.text, text, bytes));
    GCR_TRY(gcr_yaml_read(&root, job.path, text, bytes));
    GCR_TRY(check_root(&job, root));
    GCR_TRY(gcr_job_override(&job, root, overrides, override_count));
    GCR_TRY(read_job(&job, root));
    *out = job;
    job = (gcr_job){ 0 }; /* handed over */
out:
    gcr_node_destroy(root);
    gcr_job_clear(&job);
    return status;
}

gcr_status gcr_job_parse(gcr_job *out, const char *path, const char *text,
                         const char *const *overrides, int override_count)
{
    return parse(out, path, text, strlen(text), overrides, override_count);
}

/* At most one byte more than a job file may have, so that the excess is noticed. */
static gcr_status read_file(char **out, size_t *bytes_out, const char *path)
{
    gcr_status status = GCR_OK;
    const size_t room = (size_t)GCR_YAML_BYTES_MAX + 1;
    FILE *file = fopen(path, "re");
    char *text = NULL;

    if (file == NULL)
        GCR_FAIL(GCR_EUNREADABLE, "%s: cannot read the job file: %s", path, strerror(errno));
    text = malloc(room);
    if (text == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory to read %s", path);
    *bytes_out = fread(text, 1, room, file);
    if (ferror(file))
        GCR_FAIL(GCR_EUNREADABLE, "%s: cannot read the job file: %s", path, strerror(errno));
    *out = text;
    text = NULL; /* handed over */
out:
    free(text);
    if (file != NULL)
        fclose(file);
    return status;
}

gcr_status gcr_job_load(gcr_job *out, const char *path, const char *const *overrides,
                        int override_count)
{
    gcr_status status = GCR_OK;
    char *text = NULL;
    size_t bytes = 0;

    *out = (gcr_job){ 0 };
    GCR_TRY(read_file(&text, &bytes, path));
    GCR_TRY(parse(out, path, text, bytes, overrides, override_count));
out:
    free(text);
    return status;
}
