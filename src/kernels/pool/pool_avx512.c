/* pool_avx512.c - pooling for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/pool/pool.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/pool/pool_tmpl.h"
#else
typedef int pool_avx512_empty;
#endif
