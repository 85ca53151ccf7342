/* gemm_f32_tmpl.h - the body of an f32 gemm row; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0
 * TILE_MR: rows, at most 8. TILE_NV: vectors of 16 columns, at most 3. TILE_NAME: the row's name. GEMV_NAME: its product of one row, when TILE_NV is 1.
 * Each (rows, vectors) pair is a function of its own, its accumulators named variables, so that they stay in registers. */

#define ROWS_1(X) X(0)
#define ROWS_2(X) ROWS_1(X) X(1)
#define ROWS_3(X) ROWS_2(X) X(2)
#define ROWS_4(X) ROWS_3(X) X(3)
#define ROWS_5(X) ROWS_4(X) X(4)
#define ROWS_6(X) ROWS_5(X) X(5)
#define ROWS_7(X) ROWS_6(X) X(6)
#define ROWS_8(X) ROWS_7(X) X(7)

/* V1, V2: what only tiles with a second or third vector have. */
#define ON(...) __VA_ARGS__
#define OFF(...)

#define DECLARE_1(i) vf c##i##0;
#define DECLARE_2(i) vf c##i##0, c##i##1;
#define DECLARE_3(i) vf c##i##0, c##i##1, c##i##2;
#define FROM_BIAS_1(i) c##i##0 = bias0;
#define FROM_BIAS_2(i) c##i##0 = bias0, c##i##1 = bias1;
#define FROM_BIAS_3(i) c##i##0 = bias0, c##i##1 = bias1, c##i##2 = bias2;
#define POINTER(i) const float *a##i = (const float *)a[i] + offset;

#define FROM_C_1(i) c##i##0 = full ? vf_load(c + i * cs) : vf_loadn(c + i * cs, last);
#define FROM_C_2(i) c##i##0 = vf_load(c + i * cs), c##i##1 = full ? vf_load(c + i * cs + 16) : vf_loadn(c + i * cs + 16, last);
#define FROM_C_3(i)                                                                                                    \
    c##i##0 = vf_load(c + i * cs), c##i##1 = vf_load(c + i * cs + 16),                                                 \
    c##i##2 = full ? vf_load(c + i * cs + 32) : vf_loadn(c + i * cs + 32, last);

#define ADD_1(i) c##i##0 = vf_add(c##i##0, full ? vf_load(r + i * rs) : vf_loadn(r + i * rs, last));
#define ADD_2(i)                                                                                                       \
    c##i##0 = vf_add(c##i##0, vf_load(r + i * rs)),                                                                    \
    c##i##1 = vf_add(c##i##1, full ? vf_load(r + i * rs + 16) : vf_loadn(r + i * rs + 16, last));
#define ADD_3(i)                                                                                                       \
    c##i##0 = vf_add(c##i##0, vf_load(r + i * rs)), c##i##1 = vf_add(c##i##1, vf_load(r + i * rs + 16)),               \
    c##i##2 = vf_add(c##i##2, full ? vf_load(r + i * rs + 32) : vf_loadn(r + i * rs + 32, last));

