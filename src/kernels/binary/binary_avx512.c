/* binary_avx512.c - elementwise functions of two operands for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/binary/binary.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/binary/binary_tmpl.h"
#else
typedef int binary_avx512_empty;
#endif
