/* base/status.c -- status names and the per-thread error sentence. */
#include "base/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static _Thread_local char last_error[1024];
static _Thread_local char last_place[96];
static _Thread_local char last_details[1 << 14];

static const gcr_failures *forward; /* set once, before there are threads that fail */

const char *gcr_status_name(gcr_status status)
{
    static const char *const names[GCR_STATUS_COUNT] = {
        [GCR_OK] = "GCR_OK",
        [GCR_EINVAL] = "GCR_EINVAL",
        [GCR_EOVERFLOW] = "GCR_EOVERFLOW",
        [GCR_EFORMAT] = "GCR_EFORMAT",
        [GCR_EEXIST] = "GCR_EEXIST",
        [GCR_ENOENT] = "GCR_ENOENT",
        [GCR_EUNREADABLE] = "GCR_EUNREADABLE",
        [GCR_EIO] = "GCR_EIO",
        [GCR_ENOMEM] = "GCR_ENOMEM",
        [GCR_EDEVICE] = "GCR_EDEVICE",
        [GCR_EUNSUPPORTED] = "GCR_EUNSUPPORTED",
        [GCR_ETIMEOUT] = "GCR_ETIMEOUT",
        [GCR_ETAKEN] = "GCR_ETAKEN",
        [GCR_ECLOSED] = "GCR_ECLOSED",
        [GCR_ECONFLICT] = "GCR_ECONFLICT",
        [GCR_ENESTED] = "GCR_ENESTED",
    };
    return (unsigned)status < GCR_STATUS_COUNT ? names[status] : "GCR_?";
}

int gcr_status_is_users(gcr_status status)
{
    switch (status) {
    case GCR_EINVAL:
    case GCR_EOVERFLOW:
    case GCR_EFORMAT:
    case GCR_EEXIST:
    case GCR_ENOENT:
    case GCR_EUNREADABLE:
    case GCR_EUNSUPPORTED: return 1;
    default: return 0;
    }
}

const char *gcr_last_error(void)
{
    return last_error;
}

const char *gcr_last_error_details(void)
{
    return last_details;
}

const char *gcr_last_error_place(void)
{
    return last_place;
}

gcr_status gcr_fail_at(const char *file, int line, gcr_status code, const char *format, ...)
{
    const char *slash = strrchr(file, '/');
    char sentence[sizeof last_error]; /* the last sentence may be an argument of this one */
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    memcpy(last_error, sentence, sizeof last_error);
    last_details[0] = '\0';
    snprintf(last_place, sizeof last_place, "%s:%d", slash ? slash + 1 : file, line);
    if (forward != NULL)
        forward->fail(file, line, code, sentence);
    return code;
}

void gcr_fail_details(const char *text)
{
    snprintf(last_details, sizeof last_details, "%s", text);
    if (forward != NULL)
        forward->details(text);
}

void gcr_failures_forward(const gcr_failures *to)
{
    forward = to;
}
