/* pool_neon.c - pooling for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/pool/pool.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/pool/pool_tmpl.h"
#else
typedef int pool_neon_empty;
#endif
