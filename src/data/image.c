/*
 * data/image.c -- datasets move into a block, and are hashed as they would stand there. One
 * function lays out the index; it is run twice, the first time to count.
 */
#include "data/image.h"

#include "data/dataset_create.h"
#include "data/image_layout.h"

#include "base/check.h"

#include <string.h>

enum { PIECE_BYTES = 16 << 20 }; /* of a table, between two looks at memory */

/* ---- the index is written -------------------------------------------------------------------- */

typedef struct pen {
    char *base; /* zeroed; NULL: it only counts */
    uint64_t at;
} pen;

static void put(pen *p, const void *from, uint64_t bytes)
{
    if (p->base != NULL && bytes > 0)
        memcpy(p->base + p->at, from, bytes);
    p->at += gcr_image_round(bytes, 8);
}

static void put_text(pen *p, const char *text)
{
    const uint64_t bytes = text != NULL ? strlen(text) : GCR_IMAGE_NO_TEXT;

    put(p, &bytes, sizeof bytes);
    if (text != NULL)
        put(p, text, bytes);
}

static void put_item(pen *p, const gcr_dataset *dataset)
{
    const int has_x = dataset->x != NULL && dataset->rows > 0 && dataset->features > 0;
    const int has_moments = dataset->x_mean != NULL && dataset->x_scale != NULL;
    const uint64_t moment_bytes = (uint64_t)dataset->features * sizeof(double);
    gcr_image_item it = { .rows = dataset->rows,
                          .features = dataset->features,
                          .dropped = dataset->dropped,
                          .y_mean = dataset->y_mean,
                          .y_scale = dataset->y_scale };

    it.has = (has_x ? GCR_IMAGE_HAS_X : 0U) | (dataset->y != NULL ? GCR_IMAGE_HAS_Y : 0U) |
             (has_moments ? GCR_IMAGE_HAS_MOMENTS : 0U) |
             (dataset->recipe != NULL ? GCR_IMAGE_HAS_RECIPE : 0U);
    memcpy(it.identity, dataset->identity, sizeof it.identity);
    if (dataset->recipe != NULL)
        it.recipe = *dataset->recipe;
    put(p, &it, sizeof it);
    put_text(p, dataset->key);
    if (has_moments) {
        put(p, dataset->x_mean, moment_bytes);
        put(p, dataset->x_scale, moment_bytes);
    }
}

/* The index at `base` (NULL: nowhere). Returns its bytes. */
static uint64_t put_index(char *base, const gcr_image_header *head, const gcr_datasets *datasets)
{
    pen p = { .base = base };

    put(&p, head, sizeof *head);
    put_text(&p, datasets->y_name);
    for (int64_t f = 0; f < datasets->feature_count; f++)
        put_text(&p, datasets->features[f]);
    for (uint64_t d = 0; d < datasets->count; d++)
        put_item(&p, &datasets->items[d]);
    for (uint64_t s = 0; s < datasets->skipped_count; s++) {
        put_text(&p, datasets->skipped[s].key);
        put_text(&p, datasets->skipped[s].reason);
    }
    return gcr_image_round(p.at, GCR_ALIGNMENT);
}

static int measure(uint64_t *x_bytes, uint64_t *y_bytes, const gcr_dataset *dataset)
{
    return gcr_image_measure_tables(x_bytes, y_bytes, dataset->rows,
                                    dataset->x != NULL ? dataset->features : 0, dataset->y != NULL);
}

static gcr_status describe(gcr_image_header *out, const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    uint64_t x_bytes = 0, y_bytes = 0;

    *out = (gcr_image_header){ .magic = GCR_IMAGE_MAGIC,
                               .count = datasets->count,
                               .skipped_count = datasets->skipped_count,
                               .feature_count = (uint64_t)datasets->feature_count,
                               .standardized = datasets->standardized };
    out->index_bytes = put_index(NULL, out, datasets);
    out->bytes = out->index_bytes;
    for (uint64_t d = 0; d < datasets->count; d++)
        if (!measure(&x_bytes, &y_bytes, &datasets->items[d]) ||
            !gcr_image_add_tables(&out->bytes, x_bytes, y_bytes))
            GCR_FAIL(GCR_EOVERFLOW, "the datasets have more bytes than 63 bits can count");
out:
    return status;
}

