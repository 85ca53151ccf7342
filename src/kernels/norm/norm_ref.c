/* norm_ref.c - normalization in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/norm/norm.h"
#include "kernels/vec/vec_c.h"
#include "kernels/norm/norm_tmpl.h"
