/* unary_tmpl.h - y[i] = f(x[i]) on f32, the bodies; include after a vec_*.h and vec_math_tmpl.h
 * SPDX-License-Identifier: Apache-2.0
 * The functions and their parameters p[] are described in unary.h. */

#define BODY(id, expr)                                                                                                 \
    VF vf u_##id(vf x, const vf *p)                                                                                    \
    {                                                                                                                  \
        (void)p;                                                                                                       \
        return expr;                                                                                                   \
    }
BODY(abs, vec_abs(x))
BODY(neg, vec_neg(x))
BODY(sqrt, vf_sqrt(x))
BODY(rsqrt, vf_div(vf_set(1.0f), vf_sqrt(x)))
BODY(reciprocal, vf_div(vf_set(1.0f), x))
BODY(square, vf_mul(x, x))
BODY(floor, vf_floor(x))
BODY(ceil, vf_ceil(x))
BODY(round, vf_rne(x))
BODY(trunc, vf_trunc(x))
BODY(sign, vf_sel(vf_gt(x, vf_set(0.0f)), vf_set(1.0f), vf_sel(vf_lt(x, vf_set(0.0f)), vf_set(-1.0f), x)))
BODY(relu, vf_max(vf_set(0.0f), x))
BODY(clip, vf_min(p[1], vf_max(p[0], x)))
BODY(leakyrelu, vf_sel(vf_lt(x, vf_set(0.0f)), vf_mul(p[0], x), x))
BODY(thresholdedrelu, vf_sel(vf_le(x, p[0]), vf_set(0.0f), x))
BODY(shrink, vf_sel(vf_lt(x, vec_neg(p[0])), vf_add(x, p[1]), vf_sel(vf_gt(x, p[0]), vf_sub(x, p[1]),
             vf_sel(vf_eq(x, x), vf_set(0.0f), x))))
BODY(linear, vf_fma(x, p[0], p[1]))
BODY(hardsigmoid, vf_max(vf_set(0.0f), vf_min(vf_set(1.0f), vf_fma(x, p[0], p[1]))))
BODY(hardswish, vf_mul(x, vf_max(vf_set(0.0f), vf_min(vf_set(1.0f), vf_fma(x, vf_set(0x1.555556p-3f), vf_set(0.5f))))))
BODY(exp, vec_exp(x))
BODY(log, vec_log(x))
BODY(tanh, vec_tanh(x))
BODY(sigmoid, vec_sigmoid(x))
BODY(erf, vec_erf(x))
BODY(softplus, vec_softplus(x))
BODY(softsign, vf_div(x, vf_add(vf_set(1.0f), vec_abs(x))))
BODY(swish, vf_mul(x, vec_sigmoid(vf_mul(p[0], x))))
BODY(elu, vf_mul(p[1], vf_sel(vf_lt(x, vf_set(0.0f)), vf_mul(p[0], vec_expm1(x)), x)))
BODY(celu, vf_sel(vf_lt(x, vf_set(0.0f)), vf_mul(p[0], vec_expm1(vf_div(x, p[0]))), x))
BODY(gelu, vf_mul(vf_mul(vf_set(0.5f), x), vf_add(vf_set(1.0f), vec_erf(vf_mul(x, vf_set(0x1.6a09e6p-1f))))))
/* x * x overflows for |x| > 1.8e19, where tanh has long been 1 */
VF vf u_gelu_tanh(vf x, const vf *p)
{
    (void)p;
    vf c = vf_set(0x1.988454p-1f), d = vf_set(0x1.24452ep-5f); /* sqrt(2 / pi), and that times 0.044715 */
    vf t = vec_tanh(vf_mul(x, vf_fma(vf_mul(x, x), d, c)));
    return vf_mul(vf_mul(vf_set(0.5f), x), vf_add(vf_set(1.0f), t));
}
/* x tanh(log(1 + e)) = x n / (n + 2), n = e (e + 2), e = exp(x) */
VF vf u_mish(vf x, const vf *p)
{
    (void)p;
    vf e = vec_exp(vf_min(vf_set(20.0f), x)), n = vf_mul(e, vf_add(e, vf_set(2.0f)));
    return vf_mul(x, vf_div(n, vf_add(n, vf_set(2.0f))));
}
BODY(atan, vec_atan(x))
BODY(asin, vec_asin(x))
BODY(acos, vec_acos(x))
#undef BODY
/* Lanes beyond the vectors' reduction, in double. */
#define SINE(id, turn, zero)                                                                                           \
    VF vf u_##id(vf x, const vf *p)                                                                                    \
    {                                                                                                                  \
        (void)p;                                                                                                       \
        vf y = vec_sine(x, turn);                                                                                      \
        if (zero)                                                                                                      \
            y = vf_sel(vf_eq(x, vf_set(0.0f)), x, y);                                                                  \
        if (MOTE_UNLIKELY(vm_bits(vf_gt(vec_abs(x), vf_set(0x1p16f))) != 0)) {                                         \
            float from[VW], to[VW];                                                                                    \
            vf_store(from, x);                                                                                         \
            vf_store(to, y);                                                                                           \
            for (int i = 0; i < VW; i++)                                                                               \
                if (!(from[i] <= 0x1p16f && from[i] >= -0x1p16f))                                                                         \
                    to[i] = mote_unary_##id##_far(from[i]);                                                            \
            y = vf_load(to);                                                                                           \
        }                                                                                                              \
        return y;                                                                                                      \
    }
SINE(sin, 0, 1)
SINE(cos, 1, 0)
#undef SINE

#define UNARY(ID, id, n_params, ulp)                                                                                       \
    VTARGET void VNAME(mote_unary_f32_f32_##id)(const float *x, float *y, size_t n, const float *params)               \
    {                                                                                                                  \
        vf p[2] = {vf_set((n_params) > 0 ? params[0] : 0.0f), vf_set((n_params) > 1 ? params[1] : 0.0f)};              \
        for (size_t i = 0; i < n; i += VW) { /* one body for whole vectors and the rest: half the code */              \
            const size_t left = n - i;                                                                                 \
            vf v = MOTE_UNLIKELY(left < VW) ? vf_loadn(x + i, left) : vf_load(x + i);                                  \
            v = u_##id(v, p);                                                                                          \
            if (MOTE_UNLIKELY(left < VW))                                                                              \
                vf_storen(y + i, left, v);                                                                             \
            else                                                                                                       \
                vf_store(y + i, v);                                                                                    \
        }                                                                                                              \
    }
#define UNARY_SCALAR(ID, id, ulp)
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#undef UNARY_SCALAR
