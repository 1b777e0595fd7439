/* base/utf8.h -- what is UTF-8: no longer spellings, no surrogates, nothing beyond U+10FFFF. */
#ifndef GCR_BASE_UTF8_H
#define GCR_BASE_UTF8_H

#include <stddef.h>

/* Bytes of the character that the `bytes` (>= 1) of `text` begin with; 0: they begin with none. */
size_t gcr_utf8_character(const char *text, size_t bytes);

int gcr_utf8_is_valid(const char *text, size_t bytes);

#endif /* GCR_BASE_UTF8_H */
