/*
 * exec/dealing.h -- the cells of a run on their way to its workers, over all ranks.
 *
 * Each group (the workers of a kind, or all) has a schedule, which stands in memory that the ranks
 * of a node share. Where several nodes compute and cells are dealt as they go, rank 0 keeps a desk
 * for each group, and the leader of a node sees to it that its schedules never run dry: it asks and
 * is answered by messages, both from the thread that does not compute.
 */
#ifndef GCR_EXEC_DEALING_H
#define GCR_EXEC_DEALING_H

#include "comm/comm.h"
#include "exec/desk.h"
#include "exec/run_private.h"

/* One group of one node: what is asked of the desk, and what it answers. */
typedef struct gcr_dealing_ask {
    uint64_t group;
    gcr_desk_request request;
} gcr_dealing_ask;

typedef struct gcr_dealing_answer {
    uint64_t group;
    gcr_desk_grant grant;
} gcr_dealing_answer;

typedef struct gcr_dealing_group {
    gcr_schedule *schedule;
    int is_fed;
    gcr_supply supply; /* a leader's, if the schedule is fed */
    gcr_send *ask_sent;
    gcr_desk *desk;          /* rank 0's, if schedules are fed ... */
    gcr_send **answers_sent; /* ... [node_count]                   */
} gcr_dealing_group;

typedef struct gcr_dealing {
    const gcr_run *run;
    gcr_shared memory; /* of the schedules */
    gcr_dealing_group groups[GCR_CREW_KINDS_MAX];
    uint64_t asked; /* how often this node did */
} gcr_dealing;

/* What the schedule of a group is made from. *weights_out is freed with gcr_memory_destroy(), after
 * the schedule has been made. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_dealing_describe(gcr_schedule_spec *out, double **weights_out,
                                               const gcr_run *run, int group);

/* Collective. The clock begins at `now`. GCR_ENOMEM. The caller closes it. */
GCR_MUST_CHECK gcr_status gcr_dealing_open(gcr_dealing *out, const gcr_run *run, double now);
void gcr_dealing_close(gcr_dealing *dealing);

/* Of a leader: asks for what runs short. Often. */
GCR_MUST_CHECK gcr_status gcr_dealing_look(gcr_dealing *dealing, double now);

/* Of a leader: for how many seconds nothing will run short, as far as is known. */
double gcr_dealing_rest(const gcr_dealing *dealing, double now);

/* A message has come: of GCR_TAG_ASK or GCR_TAG_ANSWER. GCR_EIO: of another, or it says what cannot
 * be. */
GCR_MUST_CHECK gcr_status gcr_dealing_take(gcr_dealing *dealing, const gcr_message *message,
                                           double now);

/* Waits until all that was sent has been looked for: after the last look of this rank, and before
 * that of those that it was sent to. */
GCR_MUST_CHECK gcr_status gcr_dealing_settle(gcr_dealing *dealing);

/* Workers of the node are dealt nothing any more. */
void gcr_dealing_stop(gcr_dealing *dealing);

#endif /* GCR_EXEC_DEALING_H */
