/* wide.h - whole tensors in the type that arithmetic is done in, for the reference evaluations of products, windows, recurrences
 * SPDX-License-Identifier: Apache-2.0
 *
 * Half floats become float, narrow integers 64 bits (mote_class_of). Temporary memory comes from an arena that the evaluation opens and closes. */
#ifndef MOTE_OPS_WIDE_H
#define MOTE_OPS_WIDE_H

#include "base/size.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/forms.h"

/* a's elements: its own memory when it is of the wide type already, else a copy. NULL when memory runs out; never for an array without elements. */
const void *mote_widen(mote_arena *temp, const mote_array *a);
/* Any numeric array as float. */
const float *mote_widen_f32(mote_arena *temp, const mote_array *a);
/* Any integer array as int32 (of 32 bits or fewer). */
const int32_t *mote_widen_s32(mote_arena *temp, const mote_array *a);
/* Memory for the wide elements of an output, and their way into it. y: what mote_wide_output gave. */
void *mote_wide_output(mote_arena *temp, const mote_array *a);
void mote_narrow(mote_array *a, const void *y);
/* n elements of 4 or 8 bytes and the like, zeroed; NULL with MOTE_E_MEMORY in diag. */
void *mote_temp(mote_arena *temp, size_t n, size_t size, mote_diag *diag);

/* An evaluation with an arena: opens it, runs body, closes it. */
MOTE_INLINE mote_status mote_eval_with_temp(mote_eval *c, mote_status (*body)(mote_eval *c, mote_arena *temp))
{
    mote_arena temp;
    mote_arena_init(&temp, c->heap);
    mote_status status = body(c, &temp);
    mote_arena_deinit(&temp);
    return status;
}
#define MOTE_EVAL_TEMP(name)                                                                                           \
    static mote_status name(mote_eval *c) { return mote_eval_with_temp(c, name##_temp); }

/* Steps over the positions of a box, the last dimension fastest; false after the last. */
MOTE_INLINE bool mote_box_next(int32_t r, const int64_t *dims, int64_t *at)
{
    for (int32_t i = r - 1; i >= 0; i--) {
        if (++at[i] < dims[i])
            return true;
        at[i] = 0;
    }
    return false;
}

/* The input position of tap k at output o, as an index of spatial elements; false in the padding. */
MOTE_INLINE bool mote_window_tap(const mote_window *w, const int64_t *o, const int64_t *k, size_t *index)
{
    size_t at = 0;
    for (int32_t i = 0; i < w->r; i++) {
        int64_t p = o[i] * w->stride[i] + k[i] * w->dilation[i] - w->pad_begin[i];
        if (p < 0 || p >= w->in[i])
            return false;
        at = at * (size_t)w->in[i] + (size_t)p;
    }
    *index = at;
    return true;
}

/* The taps of output o that lie in the image, in each dimension: from `first`, `n` of them. A window may be far larger than its image. */
MOTE_INLINE void mote_window_inside(const mote_window *w, const int64_t *o, int64_t *first, int64_t *n)
{
    for (int32_t d = 0; d < w->r; d++) {
        const int64_t at = o[d] * w->stride[d] - w->pad_begin[d], by = w->dilation[d];
        int64_t end = at < w->in[d] ? (w->in[d] - 1 - at) / by + 1 : 0;
        first[d] = at < 0 ? (by - 1 - at) / by : 0;
        end = end < w->kernel[d] ? end : w->kernel[d];
        n[d] = end > first[d] ? end - first[d] : 0;
    }
}

/* Elements by which an average divides where padding counts: a window still ends where the padding does (ceil_mode may reach past it). */
MOTE_INLINE size_t mote_window_counted(const mote_window *w, const int64_t *o)
{
    size_t counted = 1;
    for (int32_t d = 0; d < w->r; d++) {
        const int64_t left = w->in[d] + w->pad_begin[d] + w->pad_end[d] - o[d] * w->stride[d];
        const int64_t inside = left <= 0 ? 0 : (left - 1) / w->dilation[d] + 1;
        counted *= (size_t)(inside < w->kernel[d] ? inside : w->kernel[d]);
    }
    return counted;
}

/* Product of dims as elements: of arrays whose shape was checked. */
MOTE_INLINE size_t mote_dims_count(const int64_t *dims, int32_t rank)
{
    size_t n = 1;
    for (int32_t i = 0; i < rank; i++)
        n *= (size_t)dims[i];
    return n;
}

#endif
