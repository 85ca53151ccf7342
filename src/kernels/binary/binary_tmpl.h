/* binary_tmpl.h - the bodies of binary.h; include after a vec_*.h and vec_math_tmpl.h
 * SPDX-License-Identifier: Apache-2.0 */

VF vf b_add(vf a, vf b) { return vf_add(a, b); }
VF vf b_sub(vf a, vf b) { return vf_sub(a, b); }
VF vf b_mul(vf a, vf b) { return vf_mul(a, b); }
VF vf b_div(vf a, vf b) { return vf_div(a, b); }
VF vf b_min(vf a, vf b) { return vf_sel(vf_ne(a, a), a, vf_min(a, b)); }
VF vf b_max(vf a, vf b) { return vf_sel(vf_ne(a, a), a, vf_max(a, b)); }
VF vf b_prelu(vf a, vf b) { return vf_sel(vf_lt(a, vf_set(0.0f)), vf_mul(a, b), a); }
VF vf b_add_relu(vf a, vf b) { return vf_max(vf_set(0.0f), vf_add(a, b)); }
VF vf b_sqdiff(vf a, vf b)
{
    vf d = vf_sub(a, b);
    return vf_mul(d, d);
}
/* x^y for 0 < x < inf: 2^(y log2 x), the logarithm and its product with y in two floats each. Largest errors found: 0.68 ULP, and 0.78 of
 * results that are denormal, which are rounded once more. */
