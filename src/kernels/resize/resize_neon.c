/* resize_neon.c - interpolation for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/resize/resize.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/resize/resize_tmpl.h"
#else
typedef int resize_neon_empty;
#endif
