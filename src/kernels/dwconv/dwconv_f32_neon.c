/* dwconv_f32_neon.c - f32 depthwise convolution for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/dwconv/dwconv.h"
#include "kernels/vec/vec_neon.h"
#define TILE_PIXELS 4
#define TILE_VECTORS 2
#define RUN_NAME mote_dwconv_f32_f32_f32_4p16c_neon
#define PIXEL_NAME mote_dwconv_f32_f32_f32_1p32c_neon
#include "kernels/dwconv/dwconv_f32_tmpl.h"
#else
typedef int dwconv_f32_neon_empty;
#endif
