/* cpu_unary.c - lowering of elementwise functions of one operand
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/quantize/quantize.h"
#include "kernels/unary/unary.h"
#include "provider/cpu/lower.h"
#include <math.h>
#include <string.h>

enum { BLOCK = 512, GRAIN = 8192 };

typedef struct unary_params {
    mote_unary_fn fn;
    const mote_convert_row *convert;
    mote_dtype dtype;
    bool clip; /* bounds are inputs 1 and 2 */
    float p[2];
    size_t n;
} unary_params;

typedef struct unary_job {
    const unary_params *u;
    const float *p;
    const void *x;
    void *y;
} unary_job;

static void unary_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const unary_job *j = ctx;
    const unary_params *u = j->u;
    if (u->dtype == MOTE_DTYPE_F32) {
        u->fn((const float *)j->x + begin, (float *)j->y + begin, end - begin, j->p);
        return;
    }
    float t[BLOCK];
    bool half = u->dtype == MOTE_DTYPE_F16;
    for (size_t i = begin, n; i < end; i += n) {
        n = end - i < BLOCK ? end - i : BLOCK;
        (half ? u->convert->f16_f32 : u->convert->bf16_f32)((const uint16_t *)j->x + i, t, n);
        u->fn(t, t, n, j->p);
        (half ? u->convert->f32_f16 : u->convert->f32_bf16)(t, (uint16_t *)j->y + i, n);
    }
}

static float scalar_of(const mote_array *a, float absent)
{
    return a == NULL || mote_array_count(a) == 0 ? absent : (float)mote_array_f64(a, 0);
}

static mote_status unary_run(const mote_step *step, mote_exec *x)
{
    const unary_params *u = step->params;
    float bounds[2] = {u->p[0], u->p[1]};
    if (u->clip) {
        bounds[0] = scalar_of(step->n_in > 1 ? step->in[1] : NULL, -INFINITY);
        bounds[1] = scalar_of(step->n_in > 2 ? step->in[2] : NULL, INFINITY);
    }
    unary_job j = {.u = u, .p = bounds, .x = step->in[0]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, u->n, GRAIN, unary_range, &j);
    return MOTE_OK;
}

typedef struct attribute {
    const char *name; /* NULL: `value` always */
    float value;
} attribute;

static const struct {
    const char *op;
    mote_unary id;
    attribute p[2];
} table[] = {
    {"Abs", MOTE_UNARY_ABS, {{NULL, 0}, {NULL, 0}}},
    {"Acos", MOTE_UNARY_ACOS, {{NULL, 0}, {NULL, 0}}},
    {"Acosh", MOTE_UNARY_ACOSH, {{NULL, 0}, {NULL, 0}}},
    {"Asin", MOTE_UNARY_ASIN, {{NULL, 0}, {NULL, 0}}},
    {"Asinh", MOTE_UNARY_ASINH, {{NULL, 0}, {NULL, 0}}},
    {"Atan", MOTE_UNARY_ATAN, {{NULL, 0}, {NULL, 0}}},
    {"Atanh", MOTE_UNARY_ATANH, {{NULL, 0}, {NULL, 0}}},
    {"Ceil", MOTE_UNARY_CEIL, {{NULL, 0}, {NULL, 0}}},
    {"Celu", MOTE_UNARY_CELU, {{"alpha", 1.0f}, {NULL, 0}}},
    {"Cos", MOTE_UNARY_COS, {{NULL, 0}, {NULL, 0}}},
    {"Cosh", MOTE_UNARY_COSH, {{NULL, 0}, {NULL, 0}}},
    {"Elu", MOTE_UNARY_ELU, {{"alpha", 1.0f}, {NULL, 1.0f}}},
    {"Erf", MOTE_UNARY_ERF, {{NULL, 0}, {NULL, 0}}},
    {"Exp", MOTE_UNARY_EXP, {{NULL, 0}, {NULL, 0}}},
    {"Floor", MOTE_UNARY_FLOOR, {{NULL, 0}, {NULL, 0}}},
    {"HardSigmoid", MOTE_UNARY_HARDSIGMOID, {{"alpha", 0.2f}, {"beta", 0.5f}}},
    {"HardSwish", MOTE_UNARY_HARDSWISH, {{NULL, 0}, {NULL, 0}}},
    {"LeakyRelu", MOTE_UNARY_LEAKYRELU, {{"alpha", 0.01f}, {NULL, 0}}},
    {"Log", MOTE_UNARY_LOG, {{NULL, 0}, {NULL, 0}}},
    {"Mish", MOTE_UNARY_MISH, {{NULL, 0}, {NULL, 0}}},
    {"Neg", MOTE_UNARY_NEG, {{NULL, 0}, {NULL, 0}}},
    {"Reciprocal", MOTE_UNARY_RECIPROCAL, {{NULL, 0}, {NULL, 0}}},
    {"Relu", MOTE_UNARY_RELU, {{NULL, 0}, {NULL, 0}}},
    {"Round", MOTE_UNARY_ROUND, {{NULL, 0}, {NULL, 0}}},
    {"Selu", MOTE_UNARY_ELU, {{"alpha", 1.67326319f}, {"gamma", 1.05070102f}}},
    {"Shrink", MOTE_UNARY_SHRINK, {{"lambd", 0.5f}, {"bias", 0.0f}}},
    {"Sigmoid", MOTE_UNARY_SIGMOID, {{NULL, 0}, {NULL, 0}}},
    {"Sign", MOTE_UNARY_SIGN, {{NULL, 0}, {NULL, 0}}},
    {"Sin", MOTE_UNARY_SIN, {{NULL, 0}, {NULL, 0}}},
    {"Sinh", MOTE_UNARY_SINH, {{NULL, 0}, {NULL, 0}}},
    {"Softplus", MOTE_UNARY_SOFTPLUS, {{NULL, 0}, {NULL, 0}}},
    {"Softsign", MOTE_UNARY_SOFTSIGN, {{NULL, 0}, {NULL, 0}}},
    {"Sqrt", MOTE_UNARY_SQRT, {{NULL, 0}, {NULL, 0}}},
    {"Swish", MOTE_UNARY_SWISH, {{"alpha", 1.0f}, {NULL, 0}}},
    {"Tan", MOTE_UNARY_TAN, {{NULL, 0}, {NULL, 0}}},
    {"Tanh", MOTE_UNARY_TANH, {{NULL, 0}, {NULL, 0}}},
    {"ThresholdedRelu", MOTE_UNARY_THRESHOLDEDRELU, {{"alpha", 1.0f}, {NULL, 0}}},
};

