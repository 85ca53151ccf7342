/* session.c - sessions: input and output tensors, plans by input shapes, running
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/frame.h"
#include "base/size.h"
#include "ops/random.h"
#include <time.h>

enum { MAX_PLANS = 8 };
static const uint64_t default_step_limit = 100000000;

/* ---- one thread at a time ---- */

static bool enter(mote_session *s, mote_session_use use)
{
    int before = MOTE_SESSION_FREE;
    return atomic_compare_exchange_strong(&s->use, &before, use);
}

static void leave(mote_session *s) { atomic_store(&s->use, MOTE_SESSION_FREE); }

#define ENTER(s, use, diag)                                                                                            \
    MOTE_REQUIRE((s) != NULL, diag, MOTE_E_ARGUMENT, "the session is NULL");                                           \
    MOTE_REQUIRE(enter(s, use), diag, MOTE_E_BUSY, "another thread is using this session")

static void reset_diag(mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
}

/* With a limit, memory that ran out is the limit's doing: says so. */
static mote_status limited(const mote_session *s, mote_status status, mote_diag *diag)
{
    if (status != MOTE_E_MEMORY || s->heap.limit == 0)
        return status;
    if (diag != NULL)
        diag->code = MOTE_OK; /* the operator and node stay */
    return mote_fail(diag, MOTE_E_LIMIT, "the session passes its memory limit of %zu bytes", s->heap.limit);
}

/* ---- shapes of inputs ---- */

static const char *kind_name(mote_kind k) { return k == MOTE_KIND_SEQUENCE ? "a sequence" : k == MOTE_KIND_OPTIONAL ? "an optional" : "a tensor"; }
static bool is_tensor(const mote_session *s, size_t i) { return s->model->module->graph->inputs[i]->type.kind == MOTE_KIND_TENSOR; }

/* Checks one input's shape against its declaration; symbols aside. */
static mote_status check_input(const mote_value *v, const mote_array *shape, mote_diag *diag)
{
    const mote_type *t = &v->type;
    char seen[128];
    MOTE_REQUIRE(t->kind == shape->kind, diag, MOTE_E_DTYPE, "input '%.*s' is %s, expected %s", MOTE_STR_ARG(v->name), kind_name(shape->kind), kind_name(t->kind));
    if (t->kind != MOTE_KIND_TENSOR) /* its elements are checked when they are bound */
        return MOTE_OK;
    MOTE_REQUIRE(t->dtype == MOTE_DTYPE_NONE || t->dtype == shape->dtype, diag, MOTE_E_DTYPE, "input '%.*s' is %s, expected %s",
                 MOTE_STR_ARG(v->name), mote_dtype_name(shape->dtype), mote_dtype_name(t->dtype));
    MOTE_REQUIRE(t->rank < 0 || t->rank == shape->rank, diag, MOTE_E_SHAPE, "input '%.*s' is %s, expected rank %d", MOTE_STR_ARG(v->name),
                 mote_array_describe(shape, seen, sizeof seen), (int)t->rank);
    for (int32_t d = 0; d < t->rank; d++)
        MOTE_REQUIRE(!mote_dim_known(t->dims[d]) || t->dims[d] == shape->dims[d], diag, MOTE_E_SHAPE,
                     "input '%.*s' is %s, expected dimension %d to be %lld", MOTE_STR_ARG(v->name), mote_array_describe(shape, seen, sizeof seen),
                     (int)d, (long long)t->dims[d]);
    return MOTE_OK;
}

