/* cli/cmd_devices.c -- gridcrunch devices: what there is to compute on. None is no error. */
#include "cli/command.h"
#include "cli/json.h"
#include "cli/screen.h"

#include "backend/backend.h"
#include "base/check.h"
#include "base/text.h"

#include <argp.h>
#include <inttypes.h>

enum { KEY_JSON = 0x200, WHY_BYTES = 512 };

static const struct argp_option options[] = {
    { "json", KEY_JSON, NULL, 0, "Print a JSON document", 0 },
    { 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
    int *is_json = state->input;

    if (key == ARGP_KEY_ARG)
        argp_error(state, "'%s' is too much: devices takes no argument", arg);
    if (key != KEY_JSON)
        return ARGP_ERR_UNKNOWN;
    *is_json = 1;
    return 0;
}

static const struct argp devices_argp = {
    .options = options,
    .parser = parse,
    .doc = "Lists the devices of each backend of this build, or says why there are none.",
};

/* What a run takes that chooses neither code path nor precision. */
static const char *format_kind(char out[GCR_KIND_BYTES], const gcr_device *device)
{
    gcr_device_kind(out, GCR_KIND_BYTES, device, device->info.code_path, GCR_F64, GCR_DIRECT);
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
}

static json_t *device_json(const gcr_device *device)
{
    const gcr_device_info *info = &device->info;
    char kind[GCR_KIND_BYTES];

    return json_pack("{s:o, s:o, s:s, s:o, s:i, s:b}", "name", gcr_json_text(info->name), "kind",
                     gcr_json_text(format_kind(kind, device)), "code_path",
                     gcr_code_path_name(info->code_path), "total_bytes",
                     gcr_json_count(info->total_bytes), "units", info->units, "shares_memory",
                     info->shares_memory);
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

gcr_status gcr_command_devices(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    json_t *list = NULL;
    int is_json = 0;

    (void)exit_out;
    argp_parse(&devices_argp, argc, argv, 0, NULL, &is_json);
    if (is_json)
        list = json_array();
    for (int b = 0; gcr_backends[b] != NULL; b++)
        GCR_TRY(visit_backend(gcr_backends[b], list));
    if (is_json)
        GCR_TRY(gcr_json_print(json_incref(list)));
out:
    json_decref(list);
    return status;
}
