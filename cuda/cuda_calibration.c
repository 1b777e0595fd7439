/* cuda/cuda_calibration.c -- the file of a calibration: see cuda_calibration.h. */
#include "cuda/cuda_calibration.h"
#include "cuda/crossovers.h"

#include "base/cache.h"
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FIELDS_MAX = 64, LINE_BYTES = 256, NAME_BYTES = 200, FILE_MOST = 1 << 16 };

static const char first_line[] = "gridcrunch crossovers, version 1";
static const char remarks[] =
    "# Which algorithm computes which size on this model of GPU, as `gridcrunch devices "
    "--calibrate`\n"
    "# has measured it. It decides the last bits of results. Without this file the built-in table\n"
    "# holds.\n";

/* ---- whose it is ----------------------------------------------------------------------------- */

/* The line of the file that says which model it is of. */
static void say_model(char out[LINE_BYTES], const cuda_device *device)
{
    snprintf(out, LINE_BYTES, "model %s, compute capability %d.%d, compiler %d.%d, driver %d",
             device->base.info.name, device->capability / 10, device->capability % 10,
             device->toolkit / 1000, device->toolkit % 1000 / 10, device->driver / 1000);
}

/* "crossovers-nvidia-h200-9-0-13-0-13.txt". */
static void name_file(char out[NAME_BYTES], const cuda_device *device)
{
    size_t used;

    used = (size_t)snprintf(out, NAME_BYTES, "crossovers-%.96s-%d-%d-%d-%d-%d.txt",
                            device->base.info.name, device->capability / 10,
                            device->capability % 10, device->toolkit / 1000,
                            device->toolkit % 1000 / 10, device->driver / 1000);
    for (size_t k = 0; k + strlen(".txt") < used; k++)
        out[k] = (char)(isalnum((unsigned char)out[k]) ? tolower((unsigned char)out[k]) : '-');
}

/* Opens the cache; the caller closes it, also on failure. */
static gcr_status find_file(char **path_out, gcr_cache *cache, const cuda_device *device)
{
    gcr_status status = GCR_OK;
    char name[NAME_BYTES];

    name_file(name, device);
    GCR_TRY(gcr_cache_open(cache));
    GCR_TRY(gcr_text_format(path_out, "%s/%s", cache->folder, name));
out:
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* What a file says, line by line. */
typedef struct reading {
    gcr_crossovers tables[GCR_SCALAR_COUNT];
    uint8_t is_there[GCR_SCALAR_COUNT][FIELDS_MAX];
    const char *path;
    int line;
    char measured[32];
} reading;

static int scalar_of(const char *word)
{
    int scalar = 0;

    while (scalar < GCR_SCALAR_COUNT && strcmp(word, gcr_scalar_name((gcr_scalar)scalar)) != 0)
        scalar++;
    return scalar;
}

static int field_of(const char *word)
{
    int f = 0;

    while (gcr_crossover_fields[f].name != NULL && strcmp(word, gcr_crossover_fields[f].name) != 0)
        f++;
    return f;
}

/* "f64 warp_rows 32". */
static gcr_status read_number(reading *to, const char *text)
{
    gcr_status status = GCR_OK;
    char precision[8] = "", name[64] = "", number[40] = "", rest[2] = "";
    const int words = sscanf(text, "%7s %63s %39s %1s", precision, name, number, rest);
    const int scalar = scalar_of(precision), f = field_of(name);
    double value;

    if (words != 3 || scalar == GCR_SCALAR_COUNT || gcr_crossover_fields[f].name == NULL)
        GCR_FAIL(GCR_EINVAL, "%s, line %d: this is not a precision, a name and a number", to->path,
                 to->line);
    if (!gcr_parse_number(&value, number, strlen(number)))
        GCR_FAIL(GCR_EINVAL, "%s, line %d: '%s' is no number", to->path, to->line, number);
    if (gcr_crossover_fields[f].is_fixed ||
        !gcr_crossover_is_possible(&gcr_crossover_fields[f], value))
        GCR_FAIL(GCR_EINVAL, "%s, line %d: %s cannot be %s", to->path, to->line, name, number);
    gcr_crossover_set(&to->tables[scalar], &gcr_crossover_fields[f], value);
    to->is_there[scalar][f] = 1;
out:
    return status;
}

static gcr_status read_line(reading *to, const cuda_device *device, const char *text)
{
    gcr_status status = GCR_OK;
    char model[LINE_BYTES];

    say_model(model, device);
    if (to->line == 1 && strcmp(text, first_line) != 0)
        GCR_FAIL(GCR_EINVAL, "%s does not begin with '%s'", to->path, first_line);
    if (to->line == 1 || text[0] == '#' || text[0] == '\0')
        goto out;
    if (strncmp(text, "model ", strlen("model ")) == 0) {
        if (strcmp(text, model) != 0)
            GCR_FAIL(GCR_EINVAL, "%s, line %d: it is of another %s", to->path, to->line, text);
    } else if (sscanf(text, "measured %31s", to->measured) != 1) {
        GCR_TRY(read_number(to, text));
    }
out:
    return status;
}

/* Every number is there, and they go together. */
static gcr_status check(const reading *of)
{
    gcr_status status = GCR_OK;

    for (int s = 0; s < GCR_SCALAR_COUNT; s++) {
        const char *const wrong = gcr_crossovers_wrong(&of->tables[s]);

        for (int f = 0; gcr_crossover_fields[f].name != NULL; f++)
            if (!gcr_crossover_fields[f].is_fixed && !of->is_there[s][f])
                GCR_FAIL(GCR_EINVAL, "%s has no %s %s", of->path, gcr_scalar_name((gcr_scalar)s),
                         gcr_crossover_fields[f].name);
        if (wrong != NULL)
            GCR_FAIL(GCR_EINVAL, "%s: no GPU could compute with %s %s as it is there", of->path,
                     gcr_scalar_name((gcr_scalar)s), wrong);
    }
    if (of->measured[0] == '\0')
        GCR_FAIL(GCR_EINVAL, "%s does not say when it was measured", of->path);
out:
    return status;
}

static gcr_status read_file(reading *to, const cuda_device *device, FILE *file)
{
    gcr_status status = GCR_OK;
    char text[LINE_BYTES];

    while (fgets(text, sizeof text, file) != NULL) {
        to->line++;
        text[strcspn(text, "\r\n")] = '\0';
        GCR_TRY(read_line(to, device, text));
    }
    if (ferror(file))
        GCR_FAIL(GCR_EIO, "cannot read %s: %s", to->path, strerror(errno));
    GCR_TRY(check(to));
out:
    return status;
}

/* *is_there_out: there is such a file. */
static gcr_status read_tables(reading *to, int *is_there_out, const cuda_device *device)
{
    gcr_status status = GCR_OK;
    gcr_cache cache = { 0 };
    char *path = NULL;
    FILE *file = NULL;

    *is_there_out = 0;
    GCR_TRY(find_file(&path, &cache, device));
    file = fopen(path, "r");
    if (file == NULL && errno == ENOENT)
        goto out;
    *is_there_out = 1;
    to->path = path;
    if (file == NULL)
        GCR_FAIL(GCR_EIO, "cannot read %s: %s", path, strerror(errno));
    GCR_TRY(read_file(to, device, file));
out:
    if (file != NULL)
        fclose(file);
    gcr_cache_close(&cache);
    free(path);
    return status;
}

gcr_crossovers gcr_cuda_crossovers_built_in(const cuda_device *device, gcr_scalar scalar)
{
    gcr_crossovers table = gcr_crossovers_default(device->capability, scalar);

    table.whole_blocks = device->base.info.units;
    return table;
}

void gcr_cuda_calibration_read(cuda_device *device)
{
    char *const tuning = device->base.info.tuning;
    reading all = { .line = 0 };
    int is_there = 0;

    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++)
        all.tables[scalar] = device->crossovers[scalar] =
            gcr_cuda_crossovers_built_in(device, scalar);
    if (read_tables(&all, &is_there, device) != GCR_OK) {
        snprintf(tuning, GCR_TUNING_BYTES, "crossovers built in, as %s; measure them again",
                 gcr_last_error());
    } else if (!is_there) {
        snprintf(tuning, GCR_TUNING_BYTES, "crossovers built in, not measured on this GPU");
    } else {
        memcpy(device->crossovers, all.tables, sizeof all.tables);
        snprintf(tuning, GCR_TUNING_BYTES, "crossovers measured %s", all.measured);
    }
}

