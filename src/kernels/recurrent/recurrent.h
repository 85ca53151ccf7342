/* recurrent.h - one step of LSTM and GRU behind the products: gates, cell and state of n units at once
 * SPDX-License-Identifier: Apache-2.0
 *
 * Numerics: CONSISTENT, the order of src/ops/recurrent.c; sigmoid and tanh are those of kernels/unary. Gates stand behind each other, n floats each.
 *   lstm       gates i, o, f, c as ONNX orders them: c = fma(s(f), c, s(i) tanh(g)), h = s(o) tanh(c)
 *   gru_gates  gates z, r (and the candidate behind them, which is not read): both become their sigmoid in place, and reset = r h (NULL: not wanted)
 *   gru_state  gates z, r as gru_gates left them, then the candidate v: v = fma(r, recurrence, v) unless recurrence is NULL;
 *              h = fma(z, h, (1 - z) tanh(v))
 * Nothing but those floats is read or written; arrays do not overlap. */
#ifndef MOTE_KERNELS_RECURRENT_RECURRENT_H
#define MOTE_KERNELS_RECURRENT_RECURRENT_H

#include "kernels/kernel.h"
#include <stddef.h>

typedef void (*mote_lstm_f32_fn)(const float *gates, float *c, float *h, size_t n);
typedef void (*mote_gru_gates_f32_fn)(float *gates, const float *h, float *reset, size_t n);
typedef void (*mote_gru_state_f32_fn)(const float *gates, const float *recurrence, float *h, size_t n);

typedef struct mote_recurrent_row {
    const char *name;
    uint32_t isa;
    mote_check check;
    mote_lstm_f32_fn lstm;
    mote_gru_gates_f32_fn gru_gates;
    mote_gru_state_f32_fn gru_state;
} mote_recurrent_row;

const mote_recurrent_row *mote_recurrent_select(uint32_t cpu);
const mote_recurrent_row *mote_recurrent_rows(size_t *count);

#define RECURRENT(isa_name, isa, check)                                                                                \
    void mote_recurrent_lstm_f32_##isa_name(const float *gates, float *c, float *h, size_t n);                         \
    void mote_recurrent_gru_gates_f32_##isa_name(float *gates, const float *h, float *reset, size_t n);                \
    void mote_recurrent_gru_state_f32_##isa_name(const float *gates, const float *recurrence, float *h, size_t n);
#include "kernels/recurrent/recurrent.inc"
#undef RECURRENT

#endif
