/* quantize_avx2.c - quantization and conversion for AVX2/FMA
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/quantize/quantize.h"
#include "kernels/vec/vec_avx2.h"
#include "kernels/quantize/quantize_tmpl.h"
#else
typedef int quantize_avx2_empty;
#endif
