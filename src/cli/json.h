/*
 * cli/json.h -- what jansson leaves to us: text that is not UTF-8, numbers that are not finite.
 */
#ifndef GCR_CLI_JSON_H
#define GCR_CLI_JSON_H

#include "gridcrunch/status.h"

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* New values, for json_object_set_new(). A NULL text, a NaN and an infinity are null; bytes that
 * are no UTF-8 are '?'. NULL when memory ran out, which the setters of jansson pass on. */
json_t *gcr_json_text(const char *text);
json_t *gcr_json_number(double number);
json_t *gcr_json_count(uint64_t count);

/* Prints `text` with quotes and escapes. */
void gcr_json_put_text(FILE *stream, const char *text);

/* Prints `document` and a newline to stdout and gives it back. GCR_ENOMEM: `document` is NULL. */
GCR_MUST_CHECK gcr_status gcr_json_print(json_t *document);

#endif /* GCR_CLI_JSON_H */
