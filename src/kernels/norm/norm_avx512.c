/* norm_avx512.c - normalization for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/norm/norm.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/norm/norm_tmpl.h"
#else
typedef int norm_avx512_empty;
#endif
