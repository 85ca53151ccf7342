/* gemm_f32_neon.c - f32 gemm tiles for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/gemm/gemm.h"
#include "kernels/vec/vec_neon.h"
#define TILE_MR 6
#define TILE_NV 1
#define TILE_NAME mote_gemm_f32_f32_f32_6x16_neon
#define GEMV_NAME mote_gemv_f32_f32_f32_1x64_neon
#include "kernels/gemm/gemm_f32_tmpl.h"
#else
typedef int gemm_f32_neon_empty;
#endif