#define STEP_1(i) x = vf_set(a##i[k]), c##i##0 = vf_fma(x, b0, c##i##0);
#define STEP_2(i) x = vf_set(a##i[k]), c##i##0 = vf_fma(x, b0, c##i##0), c##i##1 = vf_fma(x, b1, c##i##1);
#define STEP_3(i)                                                                                                      \
    x = vf_set(a##i[k]), c##i##0 = vf_fma(x, b0, c##i##0), c##i##1 = vf_fma(x, b1, c##i##1), c##i##2 = vf_fma(x, b2, c##i##2);

#define CLAMP_1(i) c##i##0 = vf_min(hi, vf_max(lo, c##i##0));
#define CLAMP_2(i) CLAMP_1(i) c##i##1 = vf_min(hi, vf_max(lo, c##i##1));
#define CLAMP_3(i) CLAMP_2(i) c##i##2 = vf_min(hi, vf_max(lo, c##i##2));

#define STORE_1(i) vf_store(c + i * cs, c##i##0);
#define STORE_2(i) STORE_1(i) vf_store(c + i * cs + 16, c##i##1);
#define STORE_3(i) STORE_2(i) vf_store(c + i * cs + 32, c##i##2);
#define STOREN_1(i) vf_storen(c + i * cs, last, c##i##0);
#define STOREN_2(i) STORE_1(i) vf_storen(c + i * cs + 16, last, c##i##1);
#define STOREN_3(i) STORE_2(i) vf_storen(c + i * cs + 32, last, c##i##2);

/* What comes after must not be computed ahead: the loop needs the registers. */
#define FORGET(p) __asm__ volatile("" : "+r"(p));

#define TILE(MR, NV, V1, V2)                                                                                           \
    static VTARGET void tile_##MR##x##NV(const mote_gemm_f32_tile *t)                                                  \
    {                                                                                                                  \
        const float *b = t->b;                                                                                         \
        ROWS_##MR(DECLARE_##NV)                                                                                        \
        if ((t->flags & MOTE_GEMM_ADD_C) != 0) {                                                                       \
            const size_t cs = t->c_stride, last = t->n - 16 * (NV - 1);                                                \
            const bool full = last == 16;                                                                              \
            const float *c = t->c;                                                                                     \
            ROWS_##MR(FROM_C_##NV)                                                                                     \
        } else {                                                                                                       \
            const vf bias0 = vf_load(t->bias);                                                                         \
            V1(const vf bias1 = vf_load(t->bias + 16);)                                                                \
            V2(const vf bias2 = vf_load(t->bias + 32);)                                                                \
            ROWS_##MR(FROM_BIAS_##NV)                                                                                  \
        }                                                                                                              \
        FORGET(t)                                                                                                      \
        const size_t kc = t->kc, offset = t->a_offset, a_step = t->a_step;                                             \
        const void *const *a = t->a;                                                                                   \
        for (size_t tap = t->taps; tap > 0; tap--, a += a_step) {                                                      \
            ROWS_##MR(POINTER)                                                                                         \
            for (size_t k = 0; k < kc; k++, b += 16 * NV) {                                                            \
                vf x, b0 = vf_load(b);                                                                                 \
                V1(vf b1 = vf_load(b + 16);)                                                                           \
                V2(vf b2 = vf_load(b + 32);)                                                                           \
                ROWS_##MR(STEP_##NV)                                                                                   \
            }                                                                                                          \
        }                                                                                                              \
        FORGET(t)                                                                                                      \
        const size_t cs = t->c_stride, last = t->n - 16 * (NV - 1);                                                    \
        const bool full = last == 16;                                                                                  \
        float *c = t->c;                                                                                               \
        if (t->residual != NULL) {                                                                                     \
            const float *r = t->residual;                                                                              \
            const size_t rs = t->residual_stride;                                                                      \
            ROWS_##MR(ADD_##NV)                                                                                        \
        }                                                                                                              \
        if ((t->flags & MOTE_GEMM_CLAMP) != 0) {                                                                       \
            const vf lo = vf_set(t->lo), hi = vf_set(t->hi);                                                           \
            ROWS_##MR(CLAMP_##NV)                                                                                      \
        }                                                                                                              \
        if (full) {                                                                                                    \
            ROWS_##MR(STORE_##NV)                                                                                      \
        } else {                                                                                                       \
            ROWS_##MR(STOREN_##NV)                                                                                     \
        }                                                                                                              \
    }

#define TILES_6(NV, V1, V2) TILE(1, NV, V1, V2) TILE(2, NV, V1, V2) TILE(3, NV, V1, V2) TILE(4, NV, V1, V2) TILE(5, NV, V1, V2) TILE(6, NV, V1, V2)
#define TILES_8(NV, V1, V2) TILES_6(NV, V1, V2) TILE(7, NV, V1, V2) TILE(8, NV, V1, V2)
#define NAMES_6(NV) tile_1x##NV, tile_2x##NV, tile_3x##NV, tile_4x##NV, tile_5x##NV, tile_6x##NV
#define NAMES_8(NV) NAMES_6(NV), tile_7x##NV, tile_8x##NV
#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

PASTE(TILES_, TILE_MR)(1, OFF, OFF)
#if TILE_NV > 1
PASTE(TILES_, TILE_MR)(2, ON, OFF)
#endif
#if TILE_NV > 2
PASTE(TILES_, TILE_MR)(3, ON, ON)
#endif

static const mote_gemm_f32_fn tiles[TILE_NV][TILE_MR] = {
    {PASTE(NAMES_, TILE_MR)(1)},
#if TILE_NV > 1
    {PASTE(NAMES_, TILE_MR)(2)},
#endif
#if TILE_NV > 2
    {PASTE(NAMES_, TILE_MR)(3)},
#endif
};

void TILE_NAME(const mote_gemm_f32_tile *t) { tiles[(t->n - 1) / 16][t->m - 1](t); }

/* ---- one row by four panels of 16 ---- */

#ifdef GEMV_NAME
VF void gemv_end(const mote_gemm_f32_tile *t, size_t at, vf x)
{
    const size_t n = t->n - at;
    if (t->residual != NULL)
        x = vf_add(x, n >= 16 ? vf_load(t->residual + at) : vf_loadn(t->residual + at, n));
    if ((t->flags & MOTE_GEMM_CLAMP) != 0)
        x = vf_min(vf_set(t->hi), vf_max(vf_set(t->lo), x));
    if (n >= 16)
        vf_store(t->c + at, x);
    else
        vf_storen(t->c + at, n, x);
}

VF vf gemv_start(const mote_gemm_f32_tile *t, size_t at, size_t panel_floats)
{
    const size_t n = t->n - at;
    if ((t->flags & MOTE_GEMM_ADD_C) == 0)
        return vf_load(t->bias + at / 16 * panel_floats);
    return n >= 16 ? vf_load(t->c + at) : vf_loadn(t->c + at, n);
}

VTARGET void GEMV_NAME(const mote_gemm_f32_tile *t, size_t panel_floats)
{
    const float *a = (const float *)t->a[0] + t->a_offset;
    const size_t kc = t->kc;
    size_t at = 0;
    for (; at + 48 < t->n; at += 64) { /* the fourth may be narrower */
        const float *b0 = t->b + at / 16 * panel_floats, *b1 = b0 + panel_floats, *b2 = b1 + panel_floats, *b3 = b2 + panel_floats;
        vf c0 = gemv_start(t, at, panel_floats), c1 = gemv_start(t, at + 16, panel_floats), c2 = gemv_start(t, at + 32, panel_floats),
           c3 = gemv_start(t, at + 48, panel_floats);
        for (size_t k = 0; k < kc; k++) {
            const vf x = vf_set(a[k]);
            c0 = vf_fma(x, vf_load(b0 + 16 * k), c0);
            c1 = vf_fma(x, vf_load(b1 + 16 * k), c1);
            c2 = vf_fma(x, vf_load(b2 + 16 * k), c2);
            c3 = vf_fma(x, vf_load(b3 + 16 * k), c3);
        }
        gemv_end(t, at, c0);
        gemv_end(t, at + 16, c1);
        gemv_end(t, at + 32, c2);
        gemv_end(t, at + 48, c3);
    }
    for (; at < t->n; at += 16) {
        const float *b = t->b + at / 16 * panel_floats;
        vf c = gemv_start(t, at, panel_floats);
        for (size_t k = 0; k < kc; k++)
            c = vf_fma(vf_set(a[k]), vf_load(b + 16 * k), c);
        gemv_end(t, at, c);
    }
}
#endif
