/* unary.c - the rows of the unary family, and their choice
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/unary/unary.h"

#define ROW(ID, id, isa_name, isa_bits, ulp)                                                                           \
    {"mote_unary_f32_f32_" #id "_" #isa_name, isa_bits, MOTE_UNARY_##ID, ulp, mote_unary_f32_f32_##id##_##isa_name},

static const mote_unary_row rows[] = {
#define UNARY_SCALAR(ID, id, ulp)
#if MOTE_X86_64
#define UNARY(ID, id, n_params, ulp) ROW(ID, id, avx512, MOTE_CPU_AVX512, ulp)
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#define UNARY(ID, id, n_params, ulp) ROW(ID, id, avx2, MOTE_CPU_AVX2, ulp)
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#endif
#if MOTE_AARCH64
#define UNARY(ID, id, n_params, ulp) ROW(ID, id, neon, MOTE_CPU_NEON, ulp)
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#endif
#undef UNARY_SCALAR
#define UNARY(ID, id, n_params, ulp) ROW(ID, id, ref, MOTE_CPU_NONE, ulp)
#define UNARY_SCALAR(ID, id, ulp) ROW(ID, id, ref, MOTE_CPU_NONE, ulp)
#include "kernels/unary/unary_ops.inc"
#undef UNARY
#undef UNARY_SCALAR
};

const mote_unary_row *mote_unary_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_unary_row *mote_unary_select(mote_unary op, uint32_t cpu)
{
    const mote_unary_row *r = rows;
    while (r->op != op || (r->isa & ~cpu) != 0)
        r++;
    return r;
}
