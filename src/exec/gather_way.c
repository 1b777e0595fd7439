/* exec/gather_way.c -- the decision alone. See gather_way.h. */
#include "exec/gather_way.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Fewer results are not worth the second that a bridge takes to open. To be measured on GPUs. */
static const uint64_t bridge_bytes_least = (uint64_t)256 << 20;

/* ---- what is in the way ---------------------------------------------------------------------- */

static void say(char why[GCR_GATHER_WHY_BYTES], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void say(char why[GCR_GATHER_WHY_BYTES], const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(why, GCR_GATHER_WHY_BYTES, format, arguments);
    va_end(arguments);
}

/* Each has one GPU, and a library for bridges. */
static int is_rank_able(char *why, const gcr_gather_facts *facts, int rank)
{
    const gcr_gather_rank *r = &facts->ranks[rank];
    const char *host = facts->comm->ranks[rank].host;

    if (r->device_count == 0)
        say(why, "rank %d on %s computes on no GPU", rank, host);
    else if (r->device_count > 1)
        say(why, "rank %d on %s has %d GPUs, and NCCL takes one of each rank", rank, host,
            r->device_count);
    else if (r->name[0] == '\0')
        say(why, "rank %d on %s: %.160s", rank, host, r->why);
    else if (strcmp(r->name, facts->ranks[0].name) != 0)
        say(why, "rank %d on %s has %s, and rank 0 has %s", rank, host, r->name,
            facts->ranks[0].name);
    else
        return 1;
    return 0;
}

static int has_gpu_alone(char *why, const gcr_gather_facts *facts, int rank)
{
    for (int other = 0; other < rank; other++)
        if (strcmp(facts->ranks[other].uuid, facts->ranks[rank].uuid) == 0) {
            say(why, "ranks %d and %d share %s of %s", other, rank, facts->ranks[rank].uuid,
                facts->comm->ranks[rank].host);
            return 0;
        }
    return 1;
}

static int are_ranks_able(char *why, const gcr_gather_facts *facts)
{
    if (facts->comm->size > GCR_BRIDGE_PARTS_MAX) {
        say(why, "%d ranks are more than one GPU receives from", facts->comm->size);
        return 0;
    }
    for (int r = 0; r < facts->comm->size; r++)
        if (!is_rank_able(why, facts, r) || !has_gpu_alone(why, facts, r))
            return 0;
    return 1;
}

/* Where the job leaves it open. */
static int is_worth_it(char *why, const gcr_gather_facts *facts)
{
    char bytes[32];

    if (facts->comm->node_count == 1)
        say(why, "all ranks are on one node and write where results belong");
    else if (facts->bytes < bridge_bytes_least)
        say(why, "%s of results are soon passed", gcr_format_bytes(bytes, facts->bytes));
    else
        return 1;
    return 0;
}

int gcr_gather_is_carried(const gcr_comm_info *comm, int rank)
{
    return rank > 0 && (comm->node_count == 1 || comm->ranks[rank].node != comm->ranks[0].node);
}

int gcr_gather_carried_count(const gcr_comm_info *comm)
{
    int count = 0;

    for (int r = 0; r < comm->size; r++)
        count += gcr_gather_is_carried(comm, r);
    return count;
}

int gcr_gather_may_time(const gcr_gather_facts *facts)
{
    return facts->comm->node_count > 1 && facts->bytes >= bridge_bytes_least;
}

int gcr_gather_wants_bridge(char why[GCR_GATHER_WHY_BYTES], const gcr_gather_facts *facts)
{
    why[0] = '\0';
    if (facts->asked == GCR_GATHER_MPI)
        say(why, "the job asks for mpi");
    else if (facts->comm->size == 1)
        say(why, "there is one rank");
    else if (facts->obstacle != NULL)
        say(why, "%s", facts->obstacle);
    else
        return facts->asked == GCR_GATHER_NCCL || is_worth_it(why, facts);
    return 0;
}

int gcr_gather_may_bridge(char why[GCR_GATHER_WHY_BYTES], const gcr_gather_facts *facts)
{
    return gcr_gather_wants_bridge(why, facts) && are_ranks_able(why, facts);
}

/* ---- which it is ----------------------------------------------------------------------------- */

static const char *format_rate(char out[64], double bytes_per_second)
{
    char bytes[32];

    out[0] = '\0';
    if (bytes_per_second > 0)
        snprintf(out, 64, ", %s/s", gcr_format_bytes(bytes, (uint64_t)bytes_per_second));
    return out;
}

static void take_hosts(gcr_gather_way *out, const gcr_gather_facts *facts, double rate,
                       const char *why)
{
    char text[64];

    out->way = GCR_GATHER_MPI;
    out->bytes_per_second = rate;
    format_rate(text, rate);
    if (facts->comm->size == 1)
        snprintf(out->text, sizeof out->text, "none: one rank has all results");
    else if (facts->asked == GCR_GATHER_MPI)
        snprintf(out->text, sizeof out->text, "mpi%s", text);
    else
        snprintf(out->text, sizeof out->text, "mpi%s; nccl: off (%s)", text, why);
}

static void take_bridge(gcr_gather_way *out, const gcr_gather_facts *facts,
                        const gcr_gather_trial *trial)
{
    char bridge[64], hosts[64];

    out->way = GCR_GATHER_NCCL;
    out->bytes_per_second = trial->by_bridge;
    format_rate(hosts, trial->by_hosts);
    snprintf(out->text, sizeof out->text, "nccl%s, from GPU to GPU by %s%s%s",
             format_rate(bridge, trial->by_bridge), facts->ranks[0].name,
             hosts[0] != '\0' ? "; mpi" : "", hosts);
}

void gcr_gather_decide(gcr_gather_way *out, const gcr_gather_facts *facts,
                       const gcr_gather_trial *trial)
{
    char why[GCR_GATHER_WHY_BYTES], rate[64];

    *out =
        (gcr_gather_way){ .way = GCR_GATHER_MPI, .was_tried = gcr_gather_wants_bridge(why, facts) };
    if (!gcr_gather_may_bridge(why, facts)) {
        take_hosts(out, facts, trial->by_hosts, why);
    } else if (!trial->has_bridge) {
        take_hosts(out, facts, trial->by_hosts, trial->why);
    } else if (facts->asked == GCR_GATHER_AUTO && !(trial->by_bridge > trial->by_hosts)) {
        say(why, "it is not faster%s", format_rate(rate, trial->by_bridge));
        take_hosts(out, facts, trial->by_hosts, why);
    } else {
        take_bridge(out, facts, trial);
    }
}
