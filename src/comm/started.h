/* comm/started.h -- what has started this process, as its environment says. */
#ifndef GCR_COMM_STARTED_H
#define GCR_COMM_STARTED_H

#include "gridcrunch/status.h"

typedef struct gcr_started {
    const char *by; /* "mpirun", "srun"; NULL: nothing that starts several */
    int size;       /* processes; 0: not told                              */
} gcr_started;

/* GCR_EUNSUPPORTED: one of several tasks of srun that have no way to each other. GCR_EINVAL: a
 * variable has no such value. */
GCR_MUST_CHECK gcr_status gcr_started_read(gcr_started *out);

/* True where there is nobody else. */
int gcr_started_is_alone(const gcr_started *started);

/* True where mpirun or srun has started this process, be it alone or not, and whatever
 * GRIDCRUNCH_MPI says: what it prints goes through them. */
int gcr_started_by_launcher(void);

/* True where mpirun or srun says that this process is not the first of those that it has started
 * together, whatever else they say. */
int gcr_started_behind_first(void);

/* "started by mpirun as one of 4 ranks". Returns `out`. */
const char *gcr_started_describe(char out[96], const gcr_started *started);

#endif /* GCR_COMM_STARTED_H */
