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
/* The common exponents on lanes; the others one by one, in double. */
VF vf b_pow(vf a, vf b)
{
    vf one = vf_set(1.0f), zero = vf_set(0.0f);
    vm two = vf_eq(b, vf_set(2.0f)), half = vf_eq(b, vf_set(0.5f)), same = vf_eq(b, one), inverse = vf_eq(b, vf_set(-1.0f));
    uint32_t known = vm_bits(vm_or(vm_or(two, half), vm_or(same, inverse)));
    if (known == (uint32_t)((1ull << VW) - 1)) {
        vf root = vf_sqrt(vf_add(a, zero)); /* -0 + 0 = 0; sqrt(-inf) is apart */
        root = vf_sel(vf_eq(a, vf_set(-__builtin_inff())), vf_set(__builtin_inff()), root);
        vf r = vf_sel(two, vf_mul(a, a), vf_sel(half, root, a));
        return vf_sel(inverse, vf_div(one, a), r);
    }
    float x[VW], e[VW];
    vf_store(x, a);
    vf_store(e, b);
    for (int i = 0; i < VW; i++)
        x[i] = mote_binary_pow1(x[i], e[i]);
    return vf_load(x);
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
#define BINARY_TEST(ID, id)                                                                                            \
    VTARGET void VNAME(mote_binary_f32_f32_bool_##id)(const float *a, const float *b, void *y, size_t n, unsigned form)\
    {                                                                                                                  \
        BINARY_BODY(vf_##id, put_bool, put_booln)                                                                      \
    }
#include "kernels/binary/binary_ops.inc"
#undef BINARY
#undef BINARY_TEST
