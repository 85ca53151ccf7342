/* reader.h - what the parts of the ONNX reader share
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_ONNX_READER_H
#define MOTE_ONNX_READER_H

#include "graph/graph.h"
#include "graph/names.h"
#include "onnx/external.h"
#include "onnx/read.h"
#include "onnx/wire.h"

/* What a model's structure (nodes, values, names, lists; not the data of tensors) may take in memory: some 80,000 nodes. It is what keeps the promise
 * that a file made of empty messages is refused before it has taken 64 MiB. */
enum { MOTE_ONNX_MAX_STRUCTURE = 56 << 20 };
enum { MOTE_ONNX_MAX_ATTRS = 1000, MOTE_ONNX_MAX_OPSETS = 1000, MOTE_ONNX_MAX_SYMBOLS = 10000 };
enum { MOTE_ONNX_MAX_DEPTH = 100, MOTE_ONNX_MIN_IR = 3, MOTE_ONNX_MAX_IR = 14 };

/* A model-local function: its encoded body and what the model says of it. */
typedef struct mote_onnx_function {
    mote_str domain, name, overload;
    mote_wire body;
    bool active; /* being expanded: meeting it again is recursion */
} mote_onnx_function;

/* Inside a function's body: whose call is expanded, and what the function imports. */
typedef struct mote_onnx_scope {
    mote_node *call;
    mote_attr *defaults;      /* of attributes that the call does not give */
    mote_opset *opsets;
    size_t n_opsets;
} mote_onnx_scope;

typedef struct mote_onnx_reader {
    mote_module *module;
    mote_heap *heap;
    mote_diag *diag;
    mote_external *external; /* NULL: external data is refused */
    const mote_onnx_stored *stored; /* of a compiled model; NULL: an ONNX file */
    mote_names names;
    mote_onnx_function *functions;
    size_t n_functions;
    size_t expanded;         /* fields read by expanding functions, against a budget */
    size_t function_bytes;   /* memory that expanding them took, those inside others counted again */
    size_t base, data_bytes; /* of the heap: before reading; of tensors' data */
    size_t work, function_work; /* fields of nodes, attributes and tensors read; of those, by expanding functions, nested ones counted again */
    bool has_subgraphs;
    size_t merged;           /* bytes copied to join messages that stand in pieces, against a budget */
    const mote_onnx_scope *scope; /* NULL in the model's own graphs */
} mote_onnx_reader;

/* Adds a field that mote does not know to those kept for writing. A run of such fields is borrowed; more are joined in the arena. */
mote_status mote_onnx_keep_unknown(mote_onnx_reader *r, mote_str *all, const mote_wire *w, const mote_wire_field *f);

/* MOTE_E_LIMIT when the structure would take more than its limit with `bytes` more. */
mote_status mote_onnx_room(const mote_onnx_reader *r, size_t bytes);
/* Adds a message field to what was seen of it: one that stands in pieces is read as their bytes in a row, which is how protobuf merges. */
mote_status mote_onnx_merge(mote_onnx_reader *r, const mote_wire *w, const mote_wire_field *f, mote_wire *all);

typedef struct mote_onnx_tensor {
    mote_array *array;
    mote_str name, doc, unknown;
} mote_onnx_tensor;

/* read_tensor.c */
mote_status mote_onnx_tensor_read(mote_onnx_reader *r, mote_wire w, mote_onnx_tensor *out);
/* SparseTensorProto, made dense (within the size limit of an array that the file could hold 4096-fold). */
mote_status mote_onnx_sparse_read(mote_onnx_reader *r, mote_wire w, mote_onnx_tensor *out);

/* read_graph.c */
mote_status mote_onnx_type_read(mote_onnx_reader *r, mote_wire w, mote_type *out, int depth);
mote_status mote_onnx_graph_read(mote_onnx_reader *r, mote_wire w, mote_graph *g, int depth);
mote_status mote_onnx_attr_read(mote_onnx_reader *r, mote_wire w, mote_node *node, mote_attr **out, int depth);
mote_status mote_onnx_prop_read(mote_onnx_reader *r, mote_wire w, mote_prop *out);
/* Appends; *n grows. */
mote_status mote_onnx_props_add(mote_onnx_reader *r, mote_wire w, mote_prop **props, size_t *n);

/* The version of a domain's operator set, as the function at hand or the model imports it; 0: not imported. */
int64_t mote_onnx_opset(const mote_onnx_reader *r, mote_str domain);
mote_status mote_onnx_opset_read(mote_onnx_reader *r, mote_wire w, mote_opset *out);
/* Reads the nodes of a message that holds them in field `id` (graphs 1, functions 7). */
mote_status mote_onnx_nodes_read(mote_onnx_reader *r, mote_wire w, mote_graph *g, uint32_t id, int depth);

/* A node's encoded fields, before it stands in a graph. */
typedef struct mote_onnx_node {
    mote_wire wire;
    mote_str name, op, domain, overload, doc, unknown, from;
    int32_t version; /* in a compiled model; 0: the operator set's */
    uint32_t n_in, n_out, n_attrs;
} mote_onnx_node;
mote_status mote_onnx_node_scan(mote_onnx_reader *r, mote_wire w, mote_onnx_node *out);

/* read_scope.c: a fresh name for v, one that g and the graphs around it do not have. */
mote_status mote_onnx_rename(mote_onnx_reader *r, mote_value *v, const mote_graph *g);
/* When all is read: fresh names for the values of subgraphs that have a name of a graph around. Starts r->names anew. */
mote_status mote_onnx_scopes_rename(mote_onnx_reader *r);

/* read_function.c: the function that a node calls, or NULL. */
mote_onnx_function *mote_onnx_function_find(const mote_onnx_reader *r, mote_str domain, mote_str name, mote_str overload);
mote_status mote_onnx_functions_scan(mote_onnx_reader *r, mote_wire model);
/* Puts the function's nodes in place of the call `node`, which stands at the end of g with its inputs and outputs set. */
mote_status mote_onnx_function_expand(mote_onnx_reader *r, mote_onnx_function *f, mote_node *call, int depth);

#endif
