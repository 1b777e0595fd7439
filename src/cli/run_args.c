/* cli/run_args.c -- see run_args.h. */
#include "cli/run_args.h"

#include <errno.h>
#include <stdlib.h>

uint64_t gcr_run_args_number(const char *flag, const char *text, struct argp_state *state)
{
    char *end = NULL;
    unsigned long long number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0)
        argp_error(state, "%s takes a whole number, not '%s'", flag, text);
    return number;
}

error_t gcr_run_args_path(const char **path, int key, char *arg, struct argp_state *state)
{
    if (key == ARGP_KEY_NO_ARGS)
        argp_error(state, "which run? RUN is the folder that `gridcrunch run' made");
    else if (key == ARGP_KEY_ARG && *path != NULL)
        argp_error(state, "one run at a time: '%s' is the second", arg);
    else if (key == ARGP_KEY_ARG)
        *path = arg;
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}
