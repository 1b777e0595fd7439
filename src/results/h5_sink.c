/*
 * results/h5_sink.c -- see h5_sink.h.
 *
 * The driver is HDF5's own for POSIX files, less all that a file written once from start to end
 * does not need: no locks, no free lists, no comparison with other open files.
 */
#include "results/h5_sink.h"

#include "results/h5_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 13, 2)
#include <H5FDdevelop.h> /* where the driver interface went */
#endif

struct gcr_h5_sink {
    int fd;
    int failure; /* errno of the first write that failed, or 0 */
    const char *path;
    hid_t driver, access, creation, file;
};

/* ---- the driver ----------------------------------------------------------------------------- */

typedef struct sink_file {
    H5FD_t common; /* HDF5's; must be first */
    gcr_h5_sink *sink;
    haddr_t allocated; /* how much HDF5 has given out    */
    haddr_t written;   /* how far the file reaches so far */
} sink_file;

/* What HDF5 keeps with a file access list for this driver. */
typedef struct sink_access {
    gcr_h5_sink *sink;
} sink_access;

static H5FD_t *sink_open(const char *name, unsigned flags, hid_t access, haddr_t maxaddr)
{
    const sink_access *info = H5Pget_driver_info(access);
    sink_file *file = NULL;

    (void)name;
    (void)flags;
    (void)maxaddr;
    if (info == NULL)
        return NULL;
    file = calloc(1, sizeof *file);
    if (file == NULL)
        return NULL;
    file->sink = info->sink;
    return &file->common;
}

static herr_t sink_close(H5FD_t *common)
{
    free(common);
    return 0;
}

