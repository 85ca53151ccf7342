/* norm.c - the rows of the normalization family, and their choice
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/norm/norm.h"

#define ROW(isa, bits)                                                                                                 \
    {"mote_norm_f32_" #isa, bits, mote_norm_f32_layer_##isa, mote_norm_f32_rms_##isa, mote_norm_f32_affine_##isa,      \
     mote_norm_f32_plane_##isa, mote_norm_f32_stats_##isa},

static const mote_norm_row table[] = {
#if MOTE_X86_64
    ROW(avx512, MOTE_CPU_AVX512) ROW(avx2, MOTE_CPU_AVX2)
#endif
#if MOTE_AARCH64
        ROW(neon, MOTE_CPU_NEON)
#endif
            ROW(ref, MOTE_CPU_NONE)};

const mote_norm_row *mote_norm_rows(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const mote_norm_row *mote_norm_select(uint32_t cpu)
{
    const mote_norm_row *r = table;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}
