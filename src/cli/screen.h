/*
 * cli/screen.h -- terminals: how wide they are, and text that fits.
 *
 * A rank of an MPI job never decides about terminals: mpirun hands its ranks a pty of size 0 even
 * when its own output goes to a file. So a rank has none, whatever isatty() says.
 */
#ifndef GCR_CLI_SCREEN_H
#define GCR_CLI_SCREEN_H

#include <stdio.h>

/* Before anything is printed. A rank's lines on stderr go out whole from then on: mpirun puts what
 * it has to say itself between any two pieces. */
void gcr_screen_begin(void);

/* Columns of the terminal that `stream` writes to; 0: it writes to something else. */
int gcr_screen_columns(FILE *stream);

/* How many columns `text` takes when gcr_screen_put() prints it. */
int gcr_screen_width(const char *text);

/* Prints `text` in at most `columns` columns (< 0: no limit), cut with an ellipsis. What a terminal
 * would act upon or cannot show is printed as '?'. Returns the columns taken. */
int gcr_screen_put(FILE *stream, const char *text, int columns);

/* Prints text of several lines as it is; each line as gcr_screen_put() would. */
void gcr_screen_lines(FILE *stream, const char *text);

/* Prints "label  text", the text wrapped to the terminal's width and indented under itself. */
void gcr_screen_note(FILE *stream, const char *label, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif /* GCR_CLI_SCREEN_H */
