/*
 * kernels/own/checking.c -- a program that computes random cells of a kernel, again and again, and
 * says where two of them differ that must not.
 *
 * The library carries this file and those of checking/ as text; `gridcrunch kernel check` compiles
 * them and links them with the kernel's units: gcr_unit_here as it will run, or with
 * AddressSanitizer and GCR_CHECKS; gcr_unit_tridiagonal for that algorithm, if the kernel has
 * base(); and gcr_unit_plain for the plain code path with one cell after the other. It is a
 * program of its own, so that a crash is an answer.
 *
 *     checking compare|bounds PLACE OPTION...
 *
 * It writes a line for each check, "NAME\tok\tSENTENCE" or "NAME\tfailed\tSENTENCE".
 */
#include "kernels/own/checking/checks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ROUNDS = 10, SECONDS = 120 };

static void say(const char *name, int is_failed, const char *sentence)
{
    dprintf(1, "%s\t%s\t%s\n", name, is_failed ? "failed" : "ok", sentence);
}

/* What became of the cells: failed where none has a result. */
static void say_cells(void)
{
    char text[512];
    int used = snprintf(text, sizeof text, "%d random cells:", cell_count);

    for (int s = 0, is_first = 1; s < GCR_CELL_STATE_COUNT; s++)
        if (state_counts[s] > 0) {
            used += snprintf(text + used, sizeof text - (size_t)used, "%s %d %s",
                             is_first ? "" : ",", state_counts[s], state_words[s]);
            is_first = 0;
        }
    say("cells", state_counts[GCR_CELL_OK] == 0, text);
}

static void say_outputs(void)
{
    char text[256];

    for (int o = 0; kernel->outputs[o].name != NULL; o++)
        if (unwritten_cells[o] > 0) {
            snprintf(text, sizeof text, "'%s' is declared, and not written in %d of the cells",
                     kernel->outputs[o].name, unwritten_cells[o]);
            say("outputs", 1, text);
            return;
        }
    say("outputs", 0, "each is written");
}

static const char *const promise_names[PROMISES] = {
    [BATCH] = "batch",   [ORDER] = "order",    [LANES] = "lanes", [TILES] = "tiles",
    [MEMORY] = "memory", [THREAD] = "threads", [PLAIN] = "plain",
};

/* Each promise of the direct algorithm. */
static void say_promises(const trial *direct)
{
    static const char *const kept[PROMISES] = {
        [BATCH] = "a cell has the same bits alone and in batches",
        [ORDER] = "in whatever order batches are computed",
        [LANES] = "beside whatever other cells",
        [TILES] = "and other datasets, in tiles of whatever sizes",
        [MEMORY] = "whatever memory held before",
        [THREAD] = "on several threads at once",
        [PLAIN] = "and it is near that of the plain engine",
    };

    for (int c = 0; c < PROMISES; c++)
        say(promise_names[c], direct->broken[c][0] != '\0',
            direct->broken[c][0] != '\0' ? direct->broken[c] : kept[c]);
}

/* In one line, which names the first that is broken. */
static void say_tridiagonal(const trial *tridiagonal)
{
    char text[sizeof tridiagonal->broken[0] + 64];

    for (int c = 0; c < PROMISES; c++)
        if (tridiagonal->broken[c][0] != '\0') {
            snprintf(text, sizeof text, "with algorithm: tridiagonal (%s), %s", promise_names[c],
                     tridiagonal->broken[c]);
            say("algorithm", 1, text);
            return;
        }
    say("algorithm", 0, "all of this holds with algorithm: tridiagonal");
}

void gcr_report_broken(const char *promise); /* called by a unit with GCR_CHECKS */

void gcr_report_broken(const char *promise)
{
    snprintf(place->broken, sizeof place->broken, "%s", promise);
    __builtin_trap();
}

const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
    return "detect_leaks=0:handle_sigill=1:handle_abort=1";
}

static int open_place(const char *path)
{
    const int fd = open(path, O_RDWR);
    void *map = MAP_FAILED;

    if (fd >= 0)
        map = mmap(NULL, sizeof *place, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    place = map;
    return map != MAP_FAILED;
}

int main(int argc, char **argv)
{
    static trial direct = { .unit = &gcr_unit_here }, tridiagonal;
    const int is_comparing = argc > 1 && strcmp(argv[1], "compare") == 0;
    problem p;

    if (argc < 3 || !open_place(argv[2]))
        return 1;
    for (int i = 3; i < argc && i - 3 < GCR_OPTIONS_MAX; i++)
        option[i - 3] = strtoll(argv[i], NULL, 10);
    kernel = gcr_unit_here.kernel;
    tridiagonal.unit = &gcr_unit_tridiagonal;
    alarm(SECONDS);
    for (int round = 0; round < ROUNDS; round++) {
        open_problem(&p, round);
        check_problem(&direct, &p, round, is_comparing);
        if (tridiagonal.unit != NULL)
            check_problem(&tridiagonal, &p, round, is_comparing);
        close_problem(&p);
    }
    if (is_comparing) {
        say_cells();
        say_outputs();
        say_promises(&direct);
        if (tridiagonal.unit != NULL)
            say_tridiagonal(&tridiagonal);
    }
    return 0;
}
