/* exec/job_hash.c -- see exec/job_hash.h. */
#include "exec/job_hash.h"

#include <string.h>
#include <xxhash.h>

/* A hash of all that went into `hash` before, and of bytes[count]. */
static void mix(uint64_t *hash, const void *bytes, uint64_t count)
{
    const uint64_t both[] = { *hash, count > 0 ? XXH3_64bits(bytes, count) : 0 };

    *hash = XXH3_64bits(both, sizeof both);
}

static void mix_text(uint64_t *hash, const char *text)
{
    mix(hash, text, text != NULL ? strlen(text) + 1 : 0);
}

static void mix_numbers(uint64_t *hash, const double *numbers, uint64_t count)
{
    mix(hash, numbers, count * sizeof *numbers);
}

static void mix_number(uint64_t *hash, double number)
{
    mix(hash, &number, sizeof number);
}

uint64_t gcr_job_hash(const gcr_job *job, const gcr_point_table *points, const int64_t *option)
{
    const double words[] = { job->code_path, job->algorithm,      job->precision,
                             job->schedule,  job->gather,         job->keep,
                             job->top,       job->nan_propagates, job->kernel_seconds };
    uint64_t hash = 0;

    mix_text(&hash, job->kernel);
    mix_text(&hash, job->where);
    mix_text(&hash, job->device);
    mix(&hash, &job->seed, sizeof job->seed);
    mix(&hash, &job->batch, sizeof job->batch);
    mix(&hash, option, GCR_OPTIONS_MAX * sizeof *option);
    mix_numbers(&hash, words, sizeof words / sizeof *words);
    mix_numbers(&hash, job->jitter, (uint64_t)job->jitter_count);
    for (int a = 0; a < points->axis_count; a++) {
        mix_text(&hash, points->axes[a].name);
        mix_numbers(&hash, points->axes[a].values, points->axes[a].count);
    }
    for (int s = 0; s < job->summary_count; s++) {
        mix_text(&hash, job->summaries[s].name);
        mix_text(&hash, job->summaries[s].output);
        mix_number(&hash, job->summaries[s].op);
        mix_number(&hash, job->summaries[s].q);
    }
    return hash;
}

uint64_t gcr_job_hash_kernel(const gcr_own *own)
{
    const char *text = gcr_own_text(own);

    return text != NULL ? XXH3_64bits(text, strlen(text)) : 0;
}
