/* cli/json.c -- see json.h. */
#include "cli/json.h"

#include "base/check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The text with every byte that is not ASCII replaced: only for text that is not UTF-8 at all. */
static json_t *ascii_text(const char *text)
{
    char *copy = strdup(text);
    json_t *value = NULL;

    if (copy == NULL)
        return NULL;
    for (char *c = copy; *c != '\0'; c++)
        if ((unsigned char)*c > 127)
            *c = '?';
    value = json_string(copy);
    free(copy);
    return value;
}

json_t *gcr_json_text(const char *text)
{
    json_t *value;

    if (text == NULL)
        return json_null();
    value = json_string(text);
    return value != NULL ? value : ascii_text(text);
}

json_t *gcr_json_number(double number)
{
    return isfinite(number) ? json_real(number) : json_null();
}

json_t *gcr_json_count(uint64_t count)
{
    return count <= INT64_MAX ? json_integer((json_int_t)count) : json_real((double)count);
}

void gcr_json_put_text(FILE *stream, const char *text)
{
    json_t *value = gcr_json_text(text);

    if (json_dumpf(value, stream, JSON_ENCODE_ANY) != 0)
        fputs("null", stream);
    json_decref(value);
}

gcr_status gcr_json_print(json_t *document)
{
    gcr_status status = GCR_OK;

    if (document == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for a JSON document");
    json_dumpf(document, stdout,
               JSON_INDENT(2) |
                   JSON_REAL_PRECISION(15)); /* a stdout that fails is main's to report */
    putchar('\n');
out:
    json_decref(document);
    return status;
}
