/* resize_avx512.c - interpolation for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/resize/resize.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/resize/resize_tmpl.h"
#else
typedef int resize_avx512_empty;
#endif
