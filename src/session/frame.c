/* frame.c - planning a graph for given input shapes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/frame.h"
#include "base/map.h"
#include "base/size.h"

enum { FOLD_BYTES = 1 << 20, ALIGN_ALWAYS = 4096, MAX_SUBGRAPH_DEPTH = 100 };

mote_slot *mote_frame_slot(mote_frame *f, const mote_value *v)
{
    while (f != NULL && f->graph != v->graph)
        f = f->parent;
    return f == NULL ? NULL : &f->slots[f->session->model->index[v->id]];
}

bool mote_frame_matches(const mote_frame *f, const mote_array *inputs)
{
    for (size_t i = 0; i < f->graph->n_inputs; i++)
        if (f->key[i].dtype != inputs[i].dtype || f->key[i].kind != inputs[i].kind ||
            (inputs[i].dtype != MOTE_DTYPE_NONE && inputs[i].kind == MOTE_KIND_TENSOR && !mote_array_same_shape(&f->key[i], &inputs[i])))
            return false; /* nothing is planned by what a sequence holds */
    return true;
}

/* ---- slots ---- */

typedef struct align_fill_ctx {
    const mote_array *array;
} align_fill_ctx;

static mote_status align_fill(void *ctx, void *dst)
{
    const mote_array *a = ((align_fill_ctx *)ctx)->array;
    memcpy(dst, a->data, a->bytes);
    return MOTE_OK;
}

/* Gives a constant slot aligned data, shared by the model's sessions when the constant is the model's. */
static mote_status align_slot(mote_frame *f, mote_slot *slot, mote_diag *diag)
{
    mote_array *a = &slot->array;
    if (mote_array_aligned(a) || a->bytes == 0)
        return MOTE_OK;
    MOTE_REQUIRE(!mote_array_absent(a), diag, MOTE_E_UNSUPPORTED, "constant '%.*s' is packed for other shapes: compile the model for these, or with its weights kept",
                 MOTE_STR_ARG(slot->value->name));
    align_fill_ctx ctx = {a};
    const void *data;
    MOTE_TRY(mote_packs_get(f->session->model->packs, &slot->value, 1, MOTE_PACK_ALIGN, a->bytes, align_fill, &ctx, &data, diag));
    memcpy(&a->data, &data, sizeof data); /* constants are never written: the slot's pointer is not const because others' are not */
    return MOTE_OK;
}

static mote_status set_constant(mote_frame *f, mote_slot *slot, const mote_value *v, mote_diag *diag)
{
    slot->array = *v->constant;
    slot->state = MOTE_SLOT_CONST;
    return slot->array.bytes <= ALIGN_ALWAYS ? align_slot(f, slot, diag) : MOTE_OK;
}

static mote_status add_buffer(mote_frame *f, mote_slot *slot, uint32_t first)
{
    slot->state = MOTE_SLOT_STATIC;
    slot->buffer = (uint32_t)f->n_buffers;
    slot->same_buffer = NULL;
    f->buffers[f->n_buffers] = (mote_buffer){mote_max_size(slot->array.bytes, 1), first, first, 0};
    f->buffer_slots[f->n_buffers++] = slot;
    return MOTE_OK;
}

static void join_buffer(mote_frame *f, mote_slot *slot, mote_slot *to)
{
    slot->state = MOTE_SLOT_STATIC;
    slot->buffer = to->buffer;
    slot->same_buffer = f->buffer_slots[to->buffer];
    f->buffer_slots[to->buffer] = slot;
}

/* ---- nodes ---- */

/* Marks the last use of every slot of this frame that a node reads, through its subgraphs too. */
static mote_status mark_uses(mote_frame *f, const mote_node *node, uint32_t step, int depth, mote_diag *diag)
{
    MOTE_REQUIRE(depth < MAX_SUBGRAPH_DEPTH, diag, MOTE_E_LIMIT, "subgraphs nested deeper than %d", MAX_SUBGRAPH_DEPTH);
    for (uint32_t i = 0; i < node->n_in; i++) {
        const mote_value *v = node->in[i].value;
        if (v != NULL && v->graph == f->graph)
            f->slots[f->session->model->index[v->id]].last_use = step;
    }
    for (const mote_attr *a = node->attrs; a != NULL; a = a->next) {
        size_t n = a->kind == MOTE_ATTR_GRAPH ? 1 : a->kind == MOTE_ATTR_GRAPHS ? a->n : 0;
        for (size_t k = 0; k < n; k++) {
            const mote_graph *g = a->kind == MOTE_ATTR_GRAPH ? a->g : a->graphs[k];
            for (const mote_node *inner = g->first; inner != NULL; inner = inner->next)
                MOTE_TRY(mark_uses(f, inner, step, depth + 1, diag));
            for (size_t o = 0; o < g->n_outputs; o++)
                if (g->outputs[o]->value != NULL && g->outputs[o]->value->graph == f->graph)
                    f->slots[f->session->model->index[g->outputs[o]->value->id]].last_use = step;
        }
    }
    return MOTE_OK;
}

