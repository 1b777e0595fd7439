/*
 * exec/run_private.h -- a run from inside: what run.c owns, plan_run.c decides and execute.c does.
 *
 * The room exec/ decides who computes which cells when and where data stands. It knows every room
 * below and no arithmetic: what happens inside a cell is the backend's business, what a result
 * means is results/'s.
 */
#ifndef GCR_EXEC_RUN_PRIVATE_H
#define GCR_EXEC_RUN_PRIVATE_H

#include "base/pool.h"
#include "exec/binding.h"
#include "exec/busy.h"
#include "exec/crew.h"
#include "exec/facts.h"
#include "exec/gather_way.h"
#include "exec/job_device.h"
#include "exec/map.h"
#include "exec/pipeline.h"
#include "exec/share_data.h"
#include "exec/split.h"
#include "exec/spread.h"
#include "grid/points.h"
#include "results/gate.h"
#include "results/outcome.h"

#include "gridcrunch/run.h"

#include <stdatomic.h>

typedef enum gcr_run_phase {
    GCR_PHASE_PLANNED,
    GCR_PHASE_EXECUTING,
    GCR_PHASE_ENDED,
} gcr_run_phase;

enum { GCR_RUN_DEVICES_MAX = GCR_DEVICES_MAX };

/* What decides bits, and what of the run depends on it: the unit is one of the kind's. */
typedef struct gcr_kind {
    char name[GCR_KIND_BYTES];
    int number;          /* of all ranks' kinds                          */
    gcr_binding binding; /* points into itself, and so stays where it is */
} gcr_kind;

/* Workers that deal positions among themselves: those of a kind, or all; of all ranks. */
typedef struct gcr_group {
    gcr_span span;             /* of all positions of the plan, the group's */
    int first_worker, workers; /* of this rank's, its own                  */
    gcr_crew_workers crew;
    uint64_t batch; /* positions of the longest batch of any device of it, on all ranks */
} gcr_group;

typedef struct gcr_run_device {
    gcr_device *device;
    char word[GCR_DEVICE_WORD_BYTES]; /* "cuda:1" */
    int kind, group;
    int sharers;                      /* ranks that have the same piece of hardware, this one too */
    int first_worker, workers;        /* of all workers of this rank, its own */
    uint64_t batch_least, batch_most; /* cells */
    uint64_t scratch_bytes;           /* of its memory, that a cell needs beside its dataset */
    gcr_span block;                   /* positions that it begins with, about          */
    gcr_device_plan plan;
} gcr_run_device;

/* How an execution that was started ended. */
typedef struct gcr_run_end {
    gcr_status status;
    char sentence[1024];
} gcr_run_end;

struct gcr_run {
    gcr_run_spec spec;
    atomic_int is_cancelled;
    atomic_int phase; /* gcr_run_phase */
    gcr_gate *gate;   /* a key per dataset */
    gcr_points *points;
    gcr_comm *comm;        /* the spec's, or ... */
    gcr_comm *alone;       /* ... its own        */
    gcr_map *map;          /* what is whose; NULL: there is one rank               */
    gcr_gather_way gather; /* how results come from other ranks                   */
    gcr_bridge *bridge;    /* by this; NULL: by the hosts                         */
    gcr_spread spread;     /* datasets that go by it first                        */
    gcr_crew crew;         /* what all ranks have; what follows is this rank's */
    gcr_kind *kinds[GCR_CREW_KINDS_MAX];
    gcr_run_device devices[GCR_RUN_DEVICES_MAX]; /* those of a kind side by side */
    int kind_count, device_count;
    gcr_group groups[GCR_CREW_KINDS_MAX]; /* by the crew's kinds */
    int group_count;
    int steals_between_kinds;   /* one group for all of them */
    char left_out[512];         /* a device that was found and is not used, and why; "": none */
    char left_out_why[448];     /* the reason alone */
    const gcr_binding *binding; /* of the first device, for what is the same for each */
    gcr_plan *plan;
    gcr_costs *costs; /* of stretches of the plan */
    double silence;   /* seconds, after which a node is lost; rank 0's */
    int lost_node;    /* the first; -1: none */
    int threads;      /* of the CPU            */
    int workers;      /* of all devices here   */
    gcr_schedule_form schedule_form;
    uint64_t cell_bytes; /* of the outputs and states of one cell */
    int has_blocks;      /* points are so many that cuts between kinds fall on edges of blocks */
    int by_blocks;       /* cells have no slots, and are dealt by blocks of points */
    uint64_t positions;  /* of the schedule, for each dataset */

