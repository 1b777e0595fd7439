/* data/draft.c -- a list of drafts, and an open hash table that finds one by its key. */
#include "data/draft.h"

#include "data/dataset_create.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void clear_draft(gcr_draft *draft)
{
    free(draft->key);
    free(draft->values);
    gcr_dataset_clear(&draft->dataset);
    *draft = (gcr_draft){ .key = NULL };
}

void gcr_drafts_clear(gcr_drafts *drafts)
{
    for (uint64_t i = 0; i < drafts->count; i++)
        clear_draft(&drafts->items[i]);
    free(drafts->items);
    free(drafts->slots);
    *drafts = (gcr_drafts){ .count = 0 };
}

/* ---- finding one by its key ------------------------------------------------------------------ */

static int has_key(const gcr_draft *draft, const char *key, size_t bytes)
{
    return strncmp(draft->key, key, bytes) == 0 && draft->key[bytes] == '\0';
}

/* The slot that holds the draft of this key, or the free one where it belongs. */
static uint64_t *slot_of(const gcr_drafts *drafts, const uint32_t identity[4], const char *key,
                         size_t bytes)
{
    const uint64_t mask = drafts->slot_count - 1;
    uint64_t at = (identity[0] | (uint64_t)identity[1] << 32) & mask;

    while (drafts->slots[at] != 0 && !has_key(&drafts->items[drafts->slots[at] - 1], key, bytes))
        at = (at + 1) & mask;
    return &drafts->slots[at];
}

