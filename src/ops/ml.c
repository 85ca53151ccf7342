/* ml.c - what the operators of ai.onnx.ml share: lists, categories, scores
 * SPDX-License-Identifier: Apache-2.0
 *
 * The inverse error function: S. Winitzki, A handy approximation for the error function and its inverse (2008), with a = 0.147, as onnxruntime has
 * it. */
#include "base/platform.h"
#include "kernels/softmax/softmax.h"
#include "ops/ml.h"
#include "ops/scalar.h"
#include "ops/select.h"

/* ---- lists ---- */

mote_ml_list mote_ml_list_array(const mote_array *a) { return (mote_ml_list){a->dtype, mote_array_count(a), a->data != NULL ? a->data : "", false}; }

static mote_ml_list list_of_attr(const mote_attr *a)
{
    switch (a->kind) {
    case MOTE_ATTR_STRINGS: return (mote_ml_list){MOTE_DTYPE_STRING, a->n, a->strings != NULL ? (const void *)a->strings : "", true};
    case MOTE_ATTR_INTS: return (mote_ml_list){MOTE_DTYPE_S64, a->n, a->ints != NULL ? (const void *)a->ints : "", false};
    case MOTE_ATTR_FLOATS: return (mote_ml_list){MOTE_DTYPE_F32, a->n, a->floats != NULL ? (const void *)a->floats : "", false};
    default: return mote_ml_list_array(a->t);
    }
}

mote_status mote_ml_list_of(const mote_node *n, const mote_ml_names *names, mote_ml_list *out, mote_diag *diag)
{
    const char *const all[4] = {names->strings, names->ints, names->floats, names->tensor};
    const char *first = NULL;
    *out = (mote_ml_list){0};
    for (size_t k = 0; k < 4; k++) {
        const mote_attr *a = all[k] != NULL ? mote_node_attr(n, all[k]) : NULL;
        if (a == NULL || (a->kind != MOTE_ATTR_TENSOR && a->n == 0)) /* an empty list stands for none: exporters write all of them */
            continue;
        MOTE_REQUIRE(first == NULL, diag, MOTE_E_MODEL, "both %s and %s are given", first, all[k]);
        first = all[k];
        *out = list_of_attr(a);
        MOTE_REQUIRE(a->kind != MOTE_ATTR_TENSOR || a->t->rank <= 1, diag, MOTE_E_SHAPE, "%s has rank %d, expected 1", first, (int)a->t->rank);
    }
    return MOTE_OK;
}

mote_str mote_ml_string(const mote_ml_list *l, size_t i)
{
    if (l->views)
        return ((const mote_str *)l->data)[i];
    const mote_string *s = (const mote_string *)l->data + i;
    return (mote_str){s->data, s->length};
}

void mote_ml_copy(const mote_ml_list *l, size_t i, mote_array *to, size_t k)
{
    if (l->dtype == MOTE_DTYPE_STRING) {
        const mote_str s = mote_ml_string(l, i);
        ((mote_string *)to->data)[k] = (mote_string){s.p, s.n};
        return;
    }
    const size_t size = mote_dtype_bits(l->dtype) / 8;
    memcpy((char *)to->data + k * size, (const char *)l->data + i * size, size);
}

/* ---- categories ---- */

static uint64_t key_of(const mote_ml_list *l, size_t i)
{
    return mote_dtype_in(l->dtype, MOTE_DTYPES_FLOAT) ? mote_key_f64(mote_dtype_to_f64(l->dtype, l->data, i))
                                                      : (uint64_t)mote_dtype_to_i64(l->dtype, l->data, i);
}

static size_t place_of(const mote_ml_finder *f, const mote_ml_list *l, size_t i)
{
    if (l->dtype == MOTE_DTYPE_STRING)
        return (size_t)mote_str_hash_keyed(f->seed, mote_ml_string(l, i)) & f->mask;
    return (size_t)(((key_of(l, i) ^ f->seed.k0) * (f->seed.k1 | 1)) >> 32) & f->mask; /* multiply and shift, under the key */
}

static bool equal(const mote_ml_list *a, size_t i, const mote_ml_list *b, size_t k)
{
    return a->dtype == MOTE_DTYPE_STRING ? mote_str_eq(mote_ml_string(a, i), mote_ml_string(b, k)) : key_of(a, i) == key_of(b, k);
}

mote_status mote_ml_finder_init(mote_ml_finder *f, mote_arena *temp, const mote_ml_list *keys, size_t asked, mote_diag *diag)
{
    *f = (mote_ml_finder){.keys = *keys, .mask = 15};
    if (asked < 4 || keys->n < 4)
        return MOTE_OK;
    while (f->mask / 2 < keys->n)
        f->mask = f->mask * 2 + 1;
    f->seed = mote_hash_key_make(f);
    f->slots = mote_temp(temp, f->mask + 1, sizeof *f->slots, diag);
    if (f->slots == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < keys->n; i++) {
        size_t at = place_of(f, keys, i);
        while (f->slots[at] != 0 && !equal(keys, f->slots[at] - 1, keys, i))
            at = (at + 1) & f->mask;
        f->slots[at] = i + 1;
    }
    return MOTE_OK;
}

