/* activation.c - operators that are functions of kernels/unary
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/fuse.h"
#include "passes/match.h"
#include <math.h>

typedef struct param {
    const char *attr; /* NULL: always `value` */
    float value;
} param;

static const struct {
    const char *op, *name;
    param p[2];
} table[] = {
    {"Celu", "celu", {{"alpha", 1.0f}, {NULL, 0}}},
    {"Elu", "elu", {{"alpha", 1.0f}, {NULL, 1.0f}}},
    {"HardSigmoid", "hardsigmoid", {{"alpha", 0.2f}, {"beta", 0.5f}}},
    {"HardSwish", "hardswish", {{NULL, 0}, {NULL, 0}}},
    {"LeakyRelu", "leakyrelu", {{"alpha", 0.01f}, {NULL, 0}}},
    {"Mish", "mish", {{NULL, 0}, {NULL, 0}}},
    {"Relu", "relu", {{NULL, 0}, {NULL, 0}}},
    {"Selu", "elu", {{"alpha", 1.67326319f}, {"gamma", 1.05070102f}}},
    {"Sigmoid", "sigmoid", {{NULL, 0}, {NULL, 0}}},
    {"Softplus", "softplus", {{NULL, 0}, {NULL, 0}}},
    {"Softsign", "softsign", {{NULL, 0}, {NULL, 0}}},
    {"Swish", "swish", {{"alpha", 1.0f}, {NULL, 0}}},
    {"Tanh", "tanh", {{NULL, 0}, {NULL, 0}}},
    {"ThresholdedRelu", "thresholdedrelu", {{"alpha", 1.0f}, {NULL, 0}}},
};

/* A bound of Clip: absent, or a constant. */
static bool bound(const mote_node *n, uint32_t i, float absent, float *out)
{
    double x = absent;
    if (mote_match_in(n, i) != NULL && !mote_match_number(mote_match_in(n, i), &x))
        return false;
    *out = (float)x;
    return true;
}

static bool clip_of(const mote_node *n, mote_activation *a)
{
    a->name = "clip";
    if (n->def->since >= 11)
        return bound(n, 1, -INFINITY, &a->p[0]) && bound(n, 2, INFINITY, &a->p[1]);
    a->p[0] = mote_node_float(n, "min", -INFINITY);
    a->p[1] = mote_node_float(n, "max", INFINITY);
    return true;
}

bool mote_activation_of(const mote_node *n, mote_activation *a)
{
    *a = (mote_activation){.name = NULL};
    if (n == NULL || n->domain.n != 0 || n->def == NULL || n->n_in == 0 || n->n_out != 1 || n->in[0].value == NULL || n->out[0] == NULL ||
        n->in[0].value->type.dtype != MOTE_DTYPE_F32)
        return false;
    if (mote_str_is(n->op, "Clip"))
        return clip_of(n, a);
    if (mote_str_is(n->op, "Gelu")) {
        a->name = mote_str_is(mote_node_string(n, "approximate", "none"), "tanh") ? "gelu_tanh" : "gelu";
        return true;
    }
    double slope;
    if (mote_str_is(n->op, "PRelu") && n->n_in == 2 && mote_match_number(n->in[1].value, &slope) &&
        n->in[1].value->type.rank <= n->in[0].value->type.rank) {
        *a = (mote_activation){"leakyrelu", {(float)slope, 0}};
        return true;
    }
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (mote_str_is(n->op, table[i].op)) {
            a->name = table[i].name;
            for (int k = 0; k < 2; k++) {
                const param *p = &table[i].p[k];
                a->p[k] = p->attr != NULL ? mote_node_float(n, p->attr, p->value) : p->value;
            }
            return true;
        }
    return false;
}
