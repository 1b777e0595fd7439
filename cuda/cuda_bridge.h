/*
 * cuda/cuda_bridge.h -- bridges between GPUs of several processes, by NCCL. See backend/bridge.h.
 *
 * Nothing of NCCL waits here: communicators are opened so that their calls return at once, and are
 * asked again and again whether they are ready, for as long as the bridge may wait. What a call
 * asked for stands in its stream only when the communicator says so.
 *
 * What is passed goes on the stream `down` of a queue, which waits for its kernels and is what
 * copies to the host come after; what is broadcast on `up`, which kernels wait for. So events, and
 * memory that is freed, need to know nothing of bridges.
 */
#ifndef GCR_CUDA_BRIDGE_H
#define GCR_CUDA_BRIDGE_H

#include "backend/backend.h"

extern const gcr_bridge_ops gcr_cuda_bridge;

#endif /* GCR_CUDA_BRIDGE_H */