/* Evaluates a node whose inputs are fixed, when what it makes is small. *done: outputs are constants now. */
static mote_status fold(mote_frame *f, const mote_node *node, const mote_array *const *in, bool *done, mote_diag *diag)
{
    *done = false;
    if (node->def == NULL || node->def->eval == NULL || (node->def->flags & (MOTE_OP_RANDOM | MOTE_OP_CONTROL)) != 0 || node->n_out > 8)
        return MOTE_OK;
    mote_array out[8];
    memset(out, 0, sizeof out);
    mote_module scratch = *f->session->model->module;
    scratch.cap_symbols = scratch.n_symbols;
    mote_arena_init(&scratch.arena, &f->session->temp.heap);
    mote_status status = mote_eval_node(&scratch, node, in, out, &f->session->temp.heap, NULL, NULL, diag);
    mote_arena_deinit(&scratch.arena);
    bool keep = status == MOTE_OK;
    for (uint32_t i = 0; i < node->n_out && keep; i++)
        keep = node->out[i] == NULL ||
               (out[i].kind == MOTE_KIND_TENSOR && out[i].dtype != MOTE_DTYPE_STRING && out[i].bytes <= FOLD_BYTES);
    for (uint32_t i = 0; i < node->n_out && status == MOTE_OK; i++) {
        if (keep && node->out[i] != NULL) {
            mote_slot *slot = mote_frame_slot(f, node->out[i]);
            slot->array = out[i];
            slot->state = MOTE_SLOT_CONST;
            slot->array.data = mote_arena_copy(&f->arena, out[i].data, out[i].bytes);
            if (slot->array.data == NULL)
                status = MOTE_NO_MEMORY(diag, out[i].bytes);
        }
        mote_array_free(&f->session->temp.heap, &out[i]);
    }
    *done = keep && status == MOTE_OK;
    return status;
}

static mote_frame_step *new_step(mote_frame *f, const mote_node *node, uint32_t n_in, uint32_t n_out, mote_diag *diag)
{
    mote_array **in = mote_arena_calloc(&f->arena, n_in, sizeof *in), **out = mote_arena_calloc(&f->arena, n_out, sizeof *out);
    if (in == NULL || out == NULL) {
        (void)MOTE_NO_MEMORY(diag, 0);
        return NULL;
    }
    mote_frame_step *s = &f->steps[f->n_steps++];
    s->frame = f;
    s->step = (mote_step){NULL, NULL, "reference", node, n_in, n_out, in, out, 0};
    return s;
}

