/*
 * exec/topology.h -- which CPUs of this machine are near a piece of hardware.
 *
 * Of hwloc (topology_hwloc.c), where the build has it; without it nothing is known
 * (topology_none.c).
 */
#ifndef GCR_EXEC_TOPOLOGY_H
#define GCR_EXEC_TOPOLOGY_H

#include "backend/backend.h"
#include "base/cpus.h"

typedef struct gcr_topology gcr_topology;

/* *out is NULL where nothing can be known of this machine. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_topology_open(gcr_topology **out);

/* NULL is allowed. */
void gcr_topology_close(gcr_topology *topology);

/* The CPUs that share a node of memory with what is at that address, and the number of that node
 * (-1: it has none). False: not known. `topology` may be NULL. */
int gcr_topology_find(gcr_cpus *cpus_out, int *memory_out, const gcr_topology *topology,
                      const gcr_pci_address *at);

#endif /* GCR_EXEC_TOPOLOGY_H */
