/* exec/map.c -- see map.h: what this rank says of itself, and what is told of the whole. */
#include "exec/map.h"

#include "base/check.h"
#include "base/text.h"
#include "exec/topology.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct warning {
    char *text; /* without the node */
    char *line; /* with it          */
    int node, node_count;
} warning;

struct gcr_map {
    const gcr_comm_info *ranks; /* the comm's */
    gcr_map_facts *facts;       /* [size] */
    gcr_map_share *shares;      /* [size] */
    gcr_device_list devices;
    warning *warnings;
    int warning_count;
};

/* ---- what this rank says --------------------------------------------------------------------- */

static void look_around(gcr_map_gpu *gpu, const gcr_cpus *own, const gcr_topology *topology)
{
    gcr_cpus near;

    gpu->near_cpus = -1;
    if (gcr_topology_find(&near, &gpu->memory, topology, &gpu->identity.pci))
        gpu->near_cpus = gcr_cpus_common(&near, own);
}

static gcr_status add_devices(gcr_map_facts *facts, const gcr_device_list *devices)
{
    gcr_status status = GCR_OK;

    for (int i = 0; i < devices->count; i++) {
        const struct gcr_device_place *place = &devices->places[i];
        gcr_map_gpu *gpu = &facts->gpus[facts->gpu_count];

        GCR_TRY(gcr_device_identify(&gpu->identity, place->backend, place->index));
        if (gpu->identity.uuid[0] == '\0') {
            facts->cores = gpu->identity;
            continue;
        }
        snprintf(gpu->label, sizeof gpu->label, "%s:%d", place->backend->name, place->index);
        facts->gpu_count++;
    }
out:
    return status;
}

/* The topology takes a while, and is for GPUs alone. */
static gcr_status look(gcr_map_facts *facts, const gcr_device_list *devices)
{
    gcr_status status = GCR_OK;
    gcr_topology *topology = NULL;

    gcr_cpus_own(&facts->cpus);
    facts->machine_cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    GCR_TRY(add_devices(facts, devices));
    if (facts->gpu_count > 0)
        GCR_TRY(gcr_topology_open(&topology));
    for (int g = 0; g < facts->gpu_count; g++)
        look_around(&facts->gpus[g], &facts->cpus, topology);
out:
    gcr_topology_close(topology);
    return status;
}

/* ---- warnings -------------------------------------------------------------------------------- */