VF vf pow_positive(vf x, vf y)
{
    vf one = vf_set(1.0f), two = vf_set(2.0f);
    vm tiny = vf_lt(x, vf_set(0x1p-126f));
    vi u = vf_bits(vf_sel(tiny, vf_mul(x, vf_set(0x1p24f)), x)), k = vi_sra(vi_sub(u, vi_set(0x3f3504f3)), 23);
    vf f = vf_sub(vf_from_bits(vi_sub(u, vi_sll(k, 23))), one);
    vf n = vf_sub(vi_to_f(k), vf_sel(tiny, vf_set(24.0f), vf_set(0.0f)));
    /* log(1 + f) = 2 (s + s^3 / 3 + s^5 / 5 ...), s = f / (2 + f) */
    vf d = vf_add(two, f), inverse = vf_div(one, d), s = vf_mul(f, inverse);
    vf s_low = vf_mul(vf_fnma(s, vf_sub(f, vf_sub(d, two)), vf_fnma(s, d, f)), inverse);
    vf z = vf_mul(s, s), z_low = vf_fma(vf_add(s, s), s_low, vf_fma(s, s, vec_neg(z)));
    vf q = vf_fma(vf_set(0x1.3b13b2p-4f), z, vf_set(0x1.745d18p-4f));
    q = vf_fma(q, z, vf_set(0x1.c71c72p-4f));
    q = vf_fma(q, z, vf_set(0x1.24924ap-3f));
    q = vf_mul(vf_fma(q, z, vf_set(0x1.99999ap-3f)), z);
    vf third = vf_set(0x1.555556p-2f), c = vf_add(third, q);
    vf c_low = vf_add(vf_sub(q, vf_sub(c, third)), vf_set(-0x1.555556p-27f));
    vf v = vf_mul(z, c), v_low = vf_fma(z, c_low, vf_fma(z_low, c, vf_fma(z, c, vec_neg(v))));
    vf g = vf_add(one, v), g_low = vf_add(vf_sub(v, vf_sub(g, one)), v_low);
    vf e = vf_mul(s, g), e_low = vf_fma(s, g_low, vf_fma(s_low, g, vf_fma(s, g, vec_neg(e))));
    vf scale = vf_set(0x1.715476p+1f), l = vf_mul(e, scale); /* 2 / ln 2 */
    vf l_low = vf_fma(e, vf_set(0x1.4ae0cp-25f), vf_fma(e_low, scale, vf_fma(e, scale, vec_neg(l))));
    vf h = vf_add(n, l), h_low = vf_add(vf_sub(l, vf_sub(h, n)), l_low);
    /* beyond 2^32 any x but 1 is far out of range */
    y = vf_max(vf_set(-0x1p32f), vf_min(vf_set(0x1p32f), y));
    vf p = vf_mul(y, h), p_low = vf_fma(y, h_low, vf_fma(y, h, vec_neg(p)));
    p_low = vf_sel(vf_lt(vec_abs(p), vf_set(160.0f)), p_low, vf_set(0.0f));
    p = vf_max(vf_set(-160.0f), vf_min(vf_set(160.0f), p));
    vf t = vf_add(p, vf_set(VEC_ROUND_MAGIC)), rest = vf_sub(p, vf_sub(t, vf_set(VEC_ROUND_MAGIC)));
    vf r = vf_add(rest, p_low), r_low = vf_sub(p_low, vf_sub(r, rest));
    vf ln2 = vf_set(0x1.62e43p-1f), w = vf_mul(r, ln2);
    vf w_low = vf_fma(r_low, ln2, vf_fma(r, vf_set(-0x1.05c61p-29f), vf_fma(r, ln2, vec_neg(w))));
    q = vf_fma(vf_set(0x1.a01a02p-16f), w, vf_set(0x1.a01a02p-13f));
    q = vf_fma(q, w, vf_set(0x1.6c16c2p-10f));
    q = vf_fma(q, w, vf_set(0x1.111112p-7f));
    q = vf_fma(q, w, vf_set(0x1.555556p-5f));
    q = vf_fma(q, w, vf_set(0x1.555556p-3f));
    q = vf_fma(vf_mul(w, w), vf_fma(q, w, vf_set(0.5f)), w_low);
    vf high = vf_add(one, w);
    return vec_scale(vf_add(high, vf_add(vf_sub(w, vf_sub(high, one)), q)), t);
}
/* The common exponents exactly; zeros, infinities, signs and NaN as C's pow has them. */
VF vf b_pow(vf a, vf b)
{
    vf one = vf_set(1.0f), zero = vf_set(0.0f), inf = vf_set(__builtin_inff());
    vm two = vf_eq(b, vf_set(2.0f)), half = vf_eq(b, vf_set(0.5f)), same = vf_eq(b, one), inverse = vf_eq(b, vf_set(-1.0f));
    vm known = vm_or(vm_or(two, half), vm_or(same, inverse));
    const uint32_t all = (uint32_t)((1ull << VW) - 1);
    if (vm_bits(two) == all)
        return vf_mul(a, a);
    vf root = vf_sqrt(vf_add(a, zero)); /* -0 + 0 = 0; sqrt(-inf) is apart */
    root = vf_sel(vf_eq(a, vec_neg(inf)), inf, root);
    vf r = vf_sel(two, vf_mul(a, a), vf_sel(half, root, a));
    r = vf_sel(inverse, vf_div(one, a), r);
    if (vm_bits(known) == all)
        return r;
    vf m = vec_abs(a), hb = vf_mul(b, vf_set(0.5f)), y = pow_positive(m, b);
    vm whole = vf_eq(vf_floor(b), b), even = vf_eq(vf_floor(hb), hb);
    vf up = vf_sel(vf_gt(b, zero), inf, zero);
    y = vf_sel(vf_eq(m, inf), up, y);
    y = vf_sel(vf_eq(m, zero), vf_sel(vf_gt(b, zero), zero, inf), y);
    y = vf_sel(vf_lt(a, zero), vf_sel(vm_or(whole, vf_eq(m, inf)), y, vf_set(__builtin_nanf(""))), y);
    y = vf_sel(even, y, vf_sel(whole, vec_copysign(y, a), y));
    y = vf_sel(vf_ne(a, a), a, vf_sel(vf_ne(b, b), b, y));
    y = vf_sel(vm_or(vf_eq(b, zero), vf_eq(a, one)), one, y);
    return vf_sel(known, r, y);
}

/* a - t b, t = trunc(a / b): exact while |a / b| < 2^24. A quotient that was rounded up to a whole number gives a negative rest, to which b is added; that
 * and all of these are representable. */