/* Keeps at least half of the slots free. */
static gcr_status grow_slots(gcr_drafts *drafts)
{
    gcr_status status = GCR_OK;
    const uint64_t count = drafts->slot_count == 0 ? 64 : 2 * drafts->slot_count;
    uint64_t *grown;

    if (2 * (drafts->count + 1) <= drafts->slot_count)
        goto out;
    grown = calloc(count, sizeof *grown);
    if (grown == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the keys of %" PRIu64 " datasets", drafts->count);
    free(drafts->slots);
    drafts->slots = grown;
    drafts->slot_count = count;
    for (uint64_t i = 0; i < drafts->count; i++) {
        const gcr_draft *draft = &drafts->items[i];

        *slot_of(drafts, draft->identity, draft->key, strlen(draft->key)) = i + 1;
    }
out:
    return status;
}

static gcr_status grow_items(gcr_drafts *drafts)
{
    gcr_status status = GCR_OK;
    const uint64_t capacity = drafts->capacity == 0 ? 64 : 2 * drafts->capacity;
    gcr_draft *grown;

    if (drafts->count < drafts->capacity)
        goto out;
    grown = realloc(drafts->items, capacity * sizeof *grown);
    if (grown == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRIu64 " datasets", capacity);
    drafts->items = grown;
    drafts->capacity = capacity;
out:
    return status;
}

gcr_status gcr_drafts_put(gcr_draft **out, int *is_new, gcr_drafts *drafts, const char *key,
                          size_t bytes, const char *path, uint64_t line)
{
    gcr_status status = GCR_OK;
    gcr_draft draft = { .path = path, .line = line };
    uint64_t *slot;

    *is_new = 0;
    if (drafts->count > 0 && has_key(&drafts->items[drafts->last], key, bytes))
        goto out;
    GCR_TRY(grow_slots(drafts));
    GCR_TRY(grow_items(drafts));
    gcr_identity_of(draft.identity, key, bytes);
    slot = slot_of(drafts, draft.identity, key, bytes);
    if (*slot == 0) {
        GCR_TRY(gcr_text_copy(&draft.key, key, bytes));
        drafts->items[drafts->count++] = draft;
        *slot = drafts->count;
        *is_new = 1;
    }
    drafts->last = *slot - 1;
out:
    *out = status == GCR_OK ? &drafts->items[drafts->last] : NULL;
    return status;
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int is_complete(const double *row, int64_t width)
{
    for (int64_t i = 0; i < width; i++)
        if (isnan(row[i]))
            return 0;
    return 1;
}

static gcr_status grow_rows(gcr_draft *draft, size_t row_bytes)
{
    gcr_status status = GCR_OK;
    const uint64_t capacity = draft->capacity + draft->capacity / 2 + 16;
    double *grown;

    if (draft->rows < draft->capacity)
        goto out;
    grown = realloc(draft->values, capacity * row_bytes);
    if (grown == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRIu64 " rows of dataset '%s'", capacity,
                 draft->key);
    draft->values = grown;
    draft->capacity = capacity;
out:
    return status;
}

gcr_status gcr_draft_add(gcr_draft *draft, const gcr_drafts *drafts, const double *row)
{
    gcr_status status = GCR_OK;
    const int64_t width = drafts->features + drafts->has_y;
    const size_t row_bytes = (size_t)width * sizeof *row;

    if (!is_complete(row, width)) {
        draft->dropped++;
        goto out;
    }
    GCR_TRY(grow_rows(draft, row_bytes));
    memcpy(draft->values + draft->rows * (uint64_t)width, row, row_bytes);
    draft->rows++;
out:
    return status;
}

/* ---- all rows at once ------------------------------------------------------------------------ */

gcr_status gcr_draft_begin_whole(gcr_draft *draft, const gcr_drafts *drafts, int64_t rows)
{
    draft->rows = (uint64_t)rows;
    return gcr_dataset_create(&draft->dataset, draft->key, rows, drafts->features, drafts->has_y);
}

static void mark_missing(uint8_t *is_missing, const double *column, int64_t rows)
{
    for (int64_t i = 0; i < rows; i++)
        is_missing[i] |= column[i] != column[i];
}

/* `to` may begin before `from`. */
static void keep_complete(double *to, const double *from, const uint8_t *is_missing, int64_t rows)
{
    for (int64_t i = 0; i < rows; i++) {
        *to = from[i];
        to += !is_missing[i];
    }
}

gcr_status gcr_draft_drop_rows(gcr_draft *draft)
{
    gcr_status status = GCR_OK;
    gcr_dataset *dataset = &draft->dataset;
    const int64_t rows = dataset->rows;
    uint8_t *is_missing = calloc((size_t)rows + 1, 1);
    int64_t kept = 0;

    if (is_missing == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the rows of dataset '%s'", draft->key);
    for (int64_t f = 0; f < dataset->features; f++)
        mark_missing(is_missing, dataset->x + f * rows, rows);
    if (dataset->y != NULL)
        mark_missing(is_missing, dataset->y, rows);
    for (int64_t i = 0; i < rows; i++)
        kept += !is_missing[i];
    for (int64_t f = 0; f < dataset->features && kept < rows; f++)
        keep_complete(dataset->x + f * kept, dataset->x + f * rows, is_missing, rows);
    if (dataset->y != NULL && kept < rows)
        keep_complete(dataset->y, dataset->y, is_missing, rows);
    dataset->rows = kept;
    draft->rows = (uint64_t)kept;
    draft->dropped = (uint64_t)(rows - kept);
out:
    free(is_missing);
    return status;
}

/* ---- the end --------------------------------------------------------------------------------- */

enum { ROWS_TOGETHER = 4096 };

/* A run of rows to their columns. */
static void copy_rows(gcr_dataset *to, const gcr_draft *draft, int64_t width, int64_t first,
                      int64_t rows)
{
    const double *from = draft->values + first * width;

    for (int64_t column = 0; column < width; column++) {
        double *out = column < to->features ? to->x + column * to->rows + first : to->y + first;

        for (int64_t row = 0; row < rows; row++)
            out[row] = from[row * width + column];
    }
}

/* The system may take back whole pages up to a value, which nobody reads again: a draft and its
 * dataset together then need little more than one of them. If it does not, free() will do. */
static void hand_back(const gcr_draft *draft, uint64_t count, uintptr_t *page)
{
    const uintptr_t bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t end = (uintptr_t)(draft->values + count) / bytes * bytes;

    if (*page == 0)
        *page = ((uintptr_t)draft->values + bytes - 1) / bytes * bytes;
    if (end > *page && madvise((void *)*page, end - *page, MADV_DONTNEED) == 0)
        *page = end;
}

static gcr_status finish_rows(gcr_draft *draft, const gcr_drafts *drafts)
{
    gcr_status status = GCR_OK;
    const int64_t rows = (int64_t)draft->rows, features = drafts->features;
    const int64_t width = features + drafts->has_y;
    uintptr_t page = 0;

    GCR_TRY(gcr_dataset_create(&draft->dataset, draft->key, rows, features, drafts->has_y));
    for (int64_t first = 0, count; first < rows; first += count) {
        count = rows - first < ROWS_TOGETHER ? rows - first : ROWS_TOGETHER;
        copy_rows(&draft->dataset, draft, width, first, count);
        if (first + count < rows)
            hand_back(draft, (uint64_t)((first + count) * width), &page);
    }
out:
    return status;
}

static gcr_status finish_dataset(gcr_dataset *out, const gcr_drafts *drafts, gcr_draft *draft)
{
    gcr_status status = GCR_OK;

    if (draft->values != NULL)
        GCR_TRY(finish_rows(draft, drafts));
    *out = draft->dataset;
    out->dropped = draft->dropped;
    draft->dataset = (gcr_dataset){ .key = NULL };
out:
    return status;
}

static gcr_status finish_skipped(gcr_skipped *out, const gcr_drafts *drafts, gcr_draft *draft)
{
    gcr_status status = GCR_OK;

    if (draft->dropped == 0)
        GCR_TRY(gcr_text_format(&out->reason, "no %ss", drafts->row_word));
    else if (draft->dropped == 1)
        GCR_TRY(gcr_text_format(&out->reason, "no value in its only %s", drafts->row_word));
    else
        GCR_TRY(gcr_text_format(&out->reason, "no value in any of %" PRIu64 " %ss", draft->dropped,
                                drafts->row_word));
    out->key = draft->key;
    draft->key = NULL;
out:
    return status;
}

static gcr_status create_lists(gcr_datasets *out, const gcr_drafts *drafts)
{
    gcr_status status = GCR_OK;
    uint64_t full = 0;

    for (uint64_t i = 0; i < drafts->count; i++)
        full += drafts->items[i].rows > 0;
    out->items = calloc(full + 1, sizeof *out->items); /* + 1: calloc(0) may be NULL */
    out->skipped = calloc(drafts->count - full + 1, sizeof *out->skipped);
    if (out->items == NULL || out->skipped == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for %" PRIu64 " datasets", drafts->count);
out:
    return status;
}

gcr_status gcr_drafts_finish(gcr_datasets *out, gcr_drafts *drafts)
{
    gcr_status status = GCR_OK;

    GCR_TRY(create_lists(out, drafts));
    for (uint64_t i = 0; i < drafts->count; i++) {
        gcr_draft *draft = &drafts->items[i];

        if (draft->rows > 0)
            GCR_TRY(finish_dataset(&out->items[out->count++], drafts, draft));
        else
            GCR_TRY(finish_skipped(&out->skipped[out->skipped_count++], drafts, draft));
        clear_draft(draft);
    }
out:
    gcr_drafts_clear(drafts);
    return status;
}
