/* attend.c - attention row by row (attend.h)
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: Vaswani et al., Attention Is All You Need, arXiv 1706.03762, section 3.2. Products ascend over d and s, one fma a term from 0. */
#include "base/platform.h"
#include "kernels/softmax/softmax.h"
#include "ops/attend.h"
#include "ops/scalar.h"
#include <string.h>

void mote_attend_steps_4d(size_t *step, size_t heads, size_t rows, size_t n)
{
    step[0] = heads * rows * n;
    step[1] = rows * n;
    step[2] = n;
}

void mote_attend_steps_3d(size_t *step, size_t heads, size_t rows, size_t n)
{
    step[0] = rows * heads * n;
    step[1] = n;
    step[2] = heads * n;
}

mote_status mote_attend_bias(mote_attend *a, const mote_array *bias, bool short_ok, const char *name, mote_diag *diag)
{
    const size_t dims[4] = {a->batch, a->heads, a->l, a->s};
    size_t product = 1;
    MOTE_REQUIRE(bias->rank <= 4, diag, MOTE_E_SHAPE, "%s has rank %d, expected at most 4", name, bias->rank);
    a->bias = true;
    a->bias_s = a->s;
    for (int32_t i = 3; i >= 0; i--) {
        const int32_t own = i - (4 - bias->rank);
        const size_t n = own >= 0 ? (size_t)bias->dims[own] : 1;
        const bool is_short = i == 3 && short_ok && own >= 0 && n < dims[3];
        MOTE_REQUIRE(n == dims[i] || n == 1 || is_short, diag, MOTE_E_SHAPE, "%s has %zu in dimension %d, expected %zu or 1", name, n, own, dims[i]);
        if (is_short)
            a->bias_s = n;
        a->bias_step[i] = n == 1 && !is_short ? 0 : product;
        product *= n;
    }
    return MOTE_OK;
}

void mote_attend_join(void *to, const void *past, const void *now, const size_t *step, size_t batch, size_t heads, size_t rows, size_t n_past, size_t n_new,
                      size_t n, size_t element_bytes)
{
    uint8_t *y = to;
    const uint8_t *p = past, *x = now;
    const size_t row = n * element_bytes;
    if (row == 0)
        return;
    for (size_t b = 0; b < batch; b++)
        for (size_t h = 0; h < heads; h++, y += rows * row) {
            if (p != NULL && n_past != 0)
                memmove(y, p + (b * heads + h) * n_past * row, n_past * row);
            const uint8_t *from = x + (b * step[0] + h * step[1]) * element_bytes;
            for (size_t i = 0; i < n_new; i++)
                memcpy(y + (n_past + i) * row, from + i * step[2] * element_bytes, row);
        }
}

const void *mote_attend_bias_values(mote_arena *temp, const mote_array *mask, bool is_f64)
{
    const size_t n = mote_array_count(mask);
    if (mask->dtype != MOTE_DTYPE_BOOL && mote_class_of(mask->dtype) == (is_f64 ? MOTE_CLASS_F64 : MOTE_CLASS_F32))
        return mote_widen(temp, mask);
    void *p = mote_arena_calloc(temp, n == 0 ? 1 : n, is_f64 ? sizeof(double) : sizeof(float));
    for (size_t i = 0; p != NULL && i < n; i++) {
        const double x = mask->dtype != MOTE_DTYPE_BOOL ? mote_array_f64(mask, i) : ((const uint8_t *)mask->data)[i] != 0 ? 0.0 : -INFINITY;
        if (is_f64)
            ((double *)p)[i] = x;
        else
            ((float *)p)[i] = (float)x;
    }
    return p;
}

/* x in the class of t, as if stored in t */
static void round_f32(float *x, size_t n, mote_dtype t)
{
    uint16_t block[64];
    for (size_t i = 0, m; i < n && (t == MOTE_DTYPE_F16 || t == MOTE_DTYPE_BF16); i += m) {
        m = mote_min_size(n - i, 64);
        mote_elements_store(t, block, 0, m, x + i);
        mote_elements_load(t, block, 0, 1, m, x + i);
    }
}

static void round_f64(double *x, size_t n, mote_dtype t)
{
    for (size_t i = 0; i < n && t != MOTE_DTYPE_F64 && t != MOTE_DTYPE_NONE; i++) {
        float f = (float)x[i];
        round_f32(&f, 1, t);
        x[i] = (double)f;
    }
}

