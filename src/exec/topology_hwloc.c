/* exec/topology_hwloc.c -- topology.h by hwloc, which is asked for what devices are attached to
 * alone: what else there is takes time to find. */
#include "exec/topology.h"

#include <hwloc.h>
#include <stdlib.h>

struct gcr_topology {
    hwloc_topology_t machine;
};

gcr_status gcr_topology_open(gcr_topology **out)
{
    static const hwloc_obj_type_t wanted[] = { HWLOC_OBJ_PACKAGE, HWLOC_OBJ_PCI_DEVICE };
    gcr_status status = GCR_OK;
    gcr_topology *topology = calloc(1, sizeof *topology);

    *out = NULL;
    if (topology == NULL || hwloc_topology_init(&topology->machine) != 0)
        GCR_FAIL(GCR_ENOMEM, "no memory for the topology of this machine");
    hwloc_topology_set_all_types_filter(topology->machine, HWLOC_TYPE_FILTER_KEEP_NONE);
    for (size_t t = 0; t < sizeof wanted / sizeof *wanted; t++)
        hwloc_topology_set_type_filter(topology->machine, wanted[t], HWLOC_TYPE_FILTER_KEEP_ALL);
    hwloc_topology_set_type_filter(topology->machine, HWLOC_OBJ_GROUP,
                                   HWLOC_TYPE_FILTER_KEEP_STRUCTURE);
    if (hwloc_topology_load(topology->machine) == 0) {
        *out = topology;
        topology = NULL; /* handed over */
    }
out:
    gcr_topology_close(topology);
    return status;
}

void gcr_topology_close(gcr_topology *topology)
{
    if (topology == NULL)
        return;
    if (topology->machine != NULL)
        hwloc_topology_destroy(topology->machine);
    free(topology);
}

static gcr_cpus cpus_of(hwloc_const_bitmap_t set)
{
    gcr_cpus cpus = { 0 };

    /* An infinite set ends where CPUs do. */
    for (int cpu = hwloc_bitmap_first(set); cpu >= 0 && cpu < GCR_CPUS_MAX;
         cpu = hwloc_bitmap_next(set, cpu))
        gcr_cpus_add(&cpus, cpu);
    return cpus;
}

int gcr_topology_find(gcr_cpus *cpus_out, int *memory_out, const gcr_topology *topology,
                      const gcr_pci_address *at)
{
    hwloc_obj_t object = NULL;

    *cpus_out = (gcr_cpus){ 0 };
    *memory_out = -1;
    if (topology != NULL)
        object = hwloc_get_pcidev_by_busid(topology->machine, (unsigned)at->domain,
                                           (unsigned)at->bus, (unsigned)at->device, 0);
    if (object == NULL)
        return 0;
    object = hwloc_get_non_io_ancestor_obj(topology->machine, object);
    *cpus_out = cpus_of(object->cpuset);
    *memory_out = hwloc_bitmap_first(object->nodeset);
    return 1;
}
