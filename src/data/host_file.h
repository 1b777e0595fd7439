/*
 * data/host_file.h -- lists of machines as people and schedulers write them.
 *
 * One machine in each line: [count*][user@]host[:port] [bind_address[:port]]. The count is how many
 * ranks the machine takes, 1 where there is none, or `auto`: as many as it has cores, which only
 * the machine itself knows. A machine that is named again takes so many more; what `srun hostname`
 * prints is such a list. A '#' begins a comment. Whatever else stands there is refused with its
 * line and column: a machine that is taken for another one is found out late and dearly.
 */
#ifndef GCR_DATA_HOST_FILE_H
#define GCR_DATA_HOST_FILE_H

#include "gridcrunch/status.h"

#include <stddef.h>

enum {
    GCR_HOST_FILE_BYTES_MAX = 1 << 20,
    GCR_HOST_RANKS_MAX = 1 << 20, /* of all machines */
    GCR_HOST_RANKS_AUTO = 0,
};

typedef struct gcr_host {
    char *name;
    int ranks; /* or GCR_HOST_RANKS_AUTO */
    int line;  /* that named it first, from 1 */
    /* What a login needs beside the name, and the address for the ranks to talk by; NULL: not
     * said. */
    char *user, *port, *bind_address;
} gcr_host;

/* Each machine once, in the order in which they are named first. */
typedef struct gcr_host_list {
    gcr_host **hosts; /* [count] */
    size_t count;
} gcr_host_list;

/* `source` is what sentences call the text. GCR_EINVAL, with the place: a line is none of these, or
 * there is none. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_host_list_parse(gcr_host_list *out, const char *source,
                                              const char *text, size_t bytes);

/* From a file; "-" is the standard input. GCR_EUNREADABLE, and as above. */
GCR_MUST_CHECK gcr_status gcr_host_list_read(gcr_host_list *out, const char *path);

void gcr_host_list_clear(gcr_host_list *list);

#endif /* GCR_DATA_HOST_FILE_H */
