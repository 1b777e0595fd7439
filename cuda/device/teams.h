/*
 * cuda/device/teams.h -- who computes a cell. Macros, because the text of the device is chosen by
 * them, before any kernel is seen.
 */
#ifndef GCR_CUDA_TEAMS_H
#define GCR_CUDA_TEAMS_H

#define GCR_TEAM_THREAD 1        /* cell kernels; SPD: the matrix in registers              */
#define GCR_TEAM_WARP 2          /* SPD: the matrix in registers of 32 threads              */
#define GCR_TEAM_BLOCK 3         /* cell kernels; SPD: the matrix in shared memory          */
#define GCR_TEAM_MEMORY 4        /* SPD: a block whose matrix is in the scratch of its team */
#define GCR_TEAM_GRID 5          /* SPD: all blocks, with libraries, for many cells at once */
#define GCR_TEAM_WHOLE 7         /* cell kernels: all blocks have one cell, then the next    */
#define GCR_TEAM_PREPARE 6       /* a block that prepares a dataset                         */
#define GCR_TEAM_PREPARE_WHOLE 8 /* all blocks prepare one dataset, then the next       */

/* Whether the blocks of a launch are one team, and run at the same time. */
#define GCR_IS_ONE_TEAM(team) ((team) == GCR_TEAM_WHOLE || (team) == GCR_TEAM_PREPARE_WHOLE)

#endif /* GCR_CUDA_TEAMS_H */
