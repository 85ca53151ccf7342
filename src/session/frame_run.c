/* frame_run.c - running a frame's steps in order
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/frame.h"
#include "base/size.h"
#include "provider/provider.h"
#include <time.h>

enum { PROVIDER_EVENTS = 64 };

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool same_inputs(const mote_frame_step *s)
{
    const mote_array *seen = s->seen;
    for (uint32_t i = 0; i < s->step.n_in; i++, seen++)
        if (s->step.in[i] != NULL && (seen->dtype != s->step.in[i]->dtype || !mote_array_same_shape(seen, s->step.in[i])))
            return false;
    return true;
}

static bool same_outputs(const mote_frame_step *s)
{
    const mote_array *seen = s->seen + s->step.n_in;
    for (uint32_t i = 0; i < s->step.n_out; i++, seen++)
        if (s->step.out[i] != NULL && (seen->dtype != s->step.out[i]->dtype || !mote_array_same_shape(seen, s->step.out[i])))
            return false;
    return true;
}

static mote_status dynamic_scratch(mote_session *s, size_t bytes, mote_diag *diag)
{
    if (bytes <= s->dynamic_scratch_bytes)
        return MOTE_OK;
    void *p = mote_heap_alloc(&s->heap, bytes);
    if (p == NULL)
        return MOTE_NO_MEMORY(diag, bytes);
    mote_heap_free(&s->heap, s->dynamic_scratch, s->dynamic_scratch_bytes);
    s->dynamic_scratch = p;
    s->dynamic_scratch_bytes = bytes;
    return MOTE_OK;
}

/* Shapes a dynamic step's outputs from what its inputs turned out to be, and chooses its kernel when they changed. */
static mote_status shape_step(mote_frame *f, mote_frame_step *s, mote_diag *diag)
{
    mote_session *session = f->session;
    uint32_t n_in = s->step.n_in, n_out = s->step.n_out;
    if (s->lowered && s->by_shape && same_inputs(s)) /* then the outputs have their shapes and memory already */
        return MOTE_OK;
    mote_arena scratch;
    mote_arena_init(&scratch, &session->temp.heap);
    mote_array *out = mote_arena_calloc(&scratch, n_out, sizeof *out);
    bool known = false;
    mote_status status = out == NULL ? MOTE_NO_MEMORY(diag, 0) : MOTE_OK;
    if (status == MOTE_OK && !s->by_value) { /* first without the inputs' values: what is known then stays so for these shapes */
        status = mote_frame_infer(f, s->step.node, s->step.in, n_in, false, out, &known, &scratch, diag);
        s->by_shape = known;
        s->by_value = !known;
    }
    if (status == MOTE_OK && !known)
        status = mote_frame_infer(f, s->step.node, s->step.in, n_in, true, out, &known, &scratch, diag);
    for (uint32_t i = 0; i < n_out && status == MOTE_OK && known; i++)
        if (s->step.out[i] != NULL)
            status = mote_slot_output(f, (mote_slot *)(void *)s->step.out[i], out[i].dtype, out[i].rank, out[i].dims, diag);
    mote_arena_deinit(&scratch);
    MOTE_TRY(status);
    if (!known) { /* the evaluation itself will shape them */
        s->step.run = mote_frame_reference;
        s->step.kernel = mote_frame_reference_name(s->step.node);
        s->lowered = false;
        return MOTE_OK;
    }
    if (s->lowered && same_inputs(s) && same_outputs(s))
        return MOTE_OK;
    if (s->release != NULL)
        s->release(s->step.params);
    s->release = NULL;
    if (s->arena.heap != NULL)
        mote_arena_deinit(&s->arena);
    mote_arena_init(&s->arena, &session->heap);
    s->lowered = false;
    s->step.run = NULL;
    uint32_t inplace;
    MOTE_TRY(mote_frame_lower(f, s, &s->arena, &inplace, diag));
    if (s->step.run == NULL) {
        s->step.run = mote_frame_reference;
        s->step.kernel = mote_frame_reference_name(s->step.node);
    }
    s->seen = mote_arena_calloc(&s->arena, (size_t)n_in + n_out, sizeof *s->seen);
    if (s->seen == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    for (uint32_t i = 0; i < n_in; i++)
        if (s->step.in[i] != NULL)
            s->seen[i] = *s->step.in[i];
    for (uint32_t i = 0; i < n_out; i++)
        if (s->step.out[i] != NULL)
            s->seen[n_in + i] = *s->step.out[i];
    s->lowered = true;
    return MOTE_OK;
}

/* The events inside a provider's group, then the step itself: an event comes after those that it encloses. */
static void report(mote_session *session, const mote_frame_step *s, uint64_t start)
{
    const mote_node *n = s->step.node;
    mote_provider_event inside[PROVIDER_EVENTS];
    size_t count = mote_group_profile(&s->step, inside, PROVIDER_EVENTS);
    for (size_t i = 0; i < count; i++) {
        const mote_provider_event *p = &inside[i];
        mote_profile_event e = {p->name != NULL ? p->name : "", "", s->step.kernel, start - session->start_ns + p->start_ns,
                                start - session->start_ns + p->end_ns, session->depth + 1};
        session->profile(session->profile_ctx, &e);
    }
    mote_profile_event e = {n != NULL && n->name.p != NULL ? n->name.p : "", n != NULL ? n->op.p : "Copy", s->step.kernel, start - session->start_ns,
                            now_ns() - session->start_ns, session->depth};
    session->profile(session->profile_ctx, &e);
}

static void tap_slot(mote_session *session, const mote_slot *slot)
{
    if (slot->value == NULL || slot->array.kind != MOTE_KIND_TENSOR)
        return;
    mote_tensor t = MOTE_TENSOR_INIT;
    if (mote_tensor_describe(&t, slot->array.dtype, slot->array.rank, slot->array.dims, slot->array.data) == MOTE_OK)
        session->tap(session->tap_ctx, slot->value->name.p, &t);
}

/* Views of a tensor are made with it: no step makes them. (With a tap, a buffer belongs to one tensor and its views.) */
static void tap_views(mote_frame *f, const mote_slot *slot)
{
    if (slot->state != MOTE_SLOT_STATIC)
        return;
    for (const mote_slot *v = f->buffer_slots[slot->buffer]; v != NULL; v = v->same_buffer)
        if (v != slot)
            tap_slot(f->session, v);
}

static void tap(mote_frame *f, const mote_frame_step *s)
{
    for (uint32_t i = 0; i < s->step.n_out; i++) {
        const mote_slot *slot = (const mote_slot *)(const void *)s->step.out[i];
        if (slot == NULL)
            continue;
        tap_slot(f->session, slot);
        tap_views(f, slot);
    }
}

mote_status mote_frame_run(mote_frame *f, mote_diag *diag)
{
    mote_session *s = f->session;
    f->turn = s->turns++;
    for (size_t i = 0; i < f->graph->n_inputs && s->tap != NULL; i++) {
        const mote_slot *slot = mote_frame_slot(f, f->graph->inputs[i]);
        if (f->graph->parent == NULL && slot != NULL)
            tap_slot(s, slot);
        tap_views(f, slot);
    }
    for (size_t k = 0; k < f->n_steps; k++) {
        mote_frame_step *step = &f->steps[k];
        const mote_node *node = step->step.node;
        MOTE_REQUIRE(!mote_session_cancelled(s), diag, MOTE_E_CANCELLED, "cancelled");
        MOTE_REQUIRE(++s->steps <= s->limit, diag, MOTE_E_LIMIT, "the run passed its limit of %llu steps", (unsigned long long)s->limit);
        uint64_t start = s->profile != NULL ? now_ns() : 0;
        mote_status status = MOTE_OK;
        mote_exec x = {s->pool, f->scratch, f->scratch_bytes, diag, &s->temp.heap, step};
        if (step->dynamic) {
            status = shape_step(f, step, diag);
            if (status == MOTE_OK)
                status = dynamic_scratch(s, step->step.scratch_bytes, diag);
            x.scratch = s->dynamic_scratch;
            x.scratch_bytes = s->dynamic_scratch_bytes;
        }
        if (status == MOTE_OK)
            status = step->step.run(&step->step, &x);
        if (status != MOTE_OK) {
            if (diag != NULL && diag->code == MOTE_OK)
                (void)mote_fail(diag, status, "%s", mote_status_string(status));
            if (node != NULL)
                mote_node_name_in(node, diag);
            return status;
        }
        if (s->profile != NULL)
            report(s, step, start);
        if (s->tap != NULL)
            tap(f, step);
    }
    return MOTE_OK;
}
