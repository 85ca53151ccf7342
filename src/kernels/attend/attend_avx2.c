/* attend_avx2.c - few rows of queries for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/attend/attend.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/attend/attend_tmpl.h"
#else
typedef int attend_avx2_empty;
#endif
