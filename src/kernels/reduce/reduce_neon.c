/* reduce_neon.c - reductions for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/reduce/reduce.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/reduce/reduce_tmpl.h"
#else
typedef int reduce_neon_empty;
#endif