/* Checks shapes against the model's declared inputs; a symbol has one size over all inputs. */
static mote_status check_inputs(const mote_session *s, const mote_array *shapes, mote_diag *diag)
{
    const mote_module *m = s->model->module;
    const mote_graph *g = m->graph;
    for (size_t i = 0; i < g->n_inputs; i++) {
        const mote_value *v = g->inputs[i];
        const mote_type *t = &v->type;
        if (shapes[i].dtype == MOTE_DTYPE_NONE && shapes[i].kind == MOTE_KIND_TENSOR) {
            MOTE_REQUIRE(v->constant != NULL || s->model->defaults[i] != NULL, diag, MOTE_E_ARGUMENT, "input '%.*s' is not given",
                         MOTE_STR_ARG(v->name));
            continue;
        }
        MOTE_REQUIRE(v->constant == NULL, diag, MOTE_E_UNSUPPORTED,
                     "input '%.*s' has a default that was folded into the model: load with keep_optional_inputs to give it", MOTE_STR_ARG(v->name));
        MOTE_TRY(check_input(v, &shapes[i], diag));
        for (int32_t d = 0; d < t->rank; d++) {
            if (t->dims[d] >= MOTE_DIM_UNKNOWN)
                continue;
            for (size_t j = 0; j <= i; j++)
                for (int32_t e = 0; shapes[j].dtype != MOTE_DTYPE_NONE && e < g->inputs[j]->type.rank && (j < i || e < d); e++)
                    MOTE_REQUIRE(g->inputs[j]->type.dims[e] != t->dims[d] || shapes[j].dims[e] == shapes[i].dims[d], diag, MOTE_E_SHAPE,
                                 "dimension '%.*s' is %lld in input '%.*s' and %lld in input '%.*s'",
                                 MOTE_STR_ARG(m->symbols[MOTE_DIM_SYMBOL_INDEX(t->dims[d])]), (long long)shapes[j].dims[e],
                                 MOTE_STR_ARG(g->inputs[j]->name), (long long)shapes[i].dims[d], MOTE_STR_ARG(v->name));
        }
    }
    return MOTE_OK;
}

static void tensor_of(mote_tensor *t, const mote_array *a) { (void)mote_value_show(NULL, a, t, NULL); }

/* What is not a tensor shows what is bound to it, or nothing. */
static void show_input(mote_session *s, size_t i)
{
    mote_array none = mote_value_key(&s->model->module->graph->inputs[i]->type);
    if (s->values[i] != NULL)
        s->inputs[i] = s->values[i]->shown;
    else
        tensor_of(&s->inputs[i], &none);
}

/* Outputs that are not tensors show nothing until they are made again. */
static void empty_outputs(mote_session *s)
{
    bool any = false;
    for (size_t i = 0; i < s->n_outputs; i++)
        if (s->outputs[i].kind != MOTE_KIND_TENSOR) {
            mote_array none = {.kind = s->outputs[i].kind};
            tensor_of(&s->outputs[i], &none);
            any = true;
        }
    if (any)
        mote_arena_deinit(&s->shown);
    if (any)
        mote_arena_init(&s->shown, &s->heap);
}

/* The public tensors show the current plan's slots. */
static mote_status show(mote_session *s, mote_diag *diag)
{
    for (size_t i = 0; i < s->n_inputs; i++)
        if (is_tensor(s, i))
            tensor_of(&s->inputs[i], &mote_frame_slot(s->current, s->model->module->graph->inputs[i])->array);
        else
            show_input(s, i);
    empty_outputs(s);
    for (size_t i = 0; i < s->n_outputs; i++)
        MOTE_TRY(mote_value_show(&s->shown, &s->current->outputs[i]->array, &s->outputs[i], diag));
    return MOTE_OK;
}

static mote_status check_bound_output(const mote_session *s, size_t i, size_t bytes, mote_diag *diag)
{
    const mote_slot *slot = s->current->outputs[i];
    MOTE_REQUIRE(slot->state == MOTE_SLOT_STATIC, diag, MOTE_E_UNSUPPORTED, "the size of output %zu depends on data: it cannot be bound", i);
    MOTE_REQUIRE(slot->array.bytes <= bytes, diag, MOTE_E_SHAPE, "output %zu has %zu bytes, the bound memory %zu", i, slot->array.bytes, bytes);
    return MOTE_OK;
}

static mote_status apply_bindings(mote_session *s, mote_diag *diag)
{
    for (size_t i = 0; i < s->n_inputs; i++) {
        mote_slot *slot = mote_frame_slot(s->current, s->model->module->graph->inputs[i]);
        if (slot->state == MOTE_SLOT_STATIC)
            mote_frame_bind(s->current, slot, s->bound_inputs[i]);
    }
    for (size_t i = 0; i < s->n_outputs; i++)
        if (s->current->outputs[i]->state == MOTE_SLOT_STATIC)
            mote_frame_bind(s->current, s->current->outputs[i], s->bound_outputs[i]);
    return show(s, diag);
}

