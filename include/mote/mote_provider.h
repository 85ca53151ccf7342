/* mote_provider.h - execution-provider plug-ins: GPUs and NPUs behind one C interface
 * SPDX-License-Identifier: Apache-2.0
 *
 * A plug-in is a shared library that exports one function, mote_provider_get. The application loads it by path with mote_provider_load and names
 * it in mote_load_options.providers; a model file never can. For each model, mote asks the providers in order of preference which nodes they
 * take (partition), joins the taken nodes into connected groups, has each group compiled to a blob (which an application may keep, and give back
 * to load on the next start), and runs each group as one step. What no provider takes runs on the CPU provider.
 *
 * Every struct begins with struct_size; fields are only ever added at the end. Functions marked optional may be NULL. A provider function that fails
 * returns a status other than MOTE_OK and writes a message of at most `cap` bytes. Threads: probe, partition, compile, load and unload are
 * called by one thread at a time; an instance belongs to one session, so to one thread at a time; different instances run at the same time. */
#ifndef MOTE_PROVIDER_H
#define MOTE_PROVIDER_H

#include <mote/mote.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOTE_PROVIDER_ABI 1u
#define MOTE_PROVIDER_NO_VALUE 0xffffffffu

/* ---- what mote offers a provider: a read-only view of the graph ---- */

typedef struct mote_view mote_view;           /* a graph or a group of its nodes */
typedef struct mote_view_node mote_view_node;

/* Texts are `*length` bytes, and NUL-terminated besides. A view and everything in it lives until the provider's call returns (partition), or until
 * the group is unloaded (all others). */
typedef struct mote_view_api {
    size_t struct_size;
    size_t (*node_count)(const mote_view *view);
    const mote_view_node *(*node)(const mote_view *view, size_t index); /* in topological order */
    const char *(*node_op)(const mote_view_node *node, size_t *length);
    const char *(*node_domain)(const mote_view_node *node, size_t *length); /* "" for ai.onnx, "mote" for the forms of docs/internal_ops.md */
    const char *(*node_name)(const mote_view_node *node, size_t *length);
    int32_t (*node_version)(const mote_view_node *node);
    size_t (*input_count)(const mote_view_node *node);
    size_t (*output_count)(const mote_view_node *node);
    uint32_t (*input)(const mote_view_node *node, size_t index);  /* a value; MOTE_PROVIDER_NO_VALUE when omitted */
    uint32_t (*output)(const mote_view_node *node, size_t index);
    /* False when the attribute is absent or of another kind. */
    bool (*attr_int)(const mote_view_node *node, const char *name, int64_t *value);
    bool (*attr_float)(const mote_view_node *node, const char *name, float *value);
    bool (*attr_string)(const mote_view_node *node, const char *name, const char **value, size_t *length);
    bool (*attr_ints)(const mote_view_node *node, const char *name, const int64_t **values, size_t *count);
    /* Element type and shape as far as known before inputs are: rank -1 or a dimension of -1 where not. */
    bool (*value_type)(const mote_view *view, uint32_t value, mote_tensor *type);
    /* The constant's contents (contiguous, aligned to its element, read-only); false when it is not a constant, or a string. */
    bool (*value_constant)(const mote_view *view, uint32_t value, mote_tensor *constant);
    /* Of a group: the values that it takes from outside (constants are not among them) and gives. */
    size_t (*view_input_count)(const mote_view *view);
    uint32_t (*view_input)(const mote_view *view, size_t index);
    size_t (*view_output_count)(const mote_view *view);
    uint32_t (*view_output)(const mote_view *view, size_t index);
    /* Shapes of the group's outputs for given shapes of its inputs, by mote's own inference. MOTE_E_UNSUPPORTED when they depend on data. */
    mote_status (*infer)(const mote_view *view, const mote_tensor *inputs, size_t n_inputs, mote_tensor *outputs, size_t n_outputs);
    /* Runs the group by mote's reference evaluation on host tensors: for providers under test, and for nodes that a device cannot. */
    mote_status (*evaluate)(const mote_view *view, const mote_tensor *inputs, size_t n_inputs, mote_tensor *outputs, size_t n_outputs);
} mote_view_api;

