/* moves.h - what attributes and shape inputs of moving and reducing operators say: one reading for evaluation and lowering
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_MOVES_H
#define MOTE_OPS_MOVES_H

#include "ops/op.h"

/* The dimensions [start, end) that Shape gives. */
void mote_shape_range(const mote_node *node, int32_t rank, int32_t *start, int32_t *end);

/* y_d = x_(perm[d]) */
mote_status mote_transpose_perm(const mote_node *node, int32_t rank, int32_t *perm, mote_diag *diag);

/* The sizes of the n parts of a dimension. split: the input's value where given and known. *known false: they depend on something not known yet. */
mote_status mote_split_sizes(const mote_node *node, uint32_t n, int64_t dim, const mote_array *split, bool split_given, int64_t *sizes, bool *known,
                             mote_diag *diag);

/* A box of x: its first element, sizes and strides, in elements; strides may be negative, and 0 along a dimension of at most one. */
typedef struct mote_slice_box {
    int64_t offset, dims[MOTE_MAX_RANK], strides[MOTE_MAX_RANK];
} mote_slice_box;
/* in: the node's inputs, all values given. */
mote_status mote_slice_box_of(const mote_node *node, const mote_array *const *in, uint32_t n_in, mote_slice_box *box, mote_diag *diag);

typedef enum mote_pad_mode { MOTE_PAD_CONSTANT, MOTE_PAD_REFLECT, MOTE_PAD_EDGE, MOTE_PAD_WRAP } mote_pad_mode;
typedef struct mote_pad_widths {
    int64_t begin[MOTE_MAX_RANK], end[MOTE_MAX_RANK]; /* negative: cropped */
} mote_pad_widths;
mote_status mote_pad_mode_of(const mote_node *node, mote_pad_mode *mode, mote_diag *diag);
/* pads (before version 11 an attribute), axes (NULL: all): the inputs' values. */
mote_status mote_pad_read(const mote_node *node, int32_t rank, const mote_array *pads, const mote_array *axes, mote_pad_widths *w, mote_diag *diag);
/* The input index for output index o along a dimension of size n; -1: the constant. For other modes than that one something must be left of the
 * dimension after cropping. */
int64_t mote_pad_source(mote_pad_mode mode, int64_t n, int64_t begin, int64_t end, int64_t o);

/* DepthToSpace and SpaceToDepth as a copy of a block of six dimensions; strides in elements. x: the input, of rank 4. MOTE_E_SHAPE, MOTE_E_VALUE. */
typedef struct mote_depth_copy {
    int64_t dims[6], in[6], out[6];
} mote_depth_copy;
mote_status mote_depth_copy_of(const mote_node *node, const mote_array *x, mote_depth_copy *copy, mote_diag *diag);

/* drop[d]: dimension d is reduced. given: the node has the input `axes`; value: its value. *known false: that is not known. */
mote_status mote_reduce_axes(const mote_node *node, int32_t rank, bool given, const mote_array *value, bool *drop, bool *known, mote_diag *diag);
/* The order in which float reductions take their elements: x as [outer, n, inner], n reduced. The kept dimensions behind the last reduced one
 * are `inner`, the others `outer`; where that is not the order in memory, elements move there first (moved: dims and strides of x in that
 * order). rows: inner is part of outer, the reduced dimensions last. */
typedef struct mote_reduce_form {
    size_t outer, n, inner;
    bool moved;
    int64_t dims[MOTE_MAX_RANK], strides[MOTE_MAX_RANK];
} mote_reduce_form;
void mote_reduce_form_of(const mote_array *x, const bool *drop, bool rows, mote_reduce_form *f);

/* x as [outer, n, inner] for functions along an axis; before version 13 the axes from `axis` on count as one. */
typedef struct mote_softmax_split {
    size_t outer, n, inner;
} mote_softmax_split;
mote_status mote_softmax_split_of(const mote_node *node, const mote_array *x, mote_softmax_split *s, mote_diag *diag);

#endif
