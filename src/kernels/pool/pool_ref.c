/* pool_ref.c - pooling in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/pool/pool.h"
#define VEC_C_LANES 1
#include "kernels/vec/vec_c.h"
#include "kernels/pool/pool_tmpl.h"
