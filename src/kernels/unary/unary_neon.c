/* unary_neon.c - unary functions for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/unary/unary.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/unary/unary_tmpl.h"
#else
typedef int unary_neon_empty;
#endif
