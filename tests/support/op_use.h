/* op_use.h - one use of an operator as an ONNX file, right or made wrong in a place
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TESTS_OP_USE_H
#define MOTE_TESTS_OP_USE_H

#include "graph/graph.h"
#include "onnx_build.h"

enum { MAX_IN = 13, MAX_ATTRS = 20, MAX_OUT = 6, MAX_DIMS = 10 };

typedef struct input {
    bool here;
    mote_kind kind;  /* a sequence or optional is made of tensors by a node before */
    int items;       /* of a sequence; all are alike, but for the last if odd_type or odd_rank say so */
    bool odd_type, odd_rank;
    mote_dtype dtype;
    int rank;
    int64_t dims[MAX_DIMS];
    mote_array from; /* values, taken around as often as needed */
    bool filled;     /* all (or the first) elements are this instead */
    bool first_only;
    double fill;
    int64_t fill_int;
    const char *text;
} input;

/* What is changed in a graph of an attribute. */
typedef enum body_change {
    BODY_AS_IS, BODY_OUTPUT_LESS, BODY_OUTPUT_MORE, BODY_INPUT_LESS, BODY_INPUT_MORE, BODY_OUTPUT_UNKNOWN, BODY_NO_OUTPUT, BODY_OUTPUT_TYPE, BODY_OUTPUT_RANK,
    BODY_INPUT_TYPE, BODY_OUTPUT_SEQUENCE, BODY_CHANGES
} body_change;

typedef struct attribute {
    const char *name;
    mote_attr_kind kind;
    mote_attr value;
    body_change change;
} attribute;

/* in, n_in ...: the node "the_node"; values are named in0, in1, ... and out0, out1, ... */
typedef struct job {
    const struct mote_op_def *def;
    int opset;
    const char *op, *domain;
    int64_t domain_version;
    int n_in, n_out, n_attrs;
    input in[MAX_IN];
    attribute attrs[MAX_ATTRS];
} job;

bool op_use_integer(mote_dtype t);
/* How many tensors an input is made of, and the k-th. */
int op_use_items(const input *in);
input op_use_item(const input *in, int k);
/* Whether the tensor is an initializer even where inputs are asked for. */
bool op_use_fixed(const input *in);
/* The elements of a tensor, to free; NULL for strings. */
void *op_use_data(const input *in, size_t *count, size_t *bytes);
/* The file. constant: all tensors are initializers, else the main graph's inputs in order. */
pb op_use_file(const job *j, bool constant);

#endif
