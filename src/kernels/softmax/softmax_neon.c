/* softmax_neon.c - softmax for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/softmax/softmax.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/softmax/softmax_tmpl.h"
#else
typedef int softmax_neon_empty;
#endif
