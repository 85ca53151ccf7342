/* reduce_ref.c - reductions in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/reduce/reduce.h"
#include "kernels/vec/vec_c.h"
#include "kernels/reduce/reduce_tmpl.h"
