/* raise.c - standard operators of older sets, as newer ones say the same
 * SPDX-License-Identifier: Apache-2.0
 *
 * Quantized models need operator set 13 (scales by channel) or 21 (4 and 16 bits, blocks). Most operators only took more types since; for the rest,
 * attributes become inputs and defaults that changed are written down. What cannot be said in the newer set is an error that names the node. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "ops/op.h"
#include "passes/match.h"
#include <string.h>

typedef struct raise {
    mote_module *m;
    mote_diag *diag;
    int64_t version;
} raise;

/* An attribute of integers becomes input i. */
static mote_status ints_to_input(const raise *r, mote_node *n, const char *attr, uint32_t i, bool scalar)
{
    size_t count = 0;
    int64_t one;
    const int64_t *v = mote_node_ints(n, attr, &count);
    const mote_attr *a = mote_node_attr(n, attr);
    if (a == NULL)
        return MOTE_OK;
    if (a->kind == MOTE_ATTR_INT) {
        one = a->i;
        v = &one;
        count = 1;
    }
    mote_value *c = mote_graph_const_i64(n->graph, scalar ? 0 : 1, count, v);
    if (c == NULL)
        return MOTE_NO_MEMORY(r->diag, count * sizeof *v);
    if (n->n_in <= i)
        MOTE_TRY(mote_node_resize_inputs(n, i + 1));
    mote_node_set_input(n, i, c);
    mote_node_remove_attr(n, attr);
    return MOTE_OK;
}

/* A number becomes input i, of the type of input 0. */
static mote_status number_to_input(const raise *r, mote_node *n, double x, uint32_t i)
{
    const mote_dtype type = n->in[0].value->type.dtype;
    uint64_t bits = 0;
    MOTE_REQUIRE(mote_dtype_in(type, MOTE_DTYPES_FLOAT), r->diag, MOTE_E_UNSUPPORTED, "%.*s '%.*s': its element type is not known", MOTE_STR_ARG(n->op), MOTE_STR_ARG(n->name));
    mote_dtype_from_f64(type, &bits, 0, x);
    mote_value *c = mote_quant_constant(n->graph, type, 0, NULL, &bits);
    if (c == NULL)
        return MOTE_NO_MEMORY(r->diag, sizeof bits);
    if (n->n_in <= i)
        MOTE_TRY(mote_node_resize_inputs(n, i + 1));
    mote_node_set_input(n, i, c);
    return MOTE_OK;
}

static mote_status clip(const raise *r, mote_node *n, int32_t from)
{
    if (from >= 11)
        return MOTE_OK;
    static const char *const names[] = {"min", "max"};
    for (uint32_t i = 0; i < 2; i++)
        if (mote_node_attr(n, names[i]) != NULL) {
            MOTE_TRY(number_to_input(r, n, (double)mote_node_float(n, names[i], 0), i + 1));
            mote_node_remove_attr(n, names[i]);
        }
    return MOTE_OK;
}

static mote_status pad(const raise *r, mote_node *n, int32_t from)
{
    if (from >= 11)
        return MOTE_OK;
    MOTE_TRY(ints_to_input(r, n, "pads", 1, false));
    const float value = mote_node_float(n, "value", 0);
    mote_node_remove_attr(n, "value");
    return mote_str_is(mote_node_string(n, "mode", "constant"), "constant") ? number_to_input(r, n, (double)value, 2) : MOTE_OK;
}

static mote_status slice(const raise *r, mote_node *n, int32_t from)
{
    if (from >= 10)
        return MOTE_OK;
    MOTE_TRY(ints_to_input(r, n, "starts", 1, false));
    MOTE_TRY(ints_to_input(r, n, "ends", 2, false));
    return ints_to_input(r, n, "axes", 3, false);
}

static mote_status softmax(const raise *r, mote_node *n, int32_t from)
{
    if (from >= 13)
        return MOTE_OK;
    const mote_type *t = &n->in[0].value->type;
    int64_t axis = mote_node_int(n, "axis", 1);
    MOTE_REQUIRE(t->rank >= 0, r->diag, MOTE_E_UNSUPPORTED, "%.*s '%.*s': the rank of its input is not known", MOTE_STR_ARG(n->op), MOTE_STR_ARG(n->name));
    axis += axis < 0 ? t->rank : 0;
    for (int64_t d = axis + 1; d < t->rank; d++) /* older sets flatten from the axis on */
        MOTE_REQUIRE(t->dims[d] == 1, r->diag, MOTE_E_UNSUPPORTED, "%.*s '%.*s' is along several dimensions, which operator set 13 cannot say", MOTE_STR_ARG(n->op),
                     MOTE_STR_ARG(n->name));
    return mote_node_set_int(n, "axis", axis);
}

static mote_status split(const raise *r, mote_node *n, int32_t from)
{
    if (from < 13)
        MOTE_TRY(ints_to_input(r, n, "split", 1, false));
    if (r->version >= 18 && from < 18 && (n->n_in < 2 || n->in[1].value == NULL) && mote_node_attr(n, "num_outputs") == NULL)
        return mote_node_set_int(n, "num_outputs", n->n_out);
    return MOTE_OK;
}

static mote_status dropout(const raise *r, mote_node *n, int32_t from)
{
    (void)r;
    if (from < 12)
        mote_node_remove_attr(n, "ratio"); /* the identity in inference */
    return MOTE_OK;
}

