/*
 * exec/ending.h -- how the nodes of a run come to its end together: what a leader says to the
 * others, and when it may leave. No message is sent here, no clock is read and nothing is waited
 * for: watch.c does that.
 *
 * Rank 0, the *root*, speaks to the leaders of all other nodes, and each of them to the root alone:
 * they are one another's peers. A peer is told at most four words, in this order:
 *
 *   STOP   all are to stop. Whoever hears it, or has a wish of its own, tells its peers.
 *   FAIL   the same, as the run has failed; alone, or behind a STOP for another reason.
 *   CALL   of the root alone: all is here, and you? That it is taken is the answer.
 *   LAST   nothing comes from here any more: of a leader, its node has ended; of the root, all.
 *
 *   event                     at a leader                    at the root
 *   ------------------------  -----------------------------  -----------------------------------
 *   stop: a wish, or heard    STOP is due, unless LAST is    STOP is due to each peer, unless it
 *                             said                           was told something
 *   fail: the same            FAIL is due, unless LAST is    FAIL is due to each peer, unless it
 *                             said                           was told more than STOP
 *   done: all of its own is   LAST is due, behind these      CALL is due to each peer, behind
 *   sent                                                     these, if all are heard or lost
 *   LAST is heard             it may leave                   its sender has ended
 *   CALL is taken             (nothing)                      LAST is due to each peer, if all have
 *                                                            taken it or are lost
 *   a peer is lost            it may leave                   that one is told nothing, nor
 *                                                            waited for
 *   a word could not be said  it is still due                it is still due, to that one alone
 *
 * The root may leave when LAST is said to all who are not lost. Messages keep their order, so
 * whoever leaves has looked for all that was sent to it, and nothing is left over for the next run.
 *
 * CALL is for a node that is lost after it has ended, while others still compute or the root has
 * not missed it yet: the others would be told that all is well, and wait for it where all ranks
 * meet. So LAST, which says whether a node is lost, is only said when each was there after the end.
 * One that is lost between the two is not found so; that is a moment, and the meeting has a limit.
 *
 * Whoever stops a node puts it down before the node's work ends. Who finds that this is done and
 * looks for a stop *afterwards* loses none: it is due before LAST.
 */
#ifndef GCR_EXEC_ENDING_H
#define GCR_EXEC_ENDING_H

#include "gridcrunch/status.h"

typedef enum gcr_word {
    GCR_WORD_NONE,
    GCR_WORD_STOP,
    GCR_WORD_FAIL,
    GCR_WORD_CALL,
    GCR_WORD_LAST
} gcr_word;

typedef struct gcr_ending_peer {
    gcr_word said; /* the last that it was told */
    int has_ended; /* its LAST is heard         */
    int is_there;  /* it has taken the CALL     */
    int is_lost;
} gcr_ending_peer;

/* Of one leader. The nodes first .. end - 1 are its peers; a rank that does not lead has none. */
typedef struct gcr_ending {
    int first, end;
    int is_root, is_done;
    gcr_word stop;          /* NONE, STOP or FAIL */
    gcr_ending_peer *peers; /* [end] */
} gcr_ending;

/* Of rank `rank`, which is number `node_rank` of its node, of so many nodes. peers[nodes] is zeroed
 * and borrowed. */
void gcr_ending_open(gcr_ending *out, gcr_ending_peer *peers, int rank, int node_rank, int nodes);

/* What happens. The root is not done before gcr_ending_has_heard_all(): others may send more. */
void gcr_ending_stop(gcr_ending *ending);
void gcr_ending_fail(gcr_ending *ending); /* instead of that, or later */
void gcr_ending_done(gcr_ending *ending);
void gcr_ending_hear_last(gcr_ending *ending, int node);
void gcr_ending_hear_answer(gcr_ending *ending, int node); /* CALL is taken */
void gcr_ending_lose(gcr_ending *ending, int node);

/* True once it is stopped or done: before that nothing is to be said to anybody. */
int gcr_ending_has_words(const gcr_ending *ending);

/* What is to be said to a peer now, one word after the other; and that this was done. */
gcr_word gcr_ending_due(const gcr_ending *ending, int node);
void gcr_ending_say(gcr_ending *ending, int node, gcr_word word);

/* True when beside these words others may go to the peer. */
int gcr_ending_listens(const gcr_ending *ending, int node);

/* True when no peer will send anything. */
int gcr_ending_has_heard_all(const gcr_ending *ending);

/* True when nobody waits for what this rank would say, and it waits for nobody. */
int gcr_ending_is_over(const gcr_ending *ending);

#endif /* GCR_EXEC_ENDING_H */
