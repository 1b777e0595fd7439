/*
 * exec/map.h -- who has which CPUs and which GPUs.
 *
 * Ranks of a node see the same CPUs and mostly the same GPUs, each under numbers of its own
 * (CUDA_VISIBLE_DEVICES, Slurm), so a local number says nothing. What each sees is gathered, and
 * every rank finds out by the same function of these facts what is whose: GPUs by their UUIDs, each
 * to one rank, near CPUs of it where that can be, as many to one rank as to another; more ranks
 * than GPUs share them. Ranks with one affinity mask divide its CPUs; one that is bound to CPUs of
 * its own keeps them. A mapping that costs time is a warning, never refused: the person may know
 * why.
 */
#ifndef GCR_EXEC_MAP_H
#define GCR_EXEC_MAP_H

#include "backend/backend.h"
#include "base/cpus.h"
#include "comm/comm.h"
#include "exec/job_device.h"
#include "exec/saying.h"

enum { GCR_MAP_LABEL_BYTES = 24, GCR_MAP_PCI_BYTES = 40 };

/* A GPU as a rank sees it. */
typedef struct gcr_map_gpu {
    gcr_device_identity identity;
    char label[GCR_MAP_LABEL_BYTES]; /* "cuda:0", as this rank calls it           */
    int memory;                      /* the node of memory that it is at; -1: not known */
    int near_cpus;                   /* of the rank's, that are there; -1: not known */
} gcr_map_gpu;

/* What a rank says of itself. */
typedef struct gcr_map_facts {
    gcr_cpus cpus;             /* that it may use           */
    int machine_cpus;          /* that its machine has      */
    gcr_device_identity cores; /* what they are; no name: they are no device that it may use */
    int threads;               /* that it is told to have; 0: its part of the CPUs */
    int gpu_count;
    gcr_map_gpu gpus[GCR_DEVICES_MAX];
} gcr_map_facts;

/* What it has. */
typedef struct gcr_map_share {
    int threads;
    int gpu_count;
    uint8_t gpus[GCR_DEVICES_MAX]; /* their places in its facts, in order */
} gcr_map_share;

/* The shares[count] of the ranks of one node, whose facts[count] are in the order of their ranks.
 * GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_map_deal(gcr_map_share *shares, const gcr_map_facts *const *facts,
                                       int count);

typedef struct gcr_map gcr_map;

/* *Collective.* `devices` are those that this rank may use, `threads` how many it is told to have,
 * or 0; what is no piece of hardware of its own (its CPUs) stays its own. GCR_ENOMEM, GCR_EDEVICE:
 * a GPU does not say which it is. */
GCR_MUST_CHECK gcr_status gcr_map_create(gcr_map **out, gcr_comm *comm,
                                         const gcr_device_list *devices, int threads);

/* NULL is allowed. */
void gcr_map_destroy(gcr_map *map);

/* What this rank has, of `devices`, in their order. */
const gcr_device_list *gcr_map_devices(const gcr_map *map);
int gcr_map_threads(const gcr_map *map);

/* How many ranks have the piece of hardware that this one calls `label`, "cuda:0": itself, at
 * least. */
int gcr_map_sharers(const gcr_map *map, const char *label);

/* Of any rank. What it says is kept in fewer bytes than facts have. */
void gcr_map_facts_get(gcr_map_facts *out, const gcr_map *map, int rank);
const gcr_map_share *gcr_map_share_of(const gcr_map *map, int rank);

/* What costs time in this mapping: one line each, of one node or of several that are alike. */
int gcr_map_warning_count(const gcr_map *map);
const char *gcr_map_warning(const gcr_map *map, int index);

/* What a rank computes on: the names of its GPUs, each once; without any "AMD EPYC, v4", the
 * processor and its code path. */
void gcr_map_kind(char *out, size_t bytes, const gcr_map *map, int rank);

/* "rank 3 on n1: 4 threads on CPUs 12-15 (AMD EPYC), cuda:1 NVIDIA H200 near". */
void gcr_map_line(char *out, size_t bytes, const gcr_map *map, int rank);

/* "0000:3b:00", as tools write it. Returns `out`. */
const char *gcr_map_pci(char out[GCR_MAP_PCI_BYTES], const gcr_device_identity *identity);

/* "near", "far", or "" where it is not known. */
const char *gcr_map_nearness(const gcr_map_gpu *gpu);

#endif /* GCR_EXEC_MAP_H */
