/*
 * comm/same_build.c -- see same_build.h. The build defines GCR_SEAM.
 *
 * A program is known by its version, the text of the seam, and what the linker has written into it:
 * a hash of the file's content, which survives stripping and installing.
 */
#include "comm/same_build.h"

#include "base/check.h"
#include "base/host.h"

#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

/* What ranks tell each other. Its layout is the same in all versions. */
typedef struct build {
    char program[128], host[GCR_HOST_BYTES];
} build;

static int contains(const struct dl_phdr_info *object, const void *address)
{
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];
        const uintptr_t first = object->dlpi_addr + part->p_vaddr;

        if (part->p_type == PT_LOAD && (uintptr_t)address - first < part->p_memsz)
            return 1;
    }
    return 0;
}

/* Appends the linker's hash, if it stands among the notes of `bytes`. */
static int append_hash(char *out, size_t room, const unsigned char *notes, size_t bytes)
{
    while (bytes >= sizeof(ElfW(Nhdr))) {
        const ElfW(Nhdr) *note = (const void *)notes;
        const size_t name = (note->n_namesz + 3u) & ~3u, hash = (note->n_descsz + 3u) & ~3u;
        const unsigned char *text = notes + sizeof *note + name;

        if (sizeof *note + name + hash > bytes)
            return 0;
        if (note->n_type == NT_GNU_BUILD_ID && strcmp((const char *)(note + 1), "GNU") == 0) {
            for (size_t i = 0; i < note->n_descsz && room > 2; i++, out += 2, room -= 2)
                snprintf(out, room, "%02x", text[i]);
            return 1;
        }
        notes += sizeof *note + name + hash;
        bytes -= sizeof *note + name + hash;
    }
    return 0;
}

/* Of the program or shared library that this code is a part of. */
static int visit(struct dl_phdr_info *object, size_t size, void *arg)
{
    static const char landmark;
    char *program = arg;
    const size_t length = strlen(program);

    (void)size;
    if (!contains(object, &landmark))
        return 0;
    for (int i = 0; i < object->dlpi_phnum; i++) {
        const ElfW(Phdr) *part = &object->dlpi_phdr[i];

        if (part->p_type == PT_NOTE &&
            append_hash(program + length, sizeof((build *)0)->program - length,
                        (const void *)(object->dlpi_addr + part->p_vaddr), part->p_memsz))
            return 1;
    }
    return 1;
}

static build this_build(void)
{
    build out = { .program = GCR_SEAM "-" };

    dl_iterate_phdr(visit, out.program);
    gcr_host_name(out.host);
    return out;
}

/* The first rank that is another program than rank 0; 0: there is none. Nothing is allocated: a
 * rank that had no memory for it would leave the others waiting. */
static gcr_status find_other(int *out, gcr_link *link, const build *mine, const build *first)
{
    gcr_status status = GCR_OK;
    const int is_other = strcmp(mine->program, first->program) != 0;
    int are_others[link->size];

    GCR_TRY(link->transport->gather_all(link, &is_other, sizeof is_other, are_others));
    *out = 0;
    while (*out < link->size && !are_others[*out])
        ++*out;
    *out %= link->size;
out:
    return status;
}

gcr_status gcr_build_check(gcr_link *link)
{
    gcr_status status = GCR_OK;
    const build mine = this_build();
    build first = mine, other = mine;
    int rank;

    GCR_TRY(link->transport->broadcast(link, &first, sizeof first, 0));
    GCR_TRY(find_other(&rank, link, &mine, &first));
    if (rank == 0)
        goto out;
    GCR_TRY(link->transport->broadcast(link, &other, sizeof other, rank));
    GCR_FAIL(GCR_EUNSUPPORTED,
             "rank %d on %s is another build of gridcrunch than rank 0 on %s (%.33s, %.33s): "
             "all need the same one",
             rank, other.host, first.host, other.program, first.program);
out:
    return status;
}
