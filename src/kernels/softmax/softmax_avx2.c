/* softmax_avx2.c - softmax for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/softmax/softmax.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/softmax/softmax_tmpl.h"
#else
typedef int softmax_avx2_empty;
#endif
