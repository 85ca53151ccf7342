/* op.h - what an operator means: schema, shape inference, reference evaluation; one table for all
 * SPDX-License-Identifier: Apache-2.0
 *
 * One MOTE_OP(domain, Name, since, ...) in a src/ops/ file defines a version of an operator. tools/gen/op_table.sh collects the lines that start
 * with MOTE_OP( into src/ops/op_table.inc (committed; compared in CI). Domains: onnx (""), ms ("com.microsoft"), ml ("ai.onnx.ml"), preview
 * ("ai.onnx.preview"), mote ("mote": internal forms that lowering makes; never read from or written to a file). */
#ifndef MOTE_OPS_OP_H
#define MOTE_OPS_OP_H

#include "graph/graph.h"

typedef struct mote_op_def mote_op_def;
typedef struct mote_infer mote_infer;
typedef struct mote_eval mote_eval;

typedef struct mote_attr_spec {
    const char *name;
    mote_attr_kind kind;
    bool required;
    union { /* the default of one that may be absent, as its kind says */
        int64_t i;
        float f;
        const char *s;
    };
} mote_attr_spec;

/* A type variable of a signature. kinds: bit per mote_kind; 0 means tensors only. */
typedef struct mote_type_var {
    char name[8];
    mote_dtypes dtypes;
    uint32_t kinds;
} mote_type_var;

enum {
    MOTE_OP_ELEMENTWISE = 1 << 0,    /* output element i depends on elements i of the (broadcast) inputs alone */
    MOTE_OP_VIEW = 1 << 1,           /* output 0 has the bytes of input 0: Reshape, Squeeze, Flatten, Identity */
    MOTE_OP_DATA_SHAPE = 1 << 2,     /* output shapes are known only after evaluation: NonZero, Unique, Loop's scan outputs */
    MOTE_OP_RANDOM = 1 << 3,         /* never folded, never merged */
    MOTE_OP_CONTROL = 1 << 4,        /* runs subgraphs: If, Loop, Scan, SequenceMap */
    MOTE_OP_SHAPE_ONLY = 1 << 5,     /* reads only the input's shape: Shape, Size */
    MOTE_OP_OWN_DEF = 1 << 6,        /* the definition belongs to the one node that has it (a provider's group): resolution leaves it there */
    MOTE_OP_CUSTOM = 1 << 7,         /* the application's (ops/custom.h) */
    MOTE_OP_QUANT_KEEP = 1 << 8,     /* quantization trait: passes quantized values through unchanged (Reshape, Transpose, MaxPool) */
    MOTE_OP_QUANT_INT = 1 << 9,      /* has an integer form */
};

enum { MOTE_OP_MAX_ATTRS = 24, MOTE_OP_MAX_VARS = 8 };

struct mote_op_def {
    const char *domain, *name;
    int32_t since;
    bool removed;                    /* from this version on the operator no longer exists */
    uint32_t flags;
    /* "X:T W:T B?:T" - name, ? optional, * variadic (all of one type), ** variadic of any types of the variable, then the variable or a
     * fixed type ("I:int64", "s:seq(T)", "o:opt(T)"). Variadic: at least one unless "?*". */
    const char *in, *out;
    /* Lists that end with an entry without a name; NULL: empty. In a row: .types = MOTE_TYPES({"T", MOTE_T_ALL_13, 0}, ...),
     * .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0), ...), which take the room that they need and no more: there are a thousand rows. */
    const mote_type_var *types;
    const mote_attr_spec *attrs;
    mote_status (*infer)(mote_infer *c);
    mote_status (*eval)(mote_eval *c); /* NULL: an internal or expanded form without one */
    const char *doc;                   /* .doc = MOTE_DOC("the formula, one line"): for readers and the documentation; NULL in the library */
};

#define MOTE_TYPES(...) (const mote_type_var[]){__VA_ARGS__, {{0}, 0, 0}}
#define MOTE_ATTRS(...) (const mote_attr_spec[]){__VA_ARGS__, {.name = NULL}}
#define MOTE_DOC(text) NULL
#define MOTE_OP(dom, op, since_version, ...)                                                                           \
    extern const mote_op_def mote_op_##dom##_##op##_##since_version;                                                   \
    const mote_op_def mote_op_##dom##_##op##_##since_version = {                                                       \
        .domain = MOTE_DOMAIN_##dom, .name = #op, .since = since_version, __VA_ARGS__}
#define MOTE_DOMAIN_onnx ""
#define MOTE_DOMAIN_ms "com.microsoft"
#define MOTE_DOMAIN_ml "ai.onnx.ml"
#define MOTE_DOMAIN_preview "ai.onnx.preview"
#define MOTE_DOMAIN_mote "mote"

/* The definition that answers for an operator at an opset version: the newest with since <= version. NULL: unknown, or removed by then. */
const mote_op_def *mote_op_find(mote_str domain, mote_str name, int64_t version);
/* The same, and where the table does not know the name, among the operators that the application gave the module. */
const mote_op_def *mote_op_find_in(const mote_module *m, mote_str domain, mote_str name, int64_t version);
/* Whether the table has a row of that name, of any version. */
bool mote_op_is_known(mote_str domain, mote_str name);
/* The whole table, sorted by domain, name, since. */
const mote_op_def *const *mote_op_table(size_t *count);

/* Fills node->def in all graphs and checks each node against its definition: number of inputs and outputs, attribute names, kinds and
 * presence. MOTE_E_UNSUPPORTED names an operator that is not in the table (op, domain, version), MOTE_E_MODEL what is wrong. */
mote_status mote_ops_resolve(mote_module *m, mote_diag *diag);

/* ---- inference ---- */