static mote_status lower_as(mote_lower *l, mote_unary op, float p0, float p1, bool clip)
{
    const mote_array *x = l->in[0];
    unary_params *u;
    if (l->out[0] == NULL || !mote_dtype_in(x->dtype, MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16)))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *u, (void **)&u));
    const mote_unary_row *row = mote_unary_select(op, l->cpu);
    *u = (unary_params){.fn = row->fn, .convert = mote_convert_select(l->cpu), .dtype = x->dtype, .clip = clip, .p = {p0, p1}, .n = mote_array_count(x)};
    l->run = unary_run;
    l->params = u;
    l->kernel = row->name;
    l->inplace = 1;
    return MOTE_OK;
}

static mote_status lower_unary(mote_lower *l)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (mote_str_is(l->node->op, table[i].op)) {
            const attribute *p = table[i].p;
            return lower_as(l, table[i].id, p[0].name != NULL ? mote_node_float(l->node, p[0].name, p[0].value) : p[0].value,
                            p[1].name != NULL ? mote_node_float(l->node, p[1].name, p[1].value) : p[1].value, false);
        }
    return MOTE_OK;
}

static mote_status lower_gelu(mote_lower *l)
{
    bool tanh_form = mote_str_is(mote_node_string(l->node, "approximate", "none"), "tanh");
    return lower_as(l, tanh_form ? MOTE_UNARY_GELU_TANH : MOTE_UNARY_GELU, 0, 0, false);
}

static mote_status lower_clip(mote_lower *l)
{
    if (l->node->def->since < 11)
        return lower_as(l, MOTE_UNARY_CLIP, mote_node_float(l->node, "min", -INFINITY), mote_node_float(l->node, "max", INFINITY), false);
    return lower_as(l, MOTE_UNARY_CLIP, 0, 0, true);
}

MOTE_LOWER(onnx, Clip, lower_clip)
MOTE_LOWER(onnx, Gelu, lower_gelu)
MOTE_LOWER(onnx, Abs, lower_unary)
MOTE_LOWER(onnx, Acos, lower_unary)
MOTE_LOWER(onnx, Acosh, lower_unary)
MOTE_LOWER(onnx, Asin, lower_unary)
MOTE_LOWER(onnx, Asinh, lower_unary)
MOTE_LOWER(onnx, Atan, lower_unary)
MOTE_LOWER(onnx, Atanh, lower_unary)
MOTE_LOWER(onnx, Ceil, lower_unary)
MOTE_LOWER(onnx, Celu, lower_unary)
MOTE_LOWER(onnx, Cos, lower_unary)
MOTE_LOWER(onnx, Cosh, lower_unary)
MOTE_LOWER(onnx, Elu, lower_unary)
MOTE_LOWER(onnx, Erf, lower_unary)
MOTE_LOWER(onnx, Exp, lower_unary)
MOTE_LOWER(onnx, Floor, lower_unary)
MOTE_LOWER(onnx, HardSigmoid, lower_unary)
MOTE_LOWER(onnx, HardSwish, lower_unary)
MOTE_LOWER(onnx, LeakyRelu, lower_unary)
MOTE_LOWER(onnx, Log, lower_unary)
MOTE_LOWER(onnx, Mish, lower_unary)
MOTE_LOWER(onnx, Neg, lower_unary)
MOTE_LOWER(onnx, Reciprocal, lower_unary)
MOTE_LOWER(onnx, Relu, lower_unary)
MOTE_LOWER(onnx, Round, lower_unary)
MOTE_LOWER(onnx, Selu, lower_unary)
MOTE_LOWER(onnx, Shrink, lower_unary)
MOTE_LOWER(onnx, Sigmoid, lower_unary)
MOTE_LOWER(onnx, Sign, lower_unary)
MOTE_LOWER(onnx, Sin, lower_unary)
MOTE_LOWER(onnx, Sinh, lower_unary)
MOTE_LOWER(onnx, Softplus, lower_unary)
MOTE_LOWER(onnx, Softsign, lower_unary)
MOTE_LOWER(onnx, Sqrt, lower_unary)
MOTE_LOWER(onnx, Swish, lower_unary)
MOTE_LOWER(onnx, Tan, lower_unary)
MOTE_LOWER(onnx, Tanh, lower_unary)
MOTE_LOWER(onnx, ThresholdedRelu, lower_unary)
