/* frame_infer.c - shapes of a node's outputs from the tensors of a frame, and the choice of its kernel
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/frame.h"

/* Control flow is not inferred here: its subgraphs are planned when it runs. */
static mote_status no_subgraph(mote_infer *c, mote_graph *g, const mote_type *const *in, size_t n_in, mote_type *out, size_t n_out)
{
    (void)c, (void)g, (void)in, (void)n_in, (void)out, (void)n_out;
    return MOTE_OK;
}

mote_status mote_frame_infer(mote_frame *f, const mote_node *node, mote_array *const *in, uint32_t n_in, bool runtime, mote_array *out, bool *known,
                             mote_arena *scratch, mote_diag *diag)
{
    *known = false;
    mote_type *types = mote_arena_calloc(scratch, (size_t)n_in + node->n_out, sizeof *types);
    const mote_type **in_types = mote_arena_calloc(scratch, n_in, sizeof *in_types);
    const mote_array **value = mote_arena_calloc(scratch, n_in, sizeof *value);
    if (types == NULL || in_types == NULL || value == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    for (uint32_t i = 0; i < n_in; i++) {
        if (in[i] == NULL)
            continue;
        const mote_slot *slot = (const mote_slot *)(const void *)in[i];
        if (in[i]->kind == MOTE_KIND_TENSOR) {
            types[i] = (mote_type){.kind = MOTE_KIND_TENSOR, .dtype = in[i]->dtype, .rank = in[i]->rank};
            memcpy(types[i].dims, in[i]->dims, sizeof types[i].dims);
        } else {
            types[i] = slot->value != NULL ? slot->value->type : (mote_type){.kind = in[i]->kind, .rank = -1};
        }
        in_types[i] = &types[i];
        if (slot->state == MOTE_SLOT_CONST ? mote_array_aligned(in[i]) : runtime)
            value[i] = in[i];
    }
    mote_type *results = types + n_in;
    for (uint32_t i = 0; i < node->n_out; i++)
        results[i] = (mote_type){.rank = -1};
    /* The module is shared and immutable: new symbols and memory of this inference go to the scratch arena. */
    mote_module local = *f->session->model->module;
    local.cap_symbols = local.n_symbols;
    local.arena = *scratch;
    mote_infer c = {.module = &local, .node = node, .n_in = n_in, .n_out = node->n_out, .in = in_types, .value = value, .out = results, .diag = diag,
                    .subgraph = no_subgraph};
    mote_status status = mote_infer_node(&c);
    *scratch = local.arena;
    MOTE_TRY(status);
    *known = (node->def->flags & MOTE_OP_DATA_SHAPE) == 0;
    for (uint32_t i = 0; i < node->n_out; i++) {
        if (node->out[i] == NULL)
            continue;
        if (results[i].kind != MOTE_KIND_TENSOR || !mote_type_known(&results[i])) {
            /* With every value at hand only what is computed says the shape, or a sequence says none: nothing else may reach an evaluation unshaped. */
            MOTE_REQUIRE(!runtime || (node->def->flags & (MOTE_OP_DATA_SHAPE | MOTE_OP_OWN_DEF)) != 0 || results[i].kind != MOTE_KIND_TENSOR, diag, MOTE_E_SHAPE,
                         "the shape of output %u cannot be told from the inputs", (unsigned)i);
            *known = false;
            continue;
        }
        MOTE_TRY(mote_array_shape(&out[i], results[i].dtype, results[i].rank, results[i].dims, diag));
    }
    return MOTE_OK;
}

mote_status mote_frame_lower(mote_frame *f, mote_frame_step *s, mote_arena *arena, uint32_t *inplace, mote_diag *diag)
{
    mote_model *model = f->session->model;
    const mote_node *node = s->step.node;
    *inplace = 0;
    s->step.run = NULL;
    s->release = NULL;
    s->step.scratch_bytes = 0;
    s->step_unread = s->step_loose = s->step_gone = 0;
    mote_lower_fn fn = model->reference && !mote_str_is(node->domain, "mote") ? NULL : mote_lower_find(node->def->domain, node->def->name);
    if (fn == NULL)
        return MOTE_OK;
    const mote_array **value = mote_arena_calloc(arena, s->step.n_in, sizeof *value);
    if (value == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    uint32_t absent = 0;
    for (uint32_t i = 0; i < s->step.n_in; i++)
        if (s->step.in[i] != NULL && ((const mote_slot *)(const void *)s->step.in[i])->state == MOTE_SLOT_CONST) {
            if (!mote_array_absent(s->step.in[i]))
                value[i] = s->step.in[i];
            else if (i < 32)
                absent |= 1u << i;
        }
    mote_lower l = {.node = node, .n_in = s->step.n_in, .n_out = s->step.n_out, .in = (const mote_array *const *)s->step.in, .value = value, .absent = absent,
                    .out = (const mote_array *const *)s->step.out, .cpu = model->cpu, .bf16 = model->bf16, .workers = mote_pool_workers(f->session->pool), .pool = f->session->pool,
                    .arena = arena, .packs = model->packs, .heap = &f->session->temp.heap, .diag = diag};
    mote_status status = fn(&l);
    if (status != MOTE_OK) {
        mote_node_name_in(node, diag);
        return status;
    }
    if (l.run != NULL) {
        s->step.run = l.run;
        s->step.params = l.params;
        s->step.kernel = l.kernel != NULL ? l.kernel : "cpu";
        s->step.scratch_bytes = l.scratch_bytes;
        s->step_unread = l.unread;
        s->step_loose = l.loose;
        s->step_gone = l.gone;
        s->release = l.release;
        *inplace = l.inplace;
    }
    return MOTE_OK;
}
