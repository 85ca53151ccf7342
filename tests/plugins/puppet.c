/* puppet.c - a provider that does as a test tells it (puppet.h), the work itself by mote's reference evaluation
 * SPDX-License-Identifier: Apache-2.0 */
#include "puppet.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

MOTE_API puppet_strings puppet;
puppet_strings puppet;

typedef struct loaded {
    const mote_view *group;
    const mote_view_api *api;
    const void *blob;
    size_t bytes;
} loaded;

typedef struct instance {
    const loaded *from;
    size_t n_inputs, n_outputs;
    /* of the run at hand */
    const mote_tensor *inputs, *outputs;
    mote_completion done;
    void *done_ctx;
    pthread_t thread;
    bool running;
} instance;

static mote_status say(mote_status status, char *message, size_t cap)
{
    if (status != MOTE_OK && puppet.message != NULL)
        snprintf(message, cap, "%s", puppet.message);
    return status;
}

static mote_status probe(void *ctx, mote_provider_caps *caps, char *message, size_t cap)
{
    (void)ctx, (void)message, (void)cap;
    strcpy(caps->device, "strings");
    return MOTE_OK;
}

static mote_status partition(void *ctx, const mote_view *graph, const mote_view_api *api, uint8_t *claim, size_t n, char *message, size_t cap)
{
    (void)ctx;
    uint32_t random = puppet.seed;
    for (size_t i = 0; i < n; i++) {
        const mote_view_node *node = api->node(graph, i);
        random = random * 1664525u + 1013904223u;
        claim[i] = puppet.claims == PUPPET_EVERYTHING || (puppet.claims == PUPPET_RANDOM && (random >> 30 & 1) != 0) ||
                   (puppet.claims == PUPPET_OPERATOR && strcmp(api->node_op(node, NULL), puppet.op) == 0);
        for (size_t k = 0; k < api->input_count(node); k++) { /* a look at every constant */
            mote_tensor c;
            uint32_t v = api->input(node, k);
            if (v != MOTE_PROVIDER_NO_VALUE && api->value_constant(graph, v, &c) && c.dtype == MOTE_DTYPE_F32 && (uintptr_t)c.buffer % 4 != 0)
                puppet.complaints++;
        }
    }
    return say(puppet.partition, message, cap);
}

static mote_status compile(void *ctx, const mote_view *group, const mote_view_api *api, mote_blob_write write, void *write_ctx, char *message, size_t cap)
{
    (void)ctx;
    unsigned nth = puppet.compiles++;
    if (puppet.compile != MOTE_OK || (nth < 64 && (puppet.refuse >> nth & 1) != 0))
        return say(puppet.compile != MOTE_OK ? puppet.compile : MOTE_E_UNSUPPORTED, message, cap);
    size_t nodes = api->node_count(group);
    puppet.nodes += nodes;
    for (size_t i = 0; i < nodes; i++) { /* many small writes */
        const mote_view_node *node = api->node(group, i);
        const char *op = api->node_op(node, NULL);
        if (!write(write_ctx, op, strlen(op) + 1))
            return MOTE_E_MEMORY;
    }
    return write(write_ctx, NULL, 0) ? MOTE_OK : MOTE_E_MEMORY;
}

static mote_status load(void *ctx, const mote_view *group, const mote_view_api *api, const void *bytes, size_t n, void **out, char *message, size_t cap)
{
    (void)ctx;
    if (puppet.load != MOTE_OK)
        return say(puppet.load, message, cap);
    loaded *l = malloc(sizeof *l);
    if (l == NULL)
        return MOTE_E_MEMORY;
    *l = (loaded){group, api, bytes, n};
    *out = l;
    puppet.loads++;
    return MOTE_OK;
}

static void unload(void *ctx, void *data)
{
    (void)ctx;
    const loaded *l = data;
    const char *at = l->blob; /* it lives until now */
    for (size_t i = 0; i < l->api->node_count(l->group); i++) {
        const char *op = l->api->node_op(l->api->node(l->group, i), NULL);
        if (strcmp(at, op) != 0)
            puppet.complaints++;
        at += strlen(op) + 1;
    }
    puppet.unloads++;
    free(data);
}

static mote_status requirements(void *ctx, void *l, bool output, size_t index, mote_buffer_requirements *out)
{
    (void)ctx, (void)l, (void)output, (void)index;
    if (puppet.requirements.alignment != 0)
        *out = puppet.requirements;
    return MOTE_OK;
}

