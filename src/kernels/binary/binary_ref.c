/* binary_ref.c - elementwise functions of two operands in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/binary/binary.h"
#define VEC_C_LANES 1
#include "kernels/vec/vec_c.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/binary/binary_tmpl.h"
