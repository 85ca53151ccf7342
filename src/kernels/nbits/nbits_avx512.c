/* nbits_avx512.c - weights of few bits for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/nbits/nbits.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/nbits/nbits_tmpl.h"
#else
typedef int nbits_avx512_empty;
#endif
