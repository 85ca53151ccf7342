/* ms_fused.c - com.microsoft: Gelu, FastGelu, QuickGelu, BiasGelu, FusedMatMul, FusedConv, FusedGemm, SkipLayerNormalization, EmbedLayerNormalization
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnxruntime's ContribOperators documentation, version 1.32. Where a standard operator is a part of one, its inference and evaluation are
 * borrowed. */
#include "base/platform.h"
#include "kernels/norm/norm.h"
#include "ops/map.h"
#include "ops/ms.h"
#include "ops/scalar.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

/* ---- standard operators inside ---- */

typedef struct borrowed {
    mote_node node;
    mote_attr attrs[2];
} borrowed;

/* A node like n that is a standard operator: with n's attributes, or with those of an activation. */
static void borrow(borrowed *b, const mote_node *n, const char *op, int32_t version, const mote_ms_activation *a)
{
    b->node = *n;
    b->node.op = mote_str_c(op);
    b->node.domain = MOTE_STR("");
    b->node.version = version;
    b->node.def = mote_op_find(b->node.domain, b->node.op, version);
    if (a == NULL)
        return;
    b->node.attrs = a->n > 0 ? &b->attrs[0] : NULL;
    for (size_t i = 0; i < a->n; i++)
        b->attrs[i] = (mote_attr){.name = mote_str_c(a->names[i]), .kind = MOTE_ATTR_FLOAT, .n = 1, .f = a->values[i], .next = i + 1 < a->n ? &b->attrs[i + 1] : NULL};
}

static mote_status borrow_infer(mote_infer *c, const char *op, int32_t version, uint32_t n_in, const mote_type *const *in)
{
    borrowed b;
    mote_infer sub = *c;
    borrow(&b, c->node, op, version, NULL);
    sub.node = &b.node;
    sub.n_in = c->n_in < n_in ? c->n_in : n_in;
    sub.in = in;
    return b.node.def->infer(&sub);
}

static mote_status borrow_eval(mote_eval *c, const char *op, int32_t version, const mote_ms_activation *a, uint32_t n_in, const mote_array *const *in)
{
    borrowed b;
    mote_eval sub = *c;
    borrow(&b, c->node, op, version, a);
    sub.node = &b.node;
    sub.n_in = n_in;
    sub.in = in;
    return b.node.def->eval(&sub);
}

/* Output 0 = a standard operator's of output 0. */
static mote_status activate(mote_eval *c, mote_arena *temp)
{
    mote_ms_activation a;
    mote_array x = *c->out[0];
    const mote_array *in = &x;
    MOTE_TRY(mote_ms_activation_of(c->node, &a, c->diag));
    if (a.op == NULL || mote_array_count(&x) == 0)
        return MOTE_OK;
    x.data = mote_temp(temp, x.bytes, 1, c->diag);
    if (x.data == NULL)
        return MOTE_E_MEMORY;
    memcpy(x.data, c->out[0]->data, x.bytes);
    return borrow_eval(c, a.op, a.version, &a, 1, &in);
}

mote_status mote_ms_activation_of(const mote_node *n, mote_ms_activation *a, mote_diag *diag)
{
    static const struct {
        const char *op;
        int32_t version;
        size_t n;
        const char *names[2];
        float values[2];
    } known[] = {{"Relu", 14, 0, {NULL, NULL}, {0, 0}},
                 {"Tanh", 13, 0, {NULL, NULL}, {0, 0}},
                 {"Sigmoid", 13, 0, {NULL, NULL}, {0, 0}},
                 {"LeakyRelu", 16, 1, {"alpha", NULL}, {0.01f, 0}},
                 {"HardSigmoid", 6, 2, {"alpha", "beta"}, {0.2f, 0.5f}},
                 {"HardSwish", 14, 0, {NULL, NULL}, {0, 0}},
                 {"Clip", 6, 2, {"min", "max"}, {-3.402823466e+38f, 3.402823466e+38f}},
                 {"Elu", 6, 1, {"alpha", NULL}, {1.0f, 0}},
                 {"Softplus", 1, 0, {NULL, NULL}, {0, 0}},
                 {"Softsign", 1, 0, {NULL, NULL}, {0, 0}},
                 {"ThresholdedRelu", 10, 1, {"alpha", NULL}, {1.0f, 0}}};
    const mote_str name = mote_node_string(n, "activation", "");
    *a = (mote_ms_activation){.op = NULL};
    if (name.n == 0)
        return MOTE_OK;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (!mote_str_is(name, known[i].op))
            continue;
        *a = (mote_ms_activation){known[i].op, known[i].version, known[i].n, {known[i].names[0], known[i].names[1]}, {known[i].values[0], known[i].values[1]}};
        size_t given;
        const float *params = mote_node_floats(n, "activation_params", &given);
        for (size_t k = 0; k < a->n; k++)
            a->values[k] = params != NULL && k < given ? params[k] : mote_node_float(n, k == 0 ? "activation_alpha" : "activation_beta", a->values[k]);
        return MOTE_OK;
    }
    return mote_fail(diag, MOTE_E_UNSUPPORTED, "activation '%.*s' is not known", MOTE_STR_ARG(name));
}

