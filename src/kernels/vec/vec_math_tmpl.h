/* vec_math_tmpl.h - exp, expm1, log, log1p, tanh, sigmoid, erf on sixteen lanes; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0
 *
 * Fixed sequences of IEEE operations: equal bits on every instruction set. Polynomials are near-minimax fits (Lawson's iteration in long double,
 * coefficients then rounded to f32 one after another, the rest refitted). Largest errors against a correctly rounded result, over all 2^32
 * inputs (tests/kernels/test_vec_math.c samples them): exp 1.0 ULP, log 0.9, tanh 1.4, sigmoid 2.4, erf 1.1, expm1 1.5, log1p of [0, 1] 1.5,
 * softplus 1.8. */
#ifndef MOTE_KERNELS_VEC_MATH_TMPL_H
#define MOTE_KERNELS_VEC_MATH_TMPL_H

#define VEC_LOG2E 0x1.715476p+0f
/* ln 2 in two parts; the upper one has 15 significant bits, so that n * upper is exact for |n| < 2^9 */
#define VEC_LN2_HI 0x1.62e4p-1f
#define VEC_LN2_LO 0x1.7f7d1cp-20f
#define VEC_ROUND_MAGIC 12582912.0f /* 1.5 * 2^23: adding it rounds |x| < 2^22 to an integer, kept in the low bits */

/* x * 2^n, one rounding; |n| < 254 as an integer-valued float in t - VEC_ROUND_MAGIC */
VF vf vec_scale(vf x, vf t)
{
    vi n = vi_sub(vf_bits(t), vi_set(0x4b400000)), h = vi_sra(n, 1), one = vi_set(127);
    x = vf_mul(x, vf_from_bits(vi_sll(vi_add(h, one), 23)));
    return vf_mul(x, vf_from_bits(vi_sll(vi_add(vi_sub(n, h), one), 23)));
}
/* 2^n for n in -126..127 */
VF vf vec_pow2(vf t)
{
    return vf_from_bits(vi_add(vi_sll(vf_bits(t), 23), vi_set(0x3f800000)));
}
/* x = n ln 2 + r, |r| <= ln 2 / 2; returns exp(r) - 1, and n + VEC_ROUND_MAGIC in *t */
VF vf vec_exp_reduced(vf x, vf *t)
{
    *t = vf_fma(x, vf_set(VEC_LOG2E), vf_set(VEC_ROUND_MAGIC));
    vf n = vf_sub(*t, vf_set(VEC_ROUND_MAGIC));
    vf r = vf_fnma(n, vf_set(VEC_LN2_HI), x);
    r = vf_fnma(n, vf_set(VEC_LN2_LO), r);
    vf q = vf_fma(vf_set(0x1.9e72d8p-13f), r, vf_set(0x1.6d3a38p-10f));
    q = vf_fma(q, r, vf_set(0x1.1112d8p-7f));
    q = vf_fma(q, r, vf_set(0x1.5554f8p-5f));
    q = vf_fma(q, r, vf_set(0x1.555554p-3f));
    q = vf_fma(q, r, vf_set(0.5f));
    return vf_fma(vf_mul(r, r), q, r);
}
/* exp(x); denormal results too. exp(88.73) and up: inf, exp(-103.98) and down: 0. */
VF vf vec_exp(vf x)
{
    vf t;
    x = vf_max(vf_set(-104.0f), vf_min(vf_set(89.0f), x));
    vf e = vec_exp_reduced(x, &t);
    return vec_scale(vf_add(e, vf_set(1.0f)), t);
}
/* exp(x) for x <= 88; below -87.3365 (where exp leaves the normal numbers) 0: for softmax and the inside of others. No lane computes a denormal on the
 * way, which would cost more than all the rest: masks are full of such lanes. */
VF vf vec_exp_flush(vf x)
{
    vf t, e = vec_exp_reduced(vf_max(vf_set(-87.3365f), x), &t);
    e = vf_mul(vf_add(e, vf_set(1.0f)), vec_pow2(t));
    return vf_sel(vf_lt(x, vf_set(-87.3365f)), vf_set(0.0f), e);
}
/* exp(x) - 1 for x <= 88 */
VF vf vec_expm1(vf x)
{
    vf t, e = vec_exp_reduced(vf_max(vf_set(-30.0f), vf_min(vf_set(88.0f), x)), &t), s = vec_pow2(t);
    /* n = 0 apart: s - 1 = +0 would turn expm1(-0) into +0 */
    return vf_sel(vf_eq(s, vf_set(1.0f)), e, vf_fma(s, e, vf_sub(s, vf_set(1.0f))));
}

