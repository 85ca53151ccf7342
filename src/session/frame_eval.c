/* frame_eval.c - the reference evaluation as a step: outputs of dynamic shape, strings, subgraphs
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/frame.h"
#include "base/size.h"

enum { MAX_CHILDREN = 3, MAX_DEPTH = 32 };

/* ---- memory of slots ---- */

static void release_chars(mote_session *s, mote_slot *slot)
{
    for (mote_chars *c = slot->chars, *next; c != NULL; c = next) {
        next = c->next;
        mote_heap_free(&s->heap, c, c->bytes);
    }
    slot->chars = NULL;
}

void mote_slot_release(mote_session *s, mote_slot *slot)
{
    release_chars(s, slot);
    if (slot->array.kind != MOTE_KIND_TENSOR && slot->state == MOTE_SLOT_DYNAMIC && slot->own == NULL && slot->array.data != NULL &&
        slot->own_bytes == 0 && (slot->value == NULL || slot->value->producer != NULL))
        mote_array_free(&s->heap, &slot->array);
    if (slot->own != NULL) {
        mote_heap_free(&s->heap, slot->own, slot->own_bytes);
        s->dynamic_bytes -= slot->own_bytes;
    }
    slot->own = NULL;
    slot->own_bytes = 0;
}

mote_status mote_slot_output(mote_frame *f, mote_slot *slot, mote_dtype dtype, int32_t rank, const int64_t *dims, mote_diag *diag)
{
    mote_array shape = {0};
    MOTE_TRY(mote_array_shape(&shape, dtype, rank, dims, diag));
    if (slot->state == MOTE_SLOT_STATIC) {
        char seen[128], want[128];
        MOTE_REQUIRE(slot->array.dtype == dtype && mote_array_same_shape(&slot->array, &shape), diag, MOTE_E_SHAPE,
                     "output '%.*s' is %s where its declared type is %s", MOTE_STR_ARG(slot->value != NULL ? slot->value->name : MOTE_STR("")),
                     mote_array_describe(&shape, seen, sizeof seen), mote_array_describe(&slot->array, want, sizeof want));
        return MOTE_OK;
    }
    if (slot->array.kind != MOTE_KIND_TENSOR) /* an optional before, what it held now */
        mote_slot_release(f->session, slot);
    if (shape.bytes > slot->own_bytes || slot->own == NULL) { /* never NULL, even without elements */
        mote_session *s = f->session;
        const size_t bytes = mote_max_size(shape.bytes, 1);
        void *p = mote_heap_alloc(&s->heap, bytes);
        if (p == NULL) {
            MOTE_REQUIRE(s->heap.limit == 0, diag, MOTE_E_LIMIT, "an output of %zu bytes passes the session's memory limit of %zu", shape.bytes,
                         s->heap.limit);
            return MOTE_NO_MEMORY(diag, shape.bytes);
        }
        if (slot->own != NULL)
            mote_heap_free(&s->heap, slot->own, slot->own_bytes);
        s->dynamic_bytes += bytes - slot->own_bytes;
        slot->own = p;
        slot->own_bytes = bytes;
    }
    shape.data = slot->own;
    slot->array = shape;
    if (dtype == MOTE_DTYPE_STRING && shape.bytes != 0) /* strings start empty */
        memset(shape.data, 0, shape.bytes);
    return MOTE_OK;
}

/* ---- callbacks of one evaluation ---- */

typedef struct call {
    mote_frame_step *step;
    mote_frame *frame;
} call;

static mote_slot *out_slot(mote_eval *c, uint32_t i)
{
    const call *k = c->ctx;
    return i < k->step->step.n_out ? (mote_slot *)(void *)k->step->step.out[i] : NULL;
}

static mote_status eval_output(mote_eval *c, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims)
{
    const call *k = c->ctx;
    mote_slot *slot = out_slot(c, i);
    return slot == NULL ? MOTE_OK : mote_slot_output(k->frame, slot, dtype, rank, dims, c->diag);
}

