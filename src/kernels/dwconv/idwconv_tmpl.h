/* idwconv_tmpl.h - the body of an integer depthwise row; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0 */

/* n bytes as 0 to 255: signed ones with 128 added. */
VF vi load_q(const void *p, size_t n, bool is_signed)
{
    uint8_t part[16] = {0};
    if (n < 16) {
        memcpy(part, p, n);
        p = part;
    }
    const vi x = vi_load_u8(p);
    return is_signed ? vi_xor(x, vi_set(128)) : x;
}

VF void requantize_store(const mote_idwconv_tile *t, size_t pixel, size_t c, size_t n, vi x, vf scale)
{
    if (t->s32) {
        int32_t *y = (int32_t *)t->y + pixel * t->y_stride + c, part[16];
        vi_store(n == 16 ? y : part, x);
        if (n < 16)
            memcpy(y, part, n * sizeof *y);
        return;
    }
    const vf q = vf_mul(vi_to_f(x), scale); /* lo and hi are whole: rounding comes last. NaN becomes lo */
    x = vi_add(vf_to_i(vf_min(vf_max(q, vf_set(t->lo)), vf_set(t->hi))), vi_set(t->zero));
    uint8_t *y = (uint8_t *)t->y + pixel * t->y_stride + c, part[16];
    vi_store_8(n == 16 ? y : part, x);
    if (n < 16)
        memcpy(y, part, n);
}

/* n channels from c on: of four pixels at once while there are four. */
VF void channels(const mote_idwconv_tile *t, const int32_t *w, size_t c, size_t n, bool is_signed)
{
    const vi start = vi_sub(vi_load(w), vi_mul(vi_set(t->az + (is_signed ? 128 : 0)), vi_load(w + 16)));
    const vf scale = vf_load((const float *)(const void *)(w + 32));
    const size_t step = t->a_step, taps = t->taps;
    size_t i = 0;
    for (; i + 4 <= t->pixels; i += 4) {
        vi x0 = start, x1 = start, x2 = start, x3 = start;
        const void *const *a = t->a + i;
        for (size_t k = 0; k < taps; k++, a += step) {
            const vi v = vi_load(w + 48 + 16 * k);
            x0 = vi_add(x0, vi_mul_small(v, load_q((const char *)a[0] + c, n, is_signed)));
            x1 = vi_add(x1, vi_mul_small(v, load_q((const char *)a[1] + c, n, is_signed)));
            x2 = vi_add(x2, vi_mul_small(v, load_q((const char *)a[2] + c, n, is_signed)));
            x3 = vi_add(x3, vi_mul_small(v, load_q((const char *)a[3] + c, n, is_signed)));
        }
        requantize_store(t, i, c, n, x0, scale);
        requantize_store(t, i + 1, c, n, x1, scale);
        requantize_store(t, i + 2, c, n, x2, scale);
        requantize_store(t, i + 3, c, n, x3, scale);
    }
    for (; i < t->pixels; i++) {
        vi x = start;
        const void *const *a = t->a + i;
        for (size_t k = 0; k < taps; k++, a += step)
            x = vi_add(x, vi_mul_small(vi_load(w + 48 + 16 * k), load_q((const char *)a[0] + c, n, is_signed)));
        requantize_store(t, i, c, n, x, scale);
    }
}

VTARGET void VNAME(mote_idwconv_q8_s32_16c)(const mote_idwconv_tile *t)
{
    const int32_t *w = t->w;
    for (size_t c = 0; c < t->c; c += 16, w += 16 * (3 + t->taps)) {
        const size_t n = t->c - c;
        if (n >= 16 && t->a_signed)
            channels(t, w, c, 16, true);
        else if (n >= 16)
            channels(t, w, c, 16, false);
        else
            channels(t, w, c, n, t->a_signed);
    }
}
