/* softmax_avx512.c - softmax for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/softmax/softmax.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/softmax/softmax_tmpl.h"
#else
typedef int softmax_avx512_empty;
#endif