/* ---- Gelu, FastGelu, QuickGelu, BiasGelu ---- */

static mote_status infer_gelu(mote_infer *c)
{
    const mote_type *x = c->in[0];
    if (mote_infer_ranked(c, 1)) {
        MOTE_REQUIRE(c->in[1]->rank == 1, c->diag, MOTE_E_SHAPE, "the bias has rank %d, expected 1", c->in[1]->rank);
        MOTE_REQUIRE(x->rank != 0, c->diag, MOTE_E_SHAPE, "the input is a scalar, expected rank 1 or more");
        MOTE_REQUIRE(x->rank < 0 || mote_dim_may_equal(c->in[1]->dims[0], x->dims[x->rank - 1]), c->diag, MOTE_E_SHAPE, "the bias has %lld values, expected %lld",
                     (long long)c->in[1]->dims[0], (long long)x->dims[x->rank - 1]);
    }
    return mote_infer_like(c);
}


static double gelu_erf(double x, double p)
{
    (void)p;
    return x * 0.5 * (1 + erf(x * 0.70710678118654752440));
}

static double gelu_tanh(double x, double p)
{
    (void)p;
    return x * 0.5 * (1 + tanh(0.79788456080286535588 * (x + 0.044715 * x * x * x)));
}

static double gelu_quick(double x, double p) { return x * scalar_sigmoid_f64(p * x); }

static mote_status gelu(mote_eval *c, mote_arena *temp, mote_unary op, double (*f64)(double, double), float p)
{
    const mote_array *xa = c->in[0], *ba = mote_eval_has(c, 1) ? c->in[1] : NULL;
    const size_t count = mote_array_count(xa), n = ba != NULL ? mote_array_count(ba) : 1;
    if (count == 0)
        return MOTE_OK;
    MOTE_REQUIRE(ba == NULL || (int64_t)n == xa->dims[xa->rank - 1], c->diag, MOTE_E_SHAPE, "the bias has %zu values, expected %lld", n,
                 (long long)xa->dims[xa->rank - 1]);
    const void *x = mote_widen(temp, xa), *b = ba != NULL ? mote_widen(temp, ba) : NULL;
    void *y = mote_wide_output(temp, c->out[0]);
    if (x == NULL || y == NULL || (ba != NULL && b == NULL))
        return MOTE_NO_MEMORY(c->diag, xa->bytes);
    if (mote_class_of(xa->dtype) == MOTE_CLASS_F64) {
        for (size_t i = 0; i < count; i++)
            ((double *)y)[i] = f64(((const double *)x)[i] + (b != NULL ? ((const double *)b)[i % n] : 0), (double)p);
    } else {
        const float params[2] = {p, 0};
        for (size_t i = 0; i < count && b != NULL; i += n)
            for (size_t k = 0; k < n; k++)
                ((float *)y)[i + k] = ((const float *)x)[i + k] + ((const float *)b)[k];
        mote_unary_select(op, 0)->fn(b != NULL ? y : x, y, count, params);
    }
    mote_narrow(c->out[0], y);
    return MOTE_OK;
}

static mote_status eval_gelu_temp(mote_eval *c, mote_arena *temp) { return gelu(c, temp, MOTE_UNARY_GELU, gelu_erf, 0); }
static mote_status eval_fast_temp(mote_eval *c, mote_arena *temp) { return gelu(c, temp, MOTE_UNARY_GELU_TANH, gelu_tanh, 0); }
static mote_status eval_quick_temp(mote_eval *c, mote_arena *temp) { return gelu(c, temp, MOTE_UNARY_SWISH, gelu_quick, mote_node_float(c->node, "alpha", 1.702f)); }
MOTE_EVAL_TEMP(eval_gelu)
MOTE_EVAL_TEMP(eval_fast)
MOTE_EVAL_TEMP(eval_quick)

