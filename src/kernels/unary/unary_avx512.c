/* unary_avx512.c - unary functions for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/unary/unary.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/unary/unary_tmpl.h"
#else
typedef int unary_avx512_empty;
#endif
