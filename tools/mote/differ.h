/* differ.h - how far two arrays lie apart
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_DIFFER_H
#define MOTE_TOOL_DIFFER_H

#include "base/diag.h"
#include "quant/sensitivity/divergence.h"
#include "tensor/array.h"

typedef struct difference {
    double max_abs;   /* largest |got - want| */
    double rms;       /* root mean square of got - want */
    double rms_ratio; /* rms / root mean square of want (0 when both are 0) */
    double max_want;  /* largest |want| */
    size_t worst;     /* element of max_abs */
} difference;

/* How floats are judged. */
typedef enum difference_rule {
    DIFFERENCE_EACH,    /* each within atol + rtol * |want| */
    DIFFERENCE_LARGEST, /* each within atol + rtol * the largest finite |want| of the array */
    DIFFERENCE_RMS,     /* the array's rms_ratio <= rtol */
} difference_rule;

/* MOTE_OK when `got` agrees: same type and shape; exact for integers, bool, strings; floats by the rule. Infinities must be equal, NaN meets NaN. MOTE_E_MISMATCH names the first element that is out. `d` is filled for numbers. */
mote_status array_difference(const mote_array *got, const mote_array *want, double rtol, double atol, difference_rule rule, const char *name,
                             difference *d, mote_diag *diag);

/* Adds what output `index` of two models differs by, in rows of its last dimension. MOTE_E_MISMATCH when it is not float32 of one shape in both. */
mote_status array_divergence(const mote_array *got, const mote_array *want, size_t index, mote_divergence *d, mote_diag *diag);

#endif
