/* qlinear.c - pass qlinear: com.microsoft's operators on quantized tensors become standard ones
 * SPDX-License-Identifier: Apache-2.0
 *
 * QLinearAdd and its like become DequantizeLinear -> operator -> QuantizeLinear, which the passes over quantized models make integer forms of (qdq.h). */
#include "base/platform.h"
#include "ops/ms_quant.h"
#include "passes/pass.h"

static mote_status expand_graph(mote_pass_context *c, mote_graph *g)
{
    for (mote_node *n = g->first, *next; n != NULL; n = next) {
        bool done;
        next = n->next;
        const mote_status status = mote_ms_quant_expand(n, &done, c->diag);
        if (status != MOTE_OK) {
            mote_node_name_in(n, c->diag);
            return status;
        }
        c->edits += done;
    }
    return MOTE_OK;
}

MOTE_PASS(qlinear) { return mote_pass_each_graph(c, expand_graph); }
