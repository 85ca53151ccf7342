/* types.h - the type sets and attribute forms of the ONNX definitions, by the operator-set version that brought them
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_TYPES_H
#define MOTE_OPS_TYPES_H

#include "ops/op.h"

/* "all tensor types" as of operator set N */
#define MOTE_T_ALL_7 0x0000fffeu
#define MOTE_T_ALL_13 0x0001fffeu /* + bfloat16 */
#define MOTE_T_ALL_19 0x001ffffeu /* + four float8 types */
#define MOTE_T_ALL_21 0x007ffffeu /* + uint4, int4 */
#define MOTE_T_ALL_23 0x00fffffeu /* + float4e2m1 */
#define MOTE_T_ALL_24 0x01fffffeu /* + float8e8m0 */
#define MOTE_T_ALL_25 0x07fffffeu /* + uint2, int2 */

#define MOTE_T_FLOAT_7 (MOTE_DT(F16) | MOTE_DT(F32) | MOTE_DT(F64))
#define MOTE_T_NUM_7 (MOTE_DTYPES_INT | MOTE_T_FLOAT_7)
#define MOTE_T_NUM_BOOL_7 (MOTE_T_NUM_7 | MOTE_DT(BOOL))
#define MOTE_T_NUM_BOOL_13 (MOTE_DTYPES_NUMERIC | MOTE_DT(BOOL))
/* the arithmetic types of operator sets 1 to 13: 32 bits and more, and half floats */
#define MOTE_T_ARITH_7 (MOTE_DT(U32) | MOTE_DT(U64) | MOTE_DT(S32) | MOTE_DT(S64) | MOTE_T_FLOAT_7)
#define MOTE_T_ARITH_13 (MOTE_T_ARITH_7 | MOTE_DT(BF16))
#define MOTE_T_INDEX (MOTE_DT(S32) | MOTE_DT(S64))
#define MOTE_T_F8_19 (MOTE_DT(F8E4M3FN) | MOTE_DT(F8E4M3FNUZ) | MOTE_DT(F8E5M2) | MOTE_DT(F8E5M2FNUZ))

enum {
    MOTE_T_TENSOR = 1 << MOTE_KIND_TENSOR,
    MOTE_T_SEQUENCE = 1 << MOTE_KIND_SEQUENCE,
    MOTE_T_OPTIONAL = 1 << MOTE_KIND_OPTIONAL,
};

/* attribute specifications: without a default, required, with one */
#define MOTE_A(attr_kind, attr_name) {.name = attr_name, .kind = MOTE_ATTR_##attr_kind}
#define MOTE_A_REQUIRED(attr_kind, attr_name) {.name = attr_name, .kind = MOTE_ATTR_##attr_kind, .required = true}
#define MOTE_A_INT(attr_name, value) {.name = attr_name, .kind = MOTE_ATTR_INT, .i = value}
#define MOTE_A_FLOAT(attr_name, value) {.name = attr_name, .kind = MOTE_ATTR_FLOAT, .f = value}
#define MOTE_A_STRING(attr_name, value) {.name = attr_name, .kind = MOTE_ATTR_STRING, .s = value}

#endif
