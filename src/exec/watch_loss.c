/* exec/watch_loss.c -- nodes that are lost: see watch.h. */
#include "exec/watch_private.h"

#include "base/check.h"
#include "base/clock.h"
#include "exec/tags.h"

#include <string.h>

/* ---- that one is ----------------------------------------------------------------------------- */

/* The ranks cannot meet any more, as gcr_last_error() says: `node` is lost, -1: nobody knows which.
 * Those of this rank's node find out when their leader leaves. The first reason counts. */
static void break_comm(gcr_watch *watch, int node)
{
    const int broken = node >= 0 ? 1 + node : -1;
    int none = 0;

    atomic_compare_exchange_strong(&gcr_watch_board_of(watch)->broken, &none, broken);
    if (node < 0) {
        gcr_comm_break(watch->run->comm, gcr_last_error());
        return;
    }
    gcr_comm_lose_node(watch->run->comm, node, gcr_last_error());
    if (watch->run->lost_node < 0)
        watch->run->lost_node = node;
    watch->on_loss(watch->arg, GCR_EDEVICE);
}

void gcr_watch_cut_off(gcr_watch *watch)
{
    watch->health = GCR_WATCH_CUT_OFF;
    break_comm(watch, -1);
}

void gcr_watch_learn_of_loss(gcr_watch *watch, int node)
{
    const int leader = gcr_watch_ranks(watch)->leaders[node];

    (void)!gcr_fail_at(__FILE__, __LINE__, GCR_EDEVICE,
                       "node %d (rank %d on %s) has not been heard for %.3g s: its machine or the "
                       "network between is gone",
                       node, leader, gcr_watch_ranks(watch)->ranks[leader].host,
                       watch->run->silence);
    break_comm(watch, node);
}

/* It is gcr_last_error() that keeps messages from it. */
static void learn_of_failing(gcr_watch *watch, int node)
{
    const int leader = gcr_watch_ranks(watch)->leaders[node];
    char why[512];

    strncpy(why, gcr_last_error(), sizeof why - 1);
    why[sizeof why - 1] = '\0';
    (void)!gcr_fail_at(__FILE__, __LINE__, GCR_EDEVICE,
                       "node %d (rank %d on %s) cannot be reached: %s", node, leader,
                       gcr_watch_ranks(watch)->ranks[leader].host, why);
    break_comm(watch, node);
}

void gcr_watch_learn_from_board(gcr_watch *watch)
{
    const int broken = atomic_load(&gcr_watch_board_of(watch)->broken);

    if (broken > 0)
        gcr_watch_learn_of_loss(watch, broken - 1);
    else if (broken < 0)
        gcr_comm_break(watch->run->comm, "the messages of this node to others fail");
}

/* ---- what comes of it ------------------------------------------------------------------------ */

typedef void learn_fn(gcr_watch *watch, int node);

/* At rank 0. A node that has ended owes nothing: the others go on, unless they pass results from
 * GPU to GPU, as of what a bridge would bring nobody knows how much there is now. */
static void lose_peer(gcr_watch *watch, int node, learn_fn *learn)
{
    if (!watch->peers[node].has_ended || watch->carrier->bridge != NULL)
        gcr_watch_stop(watch, GCR_RUN_FAILED);
    learn(watch, node);
    gcr_carrier_give_up(watch->carrier);
}

/* Another leader misses rank 0. */
static void lose_root(gcr_watch *watch, learn_fn *learn)
{
    gcr_watch_stop(watch, GCR_RUN_FAILED);
    learn(watch, 0);
    gcr_watch_fail(watch, GCR_EDEVICE);
    watch->health = GCR_WATCH_CUT_OFF;
}

static void lose(gcr_watch *watch, int node, learn_fn *learn)
{
    gcr_hearing_forget(&watch->hearing, node);
    gcr_ending_lose(&watch->ending, node);
    if (watch->ending.is_root)
        lose_peer(watch, node, learn);
    else
        lose_root(watch, learn);
}

gcr_status gcr_watch_blame(gcr_watch *watch, int node, gcr_status status)
{
    if (status != GCR_EDEVICE || !watch->ending.is_root || node == 0)
        return status;
    if (!watch->peers[node].is_lost)
        lose(watch, node, learn_of_failing);
    return GCR_OK;
}

/* ---- listening ------------------------------------------------------------------------------- */

gcr_status gcr_watch_send_heard(gcr_send **out, gcr_watch *watch, int node, int tag,
                                const void *bytes, uint64_t count)
{
    gcr_status status = GCR_OK;

    GCR_TRY(gcr_comm_send(out, watch->run->comm, gcr_watch_ranks(watch)->leaders[node], tag, bytes,
                          count));
    watch->unheard++;
out:
    return status;
}

/* What has been taken was heard. */
static gcr_status hear(gcr_watch *watch, int node, gcr_send **send)
{
    gcr_status status = GCR_OK;
    const int is_call = send == &watch->nodes[node].call;
    int is_sent;

    if (*send == NULL)
        goto out;
    GCR_TRY(gcr_comm_is_sent(&is_sent, watch->run->comm, send));
    if (!is_sent)
        goto out;
    watch->unheard--;
    gcr_hearing_hear(&watch->hearing, node);
    if (is_call)
        gcr_ending_hear_answer(&watch->ending, node);
out:
    return status;
}

static gcr_status hear_node(gcr_watch *watch, int node)
{
    gcr_status status = GCR_OK;

    GCR_TRY(hear(watch, node, &watch->nodes[node].beat));
    GCR_TRY(hear(watch, node, &watch->nodes[node].call));
    GCR_TRY(hear(watch, node, &watch->nodes[node].last));
out:
    return gcr_watch_blame(watch, node, status);
}

/* One at a time: that it is not taken says enough. */
static gcr_status beat_node(gcr_watch *watch, int node)
{
    gcr_send **beat = &watch->nodes[node].beat;

    if (!gcr_ending_listens(&watch->ending, node) || *beat != NULL)
        return GCR_OK;
    return gcr_watch_blame(watch, node,
                           gcr_watch_send_heard(beat, watch, node, GCR_TAG_BEAT, NULL, 0));
}

/* Rank 0's. */
static gcr_status beat(gcr_watch *watch)
{
    gcr_status status = GCR_OK;

    if (!gcr_hearing_is_due(&watch->hearing, gcr_clock_seconds()))
        goto out;
    for (int n = watch->ending.first; n < watch->ending.end; n++)
        GCR_TRY(beat_node(watch, n));
out:
    return status;
}

gcr_status gcr_watch_listen(gcr_watch *watch)
{
    gcr_status status = GCR_OK;
    int silent;

    for (int n = watch->ending.first; n < watch->ending.end && watch->unheard > 0; n++)
        GCR_TRY(hear_node(watch, n));
    if (watch->ending.is_root)
        GCR_TRY(beat(watch));
    silent = gcr_hearing_look(&watch->hearing, gcr_clock_seconds());
    if (silent >= 0)
        lose(watch, silent, gcr_watch_learn_of_loss);
out:
    return status;
}
