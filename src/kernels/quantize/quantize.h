/* quantize.h - between f32, integers, half floats: QuantizeLinear, DequantizeLinear, integer Add and Mul, tables, Cast
 * SPDX-License-Identifier: Apache-2.0
 *
 *   quantize    y = clamp(round_half_even(x / scale) + zero, lo, hi)          one f32 division; NaN gives lo
 *   dequantize  y = (x - zero) scale                                          the difference exact, the product rounded once
 *   requantize  y = clamp(round_half_even(f32(x) m) + zero, lo, hi)           x: s32 accumulators
 *   add, mul    y = clamp(round_half_even(((a - za) sa op (b - zb) sb) / sy) + zy): what DequantizeLinear -> Add/Mul -> QuantizeLinear give
 *   lookup      y = table[x]
 * Types are bits (8, 16) and signedness; lo and hi are the type's limits, or tighter. scale and zero: one value (step 0) or one for each element (step 1).
 * y may be x only where the element sizes are equal. No alignment. The same bits on every instruction set. Sources: ONNX QuantizeLinear-19,
 * DequantizeLinear-19; DESIGN.md, Numerics. */
#ifndef MOTE_KERNELS_QUANTIZE_QUANTIZE_H
#define MOTE_KERNELS_QUANTIZE_QUANTIZE_H

#include "base/cpu.h"
#include <stdbool.h>

typedef enum mote_qtype { MOTE_Q_U8, MOTE_Q_S8, MOTE_Q_U16, MOTE_Q_S16, MOTE_Q_TYPES } mote_qtype;

typedef void (*mote_quantize_fn)(const float *x, void *y, size_t n, const float *scale, const int32_t *zero, size_t step);
typedef void (*mote_dequantize_fn)(const void *x, float *y, size_t n, const float *scale, const int32_t *zero, size_t step);
/* m: step 0 or 1 */
typedef void (*mote_requantize_fn)(const int32_t *x, void *y, size_t n, const float *m, size_t step, int32_t zero, int32_t lo, int32_t hi);

typedef struct mote_qbinary {
    float scale_a, scale_b, scale_y;
    int32_t zero_a, zero_b, zero_y;
} mote_qbinary;
/* form: as in kernels/binary: 0 both vectors, 1 a is a scalar, 2 b is */
typedef void (*mote_qbinary_fn)(const void *a, const void *b, void *y, size_t n, unsigned form, const mote_qbinary *q);

typedef struct mote_quantize_row {
    const char *name; /* of quantize, and of the two that have no other */
    uint32_t isa;
    const char *add_name, *mul_name;
    mote_qtype type;
    mote_quantize_fn quantize;
    mote_dequantize_fn dequantize;
    mote_requantize_fn requantize;
    mote_qbinary_fn add, mul;
} mote_quantize_row;

const mote_quantize_row *mote_quantize_select(mote_qtype type, uint32_t cpu);
const mote_quantize_row *mote_quantize_rows(size_t *count);

/* s32 has no zero point: y = x scale */
void mote_dequantize_s32(const int32_t *x, float *y, size_t n, const float *scale, size_t step);

typedef void (*mote_lookup_fn)(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table);
typedef struct mote_lookup_row {
    const char *name;
    uint32_t isa;
    mote_lookup_fn fn;
} mote_lookup_row;
const mote_lookup_row *mote_lookup_select(uint32_t cpu);
const mote_lookup_row *mote_lookup_rows(size_t *count);

/* Elements [first, first + n) of packed 4-bit integers (low nibble first) as bytes, and back; pack writes whole bytes: first even, and n even unless
 * they are the last elements (then the upper nibble is 0). */
void mote_unpack4(const uint8_t *x, size_t first, void *y, size_t n, bool is_signed);
void mote_pack4(const uint8_t *x, uint8_t *y, size_t first, size_t n);

/* Conversions that round to nearest even and keep NaN quiet. */
typedef struct mote_convert_row {
    const char *name;
    uint32_t isa;
    void (*f16_f32)(const uint16_t *x, float *y, size_t n);
    void (*f32_f16)(const float *x, uint16_t *y, size_t n);
    void (*bf16_f32)(const uint16_t *x, float *y, size_t n);
    void (*f32_bf16)(const float *x, uint16_t *y, size_t n);
    void (*u8_f32)(const uint8_t *x, float *y, size_t n);
    void (*s8_f32)(const int8_t *x, float *y, size_t n);
    void (*s32_f32)(const int32_t *x, float *y, size_t n);
} mote_convert_row;
const mote_convert_row *mote_convert_select(uint32_t cpu);
const mote_convert_row *mote_convert_rows(size_t *count);

#define QUANTIZE_TYPES(X) X(U8, u8) X(S8, s8) X(U16, u16) X(S16, s16)
#define QUANTIZE_ISA(T, t, isa)                                                                                        \
    void mote_quantize_f32_##t##_##isa(const float *x, void *y, size_t n, const float *scale, const int32_t *zero, size_t step); \
    void mote_dequantize_##t##_f32_##isa(const void *x, float *y, size_t n, const float *scale, const int32_t *zero, size_t step); \
    void mote_requantize_s32_##t##_##isa(const int32_t *x, void *y, size_t n, const float *m, size_t step, int32_t zero, int32_t lo, int32_t hi); \
    void mote_qadd_##t##_##isa(const void *a, const void *b, void *y, size_t n, unsigned form, const mote_qbinary *q); \
    void mote_qmul_##t##_##isa(const void *a, const void *b, void *y, size_t n, unsigned form, const mote_qbinary *q);
#define QUANTIZE_TYPE(T, t)                                                                                            \
    QUANTIZE_ISA(T, t, avx512) QUANTIZE_ISA(T, t, avx2) QUANTIZE_ISA(T, t, neon) QUANTIZE_ISA(T, t, ref)
QUANTIZE_TYPES(QUANTIZE_TYPE)
#undef QUANTIZE_TYPE
#undef QUANTIZE_ISA
#define CONVERT_ISA(isa)                                                                                               \
    void mote_convert_f16_f32_##isa(const uint16_t *x, float *y, size_t n);                                            \
    void mote_convert_f32_f16_##isa(const float *x, uint16_t *y, size_t n);                                            \
    void mote_convert_bf16_f32_##isa(const uint16_t *x, float *y, size_t n);                                           \
    void mote_convert_f32_bf16_##isa(const float *x, uint16_t *y, size_t n);                                           \
    void mote_convert_u8_f32_##isa(const uint8_t *x, float *y, size_t n);                                              \
    void mote_convert_s8_f32_##isa(const int8_t *x, float *y, size_t n);                                               \
    void mote_convert_s32_f32_##isa(const int32_t *x, float *y, size_t n);
CONVERT_ISA(avx512) CONVERT_ISA(avx2) CONVERT_ISA(neon) CONVERT_ISA(ref)
#undef CONVERT_ISA
void mote_lookup_u8_avx512vbmi(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table);
void mote_lookup_u8_neon(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table);
void mote_lookup_u8_ref(const uint8_t *x, uint8_t *y, size_t n, const uint8_t *table);

#endif
