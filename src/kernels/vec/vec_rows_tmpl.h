/* vec_rows_tmpl.h - sums over rows: lane i takes x[i], x[i + 16], ... in order, then the fixed tree; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0
 * Four rows at a time hide the latency of addition; each row's bits are those of the row alone. */
#ifndef MOTE_KERNELS_VEC_ROWS_TMPL_H
#define MOTE_KERNELS_VEC_ROWS_TMPL_H

/* missing lanes become `fill` */
VF vf vec_load_fill(const float *p, size_t n, vf fill) { return vf_sel(vm_first(n), vf_loadn(p, n), fill); }

/* out[r] = fold over row r of step(acc, x), acc beginning as `start`, missing lanes taken as `fill` */
#define VEC_ROWS(name, step, start, fill)                                                                              \
    VF void name##4(const float *x, size_t stride, size_t n, vf *acc)                                                  \
    {                                                                                                                  \
        vf a = start, b = a, c = a, d = a;                                                                             \
        size_t i = 0;                                                                                                  \
        for (; i + 16 <= n; i += 16) {                                                                                 \
            a = step(a, vf_load(x + i));                                                                               \
            b = step(b, vf_load(x + stride + i));                                                                      \
            c = step(c, vf_load(x + 2 * stride + i));                                                                  \
            d = step(d, vf_load(x + 3 * stride + i));                                                                  \
        }                                                                                                              \
        if (i < n) {                                                                                                   \
            a = step(a, vec_load_fill(x + i, n - i, fill));                                                            \
            b = step(b, vec_load_fill(x + stride + i, n - i, fill));                                                   \
            c = step(c, vec_load_fill(x + 2 * stride + i, n - i, fill));                                               \
            d = step(d, vec_load_fill(x + 3 * stride + i, n - i, fill));                                               \
        }                                                                                                              \
        acc[0] = a, acc[1] = b, acc[2] = c, acc[3] = d;                                                                \
    }                                                                                                                  \
    VF vf name##1(const float *x, size_t n)                                                                            \
    {                                                                                                                  \
        vf a = start;                                                                                                  \
        size_t i = 0;                                                                                                  \
        for (; i + 16 <= n; i += 16)                                                                                   \
            a = step(a, vf_load(x + i));                                                                               \
        if (i < n)                                                                                                     \
            a = step(a, vec_load_fill(x + i, n - i, fill));                                                            \
        return a;                                                                                                      \
    }

VF vf step_sum(vf a, vf x) { return vf_add(a, x); }
VF vf step_sumsq(vf a, vf x) { return vf_fma(x, x, a); }
VF vf step_max(vf a, vf x) { return vf_max(x, a); } /* passes over NaN */
VEC_ROWS(rows_sum, step_sum, vf_set(0.0f), vf_set(0.0f))
VEC_ROWS(rows_sumsq, step_sumsq, vf_set(0.0f), vf_set(0.0f))
VEC_ROWS(rows_max, step_max, vf_set(-__builtin_inff()), vf_set(-__builtin_inff()))
#endif
