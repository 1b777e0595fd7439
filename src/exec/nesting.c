/* exec/nesting.c -- see nesting.h. */
#include "exec/nesting.h"

static _Thread_local int depth;

void gcr_nesting_enter(void)
{
    depth++;
}

void gcr_nesting_leave(void)
{
    depth--;
}

int gcr_nesting_is_inside(void)
{
    return depth > 0;
}
