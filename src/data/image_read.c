/* data/image_read.c -- datasets that stand in a block. Nothing in it is believed before it is
 * checked. */
#include "data/image.h"

#include "data/image_layout.h"

#include "base/check.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What is left to read of an index. */
typedef struct reader {
    const char *at;
    uint64_t left;
} reader;

static gcr_status complain(const char *why)
{
    return gcr_fail_at(__FILE__, __LINE__, GCR_EFORMAT, "a block of datasets is damaged: %s", why);
}

/* The next `bytes`; NULL: there are not so many. */
static const void *take(reader *r, uint64_t bytes)
{
    const char *const at = r->at;
    const uint64_t step = gcr_image_round(bytes, 8);

    if (bytes > r->left || step > r->left)
        return NULL;
    r->at += step;
    r->left -= step;
    return at;
}

/* *out stays NULL where there is no text. */
static gcr_status take_text(char **out, reader *r)
{
    gcr_status status = GCR_OK;
    const uint64_t *bytes = take(r, sizeof *bytes);
    const char *text;

    if (bytes == NULL)
        GCR_TRY(complain("its index ends early"));
    if (*bytes == GCR_IMAGE_NO_TEXT)
        goto out;
    text = take(r, *bytes);
    if (text == NULL)
        GCR_TRY(complain("a name in it is longer than its index"));
    GCR_TRY(gcr_text_copy(out, text, *bytes));
out:
    return status;
}

static gcr_status take_name(char **out, reader *r)
{
    gcr_status status = GCR_OK;

    GCR_TRY(take_text(out, r));
    if (*out == NULL)
        GCR_TRY(complain("a name is missing in it"));
out:
    return status;
}

