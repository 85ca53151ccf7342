/* nbits_ref.c - weights of few bits in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/nbits/nbits.h"
#include <math.h>

static float weight(const mote_nbits_groups *g, unsigned bits, size_t k, size_t n)
{
    const size_t at = k / g->block * MOTE_LANES + n;
    const unsigned q = bits == 4 ? (unsigned)g->q[k / 2 * 16 + n] >> (k % 2 * 4) & 15u : g->q[k * 16 + n];
    const float from = (float)q - (g->zero != NULL ? g->zero[at] : g->middle);
    return from * g->scale[at];
}

static void unpack(const mote_nbits_groups *g, unsigned bits, size_t k0, size_t k1, float *y, size_t step)
{
    for (size_t k = k0; k < k1; k++, y += step)
        for (size_t n = 0; n < MOTE_LANES; n++)
            y[n] = weight(g, bits, k, n);
}

static void gemv(const mote_nbits_groups *g, unsigned bits, size_t groups, const float *x, const float *bias, float *y)
{
    mote_nbits_groups one = *g;
    for (size_t i = 0; i < groups * MOTE_LANES; i += MOTE_LANES) {
        for (size_t n = 0; n < MOTE_LANES; n++) {
            float acc = bias[i + n];
            for (size_t k = 0; k < g->k; k++)
                acc = fmaf(x[k], weight(&one, bits, k, n), acc);
            y[i + n] = acc;
        }
        one.q += one.q_step;
        one.scale += one.param_step;
        one.zero = one.zero != NULL ? one.zero + one.param_step : NULL;
    }
}

void mote_nbits_unpack_u4_f32_ref(const mote_nbits_groups *g, size_t k0, size_t k1, float *y, size_t step) { unpack(g, 4, k0, k1, y, step); }
void mote_nbits_unpack_u8_f32_ref(const mote_nbits_groups *g, size_t k0, size_t k1, float *y, size_t step) { unpack(g, 8, k0, k1, y, step); }
void mote_nbits_gemv_f32_u4_f32_ref(const mote_nbits_groups *g, size_t groups, const float *x, const float *bias, float *y) { gemv(g, 4, groups, x, bias, y); }
void mote_nbits_gemv_f32_u8_f32_ref(const mote_nbits_groups *g, size_t groups, const float *x, const float *bias, float *y) { gemv(g, 8, groups, x, bias, y); }
