/* ms_quant.h - com.microsoft's operators on quantized tensors as standard operators
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_MS_QUANT_H
#define MOTE_OPS_MS_QUANT_H

#include "ops/op.h"

/* Standard operators in the place of n: dequantization, the operator in float, quantization; products as sums of integers that are scaled. *done
 * false: n is no such operator, or a rank that matters is not known; the graph is as before. Of the new values only those that replace n's outputs
 * have types. */
mote_status mote_ms_quant_expand(mote_node *n, bool *done, mote_diag *diag);

#endif
