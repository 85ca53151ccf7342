/* unary_ref.c - unary functions in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/unary/unary.h"
#define VEC_C_LANES 1
#include "kernels/vec/vec_c.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/unary/unary_tmpl.h"
