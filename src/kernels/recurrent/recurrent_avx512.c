/* recurrent_avx512.c - LSTM and GRU steps for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/recurrent/recurrent.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/vec/vec_math_tmpl.h"
#include "kernels/recurrent/recurrent_tmpl.h"
#else
typedef int recurrent_avx512_empty;
#endif
