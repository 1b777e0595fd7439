/* results/layout.c -- the names of what is written, and whether they can live together. */
#include "results/layout.h"

#include "base/check.h"
#include "base/text.h"
#include "base/utf8.h"
#include "results/outcome.h"

#include <stdlib.h>
#include <string.h>

gcr_status gcr_summary_text(char **out, const gcr_summary_spec *spec)
{
    char q[32];

    if (spec->op == GCR_SUMMARY_QUANTILE)
        return gcr_text_format(out, "quantile(%s, %s)", spec->output,
                               gcr_format_number(q, spec->q));
    return gcr_text_format(out, "%s(%s)", gcr_summary_op_name(spec->op), spec->output);
}

gcr_status gcr_array_name(char **out, const char *owner, const char *suffix)
{
    return gcr_text_format(out, "%s%s%s", owner, suffix ? "_" : "", suffix ? suffix : "");
}

/* ---- names ---------------------------------------------------------------------------------- */

/* A name in results.h5, whose it is, and where somebody wrote it (source NULL: nowhere). */
typedef struct entry {
    char *name;
    const char *kind;  /* "axis", "output", "summary"; NULL: one of gridcrunch's own */
    const char *owner; /* the axis, output or summary                             */
    gcr_mark mark;
} entry;

typedef struct registry {
    entry *entries;
    int count, room;
} registry;

static const char *const own_names[] = {
    "dataset", "status", "minor",   "jitter",  "rank",   "top_value", "top_point", "rows",
    "dropped", "y_mean", "y_scale", "feature", "x_mean", "x_scale",   "run",       "kind",
};

/* The same, of a run that does not keep its cells. */
static const char *const remains_names[] = {
    "state",
    "failure",
    GCR_H5_STATE_COUNT,
    GCR_H5_FAILED_POINT,
    GCR_H5_FAILED_STATE,
    GCR_H5_FAILED_DETAIL,
};

static gcr_status check_spelling(const entry *e)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    if (e->name[0] == 0 || strchr(e->name, '/') != NULL || strcmp(e->name, ".") == 0 ||
        !gcr_utf8_is_valid(e->name, strlen(e->name)))
        GCR_FAIL(GCR_EINVAL,
                 "%s'%s' cannot be the name of a%s %s: results.h5 allows no '/', no empty name and "
                 "nothing but UTF-8",
                 gcr_format_mark(place, e->mark), e->owner, strchr("ao", e->kind[0]) ? "n" : "",
                 e->kind);
out:
    return status;
}

static gcr_status check_fresh(const registry *r, const entry *e)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    for (int i = 0; i < r->count; i++) {
        const entry *other = &r->entries[i];

        if (strcmp(other->name, e->name) != 0)
            continue;
        if (other->kind == NULL)
            GCR_FAIL(GCR_EINVAL,
                     "%sthe %s '%s' needs the name '%s', which gridcrunch uses itself in "
                     "results.h5: call the %s something else",
                     gcr_format_mark(place, e->mark), e->kind, e->owner, e->name, e->kind);
        GCR_FAIL(GCR_EINVAL,
                 "%sthe %s '%s' and the %s '%s' both need the name '%s' in results.h5: call the "
                 "%s something else",
                 gcr_format_mark(place, e->mark), e->kind, e->owner, other->kind, other->owner,
                 e->name, e->kind);
    }
out:
    return status;
}

