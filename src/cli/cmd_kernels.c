/* cli/cmd_kernels.c -- gridcrunch kernels: what can be computed in a cell. */
#include "cli/command.h"
#include "cli/screen.h"
#include "cli/sheet.h"

#include "base/check.h"
#include "kernels/registry.h"

#include <argp.h>
#include <inttypes.h>

static error_t parse(int key, char *arg, struct argp_state *state)
{
    const char **name = state->input;

    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (*name != NULL)
        argp_error(state, "one kernel at a time: '%s' is the second", arg);
    *name = arg;
    return 0;
}

static const struct argp kernels_argp = {
    .parser = parse,
    .args_doc = "[NAME|FILE]",
    .doc = "Lists the kernels, or the parameters, options and outputs of one: built in, or in a C "
           "file of yours (its name ends in .c or has a / in it).",
};

static gcr_status print_list(void)
{
    gcr_status status = GCR_OK;
    gcr_sheet sheet = { 0 };
    int count;
    const gcr_kernel *const *kernels = gcr_kernels(&count);

    gcr_sheet_name(&sheet, "kernel");
    gcr_sheet_name(&sheet, "computes");
    for (int k = 0; k < count; k++) {
        gcr_sheet_text(&sheet, kernels[k]->name);
        gcr_sheet_text(&sheet, kernels[k]->help);
    }
    GCR_TRY(gcr_sheet_print(&sheet, stdout));
out:
    gcr_sheet_clear(&sheet);
    return status;
}

/* ---- one kernel ------------------------------------------------------------------------------ */

/* "> 0", ">= 1, whole", "any" */
static const char *domain_text(char out[64], const gcr_kernel_parameter *parameter)
{
    if (parameter->is_free)
        snprintf(out, 64, "any%s", parameter->is_integer ? ", whole" : "");
    else
        snprintf(out, 64, "%s %g%s", parameter->is_open ? ">" : ">=", parameter->least,
                 parameter->is_integer ? ", whole" : "");
    return out;
}

static const char *choices_text(char out[256], const gcr_kernel_option *option)
{
    size_t used = 0;

    if (option->choices[0] == NULL) {
        snprintf(out, 256, "%" PRId64 " .. %" PRId64 ", else %" PRId64, option->least, option->most,
                 option->standard);
        return out;
    }
    for (int c = 0; c < GCR_CHOICES_MAX && option->choices[c] != NULL && used < 256; c++)
        used +=
            (size_t)snprintf(out + used, 256 - used, "%s%s", c > 0 ? ", " : "", option->choices[c]);
    if (used < 256)
        snprintf(out + used, 256 - used, "; else %s", option->choices[option->standard]);
    return out;
}

static const char *width_text(char out[64], const gcr_kernel_output *output)
{
    if (output->width == GCR_WIDTH_ROWS)
        return "one per row";
    if (output->width == GCR_WIDTH_FEATURES)
        return "one per feature";
    snprintf(out, 64, "%d", output->width);
    return out;
}

static void put_parameters(gcr_sheet *sheet, const gcr_kernel *kernel)
{
    char domain[64];

    for (int p = 0; p < gcr_kernel_parameter_count(kernel); p++) {
        gcr_sheet_text(sheet, "parameter");
        gcr_sheet_text(sheet, kernel->parameters[p].name);
        gcr_sheet_format(sheet, "%s", domain_text(domain, &kernel->parameters[p]));
        gcr_sheet_text(sheet, kernel->parameters[p].help);
    }
}

static void put_options(gcr_sheet *sheet, const gcr_kernel *kernel)
{
    char choices[256];

    for (int o = 0; o < gcr_kernel_option_count(kernel); o++) {
        gcr_sheet_text(sheet, "option");
        gcr_sheet_text(sheet, kernel->options[o].name);
        gcr_sheet_format(sheet, "%s", choices_text(choices, &kernel->options[o]));
        gcr_sheet_text(sheet, kernel->options[o].help);
    }
}

static void put_outputs(gcr_sheet *sheet, const gcr_kernel *kernel)
{
    char width[64];

    for (int o = 0; o < gcr_kernel_output_count(kernel); o++) {
        gcr_sheet_text(sheet, "output");
        gcr_sheet_text(sheet, kernel->outputs[o].name);
        gcr_sheet_format(sheet, "%s", width_text(width, &kernel->outputs[o]));
        gcr_sheet_text(sheet, kernel->outputs[o].help);
    }
}

static const char *uses_text(unsigned uses)
{
    if (uses == (GCR_USES_X | GCR_USES_Y))
        return "x and y";
    return uses == GCR_USES_X ? "x" : uses == GCR_USES_Y ? "y" : "nothing";
}

static gcr_status print_kernel(const gcr_kernel *kernel)
{
    gcr_status status = GCR_OK;
    gcr_sheet sheet = { 0 };

    gcr_screen_note(stdout, kernel->name, "%s", kernel->help);
    gcr_screen_note(stdout, "uses", "%s of a dataset", uses_text(kernel->uses));
    putchar('\n');
    gcr_sheet_name(&sheet, "what");
    gcr_sheet_name(&sheet, "name");
    gcr_sheet_name(&sheet, "values");
    gcr_sheet_name(&sheet, "meaning");
    put_parameters(&sheet, kernel);
    put_options(&sheet, kernel);
    put_outputs(&sheet, kernel);
    GCR_TRY(gcr_sheet_print(&sheet, stdout));
out:
    gcr_sheet_clear(&sheet);
    return status;
}

gcr_status gcr_command_kernels(int *exit_out, int argc, char **argv)
{
    gcr_status status = GCR_OK;
    const char *name = NULL;
    const gcr_kernel *kernel = NULL;
    gcr_own *own = NULL;
    char hint[GCR_KERNEL_HINT_BYTES];

    (void)exit_out;
    argp_parse(&kernels_argp, argc, argv, 0, NULL, &name);
    if (name == NULL) {
        GCR_TRY(print_list());
        goto out;
    }
    if (gcr_own_is_path(name)) {
        GCR_TRY(gcr_own_open(&own, name));
        kernel = gcr_own_kernel(own);
    } else {
        kernel = gcr_kernel_named(hint, name);
        if (kernel == NULL)
            GCR_FAIL(GCR_ENOENT, "there is no kernel '%s'%s", name, hint);
    }
    GCR_TRY(print_kernel(kernel));
out:
    gcr_own_close(own);
    return status;
}
