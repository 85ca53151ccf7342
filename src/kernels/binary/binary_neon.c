/* binary_neon.c - elementwise functions of two operands for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/binary/binary.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/binary/binary_tmpl.h"
#else
typedef int binary_neon_empty;
#endif
