/* rotary_neon.c - rotary position embedding for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/rotary/rotary.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/rotary/rotary_tmpl.h"
#else
typedef int rotary_neon_empty;
#endif
