/* exec/ending.c -- see exec/ending.h. */
#include "exec/ending.h"

void gcr_ending_open(gcr_ending *out, gcr_ending_peer *peers, int rank, int node_rank, int nodes)
{
    *out = (gcr_ending){ .is_root = rank == 0, .peers = peers };
    out->first = out->is_root ? 1 : 0;
    out->end = out->is_root ? nodes : node_rank == 0 ? 1 : 0;
}

void gcr_ending_stop(gcr_ending *ending)
{
    if (ending->stop == GCR_WORD_NONE)
        ending->stop = GCR_WORD_STOP;
}

void gcr_ending_fail(gcr_ending *ending)
{
    ending->stop = GCR_WORD_FAIL;
}

void gcr_ending_done(gcr_ending *ending)
{
    ending->is_done = 1;
}

void gcr_ending_hear_last(gcr_ending *ending, int node)
{
    ending->peers[node].has_ended = 1;
}

void gcr_ending_hear_answer(gcr_ending *ending, int node)
{
    ending->peers[node].is_there = 1;
}

void gcr_ending_lose(gcr_ending *ending, int node)
{
    ending->peers[node].is_lost = 1;
}

void gcr_ending_say(gcr_ending *ending, int node, gcr_word word)
{
    ending->peers[node].said = word;
}

int gcr_ending_listens(const gcr_ending *ending, int node)
{
    return !ending->peers[node].is_lost && ending->peers[node].said != GCR_WORD_LAST;
}

int gcr_ending_has_heard_all(const gcr_ending *ending)
{
    for (int n = ending->first; n < ending->end; n++)
        if (!ending->peers[n].has_ended && !ending->peers[n].is_lost)
            return 0;
    return 1;
}

static int all_are_there(const gcr_ending *ending)
{
    for (int n = ending->first; n < ending->end; n++)
        if (!ending->peers[n].is_there && !ending->peers[n].is_lost)
            return 0;
    return 1;
}

static int has_come_to_end(const gcr_ending *ending)
{
    return ending->is_done && (!ending->is_root || gcr_ending_has_heard_all(ending));
}

int gcr_ending_has_words(const gcr_ending *ending)
{
    return ending->stop != GCR_WORD_NONE || ending->is_done;
}

gcr_word gcr_ending_due(const gcr_ending *ending, int node)
{
    const gcr_ending_peer *peer = &ending->peers[node];

    if (!gcr_ending_listens(ending, node))
        return GCR_WORD_NONE;
    if (peer->said < ending->stop)
        return ending->stop;
    if (!has_come_to_end(ending))
        return GCR_WORD_NONE;
    if (!ending->is_root || all_are_there(ending))
        return GCR_WORD_LAST;
    return peer->said == GCR_WORD_CALL ? GCR_WORD_NONE : GCR_WORD_CALL;
}

int gcr_ending_is_over(const gcr_ending *ending)
{
    if (!ending->is_root)
        return gcr_ending_has_heard_all(ending);
    for (int n = ending->first; n < ending->end; n++)
        if (!ending->peers[n].is_lost && ending->peers[n].said != GCR_WORD_LAST)
            return 0;
    return has_come_to_end(ending);
}
