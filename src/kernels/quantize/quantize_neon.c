/* quantize_neon.c - quantization and conversion for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/quantize/quantize.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/quantize/quantize_tmpl.h"
#else
typedef int quantize_neon_empty;
#endif
