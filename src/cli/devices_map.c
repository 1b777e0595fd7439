/* cli/devices_map.c -- see devices_map.h. */
#include "cli/devices_map.h"

#include "cli/json.h"
#include "cli/screen.h"
#include "cli/sheet.h"

#include "base/check.h"
#include "comm/comm.h"
#include "exec/map.h"

#include <stdlib.h>
#include <string.h>

enum { LIST_BYTES = 1024 };

/* ---- the table ------------------------------------------------------------------------------- */

typedef const char *describe_fn(char scratch[LIST_BYTES], const gcr_map_gpu *gpu);

static const char *label_of(char scratch[LIST_BYTES], const gcr_map_gpu *gpu)
{
    (void)scratch;
    return gpu->label;
}

static const char *pci_of(char scratch[LIST_BYTES], const gcr_map_gpu *gpu)
{
    return gcr_map_pci(scratch, &gpu->identity);
}

static const char *nearness_of(char scratch[LIST_BYTES], const gcr_map_gpu *gpu)
{
    const char *nearness = gcr_map_nearness(gpu);

    (void)scratch;
    return nearness[0] != '\0' ? nearness : "-";
}

/* One word for each GPU of the rank, in their order. */
static void put_gpus(gcr_sheet *sheet, const gcr_map *map, int rank, describe_fn *describe)
{
    const gcr_map_share *share = gcr_map_share_of(map, rank);
    char list[LIST_BYTES] = "", scratch[LIST_BYTES];
    gcr_map_facts facts;
    size_t at = 0;

    gcr_map_facts_get(&facts, map, rank);
    for (int i = 0; i < share->gpu_count && at < sizeof list; i++)
        at += (size_t)snprintf(list + at, sizeof list - at, "%s%s", i > 0 ? " " : "",
                               describe(scratch, &facts.gpus[share->gpus[i]]));
    if (share->gpu_count > 0)
        gcr_sheet_format(sheet, "%s", list);
    else
        gcr_sheet_none(sheet);
}

static int has_gpus(const gcr_map *map, const gcr_comm_info *ranks)
{
    for (int r = 0; r < ranks->size; r++) {
        gcr_map_facts facts;

        gcr_map_facts_get(&facts, map, r);
        if (facts.gpu_count > 0)
            return 1;
    }
    return 0;
}

static gcr_status print_table(const gcr_map *map, const gcr_comm_info *ranks)
{
    gcr_status status = GCR_OK;
    static const char *const of_all[] = { "rank", "host", "cpus", "threads" };
    static const char *const of_gpus[] = { "gpus", "pci", "nearness" };
    const int shows_gpus = has_gpus(map, ranks);
    gcr_sheet sheet = { 0 };

    for (int c = 0; c < 4; c++)
        gcr_sheet_name(&sheet, "%s", of_all[c]);
    for (int c = 0; shows_gpus && c < 3; c++)
        gcr_sheet_name(&sheet, "%s", of_gpus[c]);
    gcr_sheet_name(&sheet, "kind");
    for (int r = 0; r < ranks->size; r++) {
        char cpus[GCR_CPUS_TEXT_BYTES], kind[LIST_BYTES];
        gcr_map_facts facts;

        gcr_map_facts_get(&facts, map, r);
        gcr_map_kind(kind, sizeof kind, map, r);
        gcr_sheet_count(&sheet, (uint64_t)r);
        gcr_sheet_text(&sheet, ranks->ranks[r].host);
        gcr_sheet_format(&sheet, "%s", gcr_cpus_format(cpus, &facts.cpus));
        gcr_sheet_count(&sheet, (uint64_t)gcr_map_share_of(map, r)->threads);
        if (shows_gpus) {
            put_gpus(&sheet, map, r, label_of);
            put_gpus(&sheet, map, r, pci_of);
            put_gpus(&sheet, map, r, nearness_of);
        }
        gcr_sheet_format(&sheet, "%s", kind);
    }
    GCR_TRY(gcr_sheet_print(&sheet, stdout));
    for (int w = 0; w < gcr_map_warning_count(map); w++)
        gcr_screen_note(stderr, "warning", "%s", gcr_map_warning(map, w));
out:
    gcr_sheet_clear(&sheet);
    return status;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *gpu_json(const gcr_map_gpu *gpu)
{
    const char *nearness = gcr_map_nearness(gpu);
    char pci[GCR_MAP_PCI_BYTES];

    return json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "device", gpu->label, "name",
                     gcr_json_text(gpu->identity.name), "uuid", gpu->identity.uuid, "pci",
                     gcr_map_pci(pci, &gpu->identity), "memory_node",
                     gpu->memory >= 0 ? json_integer(gpu->memory) : json_null(), "nearness",
                     gcr_json_text(nearness[0] != '\0' ? nearness : NULL));
}

static json_t *cores_json(const gcr_device_identity *cores)
{
    return json_pack("{s:o, s:s}", "name", gcr_json_text(cores->name), "code_path",
                     gcr_code_path_name(cores->code_path));
}

static json_t *rank_json(const gcr_map *map, const gcr_comm_info *ranks, int rank)
{
    const gcr_map_share *share = gcr_map_share_of(map, rank);
    gcr_map_facts facts;
    char cpus[GCR_CPUS_TEXT_BYTES], kind[LIST_BYTES];
    json_t *gpus = json_array();

    gcr_map_facts_get(&facts, map, rank);
    gcr_map_kind(kind, sizeof kind, map, rank);
    for (int i = 0; i < share->gpu_count; i++)
        json_array_append_new(gpus, gpu_json(&facts.gpus[share->gpus[i]]));
    return json_pack("{s:i, s:o, s:i, s:s, s:i, s:o, s:o, s:o}", "rank", rank, "host",
                     gcr_json_text(ranks->ranks[rank].host), "node", ranks->ranks[rank].node,
                     "cpus", gcr_cpus_format(cpus, &facts.cpus), "threads", share->threads, "kind",
                     gcr_json_text(kind), "cores", cores_json(&facts.cores), "gpus", gpus);
}

static gcr_status print_json(const gcr_map *map, const gcr_comm_info *ranks)
{
    json_t *list = json_array(), *warnings = json_array();

    for (int r = 0; r < ranks->size; r++)
        json_array_append_new(list, rank_json(map, ranks, r));
    for (int w = 0; w < gcr_map_warning_count(map); w++)
        json_array_append_new(warnings, gcr_json_text(gcr_map_warning(map, w)));
    return gcr_json_print(json_pack("{s:o, s:o}", "ranks", list, "warnings", warnings));
}

/* ---- the whole ------------------------------------------------------------------------------- */

static gcr_status print(const gcr_map *map, const gcr_comm_info *ranks, int is_json)
{
    if (ranks->rank != 0)
        return GCR_OK;
    return is_json ? print_json(map, ranks) : print_table(map, ranks);
}

gcr_status gcr_devices_map_print(int is_json)
{
    gcr_status status = GCR_OK;
    gcr_comm *comm = NULL;
    gcr_device_list devices;
    gcr_map *map = NULL;

    GCR_TRY(gcr_comm_open(&comm));
    GCR_TRY(gcr_comm_agree(comm, gcr_device_list_all(&devices, gcr_backends)));
    GCR_TRY(gcr_map_create(&map, comm, &devices, 0));
    GCR_TRY(gcr_comm_agree(comm, print(map, gcr_comm_info_of(comm), is_json)));
out:
    gcr_map_destroy(map);
    gcr_comm_close(comm);
    return status;
}
