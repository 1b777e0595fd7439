/* exec/crew.c -- the table of all ranks' devices. See crew.h. */
#include "exec/crew.h"

#include "base/check.h"
#include "base/memory.h"

#include <string.h>

/* What a rank says first. */
typedef struct greeting {
    gcr_crew_work work;
    uint64_t device_count;
} greeting;

static gcr_status check_work(const gcr_crew *crew, const greeting *all)
{
    gcr_status status = GCR_OK;
    const gcr_crew_work *first = &all[0].work;

    for (int r = 1; r < crew->comm->size; r++) {
        const gcr_crew_work *work = &all[r].work;
        const char *what = work->job != first->job                       ? "another job"
                           : work->kernel != first->kernel               ? "another kernel file"
                           : work->dataset_count != first->dataset_count ? "other datasets"
                           : work->live_count != first->live_count       ? "another grid"
                                                                         : NULL;

        if (what != NULL)
            GCR_FAIL(GCR_EINVAL,
                     "rank %d on %s has %s than rank 0 on %s: all ranks of a run need the same", r,
                     crew->comm->ranks[r].host, what, crew->comm->ranks[0].host);
    }
out:
    return status;
}

/* Devices of a rank mostly have one kind and one name: "" is that of the one before. */
static const char *unless_same(const char *text, const char *before)
{
    return before != NULL && strcmp(text, before) == 0 ? "" : text;
}

static void say_devices(gcr_saying *out, const gcr_crew_device *mine, int count)
{
    for (int d = 0; d < count; d++) {
        gcr_saying_put(out, &mine[d].rate, sizeof mine[d].rate);
        gcr_saying_put(out, &mine[d].workers, sizeof mine[d].workers);
        gcr_saying_put_text(out, mine[d].word);
        gcr_saying_put_text(out, unless_same(mine[d].kind, d > 0 ? mine[d - 1].kind : NULL));
        gcr_saying_put_text(out, unless_same(mine[d].name, d > 0 ? mine[d - 1].name : NULL));
    }
}

static void hear_devices(gcr_crew *crew, int rank, uint64_t count)
{
    const char *at = gcr_sayings_of(&crew->sayings, rank), *kind = "", *name = "";

    for (uint64_t d = 0; d < count; d++) {
        gcr_crew_device *device = &crew->devices[crew->device_count++];
        const char *text;

        gcr_saying_get(&device->rate, &at, sizeof device->rate);
        gcr_saying_get(&device->workers, &at, sizeof device->workers);
        device->word = gcr_saying_get_text(&at);
        text = gcr_saying_get_text(&at);
        device->kind = kind = text[0] != '\0' ? text : kind;
        text = gcr_saying_get_text(&at);
        device->name = name = text[0] != '\0' ? text : name;
        device->rank = rank;
    }
}

static gcr_status gather_devices(gcr_crew *crew, gcr_comm *comm, const greeting *all,
                                 const gcr_crew_device *mine)
{
    gcr_status status = GCR_OK;
    static const char what[] = "the devices of all ranks";
    const int size = crew->comm->size;
    gcr_saying saying = { 0 };
    uint64_t total = 0;

    for (int r = 0; r < size; r++)
        total += all[r].device_count;
    say_devices(&saying, mine, (int)all[crew->comm->rank].device_count);
    GCR_TRY(gcr_sayings_gather(&crew->sayings, comm, &saying, what));
    GCR_TRY(gcr_comm_agree(
        comm, gcr_memory_create((void **)&crew->devices, total, sizeof *crew->devices, what)));
    for (int r = 0; r < size; r++)
        hear_devices(crew, r, all[r].device_count);
out:
    gcr_saying_clear(&saying);
    return status;
}

static gcr_status number_kinds(gcr_crew *crew)
{
    gcr_status status = GCR_OK;

    for (int d = 0; d < crew->device_count; d++) {
        if (gcr_crew_find_kind(crew, crew->devices[d].kind) < crew->kind_count)
            continue;
        if (crew->kind_count == GCR_CREW_KINDS_MAX)
            GCR_FAIL(GCR_EUNSUPPORTED, "a run has devices of at most %d kinds on all ranks",
                     GCR_CREW_KINDS_MAX);
        crew->kinds[crew->kind_count++] = crew->devices[d].kind;
    }
out:
    return status;
}

gcr_status gcr_crew_create(gcr_crew *out, gcr_comm *comm, const gcr_crew_work *work,
                           const gcr_crew_device *mine, int count)
{
    gcr_status status = GCR_OK;
    const greeting hello = { .work = *work, .device_count = (uint64_t)count };
    greeting *all = NULL;

    *out = (gcr_crew){ .comm = gcr_comm_info_of(comm) };
    GCR_TRY(gcr_comm_gather_new((void **)&all, comm, &hello, sizeof hello, "the ranks of a run"));
    GCR_TRY(check_work(out, all));
    GCR_TRY(gather_devices(out, comm, all, mine));
    GCR_TRY(number_kinds(out));
out:
    gcr_memory_destroy(all);
    return status;
}

void gcr_crew_clear(gcr_crew *crew)
{
    gcr_memory_destroy(crew->devices);
    gcr_sayings_clear(&crew->sayings);
    *crew = (gcr_crew){ 0 };
}

int gcr_crew_find_kind(const gcr_crew *crew, const char *name)
{
    int k = 0;

    while (k < crew->kind_count && strcmp(crew->kinds[k], name) != 0)
        k++;
    return k;
}

static int is_of(const gcr_crew *crew, const gcr_crew_device *d, int kind)
{
    return kind < 0 || strcmp(d->kind, crew->kinds[kind]) == 0;
}

int gcr_crew_node_workers(const gcr_crew *crew, int kind, int node)
{
    int workers = 0;

    for (int i = 0; i < crew->device_count; i++) {
        const gcr_crew_device *d = &crew->devices[i];

        if (is_of(crew, d, kind) && crew->comm->ranks[d->rank].node == node)
            workers += d->workers;
    }
    return workers;
}

gcr_crew_workers gcr_crew_count_workers(const gcr_crew *crew, int kind)
{
    const int node = crew->comm->node;
    gcr_crew_workers out = { .of_node = gcr_crew_node_workers(crew, kind, node) };

    for (int i = 0; i < crew->device_count; i++) {
        const gcr_crew_device *d = &crew->devices[i];
        const int of = crew->comm->ranks[d->rank].node;

        if (!is_of(crew, d, kind))
            continue;
        out.all += d->workers;
        out.before_node += of < node ? d->workers : 0;
        out.before_in_node += of == node && d->rank < crew->comm->rank ? d->workers : 0;
    }
    return out;
}

void gcr_crew_weights(double *weights, const gcr_crew *crew, int kind)
{
    for (int node = 0; node < crew->comm->node_count; node++)
        for (int i = 0; i < crew->device_count; i++) {
            const gcr_crew_device *d = &crew->devices[i];

            if (!is_of(crew, d, kind) || crew->comm->ranks[d->rank].node != node)
                continue;
            for (int w = 0; w < d->workers; w++)
                *weights++ = d->rate / d->workers;
        }
}

double gcr_crew_rate(const gcr_crew *crew, int kind, int node)
{
    double rate = 0.0;

    for (int i = 0; i < crew->device_count; i++) {
        const gcr_crew_device *d = &crew->devices[i];

        if (is_of(crew, d, kind) && (node < 0 || crew->comm->ranks[d->rank].node == node))
            rate += d->rate;
    }
    return rate;
}
