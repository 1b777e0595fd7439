/*
 * exec/crew.h -- what the ranks of a run compute on: each opens devices of its own and tells the
 * others.
 *
 * From then on all ranks have one table, and what is decided from it (how many kinds there are,
 * whose which cells are, how large a batch is) is decided alike everywhere without a word. One rank
 * alone has the same table of itself.
 */
#ifndef GCR_EXEC_CREW_H
#define GCR_EXEC_CREW_H

#include "backend/backend.h"
#include "exec/saying.h"

enum { GCR_CREW_KINDS_MAX = 8, GCR_DEVICE_WORD_BYTES = 64 };

typedef struct gcr_crew_device {
    const char *kind;
    const char *word; /* "cuda:1", as its rank counts them */
    const char *name;
    double rate; /* operations per second, as cells are dealt by (split.h) */
    int workers; /* threads of its rank that drive it                      */
    int rank;
} gcr_crew_device;

/* What must be the same everywhere. */
typedef struct gcr_crew_work {
    uint64_t job;    /* a hash of what the job says                                */
    uint64_t kernel; /* a hash of the text of a kernel in a file; 0: it is in none */
    uint64_t dataset_count, live_count;
} gcr_crew_work;

typedef struct gcr_crew {
    const gcr_comm_info *comm;
    gcr_crew_device *devices; /* [device_count] those of rank 0 first, in the order of each rank */
    int device_count;
    const char *kinds[GCR_CREW_KINDS_MAX]; /* [kind_count] in the order of their first device */
    int kind_count;
    gcr_sayings sayings; /* private: what the texts of devices stand in */
} gcr_crew;

/* Collective. `mine` are the devices of this rank, without `rank`; texts are borrowed for the call.
 * GCR_EINVAL: ranks with different work. GCR_EUNSUPPORTED: more kinds than a run can have.
 * GCR_ENOMEM. The caller clears *out. */
GCR_MUST_CHECK gcr_status gcr_crew_create(gcr_crew *out, gcr_comm *comm, const gcr_crew_work *work,
                                          const gcr_crew_device *mine, int count);
void gcr_crew_clear(gcr_crew *crew);

/* The number of the kind with this name, which is there. */
int gcr_crew_find_kind(const gcr_crew *crew, const char *name);

/* Workers of a kind (-1: of any). They are numbered node by node, in a node rank by rank. */
typedef struct gcr_crew_workers {
    int all;
    int before_node;    /* of nodes before the caller's            */
    int of_node;        /* of the caller's                         */
    int before_in_node; /* of ranks of that before the caller's own */
} gcr_crew_workers;

gcr_crew_workers gcr_crew_count_workers(const gcr_crew *crew, int kind);

/* The same of one node. */
int gcr_crew_node_workers(const gcr_crew *crew, int kind, int node);

/* Operations per second of a kind (-1: of any), on all nodes or (node >= 0) on one. */
double gcr_crew_rate(const gcr_crew *crew, int kind, int node);

/* What each worker of a kind (-1: of any) is worth, as rates: weights[gcr_crew_workers.all]. */
void gcr_crew_weights(double *weights, const gcr_crew *crew, int kind);

#endif /* GCR_EXEC_CREW_H */
