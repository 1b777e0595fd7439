/* exec/job_device.c -- from the words of a job to an open device. */
#include "exec/job_device.h"

#include "base/check.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { BACKENDS_MAX = 8 }; /* more than there will be */

/* What follows the colon of "cuda:1" as a number; false where it is none. */
static int read_index(int *out, const char *digits)
{
    char *end;
    long value;

    errno = 0;
    value = strtol(digits, &end, 10);
    *out = (int)value;
    return errno == 0 && digits[0] >= '0' && digits[0] <= '9' && *end == '\0' && value <= INT_MAX;
}

/* The first backend that has a device. */
static gcr_status find_any(const gcr_backend **out)
{
    gcr_status status = GCR_OK;

    for (const gcr_backend *const *b = gcr_backends; *b != NULL; b++) {
        char why[512];
        int devices = 0;

        GCR_TRY((*b)->device_count(&devices, why, sizeof why));
        if (devices > 0) {
            *out = *b;
            goto out;
        }
    }
    GCR_FAIL(GCR_EUNSUPPORTED, "no backend of this build finds a device");
out:
    return status;
}

/* "NAME" is device 0 of the backend of that name, "NAME:INDEX" another of its devices. */
static gcr_status find_named(const gcr_backend **out, int *index_out, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES], hint[256], why[512];
    const char *names[BACKENDS_MAX + 1] = { "auto" };
    const char *const colon = strchr(job->device, ':');
    const size_t stem = colon != NULL ? (size_t)(colon - job->device) : strlen(job->device);
    int name_count = 1, devices = 0;

    for (const gcr_backend *const *b = gcr_backends; *b != NULL; b++) {
        names[name_count++] = (*b)->name;
        if (strlen((*b)->name) == stem && strncmp(job->device, (*b)->name, stem) == 0)
            *out = *b;
    }
    gcr_suggest(hint, sizeof hint, job->device, names, name_count);
    if (*out == NULL)
        GCR_FAIL(GCR_EINVAL, "%sthis build has no device '%s'%s",
                 gcr_format_mark(at, job->device_mark), job->device, hint);
    if (colon != NULL && !read_index(index_out, colon + 1))
        GCR_FAIL(GCR_EINVAL, "%s'%s' is not a device: what follows the colon is its number",
                 gcr_format_mark(at, job->device_mark), job->device);
    GCR_TRY((*out)->device_count(&devices, why, sizeof why));
    if (devices == 0)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s%s", gcr_format_mark(at, job->device_mark), why);
    if (*index_out >= devices)
        GCR_FAIL(GCR_EINVAL, "%sthis machine has no device '%s', only %d of %s",
                 gcr_format_mark(at, job->device_mark), job->device, devices, (*out)->name);
out:
    return status;
}

gcr_status gcr_job_device_open(gcr_device **out, const gcr_job *job, const gcr_backend *backend)
{
    gcr_status status = GCR_OK;
    int index = 0;

    *out = NULL;
    if (backend == NULL && (job->device == NULL || strcmp(job->device, "auto") == 0))
        GCR_TRY(find_any(&backend));
    else if (backend == NULL)
        GCR_TRY(find_named(&backend, &index, job));
    GCR_TRY(gcr_device_open(out, backend, index));
out:
    return status;
}
