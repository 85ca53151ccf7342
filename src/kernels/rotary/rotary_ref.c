/* rotary_ref.c - rotary position embedding in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/rotary/rotary.h"
#define VEC_C_LANES 1
#include "kernels/vec/vec_c.h"
#include "kernels/rotary/rotary_tmpl.h"
