/* quantize_avx512.c - quantization and conversion for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/quantize/quantize.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/quantize/quantize_tmpl.h"
#else
typedef int quantize_avx512_empty;
#endif