VF vf vec_abs(vf x) { return vf_from_bits(vi_and(vf_bits(x), vi_set(0x7fffffff))); }
VF vf vec_neg(vf x) { return vf_from_bits(vi_xor(vf_bits(x), vi_set(INT32_MIN))); }
/* magnitude of x, sign of s */
VF vf vec_copysign(vf x, vf s)
{
    vi m = vi_set(INT32_MIN);
    return vf_from_bits(vi_or(vi_andnot(m, vf_bits(x)), vi_and(m, vf_bits(s))));
}

/* log(1 + f) - f for f in [sqrt(1/2) - 1, sqrt(2) - 1] */
VF vf vec_log1p_reduced(vf f)
{
    vf q = vf_fma(vf_set(-0x1.38cf2p-4f), f, vf_set(0x1.05602ep-3f)), s = vf_mul(f, f);
    q = vf_fma(q, f, vf_set(-0x1.0d81f2p-3f));
    q = vf_fma(q, f, vf_set(0x1.22d8f8p-3f));
    q = vf_fma(q, f, vf_set(-0x1.54728cp-3f));
    q = vf_fma(q, f, vf_set(0x1.99a01ep-3f));
    q = vf_fma(q, f, vf_set(-0x1.000226p-2f));
    q = vf_fma(q, f, vf_set(0x1.555554p-2f));
    return vf_fma(vf_mul(s, f), q, vf_mul(vf_set(-0.5f), s));
}
/* log(x): -inf for 0, NaN below 0 */
VF vf vec_log(vf x)
{
    vm tiny = vf_lt(x, vf_set(0x1p-126f));
    vf y = vf_sel(tiny, vf_mul(x, vf_set(0x1p24f)), x);
    vi b = vf_bits(y), k = vi_sra(vi_sub(b, vi_set(0x3f3504f3)), 23);
    vf f = vf_sub(vf_from_bits(vi_sub(b, vi_sll(k, 23))), vf_set(1.0f));
    vf n = vf_sub(vi_to_f(k), vf_sel(tiny, vf_set(24.0f), vf_set(0.0f)));
    vf r = vf_fma(n, vf_set(VEC_LN2_LO), vec_log1p_reduced(f));
    r = vf_fma(n, vf_set(VEC_LN2_HI), vf_add(r, f));
    vf inf = vf_set(__builtin_inff());
    r = vf_sel(vf_lt(x, inf), r, x); /* inf and NaN pass */
    r = vf_sel(vf_eq(x, vf_set(0.0f)), vf_set(-__builtin_inff()), r);
    return vf_sel(vf_lt(x, vf_set(0.0f)), vf_set(__builtin_nanf("")), r);
}
/* log(1 + e) for e in [0, 1] */
VF vf vec_log1p_unit(vf e)
{
    vm up = vf_gt(e, vf_set(0x1.a8279ap-2f)); /* sqrt(2) - 1 */
    vf f = vf_sel(up, vf_fma(vf_set(0.5f), e, vf_set(-0.5f)), e);
    vf n = vf_sel(up, vf_set(1.0f), vf_set(0.0f));
    vf r = vf_fma(n, vf_set(VEC_LN2_LO), vec_log1p_reduced(f));
    return vf_fma(n, vf_set(VEC_LN2_HI), vf_add(r, f));
}

