/* attend_ref.c - few rows of queries in plain C
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/attend/attend.h"
#include <math.h>

void mote_attend_dot_f32_ref(const float *q, size_t q_step, size_t rows, const float *k, size_t k_step, size_t n, size_t d, float scale, float *s, size_t s_step)
{
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < n; j++) {
            float c[MOTE_LANES] = {0.0f};
            for (size_t t = 0; t < d; t++)
                c[t % MOTE_LANES] = fmaf(q[r * q_step + t], k[j * k_step + t], c[t % MOTE_LANES]);
            for (size_t half = MOTE_LANES / 2; half > 0; half /= 2)
                for (size_t i = 0; i < half; i++)
                    c[i] += c[i + half];
            s[r * s_step + j] = c[0] * scale;
        }
}

void mote_attend_mix_f32_ref(const float *p, size_t p_step, size_t rows, const float *v, size_t v_step, size_t n, size_t e, float *y, size_t y_step)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t t = 0; t < e; t++)
            y[r * y_step + t] = 0.0f;
        for (size_t j = 0; j < n; j++)
            for (size_t t = 0; t < e; t++)
                y[r * y_step + t] = fmaf(p[r * p_step + j], v[j * v_step + t], y[r * y_step + t]);
    }
}
