/* exec/job_device.c -- from the words of a job to devices. */
#include "exec/job_device.h"

#include "base/check.h"
#include "base/text.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum {
    BACKENDS_MAX = 8, /* more than there will be */
    WORD_BYTES = 128,
};

gcr_device_choice gcr_job_device_choice(const gcr_job *job)
{
    if (job->device == NULL || strcmp(job->device, "auto") == 0)
        return GCR_DEVICES_AUTO;
    return strcmp(job->device, "any") == 0 ? GCR_DEVICES_ANY : GCR_DEVICES_LISTED;
}

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

static gcr_status find_backend(const gcr_backend **out, const gcr_job *job, const char *word,
                               const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES], hint[256];
    const char *names[BACKENDS_MAX + 2] = { "auto", "any" };
    const size_t stem = strcspn(word, ":");
    int name_count = 2;

    *out = NULL;
    for (const gcr_backend *const *b = backends; *b != NULL; b++) {
        names[name_count++] = (*b)->name;
        if (strlen((*b)->name) == stem && strncmp(word, (*b)->name, stem) == 0)
            *out = *b;
    }
    gcr_suggest(hint, sizeof hint, word, names, name_count);
    if (*out == NULL && (strcmp(word, "auto") == 0 || strcmp(word, "any") == 0))
        GCR_FAIL(GCR_EINVAL, "%s'%s' stands alone, without other devices",
                 gcr_format_mark(at, job->device_mark), word);
    if (*out == NULL)
        GCR_FAIL(GCR_EINVAL, "%sthis build has no device '%s'%s",
                 gcr_format_mark(at, job->device_mark), word, hint);
out:
    return status;
}

static gcr_status add(gcr_device_list *list, const gcr_backend *backend, int index)
{
    gcr_status status = GCR_OK;

    if (list->count == GCR_DEVICES_MAX)
        GCR_FAIL(GCR_EUNSUPPORTED, "a run has at most %d devices", GCR_DEVICES_MAX);
    list->places[list->count++] = (struct gcr_device_place){ backend, index };
out:
    return status;
}

static int has(const gcr_device_list *list, const gcr_backend *backend, int index)
{
    for (int i = 0; i < list->count; i++)
        if (list->places[i].backend == backend && list->places[i].index == index)
            return 1;
    return 0;
}

/* "NAME" is all devices of the backend of that name, "NAME:INDEX" one of them. */
static gcr_status add_word(gcr_device_list *list, const gcr_job *job, const char *word,
                           const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES], why[512];
    const char *colon = strchr(word, ':');
    const gcr_backend *backend;
    int devices = 0, first = 0, last;

    GCR_TRY(find_backend(&backend, job, word, backends));
    if (colon != NULL && !read_index(&first, colon + 1))
        GCR_FAIL(GCR_EINVAL, "%s'%s' is not a device: what follows the colon is its number",
                 gcr_format_mark(at, job->device_mark), word);
    GCR_TRY(backend->device_count(&devices, why, sizeof why));
    if (devices == 0)
        GCR_FAIL(GCR_EUNSUPPORTED, "%s%s", gcr_format_mark(at, job->device_mark), why);
    if (first >= devices)
        GCR_FAIL(GCR_EINVAL, "%sthis machine has no device '%s', only %d of %s",
                 gcr_format_mark(at, job->device_mark), word, devices, backend->name);
    last = colon != NULL ? first : devices - 1;
    for (int index = first; index <= last; index++) {
        if (has(list, backend, index))
            GCR_FAIL(GCR_EINVAL, "%sthe device '%s:%d' is named twice",
                     gcr_format_mark(at, job->device_mark), backend->name, index);
        GCR_TRY(add(list, backend, index));
    }
out:
    return status;
}

gcr_status gcr_job_device_list(gcr_device_list *out, const gcr_job *job,
                               const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;
    char at[GCR_MARK_BYTES], word[WORD_BYTES];

    *out = (gcr_device_list){ 0 };
    for (const char *from = job->device;; from++) {
        size_t bytes;

        from += strspn(from, " ");
        bytes = strcspn(from, ", ");
        if (bytes == 0 || bytes >= sizeof word)
            GCR_FAIL(GCR_EINVAL, "%s'%s' is not a list of devices, which have commas between them",
                     gcr_format_mark(at, job->device_mark), job->device);
        memcpy(word, from, bytes);
        word[bytes] = '\0';
        GCR_TRY(add_word(out, job, word, backends));
        from += bytes + strspn(from + bytes, " ");
        if (*from == '\0')
            break;
        if (*from != ',')
            GCR_FAIL(GCR_EINVAL, "%sdevices are separated by commas: '%s'",
                     gcr_format_mark(at, job->device_mark), job->device);
    }
out:
    return status;
}

gcr_status gcr_device_list_add(gcr_device_list *list, const gcr_backend *backend)
{
    gcr_status status = GCR_OK;
    char why[512];
    int devices = 0;

    GCR_TRY(backend->device_count(&devices, why, sizeof why));
    for (int index = 0; index < devices; index++)
        GCR_TRY(add(list, backend, index));
out:
    return status;
}

gcr_status gcr_device_list_all(gcr_device_list *out, const gcr_backend *const *backends)
{
    gcr_status status = GCR_OK;

    *out = (gcr_device_list){ 0 };
    for (const gcr_backend *const *b = backends; *b != NULL; b++)
        GCR_TRY(gcr_device_list_add(out, *b));
out:
    return status;
}
