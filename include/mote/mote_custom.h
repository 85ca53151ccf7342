/* mote_custom.h - operators of an application's own
 * SPDX-License-Identifier: Apache-2.0
 *
 *     static mote_status infer(void *user, mote_custom_call *c)
 *     {
 *         const mote_tensor *x = mote_custom_input(c, 0);
 *         return mote_custom_set_output(c, 0, x->dtype, x->rank, x->shape);
 *     }
 *     static mote_status compute(void *user, mote_custom_call *c)
 *     {
 *         const float *x = mote_tensor_map(mote_custom_input(c, 0));
 *         float *y = mote_tensor_map(mote_custom_output(c, 0)), alpha = mote_custom_float(c, "alpha");
 *         for (int64_t i = 0; i < mote_tensor_count(mote_custom_input(c, 0)); i++)
 *             y[i] = alpha * x[i];
 *         return MOTE_OK;
 *     }
 *
 *     mote_custom_op op = MOTE_CUSTOM_OP_INIT;
 *     op.domain = "com.example", op.name = "Scaled", op.inputs = "X:T", op.outputs = "Y:T", op.types = "T:float32", op.attributes = "alpha:float=1";
 *     op.infer = infer, op.compute = compute;
 *     mote_custom_ops *ops;
 *     mote_custom_ops_create(NULL, &ops);
 *     mote_custom_ops_add(ops, &op, &diag);
 *     load_options.custom_ops = ops;                  // of as many models as you like
 *
 * Only an application registers operators, by these functions: nothing in a model file does. docs/custom-operators.md tells the whole story. The
 * rules of mote.h hold. */
#ifndef MOTE_MOTE_CUSTOM_H
#define MOTE_MOTE_CUSTOM_H

#include <mote/mote.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One call of an operator's function: its node, inputs, outputs and attributes. Owned by the library, valid until the function returns, used by the
 * thread that the function was called on; so is every pointer that the functions below give for it. */
typedef struct mote_custom_call mote_custom_call;

/* infer says the types of the outputs, compute makes them. Both return MOTE_OK, or what went wrong, with mote_custom_fail's message. A number that is
 * no mote_status counts as MOTE_E_ARGUMENT. Neither may call back into the session or model that it is called for, throw or longjmp. */
typedef mote_status (*mote_custom_fn)(void *user, mote_custom_call *call);

enum {
    MOTE_CUSTOM_DATA_SHAPE = 1,       /* the shape of an output is known only to compute, which gives it by mote_custom_set_output */
    MOTE_CUSTOM_NONDETERMINISTIC = 2, /* the same inputs may give other outputs: computed at every run, never at load, never once for two nodes */
};

/* An operator. Texts are copied.
 *
 * inputs, outputs: words "NAME:TYPE" in order, TYPE a name of `types` or of an element type (mote_dtype_name). A '?' after NAME: may be left out.
 * '*' after the last NAME: any number from 1 on, of one type; "**": of any types that TYPE allows; "?*", "?**": any number. Tensors only.
 * types: words "NAME:float32,float16,...", or "NAME:any": what stands for that name is one type in all inputs and outputs of a node. At most 8, of up to 7
 * letters.
 * attributes: words "NAME:KIND", KIND one of int, float, string, tensor, ints, floats, strings; "NAME:KIND!" must be given, "NAME:int=3",
 * "NAME:float=0.5", "NAME:string=linear" have a default (else 0 or ""). At most 24. A node with another attribute is refused.
 *
 * infer is called on the thread that loads a model, prepares or runs a session, with types that may be known in part; for the same inputs it must say
 * the same. Without infer (NULL) outputs have the types of their TYPE and MOTE_CUSTOM_DATA_SHAPE must be set. compute is called when the model is loaded
 * for inputs that are constants (unless NONDETERMINISTIC), and on the thread of a run. Both run on several threads at once when several sessions or loads do:
 * what `user` points to must stand that. */
typedef struct mote_custom_op {
    size_t struct_size;
    const char *domain;     /* "com.example"; "" or "ai.onnx": the standard's. Not "mote" */
    const char *name;
    int32_t since;          /* the first version of the domain's operator set that has it in this form, from 1 */
    const char *inputs, *outputs, *types, *attributes; /* NULL: none */
    uint32_t flags;         /* MOTE_CUSTOM_* */
    mote_custom_fn infer;   /* may be NULL */
    mote_custom_fn compute;
    void *user;             /* for both functions; borrowed until release */
    void (*release)(void *user); /* NULL, or called once when neither the registry nor a model needs the operator any longer; from any thread */
} mote_custom_op;
#define MOTE_CUSTOM_OP_INIT {sizeof(mote_custom_op), NULL, NULL, 1, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL}

/* An empty registry, for mote_load_options.custom_ops. `allocator` NULL: malloc; copied, its ctx must outlive the registry and every model that was loaded
 * with it. Returns MOTE_OK, MOTE_E_ARGUMENT or MOTE_E_MEMORY. */
