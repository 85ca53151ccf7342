/* igemm.h - 8-bit integer matrix products and convolutions with exact s32 sums: y = requantize(bias + (a - az) (b - bz))
 * SPDX-License-Identifier: Apache-2.0
 *
 * EXACT, modulo 2^32: the sum is the one that any order gives, so that no row can saturate. k <= 66,000 keeps |255 * 127 * k| below 2^31.
 *
 *     s[m][n] = bias[n] + sum_k (a[m][k] - az) (b[k][n] - bz[n])
 *     y[m][n] = clamp(round_half_even(f32(s) scale[n]), lo, hi) + zero          8 bits; or s itself
 *     y[m][n] = f32(s) real[n] + add[n]                                         or this float, each step rounded
 *
 * Operands are u8 or s8 each. A row multiplies by its own signedness: a byte is turned into the other one by xor 0x80 as it is read (`flip`), its
 * zero point moving by 128 (mote_igemm_flip). Rows of a come as pointers, as in gemm.h: k runs over taps and kc channels; a tap in the padding
 * is a row of az.
 *
 * Packed b: panels of w columns as in gemm.h (mote_gemm_panel). A panel begins with four rows of w 32-bit values: bias, column sums of b - bz, scale
 * (f32), bz; then for each tap, for each 4 channels, w * 4 bytes: column by column, the channels side by side, zeros beyond kc and n.
 * Sources: ONNX QLinearConv-10, QLinearMatMul-21, MatMulInteger-10, ConvInteger-10; DESIGN.md, Numerics. */
#ifndef MOTE_KERNELS_IGEMM_IGEMM_H
#define MOTE_KERNELS_IGEMM_IGEMM_H

#include "kernels/gemm/gemm.h"

/* m rows (1..row->mr) by n columns (1..row->nr). */
typedef struct mote_igemm_tile {
    const void *const *a; /* row i, tap t at a[t * a_step + i]: kc bytes */
    size_t a_step, m, n, taps, kc;
    uint32_t flip;        /* xor for 4 bytes of a */
    int32_t az;           /* of a after the flip */
    const void *b;        /* the panel */
    void *gathered;       /* what the row's hooks have made of a; else unused */
    const int32_t *sums;  /* m sums of the rows of a (after the flip); NULL when every bz is 0 */
    void *y;
    size_t y_stride;      /* elements */
    bool s32, f32;        /* y is int32_t, or float with the next three; and the rest unused */
    const float *real, *add; /* of the tile's columns; add may be NULL */
    bool one_real;        /* for all columns */
    float lo, hi;         /* without zero */
    int32_t zero;
} mote_igemm_tile;

enum { MOTE_IGEMM_POINTERS = 2048 }; /* taps * row->mr may not be more */

typedef void (*mote_igemm_fn)(const mote_igemm_tile *t);

typedef struct mote_igemm_row {
    const char *name;
    uint32_t isa;
    uint8_t mr, nr;
    bool a_signed; /* b always is */
    mote_check check;
    mote_igemm_fn fn;
    const struct mote_igemm_hooks *hooks; /* NULL: none */
} mote_igemm_row;

/* What a row needs besides fn: between begin and end, on one thread, any number of gather, which copies the rows of one tile for fn, and fn. */
typedef struct mote_igemm_hooks {
    size_t gathered_64; /* bytes that gather writes, 64-byte aligned, for each 64 bytes of depth (the channels of a tap filled up to a multiple of 4) */
    void (*begin)(size_t taps, size_t kc);
    void (*end)(void);
    void (*gather)(const mote_igemm_tile *t, void *dst);
} mote_igemm_hooks;

/* For products of so many taps; where no row takes them, the last. */
const mote_igemm_row *mote_igemm_select(uint32_t cpu, size_t taps);
const mote_igemm_row *mote_igemm_rows(size_t *count);

#define IGEMM(name, isa, mr, nr, a_signed, check, hooks) void name(const mote_igemm_tile *t);
#include "kernels/igemm/igemm.inc"
#undef IGEMM
extern const mote_igemm_hooks mote_igemm_amx_hooks;

/* Bytes of one row of packed k: 4-channel groups, of all taps. */
MOTE_INLINE size_t mote_igemm_groups(size_t taps, size_t kc) { return taps * mote_div_up(kc, 4); }
/* Bytes before panel p's first column n0 = mote_gemm_panel(nr, n, p): n0 times this. */
MOTE_INLINE size_t mote_igemm_column_bytes(size_t taps, size_t kc) { return 16 + 4 * mote_igemm_groups(taps, kc); }
/* Bytes of the packed b; false if not representable. */
bool mote_igemm_packed(size_t n, size_t taps, size_t kc, size_t *bytes);

/* Where b comes from: byte (tap t, channel j, column i) is src[t * tap_stride + j * k_stride + i * n_stride]. Values of column i: bias[i] (NULL: 0),
 * scale[i] (NULL: 0), zero: bz as given, before any flip, of column i or of all (zero_step 1 or 0). No alignment but of src itself. */
typedef struct mote_igemm_source {
    const uint8_t *src;
    bool b_signed;
    size_t n, taps, kc, tap_stride, k_stride, n_stride;
    const void *bias; /* s32 */
    const float *scale;
    const uint8_t *zero; /* NULL: 0 */
    size_t zero_step;
} mote_igemm_source;
void mote_igemm_pack(size_t nr, const mote_igemm_source *s, void *dst, size_t p0, size_t p1);

/* A whole product; a as in mote_gemm_f32_op, strides in elements (bytes for a). */
typedef struct mote_igemm_op {
    const mote_igemm_row *row;
    size_t m, n, taps, kc;
    const void *a;
    size_t a_stride;
    mote_gemm_f32_rows_fn rows_fn; /* NULL: a and a_stride */
    const void *rows_ctx;
    bool a_is_signed, b_zero; /* b_zero: some bz (after its flip to s8) is not 0 */
    int32_t az;               /* of a as it is stored */
    const void *b;
    void *y;
    size_t y_stride;
    bool s32, f32, one_real;  /* as in a tile */
    const float *real, *add;  /* of all columns */
    int32_t zero, lo, hi;     /* y is clamped to [lo, hi], zero included */
    void *scratch;            /* mote_igemm_scratch(op) bytes, 64-byte aligned, of the calling thread alone */
} mote_igemm_op;

/* May be 0. Depends on row, m, taps and kc. */
size_t mote_igemm_scratch(const mote_igemm_op *op);
/* Rows m0..m1, panels p0..p1, on the calling thread. */
void mote_igemm_block(const mote_igemm_op *op, size_t m0, size_t m1, size_t p0, size_t p1);

#endif
