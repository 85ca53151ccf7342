/* dtype.h - element types: sizes, classes, sets
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TENSOR_DTYPE_H
#define MOTE_TENSOR_DTYPE_H

#include "base/platform.h"
#include <mote/mote.h>

enum { MOTE_DTYPE_COUNT = 27 };

/* A set of types: bit i stands for dtype i. */
typedef uint32_t mote_dtypes;
#define MOTE_DT(name) (1u << MOTE_DTYPE_##name)

#define MOTE_DTYPES_FLOAT (MOTE_DT(F16) | MOTE_DT(F32) | MOTE_DT(F64) | MOTE_DT(BF16))
#define MOTE_DTYPES_SINT (MOTE_DT(S8) | MOTE_DT(S16) | MOTE_DT(S32) | MOTE_DT(S64))
#define MOTE_DTYPES_UINT (MOTE_DT(U8) | MOTE_DT(U16) | MOTE_DT(U32) | MOTE_DT(U64))
#define MOTE_DTYPES_INT (MOTE_DTYPES_SINT | MOTE_DTYPES_UINT)
#define MOTE_DTYPES_NUMERIC (MOTE_DTYPES_FLOAT | MOTE_DTYPES_INT)
#define MOTE_DTYPES_F8 (MOTE_DT(F8E4M3FN) | MOTE_DT(F8E4M3FNUZ) | MOTE_DT(F8E5M2) | MOTE_DT(F8E5M2FNUZ) | MOTE_DT(F8E8M0))
#define MOTE_DTYPES_SUBBYTE (MOTE_DT(U4) | MOTE_DT(S4) | MOTE_DT(F4E2M1) | MOTE_DT(U2) | MOTE_DT(S2))
#define MOTE_DTYPES_COMPLEX (MOTE_DT(C64) | MOTE_DT(C128))
#define MOTE_DTYPES_ALL 0x07fffffeu

MOTE_INLINE bool mote_dtype_valid(int64_t t) { return t > 0 && t < MOTE_DTYPE_COUNT; }
MOTE_INLINE bool mote_dtype_in(mote_dtype t, mote_dtypes set) { return (set >> (unsigned)t & 1u) != 0; }

/* Bytes of `count` elements, sub-byte types packed; strings count sizeof(mote_string). False on overflow or an invalid type. */
bool mote_dtype_bytes(mote_dtype t, size_t count, size_t *bytes);
/* The type of that name ("float32", "float", "int8", ...), NONE when unknown. */
mote_dtype mote_dtype_from_name(const char *name, size_t n);

/* Any real number type to and from f64 (integers beyond 2^53 round), element i of packed data. For references and printing, not for speed.
 * from_f64 saturates f8 types and wraps nothing else: integers out of range are clamped, NaN becomes 0. */
double mote_dtype_to_f64(mote_dtype t, const void *data, size_t i);
void mote_dtype_from_f64(mote_dtype t, void *data, size_t i, double x);
/* Exact for every integer type and bool. */
int64_t mote_dtype_to_i64(mote_dtype t, const void *data, size_t i);
void mote_dtype_from_i64(mote_dtype t, void *data, size_t i, int64_t x); /* wraps modulo 2^bits */

#endif