static mote_status eval_output_items(mote_eval *c, uint32_t i, mote_kind kind, mote_dtype dtype, size_t n, const mote_array *const *items)
{
    const call *k = c->ctx;
    mote_slot *slot = out_slot(c, i);
    if (slot == NULL)
        return MOTE_OK;
    MOTE_REQUIRE(slot->state == MOTE_SLOT_DYNAMIC, c->diag, MOTE_E_DTYPE, "a sequence where a tensor was declared");
    mote_array fresh;
    MOTE_TRY(mote_array_items(&k->frame->session->heap, kind, dtype, n, items, &fresh, c->diag));
    mote_slot_release(k->frame->session, slot);
    slot->array = fresh;
    return MOTE_OK;
}

static char *eval_chars(mote_eval *c, uint32_t i, size_t bytes)
{
    const call *k = c->ctx;
    mote_slot *slot = out_slot(c, i);
    size_t need;
    if (slot == NULL || !mote_size_add(bytes, sizeof(mote_chars), &need))
        return NULL;
    mote_chars *block = mote_heap_alloc(&k->frame->session->heap, need);
    if (block == NULL)
        return NULL;
    *block = (mote_chars){slot->chars, need};
    slot->chars = block;
    return (char *)(block + 1);
}

static mote_status eval_tick(mote_eval *c)
{
    const call *k = c->ctx;
    mote_session *s = k->frame->session;
    MOTE_REQUIRE(!mote_session_cancelled(s), c->diag, MOTE_E_CANCELLED, "cancelled");
    MOTE_REQUIRE(++s->steps <= s->limit, c->diag, MOTE_E_LIMIT, "the run passed its limit of %llu steps", (unsigned long long)s->limit);
    return MOTE_OK;
}

static bool child_matches(const mote_frame *f, const mote_graph *g, const mote_array *const *in)
{
    if (f->graph != g)
        return false;
    for (size_t i = 0; i < g->n_inputs; i++)
        if (f->key[i].dtype != in[i]->dtype || f->key[i].kind != in[i]->kind || (in[i]->kind == MOTE_KIND_TENSOR && !mote_array_same_shape(&f->key[i], in[i])))
            return false;
    return true;
}

static mote_status make_child(mote_frame *f, mote_graph *g, const mote_array *const *in, mote_frame **out, mote_diag *diag)
{
    mote_session *s = f->session;
    mote_array *shapes = mote_heap_calloc(&s->temp.heap, g->n_inputs + 1, sizeof *shapes);
    if (shapes == NULL)
        return MOTE_NO_MEMORY(diag, g->n_inputs * sizeof *shapes);
    for (size_t i = 0; i < g->n_inputs; i++)
        shapes[i] = *in[i];
    mote_status status = mote_frame_create(s, g, f, shapes, out, diag);
    mote_heap_free(&s->temp.heap, shapes, (g->n_inputs + 1) * sizeof *shapes);
    return status;
}

/* A child frame of this step for these shapes: found, or made, the oldest one leaving when there are many. */
static mote_status child_frame(mote_frame_step *step, mote_frame *f, mote_graph *g, int slot, const mote_array *const *in, mote_frame **out,
                               mote_diag *diag)
{
    mote_frame **link = &step->children[slot];
    size_t n = 0;
    for (mote_frame **p = link; *p != NULL; p = &(*p)->next, n++)
        if (child_matches(*p, g, in)) {
            mote_frame *found = *p; /* to the front */
            *p = found->next;
            found->next = *link;
            *link = found;
            *out = found;
            return MOTE_OK;
        }
    while (n >= MAX_CHILDREN) {
        mote_frame **last = link;
        while ((*last)->next != NULL)
            last = &(*last)->next;
        mote_frame_destroy(last);
        n--;
    }
    mote_frame *made;
    MOTE_TRY(make_child(f, g, in, &made, diag));
    made->next = *link;
    *link = made;
    *out = made;
    return MOTE_OK;
}

/* Lets the branch of an If write its results where they are wanted. */
static mote_status share_outputs(mote_eval *c, mote_frame *f, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        mote_slot *from = f->outputs[i], *to = out_slot(c, (uint32_t)i);
        if (from->state != MOTE_SLOT_STATIC)
            continue;
        bool again = to == NULL || to->array.kind != MOTE_KIND_TENSOR || from->array.dtype == MOTE_DTYPE_STRING; /* whose bytes are the branch's */
        for (size_t j = 0; j < i && !again; j++) /* results that share memory: the later is copied */
            again = f->outputs[j]->state == MOTE_SLOT_STATIC && f->outputs[j]->buffer == from->buffer;
        if (again)
            continue;
        MOTE_TRY(c->output(c, (uint32_t)i, from->array.dtype, from->array.rank, from->array.dims));
        if (from->array.bytes != 0)
            mote_frame_bind(f, from, to->array.data);
    }
    return MOTE_OK;
}