#define FLOATS .types = MOTE_TYPES({"T", MOTE_DTYPES_FLOAT, 0})
MOTE_OP(ms, Gelu, 1, .in = "X:T", .out = "Y:T", FLOATS, .flags = MOTE_OP_ELEMENTWISE, .infer = infer_gelu, .eval = eval_gelu, .doc = MOTE_DOC("y = x/2 (1 + erf(x / sqrt 2))"));
MOTE_OP(ms, FastGelu, 1, .in = "X:T bias?:T", .out = "Y:T", FLOATS, .infer = infer_gelu, .eval = eval_fast, .doc = MOTE_DOC("Gelu of x + bias, by tanh"));
MOTE_OP(ms, QuickGelu, 1, .in = "X:T", .out = "Y:T", FLOATS, .flags = MOTE_OP_ELEMENTWISE, .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.702f)), .infer = infer_gelu,
        .eval = eval_quick, .doc = MOTE_DOC("y = x sigmoid(alpha x)"));
MOTE_OP(ms, BiasGelu, 1, .in = "A:T B:T", .out = "C:T", FLOATS, .infer = infer_gelu, .eval = eval_gelu, .doc = MOTE_DOC("Gelu of a + b"));

/* ---- FusedMatMul ---- */

bool mote_ms_matmul_perm(const mote_node *n, uint32_t i, int32_t rank, int64_t *perm)
{
    const bool trans = mote_node_int(n, i == 0 ? "transA" : "transB", 0) != 0 && rank >= 2;
    const bool batch = mote_node_int(n, i == 0 ? "transBatchA" : "transBatchB", 0) != 0 && rank >= 3;
    for (int32_t d = 0; d < rank; d++)
        perm[d] = d;
    for (int32_t d = 0; batch && d + 1 < rank; d++)
        perm[d] = d + 2 < rank ? d + 1 : 0;
    if (trans) {
        const int64_t last = perm[rank - 1];
        perm[rank - 1] = perm[rank - 2];
        perm[rank - 2] = last;
    }
    return trans || batch;
}

static mote_status infer_matmul(mote_infer *c)
{
    mote_type t[2];
    const mote_type *in[2] = {&t[0], &t[1]};
    for (uint32_t i = 0; i < 2; i++) {
        int64_t perm[MOTE_MAX_RANK];
        t[i] = *c->in[i];
        if (t[i].rank >= 0 && mote_ms_matmul_perm(c->node, i, t[i].rank, perm))
            for (int32_t d = 0; d < t[i].rank; d++)
                t[i].dims[d] = c->in[i]->dims[perm[d]];
    }
    return borrow_infer(c, "MatMul", 13, 2, in);
}

static mote_status eval_matmul_temp(mote_eval *c, mote_arena *temp)
{
    mote_array a[2];
    const mote_array *in[2] = {&a[0], &a[1]};
    for (uint32_t i = 0; i < 2; i++) {
        const mote_array *x = c->in[i];
        int64_t perm[MOTE_MAX_RANK], from[MOTE_MAX_RANK], turned[MOTE_MAX_RANK], to[MOTE_MAX_RANK];
        a[i] = *x;
        if (!mote_ms_matmul_perm(c->node, i, x->rank, perm) || mote_array_count(x) == 0)
            continue;
        mote_strides_of(x->rank, x->dims, from);
        for (int32_t d = 0; d < x->rank; d++) {
            a[i].dims[d] = x->dims[perm[d]];
            turned[d] = from[perm[d]];
        }
        mote_strides_of(x->rank, a[i].dims, to);
        a[i].data = mote_temp(temp, x->bytes, 1, c->diag);
        if (a[i].data == NULL)
            return MOTE_E_MEMORY;
        mote_copy_block(a[i].data, to, x->data, turned, x->rank, a[i].dims, mote_dtype_bits(x->dtype) / 8);
    }
    MOTE_TRY(borrow_eval(c, "MatMul", 13, NULL, 2, in));
    const float alpha = mote_node_float(c->node, "alpha", 1.0f);
    mote_array *y = c->out[0];
    const size_t n = mote_array_count(y);
    if (alpha == 1.0f || n == 0)
        return MOTE_OK;
    void *wide = mote_class_of(y->dtype) == MOTE_CLASS_F64 || y->dtype == MOTE_DTYPE_F32 ? y->data : mote_temp(temp, n, sizeof(float), c->diag);
    if (wide == NULL)
        return MOTE_E_MEMORY;
    if (wide != y->data)
        mote_elements_load(y->dtype, y->data, 0, 1, n, wide);
    for (size_t i = 0; i < n; i++)
        if (y->dtype == MOTE_DTYPE_F64)
            ((double *)wide)[i] *= (double)alpha;
        else
            ((float *)wide)[i] *= alpha;
    mote_narrow(y, wide);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_matmul)

