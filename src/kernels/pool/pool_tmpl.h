/* pool_tmpl.h - the bodies of pooling, f32 and 8 bits; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0 */

VF vf pool_max(vf y, vf t) { return vf_sel(vf_le(t, y), y, t); }

#define WINDOW(name, start, step, finish)                                                                              \
    VTARGET void VNAME(name)(const mote_pool_tile *t)                                                                  \
    {                                                                                                                  \
        for (size_t i = 0; i < t->pixels; i++)                                                                         \
            for (size_t c = 0; c < t->c; c += VW) {                                                                    \
                const size_t n = t->c - c;                                                                             \
                const void *const *a = t->a + i;                                                                       \
                vf y = start;                                                                                          \
                if (n >= VW)                                                                                           \
                    for (size_t k = 0; k < t->taps; k++, a += t->a_step)                                               \
                        y = step(y, vf_load((const float *)*a + c));                                                   \
                else                                                                                                   \
                    for (size_t k = 0; k < t->taps; k++, a += t->a_step)                                               \
                        y = step(y, vf_loadn((const float *)*a + c, n));                                               \
                const float count = t->count != NULL ? t->count[i] : 1.0f;                                             \
                (void)count;                                                                                           \
                float *out = (float *)t->y + i * t->y_stride + c;                                                      \
                if (n >= VW)                                                                                           \
                    vf_store(out, finish);                                                                             \
                else                                                                                                   \
                    vf_storen(out, n, finish);                                                                         \
            }                                                                                                          \
    }                                                                                                                  \
    VTARGET void VNAME(name##_global)(const void *x, size_t stride, size_t taps, size_t c, float count, void *to)      \
    {                                                                                                                  \
        (void)count;                                                                                                   \
        float *out = to;                                                                                               \
        size_t i = 0;                                                                                                  \
        for (; i + 2 * VW <= c; i += 2 * VW) {                                                                         \
            vf y = start, z = start;                                                                                   \
            const float *p = (const float *)x + i;                                                                                    \
            for (size_t k = 0; k < taps; k++, p += stride) {                                                           \
                y = step(y, vf_load(p));                                                                               \
                z = step(z, vf_load(p + VW));                                                                          \
            }                                                                                                          \
            vf_store(out + i, finish);                                                                                 \
            y = z;                                                                                                     \
            vf_store(out + i + VW, finish);                                                                            \
        }                                                                                                              \
        for (; i < c; i += VW) {                                                                                       \
            vf y = start;                                                                                              \
            const float *p = (const float *)x + i;                                                                                    \
            for (size_t k = 0; k < taps; k++, p += stride)                                                             \
                y = step(y, vf_loadn(p, c - i));                                                                       \
            vf_storen(out + i, c - i, finish);                                                                         \
        }                                                                                                              \
    }

WINDOW(mote_pool_max_f32_f32, vf_set(-__builtin_inff()), pool_max, y)
WINDOW(mote_pool_mean_f32_f32, vf_set(0.0f), vf_add, vf_div(y, vf_set(count)))

/* 8 bits as lanes of s32; tails through a buffer, since loads are whole */
#define WINDOW8(name, load, start, step, store, out_bytes)                                                             \
    VF vi name##_load(const uint8_t *p, size_t n)                                                                      \
    {                                                                                                                  \
        uint8_t b[VW] = {0};                                                                                           \
        if (n >= VW)                                                                                                   \
            return load(p);                                                                                            \
        memcpy(b, p, n);                                                                                               \
        return load(b);                                                                                                \
    }                                                                                                                  \
    VF void name##_store(uint8_t *p, size_t n, vi v)                                                                   \
    {                                                                                                                  \
        uint8_t b[VW * (out_bytes)];                                                                                   \
        if (n >= VW) {                                                                                                 \
            store(p, v);                                                                                               \
            return;                                                                                                    \
        }                                                                                                              \
        store(b, v);                                                                                                   \
        memcpy(p, b, n * (out_bytes));                                                                                 \
    }                                                                                                                  \
    VTARGET void VNAME(name)(const mote_pool_tile *t)                                                                  \
    {                                                                                                                  \
        for (size_t i = 0; i < t->pixels; i++)                                                                         \
            for (size_t c = 0; c < t->c; c += VW) {                                                                    \
                const void *const *a = t->a + i;                                                                       \
                vi y = start;                                                                                          \
                for (size_t k = 0; k < t->taps; k++, a += t->a_step)                                                   \
                    y = step(y, name##_load((const uint8_t *)*a + c, t->c - c));                                       \
                name##_store((uint8_t *)t->y + (i * t->y_stride + c) * (out_bytes), t->c - c, y);                      \
            }                                                                                                          \
    }                                                                                                                  \
    VTARGET void VNAME(name##_global)(const void *x, size_t stride, size_t taps, size_t c, float count, void *to)      \
    {                                                                                                                  \
        (void)count;                                                                                                   \
        for (size_t i = 0; i < c; i += VW) {                                                                           \
            const uint8_t *p = (const uint8_t *)x + i;                                                                 \
            vi y = start;                                                                                              \
            if (c - i >= VW)                                                                                           \
                for (size_t k = 0; k < taps; k++, p += stride)                                                         \
                    y = step(y, load(p));                                                                              \
            else                                                                                                       \
                for (size_t k = 0; k < taps; k++, p += stride)                                                         \
                    y = step(y, name##_load(p, c - i));                                                                \
            name##_store((uint8_t *)to + i * (out_bytes), c - i, y);                                                   \
        }                                                                                                              \
    }

WINDOW8(mote_pool_max_u8_u8, vi_load_u8, vi_set(0), vi_max, vi_store_8, 1)
WINDOW8(mote_pool_max_s8_s8, vi_load_s8, vi_set(-128), vi_max, vi_store_8, 1)
WINDOW8(mote_pool_sum_u8_s32, vi_load_u8, vi_set(0), vi_add, vi_store, 4)
WINDOW8(mote_pool_sum_s8_s32, vi_load_s8, vi_set(0), vi_add, vi_store, 4)
