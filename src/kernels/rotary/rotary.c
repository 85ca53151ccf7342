/* rotary.c - the rows of the family, their choice
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/rotary/rotary.h"

static const mote_rotary_row table[] = {
#if MOTE_X86_64
    {"mote_rotary_f32_avx512", MOTE_CPU_AVX512, mote_rotary_f32_avx512},
    {"mote_rotary_f32_avx2", MOTE_CPU_AVX2, mote_rotary_f32_avx2},
#endif
#if MOTE_AARCH64
    {"mote_rotary_f32_neon", MOTE_CPU_NEON, mote_rotary_f32_neon},
#endif
    {"mote_rotary_f32_ref", MOTE_CPU_NONE, mote_rotary_f32_ref}};

const mote_rotary_row *mote_rotary_rows(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const mote_rotary_row *mote_rotary_select(uint32_t cpu)
{
    const mote_rotary_row *r = table;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}
