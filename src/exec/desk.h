/*
 * exec/desk.h -- how nodes come by their positions: dynamic and guided schedules over several
 * nodes.
 *
 * Each node begins with an opening that every rank works out by itself, of a position for each of
 * its workers or more, so that no message is needed before the first cell. What no opening has lies
 * at the desk of rank 0. A node's leader asks for a grant before its node runs out, and gets a
 * share of what is left there by predicted cost: half of what were fair to it by its rate, so that
 * the last grants are small. The front goes first, where positions are dearest: with costs
 * declared, what begins last is cheap; with costs that nobody knew, a node that was unlucky is late
 * by about its last, small grant.
 *
 * The rate of a node is what it was predicted to be until it has been measured, and then the median
 * of its last measurements, so that one odd cell is no change of speed.
 *
 * All of this is state machines without clocks and messages: they are told what time it is, and
 * somebody else carries requests and grants. The simulator (exec/simulate.h) is one who does.
 */
#ifndef GCR_EXEC_DESK_H
#define GCR_EXEC_DESK_H

#include "exec/schedule.h"

/* The same on every rank. */
typedef struct gcr_desk_spec {
    gcr_span span;          /* all positions that are dealt                                      */
    uint64_t live_count;    /* positions per dataset, > 0                                        */
    const gcr_costs *costs; /* borrowed until destroy; NULL: each position costs 1               */
    int nodes;              /* >= 1                                                              */
    const double *weights;  /* [nodes] predicted rates in any unit, some > 0; borrowed for calls */
    const int *workers;     /* [nodes] of each; borrowed for calls                               */
} gcr_desk_spec;

/* True where nodes are fed: cells are dealt as they go, over several of them. */
int gcr_desk_feeds(gcr_schedule_form form, int nodes);

/* What `node` begins with: all, where it is the only one. Fed schedules are created with it. */
gcr_span gcr_desk_opening(const gcr_desk_spec *spec, int node);

/* Those of all nodes, in out[nodes]. */
void gcr_desk_openings(gcr_span *out, const gcr_desk_spec *spec);

/* One node, as its schedule has it. */
typedef struct gcr_desk_node {
    gcr_span opening;                       /* where nodes are fed                     */
    uint64_t batch;                         /* as of gcr_schedule_spec, and so are ... */
    int workers, first_worker, all_workers; /* ... these                               */

    /* Of all nodes. One alone balances what it has at no cost, and keeps to its datasets better
     * where its workers begin with blocks: it is told no costs. */
    int ranks;
} gcr_desk_node;

/* What its schedule is made from, for a run and for who simulates one; weights are the caller's to
 * add. */
gcr_schedule_spec gcr_desk_schedule(const gcr_desk_spec *spec, gcr_schedule_form form,
                                    const gcr_desk_node *node);

/* ---- rank 0's -------------------------------------------------------------------------------- */

typedef struct gcr_desk gcr_desk;

/* Of a node that asks for more. */
typedef struct gcr_desk_request {
    uint64_t least;       /* positions that give each of its workers a batch       */
    double cost, seconds; /* what it has finished since its last request, and how long that took */
} gcr_desk_request;

typedef struct gcr_desk_grant {
    gcr_span span;    /* may be empty                         */
    uint64_t is_last; /* true: there is no use in asking again */
} gcr_desk_grant;

/* Has what no node begins with. GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_desk_create(gcr_desk **out, const gcr_desk_spec *spec);
void gcr_desk_destroy(gcr_desk *desk);

/* What arrives is looked at before it is believed: false if no node asks so. */
int gcr_desk_request_fits(const gcr_desk_request *request);

gcr_desk_grant gcr_desk_take(gcr_desk *desk, int node, const gcr_desk_request *request);

/* ---- a leader's ------------------------------------------------------------------------------ */

/* What a leader knows of its node's supply. */
typedef struct gcr_supply {
    double granted;               /* cost, the opening's included             */
    double finished, since;       /* cost, when a rate was told last, and when */
    double rate;                  /* the one that was told last               */
    double asked;                 /* when it asked what is not answered yet   */
    double round_trip;            /* seconds that an answer takes, the longest lately */
    double next_look;             /* before, the schedule is not looked at unless it is low */
    gcr_desk_grant held;          /* what its stock had no room for           */
    int is_waiting, is_exhausted; /* for an answer; what is last has come    */
} gcr_supply;

/* The leader looks no more often than this. */
#define GCR_SUPPLY_LOOK_SECONDS 100e-6

void gcr_supply_open(gcr_supply *out, const gcr_costs *costs, gcr_span opening, double now);

/* True when the leader is to send *out to the desk now. Asked as often as the leader looks for
 * messages. */
int gcr_supply_look(gcr_supply *supply, gcr_schedule *schedule, double now, gcr_desk_request *out);

/* For how many seconds the leader need not look: 0 while it waits for an answer, infinity while
 * there is nothing to ask for. Workers may turn out to be faster, so it is no harm to look earlier,
 * too. */
double gcr_supply_rest(const gcr_supply *supply, double now);

/* False if it is no answer to what was asked, where there are these positions. */
int gcr_supply_grant_fits(const gcr_supply *supply, gcr_span all, const gcr_desk_grant *grant);

/* The answer has come. */
void gcr_supply_put(gcr_supply *supply, gcr_schedule *schedule, const gcr_costs *costs,
                    const gcr_desk_grant *grant, double now);

#endif /* GCR_EXEC_DESK_H */