MOTE_API mote_status mote_custom_ops_create(const mote_allocator *allocator, mote_custom_ops **out);
/* Adds an operator; the same name may be added for several values of `since`, and a node gets the newest that its operator set has. Returns MOTE_OK,
 * MOTE_E_MEMORY, or MOTE_E_ARGUMENT with what is wrong: a field out of its domain, a registration that is there already, or an operator that this
 * library has itself (a name of its own domains is free only where docs/operators.md does not list it). On failure `release` is not called. Not while
 * another thread adds to the registry or loads a model with it. */
MOTE_API mote_status mote_custom_ops_add(mote_custom_ops *ops, const mote_custom_op *op, mote_diag *diag);
/* Models that were loaded with it keep what they need. */
MOTE_API void mote_custom_ops_destroy(mote_custom_ops **ops);

/* ---- inside infer and compute -------------------------------------------------------------------------------- */

/* Inputs and outputs of the node, those left out included. */
MOTE_API size_t mote_custom_input_count(const mote_custom_call *call);
MOTE_API size_t mote_custom_output_count(const mote_custom_call *call);
/* NULL: left out, or no such input. In compute: a contiguous tensor, its memory aligned for its type; read only. In infer: dtype NONE, rank -1 and sizes
 * below 0 are what is not known (yet); a size below -1 stands for a named one: equal numbers are equal sizes, and may be passed on to an output. The
 * memory is there (mote_tensor_map gives it) where the value is known: a constant, or a small result of constants and shapes, and at a run whatever
 * infer could not do without. */
MOTE_API const mote_tensor *mote_custom_input(const mote_custom_call *call, size_t index);
/* In compute: the output, to be written in full; NULL when the model does not use it, there is no such output, or set_output has yet to give its shape.
 * In infer: NULL. */
MOTE_API mote_tensor *mote_custom_output(const mote_custom_call *call, size_t index);
/* Whether the node has this output (compute need not make one that it has not). */
MOTE_API bool mote_custom_wants(const mote_custom_call *call, size_t index);

/* In infer: the type of an output. dtype NONE: what `outputs` says; rank -1: not known; sizes of -1: not known. In compute: gives an output its shape
 * and memory, again and again if need be (contents are lost); where infer knew the shape it must be that. An output that the model does not use
 * is ignored. Returns MOTE_OK, MOTE_E_ARGUMENT (index, rank), MOTE_E_SHAPE (also a size below 0, or too large), MOTE_E_DTYPE, MOTE_E_LIMIT, MOTE_E_MEMORY, to
 * be returned by the caller. */
MOTE_API mote_status mote_custom_set_output(mote_custom_call *call, size_t index, mote_dtype dtype, int32_t rank, const int64_t *shape);
/* In compute: copies `length` bytes into element `element` of a string output (elements that are not set are empty). Returns MOTE_OK, MOTE_E_ARGUMENT,
 * MOTE_E_DTYPE, MOTE_E_LIMIT, MOTE_E_MEMORY. */
MOTE_API mote_status mote_custom_set_string(mote_custom_call *call, size_t index, size_t element, const char *data, size_t length);

/* Attributes: the node's, else the default. Of an attribute that was not registered, or of another kind: 0 or empty. */
MOTE_API bool mote_custom_has(const mote_custom_call *call, const char *attribute); /* given by the node */
MOTE_API int64_t mote_custom_int(const mote_custom_call *call, const char *attribute);
MOTE_API float mote_custom_float(const mote_custom_call *call, const char *attribute);
MOTE_API mote_string mote_custom_string(const mote_custom_call *call, const char *attribute);
MOTE_API const int64_t *mote_custom_ints(const mote_custom_call *call, const char *attribute, size_t *count);
MOTE_API const float *mote_custom_floats(const mote_custom_call *call, const char *attribute, size_t *count);
/* Element `element` of a list of strings, whose length is *count (may be NULL). */
MOTE_API mote_string mote_custom_strings(const mote_custom_call *call, const char *attribute, size_t element, size_t *count);
/* NULL when it is not given, or memory runs out. */
MOTE_API const mote_tensor *mote_custom_tensor(mote_custom_call *call, const char *attribute);

/* Memory until the function returns, 64-byte aligned, not zeroed, counted against the memory limit of the session (of the model in infer). NULL when there
 * is none; bytes may be 0. */
MOTE_API void *mote_custom_scratch(mote_custom_call *call, size_t bytes);
/* Counts a step of a long loop against the run's limit, and sees mote_session_cancel. Returns MOTE_OK, MOTE_E_CANCELLED or MOTE_E_LIMIT, to be returned. */
MOTE_API mote_status mote_custom_tick(mote_custom_call *call);

#if defined(__GNUC__)
#define MOTE_CUSTOM_PRINTF __attribute__((format(printf, 3, 4)))
#else
#define MOTE_CUSTOM_PRINTF
#endif
/* Says what went wrong, as printf does: the message of the caller's mote_diag, which names operator and node by itself. The first message stays.
 * Returns `status`. */
MOTE_API mote_status mote_custom_fail(mote_custom_call *call, mote_status status, const char *format, ...) MOTE_CUSTOM_PRINTF;

#ifdef __cplusplus
}
#endif
#endif
