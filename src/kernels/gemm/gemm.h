/* gemm.h - f32 matrix products on packed panels: c = act(bias + a b + residual); convolution is the same with several pointers to a row
 * SPDX-License-Identifier: Apache-2.0
 *
 * Numerics: CONSISTENT. c[m][n] starts from bias[n] (or 0) and adds a[m][k] * b[k][n] for ascending k, one fma each. Cutting k in blocks and
 * storing c between them changes nothing, for an f32 register and an f32 in memory are the same. The tile, the row and the number of threads never
 * reach the bits. For a convolution k runs over (kernel y, kernel x, channel), the channel fastest, and a tap in the padding counts as a zero that
 * is multiplied like any other. src/ops evaluates in the same order.
 *
 * Packed b: columns are cut into panels, at most nr wide, widths multiples of 16 and as even as can be (mote_gemm_panel). A panel of width w is
 * (1 + k) * w floats: the bias, then one row of w for each k; columns beyond n are zero. Panels follow each other; 64-byte aligned. */
#ifndef MOTE_KERNELS_GEMM_GEMM_H
#define MOTE_KERNELS_GEMM_GEMM_H

#include "base/size.h"
#include "kernels/kernel.h"
#include "kernels/transpose/transpose.h"

enum {
    MOTE_GEMM_ADD_C = 1 << 0, /* start from c instead of the bias: all blocks of k but the first */
    MOTE_GEMM_CLAMP = 1 << 1, /* c = min(hi, max(lo, .)) at the end, NaN kept: the last block of k */
};

/* One tile: m rows (1..row->mr) by n columns (1..row->nr). Row i's element (tap t, channel j) is a[t * a_step + i][a_offset + j]; nothing
 * beyond kc channels is read. b: taps * kc rows of w = n rounded up to 16. c, residual: rows c_stride, residual_stride floats apart, n floats
 * read or written in each; c must not overlap a or b; residual may be c. */
typedef struct mote_gemm_f32_tile {
    const void *const *a; /* rows of floats */
    size_t a_step, a_offset;
    size_t m, n, taps, kc;
    const float *b, *bias;
    float *c;
    const float *residual; /* NULL: none; added after the last term, before the clamp */
    size_t c_stride, residual_stride;
    float lo, hi;
    uint32_t flags;
    void *gathered; /* what the row's hooks have made of a; else unused */
} mote_gemm_f32_tile;

typedef void (*mote_gemm_f32_fn)(const mote_gemm_f32_tile *t);
/* One row (t->m 1) by several neighbouring panels of 16 columns, panel_floats apart: t->n columns in all, b and bias of the first. So that a
 * product of one row waits for memory, not for the fma before. */
typedef void (*mote_gemv_f32_fn)(const mote_gemm_f32_tile *t, size_t panel_floats);

typedef struct mote_gemm_f32_row {
    const char *name;
    uint32_t isa;
    uint8_t mr, nr;
    mote_check check;
    mote_gemm_f32_fn fn;
    mote_gemv_f32_fn gemv; /* rows with nr 16; else NULL */
    const struct mote_gemm_f32_hooks *hooks; /* rows of gemm_bf16.h; else NULL */
} mote_gemm_f32_row;

/* The best row for these features. Never NULL. */
const mote_gemm_f32_row *mote_gemm_f32_select(uint32_t cpu);
const mote_gemm_f32_row *mote_gemm_f32_rows(size_t *count);

#define GEMM_F32(name, gemv, isa, mr, nr, check) void name(const mote_gemm_f32_tile *t);
#include "kernels/gemm/gemm_f32.inc"
#undef GEMM_F32
void mote_gemv_f32_f32_f32_1x64_avx2(const mote_gemm_f32_tile *t, size_t panel_floats);
void mote_gemv_f32_f32_f32_1x64_neon(const mote_gemm_f32_tile *t, size_t panel_floats);

/* ---- panels ---- */

MOTE_INLINE size_t mote_gemm_panels(size_t nr, size_t n) { return mote_div_up(mote_div_up(n, MOTE_LANES), nr / MOTE_LANES); }
/* First column of panel p (p may be the number of panels: then n rounded up to 16). Panel p's data begin at this times (1 + k) floats. */
MOTE_INLINE size_t mote_gemm_panel(size_t nr, size_t n, size_t p)
{
    size_t vectors = mote_div_up(n, MOTE_LANES), panels = mote_gemm_panels(nr, n);
    if (panels == 0)
        return 0;
    return MOTE_LANES * (p * (vectors / panels) + mote_min_size(p, vectors % panels));
}
/* Floats of the packed b; false if not representable. */
MOTE_INLINE bool mote_gemm_f32_packed(size_t n, size_t k, size_t *floats)
{
    return mote_size_align(n, MOTE_LANES, &n) && mote_size_add(k, 1, &k) && mote_size_mul(n, k, floats);
}

/* Where b comes from: element (tap t, channel j, column i) is src[t * tap_stride + j * k_stride + i * n_stride] floats, src without alignment.
 * bias: n floats without alignment, or NULL for zeros. */
typedef struct mote_gemm_f32_source {
    const void *src, *bias;
    size_t n, taps, kc;
    size_t tap_stride, k_stride, n_stride;
    mote_transpose_fn transpose; /* of 4-byte elements, for k_stride 1; NULL: one by one */
} mote_gemm_f32_source;

/* Packs panels p0 <= p < p1 of b into dst (the start of the whole packed b). */
void mote_gemm_f32_pack(size_t nr, const mote_gemm_f32_source *s, float *dst, size_t p0, size_t p1);

/* ---- blocks ---- */

/* Fills pointers to rows m0 .. m0+rows-1 of a, taps t0 .. t0+taps-1: table[t * rows + i]. */
typedef void (*mote_gemm_f32_rows_fn)(const void *ctx, size_t m0, size_t rows, size_t t0, size_t taps, const void **table);
/* In place on n floats at y: an activation that is no clamp (kernels/unary/unary.h). */
typedef void (*mote_gemm_f32_act_fn)(const float *x, float *y, size_t n, const float *params);

/* A whole product. Either a (rows a_stride floats apart, taps 1) or rows_fn. */
typedef struct mote_gemm_f32_op {
    const mote_gemm_f32_row *row;
    size_t m, n, taps, kc;
    const float *a;
    size_t a_stride;
    mote_gemm_f32_rows_fn rows_fn; /* NULL: a and a_stride */
    const void *rows_ctx;
    const float *b; /* packed */
    float *c;
    size_t c_stride;
    const float *residual; /* NULL: none */
    size_t residual_stride;
    uint32_t flags; /* MOTE_GEMM_CLAMP, MOTE_GEMM_ADD_C (then the bias is not read) */
    float lo, hi;
    mote_gemm_f32_act_fn act; /* NULL: none; comes last */
    const float *act_params;
    void *scratch; /* mote_gemm_f32_scratch bytes, 64-byte aligned, of the calling thread alone */
} mote_gemm_f32_op;

/* 0 but for rows with hooks. Depends on row, m, taps and kc. */
size_t mote_gemm_f32_scratch(const mote_gemm_f32_op *op);

/* Computes rows m0..m1, panels p0..p1 on the calling thread. Any division of a product into such blocks gives the same bits. */
void mote_gemm_f32_block(const mote_gemm_f32_op *op, size_t m0, size_t m1, size_t p0, size_t p1);

#endif
