/* cli/help.h -- what --help prints that stands in a table of its own. */
#ifndef GCR_CLI_HELP_H
#define GCR_CLI_HELP_H

#include "base/env.h"

/* For the help_filter of a command, whose `key` and `text` these are: puts the variables of the
 * environment from `first` to before `end` below all else. */
char *gcr_help_variables(int key, const char *text, gcr_env first, gcr_env end);

#endif /* GCR_CLI_HELP_H */
