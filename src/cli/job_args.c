/* cli/job_args.c -- see job_args.h. */
#include "cli/job_args.h"

#include "base/check.h"
#include "base/text.h"
#include "gridcrunch/job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_THREADS = 0x100, KEY_DEVICE, KEY_SCHEDULE, KEY_BATCH, KEY_GATHER, KEY_SET };

static const struct argp_option options[] = {
    { "threads", KEY_THREADS, "N", 0, "Use N threads (default: the CPUs this process may use)", 0 },
    { "device", KEY_DEVICE, "D", 0, "Compute on D: auto, cpu, ...", 0 },
    { "schedule", KEY_SCHEDULE, "S", 0, "auto, static, cyclic, dynamic or guided", 0 },
    { "batch", KEY_BATCH, "N", 0, "Hand out N cells at a time (default: auto)", 0 },
    { "gather", KEY_GATHER, "WAY", 0, "How results come from ranks: auto, mpi or nccl", 0 },
    { "set", KEY_SET, "KEY=YAML", 0, "Change the job, as in grid.noise=[0.1,0.2]; repeatable", 0 },
    { 0 },
};

static const char *key_of_flag(int flag)
{
    switch (flag) {
    case KEY_THREADS: return "run.threads";
    case KEY_DEVICE: return "run.device";
    case KEY_SCHEDULE: return "run.schedule";
    case KEY_BATCH: return "run.batch";
    case KEY_GATHER: return "run.gather";
    default: return NULL;
    }
}

/* Takes the text over. */
static gcr_status append(gcr_job_args *args, char *text)
{
    gcr_status status = GCR_OK;
    char **overrides =
        reallocarray(args->overrides, (size_t)args->override_count + 1, sizeof *overrides);

    if (overrides == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the arguments");
    args->overrides = overrides;
    args->overrides[args->override_count++] = text;
    text = NULL;
out:
    free(text);
    return status;
}

gcr_status gcr_job_args_put(gcr_job_args *args, const char *key, const char *value)
{
    gcr_status status = GCR_OK;
    char *text = NULL;

    GCR_TRY(gcr_text_format(&text, "%s=%s", key, value));
    GCR_TRY(append(args, text));
out:
    return status;
}

static gcr_status put_setting(gcr_job_args *args, const char *setting)
{
    gcr_status status = GCR_OK;
    char *text = NULL;

    GCR_TRY(gcr_text_copy(&text, setting, strlen(setting)));
    GCR_TRY(append(args, text));
out:
    return status;
}

static error_t parse(int flag, char *arg, struct argp_state *state)
{
    gcr_job_args *args = state->input;
    gcr_status status = GCR_OK;

    if (flag == KEY_SET && strchr(arg, '=') == NULL)
        argp_error(state, "--set takes KEY=VALUE, as in --set grid.noise=[0.1,0.2], not '%s'", arg);
    else if (flag == KEY_SET)
        status = put_setting(args, arg);
    else if (key_of_flag(flag) != NULL)
        status = gcr_job_args_put(args, key_of_flag(flag), arg);
    else if (flag == ARGP_KEY_ARG && args->path == NULL)
        args->path = arg;
    else if (flag == ARGP_KEY_ARG)
        argp_error(state, "one job file at a time: '%s' is the second", arg);
    else if (flag == ARGP_KEY_NO_ARGS)
        argp_error(state, "which job file?");
    else
        return ARGP_ERR_UNKNOWN;
    return status == GCR_OK ? 0 : ENOMEM;
}

const struct argp gcr_job_argp = { .options = options, .parser = parse };

gcr_status gcr_job_args_load(gcr_job *out, const gcr_job_args *args)
{
    return gcr_job_load(out, args->path, (const char *const *)args->overrides,
                        args->override_count);
}

void gcr_job_args_clear(gcr_job_args *args)
{
    for (int i = 0; i < args->override_count; i++)
        free(args->overrides[i]);
    free(args->overrides);
    *args = (gcr_job_args){ 0 };
}