/* tanh: x + x^3 q(x^2) below 0.55, 1 - 2 / (exp(2|x|) + 1) above */
VF vf vec_tanh(vf x)
{
    vf t, a = vec_abs(x), b = vf_min(vf_set(10.0f), a), s = vf_mul(x, x), one = vf_set(1.0f);
    vf q = vf_fma(vf_set(-0x1.9921c0p-8f), s, vf_set(0x1.58e51ap-6f));
    q = vf_fma(q, s, vf_set(-0x1.b91e7ep-5f));
    q = vf_fma(q, s, vf_set(0x1.110ceep-3f));
    q = vf_fma(q, s, vf_set(-0x1.55554ap-2f));
    vf small = vf_fma(vf_mul(q, s), x, x);
    vf e = vec_exp_reduced(vf_add(b, b), &t);
    e = vf_mul(vf_add(e, one), vec_pow2(t));
    vf large = vf_sub(one, vf_div(vf_set(2.0f), vf_add(e, one)));
    return vec_copysign(vf_sel(vf_lt(a, vf_set(0.55f)), small, large), x);
}
/* 1 / (1 + exp(-x)) = (x < 0 ? e : 1) / (1 + e), e = exp(-|x|) */
VF vf vec_sigmoid(vf x)
{
    vf e = vec_exp(vf_from_bits(vi_or(vf_bits(x), vi_set(INT32_MIN)))), one = vf_set(1.0f);
    return vf_div(vf_sel(vf_lt(x, vf_set(0.0f)), e, one), vf_add(one, e));
}
/* log(1 + exp(x)) */
VF vf vec_softplus(vf x)
{
    vf e = vec_exp(vf_from_bits(vi_or(vf_bits(x), vi_set(INT32_MIN))));
    return vf_add(vf_max(vf_set(0.0f), x), vec_log1p_unit(e));
}
/* erf: x + x q(x^2) below 0.9277, 1 - exp(p(|x|)) above */
VF vf vec_erf(vf x)
{
    vf a = vec_abs(x), s = vf_mul(a, a), t;
    vf q = vf_fma(vf_set(0x1.4f59bap-14f), s, vf_set(-0x1.a60758p-11f));
    q = vf_fma(q, s, vf_set(0x1.5449eap-8f));
    q = vf_fma(q, s, vf_set(-0x1.b80118p-6f));
    q = vf_fma(q, s, vf_set(0x1.ce2d64p-4f));
    q = vf_fma(q, s, vf_set(-0x1.81274p-2f));
    q = vf_fma(q, s, vf_set(0x1.06eba8p-3f));
    vf small = vf_fma(q, x, x);
    vf b = vf_min(vf_set(4.0f), a);
    vf p = vf_fma(vf_set(0x1.9ae672p-13f), b, vf_set(-0x1.8ee08ap-9f));
    p = vf_fma(p, b, vf_set(0x1.6c2a3ep-6f));
    p = vf_fma(p, b, vf_set(-0x1.a9b424p-4f));
    p = vf_fma(p, b, vf_set(-0x1.463ccp-1f));
    p = vf_fma(p, b, vf_set(-0x1.20af5ap+0f));
    p = vf_fma(p, b, vf_set(-0x1.9a57acp-13f));
    vf e = vec_exp_reduced(p, &t);
    e = vf_mul(vf_add(e, vf_set(1.0f)), vec_pow2(t));
    vf large = vec_copysign(vf_sub(vf_set(1.0f), e), x);
    return vf_sel(vf_lt(a, vf_set(0.9277f)), small, large);
}
/* x = q pi/2 + r, |r| <= pi/4 and a little: pi/2 in three parts of 24 bits (Cody and Waite 1980), each product rounded with its sum. |x| <= 2^16, where
 * x - q part1 is exact. */
VF vf vec_reduce_half_pi(vf x, vi *q)
{
    vf n = vf_rne(vf_mul(x, vf_set(0x1.45f306p-1f)));
    *q = vf_to_i(n);
    vf r = vf_fnma(n, vf_set(0x1.921fb6p+0f), x);
    r = vf_fnma(n, vf_set(-0x1.777a5cp-25f), r);
    return vf_fnma(n, vf_set(-0x1.ee59dap-50f), r);
}
/* sin(x) for turn 0 and cos(x) for turn 1: of sin(r) = r + r^3 s(r^2) and cos(r) = 1 - r^2 / 2 + r^4 c(r^2) the one of the quadrant. Least largest error
 * (Remez), 2^-37 and 2^-43 before rounding. */
