/* quantize_ref.c - quantization and conversion in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/quantize/quantize.h"
#define VEC_C_LANES 1
#include "kernels/vec/vec_c.h"
#include "kernels/quantize/quantize_tmpl.h"