static herr_t sink_query(const H5FD_t *common, unsigned long *flags)
{
    (void)common;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t sink_get_eoa(const H5FD_t *common, H5FD_mem_t type)
{
    (void)type;
    return ((const sink_file *)common)->allocated;
}

static herr_t sink_set_eoa(H5FD_t *common, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((sink_file *)common)->allocated = address;
    return 0;
}

static haddr_t sink_get_eof(const H5FD_t *common, H5FD_mem_t type)
{
    (void)type;
    return ((const sink_file *)common)->written;
}

/* What was never written reads as zeros. */
static herr_t sink_read(H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address,
                        size_t bytes, void *to)
{
    const sink_file *file = (const sink_file *)common;
    char *at = to;

    (void)type;
    (void)transfer;
    while (bytes > 0) {
        const ssize_t got = pread(file->sink->fd, at, bytes, (off_t)address);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        at += got;
        address += (haddr_t)got;
        bytes -= (size_t)got;
    }
    memset(at, 0, bytes);
    return 0;
}

static herr_t sink_write(H5FD_t *common, H5FD_mem_t type, hid_t transfer, haddr_t address,
                         size_t bytes, const void *from)
{
    sink_file *file = (sink_file *)common;
    const char *at = from;

    (void)type;
    (void)transfer;
    if (address + bytes > file->written)
        file->written = address + bytes; /* also of a write that fails: see h5_sink.h */
    while (bytes > 0 && file->sink->failure == 0) {
        const ssize_t put = pwrite(file->sink->fd, at, bytes, (off_t)address);

        if (put < 0 && errno != EINTR)
            file->sink->failure = errno;
        if (put <= 0)
            continue;
        at += put;
        address += (haddr_t)put;
        bytes -= (size_t)put;
    }
    return 0;
}

static herr_t sink_truncate(H5FD_t *common, hid_t transfer, hbool_t is_closing)
{
    sink_file *file = (sink_file *)common;

    (void)transfer;
    (void)is_closing;
    if (file->written == file->allocated)
        return 0;
    if (file->sink->failure == 0 && ftruncate(file->sink->fd, (off_t)file->allocated) != 0)
        file->sink->failure = errno;
    file->written = file->allocated;
    return 0;
}

static const H5FD_class_t driver_class = {
#if H5_VERSION_GE(1, 13, 2)
    .version = H5FD_CLASS_VERSION,
    .value = 511, /* from the range that is nobody's */
#endif
    .name = "gridcrunch",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(sink_access),
    .open = sink_open,
    .close = sink_close,
    .query = sink_query,
    .get_eoa = sink_get_eoa,
    .set_eoa = sink_set_eoa,
    .get_eof = sink_get_eof,
    .read = sink_read,
    .write = sink_write,
    .truncate = sink_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

/* ---- the file ------------------------------------------------------------------------------- */

/* Format 1.8 and newer: its metadata has checksums. Large arrays begin at a page, so that writes
 * are aligned and a reader may map them. */
static gcr_status create_file(gcr_h5_sink *sink)
{
    enum { LARGE_BYTES = 1 << 16, PAGE_BYTES = 4096 };
    gcr_status status = GCR_OK;
    const sink_access info = { .sink = sink };

    GCR_H5(sink->driver = H5FDregister(&driver_class));
    GCR_H5(sink->access = H5Pcreate(H5P_FILE_ACCESS));
    GCR_H5(H5Pset_driver(sink->access, sink->driver, &info));
    GCR_H5(H5Pset_fclose_degree(sink->access, H5F_CLOSE_STRONG));
    GCR_H5(H5Pset_libver_bounds(sink->access, H5F_LIBVER_V18, H5F_LIBVER_V110));
    GCR_H5(H5Pset_alignment(sink->access, LARGE_BYTES, PAGE_BYTES));
    GCR_H5(sink->creation = H5Pcreate(H5P_FILE_CREATE));
    GCR_H5(H5Pset_obj_track_times(sink->creation, 0));
    GCR_H5(
        H5Pset_link_creation_order(sink->creation, H5P_CRT_ORDER_TRACKED | H5P_CRT_ORDER_INDEXED));
    GCR_H5(sink->file = H5Fcreate(sink->path, H5F_ACC_TRUNC, sink->creation, sink->access));
out:
    return status;
}

gcr_status gcr_h5_sink_open(gcr_h5_sink **out, int fd, const char *path)
{
    gcr_status status = GCR_OK;
    gcr_h5_sink *sink = NULL;

    *out = NULL;
    sink = malloc(sizeof *sink);
    if (sink == NULL)
        GCR_FAIL(GCR_ENOMEM, "no memory for writing %s", path);
    *sink = (gcr_h5_sink){ .fd = fd,
                           .path = path,
                           .driver = H5I_INVALID_HID,
                           .access = H5I_INVALID_HID,
                           .creation = H5I_INVALID_HID,
                           .file = H5I_INVALID_HID };
    GCR_TRY(create_file(sink));
    *out = sink;
    sink = NULL;
out:
    gcr_h5_sink_close(sink);
    return status;
}

hid_t gcr_h5_sink_file(const gcr_h5_sink *sink)
{
    return sink->file;
}

gcr_status gcr_h5_sink_check(const gcr_h5_sink *sink)
{
    gcr_status status = GCR_OK;

    if (sink->failure != 0)
        GCR_FAIL(GCR_EIO, "cannot write %s: %s", sink->path, strerror(sink->failure));
out:
    return status;
}

gcr_status gcr_h5_sink_finish(gcr_h5_sink *sink)
{
    gcr_status status = GCR_OK;
    const hid_t file = sink->file;

    sink->file = H5I_INVALID_HID;
    GCR_H5(H5Fclose(file));
out:
    return status;
}

void gcr_h5_sink_close(gcr_h5_sink *sink)
{
    if (sink == NULL)
        return;
    if (sink->file >= 0)
        H5Fclose(sink->file);
    if (sink->creation >= 0)
        H5Pclose(sink->creation);
    if (sink->access >= 0)
        H5Pclose(sink->access);
    if (sink->driver >= 0)
        H5FDunregister(sink->driver);
    free(sink);
}
