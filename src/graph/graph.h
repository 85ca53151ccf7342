/* graph.h - the intermediate representation: module, graph, node, value, attribute
 * SPDX-License-Identifier: Apache-2.0
 *
 * A module owns everything in one arena; nothing is freed before the module. Values are in SSA form: one producer each (a node, or none for
 * graph inputs and constants). Nodes stand in a list in topological order. A node in a subgraph uses values of the enclosing graphs
 * directly. Each use of a value is a record in that value's list, so that "who uses this" and "replace it" cost what they touch. A module under
 * construction belongs to one thread; once a model is made of it, it is never written again. */
#ifndef MOTE_GRAPH_GRAPH_H
#define MOTE_GRAPH_GRAPH_H

#include "base/arena.h"
#include "base/diag.h"
#include "tensor/array.h"

typedef struct mote_module mote_module;
typedef struct mote_graph mote_graph;
typedef struct mote_node mote_node;
typedef struct mote_value mote_value;
typedef struct mote_use mote_use;
typedef struct mote_attr mote_attr;
typedef struct mote_type mote_type;
struct mote_op_def; /* ops/op.h */

/* ---- types ---- */

/* A dimension: >= 0 fixed; MOTE_DIM_UNKNOWN; or a symbol of the module, MOTE_DIM_SYMBOL(i): equal symbols are equal sizes. */
enum { MOTE_DIM_UNKNOWN = -1 };
#define MOTE_DIM_SYMBOL(i) (-2 - (int64_t)(i))
#define MOTE_DIM_SYMBOL_INDEX(d) ((size_t)(-2 - (d)))
MOTE_INLINE bool mote_dim_known(int64_t d) { return d >= 0; }

struct mote_type {
    mote_kind kind;
    mote_dtype dtype;           /* NONE: unknown */
    int32_t rank;               /* -1: unknown */
    int64_t dims[MOTE_MAX_RANK];
    const mote_type *element;   /* of a sequence or optional; NULL for a tensor */
};

bool mote_type_known(const mote_type *t); /* dtype, rank and every dimension are fixed */
/* "float32[N,3,224,224]", "float32[?,4]", "float32[*]" (rank unknown), "seq(float32[*])", "opt(...)", "?" (unknown) */
void mote_type_print(const mote_module *m, const mote_type *t, mote_text *out);

/* ---- attributes ---- */

/* Numbered as ONNX's AttributeProto.AttributeType. */
typedef enum mote_attr_kind {
    MOTE_ATTR_NONE = 0, MOTE_ATTR_FLOAT = 1, MOTE_ATTR_INT = 2, MOTE_ATTR_STRING = 3, MOTE_ATTR_TENSOR = 4, MOTE_ATTR_GRAPH = 5,
    MOTE_ATTR_FLOATS = 6, MOTE_ATTR_INTS = 7, MOTE_ATTR_STRINGS = 8, MOTE_ATTR_TENSORS = 9, MOTE_ATTR_GRAPHS = 10,
    MOTE_ATTR_SPARSE = 11, MOTE_ATTR_SPARSES = 12, MOTE_ATTR_TYPE = 13, MOTE_ATTR_TYPES = 14
} mote_attr_kind;

/* What a file says of a tensor besides its data. */
typedef struct mote_tensor_text {
    mote_str name, doc, unknown;
} mote_tensor_text;

struct mote_attr {
    mote_attr *next;
    mote_str name, doc, ref; /* ref: ref_attr_name inside a function body */
    mote_attr_kind kind;
    size_t n;                /* elements, for the plural kinds */
    union {
        float f;
        int64_t i;
        mote_str s;
        const mote_array *t;
        mote_graph *g;
        const float *floats;
        const int64_t *ints;
        const mote_str *strings;
        const mote_array *const *tensors;
        mote_graph *const *graphs;
        const mote_type *type;
        mote_str raw; /* kinds that mote keeps but does not read (SPARSE, TYPES): the encoded message */
    };
    mote_str unknown; /* unknown fields of the file, kept for writing */
    mote_tensor_text *text; /* of its tensor or tensors; NULL: nothing */
};

