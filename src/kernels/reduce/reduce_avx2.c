/* reduce_avx2.c - reductions for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/reduce/reduce.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/reduce/reduce_tmpl.h"
#else
typedef int reduce_avx2_empty;
#endif