static void cap_f32(float *x, size_t n, float cap)
{
    for (size_t i = 0; i < n; i++)
        x[i] /= cap;
    mote_unary_f32_f32_tanh_ref(x, x, n, NULL);
    for (size_t i = 0; i < n; i++)
        x[i] *= cap;
}

static void cap_f64(double *x, size_t n, float cap)
{
    for (size_t i = 0; i < n; i++)
        x[i] = tanh(x[i] / (double)cap) * (double)cap;
}

/* softmax of n scores and one more that has no value; extra -inf: there is none */
static void softmax_f32(float *x, size_t n, float extra)
{
    if (extra == -INFINITY) {
        mote_softmax_select(false, 0)->rows(x, x, n == 0 ? 0 : 1, n);
        return;
    }
    float max = extra;
    for (size_t i = 0; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++)
        x[i] -= max;
    mote_unary_f32_f32_exp_ref(x, x, n, NULL);
    const float by = 1.0f / (mote_sum16(x, n) + scalar_exp_f32(extra - max));
    for (size_t i = 0; i < n; i++)
        x[i] *= by;
}

static void softmax_f64(double *x, size_t n, float extra)
{
    double max = (double)extra, sum;
    for (size_t i = 0; i < n; i++)
        max = x[i] > max ? x[i] : max;
    for (size_t i = 0; i < n; i++)
        x[i] = exp(x[i] - max);
    sum = mote_sum16_f64(x, n) + (extra == -INFINITY ? 0.0 : exp((double)extra - max));
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

/* row: s scores; what is outside [lo, hi) is computed only where the scores are given out */
#define PARTS(T, suffix, FMA)                                                                                          \
    static void products_##suffix(const T *q, const T *k, size_t k_step, size_t d, T scale, size_t from, size_t to, T *row) \
    {                                                                                                                  \
        for (size_t j = from; j < to; j++) {                                                                           \
            const T *key = k + j * k_step;                                                                             \
            T acc = 0;                                                                                                 \
            for (size_t t = 0; t < d; t++)                                                                             \
                acc = FMA(q[t], key[t], acc);                                                                          \
            row[j] = acc * scale;                                                                                      \
        }                                                                                                              \
    }                                                                                                                  \
    static void values_##suffix(const T *row, const T *v, size_t v_step, size_t e, size_t from, size_t to, T *y)        \
    {                                                                                                                  \
        for (size_t t = 0; t < e; t++)                                                                                 \
            y[t] = 0;                                                                                                  \
        for (size_t j = from; j < to; j++)                                                                             \
            for (size_t t = 0; t < e; t++)                                                                             \
                y[t] = FMA(row[j], v[j * v_step + t], y[t]);                                                           \
    }
PARTS(float, f32, fmaf)
PARTS(double, f64, fma)

#define ATTEND(T, suffix, FMA)                                                                                         \
    static void keep_##suffix(const mote_attend *a, const mote_attend_data *x, mote_attend_stage stage, size_t at, const T *row) \
    {                                                                                                                  \
        if (x->scores != NULL && x->stage == stage)                                                                    \
            memcpy((T *)x->scores + at * a->s, row, a->s * sizeof(T));                                                  \
    }                                                                                                                  \
    static void attend_##suffix(const mote_attend *a, const mote_attend_data *x, size_t b, size_t h, size_t i, T *row)  \
    {                                                                                                                  \
        const size_t hk = h / (a->heads / a->kv_heads), at = (b * a->heads + h) * a->l + i;                            \
        const T *q = (const T *)x->q + b * a->q[0] + h * a->q[1] + i * a->q[2], *k = (const T *)x->k + b * a->k[0] + hk * a->k[1]; \
        const T *v = (const T *)x->v + b * a->v[0] + hk * a->v[1];                                                      \
        T *y = (T *)x->y + b * a->y[0] + h * a->y[1] + i * a->y[2];                                                     \
        size_t lo, hi;                                                                                                 \
        mote_attend_range(a, x->offset[b], x->valid[b], i, &lo, &hi);                                                  \
        const size_t from = x->scores != NULL ? 0 : lo, to = x->scores != NULL ? a->s : hi;                            \
        products_##suffix(q, k, a->k[2], a->d, (T)a->scale, from, to, row);                                            \
        keep_##suffix(a, x, MOTE_ATTEND_PRODUCT, at, row);                                                             \
        if (a->softcap > 0)                                                                                            \
            cap_##suffix(row + from, to - from, a->softcap);                                                           \
        keep_##suffix(a, x, MOTE_ATTEND_CAPPED, at, row);                                                              \
        bool seen = !a->bias && lo < hi;                                                                               \
        const T *bias = a->bias ? (const T *)x->bias + b * a->bias_step[0] + h * a->bias_step[1] + i * a->bias_step[2] : NULL; \
        for (size_t j = lo; bias != NULL && j < hi; j++) {                                                             \
            const T add = bias[j * a->bias_step[3]];                                                                   \
            seen = seen || add != -(T)INFINITY;                                                                        \
            row[j] = add == -(T)INFINITY ? add : row[j] + add;                                                         \
        }                                                                                                              \
        for (size_t j = from; j < lo; j++)                                                                             \
            row[j] = -(T)INFINITY;                                                                                     \
        for (size_t j = hi; j < to; j++)                                                                               \
            row[j] = -(T)INFINITY;                                                                                     \
        keep_##suffix(a, x, MOTE_ATTEND_BIASED, at, row);                                                              \
        if (seen) {                                                                                                    \
            round_##suffix(row + lo, hi - lo, x->round);                                                               \
            softmax_##suffix(row + lo, hi - lo, x->sinks != NULL ? x->sinks[h] : a->smooth ? 0.0f : -INFINITY);        \
            round_##suffix(row + lo, hi - lo, x->round);                                                               \
        } else {                                                                                                       \
            lo = hi = 0;                                                                                               \
        }                                                                                                              \
        if (x->scores != NULL && x->stage == MOTE_ATTEND_SOFTMAX) {                                                    \
            memset(row, 0, lo * sizeof(T));                                                                            \
            memset(row + hi, 0, (a->s - hi) * sizeof(T));                                                              \
            keep_##suffix(a, x, MOTE_ATTEND_SOFTMAX, at, row);                                                         \
        }                                                                                                              \
        values_##suffix(row, v, a->v[2], a->e, lo, hi, y);                                                             \
    }
ATTEND(float, f32, fmaf)
ATTEND(double, f64, fma)

mote_status mote_attend_run(const mote_attend *a, const mote_attend_data *x, bool is_f64, mote_arena *temp, mote_diag *diag)
{
    void *row = mote_temp(temp, a->s + 1, is_f64 ? sizeof(double) : sizeof(float), diag);
    if (row == NULL)
        return MOTE_E_MEMORY;
    for (size_t b = 0; b < a->batch; b++)
        for (size_t h = 0; h < a->heads; h++)
            for (size_t i = 0; i < a->l; i++)
                if (is_f64)
                    attend_f64(a, x, b, h, i, row);
                else
                    attend_f32(a, x, b, h, i, row);
    return MOTE_OK;
}

/* row i of head h of batch b of x->scores, and those of q, k, v, y that belong to it */
#define ROWS(T, suffix)                                                                                                \
    static void each_##suffix(const mote_attend *a, const mote_attend_data *x, int part)                                \
    {                                                                                                                  \
        T *row = x->scores;                                                                                            \
        for (size_t b = 0; b < a->batch; b++)                                                                          \
            for (size_t h = 0; h < a->heads; h++)                                                                      \
                for (size_t i = 0; i < a->l; i++, row += a->s) {                                                       \
                    const size_t hk = h / (a->heads / a->kv_heads);                                                    \
                    if (part == 0)                                                                                     \
                        products_##suffix((const T *)x->q + b * a->q[0] + h * a->q[1] + i * a->q[2], (const T *)x->k + b * a->k[0] + hk * a->k[1], a->k[2], \
                                          a->d, (T)a->scale, 0, a->s, row);                                            \
                    else if (part == 1)                                                                                \
                        softmax_##suffix(row, a->s, -INFINITY);                                                        \
                    else                                                                                               \
                        values_##suffix(row, (const T *)x->v + b * a->v[0] + hk * a->v[1], a->v[2], a->e, 0, a->s,      \
                                        (T *)x->y + b * a->y[0] + h * a->y[1] + i * a->y[2]);                           \
                }                                                                                                      \
    }
ROWS(float, f32)
ROWS(double, f64)

static void each(const mote_attend *a, const mote_attend_data *x, bool is_f64, int part)
{
    if (is_f64)
        each_f64(a, x, part);
    else
        each_f32(a, x, part);
}

void mote_attend_products(const mote_attend *a, const mote_attend_data *x, bool is_f64) { each(a, x, is_f64, 0); }
void mote_attend_softmax(const mote_attend *a, const mote_attend_data *x, bool is_f64) { each(a, x, is_f64, 1); }
void mote_attend_values(const mote_attend *a, const mote_attend_data *x, bool is_f64) { each(a, x, is_f64, 2); }