static mote_status eval_subgraph(mote_eval *c, mote_graph *g, int slot, const mote_array *const *in, size_t n_in, const mote_array **results,
                                 size_t n_results)
{
    const call *k = c->ctx;
    mote_session *s = k->frame->session;
    MOTE_REQUIRE(n_in == g->n_inputs && n_results <= g->n_outputs && (slot == 0 || slot == 1), c->diag, MOTE_E_MODEL,
                 "the subgraph takes %zu inputs and gives %zu outputs, the node has %zu and %zu", g->n_inputs, g->n_outputs, n_in, n_results);
    MOTE_REQUIRE(s->depth < MAX_DEPTH, c->diag, MOTE_E_LIMIT, "control flow nested deeper than %d", MAX_DEPTH);
    mote_frame *f = NULL;
    MOTE_TRY(child_frame(k->step, k->frame, g, slot, in, &f, c->diag));
    if (mote_str_is(c->node->op, "If") && n_results == c->n_out)
        MOTE_TRY(share_outputs(c, f, n_results));
    for (size_t i = 0; i < n_in; i++) {
        mote_slot *input = mote_frame_slot(f, g->inputs[i]);
        if (input->state == MOTE_SLOT_STATIC)
            mote_frame_bind(f, input, in[i]->data);
        else
            input->array = *in[i];
    }
    MOTE_TRY(mote_frame_slide(k->step, f, c->diag));
    s->depth++;
    mote_status status = mote_frame_run(f, c->diag);
    s->depth--;
    MOTE_TRY(status);
    for (size_t i = 0; i < n_results; i++)
        results[i] = &f->outputs[i]->array;
    return MOTE_OK;
}

/* ---- steps ---- */

mote_status mote_frame_reference(const mote_step *step, mote_exec *x)
{
    mote_frame_step *s = (mote_frame_step *)x->frame;
    call k = {s, s->frame};
    for (uint32_t i = 0; i < step->n_out; i++)
        if (step->out[i] != NULL) {
            mote_array *a = step->out[i];
            release_chars(s->frame->session, (mote_slot *)(void *)a);
            if (a->kind == MOTE_KIND_TENSOR && a->dtype == MOTE_DTYPE_STRING && a->data != NULL && a->bytes != 0)
                memset(a->data, 0, a->bytes);
        }
    mote_eval c = {.node = step->node, .n_in = step->n_in, .n_out = step->n_out, .in = (const mote_array *const *)step->in, .out = step->out,
                   .heap = &s->frame->session->temp.heap, .diag = x->diag, .output = eval_output, .output_items = eval_output_items,
                   .output_chars = eval_chars, .subgraph = eval_subgraph, .tick = eval_tick, .ctx = &k,
                   .random_seed = s->frame->session->run_seed, .turn = s->frame->turn, .cpu = s->frame->session->model->cpu};
    MOTE_REQUIRE(step->node->def->eval != NULL, x->diag, MOTE_E_UNSUPPORTED, "no evaluation of this operator in this build");
    return step->node->def->eval(&c);
}

mote_status mote_frame_copy_step(const mote_step *step, mote_exec *x)
{
    mote_frame_step *s = (mote_frame_step *)x->frame;
    mote_frame *f = s->frame;
    const mote_array *from = step->in[0];
    mote_slot *to = (mote_slot *)(void *)step->out[0];
    if (from->kind == MOTE_KIND_TENSOR && from->dtype != MOTE_DTYPE_STRING) {
        MOTE_TRY(mote_slot_output(f, to, from->dtype, from->rank, from->dims, x->diag));
        if (from->bytes != 0)
            memcpy(to->array.data, from->data, from->bytes);
        return MOTE_OK;
    }
    call k = {s, f};
    mote_eval c = {.out = step->out, .n_out = 1, .diag = x->diag, .output = eval_output, .output_items = eval_output_items, .output_chars = eval_chars,
                   .heap = &f->session->temp.heap, .ctx = &k};
    release_chars(f->session, to);
    return mote_eval_copy_output(&c, 0, from);
}