MOTE_OP(ms, FusedMatMul, 1, .in = "A:T B:T", .out = "Y:T", FLOATS,
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("alpha", 1.0f), MOTE_A_INT("transA", 0), MOTE_A_INT("transB", 0), MOTE_A_INT("transBatchA", 0), MOTE_A_INT("transBatchB", 0)),
        .infer = infer_matmul, .eval = eval_matmul, .doc = MOTE_DOC("y = alpha A' B'"));

/* ---- FusedConv, FusedGemm ---- */

static mote_status infer_conv(mote_infer *c)
{
    mote_ms_activation a;
    MOTE_TRY(mote_ms_activation_of(c->node, &a, c->diag));
    MOTE_TRY(borrow_infer(c, "Conv", 11, 3, c->in));
    if (mote_infer_ranked(c, 3) && c->out[0].rank >= 0) {
        MOTE_REQUIRE(c->in[3]->rank == c->out[0].rank, c->diag, MOTE_E_SHAPE, "Z has rank %d, expected %d", c->in[3]->rank, c->out[0].rank);
        for (int32_t d = 0; d < c->out[0].rank; d++)
            MOTE_REQUIRE(mote_dim_may_equal(c->in[3]->dims[d], c->out[0].dims[d]), c->diag, MOTE_E_SHAPE, "Z has %lld in dimension %d, expected %lld",
                         (long long)c->in[3]->dims[d], d, (long long)c->out[0].dims[d]);
    }
    return MOTE_OK;
}

static mote_status eval_conv_temp(mote_eval *c, mote_arena *temp)
{
    mote_array *y = c->out[0];
    MOTE_TRY(borrow_eval(c, "Conv", 11, NULL, c->n_in < 3 ? c->n_in : 3, c->in));
    if (mote_eval_has(c, 3) && mote_array_count(y) != 0) {
        mote_array sum = *y;
        const mote_array *in[2] = {&sum, c->in[3]};
        MOTE_REQUIRE(mote_array_same_shape(y, c->in[3]), c->diag, MOTE_E_SHAPE, "Z has another shape than Y");
        sum.data = mote_temp(temp, sum.bytes, 1, c->diag);
        if (sum.data == NULL)
            return MOTE_E_MEMORY;
        memcpy(sum.data, y->data, sum.bytes);
        const mote_ms_activation none = {.op = "Add"};
        MOTE_TRY(borrow_eval(c, "Add", 14, &none, 2, in));
    }
    return activate(c, temp);
}
MOTE_EVAL_TEMP(eval_conv)

static mote_status infer_gemm(mote_infer *c)
{
    mote_ms_activation a;
    MOTE_TRY(mote_ms_activation_of(c->node, &a, c->diag));
    return borrow_infer(c, "Gemm", 13, 3, c->in);
}

static mote_status eval_gemm_temp(mote_eval *c, mote_arena *temp)
{
    MOTE_TRY(borrow_eval(c, "Gemm", 13, NULL, c->n_in, c->in));
    return activate(c, temp);
}
MOTE_EVAL_TEMP(eval_gemm)

MOTE_OP(ms, FusedConv, 1, .in = "X:T W:T B?:T Z?:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(STRING, "activation"), MOTE_A(FLOATS, "activation_params"), MOTE_A_STRING("auto_pad", "NOTSET"), MOTE_A(INTS, "dilations"),
                  MOTE_A_INT("group", 1), MOTE_A(INTS, "kernel_shape"), MOTE_A(INTS, "pads"), MOTE_A(INTS, "strides")),
        .infer = infer_conv, .eval = eval_conv, .doc = MOTE_DOC("y = act(Conv(X, W, B) + Z)"));
