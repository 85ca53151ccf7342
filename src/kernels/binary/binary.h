/* binary.h - elementwise functions of two operands
 * SPDX-License-Identifier: Apache-2.0
 *
 *     y[i] = f(a[i], b[i])    0 <= i < n; an operand named in `form` as a scalar is read once, at [0]
 *
 * y may be a or b (a vector operand), and may not overlap them otherwise; no alignment. A row broadcast is a call for each row.
 *   add sub mul div   one IEEE operation           min max   NaN when either is NaN
 *   prelu  a < 0 ? a b : a                         add_relu  max(0, a + b)              sqdiff  (a - b)^2
 *   pow    a^b as C's pow has it, within 0.8 ULP (exactly a a, sqrt(a), a, 1/a for b = 2, 0.5, 1, -1)
 *   fmod   the remainder of a / b towards zero, of a's sign, exact: C's fmod
 *   eq ne lt le gt ge   bytes 0 and 1
 * Every row of a function gives the same bits. */
#ifndef MOTE_KERNELS_BINARY_BINARY_H
#define MOTE_KERNELS_BINARY_BINARY_H

#include "base/cpu.h"
#include <stdbool.h>

typedef enum mote_binary {
#define BINARY(ID, id) MOTE_BINARY_##ID,
#define BINARY_TEST(ID, id) MOTE_BINARY_##ID,
#include "kernels/binary/binary_ops.inc"
#undef BINARY
#undef BINARY_TEST
    MOTE_BINARY_COUNT,
    /* of integers alone */
    MOTE_BINARY_MOD = MOTE_BINARY_COUNT,
    MOTE_BINARY_SHL,
    MOTE_BINARY_SHR,
    MOTE_BINARY_INT_COUNT
} mote_binary;

enum { MOTE_FORM_VV = 0, MOTE_FORM_SV = 1, MOTE_FORM_VS = 2 };

/* y: float, or uint8_t for the tests */
typedef void (*mote_binary_fn)(const float *a, const float *b, void *y, size_t n, unsigned form);

typedef struct mote_binary_row {
    const char *name;
    uint32_t isa;
    mote_binary op;
    mote_binary_fn fn;
} mote_binary_row;

const mote_binary_row *mote_binary_select(mote_binary op, uint32_t cpu);
const mote_binary_row *mote_binary_rows(size_t *count);

/* one element of fmod */
float mote_binary_fmod1(float a, float b);

/* The same on other types, plain C. op: ADD SUB MUL DIV MIN MAX FMOD, the tests, and
 *   MOD   the remainder of a / b towards minus infinity, of b's sign         SHL SHR   a << b, a >> b; where b is not in 0 .. bits - 1: 0, of SHR of a
 *                                                                                      negative number -1
 * Integers wrap; a division by zero gives 0, and the smallest value by -1 itself, with remainder 0. bits and sign: 8 16 32 64; signed or not. */
typedef void (*mote_binary_int_fn)(const void *a, const void *b, void *y, size_t n, unsigned form);
mote_binary_int_fn mote_binary_int_select(mote_binary op, unsigned bits, bool is_signed);

/* Bytes 0 and 1: y = a & b, a | b, a ^ b (any form), and y = !a. */
typedef enum mote_logic { MOTE_LOGIC_AND, MOTE_LOGIC_OR, MOTE_LOGIC_XOR } mote_logic;
void mote_binary_logic(mote_logic op, const uint8_t *a, const uint8_t *b, uint8_t *y, size_t n, unsigned form);
void mote_binary_not(const uint8_t *a, uint8_t *y, size_t n);

/* y[i] = c[i] ? a[i] : b[i] for elements of size 1, 2, 4 or 8. form bits: a scalar (1), b scalar (2), c scalar (4). */
void mote_binary_where(const uint8_t *c, const void *a, const void *b, void *y, size_t n, size_t size, unsigned form);

#define BINARY(ID, id)                                                                                                 \
    void mote_binary_f32_f32_f32_##id##_avx512(const float *a, const float *b, void *y, size_t n, unsigned form);      \
    void mote_binary_f32_f32_f32_##id##_avx2(const float *a, const float *b, void *y, size_t n, unsigned form);        \
    void mote_binary_f32_f32_f32_##id##_neon(const float *a, const float *b, void *y, size_t n, unsigned form);        \
    void mote_binary_f32_f32_f32_##id##_ref(const float *a, const float *b, void *y, size_t n, unsigned form);
#define BINARY_TEST(ID, id)                                                                                            \
    void mote_binary_f32_f32_bool_##id##_avx512(const float *a, const float *b, void *y, size_t n, unsigned form);     \
    void mote_binary_f32_f32_bool_##id##_avx2(const float *a, const float *b, void *y, size_t n, unsigned form);       \
    void mote_binary_f32_f32_bool_##id##_neon(const float *a, const float *b, void *y, size_t n, unsigned form);       \
    void mote_binary_f32_f32_bool_##id##_ref(const float *a, const float *b, void *y, size_t n, unsigned form);
#include "kernels/binary/binary_ops.inc"
#undef BINARY
#undef BINARY_TEST

#endif
