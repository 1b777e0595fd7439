/*
 * base/text.c -- suggestions, sizes and durations for people, and copies of text.
 */
#include "base/text.h"

#include "base/check.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORD_MAX = 63,  /* longer words are not slips of the words we know */
    KNOWN_MAX = 96, /* characters of a list of all known words         */
};

static int same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static int least_of(int a, int b, int c)
{
    const int ab = a < b ? a : b;

    return ab < c ? ab : c;
}

/* Optimal string alignment: insert, delete, replace, swap two neighbours; upper and lower case are
 * the same letter. Three rows of the table are alive: row i holds distances of a[0 .. i). */
static int edit_distance(const char *a, size_t a_count, const char *b, size_t b_count)
{
    int rows[3][WORD_MAX + 1];

    for (size_t j = 0; j <= b_count; j++)
        rows[0][j] = (int)j;
    for (size_t i = 1; i <= a_count; i++) {
        int *row = rows[i % 3];
        const int *above = rows[(i + 2) % 3], *swapped = rows[(i + 1) % 3];

        row[0] = (int)i;
        for (size_t j = 1; j <= b_count; j++) {
            const int replaced = above[j - 1] + !same_letter(a[i - 1], b[j - 1]);

            row[j] = least_of(above[j] + 1, row[j - 1] + 1, replaced);
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2]) &&
                same_letter(a[i - 2], b[j - 1]))
                row[j] = least_of(row[j], swapped[j - 2] + 1, row[j]);
        }
    }
    return rows[a_count % 3][b_count];
}

const char *gcr_nearest_word(const char *word, const char *const *candidates, int count)
{
    const size_t bytes = strlen(word);
    const int tolerance = bytes >= 6 ? (int)bytes / 3 : 1;
    const char *nearest = NULL;
    int least = tolerance + 1;

    if (bytes > WORD_MAX)
        return NULL;
    for (int i = 0; i < count; i++) {
        const size_t candidate_bytes = strlen(candidates[i]);
        const size_t longer = bytes > candidate_bytes ? bytes : candidate_bytes;
        int distance;

        if (candidate_bytes > WORD_MAX)
            continue;
        distance = edit_distance(word, bytes, candidates[i], candidate_bytes);
        if (distance < least && distance < (int)longer) { /* something must be left of the word */
            least = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}

/* " (known: a, b, c)", or "" where that would be long. */
static void list_known(char *out, size_t bytes, const char *const *candidates, int count)
{
    size_t used = 0, total = 0;

    for (int i = 0; i < count; i++)
        total += strlen(candidates[i]) + 2;
    if (count == 0 || total > KNOWN_MAX)
        return;
    for (int i = 0; i < count && used < bytes; i++)
        used += (size_t)snprintf(out + used, bytes - used, "%s%s", i == 0 ? " (known: " : ", ",
                                 candidates[i]);
    if (used < bytes)
        snprintf(out + used, bytes - used, ")");
}

void gcr_suggest(char *out, size_t bytes, const char *word, const char *const *candidates,
                 int count)
{
    const char *nearest = gcr_nearest_word(word, candidates, count);

    if (bytes == 0)
        return;
    out[0] = '\0';
    if (nearest != NULL)
        snprintf(out, bytes, " (did you mean '%s'?)", nearest);
    else
        list_known(out, bytes, candidates, count);
}

const char *gcr_format_count(char out[32], uint64_t count)
{
    char digits[24];
    const int digit_count = snprintf(digits, sizeof digits, "%" PRIu64, count);
    char *to = out;

    for (int i = 0; i < digit_count; i++) {
        if (i > 0 && (digit_count - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = '\0';
    return out;
}

const char *gcr_format_bytes(char out[32], uint64_t bytes)
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    const double rounds_up = 1023.95; /* "%.1f" makes 1024.0 of it */
    double value = (double)bytes / 1024;
    int unit = 0;

    if (bytes < 1024) {
        snprintf(out, 32, "%" PRIu64 " B", bytes);
        return out;
    }
    for (; value >= rounds_up; value /= 1024)
        unit++;
    snprintf(out, 32, "%.1f %s", value, units[unit]);
    return out;
}

const char *gcr_format_seconds(char out[32], double seconds)
{
    const double bounded = seconds > 0 ? fmin(seconds, 1e15) : 0; /* NaN is 0 too */
    const int64_t whole = llround(bounded);

    if (bounded == 0)
        snprintf(out, 32, "0 s");
    else if (bounded < 0.9995e-3)
        snprintf(out, 32, "%.3g us", bounded * 1e6);
    else if (bounded < 0.9995)
        snprintf(out, 32, "%.3g ms", bounded * 1e3);
    else if (bounded < 59.95)
        snprintf(out, 32, "%.3g s", bounded);
    else if (whole < 3600)
        snprintf(out, 32, "%" PRId64 " min %02" PRId64 " s", whole / 60, whole % 60);
    else
        snprintf(out, 32, "%" PRId64 " h %02" PRId64 " min", whole / 3600, whole / 60 % 60);
    return out;
}

const char *gcr_plural(uint64_t count)
{
    return count == 1 ? "" : "s";
}

const char *gcr_format_mark(char out[GCR_MARK_BYTES], gcr_mark mark)
{
    const int source_max = GCR_MARK_BYTES - 32; /* leaves room for the numbers */

    if (mark.source == NULL)
        out[0] = '\0';
    else if (mark.line > 0)
        snprintf(out, GCR_MARK_BYTES, "%.*s:%d:%d: ", source_max, mark.source, mark.line,
                 mark.column);
    else
        snprintf(out, GCR_MARK_BYTES, "%.*s: ", source_max, mark.source);
    return out;
}

gcr_status gcr_text_copy(char **out, const char *text, size_t bytes)
{
    gcr_status status = GCR_OK;
    char *copy = malloc(bytes + 1);

    *out = NULL;
    if (copy == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a text of %zu bytes", bytes);
    if (bytes > 0)
        memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    *out = copy;
out:
    return status;
}

gcr_status gcr_text_format(char **out, const char *format, ...)
{
    gcr_status status = GCR_OK;
    va_list args;
    int length;

    va_start(args, format);
    length = vasprintf(out, format, args);
    va_end(args);
    if (length < 0) {
        *out = NULL; /* vasprintf leaves it undefined */
        GCR_FAIL(GCR_ENOMEM, "no memory for a text");
    }
out:
    return status;
}

void gcr_put_csv_text(FILE *stream, const char *text)
{
    const size_t bytes = strlen(text);
    const int is_plain =
        bytes > 0 && strpbrk(text, ",\"\r\n") == NULL && text[0] != ' ' && text[bytes - 1] != ' ';

    if (is_plain) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}
