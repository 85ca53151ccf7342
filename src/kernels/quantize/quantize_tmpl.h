/* quantize_tmpl.h - the bodies of quantize.h; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0 */

/* integers of 8 or 16 bits as lanes of s32; tails through a buffer, since loads and stores are whole */
#define QLOAD(t, bytes)                                                                                                \
    VF vi qload_##t(const void *p, size_t i) { return vi_load_##t((const uint8_t *)p + i * (bytes)); }                 \
    VF vi qloadn_##t(const void *p, size_t i, size_t n)                                                                \
    {                                                                                                                  \
        uint8_t b[VW * (bytes)] = {0};                                                                                 \
        memcpy(b, (const uint8_t *)p + i * (bytes), n * (bytes));                                                      \
        return vi_load_##t(b);                                                                                         \
    }
#define QSTORE(bits, bytes)                                                                                            \
    VF void qstore_##bits(void *p, size_t i, vi v) { vi_store_##bits((uint8_t *)p + i * (bytes), v); }                 \
    VF void qstoren_##bits(void *p, size_t i, size_t n, vi v)                                                          \
    {                                                                                                                  \
        uint8_t b[VW * (bytes)];                                                                                       \
        vi_store_##bits(b, v);                                                                                         \
        memcpy((uint8_t *)p + i * (bytes), b, n * (bytes));                                                            \
    }
QLOAD(u8, 1)
QLOAD(s8, 1)
QLOAD(u16, 2)
QLOAD(s16, 2)
QSTORE(8, 1)
QSTORE(16, 2)
VF vi qload_s32n(const int32_t *p, size_t n)
{
    int32_t b[VW] = {0};
    memcpy(b, p, n * sizeof *p);
    return vi_load(b);
}

/* round_half_even(v) + zero within [lo, hi]: clamped as a float first, so that the conversion is in range; NaN becomes lo */
VF vi q_round(vf v, vi zero, vi lo, vi hi)
{
    v = vf_max(v, vi_to_f(vi_sub(lo, zero)));
    v = vf_min(v, vi_to_f(vi_sub(hi, zero)));
    return vi_add(vf_to_i(v), zero);
}
VF vf q_real(vi x, vi zero, vf scale) { return vf_mul(vi_to_f(vi_sub(x, zero)), scale); }

