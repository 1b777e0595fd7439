/* bench/rival_gather.c -- see rival_gather.h. MPI has been started by whoever opened the ranks. */
#include "rival_gather.h"

#include "base/check.h"

#include "gridcrunch/cell.h"

#include <mpi.h>

enum { TAG = 77 };

#define TRY_MPI(call)                                                                              \
    do {                                                                                           \
        if ((call) != MPI_SUCCESS)                                                                 \
            GCR_FAIL(GCR_EIO, "%s failed", #call);                                                 \
    } while (0)

static void keep(const rival_table *table, const rival_pair *pairs, int count)
{
    for (int i = 0; i < count; i++) {
        table->values[pairs[i].key] = pairs[i].value;
        table->states[pairs[i].key] = GCR_CELL_OK;
    }
}

/* Only the two of them may be asked to take part. */
static gcr_status pair_up(MPI_Comm *out, int other)
{
    gcr_status status = GCR_OK;
    const int members[] = { 0, other };
    MPI_Group world, pair;

    TRY_MPI(MPI_Comm_group(MPI_COMM_WORLD, &world));
    TRY_MPI(MPI_Group_incl(world, 2, members, &pair));
    TRY_MPI(MPI_Comm_create_group(MPI_COMM_WORLD, pair, TAG, out));
    TRY_MPI(MPI_Group_free(&pair));
    TRY_MPI(MPI_Group_free(&world));
out:
    return status;
}

gcr_status rival_gather_pairs(int other, const rival_pair *mine, int count, rival_pair *all,
                              const rival_table *table)
{
    gcr_status status = GCR_OK;
    MPI_Datatype type;
    MPI_Comm comm;
    int counts[2], offsets[2], rank;

    GCR_TRY(pair_up(&comm, other));
    TRY_MPI(MPI_Comm_rank(comm, &rank));
    TRY_MPI(MPI_Type_contiguous((int)sizeof *mine, MPI_BYTE, &type));
    TRY_MPI(MPI_Type_commit(&type));
    TRY_MPI(MPI_Gather(&count, 1, MPI_INT, counts, 1, MPI_INT, 0, comm));
    offsets[0] = 0;
    offsets[1] = rank == 0 ? counts[0] : 0;
    TRY_MPI(MPI_Gatherv(mine, count, type, all, counts, offsets, type, 0, comm));
    if (rank == 0)
        keep(table, all, counts[0] + counts[1]);
    TRY_MPI(MPI_Type_free(&type));
    TRY_MPI(MPI_Comm_free(&comm));
out:
    return status;
}

gcr_status rival_gather_messages(int other, const rival_pair *mine, int count,
                                 const rival_table *table)
{
    gcr_status status = GCR_OK;
    int rank;

    TRY_MPI(MPI_Comm_rank(MPI_COMM_WORLD, &rank));
    for (int i = 0; i < count; i++) {
        rival_pair one;

        if (rank > 0) {
            TRY_MPI(MPI_Send(&mine[i], (int)sizeof *mine, MPI_BYTE, 0, TAG, MPI_COMM_WORLD));
            continue;
        }
        TRY_MPI(MPI_Recv(&one, (int)sizeof one, MPI_BYTE, other, TAG, MPI_COMM_WORLD,
                         MPI_STATUS_IGNORE));
        keep(table, &one, 1);
    }
out:
    return status;
}
