/* nbits_avx2.c - weights of few bits for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/nbits/nbits.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/nbits/nbits_tmpl.h"
#else
typedef int nbits_avx2_empty;
#endif
