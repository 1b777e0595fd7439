/* data/source_files.c -- glob(3), with an order that does not depend on the locale. */
#include "data/source_files.h"

#include "data/place.h"

#include "base/check.h"
#include "base/text.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
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

/* ---- patterns --------------------------------------------------------------------------------- */

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
    char place[GCR_PLACE_BYTES], hint[300];

    gcr_place_text(place, mark);
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
    char place[GCR_PLACE_BYTES];
    int answer;

    gcr_place_text(place, mark);
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

/* A file that two patterns match would double its rows, silently. */
static gcr_status check_twice(const gcr_paths *paths, const gcr_mark *mark)
{
    gcr_status status = GCR_OK;
    char **sorted = calloc(paths->count + 1, sizeof *sorted);
    char place[GCR_PLACE_BYTES];

    if (sorted == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the names of the sources");
    memcpy(sorted, paths->items, paths->count * sizeof *sorted);
    qsort(sorted, paths->count, sizeof *sorted, compare_paths);
    for (uint64_t i = 1; i < paths->count; i++)
        if (strcmp(sorted[i - 1], sorted[i]) == 0)
            GCR_FAIL(GCR_EINVAL, "%sthe sources name %s twice", gcr_place_text(place, mark),
                     sorted[i]);
out:
    free(sorted);
    return status;
}

gcr_status gcr_paths_find(gcr_paths *out, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    char place[GCR_PLACE_BYTES];

    *out = (gcr_paths){ .count = 0 };
    if (job->data.sources.count == 0)
        GCR_FAIL(GCR_EINVAL, "%sthe job names no source of data",
                 gcr_place_text(place, &job->data.mark));
    for (int i = 0; i < job->data.sources.count; i++)
        GCR_TRY(add_source(out, job, i));
    GCR_TRY(check_twice(out, &job->data.mark));
out:
    return status;
}
