/*
 * data/npy.h -- the .npy format of NumPy, versions 1 to 3: a magic word, a header that is a Python
 * dictionary as text, and the numbers.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
#ifndef GCR_DATA_NPY_H
#define GCR_DATA_NPY_H

#include "data/array.h"

#include "gridcrunch/status.h"

enum { GCR_NPY_HEADER_MAX = 64 << 10 }; /* bytes; NumPy itself writes about a hundred */

/* What a file begins with that may hold such a header: magic word, version, length, header. */
enum { GCR_NPY_HEAD_MAX = 12 + GCR_NPY_HEADER_MAX };

/* Looks at the first `head_bytes` of a file of `file_bytes`: GCR_NPY_HEAD_MAX, or all where there
 * are less. The numbers begin at *offset; the array has no name. `where` is what sentences begin
 * with. GCR_EFORMAT: anything but f4, f8, i4, i8, little-endian, of one or two dimensions, with
 * exactly as many bytes as the header says. */
GCR_MUST_CHECK gcr_status gcr_npy_parse(gcr_array *out, uint64_t *offset, const char *where,
                                        const uint8_t *head, uint64_t head_bytes,
                                        uint64_t file_bytes);

#endif /* GCR_DATA_NPY_H */
