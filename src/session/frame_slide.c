/* frame_slide.c - registers that a Loop or Scan shifts: the state slides through a longer buffer instead of being moved
 * SPDX-License-Identifier: Apache-2.0
 *
 * next = Shift(S, X) drops the first k elements of each row of S and appends those of X. The next state's memory is made to begin k elements
 * behind S's: then every kept element lies where it belongs already, and only the ends of the rows are written - over the dropped elements of the
 * rows behind, which nothing reads any more. At the buffer's end the state moves back to its beginning. */
#include "base/platform.h"
#include "session/frame.h"
#include "base/size.h"

enum { SLACK_STEPS = 1024, SLACK_LEAST = 4096, SLACK_MOST = 1 << 20 };

/* By how many bytes step k shifts the state `s`; 0: not a shift, or one that cannot slide. */
static size_t shift_of(const mote_frame *f, size_t k, const mote_slot *s, const mote_slot *out)
{
    const mote_frame_step *step = &f->steps[k];
    const mote_node *node = step->step.node;
    if (!mote_node_is(node, "mote", "Shift") || step->dynamic || step->step.in[0] != &s->array || step->step.out[0] != &out->array ||
        step->step.in[1] == &s->array)
        return 0;
    if (s->state != MOTE_SLOT_STATIC || out->state != MOTE_SLOT_STATIC || f->buffer_slots[s->buffer] != s || s->same_buffer != NULL ||
        f->buffer_slots[out->buffer] != out || out->same_buffer != NULL)
        return 0;
    for (const mote_use *u = s->value->uses; u != NULL; u = u->next)
        if (u->node == NULL || u->node->graph != f->graph)
            return 0;
    for (size_t later = k + 1; later < f->n_steps; later++)
        for (uint32_t i = 0; i < f->steps[later].step.n_in; i++)
            if (f->steps[later].step.in[i] == &s->array)
                return 0;
    const mote_array *x = step->step.in[1];
    int64_t axis = mote_node_int(node, "axis", 0);
    axis += axis < 0 ? s->array.rank : 0;
    if (x->dims[axis] <= 0 || x->dims[axis] >= s->array.dims[axis])
        return 0;
    size_t bytes = (size_t)x->dims[axis] * mote_dtype_bits(x->dtype) / 8;
    for (int64_t d = axis + 1; d < s->array.rank; d++)
        bytes *= (size_t)s->array.dims[d];
    return bytes;
}

/* Where the states stand in the body's inputs and outputs. False: the graph is no body of a loop. */
static bool states_of(const mote_graph *g, size_t *in, size_t *out, size_t *n)
{
    const mote_node *owner = g->owner;
    if (mote_node_is(owner, "", "Loop") && g->n_inputs >= 2) {
        *in = 2, *out = 1, *n = g->n_inputs - 2;
    } else if (mote_node_is(owner, "", "Scan")) {
        const int64_t scanned = mote_node_int(owner, "num_scan_inputs", 0);
        *in = 0, *out = 0, *n = scanned >= 0 && (uint64_t)scanned <= g->n_inputs ? g->n_inputs - (size_t)scanned : 0;
    } else {
        return false;
    }
    return g->n_outputs >= *out + *n;
}

mote_status mote_frame_find_slides(mote_frame *f, mote_diag *diag)
{
    size_t in, out, n;
    if (f->parent == NULL || !states_of(f->graph, &in, &out, &n))
        return MOTE_OK;
    for (size_t i = 0; i < n; i++) {
        const mote_slot *s = mote_frame_slot(f, f->graph->inputs[in + i]);
        for (size_t k = 0; k < f->n_steps; k++) {
            size_t bytes = shift_of(f, k, s, f->outputs[out + i]);
            if (bytes == 0)
                continue;
            if (f->slides == NULL && (f->slides = mote_arena_calloc(&f->arena, n, sizeof *f->slides)) == NULL)
                return MOTE_NO_MEMORY(diag, n * sizeof *f->slides);
            f->slides[i] = bytes;
            break;
        }
    }
    return MOTE_OK;
}

static bool inside(const mote_register *r, const void *p, size_t bytes)
{
    uintptr_t first = (uintptr_t)r->base, at = (uintptr_t)p;
    return r->base != NULL && at >= first && at - first <= r->bytes && bytes <= r->bytes - (at - first);
}

mote_status mote_frame_slide(mote_frame_step *step, mote_frame *f, mote_diag *diag)
{
    size_t in, out, n;
    mote_session *s = f->session;
    if (f->slides == NULL || !states_of(f->graph, &in, &out, &n))
        return MOTE_OK;
    if (step->registers == NULL) {
        step->registers = mote_heap_calloc(&s->heap, n, sizeof *step->registers);
        if (step->registers == NULL)
            return MOTE_NO_MEMORY(diag, n * sizeof *step->registers);
        step->n_registers = n;
    }
    for (size_t i = 0; i < n; i++) {
        if (f->slides[i] == 0)
            continue;
        mote_register *r = &step->registers[i];
        mote_slot *state = mote_frame_slot(f, f->graph->inputs[in + i]), *next = f->outputs[out + i];
        const size_t bytes = state->array.bytes, slide = f->slides[i];
        if (!inside(r, state->array.data, bytes)) { /* the first iteration: the state is the caller's */
            size_t slack = 0, need;
            if (!mote_size_mul(slide, SLACK_STEPS, &slack) || slack > SLACK_MOST)
                slack = SLACK_MOST;
            slack = mote_max_size(mote_max_size(slack, SLACK_LEAST), slide);
            MOTE_REQUIRE(mote_size_add(bytes, slack, &need), diag, MOTE_E_LIMIT, "a state of %zu bytes is too large", bytes);
            if (need > r->bytes) {
                mote_heap_free(&s->heap, r->base, r->bytes);
                r->bytes = 0;
                r->base = mote_heap_alloc(&s->heap, need);
                if (r->base == NULL)
                    return MOTE_NO_MEMORY(diag, need);
                r->bytes = need;
            }
            mote_frame_bind(f, next, r->base);
            continue;
        }
        if (!inside(r, (char *)state->array.data + slide, bytes)) {
            memmove(r->base, state->array.data, bytes);
            mote_frame_bind(f, state, r->base);
        }
        mote_frame_bind(f, next, (char *)state->array.data + slide);
    }
    return MOTE_OK;
}

void mote_frame_release_slides(mote_session *s, mote_frame_step *step)
{
    for (size_t i = 0; i < step->n_registers; i++)
        mote_heap_free(&s->heap, step->registers[i].base, step->registers[i].bytes);
    mote_heap_free(&s->heap, step->registers, step->n_registers * sizeof *step->registers);
    step->registers = NULL;
    step->n_registers = 0;
}
