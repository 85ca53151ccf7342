/* dwconv_f32_tmpl.h - the body of an f32 depthwise row; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0
 * TILE_PIXELS: 4 or 8. TILE_NAME: the row's name. */

#define PX_1(X) X(0)
#define PX_2(X) PX_1(X) X(1)
#define PX_3(X) PX_2(X) X(2)
#define PX_4(X) PX_3(X) X(3)
#define PX_5(X) PX_4(X) X(4)
#define PX_6(X) PX_5(X) X(5)
#define PX_7(X) PX_6(X) X(6)
#define PX_8(X) PX_7(X) X(7)

#define START(i) vf c##i = bias;
#define STEP(i) c##i = vf_fma(vf_load((const float *)a[i] + c), k, c##i);
#define STEPN(i) c##i = vf_fma(vf_loadn((const float *)a[i] + c, n), k, c##i);
#define CLAMP(i) c##i = vf_min(hi, vf_max(lo, c##i));
#define STORE(i) vf_store(y + i * ys + c, c##i);
#define STOREN(i) vf_storen(y + i * ys + c, n, c##i);

#define CHANNELS(P, STEP_, STORE_)                                                                                     \
    {                                                                                                                  \
        const vf bias = vf_load(w);                                                                                    \
        PX_##P(START)                                                                                                  \
        w += 16;                                                                                                       \
        const void *const *a = t->a;                                                                                   \
        for (size_t tap = 0; tap < taps; tap++, a += step, w += 16) {                                                  \
            const vf k = vf_load(w);                                                                                   \
            PX_##P(STEP_)                                                                                              \
        }                                                                                                              \
        if (clamp) {                                                                                                   \
            PX_##P(CLAMP)                                                                                              \
        }                                                                                                              \
        PX_##P(STORE_)                                                                                                 \
    }

#define TILE(P)                                                                                                        \
    static VTARGET void tile_##P(const mote_dwconv_f32_tile *t)                                                        \
    {                                                                                                                  \
        const size_t taps = t->taps, step = t->a_step, ys = t->y_stride, whole = t->c / 16 * 16, n = t->c - whole;     \
        const bool clamp = (t->flags & MOTE_DWCONV_CLAMP) != 0;                                                        \
        const vf lo = vf_set(t->lo), hi = vf_set(t->hi);                                                               \
        const float *w = t->w;                                                                                         \
        float *y = t->y;                                                                                               \
        size_t c = 0;                                                                                                  \
        for (; c < whole; c += 16)                                                                                     \
            CHANNELS(P, STEP, STORE)                                                                                   \
        if (n != 0)                                                                                                    \
            CHANNELS(P, STEPN, STOREN)                                                                                 \
    }

TILE(1) TILE(2) TILE(3) TILE(4)
#if TILE_PIXELS == 8
TILE(5) TILE(6) TILE(7) TILE(8)
#endif

static const mote_dwconv_f32_fn tiles[TILE_PIXELS] = {
    tile_1, tile_2, tile_3, tile_4,
#if TILE_PIXELS == 8
    tile_5, tile_6, tile_7, tile_8,
#endif
};

void TILE_NAME(const mote_dwconv_f32_tile *t) { tiles[t->pixels - 1](t); }
