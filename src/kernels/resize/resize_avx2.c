/* resize_avx2.c - interpolation for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/resize/resize.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/resize/resize_tmpl.h"
#else
typedef int resize_avx2_empty;
#endif
