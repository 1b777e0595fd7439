/* data/source_files.c -- glob(3), with an order that does not depend on the locale. */
#include "data/source_files.h"

#include "base/check.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void gcr_paths_clear(gcr_paths *paths)
{
    for (uint64_t i = 0; i < paths->count; i++)
        free(paths->items[i]);
    free(paths->items);
    *paths = (gcr_paths){ .count = 0 };
}

size_t gcr_path_stem(const char **out, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *stem = slash != NULL ? slash + 1 : path;
    const char *dot = strrchr(stem, '.');

    *out = stem;
    return dot != NULL && dot != stem ? (size_t)(dot - stem) : strlen(stem);
}

static gcr_status add_path(gcr_paths *paths, const char *path)
{
    gcr_status status = GCR_OK;

    if (paths->count == paths->capacity) {
        const uint64_t capacity = paths->capacity == 0 ? 16 : 2 * paths->capacity;
        char **grown = realloc(paths->items, capacity * sizeof *grown);

        if (grown == NULL)
            GCR_FAIL(GCR_ENOMEM, "no memory for the names of the sources");
        paths->items = grown;
        paths->capacity = capacity;
    }
    GCR_TRY(gcr_text_copy(&paths->items[paths->count], path, strlen(path)));
    paths->count++;
out:
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* ---- patterns -------------------------------------------------------------------------------- */

/* `source` as seen from here. With `is_pattern` the folder's own name loses what glob would see in
 * it: a job in runs[1]/ still finds its data. */
static gcr_status join(char **out, const char *folder, const char *source, int is_pattern)
{
    gcr_status status = GCR_OK;
    const int is_here = folder == NULL || folder[0] == '\0' || strcmp(folder, ".") == 0;
    const size_t most = is_here ? 0 : 2 * strlen(folder) + 1;
    char *joined = malloc(most + strlen(source) + 1), *to = joined;

    *out = NULL;
    if (joined == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the names of the sources");
    for (const char *from = folder; !is_here && source[0] != '/' && *from != '\0'; from++) {
        if (is_pattern && strchr("*?[]\\", *from) != NULL)
            *to++ = '\\';
        *to++ = *from;
    }
    if (to > joined && to[-1] != '/')
        *to++ = '/';
    strcpy(to, source);
    *out = joined;
out:
    return status;
}

/* " (did you mean 'fertility.csv'?)", if the folder of `path` has a file of a similar name. */
static void suggest_file(char *out, size_t bytes, const char *path)
{
    const char *slash = strrchr(path, '/'), *nearest = NULL;
    struct dirent **entries = NULL;
    char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    const int count = folder != NULL ? scandir(folder, &entries, NULL, alphasort) : -1;

    out[0] = '\0';
    for (int i = 0; i < count && nearest == NULL; i++) {
        const char *name = entries[i]->d_name;

        nearest = gcr_nearest_word(slash != NULL ? slash + 1 : path, &name, 1);
    }
    if (nearest != NULL)
        snprintf(out, bytes, " (did you mean '%s'?)", nearest);
    for (int i = 0; i < count; i++)
        free(entries[i]);
    free(entries);
    free(folder);
}

static gcr_status complain_of_nothing(const char *path, const gcr_mark *mark)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES], hint[300];

    gcr_format_mark(place, *mark);
    if (strpbrk(path, "*?[") != NULL)
        GCR_FAIL(GCR_EINVAL, "%sno file matches '%s'", place, path);
    suggest_file(hint, sizeof hint, path);
    GCR_FAIL(GCR_EINVAL, "%sthere is no file '%s'%s", place, path, hint);
out:
    return status;
}

static gcr_status add_matches(gcr_paths *paths, const char *pattern, const char *path,
                              const gcr_mark *mark)
{
    gcr_status status = GCR_OK;
    glob_t found = { .gl_pathc = 0 };
    char place[GCR_MARK_BYTES];
    int answer;

    gcr_format_mark(place, *mark);
    errno = 0;
    answer = glob(pattern, GLOB_ERR | GLOB_NOSORT, NULL, &found);
    if (answer == GLOB_NOSPACE)
        GCR_FAIL(GCR_ENOMEM, "no memory for the files that match '%s'", path);
    if (answer == GLOB_ABORTED)
        GCR_FAIL(GCR_EUNREADABLE, "%scannot look for '%s': %s", place, path, strerror(errno));
    if (answer != 0)
        GCR_TRY(complain_of_nothing(path, mark));
    qsort(found.gl_pathv, found.gl_pathc, sizeof *found.gl_pathv, compare_paths);
    for (size_t i = 0; i < found.gl_pathc; i++)
        GCR_TRY(add_path(paths, found.gl_pathv[i]));
out:
    globfree(&found);
    return status;
}

