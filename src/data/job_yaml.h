/* data/job_yaml.h -- YAML text into a tree of nodes. The only file that includes <yaml.h> is the
 * .c beside this one. */
#ifndef GCR_DATA_JOB_YAML_H
#define GCR_DATA_JOB_YAML_H

#include "data/job_node.h"

enum { GCR_YAML_BYTES_MAX = 1 << 20 };

/*
 * Reads the one document in `text` (`bytes` of it, UTF-8). `source` stands in every mark and is
 * borrowed by the nodes. No document at all gives an absent node. The caller destroys *out.
 * GCR_EFORMAT: not YAML, not text, too large or too deep, a second document, an anchor, alias or
 * tag. GCR_EINVAL: a key given twice, empty, or not text.
 */
GCR_MUST_CHECK gcr_status gcr_yaml_read(gcr_node **out, const char *source, const char *text,
                                        size_t bytes);

#endif /* GCR_DATA_JOB_YAML_H */
