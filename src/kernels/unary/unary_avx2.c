/* unary_avx2.c - unary functions for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/unary/unary.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/unary/unary_tmpl.h"
#else
typedef int unary_avx2_empty;
#endif