/* Takes `text`. The same of an earlier node counts one node more. */
static gcr_status warn(gcr_map *map, int node, char *text)
{
    gcr_status status = GCR_OK;
    warning *warnings;

    for (int w = 0; w < map->warning_count; w++)
        if (strcmp(map->warnings[w].text, text) == 0) {
            map->warnings[w].node_count++;
            goto out;
        }
    warnings = reallocarray(map->warnings, (size_t)map->warning_count + 1, sizeof *warnings);
    if (warnings == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a warning");
    map->warnings = warnings;
    warnings[map->warning_count++] = (warning){ .text = text, .node = node, .node_count = 1 };
    text = NULL; /* handed over */
out:
    free(text);
    return status;
}

/* "n1: ...", "n1 and 3 more nodes: ..." */
static gcr_status say_warnings(gcr_map *map)
{
    gcr_status status = GCR_OK;

    for (int w = 0; w < map->warning_count; w++) {
        warning *one = &map->warnings[w];
        const char *host = map->ranks->ranks[map->ranks->leaders[one->node]].host;

        if (one->node_count == 1)
            GCR_TRY(gcr_text_format(&one->line, "%s: %s", host, one->text));
        else
            GCR_TRY(gcr_text_format(&one->line, "%s and %d more node%s: %s", host,
                                    one->node_count - 1, gcr_plural((uint64_t)one->node_count - 1),
                                    one->text));
    }
out:
    return status;
}

/* A node: its ranks, and what they say. */
typedef struct node_view {
    int node, count;
    const int *ranks;                  /* [count] */
    const gcr_map_facts *const *facts; /* [count] */
    const gcr_map_share *shares;       /* [count] */
} node_view;

static gcr_status warn_of_cpus(gcr_map *map, const node_view *view)
{
    gcr_status status = GCR_OK;
    gcr_cpus all = { 0 };
    char *text;
    int threads = 0, cpus;

    for (int r = 0; r < view->count; r++) {
        gcr_cpus_join(&all, &view->facts[r]->cpus);
        threads += view->shares[r].threads;
    }
    cpus = gcr_cpus_count(&all);
    if (threads > cpus) {
        GCR_TRY(gcr_text_format(&text, "%d ranks have %d threads on %d CPU%s", view->count, threads,
                                cpus, gcr_plural((uint64_t)cpus)));
        GCR_TRY(warn(map, view->node, text));
    }
    if (map->ranks->size > 1 && cpus < view->facts[0]->machine_cpus) {
        GCR_TRY(gcr_text_format(
            &text,
            "%d rank%s may use %d of %d CPUs; if more are yours: mpirun --bind-to none, or srun "
            "--cpus-per-task",
            view->count, gcr_plural((uint64_t)view->count), cpus, view->facts[0]->machine_cpus));
        GCR_TRY(warn(map, view->node, text));
    }
out:
    return status;
}

/* The first two ranks whose masks are neither one mask nor two. */
static gcr_status warn_of_overlap(gcr_map *map, const node_view *view)
{
    gcr_status status = GCR_OK;
    char *text;

    for (int a = 0; a < view->count; a++)
        for (int b = a + 1; b < view->count; b++) {
            const gcr_cpus *x = &view->facts[a]->cpus, *y = &view->facts[b]->cpus;
            char x_text[GCR_CPUS_TEXT_BYTES], y_text[GCR_CPUS_TEXT_BYTES];

            if (gcr_cpus_are_equal(x, y) || gcr_cpus_common(x, y) == 0)
                continue;
            GCR_TRY(gcr_text_format(&text,
                                    "ranks %d and %d are bound to CPUs of which they share some "
                                    "(%s and %s): bind ranks to different ones, or none",
                                    view->ranks[a], view->ranks[b], gcr_cpus_format(x_text, x),
                                    gcr_cpus_format(y_text, y)));
            GCR_TRY(warn(map, view->node, text));
            goto out;
        }
out:
    return status;
}

static const gcr_map_gpu *gpu_of(const node_view *view, int rank, int nth)
{
    return &view->facts[rank]->gpus[view->shares[rank].gpus[nth]];
}

/* True if the GPU with that identity is one of a rank's share. */
static int has_gpu(const gcr_map_facts *facts, const gcr_map_share *share,
                   const gcr_device_identity *wanted)
{
    for (int i = 0; i < share->gpu_count; i++)
        if (memcmp(facts->gpus[share->gpus[i]].identity.uuid, wanted->uuid, GCR_UUID_BYTES) == 0)
            return 1;
    return 0;
}

static gcr_status warn_of_shared_gpus(gcr_map *map, const node_view *view)
{
    gcr_status status = GCR_OK;
    char *text;
    int gpus = 0, sharers = 0;

    for (int r = 0; r < view->count; r++) {
        int shares_one = 0;

        for (int i = 0; i < view->shares[r].gpu_count; i++) {
            int before = 0, after = 0;

            for (int other = 0; other < view->count; other++)
                if (other != r && has_gpu(view->facts[other], &view->shares[other],
                                          &gpu_of(view, r, i)->identity))
                    *(other < r ? &before : &after) += 1;
            gpus += before == 0 && after > 0;
            shares_one |= before + after > 0;
        }
        sharers += shares_one;
    }
    if (sharers == 0)
        goto out;
    GCR_TRY(gcr_text_format(&text, "%d ranks share %d GPU%s: one rank for each GPU is faster",
                            sharers, gpus, gcr_plural((uint64_t)gpus)));
    GCR_TRY(warn(map, view->node, text));
out:
    return status;
}

/* ---- the whole ------------------------------------------------------------------------------- */

static gcr_status deal_on(gcr_map *map, int node, int *ranks, const gcr_map_facts **facts,
                          gcr_map_share *shares)
{
    gcr_status status = GCR_OK;
    node_view view = { .node = node, .ranks = ranks, .facts = facts, .shares = shares };

    for (int r = 0; r < map->ranks->size; r++)
        if (map->ranks->ranks[r].node == node) {
            ranks[view.count] = r;
            facts[view.count++] = &map->facts[r];
        }
    GCR_TRY(gcr_map_deal(shares, facts, view.count));
    for (int i = 0; i < view.count; i++)
        map->shares[ranks[i]] = shares[i];
    GCR_TRY(warn_of_cpus(map, &view));
    GCR_TRY(warn_of_overlap(map, &view));
    GCR_TRY(warn_of_shared_gpus(map, &view));
out:
    return status;
}

static gcr_status deal(gcr_map *map)
{
    gcr_status status = GCR_OK;
    const size_t size = (size_t)map->ranks->size;
    int *ranks = calloc(size, sizeof *ranks);
    const gcr_map_facts **facts = calloc(size, sizeof *facts);
    gcr_map_share *shares = calloc(size, sizeof *shares);

    if (ranks == NULL || facts == NULL || shares == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the map of %zu ranks", size);
    for (int node = 0; node < map->ranks->node_count; node++)
        GCR_TRY(deal_on(map, node, ranks, facts, shares));
    GCR_TRY(say_warnings(map));
out:
    free(shares);
    free(facts);
    free(ranks);
    return status;
}

/* Those of this rank's devices that are its own: what is no GPU, and the GPUs of its share. */
static void choose_devices(gcr_map *map, const gcr_device_list *devices)
{
    const gcr_map_facts *facts = &map->facts[map->ranks->rank];
    const gcr_map_share *share = &map->shares[map->ranks->rank];
    int next = 0, seen = 0;

    for (int i = 0; i < devices->count; i++) {
        const struct gcr_device_place *place = &devices->places[i];
        char label[GCR_MAP_LABEL_BYTES];
        int is_own = 1;

        snprintf(label, sizeof label, "%s:%d", place->backend->name, place->index);
        if (seen < facts->gpu_count && strcmp(label, facts->gpus[seen].label) == 0) {
            is_own = next < share->gpu_count && share->gpus[next] == seen;
            next += is_own;
            seen++;
        }
        if (is_own)
            map->devices.places[map->devices.count++] = *place;
    }
}

static gcr_status open_map(gcr_map **out, gcr_map_facts **own_out, const gcr_comm *comm,
                           const gcr_device_list *devices)
{
    gcr_status status = GCR_OK;
    gcr_map *map = calloc(1, sizeof *map);
    size_t size;

    *out = map;
    *own_out = calloc(1, sizeof **own_out);
    if (map == NULL || *own_out == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the map of the ranks");
    map->ranks = gcr_comm_info_of(comm);
    size = (size_t)map->ranks->size;
    map->facts = calloc(size, sizeof *map->facts);
    map->shares = calloc(size, sizeof *map->shares);
    if (map->facts == NULL || map->shares == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the map of %zu ranks", size);
    GCR_TRY(look(*own_out, devices));
out:
    return status;
}

gcr_status gcr_map_create(gcr_map **out, gcr_comm *comm, const gcr_device_list *devices,
                          int threads)
{
    gcr_status status = GCR_OK;
    gcr_map_facts *own;
    gcr_map *map;

    *out = NULL;
    GCR_TRY(gcr_comm_agree(comm, open_map(&map, &own, comm, devices)));
    own->threads = threads;
    GCR_TRY(gcr_comm_gather_all(comm, own, sizeof *own, map->facts));
    GCR_TRY(gcr_comm_agree(comm, deal(map)));
    choose_devices(map, devices);
    *out = map;
    map = NULL; /* handed over */
out:
    gcr_map_destroy(map);
    free(own);
    return status;
}

void gcr_map_destroy(gcr_map *map)
{
    if (map == NULL)
        return;
    for (int w = 0; w < map->warning_count; w++) {
        free(map->warnings[w].text);
        free(map->warnings[w].line);
    }
    free(map->warnings);
    free(map->shares);
    free(map->facts);
    free(map);
}

/* ---- what is asked --------------------------------------------------------------------------- */

const gcr_device_list *gcr_map_devices(const gcr_map *map)
{
    return &map->devices;
}

int gcr_map_threads(const gcr_map *map)
{
    return map->shares[map->ranks->rank].threads;
}

int gcr_map_sharers(const gcr_map *map, const char *label)
{
    const gcr_map_facts *own = &map->facts[map->ranks->rank];
    int sharers = 0;

    for (int g = 0; g < own->gpu_count; g++) {
        if (strcmp(own->gpus[g].label, label) != 0)
            continue;
        for (int r = 0; r < map->ranks->size; r++)
            sharers += has_gpu(&map->facts[r], &map->shares[r], &own->gpus[g].identity);
    }
    return sharers > 0 ? sharers : 1;
}

const gcr_map_facts *gcr_map_facts_of(const gcr_map *map, int rank)
{
    return &map->facts[rank];
}

const gcr_map_share *gcr_map_share_of(const gcr_map *map, int rank)
{
    return &map->shares[rank];
}

int gcr_map_warning_count(const gcr_map *map)
{
    return map->warning_count;
}

const char *gcr_map_warning(const gcr_map *map, int index)
{
    return map->warnings[index].line;
}

const char *gcr_map_pci(char out[GCR_MAP_PCI_BYTES], const gcr_device_identity *identity)
{
    snprintf(out, GCR_MAP_PCI_BYTES, "%04x:%02x:%02x", (unsigned)identity->pci.domain,
             (unsigned)identity->pci.bus, (unsigned)identity->pci.device);
    return out;
}

const char *gcr_map_nearness(const gcr_map_gpu *gpu)
{
    return gpu->near_cpus < 0 ? "" : gpu->near_cpus == 0 ? "far" : "near";
}

/* The first GPU of the rank that has this name. */
static int is_first_of_name(const gcr_map_facts *facts, const gcr_map_share *share, int nth)
{
    const char *name = facts->gpus[share->gpus[nth]].identity.name;

    for (int i = 0; i < nth; i++)
        if (strcmp(facts->gpus[share->gpus[i]].identity.name, name) == 0)
            return 0;
    return 1;
}

void gcr_map_kind(char *out, size_t bytes, const gcr_map *map, int rank)
{
    const gcr_map_facts *facts = &map->facts[rank];
    const gcr_map_share *share = &map->shares[rank];
    size_t at = 0;

    out[0] = '\0';
    if (share->gpu_count == 0 && facts->cores.name[0] != '\0')
        snprintf(out, bytes, "%s, %s", facts->cores.name,
                 gcr_code_path_name(facts->cores.code_path));
    for (int i = 0; i < share->gpu_count && at < bytes; i++)
        if (is_first_of_name(facts, share, i))
            at += (size_t)snprintf(out + at, bytes - at, "%s%s", i > 0 ? ", " : "",
                                   facts->gpus[share->gpus[i]].identity.name);
}

void gcr_map_line(char *out, size_t bytes, const gcr_map *map, int rank)
{
    const gcr_map_facts *facts = &map->facts[rank];
    const gcr_map_share *share = &map->shares[rank];
    char cpus[GCR_CPUS_TEXT_BYTES];
    const int is_known = facts->cores.name[0] != '\0';
    int at = snprintf(out, bytes, "rank %d on %s: %d thread%s on CPUs %s%s%s%s", rank,
                      map->ranks->ranks[rank].host, share->threads,
                      gcr_plural((uint64_t)share->threads), gcr_cpus_format(cpus, &facts->cpus),
                      is_known ? " (" : "", facts->cores.name, is_known ? ")" : "");

    for (int i = 0; i < share->gpu_count && at >= 0 && (size_t)at < bytes; i++) {
        const gcr_map_gpu *gpu = &facts->gpus[share->gpus[i]];
        const char *nearness = gcr_map_nearness(gpu);

        at += snprintf(out + at, bytes - (size_t)at, ", %s %s%s%s", gpu->label, gpu->identity.name,
                       nearness[0] != '\0' ? " " : "", nearness);
    }
}
