/* nbits_neon.c - weights of few bits for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/nbits/nbits.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/nbits/nbits_tmpl.h"
#else
typedef int nbits_neon_empty;
#endif
