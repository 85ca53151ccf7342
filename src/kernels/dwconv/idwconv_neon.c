/* idwconv_neon.c - integer depthwise convolution for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/dwconv/idwconv.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/dwconv/idwconv_tmpl.h"
#else
typedef int idwconv_neon_empty;
#endif