#define QUANTIZE_BODY(t, bits, LO, HI)                                                                                 \
    VTARGET void VNAME(mote_quantize_f32_##t)(const float *x, void *y, size_t n, const float *scale, const int32_t *zero, size_t step) \
    {                                                                                                                  \
        const vi lo = vi_set(LO), hi = vi_set(HI);                                                                     \
        size_t i = 0;                                                                                                  \
        if (step == 0) {                                                                                               \
            const vf s = vf_set(scale[0]);                                                                             \
            const vi z = vi_set(zero[0]);                                                                              \
            for (; i + VW <= n; i += VW)                                                                               \
                qstore_##bits(y, i, q_round(vf_div(vf_load(x + i), s), z, lo, hi));                                    \
            if (i < n)                                                                                                 \
                qstoren_##bits(y, i, n - i, q_round(vf_div(vf_loadn(x + i, n - i), s), z, lo, hi));                    \
            return;                                                                                                    \
        }                                                                                                              \
        for (; i + VW <= n; i += VW)                                                                                   \
            qstore_##bits(y, i, q_round(vf_div(vf_load(x + i), vf_load(scale + i)), vi_load(zero + i), lo, hi));       \
        if (i < n)                                                                                                     \
            qstoren_##bits(y, i, n - i, q_round(vf_div(vf_loadn(x + i, n - i), vf_loadn(scale + i, n - i)),            \
                                                qload_s32n(zero + i, n - i), lo, hi));                                 \
    }                                                                                                                  \
    VTARGET void VNAME(mote_dequantize_##t##_f32)(const void *x, float *y, size_t n, const float *scale, const int32_t *zero, size_t step) \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        if (step == 0) {                                                                                               \
            const vf s = vf_set(scale[0]);                                                                             \
            const vi z = vi_set(zero[0]);                                                                              \
            for (; i + VW <= n; i += VW)                                                                               \
                vf_store(y + i, q_real(qload_##t(x, i), z, s));                                                        \
            if (i < n)                                                                                                 \
                vf_storen(y + i, n - i, q_real(qloadn_##t(x, i, n - i), z, s));                                        \
            return;                                                                                                    \
        }                                                                                                              \
        for (; i + VW <= n; i += VW)                                                                                   \
            vf_store(y + i, q_real(qload_##t(x, i), vi_load(zero + i), vf_load(scale + i)));                           \
        if (i < n)                                                                                                     \
            vf_storen(y + i, n - i, q_real(qloadn_##t(x, i, n - i), qload_s32n(zero + i, n - i), vf_loadn(scale + i, n - i))); \
    }                                                                                                                  \
    VTARGET void VNAME(mote_requantize_s32_##t)(const int32_t *x, void *y, size_t n, const float *m, size_t step, int32_t zero, \
                                                int32_t low, int32_t high)                                             \
    {                                                                                                                  \
        const vi lo = vi_set(low), hi = vi_set(high), z = vi_set(zero);                                                \
        const vf s = vf_set(m[0]);                                                                                     \
        size_t i = 0;                                                                                                  \
        for (; i + VW <= n; i += VW)                                                                                   \
            qstore_##bits(y, i, q_round(vf_mul(vi_to_f(vi_load(x + i)), step != 0 ? vf_load(m + i) : s), z, lo, hi));  \
        if (i < n)                                                                                                     \
            qstoren_##bits(y, i, n - i, q_round(vf_mul(vi_to_f(qload_s32n(x + i, n - i)), step != 0 ? vf_loadn(m + i, n - i) : s), \
                                                z, lo, hi));                                                           \
    }                                                                                                                  \
    QBINARY_BODY(add, vf_add, t, bits, LO, HI)                                                                         \
    QBINARY_BODY(mul, vf_mul, t, bits, LO, HI)
#define QBINARY_BODY(op, f, t, bits, LO, HI)                                                                           \
    VTARGET void VNAME(mote_q##op##_##t)(const void *a, const void *b, void *y, size_t n, unsigned form, const mote_qbinary *q) \
    {                                                                                                                  \
        const vi lo = vi_set(LO), hi = vi_set(HI), za = vi_set(q->zero_a), zb = vi_set(q->zero_b), zy = vi_set(q->zero_y); \
        const vf sa = vf_set(q->scale_a), sb = vf_set(q->scale_b), sy = vf_set(q->scale_y);                            \
        const vf ra = form == 1 ? q_real(q_first_##t(a), za, sa) : sa, rb = form == 2 ? q_real(q_first_##t(b), zb, sb) : sb; \
        size_t i = 0;                                                                                                  \
        for (; i + VW <= n; i += VW) {                                                                                 \
            vf u = form == 1 ? ra : q_real(qload_##t(a, i), za, sa), v = form == 2 ? rb : q_real(qload_##t(b, i), zb, sb); \
            qstore_##bits(y, i, q_round(vf_div(f(u, v), sy), zy, lo, hi));                                             \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            size_t w = n - i;                                                                                          \
            vf u = form == 1 ? ra : q_real(qloadn_##t(a, i, w), za, sa), v = form == 2 ? rb : q_real(qloadn_##t(b, i, w), zb, sb); \
            qstoren_##bits(y, i, w, q_round(vf_div(f(u, v), sy), zy, lo, hi));                                         \
        }                                                                                                              \
    }
VF vi q_first_u8(const void *p) { return vi_set(*(const uint8_t *)p); }
VF vi q_first_s8(const void *p) { return vi_set(*(const int8_t *)p); }
VF vi q_first_u16(const void *p) { return vi_set(*(const uint16_t *)p); }
VF vi q_first_s16(const void *p) { return vi_set(*(const int16_t *)p); }
QUANTIZE_BODY(u8, 8, 0, 255)
QUANTIZE_BODY(s8, 8, -128, 127)
QUANTIZE_BODY(u16, 16, 0, 65535)
QUANTIZE_BODY(s16, 16, -32768, 32767)

#define CONVERT(name, from, to, put, putn)                                                                             \
    VTARGET void VNAME(mote_convert_##name)(const from *x, to *y, size_t n)                                            \
    {                                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; i + VW <= n; i += VW)                                                                                   \
            put;                                                                                                       \
        if (i < n) {                                                                                                   \
            size_t w = n - i;                                                                                          \
            putn;                                                                                                      \
        }                                                                                                              \
    }
VF vf half_loadn(const uint16_t *x, size_t n)
{
    uint16_t b[VW] = {0};
    memcpy(b, x, n * sizeof *x);
    return vf_load_f16(b);
}
VF void half_storen(uint16_t *y, size_t n, vf v)
{
    uint16_t b[VW];
    vf_store_f16(b, v);
    memcpy(y, b, n * sizeof *y);
}
VF vf bf16_real(vi x) { return vf_from_bits(vi_sll(x, 16)); }
/* adds half of the last kept place, less one where that place is even; NaN keeps its upper half and becomes quiet */
VF vi bf16_round(vf x)
{
    vi u = vf_bits(x), odd = vi_and(vi_srl(u, 16), vi_set(1));
    vi r = vi_srl(vi_add(u, vi_add(vi_set(0x7fff), odd)), 16);
    return vi_sel(vf_ne(x, x), vi_or(vi_srl(u, 16), vi_set(0x40)), r);
}
CONVERT(f16_f32, uint16_t, float, vf_store(y + i, vf_load_f16(x + i)), vf_storen(y + i, w, half_loadn(x + i, w)))
CONVERT(f32_f16, float, uint16_t, vf_store_f16(y + i, vf_load(x + i)), half_storen(y + i, w, vf_loadn(x + i, w)))
CONVERT(bf16_f32, uint16_t, float, vf_store(y + i, bf16_real(qload_u16(x, i))), vf_storen(y + i, w, bf16_real(qloadn_u16(x, i, w))))
CONVERT(f32_bf16, float, uint16_t, qstore_16(y, i, bf16_round(vf_load(x + i))), qstoren_16(y, i, w, bf16_round(vf_loadn(x + i, w))))
CONVERT(u8_f32, uint8_t, float, vf_store(y + i, vi_to_f(qload_u8(x, i))), vf_storen(y + i, w, vi_to_f(qloadn_u8(x, i, w))))
CONVERT(s8_f32, int8_t, float, vf_store(y + i, vi_to_f(qload_s8(x, i))), vf_storen(y + i, w, vi_to_f(qloadn_s8(x, i, w))))
CONVERT(s32_f32, int32_t, float, vf_store(y + i, vi_to_f(vi_load(x + i))), vf_storen(y + i, w, vi_to_f(qload_s32n(x + i, w))))