/* ---- plans ---- */

static void fill_defaults(mote_session *s, mote_frame *f, const bool *defaulted)
{
    const mote_graph *g = s->model->module->graph;
    for (size_t i = 0; i < g->n_inputs; i++) {
        mote_slot *slot = mote_frame_slot(f, g->inputs[i]);
        if (defaulted[i] && slot->state == MOTE_SLOT_STATIC && slot->array.bytes != 0)
            memcpy(slot->array.data, s->model->defaults[i]->data, slot->array.bytes);
    }
}

/* Without a plan the tensors keep their shapes, for the next one, and show no memory but the caller's. */
static void forget_plan(mote_session *s)
{
    s->current = NULL;
    for (size_t i = 0; i < s->n_inputs; i++)
        if (is_tensor(s, i))
            s->inputs[i].buffer = s->bound_inputs[i];
    empty_outputs(s);
    for (size_t i = 0; i < s->n_outputs; i++)
        s->outputs[i].buffer = NULL;
}

static mote_status make_plan(mote_session *s, const mote_array *shapes, mote_frame **out, mote_diag *diag)
{
    mote_diag first = MOTE_DIAG_INIT;
    mote_status status = mote_frame_create(s, s->model->module->graph, NULL, shapes, out, &first);
    if ((status == MOTE_E_MEMORY || status == MOTE_E_LIMIT) && s->frames != NULL) { /* older plans make room */
        while (s->frames != NULL) {
            mote_frame *f = s->frames;
            s->frames = f->next;
            mote_frame_destroy(&f);
        }
        s->n_frames = 0;
        forget_plan(s);
        mote_temp_heap_trim(&s->temp);
        first = (mote_diag)MOTE_DIAG_INIT;
        status = mote_frame_create(s, s->model->module->graph, NULL, shapes, out, &first);
    }
    if (status != MOTE_OK && diag != NULL && diag->code == MOTE_OK)
        *diag = first;
    return status;
}

static mote_status prepare(mote_session *s, const mote_array *given, mote_diag *diag)
{
    const mote_graph *g = s->model->module->graph;
    mote_array *shapes = mote_heap_calloc(&s->temp.heap, s->n_inputs + 1, sizeof *shapes);
    bool *defaulted = mote_heap_calloc(&s->temp.heap, s->n_inputs + 1, sizeof *defaulted);
    mote_status status = shapes != NULL && defaulted != NULL ? check_inputs(s, given, diag) : MOTE_NO_MEMORY(diag, 0);
    for (size_t i = 0; i < g->n_inputs && status == MOTE_OK; i++) {
        shapes[i] = given[i];
        if (given[i].dtype == MOTE_DTYPE_NONE && given[i].kind == MOTE_KIND_TENSOR && s->model->defaults[i] != NULL) {
            shapes[i] = *s->model->defaults[i];
            defaulted[i] = true;
        }
        shapes[i].data = NULL;
    }
    if (status == MOTE_OK) {
        mote_frame **link = &s->frames, *found = NULL;
        while (*link != NULL && !mote_frame_matches(*link, shapes))
            link = &(*link)->next;
        if (*link != NULL) {
            found = *link;
            *link = found->next;
        } else {
            for (; s->n_frames >= MAX_PLANS; s->n_frames--) {
                mote_frame **last = &s->frames;
                while ((*last)->next != NULL)
                    last = &(*last)->next;
                if (*last == s->current)
                    forget_plan(s);
                mote_frame_destroy(last);
            }
            const bool first = s->frames == NULL;
            status = make_plan(s, shapes, &found, diag);
            mote_packs_settle(s->model->packs);
            if (first) /* no run has temporaries to find again: those of planning are larger */
                mote_temp_heap_trim(&s->temp);
            if (status == MOTE_OK) {
                s->n_frames++;
                fill_defaults(s, found, defaulted);
            }
        }
        if (found != NULL) {
            found->next = s->frames;
            s->frames = found;
            s->current = found;
            for (size_t i = 0; i < s->n_inputs; i++)
                if (shapes[i].dtype == MOTE_DTYPE_NONE || defaulted[i])
                    s->bound_inputs[i] = NULL;
            status = apply_bindings(s, diag);
        }
    }
    mote_heap_free(&s->temp.heap, shapes, (s->n_inputs + 1) * sizeof *shapes);
    mote_heap_free(&s->temp.heap, defaulted, (s->n_inputs + 1) * sizeof *defaulted);
    return status;
}

