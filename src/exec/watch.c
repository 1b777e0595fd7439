/* exec/watch.c -- see exec/watch.h. */
#include "exec/watch_private.h"

#include "base/check.h"
#include "base/clock.h"
#include "base/memory.h"
#include "exec/tags.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* How often this thread looks: where a person may want the run to stop; where the node's leader
 * sees to everything but that; of leaders where nothing comes; where only the end of others is
 * waited for, or for what a GPU passes on; and where that is under way, or messages are answered
 * that others wait for. */
static const double look_alone = 0.05, look_beside_leader = 0.01, look_in_silence = 4e-3,
                    look_at_end = 1e-3, look_at_messages = GCR_SUPPLY_LOOK_SECONDS;

/* Waking up for a look costs 15 to 25 us of a core, and the look 1 to 10 (measured), so messages
 * are looked for ever less often, down to once in look_in_silence, while none come and none are
 * waited for. Where one comes more follow, and where this node asks for cells others soon will. */
static const double growth = 1.5;

enum { MESSAGES_PER_LOOK = 64 }; /* so that beats and a wish to stop do not wait for long */

static int leads_node(const gcr_watch *watch)
{
    return gcr_watch_ranks(watch)->node_rank == 0;
}

gcr_status gcr_watch_open(gcr_watch *out)
{
    gcr_status status = GCR_OK;
    gcr_run *run = out->run;
    const gcr_comm_info *ranks = gcr_watch_ranks(out);
    const int nodes = ranks->node_count;

    out->pause = look_at_messages;
    GCR_TRY(
        gcr_comm_share(&out->board, run->comm, sizeof(gcr_watch_board), 1, "the board of a node"));
    GCR_TRY(gcr_comm_broadcast(run->comm, &run->silence, sizeof run->silence, 0));
    status = gcr_memory_create((void **)&out->nodes, (uint64_t)nodes, sizeof *out->nodes,
                               "messages to the nodes of a run");
    if (status == GCR_OK)
        status = gcr_memory_create((void **)&out->peers, (uint64_t)nodes, sizeof *out->peers,
                                   "what nodes are told");
    if (status == GCR_OK)
        status = gcr_hearing_open(&out->hearing, nodes, run->silence, gcr_clock_seconds());
    GCR_TRY(gcr_comm_agree(run->comm, status));
    gcr_ending_open(&out->ending, out->peers, ranks->rank, ranks->node_rank, nodes);
    for (int n = 0; n < nodes; n++)
        if (n < out->ending.first || n >= out->ending.end)
            gcr_hearing_forget(&out->hearing, n);
out:
    return status;
}

void gcr_watch_close(gcr_watch *watch)
{
    gcr_hearing_close(&watch->hearing);
    gcr_memory_destroy(watch->peers);
    gcr_memory_destroy(watch->nodes);
    gcr_shared_clear(&watch->board);
}

/* ---- stopping -------------------------------------------------------------------------------- */

/* The first reason counts; but a failure more than all others, as then nothing is waited for that
 * may not come. */
void gcr_watch_stop(const gcr_watch *watch, gcr_run_ending ending)
{
    const int reason = 1 + (int)ending;
    atomic_int *stop = &gcr_watch_board_of(watch)->stop;
    int none = 0;

    if (ending == GCR_RUN_FAILED)
        atomic_store(stop, reason);
    else
        atomic_compare_exchange_strong(stop, &none, reason);
}

void gcr_watch_note_failure(const gcr_watch *watch)
{
    gcr_watch_stop(watch, GCR_RUN_FAILED);
}

/* Looks whether somebody here wishes the run to stop. */
static void look_for_a_wish_to_stop(const gcr_watch *watch)
{
    const gcr_run *run = watch->run;
    const double limit = run->spec.job->max_seconds;

    if (atomic_load(&run->is_cancelled) != 0)
        gcr_watch_stop(watch, GCR_RUN_CANCELLED);
    else if (limit > 0.0 && gcr_clock_seconds() - watch->begin >= limit)
        gcr_watch_stop(watch, GCR_RUN_OUT_OF_TIME);
}

/* A failure of this thread's own: what it would have done for others it does no more, but it takes
 * their messages, so that they can end; unless it is the messages that fail: of GCR_EDEVICE the
 * second is theirs, as the carrier has given up by then. For want of memory none does: one that
 * finds none is dropped. */