/* ---- writing --------------------------------------------------------------------------------- */

/* The text of the file. The caller frees it. */
static gcr_status write_text(char **out, const cuda_device *device)
{
    gcr_status status = GCR_OK;
    char *text = malloc(FILE_MOST), model[LINE_BYTES], now[32];
    const time_t seconds = time(NULL);
    struct tm parts;
    size_t used;

    if (text == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the file of a calibration");
    say_model(model, device);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    used = (size_t)snprintf(text, FILE_MOST, "%s\n%s%s\nmeasured %s\n", first_line, remarks, model,
                            now);
    for (gcr_scalar scalar = 0; scalar < GCR_SCALAR_COUNT; scalar++)
        for (const gcr_crossover_field *field = gcr_crossover_fields; field->name != NULL; field++)
            if (!field->is_fixed)
                used += (size_t)snprintf(text + used, FILE_MOST - used, "%s %s %.17g\n",
                                         gcr_scalar_name(scalar), field->name,
                                         gcr_crossover_get(&device->crossovers[scalar], field));
    *out = text;
    text = NULL;
out:
    free(text);
    return status;
}

/* Made beside its place and renamed, so that nobody reads half of it. */
gcr_status gcr_cuda_calibration_write(const cuda_device *device)
{
    gcr_status status = GCR_OK;
    gcr_cache cache = { 0 };
    char *path = NULL, *work = NULL, *text = NULL, *fresh = NULL;

    GCR_TRY(find_file(&path, &cache, device));
    if (cache.is_temporary)
        GCR_FAIL(GCR_EIO, "there is no folder to keep what was measured in: the cache cannot be "
                          "written; name one with GRIDCRUNCH_CACHE");
    GCR_TRY(write_text(&text, device));
    GCR_TRY(gcr_cache_work_open(&work, &cache));
    GCR_TRY(gcr_cache_write(work, "crossovers.txt", text, strlen(text)));
    GCR_TRY(gcr_text_format(&fresh, "%s/crossovers.txt", work));
    if (rename(fresh, path) != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", path, strerror(errno));
out:
    gcr_cache_work_close(work);
    gcr_cache_close(&cache);
    free(fresh);
    free(text);
    free(path);
    return status;
}
