/*
 * base/install.h -- where the programs are that the library starts, and the modules that it opens.
 *
 * They are looked for beside the code that looks: the program it is linked into, or the shared
 * library. So an installation can be moved, and a build folder needs none.
 */
#ifndef GCR_BASE_INSTALL_H
#define GCR_BASE_INSTALL_H

#include "gridcrunch/status.h"

/*
 * The path of the program `name`: in the folder that GRIDCRUNCH_LIBEXEC names, and nowhere else, if
 * it names one; else beside the shared library or program, in the folder above (a build) or in the
 * folder for such programs of the installation. The caller frees it. GCR_ENOENT: it is in none of
 * these; GCR_ENOMEM.
 */
GCR_MUST_CHECK gcr_status gcr_install_find(char **out, const char *name);

/* The same for the shared library `name`: beside the code that looks, in the folder above (a build)
 * or in the folder of libraries of the installation that it is a part of. GCR_ENOENT,
 * GCR_ENOMEM. */
GCR_MUST_CHECK gcr_status gcr_install_find_library(char **out, const char *name);

#endif /* GCR_BASE_INSTALL_H */
