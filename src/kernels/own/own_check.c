/* kernels/own/own_check.c -- see own_check.h. */
#include "kernels/own/own_check.h"

#include "kernels/own/checking.h"
#include "kernels/own/own_flags.h"
#include "kernels/own/own_private.h"

#include "base/check.h"
#include "base/cpus.h"
#include "base/pool.h"
#include "base/text.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* What is compiled of the kernel, in the order in which that is begun: what takes longest first. */
typedef enum unit { HERE, TRIDIAGONAL, CHECKED, PLAIN, UNITS } unit;

/* One check in progress. */
typedef struct checking {
    gcr_findings *findings;
    const gcr_own *own;
    const int64_t *option;
    gcr_code_path path;
    char *work;
    atomic_int next;     /* unit to be compiled */
    int is_there[UNITS]; /* it is compiled      */
} checking;

static void find(gcr_findings *findings, const char *name, gcr_finding_kind kind,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

static void find(gcr_findings *findings, const char *name, gcr_finding_kind kind,
                 const char *format, ...)
{
    gcr_finding *finding = &findings->items[findings->count];
    va_list args;

    if (findings->count == GCR_FINDINGS_MAX)
        return;
    snprintf(finding->name, sizeof finding->name, "%s", name);
    finding->kind = kind;
    va_start(args, format);
    vsnprintf(finding->sentence, sizeof finding->sentence, format, args);
    va_end(args);
    findings->count++;
    findings->failed_count += kind == GCR_FINDING_FAILED;
}

/* ---- compiling ------------------------------------------------------------------------------- */

#define ADDRESS_SANITIZER "-fsanitize=address"

/* What a unit of the check differs in from one of a run. */
static const struct variant {
    const char *object, *unit; /* a file of the work folder, and the name of the gcr_unit */
    int is_plain;              /* for the plain code path */
    const char *flags[6];      /* NULL: no more */
} variants[UNITS] = {
    [HERE] = { "here.o", "gcr_unit_here", 0, { GCR_OWN_OPTIMISATION } },
    [TRIDIAGONAL] = { "tridiagonal.o",
                      "gcr_unit_tridiagonal",
                      0,
                      { GCR_OWN_OPTIMISATION, "-DGCR_UNIT_TRIDIAGONAL" } },
    [CHECKED] = { "checked.o",
                  "gcr_unit_here",
                  0,
                  { "-O1", "-fno-omit-frame-pointer", "-DGCR_CHECKS", ADDRESS_SANITIZER } },
    [PLAIN] = { "plain.o", "gcr_unit_plain", 1, { "-O1", "-DGCR_SPD_SQUARES_MAX=0" } },
};

static int is_needed(const checking *c, unit u)
{
    return u != TRIDIAGONAL || gcr_own_has(c->own, GCR_TRIDIAGONAL);
}

static gcr_status compile_unit(const checking *c, unit u)
{
    gcr_status status = GCR_OK;
    const struct variant *v = &variants[u];
    gcr_arguments arguments = { 0 };
    char *file = NULL;

    GCR_TRY(gcr_own_add_unit(&arguments, c->own, c->option, v->is_plain ? GCR_PATH_PLAIN : c->path,
                             GCR_F64));
    GCR_TRY(gcr_arguments_format(&arguments, "-DGCR_UNIT_NAME=%s", v->unit));
    for (int i = 0; i < 6 && v->flags[i] != NULL; i++)
        gcr_arguments_add(&arguments, v->flags[i]);
    gcr_arguments_add(&arguments, "-c");
    GCR_TRY(gcr_text_format(&file, "%s/%s", c->work, v->object));
    GCR_TRY(gcr_source_compile(NULL, &c->own->source, c->work, "backend/cpu/cpu_unit.c", &arguments,
                               file));
out:
    gcr_arguments_clear(&arguments);
    free(file);
    return status;
}

static void compile_some(void *arg, int worker)
{
    checking *c = arg;

    (void)worker;
    for (int u; (u = atomic_fetch_add(&c->next, 1)) < UNITS;)
        c->is_there[u] = is_needed(c, (unit)u) && compile_unit(c, (unit)u) == GCR_OK;
}

/* Side by side, on as many cores as there are. One that fails is compiled again by whoever needs
 * it, who hears why. */
static gcr_status compile_units(checking *c)
{
    gcr_status status = GCR_OK;
    const int cores = gcr_cpu_count();
    gcr_pool *pool = NULL;

    GCR_TRY(gcr_pool_create(&pool, cores < UNITS ? cores : UNITS));
    gcr_pool_start(pool, compile_some, c);
    gcr_pool_wait(pool, -1);
out:
    gcr_pool_destroy(pool);
    return status;
}

/* The program WORK/`program` of checking.c with these units. */
static gcr_status link_program(const checking *c, const char *program, const unit *units,
                               int unit_count, const char *flag)
{
    gcr_status status = GCR_OK;
    gcr_arguments arguments = { 0 };
    char *file = NULL;

    gcr_arguments_add_flags(&arguments);
    gcr_arguments_add(&arguments, "-w");
    gcr_arguments_add(&arguments, "-O1");
    gcr_arguments_add(&arguments, "-pthread");
    if (flag != NULL)
        gcr_arguments_add(&arguments, flag);
    for (int u = 0; u < unit_count; u++)
        GCR_TRY(gcr_arguments_format(&arguments, "%s/%s", c->work, variants[units[u]].object));
    GCR_TRY(gcr_text_format(&file, "%s/%s", c->work, program));
    GCR_TRY(gcr_source_compile(NULL, &c->own->source, c->work, "kernels/own/checking.c", &arguments,
                               file));
out:
    gcr_arguments_clear(&arguments);
    free(file);
    return status;
}

static gcr_status build_program(const checking *c, const char *program, const unit *units,
                                int unit_count, const char *flag)
{
    gcr_status status = GCR_OK;

    for (int u = 0; u < unit_count; u++)
        if (!c->is_there[units[u]])
            GCR_TRY(compile_unit(c, units[u]));
    GCR_TRY(link_program(c, program, units, unit_count, flag));
out:
    return status;
}

/* Once more, for the sake of what the compiler has to say. */
static gcr_status find_warnings(const checking *c)
{
    gcr_status status = GCR_OK;
    gcr_arguments arguments = { 0 };
    char *file = NULL;

    gcr_own_add_describing(&arguments);
    gcr_arguments_add(&arguments, "-c");
    GCR_TRY(gcr_text_format(&file, "%s/describing.o", c->work));
    GCR_TRY(gcr_source_compile(&c->findings->warnings, &c->own->source, c->work,
                               "kernels/own/describing.c", &arguments, file));
    if (c->findings->warnings[0] != '\0')
        find(c->findings, "compile", GCR_FINDING_OK, "with the warnings below");
    else
        find(c->findings, "compile", GCR_FINDING_OK, "without a warning");
out:
    gcr_arguments_clear(&arguments);
    free(file);
    return status;
}

/* ---- running --------------------------------------------------------------------------------- */

/* What the program has left in the file that it shares with us. */
static void read_place(gcr_checking_place *out, const char *path)
{
    FILE *file = fopen(path, "re");

    *out = (gcr_checking_place){ 0 };
    if (file == NULL)
        return;
    if (fread(out, sizeof *out, 1, file) != 1)
        *out = (gcr_checking_place){ 0 };
    fclose(file);
    out->cell[sizeof out->cell - 1] = '\0';
    out->broken[sizeof out->broken - 1] = '\0';
}

/* Takes the lines "NAME\tok\tSENTENCE" over. */
static void take_lines(gcr_findings *findings, char *text)
{
    char *rest = NULL;

    for (char *line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *word = strchr(line, '\t'), *sentence = word != NULL ? strchr(word + 1, '\t') : NULL;

        if (sentence == NULL)
            continue;
        *word = *sentence = '\0';
        find(findings, line, strcmp(word + 1, "ok") == 0 ? GCR_FINDING_OK : GCR_FINDING_FAILED,
             "%s", sentence + 1);
    }
}

/* "fit.c:12: " from the first line of a report that is about the user's file, or "". */
static void find_line(char *out, size_t bytes, const char *report, const char *source)
{
    const size_t name = strlen(source);

    out[0] = '\0';
    for (const char *at = report; (at = strstr(at, source)) != NULL; at++) {
        const size_t digits = at[name] == ':' ? strspn(at + name + 1, "0123456789") : 0;

        if (digits > 0) {
            snprintf(out, bytes, "%.*s: ", (int)(name + 1 + digits), at);
            return;
        }
    }
}

/* What AddressSanitizer calls it: "heap-buffer-overflow"; "" where it says nothing. */
static void find_kind(char *out, size_t bytes, const char *report)
{
    static const char begin[] = "AddressSanitizer: ";
    const char *at = strstr(report, begin);

    out[0] = '\0';
    if (at != NULL)
        snprintf(out, bytes, "%.*s", (int)strcspn(at + strlen(begin), " \n"), at + strlen(begin));
}

/* A program that did not end well: where, and why as far as it can be known. */
static void find_crash(const checking *c, const char *name, int ended, const char *report,
                       const char *place_file)
{
    gcr_checking_place place;
    char line[512], kind[64];

    read_place(&place, place_file);
    find_line(line, sizeof line, report, c->own->source.path);
    find_kind(kind, sizeof kind, report);
    if (place.broken[0] != '\0')
        find(c->findings, name, GCR_FINDING_FAILED, "%s%s, at %s", line, place.broken, place.cell);
    else if (kind[0] != '\0')
        find(c->findings, name, GCR_FINDING_FAILED,
             "%sreads or writes outside of the memory that it has (%s), at %s", line, kind,
             place.cell);
    else if (WIFSIGNALED(ended) && WTERMSIG(ended) == SIGALRM)
        find(c->findings, name, GCR_FINDING_FAILED, "two minutes were not enough; it was at %s",
             place.cell);
    else
        find(c->findings, name, GCR_FINDING_FAILED, "crashes (%s) at %s",
             WIFSIGNALED(ended) ? strsignal(WTERMSIG(ended)) : "it ended by itself", place.cell);
}

static gcr_status run_program(const checking *c, const char *program, const char *mode,
                              const char *name)
{
    gcr_status status = GCR_OK;
    const gcr_checking_place nowhere = { 0 };
    gcr_arguments arguments = { 0 };
    char *text = NULL, *place = NULL;
    int ended;

    GCR_TRY(gcr_cache_write(c->work, "place", (const char *)&nowhere, sizeof nowhere));
    GCR_TRY(gcr_text_format(&place, "%s/place", c->work));
    GCR_TRY(gcr_arguments_format(&arguments, "%s/%s", c->work, program));
    gcr_arguments_add(&arguments, mode);
    gcr_arguments_add(&arguments, place);
    for (int o = 0; o < GCR_OPTIONS_MAX; o++)
        GCR_TRY(gcr_arguments_format(&arguments, "%" PRId64, c->option[o]));
    GCR_TRY(gcr_process_run(&text, &ended, arguments.items));
    if (ended != 0)
        find_crash(c, name, ended, text, place);
    else
        take_lines(c->findings, text);
    if (ended == 0 && strcmp(mode, "bounds") == 0)
        find(c->findings, name, GCR_FINDING_OK, "reads and writes only what it has declared");
out:
    gcr_arguments_clear(&arguments);
    free(place);
    free(text);
    return status;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static gcr_status compare(const checking *c)
{
    gcr_status status = GCR_OK;
    const unit units[] = { PLAIN, HERE, TRIDIAGONAL };

    GCR_TRY(build_program(c, "compare", units, is_needed(c, TRIDIAGONAL) ? 3 : 2, NULL));
    GCR_TRY(run_program(c, "compare", "compare", "cells"));
out:
    return status;
}

/* A machine without AddressSanitizer cannot look at this. */
static gcr_status check_bounds(const checking *c)
{
    gcr_status status = GCR_OK;
    const unit checked = CHECKED;

    if (build_program(c, "bounds", &checked, 1, ADDRESS_SANITIZER) != GCR_OK) {
        find(c->findings, "bounds", GCR_FINDING_SKIPPED, "there is no AddressSanitizer: %s",
             gcr_last_error());
        goto out;
    }
    GCR_TRY(run_program(c, "bounds", "bounds", "bounds"));
out:
    return status;
}

gcr_status gcr_own_check(gcr_findings *out, const gcr_own *own,
                         const int64_t option[GCR_OPTIONS_MAX], gcr_code_path path)
{
    gcr_status status = GCR_OK;
    checking c = { .findings = out, .own = own, .option = option, .path = path };

    *out = (gcr_findings){ 0 };
    GCR_TRY(gcr_cache_work_open(&c.work, &own->source.cache));
    GCR_TRY(gcr_source_write(&own->source, c.work));
    GCR_TRY(find_warnings(&c));
    GCR_TRY(compile_units(&c));
    GCR_TRY(compare(&c));
    GCR_TRY(check_bounds(&c));
out:
    gcr_cache_work_close(c.work);
    return status;
}

void gcr_findings_clear(gcr_findings *findings)
{
    free(findings->warnings);
    *findings = (gcr_findings){ 0 };
}
