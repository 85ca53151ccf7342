/* group.c - compiling, loading and running a group of nodes on its provider
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/group.h"
#include "base/size.h"
#include "provider/cpu/lower.h"
#include <pthread.h>

/* ---- the operator mote.Group ---- */

mote_group *mote_group_of(const mote_node *node) { return (mote_group *)(intptr_t)mote_node_int(node, "group", 0); }

static mote_status infer_group(mote_infer *c)
{
    const mote_group *g = mote_group_of(c->node);
    mote_type *in = mote_arena_calloc(&c->module->arena, c->n_in, sizeof *in);
    if (in == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (uint32_t i = 0; i < c->n_in; i++)
        in[i] = *c->in[i];
    return mote_view_infer_types(g->view, in, c->n_in, c->out, c->n_out, c->module->heap, c->diag);
}

const mote_op_def mote_group_op = {.domain = "mote",
                                   .name = "Group",
                                   .since = 1,
                                   .in = "x?**:T",
                                   .out = "y?**:T",
                                   .types = {{"T", MOTE_DTYPES_ALL, 0}},
                                   .attrs = {{"body", MOTE_ATTR_GRAPH, true, 0, 0, NULL}, {"group", MOTE_ATTR_INT, true, 0, 0, NULL}},
                                   .infer = infer_group,
                                   .doc = "the nodes of body, run by a provider"};

/* ---- compile and load ---- */

typedef struct blob_writer {
    mote_heap *heap;
    void *p;
    size_t n, cap;
} blob_writer;

static bool write_blob(void *ctx, const void *bytes, size_t n)
{
    blob_writer *w = ctx;
    size_t need;
    if (!mote_size_add(w->n, n, &need) || !mote_heap_grow(w->heap, &w->p, &w->cap, need, 1))
        return false;
    if (n != 0)
        memcpy((char *)w->p + w->n, bytes, n);
    w->n = need;
    return true;
}

mote_status mote_group_compile(mote_group *g, mote_heap *heap, mote_diag *diag)
{
    const mote_provider *p = g->provider;
    char message[256] = "";
    blob_writer w = {heap, NULL, 0, 0};
    mote_status status = p->compile(p->ctx, g->view, &mote_view_functions, write_blob, &w, message, sizeof message);
    g->blob = w.p;
    g->blob_bytes = w.cap;
    if (status == MOTE_OK)
        status = p->load(p->ctx, g->view, &mote_view_functions, w.p, w.n, &g->loaded, message, sizeof message);
    message[sizeof message - 1] = 0;
    if (status == MOTE_OK)
        return MOTE_OK;
    g->loaded = NULL;
    mote_group_release(g, heap);
    MOTE_FAIL(diag, MOTE_E_PROVIDER, "provider '%s': compile: %s", p->name, message[0] != 0 ? message : mote_status_string(status));
}

void mote_group_release(mote_group *g, mote_heap *heap)
{
    if (g->loaded != NULL)
        g->provider->unload(g->provider->ctx, g->loaded);
    mote_heap_free(heap, g->blob, g->blob_bytes);
    g->loaded = g->blob = NULL;
    g->blob_bytes = 0;
}

/* ---- running: one step a group ---- */

typedef struct group_step {
    const mote_group *group;
    void *instance;
    mote_tensor *in, *out; /* filled at run */
} group_step;

typedef struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done;
    mote_status status;
} waiter;

static void on_done(void *ctx, mote_status status)
{
    waiter *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->status = status;
    w->done = true;
    pthread_cond_signal(&w->ended);
    pthread_mutex_unlock(&w->lock);
}

static mote_status run_group(const mote_step *step, mote_exec *x)
{
    const group_step *s = step->params;
    const mote_provider *p = s->group->provider;
    for (uint32_t i = 0; i < step->n_in; i++)
        s->in[i].buffer = step->in[i]->data;
    for (uint32_t i = 0; i < step->n_out; i++)
        if (step->out[i] != NULL)
            s->out[i].buffer = step->out[i]->data;
    waiter w = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, MOTE_OK};
    char message[256] = "";
    mote_status status = p->run(p->ctx, s->instance, s->in, s->out, on_done, &w, message, sizeof message);
    message[sizeof message - 1] = 0;
    if (status == MOTE_OK) {
        pthread_mutex_lock(&w.lock);
        while (!w.done)
            pthread_cond_wait(&w.ended, &w.lock);
        status = w.status;
        pthread_mutex_unlock(&w.lock);
    }
    pthread_mutex_destroy(&w.lock);
    pthread_cond_destroy(&w.ended);
    MOTE_REQUIRE(status == MOTE_OK, x->diag, MOTE_E_PROVIDER, "provider '%s': run: %s", p->name, message[0] != 0 ? message : mote_status_string(status));
    return MOTE_OK;
}

static void release_group(const void *params)
{
    const group_step *s = params;
    if (s->instance != NULL)
        s->group->provider->unbind(s->group->provider->ctx, s->instance);
}

static mote_status lower_group(mote_lower *l)
{
    group_step *s;
    MOTE_TRY(mote_lower_params(l, sizeof *s, (void **)&s));
    s->group = mote_group_of(l->node);
    MOTE_TRY(mote_lower_params(l, (l->n_in + 1) * sizeof *s->in, (void **)&s->in));
    MOTE_TRY(mote_lower_params(l, (l->n_out + 1) * sizeof *s->out, (void **)&s->out));
    for (uint32_t i = 0; i < l->n_in; i++)
        MOTE_TRY(mote_tensor_describe(&s->in[i], l->in[i]->dtype, l->in[i]->rank, l->in[i]->dims, NULL));
    for (uint32_t i = 0; i < l->n_out; i++)
        if (l->out[i] != NULL)
            MOTE_TRY(mote_tensor_describe(&s->out[i], l->out[i]->dtype, l->out[i]->rank, l->out[i]->dims, NULL));
    const mote_provider *p = s->group->provider;
    for (size_t i = 0; p->requirements != NULL && i < l->n_in + l->n_out; i++) {
        mote_buffer_requirements r = {sizeof r, MOTE_ALIGN, 0, true};
        mote_status status = p->requirements(p->ctx, s->group->loaded, i >= l->n_in, i >= l->n_in ? i - l->n_in : i, &r);
        MOTE_REQUIRE(status == MOTE_OK && r.host && r.alignment <= MOTE_ALIGN && r.padding == 0, l->diag, MOTE_E_PROVIDER,
                     "provider '%s' asks for memory that the host's plan does not give: alignment %zu, padding %zu", p->name, r.alignment, r.padding);
    }
    char message[256] = "";
    mote_status status = p->bind(p->ctx, s->group->loaded, s->in, l->n_in, s->out, l->n_out, &s->instance, message, sizeof message);
    message[sizeof message - 1] = 0;
    MOTE_REQUIRE(status == MOTE_OK, l->diag, MOTE_E_PROVIDER, "provider '%s': bind: %s", p->name, message[0] != 0 ? message : mote_status_string(status));
    l->run = run_group;
    l->params = s;
    l->kernel = p->name;
    l->release = release_group;
    return MOTE_OK;
}

MOTE_LOWER(mote, Group, lower_group)
