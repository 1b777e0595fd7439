/*
 * results/utf8_text.h -- names of others as text that every reader accepts.
 *
 * A dataset without a key is called as its file, and a file may have any name (keys in tables are
 * UTF-8: data/ sees to it). HDF5 files and their readers want UTF-8, so a byte that is none is
 * written as \xNN: other names stay other names, and no byte is lost.
 */
#ifndef GCR_RESULTS_UTF8_TEXT_H
#define GCR_RESULTS_UTF8_TEXT_H

#include "gridcrunch/status.h"

/* `text` itself where it is valid, else a copy with \xNN in place of each stray byte. Give it back
 * with gcr_utf8_release(). GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_utf8_text(const char **out, const char *text);
void gcr_utf8_release(const char *out, const char *text);

#endif /* GCR_RESULTS_UTF8_TEXT_H */