/* Takes `name` over, also on failure. */
static gcr_status enter(registry *r, char *name, const entry *like)
{
    gcr_status status = GCR_OK;
    entry e = *like;

    e.name = name;
    if (r->count == r->room) {
        const int room = r->room > 0 ? 2 * r->room : 64;
        entry *grown = realloc(r->entries, (size_t)room * sizeof *grown);

        if (grown == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for the names in results.h5");
        r->entries = grown;
        r->room = room;
    }
    if (e.kind != NULL) {
        GCR_TRY(check_spelling(&e));
        GCR_TRY(check_fresh(r, &e));
    }
    r->entries[r->count++] = e;
    name = NULL;
out:
    free(name);
    return status;
}

/* OWNER, or OWNER_SUFFIX. */
static gcr_status enter_name(registry *r, const entry *like, const char *suffix)
{
    gcr_status status = GCR_OK;
    char *name = NULL;

    GCR_TRY(gcr_array_name(&name, like->owner, suffix));
    GCR_TRY(enter(r, name, like));
out:
    return status;
}

static gcr_status enter_own(registry *r, const char *const *names, size_t count)
{
    gcr_status status = GCR_OK;

    for (size_t i = 0; i < count; i++) {
        const entry own = { .owner = names[i] };

        GCR_TRY(enter_name(r, &own, NULL));
    }
out:
    return status;
}

static gcr_status enter_own_names(registry *r, gcr_keep keep)
{
    gcr_status status = GCR_OK;

    GCR_TRY(enter_own(r, own_names, sizeof own_names / sizeof own_names[0]));
    if (keep == GCR_KEEP_SUMMARY)
        GCR_TRY(enter_own(r, remains_names, sizeof remains_names / sizeof remains_names[0]));
out:
    return status;
}

static gcr_status enter_outputs(registry *r, const gcr_kernel *kernel)
{
    gcr_status status = GCR_OK;

    for (const gcr_kernel_output *o = kernel->outputs; o->name != NULL; o++) {
        const entry output = { .kind = "output", .owner = o->name };

        GCR_TRY(enter_name(r, &output, NULL));
        if (o->width != 1)
            GCR_TRY(enter_name(r, &output, "index"));
    }
out:
    return status;
}

static gcr_status enter_axes(registry *r, const gcr_job *job)
{
    gcr_status status = GCR_OK;

    for (int a = 0; a < job->axis_count; a++) {
        const entry axis = { .kind = "axis",
                             .owner = job->axes[a].name,
                             .mark = job->axes[a].mark };

        GCR_TRY(enter_name(r, &axis, NULL));
    }
out:
    return status;
}

static gcr_status enter_summary(registry *r, const gcr_job *job, const gcr_summary_spec *spec)
{
    gcr_status status = GCR_OK;
    const entry summary = { .kind = "summary", .owner = spec->name, .mark = spec->mark };

    GCR_TRY(enter_name(r, &summary, NULL));
    GCR_TRY(enter_name(r, &summary, "skipped"));
    if (!gcr_summary_has_point(spec->op))
        goto out;
    GCR_TRY(enter_name(r, &summary, "point"));
    for (int a = 0; a < job->axis_count; a++)
        GCR_TRY(enter_name(r, &summary, job->axes[a].name));
out:
    return status;
}

static gcr_status check_rank(const gcr_job *job, const gcr_kernel *kernel)
{
    gcr_status status = GCR_OK;

    for (const gcr_kernel_output *o = kernel->outputs; o->name != NULL; o++)
        if (o->width != 1 && job->axis_count == GCR_AXES_MAX)
            GCR_FAIL(GCR_EINVAL,
                     "the output '%s' has several values per cell: with it there can be %d axes at "
                     "most, for HDF5 has no arrays of more than 32 dimensions",
                     o->name, GCR_AXES_MAX - 1);
out:
    return status;
}

gcr_status gcr_results_check_names(const gcr_job *job, const gcr_kernel *kernel)
{
    gcr_status status = GCR_OK;
    registry r = { 0 };

    GCR_TRY(check_rank(job, kernel));
    GCR_TRY(enter_own_names(&r, job->keep));
    GCR_TRY(enter_outputs(&r, kernel));
    GCR_TRY(enter_axes(&r, job));
    for (int s = 0; s < job->summary_count; s++)
        GCR_TRY(enter_summary(&r, job, &job->summaries[s]));
out:
    for (int i = 0; i < r.count; i++)
        free(r.entries[i].name);
    free(r.entries);
    return status;
}
