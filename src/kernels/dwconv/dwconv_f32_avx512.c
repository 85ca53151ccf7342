/* dwconv_f32_avx512.c - f32 depthwise convolution for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/dwconv/dwconv.h"
#include "kernels/vec/vec_avx512.h"
#define TILE_PIXELS 8
#define TILE_SLIDE
#define TILE_VECTORS 4
#define RUN_NAME mote_dwconv_f32_f32_f32_8p16c_avx512
#define PIXEL_NAME mote_dwconv_f32_f32_f32_1p64c_avx512
#include "kernels/dwconv/dwconv_f32_tmpl.h"
#else
typedef int dwconv_f32_avx512_empty;
#endif