/* ---- what a provider offers ---- */

typedef struct mote_provider_caps {
    size_t struct_size;
    char device[128];          /* "Adreno 740", ... */
    char driver[128];          /* part of a blob's identity: another driver means compiling again */
    uint64_t memory_bytes;     /* 0: the host's */
} mote_provider_caps;

/* Where a group's tensors must lie. */
typedef struct mote_buffer_requirements {
    size_t struct_size;
    size_t alignment;          /* bytes; at most 4096 */
    size_t padding;            /* bytes readable and writable beyond the tensor's end */
    bool host;                 /* plain memory will do */
} mote_buffer_requirements;

typedef struct mote_provider_event {
    const char *name;
    uint64_t start_ns, end_ns; /* since run was called */
} mote_provider_event;

typedef bool (*mote_blob_write)(void *ctx, const void *bytes, size_t n);
typedef void (*mote_completion)(void *ctx, mote_status status);

typedef struct mote_provider {
    size_t struct_size;
    uint32_t abi;              /* MOTE_PROVIDER_ABI */
    const char *name;          /* "dummy": lower-case letters, digits, '-' */
    void *ctx;

    /* What is there. MOTE_E_PROVIDER: no device. */
    mote_status (*probe)(void *ctx, mote_provider_caps *caps, char *message, size_t cap);
    /* Sets claim[i] to 1 for each node that the provider takes (the rest is 0). Not to be had, and kept by mote when claimed: control flow, strings,
     * sequences, operators whose output's size depends on data, groups of other providers. */
    mote_status (*partition)(void *ctx, const mote_view *graph, const mote_view_api *api, uint8_t *claim, size_t n, char *message, size_t cap);
    /* Compiles a group to bytes that load takes, on this machine or another with the same device and driver. MOTE_E_UNSUPPORTED, here or from load:
     * not this group after all; its nodes go to the next provider. Any other failure is the model's. */
    mote_status (*compile)(void *ctx, const mote_view *group, const mote_view_api *api, mote_blob_write write, void *write_ctx, char *message, size_t cap);
    /* Makes a compiled group ready; once a model, shared by its sessions. `blob` lives until unload. */
    mote_status (*load)(void *ctx, const mote_view *group, const mote_view_api *api, const void *blob, size_t bytes, void **loaded, char *message,
                        size_t cap);
    void (*unload)(void *ctx, void *loaded);
    /* (optional; host memory of 64-byte alignment is assumed) For input or output `index`. */
    mote_status (*requirements)(void *ctx, void *loaded, bool output, size_t index, mote_buffer_requirements *out);
    /* An instance for given shapes of inputs and outputs. */
    mote_status (*bind)(void *ctx, void *loaded, const mote_tensor *inputs, size_t n_inputs, const mote_tensor *outputs, size_t n_outputs,
                        void **instance, char *message, size_t cap);
    void (*unbind)(void *ctx, void *instance);
    /* Runs on the tensors' memory (of the bound shapes); calls done(done_ctx, status) once, from any thread, possibly before it returns. A status
     * other than MOTE_OK means that done will not be called. */
    mote_status (*run)(void *ctx, void *instance, const mote_tensor *inputs, const mote_tensor *outputs, mote_completion done, void *done_ctx,
                       char *message, size_t cap);
    /* (optional) The events of the instance's last run; returns how many there are, writes at most cap. */
    size_t (*profile)(void *ctx, void *instance, mote_provider_event *events, size_t cap);
} mote_provider;

/* The plug-in's one exported function: NULL when it cannot serve that ABI. The struct lives as long as the library stays loaded. */
typedef const mote_provider *(*mote_provider_get_fn)(uint32_t abi);
#define MOTE_PROVIDER_ENTRY "mote_provider_get"

#ifdef __cplusplus
}
#endif
#endif
