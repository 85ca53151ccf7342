/* gemm_f32_avx2.c - f32 gemm tiles for AVX2
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/gemm/gemm.h"
#include "kernels/vec/vec_avx2.h"
#define TILE_MR 6
#define TILE_NV 1
#define TILE_NAME mote_gemm_f32_f32_f32_6x16_avx2
#define GEMV_NAME mote_gemv_f32_f32_f32_1x64_avx2
#include "kernels/gemm/gemm_f32_tmpl.h"
#else
typedef int gemm_f32_avx2_empty;
#endif