/* ---- values, uses ---- */

struct mote_use {
    mote_value *value;      /* NULL: an omitted optional input */
    mote_node *node;        /* the user; NULL for a graph output */
    mote_graph *graph;      /* for a graph output: whose; else NULL */
    uint32_t index;         /* of the input or graph output */
    mote_use *prev, *next;  /* in value's list */
};

struct mote_value {
    mote_str name;              /* unique in its graph and the graphs around it; never empty */
    uint32_t id;                /* unique in the module, dense: 0 .. module->n_values-1 */
    mote_type type;
    mote_graph *graph;          /* where it is defined */
    mote_node *producer;        /* NULL: a graph input or a constant */
    uint32_t output_index;
    bool is_input;              /* stands in graph->inputs */
    bool is_folded;             /* a constant that a pass made: written to a file like any initializer */
    const mote_array *constant; /* an initializer's or folded value, else NULL; with is_input: the input's default */
    mote_use *uses;             /* first of the list, graph outputs included */
    mote_value *prev, *next;    /* in graph->values */
    mote_str doc, unknown;      /* of its ValueInfoProto */
    mote_str tensor_doc, tensor_unknown; /* of its TensorProto */
    void *scratch;              /* for the pass at hand; NULL between passes */
};

/* A constant for whoever runs or folds: not when a graph input may override it (IR version >= 4 inputs with defaults are overridable,
 * and are constants unless bound: the session decides, see mote_graph.h users). */
MOTE_INLINE const mote_array *mote_value_const(const mote_value *v) { return v == NULL ? NULL : v->constant; }

struct mote_node {
    mote_str name, op, domain, overload; /* domain "" is ai.onnx; name may be empty */
    int32_t version;                     /* of the domain's operator set that this node came with */
    const struct mote_op_def *def;       /* filled by mote_ops_resolve; NULL: not resolved yet, or not an operator of this build */
    uint32_t id;                         /* unique in the module, dense */
    uint32_t n_in, n_out, cap_in;
    mote_use *in;                        /* in[i].value: input i, NULL when omitted */
    mote_value **out;                    /* NULL when omitted */
    mote_attr *attrs;                    /* list in the file's order */
    mote_graph *graph;
    mote_node *prev, *next;
    mote_str doc, unknown;
    struct mote_prop *props; size_t n_props;
    void *scratch;
    mote_str from;                       /* the operator of the file that a pass made this node of, for errors; empty: op */
};

typedef struct mote_prop {
    mote_str key, value;
} mote_prop;

struct mote_graph {
    mote_module *module;
    mote_str name, doc;
    mote_graph *parent;            /* NULL for the main graph */
    mote_node *owner;              /* the node whose attribute this graph is; NULL for the main graph */
    mote_value **inputs; size_t n_inputs, cap_inputs;
    mote_use **outputs; size_t n_outputs, cap_outputs; /* outputs[i]->value */
    const mote_type *declared;     /* of a subgraph, once inferred: its outputs' types before that, as the file has them; n_declared of them */
    size_t n_declared;
    mote_node *first, *last;
    mote_value *values, *values_last; /* every value defined here: inputs, constants, node outputs, in order of creation */
    struct mote_prop *props; size_t n_props;
    mote_str unknown;              /* unknown fields, sparse initializers and quantization annotations, encoded */
};

typedef struct mote_opset {
    mote_str domain;
    int64_t version;
} mote_opset;

