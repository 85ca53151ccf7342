/* range.h - scale and zero point of a tensor from what it held
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_PTQ_RANGE_H
#define MOTE_QUANT_PTQ_RANGE_H

#include "base/diag.h"
#include "tensor/dtype.h"
#include <mote/mote_quant.h>

typedef struct mote_range {
    float lo, hi; /* lo <= 0 <= hi */
} mote_range;

/* One scale and zero point: real = (q - zero) scale. */
typedef struct mote_scale {
    float scale;
    int32_t zero;
    mote_dtype type; /* U8, S8, U16 or S16 */
} mote_scale;

/* What the one user of a tensor makes of it: errors count behind it, so that a range need not hold what HardSwish flattens. NULL: the tensor itself. */
typedef double (*mote_range_behind)(double x, double p);
double mote_range_hardswish(double x, double p); /* p is not used */

/* The range by a method. MOTE_E_VALUE: the tensor held NaN or infinities, or nothing. */
mote_status mote_range_choose(const mote_observation *seen, mote_range_method method, unsigned levels, mote_range_behind behind, double p,
                              mote_range *out, mote_diag *diag);
/* The range of least squared error of values counted in n <= MOTE_OBSERVER_BINS bins of equal width around 0. */
mote_range mote_range_least_mse(const uint64_t *count, int n, double width, double min, double max, unsigned levels, mote_range_behind behind, double p);
/* Scale and zero point that hold the range; 0 is exact. symmetric: the zero point is 0 (signed) or the middle (unsigned). Ranges too small for a normal scale get the least. */
mote_scale mote_scale_of(mote_range r, mote_dtype type, bool symmetric);
int32_t mote_scale_least(mote_dtype type);
int32_t mote_scale_most(mote_dtype type);

#endif
