/* cpu_wide.h - an operator on half floats by its lowering for float
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_WIDE_H
#define MOTE_PROVIDER_CPU_CPU_WIDE_H

#include "provider/cpu/lower.h"

/* Lowers a node whose input 0 is float16 or bfloat16 by `fn` on float: each half float input is widened into scratch before the run, and each half
 * float output rounded after it. For operators whose evaluation computes in float and rounds once. Leaves run NULL where fn does, and for
 * constant weights gains nothing: they are widened at each run. */
mote_status mote_cpu_lower_wide(mote_lower *l, mote_lower_fn fn);
MOTE_INLINE bool mote_cpu_is_half(mote_dtype t) { return t == MOTE_DTYPE_F16 || t == MOTE_DTYPE_BF16; }

#endif