/* Input i's shape as t says it; of what is not a tensor the kind. */
static mote_status array_of(const mote_session *s, size_t i, mote_array *a, const mote_tensor *t, mote_diag *diag)
{
    *a = (mote_array){0};
    if (t->kind != MOTE_KIND_TENSOR) {
        *a = mote_value_key(&s->model->module->graph->inputs[i]->type);
        a->kind = t->kind;
        return MOTE_OK;
    }
    if (t->dtype == MOTE_DTYPE_NONE)
        return MOTE_OK;
    MOTE_REQUIRE(mote_dtype_valid(t->dtype), diag, MOTE_E_DTYPE, "%d is not an element type", (int)t->dtype);
    return mote_array_shape(a, t->dtype, t->rank, t->shape, diag);
}

mote_status mote_session_prepare(mote_session *s, const mote_tensor *shapes, size_t count, mote_diag *diag)
{
    reset_diag(diag);
    ENTER(s, MOTE_SESSION_IN_USE, diag);
    mote_status status = MOTE_OK;
    mote_array *arrays = NULL;
    if (shapes == NULL || count != s->n_inputs)
        status = mote_fail(diag, MOTE_E_ARGUMENT, "%zu shapes given, the model has %zu inputs", count, s->n_inputs);
    if (status == MOTE_OK) {
        arrays = mote_heap_calloc(&s->temp.heap, count + 1, sizeof *arrays);
        status = arrays == NULL ? MOTE_NO_MEMORY(diag, count * sizeof *arrays) : MOTE_OK;
    }
    for (size_t i = 0; i < count && status == MOTE_OK; i++)
        status = array_of(s, i, &arrays[i], &shapes[i], diag);
    void **bound = NULL;
    size_t bound_bytes = (s->n_inputs + s->n_outputs + 1) * sizeof *bound;
    if (status == MOTE_OK) {
        bound = mote_heap_alloc(&s->temp.heap, bound_bytes);
        status = bound == NULL ? MOTE_NO_MEMORY(diag, bound_bytes) : MOTE_OK;
    }
    if (status == MOTE_OK) {
        memcpy(bound, s->bound_inputs, s->n_inputs * sizeof *bound);
        memcpy(bound + s->n_inputs, s->bound_outputs, s->n_outputs * sizeof *bound);
        for (size_t i = 0; i < count; i++) /* a caller's memory of another size is bound no longer */
            if (s->bound_inputs[i] != NULL && s->inputs[i].bytes != arrays[i].bytes)
                s->bound_inputs[i] = NULL;
        if (s->current == NULL || !mote_frame_matches(s->current, arrays))
            memset(s->bound_outputs, 0, s->n_outputs * sizeof *s->bound_outputs);
        status = prepare(s, arrays, diag);
        if (status != MOTE_OK && s->current != NULL) { /* the plan that was there stays, with what is bound to it */
            memcpy(s->bound_inputs, bound, s->n_inputs * sizeof *bound);
            memcpy(s->bound_outputs, bound + s->n_inputs, s->n_outputs * sizeof *bound);
        }
    }
    mote_heap_free(&s->temp.heap, bound, bound_bytes);
    mote_heap_free(&s->temp.heap, arrays, (count + 1) * sizeof *arrays);
    status = limited(s, status, diag);
    leave(s);
    return status;
}