    gcr_shared node_slots; /* where slots stand that several ranks write; base NULL: one rank */
    gcr_slots *slots;
    gcr_summaries *summaries;
    gcr_progress progress;
    gcr_pipeline_progress *worker_progress; /* [workers] may be looked at until destroy */
    gcr_in_flight failed_at;    /* what the first that failed was at; thread 0: nothing */
    gcr_ledger ledger;          /* of all devices                 */
    gcr_gather_ledger gathered; /* of results of other ranks      */
    gcr_data_ledger data;       /* of datasets; zeroed: not known */
    gcr_rank_work *work;        /* [ranks] NULL: not known        */
    gcr_busy busy;              /* of them together               */
    gcr_run_ending ending;
    gcr_facts facts;
    gcr_results results;

    gcr_pool *starter; /* the one thread of gcr_run_start() */
    gcr_run_end end;   /* of that                           */

    double *trial_values; /* of gcr_run_try() */
};

/* gcr_run_create() with other backends than those of this build: a list that ends with NULL. */
GCR_MUST_CHECK gcr_status gcr_run_create_on(gcr_run **out, const gcr_run_spec *spec,
                                            const gcr_backend *const *backends);

/* Opens the devices that the job names, or those that `auto` chooses (Collective), tells their
 * kinds apart and binds the job to each kind. The run has its points. Failures as of
 * gcr_run_create(); what is open is closed by ... */
GCR_MUST_CHECK gcr_status gcr_run_open_devices(gcr_run *run, const gcr_backend *const *backends);
void gcr_run_close_devices(gcr_run *run);

/* Collective, behind gcr_run_join_crew(), which it does again: where devices are left to choose,
 * closes those of kinds that are too slow beside what all ranks have. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_leave_out_slow(gcr_run *run);

/* Operations per second of a device: what cells are dealt by (split.h). */
double gcr_run_device_rate(const gcr_run *run, int device);

/* Collective. Where there are several ranks, finds out which devices and how many threads are this
 * one's. Failures as of gcr_map_create(), and of gcr_job_device_list(). */
GCR_MUST_CHECK gcr_status gcr_run_deal_devices(gcr_run *run, const gcr_backend *const *backends);

/* Collective. Tells the other ranks what this one computes on and with, and learns it of them.
 * Failures as of gcr_crew_create(). */
GCR_MUST_CHECK gcr_status gcr_run_join_crew(gcr_run *run);

/* Fills in gcr_run_device.block and .plan of each device: plan_devices.c. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_run_plan_devices(gcr_run *run);

/* Then, where datasets are to be spread: corrects what goes up to the device of the bridge. */
void gcr_run_plan_spread(gcr_run *run);

/* Places of the plan, with whose datasets a device begins; count 0: with none. */
gcr_span gcr_run_places_of(const gcr_run *run, const gcr_run_device *device);

/* Makes the run's ledger the sum of its devices', whose queues are closed. */
void gcr_run_add_ledgers(gcr_run *run);

/* Collective. Makes it the sum of all ranks' ledgers, and learns what each has done. GCR_ENOMEM: it
 * stays this rank's own, and of the others nothing is known. */
GCR_MUST_CHECK gcr_status gcr_run_gather_ledgers(gcr_run *run);

/* Of a run that has a bridge: which of its devices has it. */
int gcr_run_bridge_device(const gcr_run *run);

/* Where the bridge broke before there were results: they go by the hosts, and why is said. */
void gcr_run_lose_bridge(gcr_run *run, const char *why);

/* Decides all that can be decided from sizes, in three steps: groups and batches; collectively, the
 * longest batch of each group; and with these the plan. The run has its points, devices and crew.
 * GCR_EUNSUPPORTED, GCR_EOVERFLOW, GCR_ENOMEM. */
void gcr_run_decide_batches(gcr_run *run);
GCR_MUST_CHECK gcr_status gcr_run_agree_on_batches(gcr_run *run);
GCR_MUST_CHECK gcr_status gcr_run_decide_plan(gcr_run *run);

/* What summaries are made from; the run's slots may be still to come. */
gcr_summaries_spec gcr_run_summaries_spec(const gcr_run *run);

/* True when it has ended, and there are cells and summaries to show: not where it failed before. */
int gcr_run_has_cells(const gcr_run *run);

/* GCR_EINVAL: there is no such dataset. */
GCR_MUST_CHECK gcr_status gcr_run_check_dataset(const gcr_run *run, uint64_t dataset);

/* The cells themselves; NULL before execute. */
const gcr_slots *gcr_run_slots(const gcr_run *run);

#endif /* GCR_EXEC_RUN_PRIVATE_H */
