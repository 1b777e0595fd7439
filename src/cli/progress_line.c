/* cli/progress_line.c -- see progress_line.h. */
#include "cli/progress_line.h"

#include "cli/screen.h"

#include "base/text.h"

#include <math.h>
#include <poll.h>
#include <stdio.h>

/* What is left out first where the line is short. */
enum { WITH_ALL, WITHOUT_WORD, WITHOUT_RATE, WITHOUT_COUNTS, WITHOUT_ETA, LEVELS };

double gcr_progress_line_seconds(void)
{
    return gcr_screen_columns(stderr) > 0 ? 1 : 30;
}

/* "131k" */
static const char *format_rate(char out[32], double rate)
{
    static const char units[] = { ' ', 'k', 'M', 'G', 'T' };
    int unit = 0;

    for (; rate >= 999.5 && unit < 4; unit++)
        rate /= 1000;
    if (unit == 0)
        snprintf(out, 32, "%.3g", rate);
    else
        snprintf(out, 32, "%.*f%c", rate < 9.95 ? 1 : 0, rate, units[unit]);
    return out;
}

static void put_counts(FILE *stream, const gcr_progress *progress, int level)
{
    char landed[32], all[32];

    fprintf(stream, "  %s/%s%s", gcr_format_count(landed, progress->landed),
            gcr_format_count(all, progress->cell_count), level < WITHOUT_WORD ? " cells" : "");
}

static void put_line(FILE *stream, const gcr_progress *progress, int level)
{
    const uint64_t count = progress->cell_count > 0 ? progress->cell_count : 1;
    char text[32];

    fprintf(stream, "%3.0f %%", 100.0 * (double)progress->landed / (double)count);
    if (level < WITHOUT_COUNTS)
        put_counts(stream, progress, level);
    if (progress->failed > 0)
        fprintf(stream, "  %s failed", gcr_format_count(text, progress->failed));
    if (level < WITHOUT_RATE)
        fprintf(stream, "  %s/s", format_rate(text, progress->cells_per_second));
    if (level < WITHOUT_ETA && progress->seconds_left >= 0)
        fprintf(stream, "  eta %s", gcr_format_seconds(text, ceil(progress->seconds_left)));
}

const char *gcr_progress_line_text(char *out, size_t bytes, const gcr_progress *progress,
                                   int columns)
{
    int level = WITH_ALL;

    do {
        FILE *stream = fmemopen(out, bytes, "w");

        out[0] = '\0';
        if (stream == NULL)
            break;
        put_line(stream, progress, level);
        fclose(stream);
    } while (columns > 0 && gcr_screen_width(out) > columns && ++level < LEVELS);
    return out;
}

/* False while whoever reads it does not: a terminal that is held (Ctrl-S), a pipe that is full. Who
 * shows progress has other machines to answer, which would miss it. */
static int is_taken(FILE *stream)
{
    struct pollfd at = { .fd = fileno(stream), .events = POLLOUT };

    return poll(&at, 1, 0) != 0;
}

void gcr_progress_line_show(void *arg, const gcr_progress *progress)
{
    const int columns = gcr_screen_columns(stderr);
    char text[128];

    (void)arg;
    if (!is_taken(stderr))
        return;
    /* A terminal may wrap when its last column is filled, so that one stays free. */
    gcr_progress_line_text(text, sizeof text, progress, columns > 0 ? columns - 1 : 0);
    if (columns > 0)
        fprintf(stderr, "\r%s\033[K", text);
    else if (progress->landed < progress->cell_count)
        fprintf(stderr, "%s\n", text);
    fflush(stderr);
}

void gcr_progress_line_end(void)
{
    if (gcr_screen_columns(stderr) > 0 && is_taken(stderr))
        fputs("\r\033[K", stderr);
}