/* Plans from the declared shapes when all are fixed (or have defaults). *fixed: they were. */
static mote_status prepare_declared(mote_session *s, bool *fixed, mote_diag *diag)
{
    const mote_graph *g = s->model->module->graph;
    *fixed = true;
    mote_array *shapes = mote_heap_calloc(&s->temp.heap, s->n_inputs + 1, sizeof *shapes);
    mote_status status = shapes == NULL ? MOTE_NO_MEMORY(diag, 0) : MOTE_OK;
    for (size_t i = 0; i < g->n_inputs && status == MOTE_OK; i++) {
        const mote_value *v = g->inputs[i];
        if (v->constant != NULL || s->model->defaults[i] != NULL)
            continue;
        if (v->type.kind != MOTE_KIND_TENSOR)
            shapes[i] = mote_value_key(&v->type);
        else if (!mote_type_known(&v->type))
            *fixed = false;
        else
            status = mote_array_shape(&shapes[i], v->type.dtype, v->type.rank, v->type.dims, diag);
    }
    if (status == MOTE_OK && *fixed)
        status = prepare(s, shapes, diag);
    mote_heap_free(&s->temp.heap, shapes, (s->n_inputs + 1) * sizeof *shapes);
    return status;
}

/* ---- life ---- */

mote_status mote_session_create(mote_model *model, const mote_session_options *options, mote_session **out, mote_diag *diag)
{
    reset_diag(diag);
    MOTE_REQUIRE(out != NULL, diag, MOTE_E_ARGUMENT, "out is NULL");
    *out = NULL;
    MOTE_REQUIRE(model != NULL, diag, MOTE_E_ARGUMENT, "the model is NULL");
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    if (options != NULL) {
        MOTE_REQUIRE(options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT,
                     "session options of %zu bytes are not of this version", options->struct_size);
        memcpy(&o, options, options->struct_size);
    }
    mote_heap heap; /* the session is a part of what it counts */
    mote_heap_init(&heap, &model->heap.allocator, o.memory_limit);
    mote_session *s = mote_heap_calloc(&heap, 1, sizeof *s);
    if (s == NULL && o.memory_limit != 0)
        MOTE_FAIL(diag, MOTE_E_LIMIT, "a session passes the memory limit of %zu bytes", o.memory_limit);
    if (s == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *s);
    mote_model_reference(model);
    s->model = model;
    s->heap = heap;
    mote_temp_heap_init(&s->temp, &s->heap);
    s->step_limit = o.step_limit != 0 ? o.step_limit : default_step_limit;
    s->random_seed = o.random_seed;
    s->profile = o.profile;
    s->profile_ctx = o.profile_ctx;
    s->tap = o.tap;
    s->tap_ctx = o.tap_ctx;
    const mote_graph *g = model->module->graph;
    s->n_inputs = g->n_inputs;
    s->n_outputs = g->n_outputs;
    s->inputs = mote_heap_calloc(&s->heap, s->n_inputs + 1, sizeof *s->inputs);
    s->outputs = mote_heap_calloc(&s->heap, s->n_outputs + 1, sizeof *s->outputs);
    s->bound_inputs = mote_heap_calloc(&s->heap, s->n_inputs + 1, sizeof *s->bound_inputs);
    s->bound_outputs = mote_heap_calloc(&s->heap, s->n_outputs + 1, sizeof *s->bound_outputs);
    s->values = mote_heap_calloc(&s->heap, s->n_inputs + 1, sizeof *s->values);
    mote_arena_init(&s->shown, &s->heap);
    mote_status status = MOTE_OK;
    if (s->inputs == NULL || s->outputs == NULL || s->bound_inputs == NULL || s->bound_outputs == NULL || s->values == NULL)
        status = MOTE_NO_MEMORY(diag, 0);
    if (status == MOTE_OK && o.threadpool != NULL) {
        s->pool = o.threadpool;
    } else if (status == MOTE_OK && o.threads != 1) {
        status = mote_threadpool_create(o.threads, &s->pool);
        s->own_pool = status == MOTE_OK;
        if (status != MOTE_OK)
            (void)mote_fail(diag, status, "no pool of %u threads", o.threads);
    }
    bool fixed = false;
    if (status == MOTE_OK)
        status = prepare_declared(s, &fixed, diag);
    if (status != MOTE_OK) {
        status = limited(s, status, diag);
        mote_session_destroy(&s);
        return status;
    }
    if (!fixed)
        for (size_t i = 0; i < s->n_inputs; i++) {
            s->inputs[i] = (mote_tensor)MOTE_TENSOR_INIT;
            s->inputs[i].dtype = g->inputs[i]->type.dtype;
            s->inputs[i].rank = -1;
            if (!is_tensor(s, i))
                show_input(s, i);
        }
    *out = s;
    return MOTE_OK;
}

