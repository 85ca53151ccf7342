/* recurrent.c - choice of a row of the recurrent family
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/recurrent/recurrent.h"

static const mote_recurrent_row rows[] = {
#define RECURRENT(isa_name, isa, check)                                                                                \
    {"mote_recurrent_f32_" #isa_name, isa, check, mote_recurrent_lstm_f32_##isa_name, mote_recurrent_gru_gates_f32_##isa_name, \
     mote_recurrent_gru_state_f32_##isa_name},
#include "kernels/recurrent/recurrent.inc"
#undef RECURRENT
};

const mote_recurrent_row *mote_recurrent_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_recurrent_row *mote_recurrent_select(uint32_t cpu)
{
    const mote_recurrent_row *r = rows;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}