VF vf vec_sine(vf x, int turn)
{
    vi q;
    vf r = vec_reduce_half_pi(x, &q), z = vf_mul(r, r);
    q = vi_add(q, vi_set(turn));
    vf s = vf_fma(vf_set(0x1.6ccd08p-19f), z, vf_set(-0x1.a00f7p-13f));
    s = vf_fma(s, z, vf_set(0x1.111108p-7f));
    s = vf_fma(s, z, vf_set(-0x1.555556p-3f));
    s = vf_fma(vf_mul(r, z), s, r);
    vf c = vf_fma(vf_set(-0x1.2425cap-22f), z, vf_set(0x1.a0110cp-16f));
    c = vf_fma(c, z, vf_set(-0x1.6c16b8p-10f));
    c = vf_fma(c, z, vf_set(0x1.555556p-5f));
    c = vf_fma(vf_mul(z, z), c, vf_fma(z, vf_set(-0.5f), vf_set(1.0f)));
    vf y = vf_sel(vi_eq(vi_and(q, vi_set(1)), vi_set(0)), s, c);
    vf negative = vec_neg(y);
    return vf_sel(vi_eq(vi_and(q, vi_set(2)), vi_set(0)), y, negative);
}
/* atan(t) = t + t^3 p(t^2), |t| <= tan(pi/8); beyond it t = (a - 1) / (a + 1) and pi/4, beyond tan(3 pi/8) t = -1 / a and pi/2 are added */
VF vf vec_atan(vf x)
{
    vf a = vec_abs(x), one = vf_set(1.0f);
    vm mid = vf_gt(a, vf_set(0x1.a8279ap-2f)), far = vf_gt(a, vf_set(0x1.3504f4p+1f));
    vf t = vf_div(vf_sel(far, vf_set(-1.0f), vf_sel(mid, vf_sub(a, one), a)), vf_sel(far, a, vf_sel(mid, vf_add(a, one), one)));
    vf high = vf_sel(far, vf_set(0x1.921fb6p+0f), vf_sel(mid, vf_set(0x1.921fb6p-1f), vf_set(0.0f)));
    vf low = vf_sel(far, vf_set(-0x1.777a5cp-25f), vf_sel(mid, vf_set(-0x1.777a5cp-26f), vf_set(0.0f)));
    vf z = vf_mul(t, t);
    vf p = vf_fma(vf_set(-0x1.f2cf3cp-5f), z, vf_set(0x1.b22036p-4f));
    p = vf_fma(p, z, vf_set(-0x1.23b952p-3f));
    p = vf_fma(p, z, vf_set(0x1.9991dcp-3f));
    p = vf_fma(p, z, vf_set(-0x1.55554ap-2f));
    vf r = vf_add(high, vf_add(vf_fma(vf_mul(t, z), p, t), low));
    return vf_sel(vf_eq(x, x), vec_copysign(r, x), x);
}
/* asin(s) = s + s z p(z), z = s^2 <= 1/4; above 1/2 by asin(a) = pi/2 - 2 asin(sqrt((1 - a) / 2)). *large: whether it is the second; gives asin(s). */
VF vf vec_asin_half(vf a, vm *large)
{
    *large = vf_gt(a, vf_set(0.5f));
    vf z = vf_sel(*large, vf_mul(vf_set(0.5f), vf_sub(vf_set(1.0f), a)), vf_mul(a, a));
    vf s = vf_sel(*large, vf_sqrt(z), a);
    vf p = vf_fma(vf_set(0x1.33293ap-5f), z, vf_set(0x1.d9c88ap-7f));
    p = vf_fma(p, z, vf_set(0x1.0482bp-5f));
    p = vf_fma(p, z, vf_set(0x1.6cb144p-5f));
    p = vf_fma(p, z, vf_set(0x1.333866p-4f));
    p = vf_fma(p, z, vf_set(0x1.55554cp-3f));
    return vf_fma(vf_mul(s, z), p, s);
}
VF vf vec_asin(vf x)
{
    vm large;
    vf r = vec_asin_half(vec_abs(x), &large);
    vf rest = vf_sub(vf_set(0x1.921fb6p+0f), vf_fma(vf_set(2.0f), r, vf_set(0x1.777a5cp-25f)));
    return vec_copysign(vf_sel(large, rest, r), x);
}
VF vf vec_acos(vf x)
{
    vm large;
    vf r = vec_asin_half(vec_abs(x), &large), twice = vf_add(r, r);
    vm below = vf_lt(x, vf_set(0.0f));
    vf far = vf_sel(below, vf_sub(vf_set(0x1.921fb6p+1f), vf_add(twice, vf_set(0x1.777a5cp-24f))), twice);
    vf near = vf_sub(vf_set(0x1.921fb6p+0f), vf_add(vec_copysign(r, x), vf_set(0x1.777a5cp-25f)));
    return vf_sel(large, far, near);
}
#endif
