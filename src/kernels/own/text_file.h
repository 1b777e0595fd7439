/* kernels/own/text_file.h -- files of this source that the library carries as text. */
#ifndef GCR_TEXT_FILE_H
#define GCR_TEXT_FILE_H

#include <stddef.h>

typedef struct gcr_text_file {
    const char *path; /* as an include names it: "gridcrunch/kernel.h"; NULL behind the last */
    const char *text; /* terminated */
    size_t bytes;
} gcr_text_file;

/* What a kernel is compiled with: kernel.h, the engine, and the files of this folder that describe
 * and check. Written by the build (cmake/embed.cmake), so that a kernel and the program that
 * loads it cannot be of different versions. */
extern const gcr_text_file gcr_engine_text[];

#endif /* GCR_TEXT_FILE_H */
