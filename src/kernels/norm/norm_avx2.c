/* norm_avx2.c - normalization for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/norm/norm.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/norm/norm_tmpl.h"
#else
typedef int norm_avx2_empty;
#endif