void mote_session_destroy(mote_session **session)
{
    if (session == NULL || *session == NULL)
        return;
    mote_session *s = *session;
    mote_model *model = s->model;
    while (s->frames != NULL) {
        mote_frame *f = s->frames;
        s->frames = f->next;
        mote_frame_destroy(&f);
    }
    mote_heap_free(&s->heap, s->dynamic_scratch, s->dynamic_scratch_bytes);
    for (size_t i = 0; i < s->n_inputs && s->values != NULL; i++)
        mote_value_unbind(&s->values[i]);
    mote_heap_free(&s->heap, s->values, (s->n_inputs + 1) * sizeof *s->values);
    mote_arena_deinit(&s->shown);
    mote_heap_free(&s->heap, s->inputs, (s->n_inputs + 1) * sizeof *s->inputs);
    mote_heap_free(&s->heap, s->outputs, (s->n_outputs + 1) * sizeof *s->outputs);
    mote_heap_free(&s->heap, s->bound_inputs, (s->n_inputs + 1) * sizeof *s->bound_inputs);
    mote_heap_free(&s->heap, s->bound_outputs, (s->n_outputs + 1) * sizeof *s->bound_outputs);
    mote_temp_heap_deinit(&s->temp);
    if (s->own_pool)
        mote_threadpool_destroy(&s->pool);
    mote_heap heap = s->heap;
    mote_heap_free(&heap, s, sizeof *s);
    *session = NULL;
    mote_model_release(model);
}

/* ---- tensors ---- */

mote_tensor *mote_session_input(mote_session *s, size_t index) { return s != NULL && index < s->n_inputs ? &s->inputs[index] : NULL; }

const mote_tensor *mote_session_output(mote_session *s, size_t index)
{
    return s != NULL && index < s->n_outputs ? &s->outputs[index] : NULL;
}

/* Of an input that is not a tensor: what a plan does not depend on. */
static mote_status bind_value(mote_session *s, size_t index, const mote_tensor *t, mote_diag *diag)
{
    mote_bound_value *fresh = NULL;
    if (t != NULL)
        MOTE_TRY(mote_value_bind(&s->heap, s->model->module->graph->inputs[index], t, &fresh, diag));
    mote_value_unbind(&s->values[index]);
    s->values[index] = fresh;
    show_input(s, index);
    return MOTE_OK;
}

