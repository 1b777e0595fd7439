/*
 * exec/nesting.h -- whether this thread is inside a run: in a cell, in a callback, or executing.
 *
 * A run that is executed in there would wait for cores that its own caller occupies, and a wait for
 * a dataset might wait for the very thread that waits. Both are refused at once.
 */
#ifndef GCR_EXEC_NESTING_H
#define GCR_EXEC_NESTING_H

#include "gridcrunch/run.h"

void gcr_nesting_enter(const gcr_run *run);
void gcr_nesting_leave(void);
int gcr_nesting_is_inside(void);
int gcr_nesting_is_inside_of(const gcr_run *run);

#endif /* GCR_EXEC_NESTING_H */