MOTE_OP(ms, FusedGemm, 1, .in = "A:T B:T C?:T", .out = "Y:T", .types = MOTE_TYPES({"T", MOTE_T_FLOAT_7, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(STRING, "activation"), MOTE_A(FLOAT, "activation_alpha"), MOTE_A(FLOAT, "activation_beta"), MOTE_A(FLOAT, "activation_gamma"),
                  MOTE_A_FLOAT("alpha", 1.0f), MOTE_A_FLOAT("beta", 1.0f), MOTE_A_INT("transA", 0), MOTE_A_INT("transB", 0)),
        .infer = infer_gemm, .eval = eval_gemm, .doc = MOTE_DOC("y = act(alpha A' B' + beta C)"));

/* ---- SkipLayerNormalization, SkipSimplifiedLayerNormalization ---- */

static bool is_simplified(const mote_node *n) { return mote_str_is(n->op, "SkipSimplifiedLayerNormalization"); }

static mote_status infer_skip(mote_infer *c)
{
    const mote_type *x = c->in[0], *skip = c->in[1];
    MOTE_REQUIRE(x->rank < 0 || x->rank >= 1, c->diag, MOTE_E_SHAPE, "input is a scalar, expected rank 2 or 3");
    if (x->rank >= 0 && skip->rank >= 0) {
        MOTE_REQUIRE(skip->rank >= 1 && skip->rank <= x->rank, c->diag, MOTE_E_SHAPE, "skip has rank %d, expected at most %d", skip->rank, x->rank);
        for (int32_t d = 0; d < skip->rank; d++)
            MOTE_REQUIRE(mote_dim_may_equal(skip->dims[d], x->dims[x->rank - skip->rank + d]) || (d == 0 && skip->rank == x->rank && x->rank == 3 && skip->dims[0] == 1),
                         c->diag, MOTE_E_SHAPE, "skip has %lld in dimension %d, expected %lld", (long long)skip->dims[d], d,
                         (long long)x->dims[x->rank - skip->rank + d]);
    }
    for (uint32_t i = 2; i < c->n_in; i++)
        MOTE_REQUIRE(!mote_infer_ranked(c, i) || (c->in[i]->rank == 1 && (x->rank < 0 || mote_dim_may_equal(c->in[i]->dims[0], x->dims[x->rank - 1]))), c->diag,
                     MOTE_E_SHAPE, "input %u has another shape than [%lld]", i, x->rank < 0 ? -1LL : (long long)x->dims[x->rank - 1]);
    mote_type stats = *x;
    if (stats.rank > 0)
        stats.dims[stats.rank - 1] = 1;
    mote_infer_out(c, 0, x->dtype, x->rank, x->dims);
    mote_infer_out(c, 1, MOTE_DTYPE_F32, stats.rank, stats.dims);
    mote_infer_out(c, 2, MOTE_DTYPE_F32, stats.rank, stats.dims);
    mote_infer_out(c, 3, x->dtype, x->rank, x->dims);
    return MOTE_OK;
}

/* Input i as floats, of n values; *p NULL when it is absent. */
static mote_status row_of(mote_eval *c, mote_arena *temp, uint32_t i, size_t n, const float **p)
{
    *p = NULL;
    if (!mote_eval_has(c, i))
        return MOTE_OK;
    MOTE_REQUIRE(mote_array_count(c->in[i]) == n, c->diag, MOTE_E_SHAPE, "input %u has %zu values, expected %zu", i, mote_array_count(c->in[i]), n);
    *p = mote_widen_f32(temp, c->in[i]);
    return *p == NULL ? MOTE_NO_MEMORY(c->diag, n) : MOTE_OK;
}

static mote_status eval_skip_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *xa = c->in[0], *sa = c->in[1];
    const bool rms = is_simplified(c->node);
    const size_t count = mote_array_count(xa), n = (size_t)xa->dims[xa->rank - 1], rows = n == 0 ? 0 : count / n, skips = mote_array_count(sa);
    if (count == 0)
        return MOTE_OK;
    MOTE_REQUIRE(skips != 0 && count % skips == 0 && skips % n == 0, c->diag, MOTE_E_SHAPE, "skip has %zu values, which do not fit the %zu of input", skips, count);
    const float *scale, *beta = NULL, *bias, *x = mote_widen(temp, xa), *skip = mote_widen(temp, sa);
    float *sum = mote_temp(temp, count, sizeof *sum, c->diag), *y = mote_temp(temp, n, sizeof *y, c->diag);
    MOTE_TRY(row_of(c, temp, 2, n, &scale));
    if (!rms)
        MOTE_TRY(row_of(c, temp, 3, n, &beta));
    MOTE_TRY(row_of(c, temp, rms ? 3 : 4, n, &bias));
    if (x == NULL || skip == NULL || sum == NULL || y == NULL)
        return MOTE_NO_MEMORY(c->diag, xa->bytes);
    const mote_norm_row *norm = mote_norm_select(0);
    for (size_t r = 0; r < rows; r++) {
        float *row = sum + r * n, mean, inv;
        for (size_t k = 0; k < n; k++)
            row[k] = x[r * n + k] + skip[(r * n) % skips + k];
        for (size_t k = 0; bias != NULL && k < n; k++)
            row[k] += bias[k];
        (rms ? norm->rms : norm->layer)(row, scale, beta, y, 1, n, mote_node_float(c->node, "epsilon", 1e-12f), &mean, &inv);
        if (c->out[0] != NULL)
            mote_elements_store(c->out[0]->dtype, c->out[0]->data, r * n, n, y);
        if (c->n_out > 1 && c->out[1] != NULL)
            ((float *)c->out[1]->data)[r] = rms ? 0.0f : mean;
        if (c->n_out > 2 && c->out[2] != NULL)
            ((float *)c->out[2]->data)[r] = inv;
    }
    if (c->n_out > 3 && c->out[3] != NULL)
        mote_elements_store(c->out[3]->dtype, c->out[3]->data, 0, count, sum);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_skip)

