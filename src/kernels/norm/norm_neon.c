/* norm_neon.c - normalization for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/norm/norm.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/norm/norm_tmpl.h"
#else
typedef int norm_neon_empty;
#endif
