/* softmax_tmpl.h - the bodies of softmax.h; include after a vec_*.h and vec_math_tmpl.h
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/vec/vec_rows_tmpl.h"

/* y[i] = exp(x[i] - max), returns the lanes' sums; with store false only the sums */
VF vf softmax_exp(const float *x, float *y, size_t n, vf max, bool store)
{
    vf sum = vf_set(0.0f);
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        vf e = vec_exp_flush(vf_sub(vf_load(x + i), max));
        if (store)
            vf_store(y + i, e);
        sum = vf_add(sum, e);
    }
    if (i < n) {
        vf e = vf_sel(vm_first(n - i), vec_exp_flush(vf_sub(vf_loadn(x + i, n - i), max)), vf_set(0.0f));
        if (store)
            vf_storen(y + i, n - i, e);
        sum = vf_add(sum, e);
    }
    return sum;
}

VTARGET void VNAME(mote_softmax_f32_rows)(const float *x, float *y, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        vf max = vf_set(vf_hmax(rows_max1(x, n)));
        vf scale = vf_div(vf_set(1.0f), vf_set(vf_hsum(softmax_exp(x, y, n, max, true))));
        size_t i = 0;
        for (; i + 16 <= n; i += 16)
            vf_store(y + i, vf_mul(vf_load(y + i), scale));
        if (i < n)
            vf_storen(y + i, n - i, vf_mul(vf_loadn(y + i, n - i), scale));
    }
}

VTARGET void VNAME(mote_softmax_log_f32_rows)(const float *x, float *y, size_t rows, size_t n)
{
    for (size_t r = 0; r < rows; r++, x += n, y += n) {
        vf max = vf_set(vf_hmax(rows_max1(x, n)));
        vf sub = vec_log(vf_set(vf_hsum(softmax_exp(x, y, n, max, false))));
        size_t i = 0;
        for (; i + 16 <= n; i += 16)
            vf_store(y + i, vf_sub(vf_sub(vf_load(x + i), max), sub));
        if (i < n)
            vf_storen(y + i, n - i, vf_sub(vf_sub(vf_loadn(x + i, n - i), max), sub));
    }
}

/* w columns at x (w <= 16) */
VF void softmax_cols(const float *x, float *y, size_t n, size_t m, size_t w, bool log)
{
    vf max = vf_set(-__builtin_inff()), sum = vf_set(0.0f);
    for (size_t i = 0; i < n; i++)
        max = vf_max(vf_loadn(x + i * m, w), max);
    for (size_t i = 0; i < n; i++) {
        vf e = vec_exp_flush(vf_sub(vf_loadn(x + i * m, w), max));
        if (!log)
            vf_storen(y + i * m, w, e);
        sum = vf_add(sum, e);
    }
    vf f = log ? vec_log(sum) : vf_div(vf_set(1.0f), sum);
    for (size_t i = 0; i < n; i++)
        vf_storen(y + i * m, w,
                  log ? vf_sub(vf_sub(vf_loadn(x + i * m, w), max), f) : vf_mul(vf_loadn(y + i * m, w), f));
}
VTARGET void VNAME(mote_softmax_f32_cols)(const float *x, float *y, size_t n, size_t m, size_t begin, size_t end)
{
    for (size_t j = begin; j < end; j += 16)
        softmax_cols(x + j, y + j, n, m, end - j < 16 ? end - j : 16, false);
}
VTARGET void VNAME(mote_softmax_log_f32_cols)(const float *x, float *y, size_t n, size_t m, size_t begin, size_t end)
{
    for (size_t j = begin; j < end; j += 16)
        softmax_cols(x + j, y + j, n, m, end - j < 16 ? end - j : 16, true);
}
