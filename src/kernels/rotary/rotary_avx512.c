/* rotary_avx512.c - rotary position embedding for AVX-512
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#if MOTE_X86_64
#include "kernels/rotary/rotary.h"
#include "kernels/vec/vec_avx512.h"
#include "kernels/rotary/rotary_tmpl.h"
#else
typedef int rotary_avx512_empty;
#endif
