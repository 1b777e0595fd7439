/* base/cell.c -- the names of what can become of a cell. They are in files: never change one. */
#include "gridcrunch/cell.h"

const char *gcr_cell_state_name(gcr_cell_state state)
{
    static const char *const names[GCR_CELL_STATE_COUNT] = {
        [GCR_CELL_EMPTY] = "empty",         [GCR_CELL_OK] = "ok",
        [GCR_CELL_OK_JITTER] = "ok_jitter", [GCR_CELL_EXCLUDED] = "excluded",
        [GCR_CELL_NOT_SPD] = "not_spd",     [GCR_CELL_NAN_IN] = "nan_in",
        [GCR_CELL_NAN_OUT] = "nan_out",     [GCR_CELL_KERNEL_ERROR] = "kernel_error",
    };
    return (unsigned)state < GCR_CELL_STATE_COUNT ? names[state] : "unknown";
}
