/* reduce_avx512.c - reductions for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/reduce/reduce.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/reduce/reduce_tmpl.h"
#else
typedef int reduce_avx512_empty;
#endif