void gcr_watch_fail(gcr_watch *watch, gcr_status status)
{
    if (watch->health == GCR_WATCH_FAILED && status == GCR_EDEVICE)
        gcr_watch_cut_off(watch);
    if (watch->health == GCR_WATCH_WELL)
        watch->health = GCR_WATCH_FAILED;
    watch->on_failure(watch->arg, -1, status);
    if (watch->gather != NULL)
        gcr_gather_give_up(watch->gather);
    gcr_carrier_give_up(watch->carrier);
}

/* Lets this rank's workers know what stands on the board; the other nodes are told by speak(). */
static void heed_board(gcr_watch *watch)
{
    const int on_board = atomic_load(&gcr_watch_board_of(watch)->stop);

    if (on_board == watch->stop_told)
        return;
    watch->stop_told = on_board;
    atomic_store(watch->stop, 1);
    gcr_dealing_stop(watch->dealing);
    gcr_ending_stop(&watch->ending);
    if (on_board != 1 + (int)GCR_RUN_FAILED)
        return;
    gcr_carrier_hurry(watch->carrier, GCR_CARRIER_STOP_SECONDS);
    gcr_ending_fail(&watch->ending);
}

static gcr_status take_stop(const gcr_watch *watch, const gcr_message *message)
{
    gcr_status status = GCR_OK;
    int ending;

    if (message->count != sizeof ending)
        GCR_FAIL(GCR_EIO, "rank %d stops in words that nobody knows", message->from);
    memcpy(&ending, message->bytes, sizeof ending);
    if (ending < 1 || ending > 1 + (int)GCR_RUN_FAILED)
        GCR_FAIL(GCR_EIO, "rank %d stops for a reason that nobody knows", message->from);
    gcr_watch_stop(watch, (gcr_run_ending)(ending - 1));
out:
    return status;
}

/* ---- messages -------------------------------------------------------------------------------- */

/* The last of another. Rank 0's says whether the comm is broken, a leader's nothing more. */
static gcr_status take_last(gcr_watch *watch, const gcr_message *message)
{
    gcr_status status = GCR_OK;
    int lost;

    gcr_ending_hear_last(&watch->ending, gcr_watch_ranks(watch)->ranks[message->from].node);
    if (watch->ending.is_root)
        goto out;
    if (message->count != sizeof lost)
        GCR_FAIL(GCR_EIO, "rank %d ends in words that nobody knows", message->from);
    memcpy(&lost, message->bytes, sizeof lost);
    if (lost < 0 || lost > gcr_watch_ranks(watch)->node_count)
        GCR_FAIL(GCR_EIO, "rank %d has lost a node that nobody knows", message->from);
    if (lost > 0)
        gcr_watch_learn_of_loss(watch, lost - 1);
out:
    return status;
}

static gcr_status take(gcr_watch *watch, const gcr_message *message)
{
    gcr_status status = GCR_OK;
    const int node = gcr_watch_ranks(watch)->ranks[message->from].node;

    gcr_hearing_hear(&watch->hearing, node);
    if (watch->peers[node].is_lost)
        goto out; /* it is back, too late */
    if (message->tag == GCR_TAG_STOP) {
        GCR_TRY(take_stop(watch, message));
    } else if (message->tag == GCR_TAG_LAST) {
        GCR_TRY(take_last(watch, message));
    } else if (message->tag == GCR_TAG_PARCEL) {
        GCR_TRY(gcr_carrier_take(watch->carrier, message));
    } else if (message->tag == GCR_TAG_BEAT || message->tag == GCR_TAG_CALL ||
               watch->health != GCR_WATCH_WELL) {
        goto out;
    } else if (message->tag == GCR_TAG_PACKET) {
        GCR_TRY(gcr_gather_take(watch->gather, message));
    } else {
        status = gcr_dealing_take(watch->dealing, message, gcr_clock_seconds());
        GCR_TRY(gcr_watch_blame(watch, node, status));
    }
out:
    return status;
}

static gcr_status take_messages(gcr_watch *watch)
{
    gcr_status status = GCR_OK;
    gcr_message message;
    int found = 1;

    for (int i = 0; i < MESSAGES_PER_LOOK && found; i++) {
        GCR_TRY(gcr_comm_look(&message, &found, watch->run->comm));
        if (!found)
            break;
        watch->taken++;
        GCR_TRY(take(watch, &message));
    }
    watch->has_more = found;
out:
    return status;
}

/* ---- the end: ending.h ----------------------------------------------------------------------- */

/* True when all that others are to have of this node was sent; of rank 0 when it has had all of
 * theirs, too. */
