/* base/text_file.h -- files of this source that the library carries as text, so that
 * what is compiled while it runs cannot be of another version. See cmake/embed.cmake. */
#ifndef GCR_BASE_TEXT_FILE_H
#define GCR_BASE_TEXT_FILE_H

#include <stddef.h>

typedef struct gcr_text_file {
    const char *path; /* as an include names it: "gridcrunch/kernel.h"; NULL behind the last */
    const char *text; /* terminated */
    size_t bytes;
} gcr_text_file;

#endif /* GCR_BASE_TEXT_FILE_H */
