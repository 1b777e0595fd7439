/*
 * exec/share_data.c -- leaders load, all ranks hear how it went, blocks are written and sent, all
 * read.
 *
 * What each rank does next follows from what all have said, so that they enter the same collective
 * operations without asking again.
 */
#include "exec/share_data.h"

#include "base/check.h"
#include "base/memory.h"
#include "base/text.h"
#include "data/image.h"
#include "data/source_files.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

typedef enum answer {
    ANSWER_NOT_ASKED, /* no leader */
    ANSWER_READ,
    ANSWER_NOT_HERE, /* the files are not there, or may not be read: another node may have them */
    ANSWER_FAILED,
} answer;

/* What a rank tells all others of its datasets. */
typedef struct outcome {
    uint64_t answer;
    uint64_t count, table_bytes;
    uint64_t block_bytes; /* that they would take as an image */
    uint64_t fingerprint[2];
    gcr_data_ledger counted; /* at the end */
} outcome;

/* How sharing goes on, on every rank the same but for what is its own. */
typedef struct sharing {
    gcr_comm *comm;
    const gcr_comm_info *info;
    outcome *all;     /* [size] by rank */
    gcr_datasets own; /* what a leader has loaded, until it has moved */
    int source;       /* the rank that sends; the first that has read */
    int reading_count, receiving_count;
} sharing;

/* ---- loading --------------------------------------------------------------------------------- */

static uint64_t table_bytes_of(const gcr_datasets *datasets)
{
    uint64_t bytes = 0;

    for (uint64_t d = 0; d < datasets->count; d++)
        bytes += gcr_dataset_bytes(&datasets->items[d]);
    return bytes;
}

/* Nodes are compared, ranks of one node never: a hash of all tables takes its time. */
static gcr_status describe(outcome *out, const gcr_datasets *datasets, int is_compared)
{
    gcr_status status = GCR_OK;

    out->count = datasets->count;
    out->table_bytes = table_bytes_of(datasets);
    GCR_TRY(gcr_image_measure(&out->block_bytes, datasets));
    if (is_compared)
        GCR_TRY(gcr_datasets_fingerprint(out->fingerprint, datasets));
out:
    return status;
}

/* A job that is wrong is wrong on every node; files are where they are. */
static int is_not_here(gcr_status status, const gcr_job *job)
{
    return status == GCR_EUNREADABLE || (status == GCR_EINVAL && !gcr_sources_are_here(job));
}

static gcr_status load(sharing *s, outcome *out, const gcr_job *job)
{
    gcr_status status = GCR_OK;

    out->answer = ANSWER_NOT_ASKED;
    if (s->info->node_rank != 0)
        goto out;
    GCR_TRY(gcr_datasets_load(&s->own, job));
    GCR_TRY(describe(out, &s->own, s->info->node_count > 1));
    out->answer = ANSWER_READ;
out:
    if (status != GCR_OK)
        out->answer = is_not_here(status, job) ? ANSWER_NOT_HERE : ANSWER_FAILED;
    return status;
}

static int count_answers(const sharing *s, answer which)
{
    int count = 0;

    for (int r = 0; r < s->info->size; r++)
        count += s->all[r].answer == (uint64_t)which;
    return count;
}

/* `status`: of this rank's own loading. What every node says is said once, by no node by name: then
 * ranks that were not asked fail too. */
static gcr_status agree_on_loading(sharing *s, gcr_status status)
{
    const int has_failed = count_answers(s, ANSWER_FAILED) > 0;
    const answer fails = has_failed ? ANSWER_FAILED : ANSWER_NOT_HERE;
    const answer mine = (answer)s->all[s->info->rank].answer;

    s->reading_count = count_answers(s, ANSWER_READ);
    s->receiving_count = count_answers(s, ANSWER_NOT_HERE);
    if (s->reading_count > 0 && !has_failed)
        return GCR_OK;
    if (mine == ANSWER_NOT_ASKED && count_answers(s, fails) == s->info->node_count)
        status = GCR_ECLOSED;
    else if (mine != fails)
        status = GCR_OK;
    return gcr_comm_agree(s->comm, status);
}

