/* reduce_tmpl.h - the bodies of reduce.h; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/vec/vec_rows_tmpl.h"

VF vf step_sumabs(vf a, vf x) { return vf_add(a, vf_from_bits(vi_and(vf_bits(x), vi_set(0x7fffffff)))); }
VF vf step_prod(vf a, vf x) { return vf_mul(a, x); }
VF vf step_nanmax(vf a, vf x) { return vf_sel(vf_ne(x, x), x, vf_max(x, a)); }
VF vf step_nanmin(vf a, vf x) { return vf_sel(vf_ne(x, x), x, vf_min(x, a)); }
VEC_ROWS(rows_sumabs, step_sumabs, vf_set(0.0f), vf_set(0.0f))
VEC_ROWS(rows_prod, step_prod, vf_set(1.0f), vf_set(1.0f))
VEC_ROWS(rows_nanmax, step_nanmax, vf_set(-__builtin_inff()), vf_set(-__builtin_inff()))
VEC_ROWS(rows_nanmin, step_nanmin, vf_set(__builtin_inff()), vf_set(__builtin_inff()))
VF float fold_nanmax(vf x) { return vm_bits(vf_ne(x, x)) != 0 ? __builtin_nanf("") : vf_hmax(x); }
VF float fold_nanmin(vf x) { return vm_bits(vf_ne(x, x)) != 0 ? __builtin_nanf("") : vf_hmin(x); }

/* Columns of one vector. `join` folds a block's result into the total. */
#define COLS_TILE(load, put, step, join, start)                                                                        \
    {                                                                                                                  \
        vf total = start;                                                                                              \
        for (size_t i = 0; i < n; i += 256) {                                                                          \
            size_t end = n - i < 256 ? n : i + 256;                                                                    \
            vf a = start;                                                                                              \
            for (size_t k = i; k < end; k++)                                                                           \
                a = step(a, load);                                                                                     \
            total = join(total, a);                                                                                    \
        }                                                                                                              \
        put;                                                                                                           \
    }
#define REDUCE_BODY(id, rows_name, step, join, fold, start)                                                            \
    VTARGET void VNAME(mote_reduce_f32_rows_##id)(const float *x, size_t stride, float *y, size_t rows, size_t n)      \
    {                                                                                                                  \
        size_t r = 0;                                                                                                  \
        for (; VEC_WIDE && r + 4 <= rows; r += 4) {                                                                                \
            vf acc[4];                                                                                                 \
            rows_name##4(x + r * stride, stride, n, acc);                                                              \
            for (int i = 0; i < 4; i++)                                                                                \
                y[r + (size_t)i] = fold(acc[i]);                                                                       \
        }                                                                                                              \
        for (; r < rows; r++)                                                                                          \
            y[r] = fold(rows_name##1(x + r * stride, n));                                                              \
    }                                                                                                                  \
    VTARGET void VNAME(mote_reduce_f32_cols_##id)(const float *x, size_t stride, float *y, size_t n, size_t m)         \
    {                                                                                                                  \
        size_t j = 0;                                                                                                  \
        for (; VEC_WIDE && j + 64 <= m; j += 64) {                                                                                 \
            vf t0 = start, t1 = t0, t2 = t0, t3 = t0;                                                                  \
            for (size_t i = 0; i < n; i += 256) {                                                                      \
                size_t end = n - i < 256 ? n : i + 256;                                                                \
                vf a0 = start, a1 = a0, a2 = a0, a3 = a0;                                                              \
                for (size_t k = i; k < end; k++) {                                                                     \
                    const float *p = x + k * stride + j;                                                               \
                    a0 = step(a0, vf_load(p));                                                                         \
                    a1 = step(a1, vf_load(p + 16));                                                                    \
                    a2 = step(a2, vf_load(p + 32));                                                                    \
                    a3 = step(a3, vf_load(p + 48));                                                                    \
                }                                                                                                      \
                t0 = join(t0, a0), t1 = join(t1, a1), t2 = join(t2, a2), t3 = join(t3, a3);                            \
            }                                                                                                          \
            vf_store(y + j, t0), vf_store(y + j + 16, t1), vf_store(y + j + 32, t2), vf_store(y + j + 48, t3);         \
        }                                                                                                              \
        for (; j + 16 <= m; j += 16)                                                                                   \
            COLS_TILE(vf_load(x + k * stride + j), vf_store(y + j, total), step, join, start)                          \
        if (j < m)                                                                                                     \
            COLS_TILE(vf_loadn(x + k * stride + j, m - j), vf_storen(y + j, m - j, total), step, join, start)          \
    }
REDUCE_BODY(sum, rows_sum, step_sum, vf_add, vf_hsum, vf_set(0.0f))
REDUCE_BODY(sumsq, rows_sumsq, step_sumsq, vf_add, vf_hsum, vf_set(0.0f))
REDUCE_BODY(sumabs, rows_sumabs, step_sumabs, vf_add, vf_hsum, vf_set(0.0f))
REDUCE_BODY(prod, rows_prod, step_prod, vf_mul, vf_hmul, vf_set(1.0f))
REDUCE_BODY(max, rows_nanmax, step_nanmax, step_nanmax, fold_nanmax, vf_set(-__builtin_inff()))
REDUCE_BODY(min, rows_nanmin, step_nanmin, step_nanmin, fold_nanmin, vf_set(__builtin_inff()))
