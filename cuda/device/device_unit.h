/*
 * cuda/device/device_unit.h -- a kernel and an engine of the device, compiled as one text.
 *
 * What to define is in cuda/launch.h. The team comes before the kernel, which is told who is in it,
 * and the kernel before the engine: the macros it defines decide what gridcrunch/kernel.h declares.
 */
#define GCR_TEAM_HEADER "cuda/device/device_team.h"
#include GCR_KERNEL_FILE

#include "cuda/device/device_layout.h"
#include "cuda/launch.h"

#include "gridcrunch/cell.h"

#if GCR_TEAM == GCR_TEAM_PREPARE || GCR_TEAM == GCR_TEAM_PREPARE_WHOLE
#include "cuda/device/prepare_team.h"
#else
#include "cuda/device/device_cells.h"
#if defined(GCR_CELL_KERNEL)
#include "cuda/device/cell_team.h"
#elif GCR_TEAM == GCR_TEAM_THREAD
#include "cuda/device/spd_thread.h"
#elif GCR_TEAM == GCR_TEAM_WARP
#include "cuda/device/spd_warp.h"
#elif GCR_TEAM == GCR_TEAM_GRID
#include "cuda/device/spd_grid.h"
#else
#include "cuda/device/spd_block.h"
#endif
#include "cuda/device/crunch.h"
#endif