static mote_status bind(void *ctx, void *l, const mote_tensor *inputs, size_t n_inputs, const mote_tensor *outputs, size_t n_outputs, void **out,
                        char *message, size_t cap)
{
    (void)ctx;
    const loaded *from = l;
    if (puppet.bind != MOTE_OK)
        return say(puppet.bind, message, cap);
    mote_tensor inferred[64]; /* the view's own inference agrees with the plan */
    if (n_outputs <= 64 && from->api->infer(from->group, inputs, n_inputs, inferred, n_outputs) == MOTE_OK) {
        for (size_t i = 0; i < n_outputs; i++)
            if (inferred[i].dtype != outputs[i].dtype || inferred[i].rank != outputs[i].rank || inferred[i].bytes != outputs[i].bytes)
                puppet.complaints++;
    }
    instance *i = calloc(1, sizeof *i);
    if (i == NULL)
        return MOTE_E_MEMORY;
    *i = (instance){.from = l, .n_inputs = n_inputs, .n_outputs = n_outputs};
    *out = i;
    puppet.binds++;
    return MOTE_OK;
}

static void join(instance *i)
{
    if (i->running)
        pthread_join(i->thread, NULL);
    i->running = false;
}

static void unbind(void *ctx, void *data)
{
    (void)ctx;
    instance *i = data;
    join(i);
    puppet.unbinds++;
    free(i);
}

static void check_memory(const mote_tensor *t, bool output)
{
    size_t alignment = puppet.requirements.alignment == 0 ? 64 : puppet.requirements.alignment;
    char *p = mote_tensor_map(t);
    if ((uintptr_t)p % alignment != 0)
        puppet.complaints++;
    if (output)
        memset(p + t->bytes, 0xab, puppet.requirements.padding);
    for (size_t i = 0; !output && i < puppet.requirements.padding; i++)
        puppet.complaints += p[t->bytes + i] == 17 && t->bytes == 0; /* reads it */
}

static void *finish(void *data)
{
    instance *i = data;
    mote_tensor out[64];
    memcpy(out, i->outputs, i->n_outputs * sizeof *out);
    mote_status status = i->from->api->evaluate(i->from->group, i->inputs, i->n_inputs, out, i->n_outputs);
    i->done(i->done_ctx, puppet.completion != MOTE_OK ? puppet.completion : status);
    return NULL;
}

static mote_status run(void *ctx, void *data, const mote_tensor *inputs, const mote_tensor *outputs, mote_completion done, void *done_ctx, char *message,
                       size_t cap)
{
    (void)ctx;
    instance *i = data;
    puppet.runs++;
    if (puppet.run != MOTE_OK || i->n_outputs > 64)
        return say(puppet.run != MOTE_OK ? puppet.run : MOTE_E_LIMIT, message, cap);
    join(i);
    for (size_t k = 0; k < i->n_inputs; k++)
        check_memory(&inputs[k], false);
    for (size_t k = 0; k < i->n_outputs; k++)
        check_memory(&outputs[k], true);
    i->inputs = inputs;
    i->outputs = outputs;
    i->done = done;
    i->done_ctx = done_ctx;
    if (puppet.completion != MOTE_OK)
        (void)say(puppet.completion, message, cap);
    if (!puppet.later)
        finish(i);
    else if (pthread_create(&i->thread, NULL, finish, i) != 0)
        return MOTE_E_IO;
    i->running = puppet.later;
    return MOTE_OK;
}

static size_t profile(void *ctx, void *data, mote_provider_event *events, size_t cap)
{
    (void)ctx, (void)data;
    if (!puppet.profile || cap < 2)
        return 0;
    events[0] = (mote_provider_event){"first pull", 1, 2};
    events[1] = (mote_provider_event){"second pull", 2, 3};
    return 2;
}

MOTE_API const mote_provider *mote_provider_get(uint32_t abi);
const mote_provider *mote_provider_get(uint32_t abi)
{
    static const mote_provider provider = {sizeof provider, MOTE_PROVIDER_ABI, "puppet", NULL, probe, partition, compile, load, unload, requirements,
                                           bind, unbind, run, profile};
    return abi == MOTE_PROVIDER_ABI ? &provider : NULL;
}