static int is_done(gcr_watch *watch)
{
    if (!watch->ending.is_root)
        return gcr_gather_is_over(watch->gather) && gcr_carrier_node_has_ended(watch->carrier);
    return watch->workers_ended && gcr_ending_has_heard_all(&watch->ending) &&
           gcr_gather_is_over(watch->gather) &&
           (atomic_load(&gcr_watch_board_of(watch)->broken) > 0 ||
            gcr_carrier_is_over(watch->carrier));
}

static gcr_status say(gcr_watch *watch, int node, gcr_word word)
{
    gcr_watch_node *to = &watch->nodes[node];
    const int leader = gcr_watch_ranks(watch)->leaders[node];
    const int broken = atomic_load(&gcr_watch_board_of(watch)->broken);

    if (word == GCR_WORD_STOP || word == GCR_WORD_FAIL)
        return gcr_comm_send(word == GCR_WORD_STOP ? &to->told : &to->told_failure,
                             watch->run->comm, leader, GCR_TAG_STOP, &watch->stop_told,
                             sizeof watch->stop_told);
    if (word == GCR_WORD_CALL)
        return gcr_watch_send_heard(&to->call, watch, node, GCR_TAG_CALL, NULL, 0);
    return gcr_watch_send_heard(&to->last, watch, node, GCR_TAG_LAST, &broken, sizeof broken);
}

/* What could not be said is said at the next look, and keeps nothing from other nodes. */
static gcr_status speak_to(gcr_watch *watch, int node)
{
    gcr_status status = GCR_OK;
    gcr_word word;

    while ((word = gcr_ending_due(&watch->ending, node)) != GCR_WORD_NONE) {
        GCR_TRY(say(watch, node, word));
        gcr_ending_say(&watch->ending, node, word);
        if (word >= GCR_WORD_CALL) /* the answer is near */
            watch->pause = look_at_messages;
    }
out:
    return status;
}

/* That a node's work is done is found first, and then why: whoever stopped it has put that down
 * before. */
static gcr_status speak(gcr_watch *watch)
{
    gcr_status status = GCR_OK;

    if (is_done(watch))
        gcr_ending_done(&watch->ending);
    heed_board(watch);
    if (!gcr_ending_has_words(&watch->ending))
        goto out;
    for (int n = watch->ending.first; n < watch->ending.end; n++) {
        const gcr_status said = gcr_watch_blame(watch, n, speak_to(watch, n));

        status = status == GCR_OK ? said : status;
    }
out:
    return status;
}

/* What only leaders do. */
static gcr_status look_around_node(gcr_watch *watch)
{
    gcr_status status = GCR_OK;

    if (gcr_watch_ranks(watch)->node_count > 1 || watch->carrier->bridge != NULL)
        GCR_TRY(take_messages(watch));
    GCR_TRY(gcr_watch_listen(watch));
    if (watch->health != GCR_WATCH_WELL)
        goto out;
    GCR_TRY(gcr_gather_look(watch->gather));
    if (!watch->ending.is_done)
        GCR_TRY(gcr_dealing_look(watch->dealing, gcr_clock_seconds()));
out:
    return status;
}

static void look_around(gcr_watch *watch)
{
    gcr_status status = GCR_OK;

    watch->has_more = 0;
    look_for_a_wish_to_stop(watch);
    heed_board(watch);
    GCR_TRY(gcr_carrier_look(watch->carrier, watch->workers_ended));
    if (watch->gather == NULL || !leads_node(watch) || watch->health == GCR_WATCH_CUT_OFF)
        goto out;
    GCR_TRY(look_around_node(watch));
    GCR_TRY(speak(watch));
out:
    if (status != GCR_OK)
        gcr_watch_fail(watch, status);
}

/* The last messages of rank 0 have been taken, too: until then it listens for those who are to take
 * them. */
static int has_ended(const gcr_watch *watch)
{
    for (int n = watch->ending.first; n < watch->ending.end && watch->ending.is_root; n++)
        if (watch->nodes[n].last != NULL)
            return 0;
    return gcr_ending_is_over(&watch->ending);
}

/* True when nothing of this rank is waited for, and it waits for nothing. What ranks of a node have
 * under way ends before their leader does, unless that is cut off: then nobody waits for it. */
static int is_over(const gcr_watch *watch)
{
    if (watch->health == GCR_WATCH_CUT_OFF || watch->gather == NULL)
        return 1;
    return leads_node(watch) ? has_ended(watch) : atomic_load(&gcr_watch_board_of(watch)->is_over);
}