/* Gives one node's outputs their slots' states, and a step unless it folds or is a view. */
static mote_status plan_node(mote_frame *f, const mote_node *node, mote_diag *diag)
{
    uint32_t n_in = node->n_in, n_out = node->n_out, flags = node->def->flags;
    mote_array **in = mote_arena_calloc(&f->arena, n_in, sizeof *in);
    mote_array *out = mote_arena_calloc(&f->arena, n_out, sizeof *out);
    if (in == NULL || out == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    bool all_const = true, dynamic = false;
    size_t const_bytes = 0;
    for (uint32_t i = 0; i < n_in; i++) {
        if (node->in[i].value == NULL)
            continue;
        mote_slot *slot = mote_frame_slot(f, node->in[i].value);
        MOTE_REQUIRE(slot != NULL && slot->state != MOTE_SLOT_NONE, diag, MOTE_E_MODEL, "input %u is a value that nothing makes", (unsigned)i);
        in[i] = &slot->array;
        all_const = all_const && slot->state == MOTE_SLOT_CONST;
        dynamic = dynamic || slot->state == MOTE_SLOT_DYNAMIC;
        const_bytes += slot->state == MOTE_SLOT_CONST && const_bytes <= FOLD_BYTES ? slot->array.bytes : 0;
    }
    bool shape_only = (flags & MOTE_OP_SHAPE_ONLY) != 0 && n_in > 0 && in[0] != NULL && !dynamic, known = false;
    if (!dynamic && (flags & MOTE_OP_CONTROL) == 0)
        MOTE_TRY(mote_frame_infer(f, node, in, n_in, false, out, &known, &f->arena, diag));
    for (uint32_t i = 0; i < n_out && known; i++) /* what would not be kept is not computed */
        all_const = all_const && (node->out[i] == NULL || out[i].bytes <= FOLD_BYTES);
    if (!dynamic && (shape_only || (all_const && const_bytes <= FOLD_BYTES))) {
        for (uint32_t i = 0; i < n_in; i++)
            if (in[i] != NULL && !shape_only)
                MOTE_TRY(align_slot(f, (mote_slot *)(void *)in[i], diag));
        bool done;
        MOTE_TRY(fold(f, node, (const mote_array *const *)in, &done, diag));
        if (done)
            return MOTE_OK;
    }
    if (!dynamic && (flags & MOTE_OP_CONTROL) != 0) {
        known = true;
        for (uint32_t i = 0; i < n_out && known; i++)
            if (node->out[i] != NULL) {
                const mote_type *t = &node->out[i]->type;
                known = t->kind == MOTE_KIND_TENSOR && mote_type_known(t) && t->dtype != MOTE_DTYPE_STRING &&
                        mote_array_shape(&out[i], t->dtype, t->rank, t->dims, NULL) == MOTE_OK;
            }
    }
    /* A view of a tensor of this frame shares its buffer, unless that is the caller's constant. */
    mote_slot *first = n_in > 0 ? (mote_slot *)(void *)in[0] : NULL;
    if (known && (flags & MOTE_OP_VIEW) != 0 && first != NULL && node->in[0].value->graph == f->graph && node->out[0] != NULL &&
        first->array.bytes == out[0].bytes && first->array.dtype == out[0].dtype && n_out == 1) {
        mote_slot *slot = mote_frame_slot(f, node->out[0]);
        slot->array = out[0];
        if (first->state == MOTE_SLOT_CONST) {
            slot->array.data = first->array.data;
            slot->state = MOTE_SLOT_CONST;
        } else {
            join_buffer(f, slot, first);
        }
        return MOTE_OK;
    }
    mote_frame_step *s = new_step(f, node, n_in, n_out, diag);
    if (s == NULL)
        return MOTE_E_MEMORY;
    memcpy((void *)(uintptr_t)s->step.in, in, n_in * sizeof *in);
    for (uint32_t i = 0; i < n_out; i++) {
        if (node->out[i] == NULL)
            continue;
        mote_slot *slot = mote_frame_slot(f, node->out[i]);
        ((mote_array **)(uintptr_t)s->step.out)[i] = &slot->array;
        if (known) {
            slot->array = out[i];
            MOTE_TRY(add_buffer(f, slot, (uint32_t)f->n_steps - 1));
        } else {
            slot->state = MOTE_SLOT_DYNAMIC;
            slot->array = (mote_array){.kind = node->out[i]->type.kind, .dtype = node->out[i]->type.dtype};
        }
    }
    s->dynamic = !known && (flags & MOTE_OP_CONTROL) == 0;
    return MOTE_OK;
}

/* ---- the whole graph ---- */

static mote_status plan_inputs(mote_frame *f, const mote_array *inputs, mote_diag *diag)
{
    mote_graph *g = f->graph;
    for (size_t i = 0; i < g->n_inputs; i++) {
        const mote_value *v = g->inputs[i];
        mote_slot *slot = &f->slots[f->session->model->index[v->id]];
        f->key[i] = inputs[i];
        f->key[i].data = NULL;
        f->key[i].own = 0; /* the slot gets other memory */
        if (inputs[i].dtype == MOTE_DTYPE_NONE && inputs[i].kind == MOTE_KIND_TENSOR) {
            MOTE_REQUIRE(v->constant != NULL, diag, MOTE_E_ARGUMENT, "input '%.*s' is not given", MOTE_STR_ARG(v->name));
            MOTE_TRY(set_constant(f, slot, v, diag));
            continue;
        }
        slot->array = f->key[i];
        if (inputs[i].kind != MOTE_KIND_TENSOR) {
            slot->state = MOTE_SLOT_DYNAMIC;
            continue;
        }
        MOTE_TRY(add_buffer(f, slot, 0));
        slot->last_use = UINT32_MAX;
    }
    return MOTE_OK;
}

/* An output that is not a tensor of its own (an input, a constant, a captured value, the same value twice) gets a copy. */
static mote_status plan_outputs(mote_frame *f, mote_diag *diag)
{
    mote_graph *g = f->graph;
    size_t base = mote_graph_value_count(g);
    for (size_t i = 0; i < g->n_outputs; i++) {
        const mote_value *v = g->outputs[i]->value;
        MOTE_REQUIRE(v != NULL, diag, MOTE_E_MODEL, "output %zu has no value", i);
        mote_slot *slot = mote_frame_slot(f, v);
        MOTE_REQUIRE(slot != NULL && slot->state != MOTE_SLOT_NONE, diag, MOTE_E_MODEL, "output '%.*s' is a value that nothing makes", MOTE_STR_ARG(v->name));
        bool own = v->graph == f->graph && slot->state != MOTE_SLOT_CONST && !(v->is_input && slot->state == MOTE_SLOT_DYNAMIC);
        for (size_t k = 0; k < g->n_inputs && own && slot->state == MOTE_SLOT_STATIC; k++) {
            const mote_slot *input = &f->slots[f->session->model->index[g->inputs[k]->id]];
            own = input->state != MOTE_SLOT_STATIC || input->buffer != slot->buffer;
        }
        for (size_t k = 0; k < i && own; k++)
            own = f->outputs[k] != slot && !(slot->state == MOTE_SLOT_STATIC && f->outputs[k]->state == MOTE_SLOT_STATIC &&
                                             f->outputs[k]->buffer == slot->buffer && f->outputs[k]->value != NULL);
        if (own) {
            f->outputs[i] = slot;
            continue;
        }
        mote_frame_step *s = new_step(f, NULL, 1, 1, diag);
        if (s == NULL)
            return MOTE_E_MEMORY;
        mote_slot *copy = &f->slots[base + i];
        s->copy = true;
        s->step.kernel = "copy";
        s->step.run = mote_frame_copy_step;
        s->lowered = true;
        ((mote_array **)(uintptr_t)s->step.in)[0] = &slot->array;
        ((mote_array **)(uintptr_t)s->step.out)[0] = &copy->array;
        copy->array = slot->array;
        copy->array.data = NULL;
        if (slot->state == MOTE_SLOT_DYNAMIC || slot->array.dtype == MOTE_DTYPE_STRING)
            copy->state = MOTE_SLOT_DYNAMIC;
        else
            MOTE_TRY(add_buffer(f, copy, (uint32_t)f->n_steps - 1));
        if (slot->state == MOTE_SLOT_CONST)
            MOTE_TRY(align_slot(f, slot, diag));
        if (v->graph == f->graph && slot->last_use != UINT32_MAX)
            slot->last_use = (uint32_t)f->n_steps - 1;
        f->outputs[i] = copy;
    }
    for (size_t i = 0; i < g->n_outputs; i++)
        f->outputs[i]->last_use = UINT32_MAX;
    return MOTE_OK;
}

/* Chooses kernels, shares memory in place, and gives every buffer its lifetime. */
static mote_status lower_steps(mote_frame *f, mote_diag *diag)
{
    for (size_t k = 0; k < f->n_steps; k++)
        if (f->steps[k].step.node != NULL)
            MOTE_TRY(mark_uses(f, f->steps[k].step.node, (uint32_t)k, 0, diag));
    for (size_t i = 0; i < f->graph->n_outputs; i++)
        f->outputs[i]->last_use = UINT32_MAX;
    for (size_t i = 0; i < f->graph->n_inputs; i++)
        f->slots[f->session->model->index[f->graph->inputs[i]->id]].last_use = UINT32_MAX;
    for (size_t k = 0; k < f->n_steps; k++)
        if (f->steps[k].copy && ((mote_slot *)(void *)f->steps[k].step.in[0])->last_use < k)
            ((mote_slot *)(void *)f->steps[k].step.in[0])->last_use = (uint32_t)k;
    for (size_t b = 0; b < f->n_buffers; b++)
        for (mote_slot *s = f->buffer_slots[b]; s != NULL; s = s->same_buffer)
            if (s->last_use > f->buffers[b].last)
                f->buffers[b].last = s->last_use;
    bool share = f->session->tap == NULL;
    for (size_t k = 0; k < f->n_steps; k++) {
        mote_frame_step *s = &f->steps[k];
        if (s->copy || s->dynamic)
            continue;
        uint32_t inplace = 0;
        if ((s->step.node->def->flags & MOTE_OP_CONTROL) == 0)
            MOTE_TRY(mote_frame_lower(f, s, &f->arena, &inplace, diag));
        s->lowered = true;
        if (s->step.run == NULL) {
            s->step.run = mote_frame_reference;
            s->step.kernel = mote_frame_reference_name(s->step.node);
        }
        mote_slot *out = s->step.n_out > 0 ? (mote_slot *)(void *)s->step.out[0] : NULL;
        for (uint32_t i = 0; share && inplace != 0 && out != NULL && i < s->step.n_in && i < 32; i++) {
            mote_slot *in = (mote_slot *)(void *)s->step.in[i];
            if ((inplace >> i & 1u) == 0 || in == NULL || in->value == NULL || in->value->graph != f->graph || in->state != MOTE_SLOT_STATIC ||
                in->array.bytes != out->array.bytes || f->buffers[in->buffer].last != k || f->buffers[in->buffer].bytes != f->buffers[out->buffer].bytes)
                continue;
            bool twice = false; /* the same tensor as another input: it would be overwritten while read in another order */
            for (uint32_t j = 0; j < s->step.n_in; j++) {
                const mote_slot *other = (const mote_slot *)(const void *)s->step.in[j];
                twice = twice || (j != i && other != NULL && other->state == MOTE_SLOT_STATIC && other->value != NULL &&
                                  other->value->graph == f->graph && other->buffer == in->buffer);
            }
            if (twice)
                continue;
            uint32_t old = out->buffer, last = f->buffers[old].last;
            f->buffers[old].bytes = 0; /* unused from here on */
            for (mote_slot *v = f->buffer_slots[old], *next; v != NULL; v = next) { /* the output and its views move over */
                next = v->same_buffer;
                join_buffer(f, v, in);
            }
            f->buffer_slots[old] = NULL;
            f->buffers[in->buffer].last = last;
            break;
        }
    }
    if (!share)
        for (size_t b = 0; b < f->n_buffers; b++)
            f->buffers[b].first = 0, f->buffers[b].last = UINT32_MAX;
    return MOTE_OK;
}

static mote_status give_memory(mote_frame *f, mote_diag *diag)
{
    MOTE_TRY(mote_plan_offsets(f->buffers, f->n_buffers, &f->session->temp.heap, &f->arena_bytes, diag));
    for (size_t k = 0; k < f->n_steps; k++)
        f->scratch_bytes = mote_max_size(f->scratch_bytes, f->steps[k].step.scratch_bytes);
    size_t scratch_at;
    MOTE_REQUIRE(mote_size_align(f->arena_bytes, MOTE_ALIGN, &scratch_at) && mote_size_add(scratch_at, f->scratch_bytes, &f->memory_bytes), diag,
                 MOTE_E_LIMIT, "the plan is larger than memory can be");
    if (f->memory_bytes != 0) {
        f->memory = mote_heap_alloc(&f->session->heap, f->memory_bytes);
        if (f->memory == NULL) {
            const mote_heap *h = &f->session->heap;
            if (h->limit != 0)
                MOTE_FAIL(diag, MOTE_E_LIMIT, "the plan needs %zu bytes, which passes the session's memory limit of %zu", f->memory_bytes, h->limit);
            return MOTE_NO_MEMORY(diag, f->memory_bytes);
        }
        mote_memory_whole(f->memory, f->memory_bytes);
        memset(f->memory, 0, f->arena_bytes);
    }
    f->scratch = f->memory != NULL ? f->memory + scratch_at : NULL;
    for (size_t b = 0; b < f->n_buffers; b++)
        for (mote_slot *s = f->buffer_slots[b]; s != NULL; s = s->same_buffer)
            s->array.data = f->memory != NULL ? f->memory + f->buffers[b].offset : NULL;
    return MOTE_OK;
}

void mote_frame_bind(mote_frame *f, mote_slot *slot, void *data)
{
    if (data == NULL && f->memory != NULL)
        data = f->memory + f->buffers[slot->buffer].offset;
    for (mote_slot *s = f->buffer_slots[slot->buffer]; s != NULL; s = s->same_buffer)
        s->array.data = data;
}

static mote_status build(mote_frame *f, const mote_array *inputs, mote_diag *diag)
{
    mote_graph *g = f->graph;
    size_t n_values = mote_graph_value_count(g), n_nodes = 0, n_slots = n_values + g->n_outputs;
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        n_nodes++;
    f->slots = mote_arena_calloc(&f->arena, n_slots, sizeof *f->slots);
    f->buffers = mote_arena_calloc(&f->arena, n_slots, sizeof *f->buffers);
    f->buffer_slots = mote_arena_calloc(&f->arena, n_slots, sizeof *f->buffer_slots);
    f->outputs = mote_arena_calloc(&f->arena, g->n_outputs, sizeof *f->outputs);
    f->steps = mote_arena_calloc(&f->arena, n_nodes + g->n_outputs, sizeof *f->steps);
    f->key = mote_arena_calloc(&f->arena, g->n_inputs, sizeof *f->key);
    if (f->slots == NULL || f->buffers == NULL || f->buffer_slots == NULL || f->outputs == NULL || f->steps == NULL || f->key == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    f->n_slots = n_slots;
    size_t at = 0;
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        f->slots[at++].value = v;
    MOTE_TRY(plan_inputs(f, inputs, diag));
    at = 0;
    for (const mote_value *v = g->values; v != NULL; v = v->next, at++)
        if (v->constant != NULL && !v->is_input)
            MOTE_TRY(set_constant(f, &f->slots[at], v, diag));
    for (const mote_node *n = g->first; n != NULL; n = n->next) {
        mote_status status = plan_node(f, n, diag);
        if (status != MOTE_OK) {
            mote_node_name_in(n, diag);
            return status;
        }
    }
    MOTE_TRY(plan_outputs(f, diag));
    MOTE_TRY(lower_steps(f, diag));
    for (size_t k = 0; k < f->n_steps; k++) { /* what is read at run must be aligned */
        mote_frame_step *s = &f->steps[k];
        for (uint32_t i = 0; i < s->step.n_in; i++) {
            mote_slot *slot = (mote_slot *)(void *)s->step.in[i];
            if (slot == NULL || slot->state != MOTE_SLOT_CONST)
                continue;
            const uint32_t as_it_is = s->step_unread | (mote_array_absent(&slot->array) ? 0 : s->step_loose);
            if (s->copy || s->dynamic || s->step.run == mote_frame_reference || i >= 32 || (as_it_is >> i & 1u) == 0)
                MOTE_TRY(align_slot(f, slot, diag));
        }
    }
    MOTE_TRY(give_memory(f, diag));
    return mote_frame_find_slides(f, diag);
}

mote_status mote_frame_create(mote_session *s, mote_graph *graph, mote_frame *parent, const mote_array *inputs, mote_frame **out, mote_diag *diag)
{
    *out = NULL;
    mote_frame *f = mote_heap_calloc(&s->heap, 1, sizeof *f);
    if (f == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *f);
    f->session = s;
    f->graph = graph;
    f->parent = parent;
    mote_arena_init(&f->arena, &s->heap);
    mote_status status = build(f, inputs, diag);
    if (status != MOTE_OK) {
        mote_frame_destroy(&f);
        return status;
    }
    *out = f;
    return MOTE_OK;
}

void mote_frame_destroy(mote_frame **frame)
{
    mote_frame *f = *frame;
    if (f == NULL)
        return;
    mote_session *s = f->session;
    for (size_t k = 0; k < f->n_steps; k++) {
        for (int slot = 0; slot < 2; slot++)
            for (mote_frame *c = f->steps[k].children[slot], *next; c != NULL; c = next) {
                next = c->next;
                mote_frame_destroy(&c);
            }
        mote_frame_release_slides(s, &f->steps[k]);
        if (f->steps[k].release != NULL)
            f->steps[k].release(f->steps[k].step.params);
        if (f->steps[k].arena.heap != NULL)
            mote_arena_deinit(&f->steps[k].arena);
    }
    for (size_t i = 0; i < f->n_slots; i++)
        mote_slot_release(s, &f->slots[i]);
    mote_heap_free(&s->heap, f->memory, f->memory_bytes);
    mote_arena_deinit(&f->arena);
    mote_heap_free(&s->heap, f, sizeof *f);
    *frame = NULL;
}