VF vf b_fmod(vf a, vf b)
{
    vf q = vf_div(a, b), r = vf_fnma(vf_trunc(q), b, a), zero = vf_set(0.0f);
    vm below = vm_and(vi_gt(vi_set(0), vi_xor(vf_bits(r), vf_bits(a))), vf_ne(r, zero));
    r = vec_copysign(vf_sel(below, vf_add(r, vec_copysign(b, a)), r), a);
    vm near = vm_and(vf_lt(vec_abs(q), vf_set(0x1p24f)), vf_lt(vec_abs(b), vf_set(__builtin_inff())));
    const uint32_t lanes = vm_bits(near);
    if (MOTE_UNLIKELY(lanes != (uint32_t)((1ull << VW) - 1))) {
        float x[VW], y[VW], to[VW];
        vf_store(x, a);
        vf_store(y, b);
        vf_store(to, r);
        for (int i = 0; i < VW; i++)
            if ((lanes >> i & 1u) == 0)
                to[i] = mote_binary_fmod1(x[i], y[i]);
        r = vf_load(to);
    }
    return r;
}

/* tails read zeros in the missing lanes and do not write them */
#define BINARY_LOOP(load_a, load_b, load_an, load_bn, f, put, putn)                                                    \
    for (; i + VW <= n; i += VW)                                                                                       \
        put(y, i, f(load_a, load_b));                                                                                  \
    if (i < n)                                                                                                         \
        putn(y, i, n - i, f(load_an, load_bn));
#define BINARY_BODY(f, put, putn)                                                                                      \
    size_t i = 0;                                                                                                      \
    if (form == MOTE_FORM_SV) {                                                                                        \
        const vf s = vf_set(a[0]);                                                                                     \
        BINARY_LOOP(s, vf_load(b + i), s, vf_loadn(b + i, n - i), f, put, putn)                                        \
    } else if (form == MOTE_FORM_VS) {                                                                                 \
        const vf s = vf_set(b[0]);                                                                                     \
        BINARY_LOOP(vf_load(a + i), s, vf_loadn(a + i, n - i), s, f, put, putn)                                        \
    } else {                                                                                                           \
        BINARY_LOOP(vf_load(a + i), vf_load(b + i), vf_loadn(a + i, n - i), vf_loadn(b + i, n - i), f, put, putn)      \
    }
VF void put_f32(void *y, size_t i, vf v) { vf_store((float *)y + i, v); }
VF void put_f32n(void *y, size_t i, size_t n, vf v) { vf_storen((float *)y + i, n, v); }
VF void put_bool(void *y, size_t i, vm m) { vi_store_8((uint8_t *)y + i, vi_sel(m, vi_set(1), vi_set(0))); }
VF void put_booln(void *y, size_t i, size_t n, vm m)
{
    uint8_t t[VW];
    put_bool(t, 0, m);
    memcpy((uint8_t *)y + i, t, n);
}

#define BINARY(ID, id)                                                                                                 \
    VTARGET void VNAME(mote_binary_f32_f32_f32_##id)(const float *a, const float *b, void *y, size_t n, unsigned form) \
    {                                                                                                                  \
        BINARY_BODY(b_##id, put_f32, put_f32n)                                                                         \
    }
/* one body for every form, whole vectors and the rest */
#define BINARY_LONG(ID, id)                                                                                            \
    VTARGET void VNAME(mote_binary_f32_f32_f32_##id)(const float *a, const float *b, void *y, size_t n, unsigned form) \
    {                                                                                                                  \
        for (size_t i = 0; i < n; i += VW) {                                                                           \
            const size_t left = n - i;                                                                                 \
            vf u = form == MOTE_FORM_SV ? vf_set(a[0]) : left < VW ? vf_loadn(a + i, left) : vf_load(a + i);           \
            vf v = form == MOTE_FORM_VS ? vf_set(b[0]) : left < VW ? vf_loadn(b + i, left) : vf_load(b + i);           \
            u = b_##id(u, v);                                                                                          \
            if (left < VW)                                                                                             \
                put_f32n(y, i, left, u);                                                                               \
            else                                                                                                       \
                put_f32(y, i, u);                                                                                      \
        }                                                                                                              \
    }
#define BINARY_TEST(ID, id)                                                                                            \
    VTARGET void VNAME(mote_binary_f32_f32_bool_##id)(const float *a, const float *b, void *y, size_t n, unsigned form)\
    {                                                                                                                  \
        BINARY_BODY(vf_##id, put_bool, put_booln)                                                                      \
    }
#include "kernels/binary/binary_ops.inc"
#undef BINARY
#undef BINARY_TEST