static gcr_status add_source(gcr_paths *paths, const gcr_job *job, int source)
{
    gcr_status status = GCR_OK;
    const gcr_name_list *sources = &job->data.sources;
    char *path = NULL, *pattern = NULL;

    GCR_TRY(join(&path, job->folder, sources->names[source], 0));
    GCR_TRY(join(&pattern, job->folder, sources->names[source], 1));
    if (access(path, F_OK) == 0)
        GCR_TRY(add_path(paths, path));
    else
        GCR_TRY(add_matches(paths, pattern, path,
                            sources->marks != NULL ? &sources->marks[source] : &job->data.mark));
out:
    free(path);
    free(pattern);
    return status;
}

/* ---- files that are named twice -------------------------------------------------------------- */

/* A file as the system knows it, whatever it is called. */
typedef struct file_id {
    dev_t device;
    ino_t number;
    const char *path; /* borrowed */
} file_id;

static int compare_ids(const void *a, const void *b)
{
    const file_id *x = a, *y = b;

    if (x->device != y->device)
        return x->device < y->device ? -1 : 1;
    if (x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return strcmp(x->path, y->path);
}

/* Paths that cannot be looked at are left to who reads them. */
static uint64_t identify(file_id *out, const gcr_paths *paths)
{
    uint64_t count = 0;
    struct stat info;

    for (uint64_t i = 0; i < paths->count; i++)
        if (stat(paths->items[i], &info) == 0)
            out[count++] = (file_id){ info.st_dev, info.st_ino, paths->items[i] };
    return count;
}

/* It would double its rows, silently. */
static gcr_status check_twice(const gcr_paths *paths, const gcr_mark *mark)
{
    gcr_status status = GCR_OK;
    file_id *ids = calloc(paths->count + 1, sizeof *ids);
    uint64_t count;
    char place[GCR_MARK_BYTES];

    if (ids == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the names of the sources");
    count = identify(ids, paths);
    qsort(ids, count, sizeof *ids, compare_ids);
    for (uint64_t i = 1; i < count; i++) {
        const file_id *one = &ids[i - 1], *other = &ids[i];

        if (one->device != other->device || one->number != other->number)
            continue;
        gcr_format_mark(place, *mark);
        if (strcmp(one->path, other->path) == 0)
            GCR_FAIL(GCR_EINVAL, "%sthe sources name %s twice", place, one->path);
        GCR_FAIL(GCR_EINVAL, "%sthe sources name one file twice: %s and %s", place, one->path,
                 other->path);
    }
out:
    free(ids);
    return status;
}

static gcr_status add_sources(gcr_paths *out, const gcr_job *job)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < job->data.sources.count; i++)
        GCR_TRY(add_source(out, job, i));
out:
    return status;
}

int gcr_sources_are_here(const gcr_job *job)
{
    gcr_paths paths = { .count = 0 };
    const gcr_status status = add_sources(&paths, job);

    gcr_paths_clear(&paths);
    return status == GCR_OK;
}

gcr_status gcr_paths_find(gcr_paths *out, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char place[GCR_MARK_BYTES];

    *out = (gcr_paths){ .count = 0 };
    if (job->data.sources.count == 0 && job->data.mark.source == NULL && job->path != NULL)
        GCR_FAIL(GCR_EINVAL, "%s:1:1: the key 'data' is missing", job->path);
    if (job->data.sources.count == 0)
        GCR_FAIL(GCR_EINVAL, "%sthe job names no source of data",
                 gcr_format_mark(place, job->data.mark));
    GCR_TRY(add_sources(out, job));
    GCR_TRY(check_twice(out, &job->data.mark));
out:
    return status;
}
