/* igemm_ref.c - integer gemm tile in plain C: what the other rows are compared with
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/igemm/igemm.h"
#include <math.h>
#include <string.h>

void mote_igemm_u8_s8_s32_4x16c4_ref(const mote_igemm_tile *t)
{
    const int32_t *head = t->b;
    for (size_t i = 0; i < t->m; i++)
        for (size_t n = 0; n < t->n; n++) {
            /* sums modulo 2^32 */
            uint32_t s = (uint32_t)head[n] - (uint32_t)t->az * (uint32_t)head[16 + n];
            const int8_t *b = (const int8_t *)(head + 64) + 4 * n;
            for (size_t tap = 0; tap < t->taps; tap++) {
                const uint8_t *a = t->a[tap * t->a_step + i];
                for (size_t k = 0; k < t->kc; k++)
                    s += (uint32_t)((int32_t)(a[k] ^ (t->flip & 0xff)) * (int32_t)b[k / 4 * 64 + k % 4]);
                b += mote_div_up(t->kc, 4) * 64;
            }
            if (t->sums != NULL)
                s -= (uint32_t)t->sums[i] * (uint32_t)head[48 + n];
            if (t->s32) {
                ((int32_t *)t->y)[i * t->y_stride + n] = (int32_t)s;
                continue;
            }
            if (t->f32) {
                float v = (float)(int32_t)s * t->real[t->one_real ? 0 : n];
                v = t->add != NULL ? v + t->add[n] : v;
                memcpy((float *)t->y + i * t->y_stride + n, &v, sizeof v);
                continue;
            }
            float scale, q;
            memcpy(&scale, head + 32 + n, sizeof scale);
            q = nearbyintf((float)(int32_t)s * scale);
            q = q > t->lo ? q : t->lo;
            q = q < t->hi ? q : t->hi;
            ((uint8_t *)t->y)[i * t->y_stride + n] = (uint8_t)((int32_t)q + t->zero);
        }
}
