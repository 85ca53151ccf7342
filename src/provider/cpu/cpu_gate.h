/* cpu_gate.h - the gate of a WaveNet, for its own lowering and behind a convolution
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_PROVIDER_CPU_CPU_GATE_H
#define MOTE_PROVIDER_CPU_CPU_GATE_H

#include "kernels/binary/binary.h"
#include "kernels/unary/unary.h"

typedef struct mote_cpu_gate {
    mote_unary_fn tanh, sigmoid;
    mote_binary_fn mul;
    size_t n;
} mote_cpu_gate;

mote_cpu_gate mote_cpu_gate_of(uint32_t cpu, size_t n);
/* y[rows, n] = tanh(x[.., :n]) sigmoid(x[.., n:]) */
void mote_cpu_gate_rows(const mote_cpu_gate *g, const float *x, float *y, size_t rows);

#endif