static gcr_status copy_moments(double **out, const double *from, int64_t count)
{
    gcr_status status = GCR_OK;

    *out = malloc((size_t)count * sizeof **out + 1);
    if (*out == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the means of %" PRId64 " features", count);
    memcpy(*out, from, (size_t)count * sizeof **out);
out:
    return status;
}

static gcr_status take_moments(gcr_dataset *out, reader *r)
{
    gcr_status status = GCR_OK;
    uint64_t bytes;
    const double *moments = NULL;

    if (gcr_multiply(&bytes, (uint64_t)out->features, 2 * sizeof(double)))
        moments = take(r, bytes);
    if (moments == NULL)
        GCR_TRY(complain("its index ends early"));
    GCR_TRY(copy_moments(&out->x_mean, moments, out->features));
    GCR_TRY(copy_moments(&out->x_scale, moments + out->features, out->features));
out:
    return status;
}

static gcr_status copy_recipe(gcr_dataset *out, const gcr_recipe *recipe)
{
    gcr_status status = GCR_OK;

    if (recipe->rows != out->rows || recipe->features != out->features)
        GCR_TRY(complain("a dataset has another shape than what it was made by"));
    out->recipe = malloc(sizeof *out->recipe);
    if (out->recipe == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for dataset '%s'", out->key);
    *out->recipe = *recipe;
out:
    return status;
}

/* All but the tables. */
static gcr_status take_item(gcr_dataset *out, const gcr_image_item **it_out, reader *r,
                            int64_t features)
{
    gcr_status status = GCR_OK;
    const gcr_image_item *it = take(r, sizeof *it);
    uint64_t x_bytes = 0, y_bytes = 0;

    if (it == NULL)
        GCR_TRY(complain("its index ends early"));
    if (it->features != features ||
        !gcr_image_measure_tables(&x_bytes, &y_bytes, it->rows, it->features, 1) ||
        ((it->has & GCR_IMAGE_HAS_X) == 0) != (x_bytes == 0))
        GCR_TRY(complain("a dataset in it has an impossible shape"));
    *out = (gcr_dataset){ .rows = it->rows,
                          .features = it->features,
                          .dropped = it->dropped,
                          .y_mean = it->y_mean,
                          .y_scale = it->y_scale,
                          .borrows_x = 1,
                          .borrows_y = 1 };
    memcpy(out->identity, it->identity, sizeof out->identity);
    GCR_TRY(take_name(&out->key, r));
    if ((it->has & GCR_IMAGE_HAS_MOMENTS) != 0)
        GCR_TRY(take_moments(out, r));
    if ((it->has & GCR_IMAGE_HAS_RECIPE) != 0)
        GCR_TRY(copy_recipe(out, &it->recipe));
    *it_out = it;
out:
    return status;
}

/* The tables of a dataset, `*at` bytes into the block, which goes on behind them. */
static gcr_status point_to_tables(gcr_dataset *out, uint64_t *at, const gcr_image_item *it,
                                  const gcr_image_header *head)
{
    gcr_status status = GCR_OK;
    char *const base = (char *)head + *at; /* read, never written */
    const int has_y = (it->has & GCR_IMAGE_HAS_Y) != 0;
    uint64_t x_bytes = 0, y_bytes = 0;

    if (!gcr_image_measure_tables(&x_bytes, &y_bytes, it->rows, it->features, has_y) ||
        !gcr_image_add_tables(at, x_bytes, y_bytes) || *at > head->bytes)
        GCR_TRY(complain("its tables are larger than it is"));
    if (x_bytes > 0)
        out->x = (double *)(void *)base;
    if (has_y)
        out->y = (double *)(void *)(base + x_bytes);
out:
    return status;
}

/* Room for `count` things of which each takes some of what is left to read. */
static gcr_status make_room(void *out, const reader *r, uint64_t count, uint64_t size)
{
    gcr_status status = GCR_OK;
    void *room = NULL;

    if (count > r->left / sizeof(uint64_t))
        GCR_TRY(complain("it is said to hold more than its index can"));
    room = calloc(count + 1, size);
    if (room == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for the names of %" PRIu64 " datasets or columns", count);
    memcpy(out, &room, sizeof room);
out:
    return status;
}

static gcr_status take_features(gcr_datasets *out, reader *r, uint64_t count)
{
    gcr_status status = GCR_OK;

    GCR_TRY(make_room(&out->features, r, count, sizeof *out->features));
    for (uint64_t f = 0; f < count; f++, out->feature_count++)
        GCR_TRY(take_name(&out->features[f], r));
out:
    return status;
}

static gcr_status take_datasets(gcr_datasets *out, reader *r, const gcr_image_header *head)
{
    gcr_status status = GCR_OK;
    uint64_t at = head->index_bytes;
    const gcr_image_item *it = NULL;

    GCR_TRY(make_room(&out->items, r, head->count, sizeof *out->items));
    while (out->count < head->count) {
        gcr_dataset *dataset = &out->items[out->count++];

        GCR_TRY(take_item(dataset, &it, r, out->feature_count));
        GCR_TRY(point_to_tables(dataset, &at, it, head));
    }
    if (at != head->bytes)
        GCR_TRY(complain("its tables are smaller than it is"));
out:
    return status;
}

static gcr_status take_skipped(gcr_datasets *out, reader *r, uint64_t count)
{
    gcr_status status = GCR_OK;

    GCR_TRY(make_room(&out->skipped, r, count, sizeof *out->skipped));
    while (out->skipped_count < count) {
        gcr_skipped *skipped = &out->skipped[out->skipped_count++];

        GCR_TRY(take_name(&skipped->key, r));
        GCR_TRY(take_name(&skipped->reason, r));
    }
out:
    return status;
}

static gcr_status check_header(const gcr_image_header *head, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    char has[32], wants[32];

    if (bytes < sizeof *head || head->magic != GCR_IMAGE_MAGIC)
        GCR_FAIL(GCR_EFORMAT, "what should be a block of datasets is none");
    if (head->bytes != bytes)
        GCR_FAIL(GCR_EFORMAT, "a block of datasets has %s in place of %s",
                 gcr_format_bytes(has, bytes), gcr_format_bytes(wants, head->bytes));
    if (head->index_bytes < sizeof *head || head->index_bytes > bytes ||
        head->index_bytes % GCR_ALIGNMENT != 0)
        GCR_TRY(complain("its index is larger than it is"));
    if (head->index_hash != gcr_image_hash(head))
        GCR_TRY(complain("its index has another hash than was written"));
out:
    return status;
}

gcr_status gcr_image_read(gcr_datasets *out, const void *base, uint64_t bytes)
{
    gcr_status status = GCR_OK;
    const gcr_image_header *const head = base;
    reader r;

    *out = (gcr_datasets){ .count = 0 };
    GCR_TRY(check_header(head, bytes));
    r = (reader){ .at = (const char *)base + sizeof *head,
                  .left = head->index_bytes - sizeof *head };
    out->standardized = (int)head->standardized;
    GCR_TRY(take_text(&out->y_name, &r));
    GCR_TRY(take_features(out, &r, head->feature_count));
    GCR_TRY(take_datasets(out, &r, head));
    GCR_TRY(take_skipped(out, &r, head->skipped_count));
    if (r.left >= GCR_ALIGNMENT)
        GCR_TRY(complain("its index has more than it is said to hold"));
out:
    if (status != GCR_OK)
        gcr_datasets_clear(out);
    return status;
}
