/* pipeline.c - the ordered list of passes
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/pass.h"
#include <string.h>

/* ROW(function behind mote_pass_, machine form, what it does): in the order in which they run. */
#define PORTABLE(ROW)                                                                                                  \
    ROW(qlinear, false, "com.microsoft's operators on quantized tensors become standard ones")                         \
    ROW(contrib, false, "com.microsoft's fused operators become standard ones")                                        \
    ROW(expand, false, "standard operators that are functions of others, as those")                                    \
    ROW(fold, false, "what is the same at every run becomes a constant; branches of known conditions")                 \
    ROW(shapes, false, "shape arithmetic of shapes that are known in part")                                            \
    ROW(fold, false, "again, with these")                                                                              \
    ROW(identity, false, "operators that return their input, chains of reshapes and of transposes")                    \
    ROW(dead, false, "nodes, optional outputs and constants that nobody uses")                                         \
    ROW(cse, false, "equal constants and nodes once")                                                                  \
    ROW(einsum, false, "Einsum of two operands as transposes and a matrix product")                                    \
    ROW(contrib, false, "again, where ranks are known by now")                                                         \
    ROW(layernorm, false, "LayerNormalization from its parts")                                                         \
    ROW(gelu, false, "Gelu from its parts")                                                                            \
    ROW(hardswish, false, "HardSigmoid, HardSwish and Swish from their parts")                                         \
    ROW(conv_bn, false, "BatchNormalization, sums and products by channel into the weights before them")               \
    ROW(identity, false, "again, on what the others made")                                                             \
    ROW(dead, false, "again, after the others")

#define MACHINE(ROW)                                                                                                   \
    ROW(labels, true, "classifiers of trees number their classes, names behind them")                                  \
    ROW(linear, true, "linear models of ai.onnx.ml become matrix products")                                            \
    ROW(qsink, true, "dequantization moves behind operators that only move elements")                                  \
    ROW(qint, true, "islands between dequantization and quantization become integer forms")                            \
    ROW(qtable, true, "tables of unary functions join the integer form before them")                                   \
    ROW(qfloat, true, "integer products whose sums become float take scale and bias in")                              \
    ROW(widen, true, "products, convolutions, pools and attention of half floats in float")                            \
    ROW(shift, true, "Concat and Slices of a delay line become one shift")                                             \
    ROW(attention, true, "decompositions of attention into one operator")                                              \
    ROW(layout, true, "convolutions and pools channels last")                                                          \
    ROW(transposes, true, "transposes moved until they cancel")                                                        \
    ROW(pointwise, true, "convolutions of single pixels before what repeats pixels")                                   \
    ROW(views, true, "transposes that only move dimensions of 1 become reshapes")                                      \
    ROW(fuse_conv, true, "activations and residual sums into convolutions")                                            \
    ROW(fuse_gemm, true, "bias, sum and activation into matrix products")                                              \
    ROW(gate, true, "tanh of one half times sigmoid of the other")                                                     \
    ROW(add_layernorm, true, "sums into the layer normalization behind them")                                           \
    ROW(dead, true, "what nobody uses by now")

#define PASSES(ROW)                                                                                                    \
    PORTABLE(ROW)                                                                                                      \
    MACHINE(ROW)

#define DECLARE(name, lower, doc) mote_status mote_pass_##name(mote_pass_context *c);
PASSES(DECLARE)
#undef DECLARE

static const mote_pass list[] = {
#define ENTRY(name, lower, doc) {#name, lower, mote_pass_##name, doc},
    PASSES(ENTRY)
#undef ENTRY
    {NULL, false, NULL, NULL}};

const mote_pass *mote_pass_list(size_t *count)
{
    *count = sizeof list / sizeof list[0] - 1;
    return list;
}

static bool is_pass(const char *name, size_t n)
{
    for (const mote_pass *p = list; p->name != NULL; p++)
        if (strlen(p->name) == n && memcmp(p->name, name, n) == 0)
            return true;
    return false;
}

/* Whether a comma-separated list names `name`. */
static bool names(const char *text, const char *name)
{
    for (size_t n; text != NULL && *text != 0; text += n + (text[n] == ',')) {
        n = strcspn(text, ",");
        if (n == strlen(name) && memcmp(text, name, n) == 0)
            return true;
    }
    return false;
}

static mote_status check_names(const mote_pass_options *o, mote_diag *diag)
{
    const char *p = o->disabled == NULL ? "" : o->disabled;
    for (size_t n; *p != 0; p += n + (p[n] == ',')) {
        n = strcspn(p, ",");
        MOTE_REQUIRE((n == 3 && memcmp(p, "all", 3) == 0) || is_pass(p, n), diag, MOTE_E_ARGUMENT, "no pass '%.*s' to leave out", (int)n, p);
    }
    const char *stop = o->stop_after;
    MOTE_REQUIRE(stop == NULL || strcmp(stop, "simplify") == 0 || strcmp(stop, "assign") == 0 || strcmp(stop, "lower") == 0 || is_pass(stop, strlen(stop)), diag,
                 MOTE_E_ARGUMENT, "no stage '%s'", stop);
    return MOTE_OK;
}

static mote_status run_pass(const mote_pass *p, mote_pass_context *c)
{
    c->edits = 0;
    mote_status status = p->run(c);
    if (status == MOTE_OK && c->edits != 0) {
        status = mote_ops_resolve(c->module, c->diag);
        if (status == MOTE_OK)
            status = mote_infer_module(c->module, c->diag);
        if (status == MOTE_OK)
            status = mote_module_verify(c->module, c->diag);
    }
    return status;
}

mote_status mote_passes_run(mote_module *m, const mote_pass_options *o, mote_diag *diag)
{
    MOTE_TRY(check_names(o, diag));
    MOTE_TRY(mote_module_verify(m, diag));
    mote_pass_context c = {.module = m, .options = o, .diag = diag};
    const char *stop = o->stop_after != NULL ? o->stop_after : "";
    bool assigned = o->assign == NULL;
    for (const mote_pass *p = list; p->name != NULL || !assigned; p++) {
        if (!assigned && (p->name == NULL || p->lower)) {
            if (strcmp(stop, "simplify") == 0)
                return MOTE_OK;
            MOTE_TRY(o->assign(o->assign_ctx, m, diag));
            assigned = true;
        }
        if (p->name == NULL || (p->lower && (!o->lower || strcmp(stop, "simplify") == 0 || strcmp(stop, "assign") == 0)))
            break;
        if (!names(o->disabled, "all") && !names(o->disabled, p->name))
            MOTE_TRY(run_pass(p, &c));
        if (strcmp(stop, p->name) == 0)
            break;
    }
    return MOTE_OK;
}

static mote_status walk(mote_pass_context *c, mote_graph *g, mote_status (*fn)(mote_pass_context *c, mote_graph *g), int depth)
{
    MOTE_TRY(fn(c, g));
    for (mote_node *n = g->first; n != NULL; n = n->next)
        for (mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (depth > 0 && a->kind == MOTE_ATTR_GRAPH)
                MOTE_TRY(walk(c, a->g, fn, depth - 1));
            for (size_t i = 0; depth > 0 && a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                MOTE_TRY(walk(c, a->graphs[i], fn, depth - 1));
        }
    return MOTE_OK;
}

mote_status mote_pass_each_graph(mote_pass_context *c, mote_status (*fn)(mote_pass_context *c, mote_graph *g))
{
    return walk(c, c->module->graph, fn, MOTE_GRAPH_MAX_DEPTH);
}
