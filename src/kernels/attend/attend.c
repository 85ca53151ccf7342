/* attend.c - the rows of the family, their choice
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/attend/attend.h"

static const mote_attend_row table[] = {
#if MOTE_X86_64
    {"mote_attend_f32_avx512", MOTE_CPU_AVX512, mote_attend_dot_f32_avx512, mote_attend_mix_f32_avx512},
    {"mote_attend_f32_avx2", MOTE_CPU_AVX2, mote_attend_dot_f32_avx2, mote_attend_mix_f32_avx2},
#endif
#if MOTE_AARCH64
    {"mote_attend_f32_neon", MOTE_CPU_NEON, mote_attend_dot_f32_neon, mote_attend_mix_f32_neon},
#endif
    {"mote_attend_f32_ref", MOTE_CPU_NONE, mote_attend_dot_f32_ref, mote_attend_mix_f32_ref}};

const mote_attend_row *mote_attend_rows(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const mote_attend_row *mote_attend_select(uint32_t cpu)
{
    const mote_attend_row *r = table;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}
