/* softmax_ref.c - softmax in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/softmax/softmax.h"
#include "kernels/vec/vec_c.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/softmax/softmax_tmpl.h"
