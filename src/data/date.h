/*
 * data/date.h -- dates as numbers: days since 1970-01-01, with the time of day as a fraction.
 */
#ifndef GCR_DATA_DATE_H
#define GCR_DATA_DATE_H

#include <stddef.h>

/*
 * Reads all of `text` (`bytes` of it, not terminated) by `format`, in the words of strptime and,
 * for names of months and days, in English. What the format does not say is 1970, January, the 1st,
 * midnight, UTC. False if the text is anything else or names a day that does not exist, such as
 * 30 February.
 */
int gcr_date_parse(double *out, const char *text, size_t bytes, const char *format);

#endif /* GCR_DATA_DATE_H */
