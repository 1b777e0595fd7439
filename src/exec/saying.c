/* exec/saying.c -- see saying.h. */
#include "exec/saying.h"

#include "base/check.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

void gcr_saying_put(gcr_saying *saying, const void *bytes, uint64_t count)
{
    const uint64_t needed = saying->count + count;

    if (needed > saying->room && !saying->is_short) {
        char *larger = realloc(saying->bytes, 2 * needed);

        saying->is_short = larger == NULL;
        saying->bytes = larger != NULL ? larger : saying->bytes;
        saying->room = larger != NULL ? 2 * needed : saying->room;
    }
    if (saying->is_short)
        return;
    memcpy(saying->bytes + saying->count, bytes, count);
    saying->count = needed;
}

void gcr_saying_put_text(gcr_saying *saying, const char *text)
{
    gcr_saying_put(saying, text, strlen(text) + 1);
}

void gcr_saying_clear(gcr_saying *saying)
{
    free(saying->bytes);
    *saying = (gcr_saying){ 0 };
}

/* The longest that any rank has. */
static gcr_status measure(uint64_t *most, gcr_comm *comm, uint64_t mine, const char *what)
{
    gcr_status status = GCR_OK;
    const int size = gcr_comm_info_of(comm)->size;
    uint64_t *all = NULL;

    GCR_TRY(
        gcr_comm_agree(comm, gcr_memory_create((void **)&all, (uint64_t)size, sizeof *all, what)));
    GCR_TRY(gcr_comm_gather_all(comm, &mine, sizeof mine, all));
    *most = 0;
    for (int r = 0; r < size; r++)
        *most = all[r] > *most ? all[r] : *most;
out:
    gcr_memory_destroy(all);
    return status;
}

static gcr_status check(const gcr_saying *saying, const char *what)
{
    gcr_status status = GCR_OK;

    if (saying->is_short)
        GCR_FAIL(GCR_ENOMEM, "no memory for %s", what);
out:
    return status;
}

gcr_status gcr_sayings_gather(gcr_sayings *out, gcr_comm *comm, const gcr_saying *mine,
                              const char *what)
{
    gcr_status status = GCR_OK;
    const uint64_t size = (uint64_t)gcr_comm_info_of(comm)->size;
    char *padded = NULL;

    *out = (gcr_sayings){ 0 };
    GCR_TRY(gcr_comm_agree(comm, check(mine, what)));
    GCR_TRY(measure(&out->most, comm, mine->count, what));
    status = gcr_memory_create((void **)&padded, out->most, 1, what);
    if (status == GCR_OK)
        status = gcr_memory_create((void **)&out->bytes, size, out->most, what);
    GCR_TRY(gcr_comm_agree(comm, status));
    if (mine->count > 0)
        memcpy(padded, mine->bytes, mine->count);
    GCR_TRY(gcr_comm_gather_all(comm, padded, out->most, out->bytes));
out:
    gcr_memory_destroy(padded);
    return status;
}

void gcr_sayings_clear(gcr_sayings *sayings)
{
    gcr_memory_destroy(sayings->bytes);
    *sayings = (gcr_sayings){ 0 };
}

const char *gcr_sayings_of(const gcr_sayings *sayings, int rank)
{
    return sayings->bytes + (uint64_t)rank * sayings->most;
}

void gcr_saying_get(void *out, const char **at, uint64_t count)
{
    memcpy(out, *at, count);
    *at += count;
}

const char *gcr_saying_get_text(const char **at)
{
    const char *text = *at;

    *at += strlen(text) + 1;
    return text;
}