size_t mote_ml_find(const mote_ml_finder *f, const mote_ml_list *l, size_t i)
{
    if (f->slots == NULL) {
        for (size_t k = f->keys.n; k-- > 0;)
            if (equal(&f->keys, k, l, i))
                return k;
        return f->keys.n;
    }
    size_t at = place_of(f, l, i);
    while (f->slots[at] != 0 && !equal(&f->keys, f->slots[at] - 1, l, i))
        at = (at + 1) & f->mask;
    return f->slots[at] != 0 ? f->slots[at] - 1 : f->keys.n;
}

/* ---- scores ---- */

mote_status mote_ml_post_of(const mote_node *n, mote_ml_post *post, mote_diag *diag)
{
    static const char *const names[] = {"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"};
    const mote_str name = mote_node_string(n, "post_transform", "NONE");
    for (int k = 0; k < 5; k++)
        if (mote_str_is(name, names[k])) {
            *post = (mote_ml_post)k;
            return MOTE_OK;
        }
    MOTE_FAIL(diag, MOTE_E_VALUE, "post_transform is '%.*s', expected NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO or PROBIT", MOTE_STR_ARG(name));
}

static float erf_inverse(float x)
{
    const float sign = x < 0 ? -1.0f : 1.0f, l = scalar_log_f32((1 - x) * (1 + x)), a = 2 / (3.14159f * 0.147f) + 0.5f * l;
    return sign * sqrtf(-a + sqrtf(a * a - 1 / 0.147f * l));
}

/* The scores that are 0 stay so, and do not count. */
static void softmax_zero(float *x, size_t n)
{
    float top = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) {
        const bool zero = fabsf(x[i]) <= 1e-7f;
        x[i] = zero ? x[i] * scalar_exp_f32(-top) : scalar_exp_f32(x[i] - top);
        sum += zero ? 0 : x[i];
    }
    for (size_t i = 0; i < n && sum != 0; i++)
        x[i] /= sum;
}

void mote_ml_transform(mote_ml_post post, float *x, size_t n)
{
    switch (post) {
    case MOTE_ML_NONE: break;
    case MOTE_ML_SOFTMAX: mote_softmax_select(false, 0)->rows(x, x, 1, n); break;
    case MOTE_ML_SOFTMAX_ZERO: softmax_zero(x, n); break;
    case MOTE_ML_LOGISTIC:
        for (size_t i = 0; i < n; i++)
            x[i] = scalar_sigmoid_f32(x[i]);
        break;
    case MOTE_ML_PROBIT:
        for (size_t i = 0; i < n; i++)
            x[i] = 1.41421356f * erf_inverse(2 * x[i] - 1);
        break;
    }
}

static double probit_f64(double p)
{
    const double x = 2 * p - 1, l = log((1 - x) * (1 + x)), a = 2 / (3.14159 * 0.147) + 0.5 * l;
    return 1.41421356 * copysign(sqrt(-a + sqrt(a * a - l / 0.147)), x);
}

static void softmax_f64(double *x, size_t n, bool zero)
{
    double top = -(double)INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++)
        top = x[i] > top ? x[i] : top;
    for (size_t i = 0; i < n; i++) {
        const bool stays = zero && fabs(x[i]) <= 1e-7;
        x[i] = stays ? x[i] * exp(-top) : exp(x[i] - top);
        sum += stays ? 0 : x[i];
    }
    for (size_t i = 0; i < n && sum != 0; i++)
        x[i] /= sum;
}

void mote_ml_transform_f64(mote_ml_post post, double *x, size_t n)
{
    if (post == MOTE_ML_SOFTMAX || post == MOTE_ML_SOFTMAX_ZERO)
        softmax_f64(x, n, post == MOTE_ML_SOFTMAX_ZERO);
    for (size_t i = 0; i < n && (post == MOTE_ML_LOGISTIC || post == MOTE_ML_PROBIT); i++)
        x[i] = post == MOTE_ML_LOGISTIC ? scalar_sigmoid_f64(x[i]) : probit_f64(x[i]);
}

mote_status mote_ml_matrix(const mote_array *x, size_t *rows, size_t *columns, mote_diag *diag)
{
    MOTE_REQUIRE(x->rank == 1 || x->rank == 2, diag, MOTE_E_SHAPE, "X has rank %d, expected 1 or 2", (int)x->rank);
    *rows = x->rank == 2 ? (size_t)x->dims[0] : 1;
    *columns = (size_t)x->dims[x->rank - 1];
    return MOTE_OK;
}
