/* idwconv_avx512.c - integer depthwise convolution for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/dwconv/idwconv.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/dwconv/idwconv_tmpl.h"
#else
typedef int idwconv_avx512_empty;
#endif
