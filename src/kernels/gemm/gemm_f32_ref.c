/* gemm_f32_ref.c - f32 gemm tile in plain C: what the other rows are compared with
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/gemm/gemm.h"
#include <math.h>

void mote_gemm_f32_f32_f32_4x16_ref(const mote_gemm_f32_tile *t)
{
    for (size_t i = 0; i < t->m; i++) {
        float acc[MOTE_LANES] = {0};
        float *c = t->c + i * t->c_stride;
        for (size_t n = 0; n < t->n; n++)
            acc[n] = (t->flags & MOTE_GEMM_ADD_C) != 0 ? c[n] : t->bias[n];
        const float *b = t->b;
        for (size_t tap = 0; tap < t->taps; tap++) {
            const float *a = (const float *)t->a[tap * t->a_step + i] + t->a_offset;
            for (size_t k = 0; k < t->kc; k++, b += MOTE_LANES)
                for (size_t n = 0; n < MOTE_LANES; n++)
                    acc[n] = fmaf(a[k], b[n], acc[n]);
        }
        for (size_t n = 0; n < t->n; n++) {
            float x = acc[n];
            if (t->residual != NULL)
                x += t->residual[i * t->residual_stride + n];
            if ((t->flags & MOTE_GEMM_CLAMP) != 0) {
                x = t->lo > x ? t->lo : x;
                x = t->hi < x ? t->hi : x;
            }
            c[n] = x;
        }
    }
}
