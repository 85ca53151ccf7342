/* rotary_tmpl.h - the body of rotary.h; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0 */

VTARGET void VNAME(mote_rotary_f32)(const float *x, size_t x_step, float *y, size_t y_step, size_t heads, const float *cosine, const float *sine, size_t half)
{
    size_t i = 0;
    for (; i + VW <= half; i += VW) {
        const vf c = vf_load(cosine + i), s = vf_load(sine + i);
        const float *from = x + i;
        float *to = y + i;
        for (size_t h = 0; h < heads; h++, from += x_step, to += y_step) {
            const vf a = vf_load(from), b = vf_load(from + half);
            vf_store(to, vf_sub(vf_mul(c, a), vf_mul(s, b)));
            vf_store(to + half, vf_add(vf_mul(s, a), vf_mul(c, b)));
        }
    }
    if (i < half) {
        const size_t n = half - i;
        const vf c = vf_loadn(cosine + i, n), s = vf_loadn(sine + i, n);
        const float *from = x + i;
        float *to = y + i;
        for (size_t h = 0; h < heads; h++, from += x_step, to += y_step) {
            const vf a = vf_loadn(from, n), b = vf_loadn(from + half, n);
            vf_storen(to, n, vf_sub(vf_mul(c, a), vf_mul(s, b)));
            vf_storen(to + half, n, vf_add(vf_mul(s, a), vf_mul(c, b)));
        }
    }
}
