/*
 * exec/share_data.h -- the datasets of a job on many ranks: read once on each node, where they
 * stand in memory that its ranks share, and sent once to each node that has no files.
 *
 * A node reads what it can: nodes read side by side, and only those that find no file, or may not
 * read it, are sent what another has read. What was read twice must be the same, bit by bit.
 */
#ifndef GCR_EXEC_SHARE_DATA_H
#define GCR_EXEC_SHARE_DATA_H

#include "comm/comm.h"
#include "gridcrunch/dataset.h"
#include "gridcrunch/run.h"

/* What it took, over all ranks. */
typedef struct gcr_data_ledger {
    uint64_t table_bytes;  /* x and y of all datasets, each counted once                    */
    uint64_t read_bytes;   /* of them, what was read from files or made: once for each node */
    uint64_t shared_bytes; /* memory that several ranks of a node see: tables and names     */
    uint64_t sent_bytes;   /* from node to node: the same                                   */
    uint64_t reading_nodes, receiving_nodes;
} gcr_data_ledger;

typedef struct gcr_shared_datasets {
    gcr_datasets datasets;
    gcr_shared memory; /* where their tables stand, for reading alone; else base is NULL */
    gcr_data_ledger ledger;
} gcr_shared_datasets;

/*
 * The datasets of `job`, as gcr_datasets_load() has them, on every rank. Collective. The leader of
 * each node loads them. Tables are copied where ranks share a node or nodes send to each other,
 * each piece's own memory going as it is copied; a rank alone on its node keeps what it has loaded.
 *
 * On failure all ranks have the same status and sentence, and *out is zeroed: those of
 * gcr_datasets_load() where no node has the files, or where a node fails for another reason than
 * that; GCR_ECONFLICT: two nodes have read different datasets; GCR_ENOMEM; and what
 * gcr_comm_share() fails with.
 */
GCR_MUST_CHECK gcr_status gcr_datasets_share(gcr_shared_datasets *out, gcr_comm *comm,
                                             const gcr_job *job);

/* The results of a run say what it took, too, if it is told. */
void gcr_run_tell_data(gcr_run *run, const gcr_data_ledger *ledger);

/* Not collective. A zeroed struct is allowed. */
void gcr_shared_datasets_clear(gcr_shared_datasets *shared);

/*
 * For datasets that a program has made itself, on each rank its own, which are not shared: finds
 * out whether all ranks have the same ones, bit by bit. Collective. GCR_ECONFLICT: two have not,
 * which are named; GCR_ENOMEM, GCR_EOVERFLOW.
 */
GCR_MUST_CHECK gcr_status gcr_datasets_compare(gcr_comm *comm, const gcr_datasets *datasets);

#endif /* GCR_EXEC_SHARE_DATA_H */
