/* norm_tmpl.h - the bodies of norm.h; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/vec/vec_rows_tmpl.h"

/* sum of (x - mean)^2 in lanes */
VF vf norm_sumsq(const float *x, size_t n, vf mean)
{
    vf a = vf_set(0.0f);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        vf d = vf_sub(vf_load(x + i), mean);
        a = vf_fma(d, d, a);
    }
    if (i < n) {
        vf d = vf_sub(vec_load_fill(x + i, n - i, mean), mean);
        a = vf_fma(d, d, a);
    }
    return a;
}
VF void norm_sumsq4(const float *x, size_t n, const float *mean, vf *acc)
{
    vf a = vf_set(0.0f), b = a, c = a, d = a, t;
    const vf ma = vf_set(mean[0]), mb = vf_set(mean[1]), mc = vf_set(mean[2]), md = vf_set(mean[3]);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        t = vf_sub(vf_load(x + i), ma), a = vf_fma(t, t, a);
        t = vf_sub(vf_load(x + n + i), mb), b = vf_fma(t, t, b);
        t = vf_sub(vf_load(x + 2 * n + i), mc), c = vf_fma(t, t, c);
        t = vf_sub(vf_load(x + 3 * n + i), md), d = vf_fma(t, t, d);
    }
    if (i < n) {
        size_t w = n - i;
        t = vf_sub(vec_load_fill(x + i, w, ma), ma), a = vf_fma(t, t, a);
        t = vf_sub(vec_load_fill(x + n + i, w, mb), mb), b = vf_fma(t, t, b);
        t = vf_sub(vec_load_fill(x + 2 * n + i, w, mc), mc), c = vf_fma(t, t, c);
        t = vf_sub(vec_load_fill(x + 3 * n + i, w, md), md), d = vf_fma(t, t, d);
    }
    acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;
}

/* mean and 1 / sqrt(var + eps) of up to four rows */
VF void norm_stats4(const float *x, size_t rows, size_t n, float eps, float *mean, float *inv)
{
    vf acc[4];
    const float count = (float)n;
    if (VEC_WIDE && rows == 4) {
        rows_sum4(x, n, n, acc);
        for (size_t r = 0; r < 4; r++)
            mean[r] = vf_hsum(acc[r]) / count;
        norm_sumsq4(x, n, mean, acc);
        for (size_t r = 0; r < 4; r++)
            inv[r] = 1.0f / __builtin_sqrtf(vf_hsum(acc[r]) / count + eps);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        mean[r] = vf_hsum(rows_sum1(x + r * n, n)) / count;
        inv[r] = 1.0f / __builtin_sqrtf(vf_hsum(norm_sumsq(x + r * n, n, vf_set(mean[r]))) / count + eps);
    }
}
VTARGET void VNAME(mote_norm_f32_stats)(const float *x, size_t rows, size_t n, float eps, float *mean, float *inv)
{
    for (size_t r = 0; r < rows; r += 4)
        norm_stats4(x + r * n, rows - r < 4 ? rows - r : 4, n, eps, mean + r, inv + r);
}

VF vf norm_apply(vf x, vf mean, vf inv, const float *scale, const float *bias, size_t i, size_t n)
{
    vf t = vf_mul(vf_sub(x, mean), inv);
    if (scale != NULL)
        return vf_fma(t, vf_loadn(scale + i, n), bias != NULL ? vf_loadn(bias + i, n) : vf_set(0.0f));
    return bias != NULL ? vf_add(t, vf_loadn(bias + i, n)) : t;
}
VF void norm_apply_row(const float *x, const float *scale, const float *bias, float *y, size_t n, vf mean, vf inv)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        vf_store(y + i, norm_apply(vf_load(x + i), mean, inv, scale, bias, i, 16));
    if (i < n)
        vf_storen(y + i, n - i, norm_apply(vf_loadn(x + i, n - i), mean, inv, scale, bias, i, n - i));
}
VTARGET void VNAME(mote_norm_f32_layer)(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n, float eps,
                                        float *mean, float *inv)
{
    for (size_t r = 0; r < rows; r += 4) {
        size_t k = rows - r < 4 ? rows - r : 4;
        float mu[4], nu[4];
        norm_stats4(x + r * n, k, n, eps, mu, nu);
        for (size_t j = 0; j < k; j++) {
            const float *p = x + (r + j) * n;
            float *q = y + (r + j) * n;
            vf m = vf_set(mu[j]), v = vf_set(nu[j]);
            if (scale != NULL && bias != NULL)
                norm_apply_row(p, scale, bias, q, n, m, v);
            else if (scale != NULL)
                norm_apply_row(p, scale, NULL, q, n, m, v);
            else
                norm_apply_row(p, NULL, bias, q, n, m, v);
            if (mean != NULL)
                mean[r + j] = mu[j];
            if (inv != NULL)
                inv[r + j] = nu[j];
        }
    }
}

VTARGET void VNAME(mote_norm_f32_rms)(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n, float eps,
                                      float *mean, float *inv)
{
    (void)mean;
    const float count = (float)n;
    for (size_t r = 0; r < rows; r += 4) {
        size_t k = rows - r < 4 ? rows - r : 4;
        vf acc[4];
        if (VEC_WIDE && k == 4)
            rows_sumsq4(x + r * n, n, n, acc);
        else
            for (size_t j = 0; j < k; j++)
                acc[j] = rows_sumsq1(x + (r + j) * n, n);
        for (size_t j = 0; j < k; j++) {
            float v = 1.0f / __builtin_sqrtf(vf_hsum(acc[j]) / count + eps);
            norm_apply_row(x + (r + j) * n, scale, bias, y + (r + j) * n, n, vf_set(0.0f), vf_set(v));
            if (inv != NULL)
                inv[r + j] = v;
        }
    }
}

VTARGET void VNAME(mote_norm_f32_affine)(const float *x, const float *scale, const float *bias, float *y, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        size_t i = 0;
        for (; i + 16 <= n; i += 16)
            vf_store(y + i, vf_fma(vf_load(x + i), vf_load(scale + i), bias != NULL ? vf_load(bias + i) : vf_set(0.0f)));
        if (i < n)
            vf_storen(y + i, n - i,
                      vf_fma(vf_loadn(x + i, n - i), vf_loadn(scale + i, n - i), bias != NULL ? vf_loadn(bias + i, n - i) : vf_set(0.0f)));
    }
}

VTARGET void VNAME(mote_norm_f32_plane)(const float *x, float *y, size_t n, float mean, float inv, float scale, float bias)
{
    const vf m = vf_set(mean), v = vf_set(inv), s = vf_set(scale), b = vf_set(bias);
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        vf_store(y + i, vf_fma(vf_mul(vf_sub(vf_load(x + i), m), v), s, b));
    if (i < n)
        vf_storen(y + i, n - i, vf_fma(vf_mul(vf_sub(vf_loadn(x + i, n - i), m), v), s, b));
}
