/* recurrent_neon.c - LSTM and GRU steps for NEON
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_AARCH64
#include "kernels/recurrent/recurrent.h"
#include "kernels/vec/vec_neon.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/recurrent/recurrent_tmpl.h"
#else
typedef int recurrent_neon_empty;
#endif