struct mote_module {
    mote_heap *heap;              /* borrowed */
    mote_arena arena;
    mote_graph *graph;            /* the main graph */
    int64_t ir_version, model_version;
    mote_str producer_name, producer_version, domain, doc;
    mote_opset *opsets; size_t n_opsets;
    mote_prop *props; size_t n_props; /* metadata */
    mote_str *symbols; size_t n_symbols, cap_symbols;
    mote_str unknown;             /* unknown fields and training info, encoded */
    uint32_t n_values, n_nodes;
    uint32_t next_name;           /* for fresh names */
    const mote_custom_ops *custom; /* operators besides the table's, borrowed; NULL: none */
};

/* ---- construction: every function returns NULL or MOTE_E_MEMORY when memory runs out, unless it says more ---- */

enum { MOTE_GRAPH_MAX_DEPTH = 32 }; /* of subgraphs in subgraphs: what every walk over them may recurse */

mote_status mote_module_create(mote_heap *heap, mote_module **out);
void mote_module_destroy(mote_module **m);
/* NULL also when the graph would be nested deeper than MOTE_GRAPH_MAX_DEPTH. The caller attaches it (mote_node_set_graph) or makes it m->graph. */
mote_graph *mote_graph_create(mote_module *m, mote_graph *parent, mote_node *owner);

/* The dimension of a named symbol (made when new); names compare by bytes. MOTE_DIM_UNKNOWN when memory runs out. */
int64_t mote_module_symbol(mote_module *m, mote_str name);
/* The version of a domain's operator set ("" and "ai.onnx" are one); 0: not imported. */
int64_t mote_module_opset(const mote_module *m, mote_str domain);
const mote_prop *mote_module_prop(const mote_module *m, const char *key);

/* A name that no value of the module has; .p NULL when memory runs out. */
mote_str mote_graph_fresh_name(mote_module *m);
/* A new value; name is copied; an empty name gets a fresh one. */
mote_value *mote_graph_add_value(mote_graph *g, mote_str name);
mote_status mote_graph_add_input(mote_graph *g, mote_value *v);
mote_status mote_graph_add_output(mote_graph *g, mote_value *v);
/* A value that holds *array (the struct is copied into the arena, the data borrowed: it must live as long as the module). */
mote_value *mote_graph_add_constant(mote_graph *g, mote_str name, const mote_array *array);
/* The same with the data copied into the module. */
mote_value *mote_graph_copy_constant(mote_graph *g, mote_str name, const mote_array *array);
mote_value *mote_graph_const_i64(mote_graph *g, int32_t rank, size_t n, const int64_t *values); /* rank 0 or 1 */
mote_value *mote_graph_const_f32(mote_graph *g, float value);                                   /* a scalar */

/* A new node before `before` (NULL: at the end) with n_in empty inputs and n_out outputs: fresh values if make_outputs, else NULL.
 * op, domain: copied. */
mote_node *mote_graph_add_node(mote_graph *g, mote_node *before, const char *domain, const char *op, int32_t version, uint32_t n_in,
                               uint32_t n_out, bool make_outputs);
mote_status mote_node_set_output(mote_node *n, uint32_t i, mote_value *v); /* v without a producer */
void mote_node_set_input(mote_node *n, uint32_t i, mote_value *v);         /* i < n_in; v may be NULL */
mote_status mote_node_resize_inputs(mote_node *n, uint32_t n_in);          /* new ones empty, lost ones released */
/* Unlinks a node whose outputs have no uses. Its inputs' uses are released. */
void mote_node_remove(mote_node *n);
/* Unlinks a value without uses and without a producer (a constant that nobody reads). A graph input: gone from the inputs too. */
void mote_value_remove(mote_value *v);
void mote_node_move_before(mote_node *n, mote_node *before);
/* Moves the nodes and values of a subgraph without inputs into the graph around it, before the node that owns it; its values get fresh names.
 * outputs[k] is then the value that output k had; the subgraph is empty and has no outputs. */
mote_status mote_graph_inline(mote_graph *sub, mote_value **outputs);
/* Every use of `old` becomes a use of `now`. A graph output keeps its name: where `old` was a graph output, names are swapped,
 * so `now` must then be no graph input and stand in the same graph (mote_value_can_replace). */
