/* pool_avx2.c - pooling for AVX2
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/pool/pool.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/pool/pool_tmpl.h"
#else
typedef int pool_avx2_empty;
#endif
