/* attend_avx512.c - few rows of queries for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/attend/attend.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/attend/attend_tmpl.h"
#else
typedef int attend_avx512_empty;
#endif
