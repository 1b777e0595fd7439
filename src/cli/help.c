/* cli/help.c -- see help.h. */
#include "cli/help.h"

#include <argp.h>
#include <stdint.h>
#include <stdio.h>

char *gcr_help_variables(int key, const char *text, gcr_env first, gcr_env end)
{
    char *list = NULL;
    size_t bytes = 0;
    FILE *stream;

    if (key != ARGP_KEY_HELP_POST_DOC)
        return (char *)(uintptr_t)text;
    stream = open_memstream(&list, &bytes);
    if (stream == NULL)
        return NULL;
    if (text != NULL)
        fprintf(stream, "%s\n\n", text);
    fprintf(stream, "Environment:\n");
    for (int i = (int)first; i < (int)end; i++)
        fprintf(stream, "  %-24s%s\n", gcr_env_name((gcr_env)i), gcr_env_help((gcr_env)i));
    fclose(stream);
    return list;
}
