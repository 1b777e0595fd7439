/* data/place.h -- where in the job something was written, for the front of a sentence. */
#ifndef GCR_DATA_PLACE_H
#define GCR_DATA_PLACE_H

#include "gridcrunch/job.h"

#include <stdio.h>

enum { GCR_PLACE_BYTES = 512 };

/* "fertility.yaml:7:3: ", "--set data.key: ", or "" where the job did not come from text. */
static inline const char *gcr_place_text(char out[GCR_PLACE_BYTES], const gcr_mark *mark)
{
    out[0] = '\0';
    if (mark != NULL && mark->source != NULL && mark->line > 0)
        snprintf(out, GCR_PLACE_BYTES, "%s:%d:%d: ", mark->source, mark->line, mark->column);
    else if (mark != NULL && mark->source != NULL)
        snprintf(out, GCR_PLACE_BYTES, "%s: ", mark->source);
    return out;
}

#endif /* GCR_DATA_PLACE_H */
