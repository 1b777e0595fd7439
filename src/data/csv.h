/*
 * data/csv.h -- a reader for comma-separated text as it is found, not only as RFC 4180 has it.
 *
 * Fields may be quoted and then hold delimiters, line ends and doubled quotes; lines end in LF,
 * CRLF or CR; a UTF-8 byte order mark is passed over; the last line may lack its end; blank lines
 * are no records. The file is read in blocks through read(2), never mapped: one road for files,
 * pipes and /dev/stdin, memory for one record instead of one file, and a file that is cut short
 * underneath us is a short read instead of a SIGBUS.
 */
#ifndef GCR_DATA_CSV_H
#define GCR_DATA_CSV_H

#include "gridcrunch/status.h"

#include <stdint.h>

enum {
    GCR_CSV_RECORD_MAX = 64 << 20, /* bytes; a longer line is not a table             */
    GCR_CSV_SPARE = 8,             /* bytes that may be read behind the end of a field */
};

/* A field without its quotes, doubled quotes made single. Not terminated. */
typedef struct gcr_csv_field {
    const char *text;
    uint32_t bytes;
    uint8_t is_quoted;
    uint8_t has_doubled; /* private to the reader */
} gcr_csv_field;

typedef struct gcr_csv_record {
    const gcr_csv_field *fields; /* [count] valid until the next record */
    int count;                   /* 0: the file is at its end           */
    uint64_t line;               /* where the record begins, from 1     */
} gcr_csv_record;

typedef struct gcr_csv gcr_csv;

/*
 * `path` is borrowed until close: it is the name in all sentences. `delimiter` 0: a tab if the name
 * ends in .tsv or .tab, else a comma. GCR_EUNREADABLE: not there, not allowed, a folder.
 * GCR_EFORMAT: empty, or not text. GCR_ENOMEM.
 */
GCR_MUST_CHECK gcr_status gcr_csv_open(gcr_csv **out, const char *path, char delimiter);

/* NULL is allowed. */
void gcr_csv_close(gcr_csv *csv);

/* Reads the next record. GCR_EFORMAT, with line and field: a quote that is never closed, text after
 * a closing quote, a zero byte, a record over GCR_CSV_RECORD_MAX. GCR_EUNREADABLE, GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_csv_next(gcr_csv_record *out, gcr_csv *csv);

#endif /* GCR_DATA_CSV_H */
