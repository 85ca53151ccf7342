/* nbits.c - the rows of the family, their choice
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/nbits/nbits.h"

#define ROWS(isa_name, isa_bits)                                                                                       \
    {"mote_nbits_u4_f32_" #isa_name, isa_bits, 4, mote_nbits_unpack_u4_f32_##isa_name, mote_nbits_gemv_f32_u4_f32_##isa_name}, \
    {"mote_nbits_u8_f32_" #isa_name, isa_bits, 8, mote_nbits_unpack_u8_f32_##isa_name, mote_nbits_gemv_f32_u8_f32_##isa_name}

static const mote_nbits_row table[] = {
#if MOTE_X86_64
    ROWS(avx512, MOTE_CPU_AVX512), ROWS(avx2, MOTE_CPU_AVX2),
#endif
#if MOTE_AARCH64
    ROWS(neon, MOTE_CPU_NEON),
#endif
    ROWS(ref, MOTE_CPU_NONE)};

const mote_nbits_row *mote_nbits_rows(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const mote_nbits_row *mote_nbits_select(unsigned bits, uint32_t cpu)
{
    const mote_nbits_row *r = table;
    while (r->bits != bits || (r->isa & ~cpu) != 0)
        r++;
    return r;
}
