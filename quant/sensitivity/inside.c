/* inside.c - the float model and the result side by side, with what each layer gives as outputs
 * SPDX-License-Identifier: Apache-2.0
 *
 * Channels that were equalized mean the same in both, as they would not in the model that was read. Where the result quantizes a tensor, what its DequantizeLinear says
 * is looked at, so that what runs in integers still does. */
#include "base/platform.h"
#include "onnx/write.h"
#include "passes/match.h"
#include "passes/qdq.h"
#include "quant/quantizer.h"
#include "quant/recipe/variant.h"

static mote_value *quantized_form(const mote_value *v)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        for (const mote_use *d = u->node != NULL && mote_is_quantize(u->node) && u->index == 0 ? u->node->out[0]->uses : NULL; d != NULL; d = d->next)
            if (d->node != NULL && mote_is_dequantize(d->node) && d->index == 0)
                return d->node->out[0];
    return NULL;
}

/* A product that is computed together with the clamp behind it, in integers: it is never there by itself. */
static bool goes_on(const mote_value *v)
{
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        if (u->node != NULL && u->node->n_out == 1 && quantized_form(u->node->out[0]) != NULL)
            return true;
    return false;
}

static bool is_layer(const mote_node *n)
{
    static const char *const ops[] = {"Conv", "Gemm", "MatMul", "ConvTranspose", "LSTM", "GRU", "RNN"};
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (mote_node_is(n, "", ops[i]))
            return true;
    return false;
}

/* The value of the result that stands for one of the float model, in float32; *out NULL: none does. */
static mote_status find_in(mote_graph *g, const mote_value *v, mote_value **out, mote_diag *diag)
{
    *out = NULL;
    mote_value *same = v->type.dtype == MOTE_DTYPE_F32 && v->producer != NULL && !mote_value_is_output(v) ? mote_graph_find(g, v->name, false) : NULL;
    if (same == NULL || same->producer == NULL || mote_value_is_output(same))
        return MOTE_OK;
    *out = quantized_form(same);
    if (*out != NULL || !is_layer(v->producer) || goes_on(same))
        return MOTE_OK;
    *out = same;
    if (same->type.dtype == MOTE_DTYPE_F32)
        return MOTE_OK;
    mote_node *cast = mote_quant_node(g, NULL, "Cast", 13, 1, &same);
    *out = cast != NULL ? cast->out[0] : NULL;
    return cast != NULL ? mote_node_set_int(cast, "to", MOTE_DTYPE_F32) : MOTE_NO_MEMORY(diag, 0);
}

static mote_status note(mote_quantizer *q, size_t i, const mote_node *n, mote_diag *diag)
{
    const mote_str name = n->name.n != 0 ? n->name : n->out[0]->name;
    q->inside[i] = (mote_inside){mote_arena_str(&q->arena, name).p, mote_arena_str(&q->arena, n->op).p};
    return q->inside[i].node != NULL && q->inside[i].op != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, name.n);
}

static mote_status add_outputs(mote_quantizer *q, mote_module *before, mote_module *after, mote_diag *diag)
{
    size_t n = 0;
    if (q->inside == NULL)
        q->inside = mote_arena_calloc(&q->arena, (size_t)before->n_values + 1, sizeof *q->inside);
    if (q->inside == NULL)
        return MOTE_NO_MEMORY(diag, before->n_values);
    for (mote_node *k = before->graph->first; k != NULL; k = k->next)
        for (uint32_t i = 0; i < k->n_out; i++) {
            mote_value *there = NULL;
            if (k->out[i] != NULL)
                MOTE_TRY(find_in(after->graph, k->out[i], &there, diag));
            if (there == NULL || mote_value_is_output(there))
                continue;
            MOTE_TRY(mote_graph_add_output(before->graph, k->out[i]));
            MOTE_TRY(mote_graph_add_output(after->graph, there));
            MOTE_TRY(note(q, n++, k, diag));
        }
    q->n_inside = n;
    return MOTE_OK;
}

mote_status mote_quantizer_inside(mote_quantizer *q, bool result, const mote_load_options *load, mote_model **out, mote_diag *diag)
{
    mote_module *before = NULL, *after = NULL;
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(q != NULL && out != NULL, diag, MOTE_E_ARGUMENT, "quantizer or out is NULL");
    *out = NULL;
    MOTE_REQUIRE(q->done && q->before != NULL, diag, MOTE_E_ARGUMENT, "the quantizer has rounds to go, or was not made for looks inside");
    mote_status status = mote_module_clone(q->before, &q->heap, &before);
    if (status == MOTE_OK)
        status = mote_module_clone(q->module, &q->heap, &after);
    if (status == MOTE_OK)
        status = add_outputs(q, before, after, diag);
    mote_heap_free(&q->heap, q->inside_bytes[result], q->n_inside_bytes[result]);
    q->inside_bytes[result] = NULL;
    q->n_inside_bytes[result] = 0;
    if (status == MOTE_OK)
        status = mote_onnx_write_memory(result ? after : before, &q->heap, &q->inside_bytes[result], &q->n_inside_bytes[result], diag);
    mote_module_destroy(&before);
    mote_module_destroy(&after);
    return status == MOTE_OK ? mote_quant_load(q, q->inside_bytes[result], q->n_inside_bytes[result], load, out, diag) : status;
}

mote_status mote_quantizer_inside_at(const mote_quantizer *q, size_t index, const char **node, const char **op)
{
    if (q == NULL || index >= q->n_inside || node == NULL || op == NULL)
        return MOTE_E_ARGUMENT;
    *node = q->inside[index].node;
    *op = q->inside[index].op;
    return MOTE_OK;
}
