/* gemm_f32_avx512.c - f32 gemm tiles for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/gemm/gemm.h"
#include "kernels/vec/vec_avx512.h"
#define TILE_MR 8
#define TILE_NV 3
#define TILE_NAME mote_gemm_f32_f32_f32_8x48_avx512
#include "kernels/gemm/gemm_f32_tmpl.h"
#else
typedef int gemm_f32_avx512_empty;
#endif
