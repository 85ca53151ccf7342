/* mote_shift.c - Shift: a register of the last elements seen
 * SPDX-License-Identifier: Apache-2.0
 *
 * Y has the shape of S: along `axis`, the last elements of S followed by X. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <string.h>

static mote_status infer_shift(mote_infer *c)
{
    const mote_type *s = c->in[0], *x = c->in[1];
    int32_t axis;
    MOTE_REQUIRE(s->rank < 0 || x->rank < 0 || s->rank == x->rank, c->diag, MOTE_E_SHAPE, "S has rank %d and X %d, expected equal ones", s->rank,
                 x->rank);
    if (s->rank >= 0)
        MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), s->rank, "axis", c->diag, &axis));
    for (int32_t d = 0; d < s->rank && x->rank >= 0; d++)
        MOTE_REQUIRE(d == axis || mote_dim_may_equal(s->dims[d], x->dims[d]), c->diag, MOTE_E_SHAPE, "S and X differ in dimension %d", d);
    return mote_infer_like(c);
}

static mote_status eval_shift(mote_eval *c)
{
    const mote_array *s = c->in[0], *x = c->in[1];
    mote_array *y = c->out[0];
    int32_t axis;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), s->rank, "axis", c->diag, &axis));
    size_t outer = mote_dims_count(s->dims, axis), inner = mote_dims_count(s->dims + axis + 1, s->rank - axis - 1) * mote_dtype_bits(s->dtype) / 8;
    size_t n = (size_t)s->dims[axis], k = (size_t)x->dims[axis], keep = n > k ? n - k : 0;
    const uint8_t *from = s->data, *last = x->data;
    uint8_t *to = y->data;
    for (size_t o = 0; o < outer; o++, from += n * inner, last += k * inner, to += n * inner) {
        if (keep * inner != 0)
            memmove(to, from + (n - keep) * inner, keep * inner);
        if ((n - keep) * inner != 0)
            memcpy(to + keep * inner, last + (k - (n - keep)) * inner, (n - keep) * inner);
    }
    return MOTE_OK;
}

MOTE_OP(mote, Shift, 1, .in = "S:T X:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_NUM_BOOL_13, 0}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "axis")),
        .flags = MOTE_OP_QUANT_KEEP, .infer = infer_shift, .eval = eval_shift, .doc = MOTE_DOC("y = the end of concat(s, x) along an axis, as long as s"));
