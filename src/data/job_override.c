/* data/job_override.c -- lays --set over a job file. The result is read by the schema like any
 * file, so that an override can say nothing that a job file cannot. */
#include "data/job_override.h"

#include "data/job_yaml.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { PATH_BYTES_MAX = 128 };

/* The override itself, which the results tell of, and "--set a.b.c", which marks point to. */
static gcr_status keep(gcr_mark *out, gcr_job *job, const char *override, size_t path_bytes)
{
    gcr_status status = GCR_OK;
    const int i = job->override_count++;

    GCR_TRY(gcr_text_copy(&job->overrides[i], override, strlen(override)));
    GCR_TRY(gcr_text_format(&job->origins[i], "--set %.*s", (int)path_bytes, override));
    *out = (gcr_mark){ job->origins[i], 1, 1 };
out:
    return status;
}

/* The mapping in `parent` with the key that begins at `key`, made if it is not there. */
static gcr_status enter(gcr_node **out, gcr_node *parent, gcr_mark mark, const char *key,
                        size_t bytes)
{
    gcr_status status = GCR_OK;
    gcr_node *made = NULL, *old;

    GCR_TRY(gcr_node_create(&made, GCR_NODE_MAPPING, mark, NULL, 0));
    GCR_TRY(gcr_node_set_key(made, mark, key, bytes));
    old = gcr_node_get(parent, made->key);
    if (old == NULL || gcr_node_is_absent(old)) {
        gcr_node_put(parent, made);
        *out = made;
        made = NULL; /* handed over */
    } else if (old->kind == GCR_NODE_MAPPING) {
        *out = old;
    } else {
        GCR_FAIL(GCR_EINVAL, GCR_AT(mark, "'%s' is not a mapping, so nothing can be set inside it"),
                 old->key);
    }
out:
    gcr_node_destroy(made);
    return status;
}

/* The '=' behind a path of keys, dots and nothing else. */
static gcr_status find_equals(const char **out, const char *override)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.";
    gcr_status status = GCR_OK;

    *out = override + strspn(override, allowed);
    if (**out != '=' || *out - override > PATH_BYTES_MAX)
        GCR_FAIL(GCR_EINVAL, "--set takes PATH=VALUE, such as grid.noise=[0.1, 0.2], not '%.*s'",
                 (int)strcspn(override, "\n"), override);
out:
    return status;
}

static gcr_status lay(gcr_job *job, gcr_node *mapping, const char *override)
{
    gcr_status status = GCR_OK;
    const char *equals, *key = override, *dot;
    gcr_node *value = NULL;
    gcr_mark mark;

    GCR_TRY(find_equals(&equals, override));
    GCR_TRY(keep(&mark, job, override, (size_t)(equals - override)));
    for (; (dot = memchr(key, '.', (size_t)(equals - key))) != NULL; key = dot + 1)
        GCR_TRY(enter(&mapping, mapping, mark, key, (size_t)(dot - key)));
    GCR_TRY(gcr_yaml_read(&value, mark.source, equals + 1, strlen(equals + 1)));
    GCR_TRY(gcr_node_set_key(value, mark, key, (size_t)(equals - key)));
    gcr_node_put(mapping, value);
    value = NULL; /* handed over */
out:
    gcr_node_destroy(value);
    return status;
}

gcr_status gcr_job_override(gcr_job *job, gcr_node *root, const char *const *overrides, int count)
{
    gcr_status status = GCR_OK;

    if (count == 0)
        goto out;
    job->overrides = calloc((size_t)count, sizeof *job->overrides);
    job->origins = calloc((size_t)count, sizeof *job->origins);
    if (job->overrides == NULL || job->origins == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %d --set", count);
    for (int i = 0; i < count; i++)
        GCR_TRY(lay(job, root, overrides[i]));
out:
    return status;
}
