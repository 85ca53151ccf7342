/* softmax.c - the rows of the softmax family, and their choice
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/softmax/softmax.h"

#define ROW(isa_name, isa_bits)                                                                                        \
    {"mote_softmax_f32_rows_" #isa_name, isa_bits, false, mote_softmax_f32_rows_##isa_name, mote_softmax_f32_cols_##isa_name}, \
        {"mote_softmax_log_f32_rows_" #isa_name, isa_bits, true, mote_softmax_log_f32_rows_##isa_name,                 \
         mote_softmax_log_f32_cols_##isa_name},

static const mote_softmax_row table[] = {
#if MOTE_X86_64
    ROW(avx512, MOTE_CPU_AVX512) ROW(avx2, MOTE_CPU_AVX2)
#endif
#if MOTE_AARCH64
        ROW(neon, MOTE_CPU_NEON)
#endif
            ROW(ref, MOTE_CPU_NONE)};

const mote_softmax_row *mote_softmax_rows(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const mote_softmax_row *mote_softmax_select(bool log, uint32_t cpu)
{
    const mote_softmax_row *r = table;
    while (r->log != log || (r->isa & ~cpu) != 0)
        r++;
    return r;
}
