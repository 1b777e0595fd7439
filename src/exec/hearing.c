/* exec/hearing.c -- see exec/hearing.h. */
#include "exec/hearing.h"

#include "base/check.h"
#include "base/env.h"
#include "base/memory.h"
#include "base/text.h"

#include <math.h>
#include <string.h>

static const double default_limit = 60.0, least_limit = 1.0;

/* Parts of the limit: between two beats, which is also the most that counts of the time between two
 * looks; and between two looks at all nodes, which may be many. */
static const double beats = 10.0, counts = 100.0;

gcr_status gcr_hearing_read_limit(double *out)
{
    gcr_status status = GCR_OK;
    const char *text = gcr_env_get(GCR_ENV_SILENCE);

    *out = default_limit;
    if (text == NULL)
        goto out;
    if (!gcr_parse_number(out, text, strlen(text)) || !(*out >= least_limit))
        GCR_FAIL(GCR_EINVAL, "%s is '%s', and can only be a number of seconds from %g on, or inf",
                 gcr_env_name(GCR_ENV_SILENCE), text, least_limit);
out:
    return status;
}

gcr_status gcr_hearing_open(gcr_hearing *out, int count, double limit, double now)
{
    const double interval = limit / beats;

    *out = (gcr_hearing){
        .limit = limit, .interval = interval, .counted = now, .next = now + interval, .count = count
    };
    return gcr_memory_create((void **)&out->silence, (uint64_t)count, sizeof *out->silence,
                             "the nodes that are heard");
}

void gcr_hearing_close(gcr_hearing *hearing)
{
    gcr_memory_destroy(hearing->silence);
    *hearing = (gcr_hearing){ 0 };
}

int gcr_hearing_is_due(gcr_hearing *hearing, double now)
{
    if (now < hearing->next)
        return 0;
    hearing->next = now + hearing->interval;
    return 1;
}

void gcr_hearing_hear(gcr_hearing *hearing, int node)
{
    hearing->silence[node] = fmin(hearing->silence[node], 0.0);
}

void gcr_hearing_forget(gcr_hearing *hearing, int node)
{
    hearing->silence[node] = -INFINITY;
}

int gcr_hearing_look(gcr_hearing *hearing, double now)
{
    const double passed = fmin(now - hearing->counted, hearing->interval);
    int silent = -1;

    if (passed < hearing->limit / counts)
        return -1;
    hearing->counted = now;
    for (int n = hearing->count; n-- > 0;) {
        hearing->silence[n] += passed;
        if (hearing->silence[n] >= hearing->limit)
            silent = n;
    }
    return silent;
}
