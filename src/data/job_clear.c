/* data/job_clear.c -- frees what a job holds, however far it was filled in. */
#include "data/job_schema.h"

#include <stdlib.h>

void gcr_name_list_clear(gcr_name_list *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->names[i]);
    free(list->names);
    free(list->marks);
    *list = (gcr_name_list){ 0 };
}

static void clear_data(gcr_data_spec *data)
{
    gcr_name_list_clear(&data->sources);
    gcr_name_list_clear(&data->x);
    gcr_name_list_clear(&data->skip);
    gcr_name_list_clear(&data->missing);
    free(data->key);
    free(data->y);
    free(data->x_format);
}

static void clear_options(gcr_job *job)
{
    for (int i = 0; i < job->option_count; i++) {
        free(job->options[i].name);
        free(job->options[i].value);
    }
    free(job->options);
}

static void clear_axes(gcr_job *job)
{
    for (int i = 0; i < job->axis_count; i++) {
        free(job->axes[i].name);
        free(job->axes[i].numbers);
    }
    free(job->axes);
}

static void clear_summaries(gcr_job *job)
{
    for (int i = 0; i < job->summary_count; i++) {
        free(job->summaries[i].name);
        free(job->summaries[i].output);
    }
    free(job->summaries);
}

void gcr_job_clear(gcr_job *job)
{
    if (job == NULL)
        return;
    clear_data(&job->data);
    clear_options(job);
    clear_axes(job);
    clear_summaries(job);
    free(job->name);
    free(job->kernel);
    free(job->where);
    free(job->device);
    free(job->jitter);
    free(job->output_folder);
    free(job->path);
    free(job->folder);
    free(job->text);
    for (int i = 0; i < job->override_count; i++) {
        free(job->overrides[i]);
        free(job->origins[i]);
    }
    free(job->overrides);
    free(job->origins);
    *job = (gcr_job){ 0 };
}