struct mote_infer {
    mote_module *module;           /* for symbols and memory (arena) */
    const mote_node *node;
    uint32_t n_in, n_out;
    const mote_type *const *in;    /* NULL: omitted. dtype and rank may be unknown */
    const mote_array *const *value; /* value[i]: the input's value where it is known (aligned), else NULL */
    mote_type *out;                /* out[i] starts unknown; leave what cannot be said */
    mote_diag *diag;
    /* Infers a subgraph whose inputs have these types (NULL entry: unknown) and gives its outputs' types, for control flow. */
    mote_status (*subgraph)(mote_infer *c, mote_graph *g, const mote_type *const *in, size_t n_in, mote_type *out, size_t n_out);
    void *ctx;
    int depth;                     /* of subgraphs */
};

/* Infers one node: checks input types against the signature, runs def->infer, checks what came out against the signature. */
mote_status mote_infer_node(mote_infer *c);
/* Infers the types of all values of a module from its inputs' and constants' types; small integer and bool constants propagate through shape
 * arithmetic. A declared type of a value that contradicts the inferred one is MOTE_E_SHAPE or MOTE_E_DTYPE for a graph output, a correction
 * otherwise (files lie about inner values). */
mote_status mote_infer_module(mote_module *m, mote_diag *diag);
/* The same, and then calls fn for each value that a node makes and that is the same at every run as far as inference has found out, in the order of its
 * producers. The array is the walk's and goes with it; fn must not edit the module's graphs. */
typedef mote_status (*mote_infer_known)(void *ctx, mote_value *v, const mote_array *a);
mote_status mote_infer_module_known(mote_module *m, mote_infer_known fn, void *ctx, mote_diag *diag);

/* ---- evaluation ---- */

struct mote_eval {
    const mote_node *node;
    uint32_t n_in, n_out;
    const mote_array *const *in;   /* NULL: omitted; aligned, contiguous */
    mote_array *const *out;        /* NULL: not wanted. Shaped and with memory, unless the operator is DATA_SHAPE or not a tensor: then
                                      mote_eval_output makes it */
    mote_heap *heap;               /* for temporaries: freed by eval before it returns */
    mote_diag *diag;
    /* Gives output i this shape and memory (owned by the executor). */
    mote_status (*output)(mote_eval *c, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims);
    /* For sequences and optionals: makes output i a SEQUENCE or OPTIONAL of n elements, elements copied deeply from items[]. */
    mote_status (*output_items)(mote_eval *c, uint32_t i, mote_kind kind, mote_dtype dtype, size_t n, const mote_array *const *items);
    /* Memory for the bytes of output strings: lives as long as output i. */
    char *(*output_chars)(mote_eval *c, uint32_t i, size_t bytes);
    /* Runs a subgraph of the node (control flow). in: n_in arrays for its inputs. On success results[k] points to output k's array, valid until
     * the next call of subgraph or release on the same slot (slots 0 and 1 let a loop read one iteration's results while it makes the next). */
    mote_status (*subgraph)(mote_eval *c, mote_graph *g, int slot, const mote_array *const *in, size_t n_in, const mote_array **results,
                            size_t n_results);
    /* Counts a loop iteration against the step limit, and sees cancellation. */
    mote_status (*tick)(mote_eval *c);
    void *ctx;                     /* the executor's */
    /* What random operators are made of (random.h). random_seed: of the run. turn: of this run of the node's graph: 0 for the main graph, then one for each
     * time that a subgraph began in the run. */
    uint64_t random_seed, turn;
    uint32_t cpu;                  /* features that kernels may use (base/cpu.h); the bits are those of plain C, 0 */
};

/* Copies an array's elements into output i, giving it shape and memory. */
mote_status mote_eval_copy_output(mote_eval *c, uint32_t i, const mote_array *from);

/* Evaluates one node on arrays alone: infers, allocates outputs from `heap`, evaluates. out[i] is released with mote_array_free. Control flow
 * runs its subgraphs by mote_eval_graph; `outer` resolves captured values. The reference executor for folding and tests. */
typedef const mote_array *(*mote_eval_outer)(void *ctx, const mote_value *v);
mote_status mote_eval_node(mote_module *m, const mote_node *node, const mote_array *const *in, mote_array *out, mote_heap *heap,
                           mote_eval_outer outer, void *outer_ctx, mote_diag *diag);
/* Runs a whole graph node by node with the reference evaluation. inputs in the graph's order (NULL: its default); outputs to be released by
 * the caller. step_limit 0: 10 million. */
mote_status mote_eval_graph(mote_graph *g, const mote_array *const *inputs, size_t n_inputs, mote_array *outputs, size_t n_outputs,
                            mote_heap *heap, uint64_t step_limit, mote_eval_outer outer, void *outer_ctx, mote_diag *diag);
/* Frees data that evaluation allocated (deeply, for sequences and strings), and empties *a. */
void mote_array_free(mote_heap *heap, mote_array *a);
/* Memory for a shaped array's elements, of the kind that mote_array_free frees; strings start empty. data is never NULL, even without elements. */
mote_status mote_array_make(mote_heap *heap, mote_array *a, mote_diag *diag);
/* Memory for the bytes of its strings, freed with it. NULL when there is none. */
char *mote_array_chars(mote_heap *heap, mote_array *a, size_t bytes);
/* A deep copy; a sequence or optional of deep copies. *to is released with mote_array_free. */
mote_status mote_array_clone(mote_heap *heap, const mote_array *from, mote_array *to, mote_diag *diag);
mote_status mote_array_items(mote_heap *heap, mote_kind kind, mote_dtype dtype, size_t n, const mote_array *const *items, mote_array *to,
                             mote_diag *diag);

#endif
