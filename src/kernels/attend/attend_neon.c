/* attend_neon.c - few rows of queries for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/attend/attend.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/attend/attend_tmpl.h"
#else
typedef int attend_neon_empty;
#endif
