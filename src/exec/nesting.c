/* exec/nesting.c -- see nesting.h. */
#include "exec/nesting.h"

static _Thread_local const gcr_run *inside; /* one at most: a second is refused */

void gcr_nesting_enter(const gcr_run *run)
{
    inside = run;
}

void gcr_nesting_leave(void)
{
    inside = NULL;
}

int gcr_nesting_is_inside(void)
{
    return inside != NULL;
}

int gcr_nesting_is_inside_of(const gcr_run *run)
{
    return inside == run;
}
