/* pool_ref.c - pooling in plain C: f32 and 8 bits
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/pool/pool.h"
#define VEC_C_LANES 1
#include "kernels/vec/vec_c.h"
#include "kernels/pool/pool_tmpl.h"

#define MAX8(name, all, type, least)                                                                                   \
    void name(const mote_pool_tile *t)                                                                                 \
    {                                                                                                                  \
        for (size_t i = 0; i < t->pixels; i++) {                                                                       \
            type *y = (type *)t->y + i * t->y_stride;                                                                  \
            memset(y, least, t->c);                                                                                    \
            for (size_t k = 0; k < t->taps; k++) {                                                                     \
                const type *x = t->a[k * t->a_step + i];                                                               \
                for (size_t c = 0; c < t->c; c++)                                                                      \
                    y[c] = x[c] > y[c] ? x[c] : y[c];                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }                                                                                                                  \
    void all(const void *x, size_t x_stride, size_t taps, size_t c, float count, void *out)                            \
    {                                                                                                                  \
        (void)count;                                                                                                   \
        type *y = out;                                                                                                 \
        memset(y, least, c);                                                                                           \
        for (size_t k = 0; k < taps; k++)                                                                              \
            for (size_t i = 0; i < c; i++) {                                                                           \
                type v = ((const type *)x)[k * x_stride + i];                                                          \
                y[i] = v > y[i] ? v : y[i];                                                                            \
            }                                                                                                          \
    }

MAX8(mote_pool_max_u8_u8_ref, mote_pool_max_u8_u8_global_ref, uint8_t, 0)
MAX8(mote_pool_max_s8_s8_ref, mote_pool_max_s8_s8_global_ref, int8_t, 0x80)