/* All that was sent has been looked for, or will be before its receivers leave. */
static gcr_status settle(gcr_watch *watch)
{
    gcr_status status = GCR_OK;
    gcr_comm *comm = watch->run->comm;

    if (watch->health == GCR_WATCH_CUT_OFF)
        goto out;
    for (int n = 0; n < gcr_watch_ranks(watch)->node_count; n++) {
        GCR_TRY(gcr_comm_finish_send(comm, &watch->nodes[n].told));
        GCR_TRY(gcr_comm_finish_send(comm, &watch->nodes[n].told_failure));
        GCR_TRY(gcr_comm_finish_send(comm, &watch->nodes[n].beat));
        GCR_TRY(gcr_comm_finish_send(comm, &watch->nodes[n].call));
        GCR_TRY(gcr_comm_finish_send(comm, &watch->nodes[n].last));
    }
    GCR_TRY(gcr_dealing_settle(watch->dealing));
out:
    return status;
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void show_progress(const gcr_watch *watch)
{
    gcr_progress progress;

    if (watch->run->spec.on_progress == NULL || gcr_watch_ranks(watch)->rank > 0)
        return;
    gcr_watch_progress(watch, &progress);
    watch->run->spec.on_progress(watch->run->spec.arg, &progress);
}

/* The longest pause of a run that has taken so many seconds. Where other nodes may ask for cells it
 * is a small part of that, so that short runs are not held up. */
static double find_longest(const gcr_watch *watch, double seconds)
{
    if (watch->workers_ended)
        return look_at_end;
    return gcr_watch_ranks(watch)->node_count == 1
               ? look_in_silence
               : fmin(fmax(seconds / 64, look_at_end), look_in_silence);
}

/* Until a leader looks again. */
static double choose_pause(gcr_watch *watch)
{
    const gcr_gather_totals totals = gcr_gather_totals_of(watch->gather);
    const double now = gcr_clock_seconds();
    const double longest = find_longest(watch, now - watch->begin);
    const uint64_t passed = watch->taken + totals.messages + totals.crowded + watch->dealing->asked;
    const double rest = gcr_dealing_rest(watch->dealing, now);

    if (passed != watch->passed)
        watch->pause = look_at_messages;
    else
        watch->pause = fmin(watch->pause * growth, longest);
    watch->passed = passed;
    return fmin(watch->pause, fmax(rest, look_at_messages));
}

/* What GPUs pass on is announced and received by this thread, on the ranks that have any. */
static double find_longest_beside_gpu(const gcr_watch *watch)
{
    if (!gcr_carrier_carries(watch->carrier))
        return INFINITY;
    return watch->carrier->is_under_way ? look_at_messages : look_at_end;
}

static double choose_look(gcr_watch *watch, double interval)
{
    const gcr_comm_info *ranks = gcr_watch_ranks(watch);
    const double look = ranks->size == 1       ? look_alone
                        : leads_node(watch)    ? choose_pause(watch)
                        : watch->workers_ended ? look_at_end
                                               : look_beside_leader;

    if (watch->has_more)
        return 0.0;
    return fmin(fmin(look, find_longest_beside_gpu(watch)), interval);
}

/* Sleeps until the workers have ended, but not longer; where they have, as long. */
static int wait_for_workers(const gcr_watch *watch, int have_ended, double seconds)
{
    const struct timespec nap = { .tv_nsec = (long)(seconds * 1e9) };

    if (!have_ended)
        return gcr_pool_wait(watch->pool, seconds);
    nanosleep(&nap, NULL);
    return 1;
}

void gcr_watch_run(gcr_watch *watch)
{
    const double asked = watch->run->spec.progress_seconds;
    const double interval = asked > 0.0 ? asked : 1.0;
    double next = watch->begin + interval;
    int have_ended = gcr_pool_wait(watch->pool, 0.0);
    gcr_status status;

    for (;;) {
        watch->workers_ended = have_ended;
        look_around(watch);
        if (have_ended && is_over(watch))
            break;
        have_ended = wait_for_workers(watch, have_ended, choose_look(watch, interval));
        if (have_ended && !watch->workers_ended) /* the end of others is near */
            watch->pause = look_at_messages;
        if (gcr_clock_seconds() >= next) {
            show_progress(watch);
            next += interval;
        }
    }
    if (leads_node(watch))
        atomic_store(&gcr_watch_board_of(watch)->is_over, 1); /* the other ranks wait for it */
    else
        gcr_watch_learn_from_board(watch);
    status = settle(watch);
    if (status != GCR_OK)
        gcr_watch_fail(watch, status);
    show_progress(watch);
    gcr_watch_progress(watch, &watch->run->progress);
    if (atomic_load(&gcr_watch_board_of(watch)->stop) != 0)
        watch->run->ending = (gcr_run_ending)(atomic_load(&gcr_watch_board_of(watch)->stop) - 1);
}
