/* group.c - compiling, loading and running a group of nodes on its provider
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/group.h"
#include "base/size.h"
#include "ops/types.h"
#include "provider/cpu/lower.h"
#include <pthread.h>
#include <string.h>

enum { MESSAGE = 256, MAX_ALIGNMENT = 4096 };

/* ---- the operator mote.Group ---- */

static const mote_group *group_of(const mote_node *n) { return (const mote_group *)(const void *)n->def; }

static mote_status infer_group(mote_infer *c)
{
    mote_type *in = mote_arena_calloc(&c->module->arena, c->n_in, sizeof *in);
    if (in == NULL)
        return MOTE_NO_MEMORY(c->diag, 0);
    for (uint32_t i = 0; i < c->n_in; i++)
        in[i] = *c->in[i];
    return mote_view_infer_types(group_of(c->node)->view, in, c->value, c->n_in, c->out, c->n_out, c->module->heap, c->diag);
}

static mote_status cannot_eval(mote_eval *c)
{
    MOTE_FAIL(c->diag, MOTE_E_UNSUPPORTED, "the sizes of what the group makes depend on values inside it: provider '%s' must not claim those nodes",
              group_of(c->node)->provider->name);
}

mote_group *mote_group_create(const mote_provider *provider, uint32_t index, mote_heap *heap)
{
    mote_group *g = mote_heap_calloc(heap, 1, sizeof *g);
    if (g == NULL)
        return NULL;
    static const mote_type_var types[] = {{"T", MOTE_DTYPES_ALL, 0}, {{0}, 0, 0}};
    static const mote_attr_spec attrs[] = {MOTE_A_REQUIRED(INT, "group"), MOTE_A_REQUIRED(STRING, "provider"), {.name = NULL}};
    const mote_op_def def = {.domain = "mote",
                             .name = "Group",
                             .since = 1,
                             .flags = MOTE_OP_OWN_DEF | MOTE_OP_RANDOM,
                             .in = "x?**:T",
                             .out = "y?**:T",
                             .types = types,
                             .attrs = attrs,
                             .infer = infer_group,
                             .eval = cannot_eval,
                             .doc = "nodes that a provider runs"};
    memcpy(&g->def, &def, sizeof def);
    g->provider = provider;
    g->index = index;
    g->heap = heap;
    return g;
}

/* ---- compile and load ---- */

static bool write_blob(void *ctx, const void *bytes, size_t n)
{
    mote_group *g = ctx;
    size_t need;
    if (!mote_size_add(g->blob_bytes, n, &need) || !mote_heap_grow(g->heap, &g->blob, &g->blob_capacity, need, 1))
        return false;
    if (n != 0)
        memcpy((char *)g->blob + g->blob_bytes, bytes, n);
    g->blob_bytes = need;
    return true;
}

/* A failure in the plug-in's words. */
static mote_status fail(mote_diag *diag, mote_status code, const mote_provider *p, const char *what, mote_status status, char *message)
{
    message[MESSAGE - 1] = 0;
    return mote_fail(diag, code, "provider '%s': %s: %s", p->name, what, message[0] != 0 ? message : mote_status_string(status));
}

mote_status mote_group_compile(mote_group *g, mote_diag *diag)
{
    const mote_provider *p = g->provider;
    char message[MESSAGE] = "";
    mote_status status = p->compile(p->ctx, g->view, &mote_view_functions, write_blob, g, message, sizeof message);
    if (status != MOTE_OK)
        return fail(diag, status == MOTE_E_UNSUPPORTED ? status : MOTE_E_PROVIDER, p, "compile", status, message);
    status = p->load(p->ctx, g->view, &mote_view_functions, g->blob, g->blob_bytes, &g->loaded, message, sizeof message);
    if (status == MOTE_OK)
        return MOTE_OK;
    g->loaded = NULL;
    return fail(diag, status == MOTE_E_UNSUPPORTED ? status : MOTE_E_PROVIDER, p, "load", status, message);
}

void mote_group_destroy(mote_group **group)
{
    mote_group *g = *group;
    if (g == NULL)
        return;
    if (g->loaded != NULL)
        g->provider->unload(g->provider->ctx, g->loaded);
    mote_heap_free(g->heap, g->blob, g->blob_capacity);
    mote_view_destroy(&g->view);
    mote_module_destroy(&g->body);
    mote_heap_free(g->heap, g, sizeof *g);
    *group = NULL;
}

/* ---- running: one step a group ---- */

/* How one tensor reaches the provider. */
typedef struct port {
    size_t alignment, bytes;
    size_t staging; /* where in the scratch its copy lies */
    bool always;    /* copied even when the tensor's memory is aligned: the provider wants bytes behind its end */
} port;

typedef struct group_step {
    const mote_group *group;
    void *instance;
    mote_tensor *tensors; /* inputs, then outputs; memory filled in at run */
    port *ports;
    pthread_mutex_t lock; /* of what follows: completion may come from any thread */
    pthread_cond_t ended;
    bool done;
    mote_status status;
} group_step;

static void on_done(void *ctx, mote_status status)
{
    group_step *s = ctx;
    pthread_mutex_lock(&s->lock);
    s->status = status;
    s->done = true;
    pthread_cond_signal(&s->ended);
    pthread_mutex_unlock(&s->lock);
}

static void *place(const port *p, void *data, char *scratch)
{
    return p->always || (uintptr_t)data % p->alignment != 0 ? scratch + p->staging : data;
}

