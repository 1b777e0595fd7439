/*
 * cli/run_ranks.h -- the ranks that a command runs on: all that were started together, or those
 * that its --ranks names, while the others wait for their end.
 */
#ifndef GCR_CLI_RUN_RANKS_H
#define GCR_CLI_RUN_RANKS_H

#include "gridcrunch/ranks.h"

typedef struct gcr_ranks {
    gcr_comm *all;
    gcr_comm *selected; /* NULL: on ranks that are not                       */
    int first;          /* the first of those that are, as all count it      */
} gcr_ranks;

/* What is wrong with the words of a command is wrong with those of each rank. Until all have been
 * looked at only the first that was started is heard, and on others what is printed goes
 * nowhere. */
void gcr_ranks_hush(void);
void gcr_ranks_speak(void);

/* `list`: "1,2" or "0-3,6"; NULL: all of them. GCR_EINVAL; failures of gcr_comm_open(). Collective;
 * the caller closes it. */
GCR_MUST_CHECK gcr_status gcr_ranks_open(gcr_ranks *out, const char *list);
void gcr_ranks_close(gcr_ranks *ranks);

/* True on the first of the selected ranks; where none could be selected, of all. */
int gcr_ranks_lead(const gcr_ranks *ranks);

/* True after a node was lost (gcr_comm_lose_node()): each rank then leaves with what it has
 * itself. */
int gcr_ranks_are_broken(const gcr_ranks *ranks);

/* Collective. All ranks leave with what the selected ones say, and the exit code of their first;
 * where the comm is broken, or breaks now, with what they have themselves. */
GCR_MUST_CHECK gcr_status gcr_ranks_end(gcr_ranks *ranks, gcr_status mine, int *exit_code);

#endif /* GCR_CLI_RUN_RANKS_H */