#define SKIP_T (MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16))
#define SKIP(inputs)                                                                                                   \
    .in = inputs, .out = "output:T mean?:float inv_std_var?:float input_skip_bias_sum?:T", .types = MOTE_TYPES({"T", SKIP_T, 0}), \
    .attrs = MOTE_ATTRS(MOTE_A_FLOAT("epsilon", 1e-12f)), .infer = infer_skip, .eval = eval_skip
MOTE_OP(ms, SkipLayerNormalization, 1, SKIP("input:T skip:T gamma:T beta?:T bias?:T"), .doc = MOTE_DOC("layer normalization of input + skip + bias over the last axis"));
MOTE_OP(ms, SkipSimplifiedLayerNormalization, 1, SKIP("input:T skip:T gamma:T bias?:T"), .doc = MOTE_DOC("RMS normalization of input + skip + bias over the last axis"));

/* ---- EmbedLayerNormalization ---- */

enum { IDS, SEGMENTS, WORDS, POSITIONS, SEGMENT_TABLE, GAMMA, BETA, EMBED_MASK, POSITION_IDS };

static mote_status infer_embed(mote_infer *c)
{
    const mote_type *ids = c->in[IDS], *words = c->in[WORDS];
    MOTE_REQUIRE(ids->rank < 0 || ids->rank == 2, c->diag, MOTE_E_SHAPE, "input_ids has rank %d, expected 2", ids->rank);
    for (uint32_t i = WORDS; i <= SEGMENT_TABLE; i++)
        MOTE_REQUIRE(!mote_infer_ranked(c, i) || (c->in[i]->rank == 2 && (words->rank != 2 || mote_dim_may_equal(c->in[i]->dims[1], words->dims[1]))), c->diag,
                     MOTE_E_SHAPE, "input %u is not a table with rows as word_embedding's", i);
    MOTE_REQUIRE(mote_infer_has(c, SEGMENTS) == mote_infer_has(c, SEGMENT_TABLE), c->diag, MOTE_E_MODEL,
                 "one of segment_ids and segment_embedding is there, expected both or none");
    int64_t dims[3] = {MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN, MOTE_DIM_UNKNOWN};
    if (ids->rank == 2)
        dims[0] = ids->dims[0], dims[1] = ids->dims[1];
    if (words->rank == 2)
        dims[2] = words->dims[1];
    mote_infer_out(c, 0, words->dtype, 3, dims);
    mote_infer_out(c, 1, MOTE_DTYPE_S32, 1, dims);
    mote_infer_out(c, 2, words->dtype, 3, dims);
    return MOTE_OK;
}

