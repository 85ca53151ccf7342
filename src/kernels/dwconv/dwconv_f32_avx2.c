/* dwconv_f32_avx2.c - f32 depthwise convolution for AVX2
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/dwconv/dwconv.h"
#include "kernels/vec/vec_avx2.h"
#define TILE_PIXELS 4
#define TILE_VECTORS 2
#define RUN_NAME mote_dwconv_f32_f32_f32_4p16c_avx2
#define PIXEL_NAME mote_dwconv_f32_f32_f32_1p32c_avx2
#include "kernels/dwconv/dwconv_f32_tmpl.h"
#else
typedef int dwconv_f32_avx2_empty;
#endif