static gcr_status complain_of_difference(const sharing *s, int one, int other)
{
    const outcome *a = &s->all[one], *b = &s->all[other];
    char a_bytes[32], b_bytes[32];

    return gcr_fail_at(__FILE__, __LINE__, GCR_ECONFLICT,
                       "the datasets of rank %d on %s are not those of rank %d on %s (%" PRIu64
                       " with %s, %" PRIu64 " with %s): all need the same data",
                       one, s->info->ranks[one].host, other, s->info->ranks[other].host, a->count,
                       gcr_format_bytes(a_bytes, a->table_bytes), b->count,
                       gcr_format_bytes(b_bytes, b->table_bytes));
}

/* All ranks know all fingerprints, and come to the same answer. */
static gcr_status compare_fingerprints(sharing *s)
{
    gcr_status status = GCR_OK;

    s->source = -1;
    for (int r = 0; r < s->info->size; r++) {
        if (s->all[r].answer != ANSWER_READ)
            continue;
        if (s->source < 0)
            s->source = r;
        if (memcmp(s->all[r].fingerprint, s->all[s->source].fingerprint,
                   sizeof s->all[r].fingerprint) != 0)
            GCR_TRY(complain_of_difference(s, s->source, r));
    }
out:
    return status;
}

static gcr_status load_on_leaders(sharing *s, const gcr_job *job)
{
    gcr_status status = GCR_OK, mine;
    outcome own = { 0 };

    GCR_TRY(gcr_comm_agree(s->comm,
                           gcr_memory_create((void **)&s->all, (uint64_t)s->info->size,
                                             sizeof *s->all, "what ranks say of the datasets")));
    mine = load(s, &own, job);
    GCR_TRY(gcr_comm_gather_all(s->comm, &own, sizeof own, s->all));
    GCR_TRY(agree_on_loading(s, mine));
    GCR_TRY(compare_fingerprints(s));
out:
    return status;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static const outcome *answer_of_node(const sharing *s)
{
    return &s->all[s->info->leaders[s->info->node]];
}

static int has_read(const sharing *s)
{
    return s->all[s->info->rank].answer == ANSWER_READ;
}

/* A block is for ranks that share it, and for what goes from node to node. */
static int has_block(const sharing *s)
{
    return s->info->node_size > 1 || answer_of_node(s)->answer == ANSWER_NOT_HERE ||
           (s->receiving_count > 0 && s->info->leaders[s->info->node] == s->source);
}

static const char WHAT[] = "the datasets of a node";

/* Piece by piece, as the memory of what is copied goes. */
static gcr_status reserve(void *context, uint64_t first, uint64_t bytes)
{
    return gcr_shared_reserve(context, first, bytes, WHAT);
}

static gcr_status write_block(sharing *s, gcr_shared *memory)
{
    const gcr_image_place place = { memory->base, reserve, memory };

    if (memory->base == NULL || !has_read(s))
        return GCR_OK;
    return gcr_image_write(&place, &s->own);
}

/* The source and those that receive, by rank in `out`, the source first. */
static int list_receivers(int *out, const sharing *s)
{
    int count = 0;

    out[count++] = s->source;
    for (int r = 0; r < s->info->size; r++)
        if (s->all[r].answer == ANSWER_NOT_HERE)
            out[count++] = r;
    return count;
}

/* Those that can read by themselves are not in it. */
static gcr_status send_block(sharing *s, gcr_data_ledger *ledger, const gcr_shared *memory)
{
    gcr_status status = GCR_OK;
    int ranks[s->info->node_count + 1];
    const int count = list_receivers(ranks, s);
    gcr_comm *those = NULL;

    GCR_TRY(gcr_comm_select(&those, s->comm, ranks, count));
    if (those == NULL)
        goto out;
    GCR_TRY(gcr_comm_broadcast(those, memory->base, memory->bytes, 0));
    ledger->sent_bytes = gcr_comm_broadcast_bytes(those);
out:
    gcr_comm_close(those);
    return status;
}

static gcr_status fill_blocks(sharing *s, gcr_shared *memory, gcr_data_ledger *ledger)
{
    gcr_status status = GCR_OK;
    const int receives = answer_of_node(s)->answer == ANSWER_NOT_HERE;
    const uint64_t bytes = has_block(s) ? s->all[s->source].block_bytes : 0;

    GCR_TRY(gcr_comm_share(memory, s->comm, bytes, receives, WHAT));
    GCR_TRY(gcr_comm_agree(s->comm, write_block(s, memory)));
    if (s->receiving_count > 0)
        GCR_TRY(gcr_comm_agree(s->comm, send_block(s, ledger, memory)));
    if (s->info->node_rank == 0 && s->info->node_size > 1)
        ledger->shared_bytes = bytes;
out:
    return status;
}

/* ---- what every rank has --------------------------------------------------------------------- */

static gcr_status read_block(gcr_datasets *out, sharing *s, const gcr_shared *memory)
{
    gcr_status status = GCR_OK;

    if (memory->base == NULL) {
        *out = s->own;
        s->own = (gcr_datasets){ .count = 0 };
        goto out;
    }
    if (mprotect(memory->base, memory->bytes, PROT_READ) != 0)
        GCR_FAIL(GCR_ENOMEM, "cannot protect the datasets from being written: %s", strerror(errno));
    GCR_TRY(gcr_image_read(out, memory->base, memory->bytes));
out:
    return status;
}

/* Adds up what ranks have counted, each its own. */
static gcr_status sum_ledgers(gcr_data_ledger *ledger, sharing *s)
{
    gcr_status status = GCR_OK;
    const outcome own = { .counted = *ledger };

    *ledger = (gcr_data_ledger){ .table_bytes = s->all[s->source].table_bytes,
                                 .reading_nodes = (uint64_t)s->reading_count,
                                 .receiving_nodes = (uint64_t)s->receiving_count };
    GCR_TRY(gcr_comm_gather_all(s->comm, &own, sizeof own, s->all));
    for (int r = 0; r < s->info->size; r++) {
        ledger->read_bytes += s->all[r].counted.read_bytes;
        ledger->shared_bytes += s->all[r].counted.shared_bytes;
        ledger->sent_bytes += s->all[r].counted.sent_bytes;
    }
out:
    return status;
}

gcr_status gcr_datasets_share(gcr_shared_datasets *out, gcr_comm *comm, const gcr_job *job)
{
    gcr_status status = GCR_OK;
    sharing s = { .comm = comm, .info = gcr_comm_info_of(comm) };

    *out = (gcr_shared_datasets){ .memory = { .file = -1 } };
    GCR_TRY(load_on_leaders(&s, job));
    out->ledger.read_bytes = has_read(&s) ? s.all[s.info->rank].table_bytes : 0;
    GCR_TRY(fill_blocks(&s, &out->memory, &out->ledger));
    GCR_TRY(gcr_comm_agree(comm, read_block(&out->datasets, &s, &out->memory)));
    GCR_TRY(sum_ledgers(&out->ledger, &s));
out:
    gcr_datasets_clear(&s.own);
    gcr_memory_destroy(s.all);
    if (status != GCR_OK)
        gcr_shared_datasets_clear(out);
    return status;
}

void gcr_shared_datasets_clear(gcr_shared_datasets *shared)
{
    gcr_datasets_clear(&shared->datasets);
    gcr_shared_clear(&shared->memory);
    shared->ledger = (gcr_data_ledger){ 0 };
}

gcr_status gcr_datasets_compare(gcr_comm *comm, const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    sharing s = { .comm = comm, .info = gcr_comm_info_of(comm) };
    outcome own = { .answer = ANSWER_READ };

    if (s.info->size == 1)
        goto out;
    GCR_TRY(gcr_comm_agree(comm, describe(&own, datasets, 1)));
    GCR_TRY(
        gcr_comm_gather_new((void **)&s.all, comm, &own, sizeof own, "the fingerprints of ranks"));
    GCR_TRY(compare_fingerprints(&s));
out:
    gcr_memory_destroy(s.all);
    return status;
}
