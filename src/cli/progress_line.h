/*
 * cli/progress_line.h -- how far a run is, on one line of stderr.
 *
 * On a terminal the line is drawn anew each second; elsewhere a line of its own is printed every 30
 * seconds, so that a log stays readable.
 */
#ifndef GCR_CLI_PROGRESS_LINE_H
#define GCR_CLI_PROGRESS_LINE_H

#include "gridcrunch/run.h"

/* How often gcr_progress_line_show() wants to be called. */
double gcr_progress_line_seconds(void);

/* For gcr_run_spec.on_progress; `arg` is not used. */
void gcr_progress_line_show(void *arg, const gcr_progress *progress);

/* Takes the line off the terminal. */
void gcr_progress_line_end(void);

/* "61 %  110,676/181,440 cells  3 failed  131k/s  eta 1 s", with fewer words where that is more
 * than `columns` (0: no limit). Returns `out`. */
const char *gcr_progress_line_text(char *out, size_t bytes, const gcr_progress *progress,
                                   int columns);

#endif /* GCR_CLI_PROGRESS_LINE_H */
