/* binary_avx2.c - elementwise functions of two operands for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/binary/binary.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/binary/binary_tmpl.h"
#else
typedef int binary_avx2_empty;
#endif
