/*
 * base/text.h -- small things with words and numbers that several rooms need.
 */
#ifndef GCR_BASE_TEXT_H
#define GCR_BASE_TEXT_H

#include "gridcrunch/job.h"
#include "gridcrunch/status.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The candidate nearest to `word` by edit distance (a swap of neighbours counts as one), or NULL
 * if none is near enough to be a likely slip. */
const char *gcr_nearest_word(const char *word, const char *const *candidates, int count);

/* Completes a sentence about a wrong word: " (did you mean 'noise'?)", or, when nothing is near,
 * " (known: a, b, c)" while that is short, or "". Writes at most `bytes`, always terminated. */
void gcr_suggest(char *out, size_t bytes, const char *word, const char *const *candidates,
                 int count);

/* Reads all of `text` (`bytes` of it, not terminated) as a decimal number, independent of the
 * locale; leading and trailing blanks are allowed; "1e-3", ".5", "-2", "inf", "nan" are numbers.
 * False if it is anything else. */
int gcr_parse_number(double *out, const char *text, size_t bytes);

/* The same, faster, of text behind whose end GCR_NUMBER_SPARE bytes more may be read. */
enum { GCR_NUMBER_SPARE = 8 };
int gcr_parse_padded_number(double *out, const char *text, size_t bytes);

/* "1,234,567": digits in groups of three. Returns `out`. */
const char *gcr_format_count(char out[32], uint64_t count);

/* "88 B", "1.4 MiB". Returns `out`. */
const char *gcr_format_bytes(char out[32], uint64_t bytes);

/* "850 ms", "2.41 s", "3 min 20 s", "5 h 02 min". Returns `out`. */
const char *gcr_format_seconds(char out[32], double seconds);

/* The end of "3 rows" and of "1 row": "s" or "". */
const char *gcr_plural(uint64_t count);

/* The shortest decimal text that reads back as exactly `value`. Returns `out`. */
const char *gcr_format_number(char out[32], double value);

/* `text` as a field of CSV, quoted where RFC 4180 asks for it and where a reader might take the
 * text for something else: blanks at its ends, or nothing at all, which is a missing value. */
void gcr_put_csv_text(FILE *stream, const char *text);

enum { GCR_MARK_BYTES = 512 };

/* What a sentence about the job begins with: "fertility.yaml:7:3: ", "--set grid.noise: ", or ""
 * where the mark has no source. Returns `out`. */
const char *gcr_format_mark(char out[GCR_MARK_BYTES], gcr_mark mark);

/* A copy of the first `bytes` of `text`, terminated. The caller frees it. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_text_copy(char **out, const char *text, size_t bytes);

/* printf into fresh memory. The caller frees it. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_text_format(char **out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif /* GCR_BASE_TEXT_H */
