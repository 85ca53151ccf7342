/* resize_tmpl.h - the bodies of resize.h on sixteen lanes; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0 */

VTARGET void VNAME(mote_resize_blend_f32)(const float *const *x, const float *w, size_t taps, float *y, size_t n)
{
    size_t i = 0;
    if (taps == 2) { /* linear, by far the most frequent */
        const float *a = x[0], *b = x[1];
        const vf wa = vf_set(w[0]), wb = vf_set(w[1]);
        for (; i + 16 <= n; i += 16)
            vf_store(y + i, vf_fma(wb, vf_load(b + i), vf_mul(wa, vf_load(a + i))));
    }
    for (; i < n; i += 16) {
        const size_t m = n - i < 16 ? n - i : 16;
        vf sum = vf_mul(vf_set(w[0]), vf_loadn(x[0] + i, m));
        for (size_t k = 1; k < taps; k++)
            sum = vf_fma(vf_set(w[k]), vf_loadn(x[k] + i, m), sum);
        vf_storen(y + i, m, sum);
    }
}

VTARGET void VNAME(mote_resize_cols_f32)(const float *x, const int32_t *index, const float *w, size_t stride, size_t taps, float *y, size_t n)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        vf sum = vf_mul(vf_load(w + i), vf_gather(x, index + i));
        for (size_t k = 1; k < taps; k++)
            sum = vf_fma(vf_load(w + k * stride + i), vf_gather(x, index + k * stride + i), sum);
        vf_store(y + i, sum);
    }
    if (i < n) {
        const size_t m = n - i;
        int32_t at[16];
        vf sum = vf_set(0.0f);
        for (size_t k = 0; k < taps; k++) {
            for (size_t j = 0; j < 16; j++)
                at[j] = index[k * stride + i + (j < m ? j : 0)];
            vf wk = vf_loadn(w + k * stride + i, m), xk = vf_gather(x, at);
            sum = k == 0 ? vf_mul(wk, xk) : vf_fma(wk, xk, sum);
        }
        vf_storen(y + i, m, sum);
    }
}

VTARGET void VNAME(mote_resize_pick32)(const void *x, const int32_t *index, void *y, size_t n)
{
    const float *from = x;
    float *to = y;
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        vf_store(to + i, vf_gather(from, index + i));
    for (; i < n; i++)
        memcpy(to + i, from + index[i], 4);
}

VTARGET void VNAME(mote_resize_pick8)(const void *x, const int32_t *index, void *y, size_t n)
{
    const uint8_t *from = x;
    uint8_t *to = y;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        const uint8_t a = from[index[i]], b = from[index[i + 1]], c = from[index[i + 2]], d = from[index[i + 3]];
        to[i] = a, to[i + 1] = b, to[i + 2] = c, to[i + 3] = d;
    }
    for (; i < n; i++)
        to[i] = from[index[i]];
}

VTARGET void VNAME(mote_resize_repeat32)(const void *x, void *y, size_t n, size_t factor)
{
    const uint8_t *from = x;
    uint8_t *to = y;
    size_t i = 0;
    if (factor == 2)
        for (; i + 16 <= n; i += 16)
            vf_store_twice((float *)y + 2 * i, vf_load((const float *)x + i));
    for (; i < n; i++)
        for (size_t k = 0; k < factor; k++)
            memcpy(to + (i * factor + k) * 4, from + 4 * i, 4);
}

VTARGET void VNAME(mote_resize_widen_u8)(const uint8_t *x, float *y, size_t n)
{
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        vf_store(y + i, vi_to_f(vi_load_u8(x + i)));
    for (; i < n; i++)
        y[i] = (float)x[i];
}

VTARGET void VNAME(mote_resize_narrow_u8)(const float *x, uint8_t *y, size_t n)
{
    const vf lo = vf_set(0.0f), hi = vf_set(255.0f);
    size_t i = 0;
    for (; i + 16 <= n; i += 16)
        vi_store_8(y + i, vf_to_i_trunc(vf_min(vf_max(vf_load(x + i), lo), hi)));
    if (i < n) {
        uint8_t t[16];
        vi_store_8(t, vf_to_i_trunc(vf_min(vf_max(vf_loadn(x + i, n - i), lo), hi)));
        memcpy(y + i, t, n - i);
    }
}
