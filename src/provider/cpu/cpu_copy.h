/* cpu_copy.h - copy plans of whole tensors, for the lowerings that only move elements
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_COPY_H
#define MOTE_PROVIDER_CPU_CPU_COPY_H

#include "kernels/transpose/transpose.h"
#include "provider/cpu/lower.h"

/* Bytes of an element that may be copied as it lies; 0 for strings and elements of less than a byte. */
size_t mote_cpu_element_size(mote_dtype t);
/* A plan for a block of `dims`; strides in elements. */
void mote_cpu_copy_plan(mote_copy_plan *p, size_t size, int32_t rank, const int64_t *dims, const int64_t *in, const int64_t *out, uint32_t cpu);
/* All of it, by all threads. */
void mote_cpu_copy_run(mote_pool *pool, const mote_copy_plan *p, const void *in, void *out);
const char *mote_cpu_copy_name(const mote_copy_plan *p);

#endif