void mote_value_replace(mote_value *old, mote_value *now);
/* Whether mote_value_replace(old, now) keeps every graph's interface: true unless `old` is a graph output and `now` is a graph input, an output
 * itself, or of another graph. */
bool mote_value_can_replace(const mote_value *old, const mote_value *now);
size_t mote_value_use_count(const mote_value *v);
/* The node that alone uses v, once, v being no graph output; else NULL. */
mote_node *mote_value_single_user(const mote_value *v);
bool mote_value_is_output(const mote_value *v);
/* Finds by name in this graph (and, if `outer`, in the graphs around it). Linear: for tests and tools. */
mote_value *mote_graph_find(const mote_graph *g, mote_str name, bool outer);

/* ---- attributes of nodes ---- */
mote_attr *mote_node_attr(const mote_node *n, const char *name); /* NULL when absent */
int64_t mote_node_int(const mote_node *n, const char *name, int64_t absent);
float mote_node_float(const mote_node *n, const char *name, float absent);
mote_str mote_node_string(const mote_node *n, const char *name, const char *absent);
/* NULL and 0 when absent */
const int64_t *mote_node_ints(const mote_node *n, const char *name, size_t *count);
const float *mote_node_floats(const mote_node *n, const char *name, size_t *count); /* NULL for an empty list, too */
mote_graph *mote_node_subgraph(const mote_node *n, const char *name);
mote_status mote_node_set_int(mote_node *n, const char *name, int64_t v);
mote_status mote_node_set_float(mote_node *n, const char *name, float v);
mote_status mote_node_set_string(mote_node *n, const char *name, const char *v);
mote_status mote_node_set_ints(mote_node *n, const char *name, const int64_t *v, size_t count);
mote_status mote_node_set_floats(mote_node *n, const char *name, const float *v, size_t count);
mote_status mote_node_set_graph(mote_node *n, const char *name, mote_graph *g);
void mote_node_remove_attr(mote_node *n, const char *name);
/* Copies every attribute of `from` (graphs are not shared: the caller moves or clones them). */
mote_status mote_node_copy_attrs(mote_node *to, const mote_node *from);
void mote_node_name_in(const mote_node *n, mote_diag *diag); /* an error that names no node yet: it is about this one */
MOTE_INLINE bool mote_node_is(const mote_node *n, const char *domain, const char *op)
{
    return n != NULL && mote_str_is(n->op, op) && mote_str_is(n->domain, domain);
}

/* ---- whole graphs ---- */

/* Sorts the nodes of a graph and of its subgraphs topologically, keeping the present order where it is free. MOTE_E_MODEL names a node on a
 * cycle. Also used after reading: a file's order may be wrong. */
mote_status mote_graph_sort(mote_graph *g, mote_diag *diag);
/* Everything that must hold between passes: lists and uses consistent, one producer each, order topological, names unique, subgraphs owned,
 * types of constants equal to their arrays'. MOTE_E_MODEL with the place; never crashes on what it checks. */
mote_status mote_module_verify(const mote_module *m, mote_diag *diag);
/* A deep copy into another module's graph (or the same): outer values are looked up through `outer(ctx, v)`, identity when NULL. */
mote_status mote_graph_clone(const mote_graph *from, mote_module *to, mote_graph *parent, mote_node *owner,
                             mote_value *(*outer)(void *ctx, mote_value *v), void *ctx, mote_graph **out);
mote_status mote_module_clone(const mote_module *from, mote_heap *heap, mote_module **out); /* constants' data shared: `from` must live longer */

/* ---- text: docs/ir.md has the grammar ---- */

/* Deterministic. Large constants are abbreviated (type, count, hash) unless `full`. */
void mote_module_print(const mote_module *m, mote_text *out, bool full);
mote_status mote_module_parse(mote_heap *heap, mote_str text, mote_module **out, mote_diag *diag);

#endif