static mote_status bind_input(mote_session *s, size_t index, const mote_tensor *t, mote_diag *diag)
{
    MOTE_REQUIRE(index < s->n_inputs, diag, MOTE_E_ARGUMENT, "input %zu of %zu", index, s->n_inputs);
    const mote_value *v = s->model->module->graph->inputs[index];
    MOTE_REQUIRE(t == NULL || v->constant == NULL, diag, MOTE_E_UNSUPPORTED,
                 "input '%.*s' has a default that was folded into the model: load with keep_optional_inputs to bind it", MOTE_STR_ARG(v->name));
    if (!is_tensor(s, index))
        return bind_value(s, index, t, diag);
    if (t == NULL) {
        s->bound_inputs[index] = NULL;
        return s->current != NULL ? apply_bindings(s, diag) : MOTE_OK;
    }
    MOTE_REQUIRE(t->kind == MOTE_KIND_TENSOR, diag, MOTE_E_DTYPE, "input '%.*s' is a tensor, what is bound is %s", MOTE_STR_ARG(v->name), kind_name(t->kind));
    mote_array a;
    MOTE_TRY(array_of(s, index, &a, t, diag));
    MOTE_REQUIRE(a.dtype != MOTE_DTYPE_NONE, diag, MOTE_E_DTYPE, "the tensor has no element type");
    MOTE_TRY(mote_value_check_memory(t, &a, diag));
    mote_array *shapes = mote_heap_calloc(&s->temp.heap, s->n_inputs + 1, sizeof *shapes);
    if (shapes == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    bool complete = true;
    for (size_t i = 0; i < s->n_inputs; i++) {
        const mote_type *type = &s->model->module->graph->inputs[i]->type;
        if (i == index)
            shapes[i] = a;
        else if (s->model->module->graph->inputs[i]->constant != NULL) /* folded into the model: never given */
            continue;
        else if (!is_tensor(s, i))
            shapes[i] = mote_value_key(type);
        else if (s->inputs[i].rank >= 0 && s->inputs[i].dtype != MOTE_DTYPE_NONE)
            complete = array_of(s, i, &shapes[i], &s->inputs[i], NULL) == MOTE_OK && complete;
        else if (s->model->defaults[i] == NULL && s->model->module->graph->inputs[i]->constant == NULL)
            complete = mote_type_known(type) && mote_array_shape(&shapes[i], type->dtype, type->rank, type->dims, NULL) == MOTE_OK && complete;
    }
    mote_status status = MOTE_OK;
    bool same = s->current != NULL && mote_frame_matches(s->current, shapes);
    void *data = mote_tensor_map(t);
    if (same) {
        s->bound_inputs[index] = data;
        status = apply_bindings(s, diag);
    } else {
        status = check_input(v, &a, diag); /* alone first, so that a wrong one changes nothing */
        if (status == MOTE_OK) {
            memset(s->bound_outputs, 0, s->n_outputs * sizeof *s->bound_outputs);
            mote_tensor keep = s->inputs[index];
            void *keep_bound = s->bound_inputs[index];
            s->bound_inputs[index] = data;
            tensor_of(&s->inputs[index], &a);
            s->inputs[index].buffer = data;
            mote_diag inner = MOTE_DIAG_INIT;
            status = complete ? prepare(s, shapes, &inner) : MOTE_OK;
            bool partial = status == MOTE_E_SHAPE && s->n_inputs > 1; /* other inputs of the new sizes are still to come */
            if (partial) {
                s->current = NULL;
                status = MOTE_OK;
            } else if (status != MOTE_OK) {
                s->inputs[index] = keep;
                s->bound_inputs[index] = keep_bound;
                if (diag != NULL)
                    *diag = inner;
            }
        }
    }
    mote_heap_free(&s->temp.heap, shapes, (s->n_inputs + 1) * sizeof *shapes);
    return status;
}

mote_status mote_session_bind_input(mote_session *s, size_t index, const mote_tensor *tensor, mote_diag *diag)
{
    reset_diag(diag);
    ENTER(s, MOTE_SESSION_IN_USE, diag);
    mote_status status = bind_input(s, index, tensor, diag);
    status = limited(s, status, diag);
    leave(s);
    return status;
}

static mote_status bind_output(mote_session *s, size_t index, const mote_tensor *t, mote_diag *diag)
{
    MOTE_REQUIRE(index < s->n_outputs, diag, MOTE_E_ARGUMENT, "output %zu of %zu", index, s->n_outputs);
    MOTE_REQUIRE(s->current != NULL, diag, MOTE_E_ARGUMENT, "prepare the session before binding outputs");
    void *data = NULL;
    if (t != NULL) {
        const mote_array *a = &s->current->outputs[index]->array;
        MOTE_TRY(check_bound_output(s, index, t->bytes, diag));
        MOTE_REQUIRE(t->dtype == a->dtype, diag, MOTE_E_DTYPE, "output %zu is %s, the bound tensor %s", index, mote_dtype_name(a->dtype),
                     mote_dtype_name(t->dtype));
        MOTE_TRY(mote_value_check_memory(t, a, diag));
        data = mote_tensor_map(t);
    }
    s->bound_outputs[index] = data;
    return apply_bindings(s, diag);
}

mote_status mote_session_bind_output(mote_session *s, size_t index, const mote_tensor *tensor, mote_diag *diag)
{
    reset_diag(diag);
    ENTER(s, MOTE_SESSION_IN_USE, diag);
    mote_status status = bind_output(s, index, tensor, diag);
    status = limited(s, status, diag);
    leave(s);
    return status;
}

/* ---- running ---- */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static mote_status run(mote_session *s, const mote_run_options *options, mote_diag *diag)
{
    mote_run_options o = MOTE_RUN_OPTIONS_INIT;
    if (options != NULL) {
        MOTE_REQUIRE(options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT,
                     "run options of %zu bytes are not of this version", options->struct_size);
        memcpy(&o, options, options->struct_size);
    }
    if (s->current == NULL) { /* every input has been bound, or nothing is known yet */
        mote_array *shapes = mote_heap_calloc(&s->temp.heap, s->n_inputs + 1, sizeof *shapes);
        if (shapes == NULL)
            return MOTE_NO_MEMORY(diag, 0);
        mote_status status = MOTE_OK;
        for (size_t i = 0; i < s->n_inputs && status == MOTE_OK; i++)
            if (s->inputs[i].rank >= 0 || !is_tensor(s, i))
                status = array_of(s, i, &shapes[i], &s->inputs[i], diag);
        if (status == MOTE_OK)
            status = prepare(s, shapes, diag);
        mote_heap_free(&s->temp.heap, shapes, (s->n_inputs + 1) * sizeof *shapes);
        MOTE_TRY(status);
    }
    s->steps = 0;
    s->turns = 0;
    s->run_seed = mote_random_mix(s->random_seed) + s->runs++;
    s->limit = o.step_limit != 0 ? o.step_limit : s->step_limit;
    s->start_ns = s->profile != NULL ? now_ns() : 0;
    s->depth = 0;
    for (size_t i = 0; i < s->n_inputs; i++)
        if (!is_tensor(s, i)) {
            const mote_value *v = s->model->module->graph->inputs[i];
            MOTE_REQUIRE(s->values[i] != NULL, diag, MOTE_E_ARGUMENT, "input '%.*s' is %s, and nothing is bound to it", MOTE_STR_ARG(v->name),
                         kind_name(v->type.kind));
            mote_frame_slot(s->current, v)->array = s->values[i]->value;
        }
    empty_outputs(s);
    mote_status status = mote_frame_run(s->current, diag);
    for (size_t i = 0; i < s->n_outputs && status == MOTE_OK; i++)
        if (s->current->outputs[i]->state == MOTE_SLOT_DYNAMIC)
            status = mote_value_show(&s->shown, &s->current->outputs[i]->array, &s->outputs[i], diag);
    return status;
}

mote_status mote_session_run(mote_session *s, const mote_run_options *options, mote_diag *diag)
{
    reset_diag(diag);
    ENTER(s, MOTE_SESSION_RUNNING, diag);
    mote_status status = run(s, options, diag);
    status = limited(s, status, diag);
    leave(s);
    return status;
}

void mote_session_cancel(mote_session *s)
{
    int running = MOTE_SESSION_RUNNING;
    if (s != NULL)
        (void)atomic_compare_exchange_strong(&s->use, &running, MOTE_SESSION_CANCELLED);
}

mote_status mote_session_memory(const mote_session *s, mote_memory_info *info)
{
    if (s == NULL || info == NULL || info->struct_size < sizeof *info)
        return MOTE_E_ARGUMENT;
    *info = (mote_memory_info)MOTE_MEMORY_INFO_INIT;
    info->model_bytes = atomic_load(&s->model->heap.used);
    info->mapped_bytes = s->model->mapped_bytes;
    info->arena_bytes = s->current != NULL ? s->current->arena_bytes : 0;
    info->session_bytes = atomic_load(&((mote_session *)(uintptr_t)s)->heap.used);
    info->dynamic_bytes = s->dynamic_bytes;
    return MOTE_OK;
}