/* row += the row of a table that id names */
static mote_status add_row(mote_eval *c, const mote_array *table, int64_t id, const char *what, float *row, float *one, size_t n)
{
    MOTE_REQUIRE(id >= 0 && id < table->dims[0], c->diag, MOTE_E_VALUE, "%s has %lld, expected 0 to %lld", what, (long long)id, (long long)table->dims[0] - 1);
    mote_elements_load(table->dtype, table->data, (size_t)id * n, 1, n, one);
    for (size_t k = 0; k < n; k++)
        row[k] += one[k];
    return MOTE_OK;
}

static mote_status eval_embed_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *ids = c->in[IDS], *at = mote_eval_has(c, POSITION_IDS) ? c->in[POSITION_IDS] : NULL, *segments = c->in[SEGMENTS];
    const mote_array *mask = mote_eval_has(c, EMBED_MASK) ? c->in[EMBED_MASK] : NULL;
    const size_t batch = (size_t)ids->dims[0], s = (size_t)ids->dims[1], n = (size_t)c->in[WORDS]->dims[1], tokens = batch * s;
    const size_t places = at != NULL ? mote_array_count(at) : 0;
    MOTE_REQUIRE(segments == NULL || mote_array_count(segments) == tokens, c->diag, MOTE_E_SHAPE, "segment_ids has another shape than input_ids");
    MOTE_REQUIRE(mask == NULL || mote_array_count(mask) == tokens, c->diag, MOTE_E_SHAPE, "mask has another shape than input_ids");
    MOTE_REQUIRE(at == NULL || places == tokens || places == s, c->diag, MOTE_E_SHAPE, "position_ids has %zu values, expected %zu", places, tokens);
    for (uint32_t i = POSITIONS; i <= SEGMENT_TABLE; i++)
        MOTE_REQUIRE(c->in[i] == NULL || (size_t)c->in[i]->dims[1] == n, c->diag, MOTE_E_SHAPE, "input %u has rows of %lld, expected %zu", i,
                     (long long)(c->in[i] == NULL ? 0 : c->in[i]->dims[1]), n);
    const float *gamma, *beta;
    MOTE_TRY(row_of(c, temp, GAMMA, n, &gamma));
    MOTE_TRY(row_of(c, temp, BETA, n, &beta));
    float *row = mote_temp(temp, 3 * n + 1, sizeof *row, c->diag);
    if (row == NULL)
        return MOTE_E_MEMORY;
    for (size_t t = 0; t < tokens && n != 0; t++) {
        memset(row, 0, n * sizeof *row);
        MOTE_TRY(add_row(c, c->in[WORDS], mote_array_i64(ids, t), "input_ids", row, row + n, n));
        const int64_t place = at == NULL ? (int64_t)(t % s) : mote_array_i64(at, places == tokens ? t : t % s);
        MOTE_TRY(add_row(c, c->in[POSITIONS], place, "position_ids", row, row + n, n));
        if (segments != NULL)
            MOTE_TRY(add_row(c, c->in[SEGMENT_TABLE], mote_array_i64(segments, t), "segment_ids", row, row + n, n));
        mote_norm_select(0)->layer(row, gamma, beta, row + 2 * n, 1, n, mote_node_float(c->node, "epsilon", 1e-12f), NULL, NULL);
        if (c->out[0] != NULL)
            mote_elements_store(c->out[0]->dtype, c->out[0]->data, t * n, n, row + 2 * n);
        if (c->n_out > 2 && c->out[2] != NULL)
            mote_elements_store(c->out[2]->dtype, c->out[2]->data, t * n, n, row);
    }
    for (size_t b = 0; c->n_out > 1 && c->out[1] != NULL && b < batch; b++) {
        int32_t ones = 0;
        for (size_t i = 0; mask != NULL && i < s; i++)
            ones += mote_array_i64(mask, b * s + i) == 1;
        ((int32_t *)c->out[1]->data)[b] = ones;
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_embed)

MOTE_OP(ms, EmbedLayerNormalization, 1,
        .in = "input_ids:int32 segment_ids?:int32 word_embedding:T position_embedding:T segment_embedding?:T gamma:T beta:T mask?:int32 position_ids?:int32",
        .out = "output:T mask_index?:int32 embedding_sum?:T", .types = MOTE_TYPES({"T", MOTE_DT(F32) | MOTE_DT(F16), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_FLOAT("epsilon", 1e-12f), MOTE_A(INT, "mask_index_type")), .infer = infer_embed, .eval = eval_embed,
        .doc = MOTE_DOC("layer normalization of the sum of a token's, its place's and its segment's row"));