gcr_status gcr_image_measure(uint64_t *bytes_out, const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    gcr_image_header head;

    *bytes_out = 0;
    GCR_TRY(describe(&head, datasets));
    *bytes_out = head.bytes;
out:
    return status;
}

/* ---- datasets move into a block -------------------------------------------------------------- */

typedef struct mover {
    const gcr_image_place *place;
    uint64_t at;       /* where the next byte goes */
    uint64_t reserved; /* bytes that have memory   */
    uint64_t bytes;    /* of the block             */
} mover;

/* Memory for all up to `end`, and somewhat more: there may be very many small tables. */
static gcr_status reserve(mover *m, uint64_t end)
{
    gcr_status status = GCR_OK;
    uint64_t to = end;

    if (end <= m->reserved)
        goto out;
    if (to - m->reserved < PIECE_BYTES)
        to = m->bytes - m->reserved < PIECE_BYTES ? m->bytes : m->reserved + PIECE_BYTES;
    if (m->place->reserve != NULL)
        GCR_TRY(m->place->reserve(m->place->context, m->reserved, to - m->reserved));
    m->reserved = to;
out:
    return status;
}

/* Copies a table and lets its pages go as it does. */
static gcr_status move_table(mover *m, double *from, uint64_t bytes, int is_borrowed)
{
    gcr_status status = GCR_OK;

    for (uint64_t done = 0, count; done < bytes; done += count) {
        count = bytes - done < PIECE_BYTES ? bytes - done : PIECE_BYTES;
        GCR_TRY(reserve(m, m->at + count));
        memcpy((char *)m->place->base + m->at, (char *)from + done, count);
        if (!is_borrowed)
            gcr_memory_release(from, done, count);
        m->at += count;
    }
out:
    return status;
}

static gcr_status move_dataset(mover *m, gcr_dataset *dataset)
{
    gcr_status status = GCR_OK;
    uint64_t x_bytes = 0, y_bytes = 0;

    measure(&x_bytes, &y_bytes, dataset); /* which has succeeded once */
    GCR_TRY(move_table(m, dataset->x, x_bytes, dataset->borrows_x));
    GCR_TRY(move_table(m, dataset->y, y_bytes, dataset->borrows_y));
    m->at = gcr_image_round(m->at, GCR_ALIGNMENT);
    gcr_dataset_clear(dataset);
out:
    return status;
}

gcr_status gcr_image_write(const gcr_image_place *place, gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    mover m = { .place = place };
    gcr_image_header head;

    GCR_TRY(describe(&head, datasets));
    m.bytes = head.bytes;
    m.at = head.index_bytes;
    GCR_TRY(reserve(&m, head.index_bytes));
    put_index(place->base, &head, datasets);
    head.index_hash = gcr_image_hash(place->base);
    memcpy(place->base, &head, sizeof head);
    for (uint64_t d = 0; d < datasets->count; d++)
        GCR_TRY(move_dataset(&m, &datasets->items[d]));
out:
    gcr_datasets_clear(datasets);
    return status;
}

/* ---- a fingerprint --------------------------------------------------------------------------- */

/* What was hashed so far, and more of it. */
static XXH128_hash_t extend(XXH128_hash_t hash, const void *bytes, uint64_t count)
{
    const XXH128_hash_t both[] = { hash, XXH3_128bits(bytes, count) };

    return XXH3_128bits(both, sizeof both);
}

gcr_status gcr_datasets_fingerprint(uint64_t out[2], const gcr_datasets *datasets)
{
    gcr_status status = GCR_OK;
    char *index = NULL;
    XXH128_hash_t hash;
    gcr_image_header head;
    uint64_t x_bytes = 0, y_bytes = 0;

    out[0] = out[1] = 0;
    GCR_TRY(describe(&head, datasets));
    GCR_TRY(gcr_memory_create((void **)&index, head.index_bytes, 1, "the names of datasets"));
    put_index(index, &head, datasets);
    hash = XXH3_128bits(index, head.index_bytes);
    for (uint64_t d = 0; d < datasets->count; d++) {
        measure(&x_bytes, &y_bytes, &datasets->items[d]);
        hash = extend(hash, datasets->items[d].x, x_bytes);
        hash = extend(hash, datasets->items[d].y, y_bytes);
    }
    out[0] = hash.low64;
    out[1] = hash.high64;
out:
    gcr_memory_destroy(index);
    return status;
}
