/*
 * bench/bench.h -- what every bench program shares: flags, protocol, statistics, rows.
 *
 * One program answers one question, written at its top. Sides that are compared run in the same
 * process or beside it, interleaved A,B,B,A, and a ratio is the median over the rounds of each
 * round's own ratio, because absolute times on a shared machine vary more than what is measured.
 * Every program checks its own results in the same run; a wrong one ends it with exit code 1.
 *
 * CSV on stdout, prose on stderr. Rows:  bench,case,what,unit,rounds,median,low,high
 * where low and high are p10 and p90 of a time, and the 95% bootstrap interval of a ratio. Last
 * lines:  ratio NAME CASE VALUE
 * The same as JSON with --json FILE.
 */
#ifndef GCR_BENCH_H
#define GCR_BENCH_H

#include "gridcrunch/status.h"

#include <stddef.h>
#include <stdio.h>

enum {
    BENCH_FLAGS_MAX = 8,
    BENCH_ROUNDS_MAX = 1000,
    BENCH_LINES_MAX = 64,
    BENCH_LINE_BYTES = 160,
    BENCH_PATH_MAX = 4096,
};

typedef struct bench {
    const char *name; /* "overhead"                                              */
    int rounds;       /* -i  timed rounds                                        */
    int warmup;       /* -w  rounds before them that are not                     */
    int quick;        /* --quick  fewer rounds and cases: does it work, roughly? */
    int full;         /* --full  also what takes minutes                         */
    int round;        /* the one that runs now; below 0: warm-up                 */

    char lines[BENCH_LINES_MAX][BENCH_LINE_BYTES]; /* printed last, see bench_ratio() */
    int line_count;

    const char *json_path; /* --json  NULL: none */
    FILE *json;            /* the rows so far, which become json_text */
    char *json_text;
    size_t json_bytes;
} bench;

/* A flag of one program beside those of all: --NAME VALUE. */
typedef struct bench_flag {
    const char *name;   /* NULL behind the last                      */
    const char *value;  /* what the usage calls it: "BYTES"          */
    const char **where; /* gets the text; as it was without the flag */
} bench_flag;

/* Reads the flags and prints the CSV header. Standard: 20 rounds after 2, quick: 3 after 1.
 * GCR_EINVAL: an unknown flag or value; the sentence is the usage. */
GCR_MUST_CHECK gcr_status bench_begin(bench *out, const char *name, int argc, char **argv);
GCR_MUST_CHECK gcr_status bench_begin_with(bench *out, const char *name, int argc, char **argv,
                                           const bench_flag *flags);

/* Prints the ratio lines and writes the JSON, or prints the sentence of a failure. Returns the exit
 * code of main. */
int bench_end(bench *b, gcr_status status);

/* Prose for people, a line on stderr. */
void bench_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ---- protocol ------------------------------------------------------------------------------- */

/* One timed repetition: does its own set-up untimed and its own checks. */
typedef struct bench_side {
    const char *what; /* "gridcrunch", "write()" */
    gcr_status (*run)(void *arg, double *seconds_out);
    void *arg;
    double seconds[BENCH_ROUNDS_MAX]; /* of each round, by bench_alternate() */
} bench_side;

/* Runs all sides in each round, in their order in even rounds and in reverse in odd ones, and
 * prints a row for each. */
GCR_MUST_CHECK gcr_status bench_alternate(bench *b, const char *where, bench_side *sides,
                                          int side_count);

/* ---- statistics ----------------------------------------------------------------------------- */

typedef struct bench_spread {
    double median, low, high;
} bench_spread;

/* Median, p10, p90. count >= 1. */
bench_spread bench_spread_of(const double *samples, int count);

/* Median of a[i] / b[i] and its 95% interval by bootstrap (fixed seed). */
bench_spread bench_ratio_of(const double *a, const double *b, int count);

/* ---- rows ----------------------------------------------------------------------------------- */

void bench_row(const bench *b, const char *where, const char *what, const char *unit,
               bench_spread spread);

/* Remembers a ratio line; bench_end() prints them all, so that they are the last lines. The second
 * form prints the row of its interval too. */
void bench_ratio(bench *b, const char *where, double value);
void bench_ratio_sides(bench *b, const char *where, const bench_side *over,
                       const bench_side *under);

/* Remembers that a rival is not installed, and what would install it. */
void bench_absent(bench *b, const char *rival, const char *remedy);

/* ---- helpers -------------------------------------------------------------------------------- */

/* What a finished child took. */
typedef struct bench_child {
    double seconds;
    double peak_bytes; /* its maximal resident set */
} bench_child;

/* Runs `argv` (NULL-terminated) to its end, output thrown away. GCR_EIO: it cannot be started, or
 * does not exit with 0. */
GCR_MUST_CHECK gcr_status bench_spawn(bench_child *out, const char *const *argv);

/* A field of this process in /proc/self/status, "VmRSS" or "VmHWM", in bytes; 0 if there is
 * none. */
double bench_own_bytes(const char *field);

/* OpenBLAS in this process has one thread from here on, and people are told which processor it
 * takes this one for: its speed depends on that. */
void bench_blas_begin(void);

/* PATH relative to the folder of this program: bench_beside(out, "rival_joblib.py"). */
GCR_MUST_CHECK gcr_status bench_beside(char out[BENCH_PATH_MAX], const char *relative);

/* The program gridcrunch, and a file of examples/: of this build or of this installation. */
GCR_MUST_CHECK gcr_status bench_program(char out[BENCH_PATH_MAX]);
GCR_MUST_CHECK gcr_status bench_example(char out[BENCH_PATH_MAX], const char *name);

/* Writes `text` to a file of that name. GCR_EIO. */
GCR_MUST_CHECK gcr_status bench_write_text(const char *path, const char *text);

/* A fresh folder on the file system of the current one; emptied and removed by the other. */
GCR_MUST_CHECK gcr_status bench_folder_open(char out[BENCH_PATH_MAX]);
void bench_folder_close(const char *folder);

#endif /* GCR_BENCH_H */
