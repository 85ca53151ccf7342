/* dummy.c - a provider outside the tree: it takes every Conv and runs mote's reference evaluation
 * SPDX-License-Identifier: Apache-2.0 */
#include <mote/mote_provider.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A compiled group is a word and the number of its nodes, so that a blob of another group is seen. */
typedef struct blob {
    char word[8];
    uint64_t nodes;
} blob;

typedef struct loaded {
    const mote_view *group;
    const mote_view_api *api;
} loaded;

typedef struct instance {
    const loaded *from;
    size_t n_inputs, n_outputs;
} instance;

static mote_status probe(void *ctx, mote_provider_caps *caps, char *message, size_t cap)
{
    (void)ctx, (void)message, (void)cap;
    strcpy(caps->device, "none");
    strcpy(caps->driver, "1");
    caps->memory_bytes = 0;
    return MOTE_OK;
}

static mote_status partition(void *ctx, const mote_view *graph, const mote_view_api *api, uint8_t *claim, size_t n, char *message, size_t cap)
{
    (void)ctx, (void)message, (void)cap;
    for (size_t i = 0; i < n; i++) {
        const mote_view_node *node = api->node(graph, i);
        claim[i] = strcmp(api->node_op(node, NULL), "Conv") == 0 && api->node_domain(node, NULL)[0] == 0;
    }
    return MOTE_OK;
}

static mote_status compile(void *ctx, const mote_view *group, const mote_view_api *api, mote_blob_write write, void *write_ctx, char *message, size_t cap)
{
    (void)ctx;
    blob b = {"dummy", api->node_count(group)};
    if (write(write_ctx, &b, sizeof b))
        return MOTE_OK;
    snprintf(message, cap, "the blob could not be written");
    return MOTE_E_MEMORY;
}

static mote_status load(void *ctx, const mote_view *group, const mote_view_api *api, const void *bytes, size_t n, void **out, char *message, size_t cap)
{
    (void)ctx;
    const blob *b = bytes;
    if (n != sizeof *b || strcmp(b->word, "dummy") != 0 || b->nodes != api->node_count(group)) {
        snprintf(message, cap, "the blob is of another group");
        return MOTE_E_FORMAT;
    }
    loaded *l = malloc(sizeof *l);
    if (l == NULL)
        return MOTE_E_MEMORY;
    *l = (loaded){group, api};
    *out = l;
    return MOTE_OK;
}

static void unload(void *ctx, void *l)
{
    (void)ctx;
    free(l);
}

static mote_status requirements(void *ctx, void *l, bool output, size_t index, mote_buffer_requirements *out)
{
    (void)ctx, (void)l, (void)output, (void)index;
    *out = (mote_buffer_requirements){sizeof *out, 64, 0, true};
    return MOTE_OK;
}

static mote_status bind(void *ctx, void *l, const mote_tensor *inputs, size_t n_inputs, const mote_tensor *outputs, size_t n_outputs, void **out,
                        char *message, size_t cap)
{
    (void)ctx, (void)inputs, (void)outputs, (void)message, (void)cap;
    instance *i = malloc(sizeof *i);
    if (i == NULL)
        return MOTE_E_MEMORY;
    *i = (instance){l, n_inputs, n_outputs};
    *out = i;
    return MOTE_OK;
}

static void unbind(void *ctx, void *i)
{
    (void)ctx;
    free(i);
}

static mote_status run(void *ctx, void *data, const mote_tensor *inputs, const mote_tensor *outputs, mote_completion done, void *done_ctx, char *message,
                       size_t cap)
{
    (void)ctx, (void)message, (void)cap;
    const instance *i = data;
    mote_tensor out[64];
    if (i->n_outputs > 64)
        return MOTE_E_LIMIT;
    memcpy(out, outputs, i->n_outputs * sizeof *out);
    done(done_ctx, i->from->api->evaluate(i->from->group, inputs, i->n_inputs, out, i->n_outputs));
    return MOTE_OK;
}

MOTE_API const mote_provider *mote_provider_get(uint32_t abi);
const mote_provider *mote_provider_get(uint32_t abi)
{
    static const mote_provider provider = {sizeof provider, MOTE_PROVIDER_ABI, "dummy", NULL, probe, partition, compile, load, unload, requirements,
                                           bind, unbind, run, NULL};
    return abi == MOTE_PROVIDER_ABI ? &provider : NULL;
}
