/*
 * cli/cmd_devices.c -- gridcrunch devices: what there is to compute on. None is no error, but where
 * one is to be calibrated.
 */
#include "cli/command.h"
#include "cli/devices_map.h"
#include "cli/help.h"
#include "cli/json.h"
#include "cli/run_ranks.h"
#include "cli/screen.h"

#include "backend/backend.h"
#include "base/check.h"
#include "base/text.h"
#include "exec/calibrate.h"

#include <argp.h>
#include <inttypes.h>
#include <string.h>

enum { KEY_JSON = 0x200, KEY_CALIBRATE, KEY_MAP, WHY_BYTES = 512, MODELS_MAX = 8 };

typedef struct devices_args {
    int is_json, calibrates, is_map;
} devices_args;

static const struct argp_option options[] = {
    { "calibrate", KEY_CALIBRATE, NULL, 0,
      "Measure which algorithm is the fastest for which size on each model of GPU, for all later "
      "runs (some minutes; changes the last bits of results)",
      0 },
    { "map", KEY_MAP, NULL, 0, "Print which CPUs and GPUs each rank has", 0 },
    { "json", KEY_JSON, NULL, 0, "Print a JSON document", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    devices_args *args = state->input;

    switch (key) {
    case ARGP_KEY_ARG: argp_error(state, "'%s' is too much: devices takes no argument", arg); break;
    case KEY_JSON: args->is_json = 1; break;
    case KEY_CALIBRATE: args->calibrates = 1; break;
    case KEY_MAP: args->is_map = 1; break;
    case ARGP_KEY_END:
        if (args->calibrates && args->is_map)
            argp_error(state, "--calibrate and --map are two things: one after the other");
        break;
    default: return ARGP_ERR_UNKNOWN;
    }
    return 0;
}

static char *list_variables(int key, const char *text, void *input)
{
    (void)input;
    return gcr_help_variables(key, text, GCR_ENV_GPU_MODULE, GCR_ENV_OPEN_MPI_RANK);
}

static const struct argp devices_argp = {
    .help_filter = list_variables,
    .options = options,
    .parser = parse,
    .doc = "Lists the devices of each backend of this build, or says why there are none.",
};

/* What a run takes that chooses neither code path nor precision. */
static const char *format_kind(char out[GCR_KIND_BYTES], const gcr_device *device)
{
    gcr_device_kind(out, GCR_KIND_BYTES, device, device->info.code_path, GCR_F64, GCR_DIRECT, 0);
    return out;
}

static void print_device(const gcr_backend *backend, int index, const gcr_device *device)
{
    const gcr_device_info *info = &device->info;
    char label[32], bytes[32], kind[GCR_KIND_BYTES];

    snprintf(label, sizeof label, "%s:%d", backend->name, index);
    gcr_screen_note(stdout, label, "%s, %d units, %s", info->name, info->units,
                    gcr_format_bytes(bytes, info->total_bytes));
    gcr_screen_note(stdout, "", "kind %s", format_kind(kind, device));
    if (info->tuning[0] != '\0')
        gcr_screen_note(stdout, "", "%s", info->tuning);
}

static json_t *device_json(const gcr_device *device)
{
    const gcr_device_info *info = &device->info;
    char kind[GCR_KIND_BYTES];

    return json_pack("{s:o, s:o, s:s, s:o, s:i, s:b, s:o}", "name", gcr_json_text(info->name),
                     "kind", gcr_json_text(format_kind(kind, device)), "code_path",
                     gcr_code_path_name(info->code_path), "total_bytes",
                     gcr_json_count(info->total_bytes), "units", info->units, "shares_memory",
                     info->shares_memory, "tuning",
                     gcr_json_text(info->tuning[0] != '\0' ? info->tuning : NULL));
}

/* Prints the devices of a backend, or with a list adds them to it. */
static gcr_status visit_devices(const gcr_backend *backend, int count, json_t *list)
{
    gcr_status status = GCR_OK;
    gcr_device *device = NULL;

    for (int i = 0; i < count; i++) {
        GCR_TRY(gcr_device_open(&device, backend, i));
        if (list == NULL)
            print_device(backend, i, device);
        else
            json_array_append_new(list, device_json(device));
        gcr_device_close(device);
        device = NULL;
    }
out:
    gcr_device_close(device);
    return status;
}

static gcr_status visit_backend(const gcr_backend *backend, json_t *list)
{
    gcr_status status = GCR_OK;
    char why[WHY_BYTES] = "";
    int count = 0;
    json_t *devices = list == NULL ? NULL : json_array();

    GCR_TRY(backend->device_count(&count, why, sizeof why));
    if (list == NULL && count == 0)
        gcr_screen_note(stdout, backend->name, "%s", why);
    GCR_TRY(visit_devices(backend, count, devices));
    if (list != NULL)
        json_array_append_new(list, json_pack("{s:s, s:O, s:o}", "backend", backend->name,
                                              "devices", devices, "why_none",
                                              gcr_json_text(count == 0 ? why : NULL)));
out:
    json_decref(devices);
    return status;
}

/* ---- calibration ----------------------------------------------------------------------------- */

/* Models that have been measured by this command. */
typedef struct models {
    char name[MODELS_MAX][sizeof((gcr_device_info *)0)->name];
    int count;
} models;

static int is_listed(const models *of, const char *name)
{
    for (int m = 0; m < of->count; m++)
        if (strcmp(of->name[m], name) == 0)
            return 1;
    return 0;
}

static void print_line(void *context, const char *line)
{
    (void)context;
    gcr_screen_note(stderr, "", "%s", line);
}

/* The first device of each model. */
static gcr_status calibrate_backend(models *done, const gcr_backend *backend, int count)
{
    gcr_status status = GCR_OK;
    gcr_device *device = NULL;

    for (int i = 0; i < count && done->count < MODELS_MAX; i++) {
        GCR_TRY(gcr_device_open(&device, backend, i));
        if (device->info.tuning[0] != '\0' && !is_listed(done, device->info.name)) {
            gcr_screen_note(stderr, "calibrating", "%s", device->info.name);
            GCR_TRY(gcr_calibrate(device, print_line, NULL));
            strcpy(done->name[done->count++], device->info.name);
        }
        gcr_device_close(device);
        device = NULL;
    }
out:
    gcr_device_close(device);
    return status;
}

static gcr_status calibrate(void)
{
    gcr_status status = GCR_OK;
    char why[WHY_BYTES] = "no backend of this build has anything to choose between";
    models done = { .count = 0 };

    for (int b = 0; gcr_backends[b] != NULL; b++) {
        int count = 0;

        GCR_TRY(gcr_backends[b]->device_count(&count, why, sizeof why));
        GCR_TRY(calibrate_backend(&done, gcr_backends[b], count));
    }
    if (done.count == 0)
        GCR_FAIL(GCR_EUNSUPPORTED, "there is nothing to calibrate: %s", why);
out:
    return status;
}

gcr_status gcr_command_devices(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    json_t *list = NULL;
    devices_args args = { 0 };

    (void)exit_out;
    argp_parse(&devices_argp, argc, argv, 0, NULL, &args);
    gcr_ranks_speak();
    if (args.is_map) {
        GCR_TRY(gcr_devices_map_print(args.is_json));
        goto out;
    }
    if (args.calibrates)
        GCR_TRY(calibrate());
    if (args.is_json)
        list = json_array();
    for (int b = 0; gcr_backends[b] != NULL; b++)
        GCR_TRY(visit_backend(gcr_backends[b], list));
    if (args.is_json)
        GCR_TRY(gcr_json_print(json_incref(list)));
out:
    json_decref(list);
    return status;
}
