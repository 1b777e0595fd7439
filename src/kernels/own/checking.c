/*
 * kernels/own/checking.c -- a program that computes random cells of a kernel, again and again, and
 * says where two of them differ that must not.
 *
 * The library carries this file and those of checking/ as text; `gridcrunch kernel check` compiles
 * them and links them with the kernel's units: gcr_unit_here as it will run, or with
 * AddressSanitizer and GCR_CHECKS, and gcr_unit_plain for the plain code path with one cell after
 * the other. It is a program of its own, so that a crash is an answer.
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
    static const char *const names[GCR_CELL_STATE_COUNT] = {
        [GCR_CELL_EMPTY] = "left out",      [GCR_CELL_OK] = "ok",
        [GCR_CELL_NOT_SPD] = "not_spd",     [GCR_CELL_NAN_IN] = "nan_in",
        [GCR_CELL_NAN_OUT] = "nan_out",     [GCR_CELL_KERNEL_ERROR] = "kernel_error",
        [GCR_CELL_OK_JITTER] = "ok_jitter", [GCR_CELL_EXCLUDED] = "excluded",
    };
    char text[512];
    int used = snprintf(text, sizeof text, "%d random cells:", cell_count);

    for (int s = 0, is_first = 1; s < GCR_CELL_STATE_COUNT; s++)
        if (state_counts[s] > 0) {
            used += snprintf(text + used, sizeof text - (size_t)used, "%s %d %s",
                             is_first ? "" : ",", state_counts[s], names[s]);
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
    const int is_comparing = argc > 1 && strcmp(argv[1], "compare") == 0;

    if (argc < 3 || !open_place(argv[2]))
        return 1;
    for (int i = 3; i < argc && i - 3 < GCR_OPTIONS_MAX; i++)
        option[i - 3] = strtoll(argv[i], NULL, 10);
    kernel = gcr_unit_here.kernel;
    alarm(SECONDS);
    for (int round = 0; round < ROUNDS; round++)
        check_problem(round, is_comparing);
    if (is_comparing) {
        say_cells();
        say_outputs();
        for (int c = 0; c < CHECKS; c++)
            say(checks[c].name, checks[c].is_failed,
                checks[c].is_failed ? checks[c].why : checks[c].sentence);
    }
    return 0;
}
