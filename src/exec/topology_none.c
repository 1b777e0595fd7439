/* exec/topology_none.c -- topology.h without hwloc. */
#include "exec/topology.h"

gcr_status gcr_topology_open(gcr_topology **out)
{
    *out = NULL;
    return GCR_OK;
}

void gcr_topology_close(gcr_topology *topology)
{
    (void)topology;
}

int gcr_topology_find(gcr_cpus *cpus_out, int *memory_out, const gcr_topology *topology,
                      const gcr_pci_address *at)
{
    (void)topology;
    (void)at;
    *cpus_out = (gcr_cpus){ 0 };
    *memory_out = -1;
    return 0;
}
