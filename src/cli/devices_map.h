/*
 * cli/devices_map.h -- what `gridcrunch devices --map` prints: who has which CPUs and which GPUs.
 */
#ifndef GCR_CLI_DEVICES_MAP_H
#define GCR_CLI_DEVICES_MAP_H

#include "gridcrunch/status.h"

/* *Collective*, over all ranks that were started together: rank 0 prints one table of all of them
 * on stdout, and on stderr what costs time in it; the others print nothing. */
GCR_MUST_CHECK gcr_status gcr_devices_map_print(int is_json);

#endif /* GCR_CLI_DEVICES_MAP_H */