static mote_status run_group(const mote_step *step, mote_exec *x)
{
    group_step *s = (group_step *)(uintptr_t)step->params;
    const mote_provider *p = s->group->provider;
    char message[MESSAGE] = "", *scratch = x->scratch;
    if (scratch != NULL) /* it is aligned to MOTE_ALIGN; lower_group asked for what more may be needed */
        scratch += (MAX_ALIGNMENT - (uintptr_t)scratch % MAX_ALIGNMENT) % MAX_ALIGNMENT;
    for (uint32_t i = 0; i < step->n_in + step->n_out; i++) {
        const mote_array *a = i < step->n_in ? step->in[i] : step->out[i - step->n_in];
        s->tensors[i].buffer = place(&s->ports[i], a->data, scratch);
        if (i < step->n_in && s->tensors[i].buffer != a->data && a->bytes != 0)
            memcpy(s->tensors[i].buffer, a->data, a->bytes);
    }
    s->done = false;
    mote_status status = p->run(p->ctx, s->instance, s->tensors, s->tensors + step->n_in, on_done, s, message, sizeof message);
    if (status == MOTE_OK) {
        pthread_mutex_lock(&s->lock);
        while (!s->done)
            pthread_cond_wait(&s->ended, &s->lock);
        status = s->status;
        pthread_mutex_unlock(&s->lock);
    }
    if (status != MOTE_OK)
        return fail(x->diag, MOTE_E_PROVIDER, p, "run", status, message);
    for (uint32_t i = 0; i < step->n_out; i++) {
        const mote_array *a = step->out[i];
        if (a->bytes != 0 && s->tensors[step->n_in + i].buffer != a->data)
            memcpy(a->data, s->tensors[step->n_in + i].buffer, a->bytes);
    }
    return MOTE_OK;
}

static void release_group(const void *params)
{
    group_step *s = (group_step *)(uintptr_t)params;
    s->group->provider->unbind(s->group->provider->ctx, s->instance);
    pthread_cond_destroy(&s->ended);
    pthread_mutex_destroy(&s->lock);
}

/* The provider's wishes for each tensor, and room in the scratch for the tensors whose memory may not be to them. */
static mote_status plan_ports(mote_lower *l, group_step *s, size_t *scratch)
{
    const mote_provider *p = s->group->provider;
    size_t end = 0;
    for (uint32_t i = 0; i < l->n_in + l->n_out; i++) {
        bool output = i >= l->n_in;
        mote_buffer_requirements r = {sizeof r, MOTE_ALIGN, 0, true};
        mote_status status = p->requirements == NULL ? MOTE_OK : p->requirements(p->ctx, s->group->loaded, output, output ? i - l->n_in : i, &r);
        MOTE_REQUIRE(status == MOTE_OK && r.host && r.alignment != 0 && r.alignment <= MAX_ALIGNMENT && (r.alignment & (r.alignment - 1)) == 0,
                     l->diag, MOTE_E_PROVIDER, "provider '%s' asks for memory that mote does not have: %s, alignment %zu, %s", p->name,
                     r.host ? "the host's" : "a device's", r.alignment, mote_status_string(status));
        port *at = &s->ports[i];
        *at = (port){r.alignment, s->tensors[i].bytes, 0, r.padding != 0};
        MOTE_REQUIRE(mote_size_align(end, MAX_ALIGNMENT, &at->staging) && mote_size_add(at->staging, at->bytes, &end) &&
                         mote_size_add(end, r.padding, &end),
                     l->diag, MOTE_E_LIMIT, "provider '%s': memory for its tensors is larger than memory can be", p->name);
    }
    MOTE_REQUIRE(mote_size_add(end, MAX_ALIGNMENT, scratch), l->diag, MOTE_E_LIMIT, "memory for the group's tensors is larger than memory can be");
    return MOTE_OK;
}

static mote_status lower_group(mote_lower *l)
{
    group_step *s;
    size_t n = (size_t)l->n_in + l->n_out;
    MOTE_TRY(mote_lower_params(l, sizeof *s, (void **)&s));
    MOTE_TRY(mote_lower_params(l, n * sizeof *s->tensors, (void **)&s->tensors));
    MOTE_TRY(mote_lower_params(l, n * sizeof *s->ports, (void **)&s->ports));
    s->group = group_of(l->node);
    for (size_t i = 0; i < n; i++) {
        const mote_array *a = i < l->n_in ? l->in[i] : l->out[i - l->n_in];
        MOTE_TRY(mote_tensor_describe(&s->tensors[i], a->dtype, a->rank, a->dims, NULL));
    }
    size_t scratch = 0;
    MOTE_TRY(plan_ports(l, s, &scratch));
    const mote_provider *p = s->group->provider;
    char message[MESSAGE] = "";
    mote_status status = p->bind(p->ctx, s->group->loaded, s->tensors, l->n_in, s->tensors + l->n_in, l->n_out, &s->instance, message, sizeof message);
    if (status != MOTE_OK)
        return fail(l->diag, MOTE_E_PROVIDER, p, "bind", status, message);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->ended, NULL);
    l->scratch_bytes = scratch;
    l->run = run_group;
    l->params = s;
    l->kernel = p->name;
    l->release = release_group;
    return MOTE_OK;
}

MOTE_LOWER(mote, Group, lower_group)

size_t mote_group_profile(const mote_step *step, mote_provider_event *events, size_t cap)
{
    if (step->run != run_group)
        return 0;
    const group_step *s = step->params;
    const mote_provider *p = s->group->provider;
    if (p->struct_size < offsetof(mote_provider, profile) + sizeof p->profile || p->profile == NULL)
        return 0;
    size_t n = p->profile(p->ctx, s->instance, events, cap);
    return n < cap ? n : cap;
}
