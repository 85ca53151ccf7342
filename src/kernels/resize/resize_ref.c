/* resize_ref.c - interpolation in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/resize/resize.h"
#include "kernels/vec/vec_c.h"
#include "kernels/resize/resize_tmpl.h"
