/*
 * cuda/cuda_link.h -- links between GPUs of several processes, by NCCL. See backend/link.h.
 *
 * Nothing of NCCL waits here: communicators are opened so that their calls return at once, and are
 * asked again and again whether they are ready, for as long as the link may wait. What a call asked for
 * stands in its stream only when the communicator says so.
 *
 * What is passed goes on the stream `down` of a queue, which waits for its kernels and is what copies to
 * the host come after; what is broadcast on `up`, which kernels wait for. So events, and memory that is
 * freed, need to know nothing of links.
 */
#ifndef GCR_CUDA_LINK_H
#define GCR_CUDA_LINK_H

#include "backend/backend.h"

extern const gcr_link_ops gcr_cuda_link;

#endif /* GCR_CUDA_LINK_H */