static mote_status resize(const raise *r, mote_node *n, int32_t from)
{
    if (from >= 11)
        return MOTE_OK;
    mote_value *scales = n->n_in > 1 ? n->in[1].value : NULL;
    if (mote_str_is(n->op, "Upsample") && from < 9) {
        size_t count;
        const float *v = mote_node_floats(n, "scales", &count);
        const int64_t dims[1] = {(int64_t)count};
        scales = mote_quant_constant(n->graph, MOTE_DTYPE_F32, 1, dims, v);
        mote_node_remove_attr(n, "scales");
    }
    if (scales == NULL)
        return MOTE_NO_MEMORY(r->diag, 0);
    MOTE_TRY(mote_node_resize_inputs(n, 3));
    mote_node_set_input(n, 1, NULL);
    mote_node_set_input(n, 2, scales);
    n->op = MOTE_STR("Resize");
    n->def = NULL;
    MOTE_TRY(mote_node_set_string(n, "coordinate_transformation_mode", "asymmetric"));
    return mote_node_set_string(n, "nearest_mode", "floor");
}

static mote_status axes_13(const raise *r, mote_node *n, int32_t from) { return from < 13 ? ints_to_input(r, n, "axes", 1, false) : MOTE_OK; }
static mote_status axes_18(const raise *r, mote_node *n, int32_t from) { return from < 18 && r->version >= 18 ? ints_to_input(r, n, "axes", 1, false) : MOTE_OK; }
static mote_status top_k(const raise *r, mote_node *n, int32_t from) { return from < 10 ? ints_to_input(r, n, "k", 1, false) : MOTE_OK; }
static mote_status dft(const raise *r, mote_node *n, int32_t from)
{
    if (from >= 20 || r->version < 20)
        return MOTE_OK;
    if (mote_node_attr(n, "axis") == NULL)
        MOTE_TRY(mote_node_set_int(n, "axis", 1));
    return ints_to_input(r, n, "axis", 2, true);
}

/* What changed its meaning in a way that is not brought over. */
static mote_status refused(const raise *r, mote_node *n, int32_t from)
{
    (void)from;
    MOTE_FAIL(r->diag, MOTE_E_UNSUPPORTED, "%.*s '%.*s' of operator set %d means something else in %lld", MOTE_STR_ARG(n->op), MOTE_STR_ARG(n->name), (int)n->version,
              (long long)r->version);
}

static const struct {
    const char *op;
    int32_t since; /* nodes of this set or newer are as they should be */
    mote_status (*fn)(const raise *r, mote_node *n, int32_t from);
} changes[] = {{"Clip", 11, clip}, {"Pad", 11, pad}, {"Slice", 10, slice}, {"Softmax", 13, softmax}, {"LogSoftmax", 13, softmax}, {"Hardmax", 13, softmax},
               {"Split", 18, split}, {"Dropout", 12, dropout}, {"Resize", 11, resize}, {"Upsample", 11, resize}, {"Squeeze", 13, axes_13}, {"Unsqueeze", 13, axes_13},
               {"ReduceSum", 13, axes_13}, {"ReduceMean", 18, axes_18}, {"ReduceMax", 18, axes_18}, {"ReduceMin", 18, axes_18}, {"ReduceProd", 18, axes_18},
               {"ReduceL1", 18, axes_18}, {"ReduceL2", 18, axes_18}, {"ReduceLogSum", 18, axes_18}, {"ReduceLogSumExp", 18, axes_18}, {"ReduceSumSquare", 18, axes_18},
               {"TopK", 10, top_k}, {"DFT", 20, dft}, {"Scan", 9, refused}, {"GroupNormalization", 21, refused}};

static mote_status raise_graph(const raise *r, mote_graph *g, int depth)
{
    MOTE_REQUIRE(depth < MOTE_GRAPH_MAX_DEPTH, r->diag, MOTE_E_LIMIT, "graphs nested deeper than %d", MOTE_GRAPH_MAX_DEPTH);
    for (mote_node *n = g->first; n != NULL; n = n->next) {
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                MOTE_TRY(raise_graph(r, a->g, depth + 1));
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(raise_graph(r, a->graphs[i], depth + 1));
        }
        if (n->domain.n != 0 || n->version >= r->version)
            continue;
        const mote_op_def *now = mote_op_find_in(g->module, n->domain, n->op, r->version);
        if (now == n->def && now != NULL) {
            n->version = (int32_t)r->version;
            continue;
        }
        for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++)
            if (mote_str_is(n->op, changes[i].op) && n->version < changes[i].since && changes[i].since <= r->version) {
                MOTE_TRY(changes[i].fn(r, n, n->version));
                break;
            }
        n->version = (int32_t)r->version;
        n->def = NULL;
    }
    return MOTE_OK;
}

/* The newest set that a node already needs: simplification makes operators that older sets do not have. */
static int64_t newest(const mote_graph *g, int depth)
{
    int64_t version = 0;
    for (const mote_node *n = g->first; n != NULL && depth < MOTE_GRAPH_MAX_DEPTH; n = n->next) {
        if (n->domain.n == 0 && n->def != NULL && n->def->since > version)
            version = n->def->since;
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next)
            for (size_t i = 0, count = a->kind == MOTE_ATTR_GRAPHS ? a->n : a->kind == MOTE_ATTR_GRAPH; i < count; i++) {
                const int64_t inner = newest(a->kind == MOTE_ATTR_GRAPH ? a->g : a->graphs[i], depth + 1);
                version = inner > version ? inner : version;
            }
    }
    return version;
}

mote_status mote_quant_raise(mote_module *m, int64_t version, mote_diag *diag)
{
    const int64_t set = mote_module_opset(m, MOTE_STR("")), need = newest(m->graph, 0);
    raise r = {m, diag, set > version ? set : version};
    r.version = need > r.version ? need : r.version;
    MOTE_TRY(raise_graph(&r, m->graph, 0));
    for (size_t i = 0; i < m->n_opsets; i++)
        if (m->opsets[i].domain.n == 0)
            m->opsets[i].version = r.version;
    return MOTE_OK;
}
