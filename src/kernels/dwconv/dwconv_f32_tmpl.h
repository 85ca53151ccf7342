/* dwconv_f32_tmpl.h - the bodies of an f32 depthwise row; include after a vec_*.h
 * SPDX-License-Identifier: Apache-2.0
 * TILE_PIXELS: 4 or 8. TILE_SLIDE: there are registers for a kernel row of weights besides. TILE_VECTORS: of channels at once in a single pixel, 2 or 4. RUN_NAME, PIXEL_NAME: the functions. */

#define N_1(X) X(0)
#define N_2(X) N_1(X) X(1)
#define N_3(X) N_2(X) X(2)
#define N_4(X) N_3(X) X(3)
#define N_5(X) N_4(X) X(4)
#define N_6(X) N_5(X) X(5)
#define N_7(X) N_6(X) X(6)
#define N_8(X) N_7(X) X(7)

/* ---- a run: P pixels, one vector of channels ---- */

#define START(i) vf c##i = bias;
#define STEP(i) c##i = vf_fma(vf_load(p + i * step), k, c##i);
#define STEPN(i) c##i = vf_fma(vf_loadn(p + i * step, n), k, c##i);
#define CLAMP(i) c##i = vf_min(hi, vf_max(lo, c##i));
#define STORE(i) vf_store(y + i * ys, c##i);
#define STOREN(i) vf_storen(y + i * ys, n, c##i);

#define RUN(NAME, P, STEP_, STORE_, KH, KW)                                                                            \
    static VTARGET void NAME(const mote_dwconv_f32_run *t, const float *w, size_t first, size_t c, size_t n)           \
    {                                                                                                                  \
        (void)n;                                                                                                       \
        const vf bias = vf_load(w);                                                                                    \
        w += 16;                                                                                                       \
        N_##P(START)                                                                                                   \
        _Pragma("GCC unroll 5")                                                                                        \
        for (size_t ky = 0; ky < (KH); ky++) {                                                                         \
            const size_t step = t->steps[ky], tap = t->tap_steps[ky];                                                  \
            const float *p = t->rows[ky] + first * step + c;                                                           \
            _Pragma("GCC unroll 5")                                                                                    \
            for (size_t kx = 0; kx < (KW); kx++, w += 16, p += tap) {                                                  \
                const vf k = vf_load(w);                                                                               \
                N_##P(STEP_)                                                                                           \
            }                                                                                                          \
        }                                                                                                              \
        if ((t->out.flags & MOTE_DWCONV_CLAMP) != 0) {                                                                 \
            const vf lo = vf_set(t->out.lo), hi = vf_set(t->out.hi);                                                   \
            N_##P(CLAMP)                                                                                               \
        }                                                                                                              \
        const size_t ys = t->out.y_stride;                                                                             \
        float *y = t->out.y + first * ys + c;                                                                          \
        N_##P(STORE_)                                                                                                  \
    }
#define RUNS(P)                                                                                                        \
    RUN(run_##P, P, STEP, STORE, t->kh, t->kw) RUN(part_##P, P, STEPN, STOREN, t->kh, t->kw)                           \
    RUN(run3_##P, P, STEP, STORE, 3, 3) RUN(run5_##P, P, STEP, STORE, 5, 5)

RUNS(1) RUNS(2) RUNS(3) RUNS(4)
#if TILE_PIXELS == 8
RUNS(5) RUNS(6) RUNS(7) RUNS(8)
#endif

typedef void (*run_fn)(const mote_dwconv_f32_run *t, const float *w, size_t first, size_t c, size_t n);
/* Stride and dilation 1: neighbouring pixels share their inputs, each of which is loaded once for a kernel row. acc[i] meets x[i], x[i + 1] ... in
 * this order, as it must. */
#ifdef TILE_SLIDE
#define SLIDE(NAME, P, K)                                                                                              \
    static VTARGET void NAME(const mote_dwconv_f32_run *t, const float *w, size_t first, size_t c, size_t n)           \
    {                                                                                                                  \
        (void)n;                                                                                                       \
        vf acc[P], k[K];                                                                                               \
        const vf bias = vf_load(w);                                                                                    \
        w += 16;                                                                                                       \
        _Pragma("GCC unroll 8")                                                                                        \
        for (int i = 0; i < P; i++)                                                                                    \
            acc[i] = bias;                                                                                             \
        for (size_t ky = 0; ky < K; ky++, w += 16 * K) {                                                               \
            const size_t step = t->steps[ky];                                                                          \
            const float *p = t->rows[ky] + first * step + c;                                                           \
            _Pragma("GCC unroll 8")                                                                                    \
            for (int i = 0; i < K; i++)                                                                                \
                k[i] = vf_load(w + 16 * i);                                                                            \
            _Pragma("GCC unroll 16")                                                                                   \
            for (int j = 0; j < P + K - 1; j++, p += step) {                                                           \
                const vf x = vf_load(p);                                                                               \
                _Pragma("GCC unroll 8")                                                                                \
                for (int i = 0; i < K; i++)                                                                            \
                    if (j - i >= 0 && j - i < P)                                                                       \
                        acc[j - i] = vf_fma(x, k[i], acc[j - i]);                                                      \
            }                                                                                                          \
        }                                                                                                              \
        const bool clamp = (t->out.flags & MOTE_DWCONV_CLAMP) != 0;                                                    \
        const vf lo = vf_set(t->out.lo), hi = vf_set(t->out.hi);                                                       \
        const size_t ys = t->out.y_stride;                                                                             \
        float *y = t->out.y + first * ys + c;                                                                          \
        _Pragma("GCC unroll 8")                                                                                        \
        for (int i = 0; i < P; i++)                                                                                    \
            vf_store(y + (size_t)i * ys, clamp ? vf_min(hi, vf_max(lo, acc[i])) : acc[i]);                             \
    }
#define SLIDES(P) SLIDE(slide3_##P, P, 3) SLIDE(slide5_##P, P, 5)
SLIDES(1) SLIDES(2) SLIDES(3) SLIDES(4)
#if TILE_PIXELS == 8
SLIDES(5) SLIDES(6) SLIDES(7) SLIDES(8)
#endif
#endif

#if TILE_PIXELS == 8
#define NAMES(r) {r##_1, r##_2, r##_3, r##_4, r##_5, r##_6, r##_7, r##_8}
#else
#define NAMES(r) {r##_1, r##_2, r##_3, r##_4}
#endif
static const run_fn any_window[] = NAMES(run), part[] = NAMES(part), window_3x3[] = NAMES(run3), window_5x5[] = NAMES(run5);
#ifdef TILE_SLIDE
static const run_fn sliding_3x3[] = NAMES(slide3), sliding_5x5[] = NAMES(slide5);
#endif

void RUN_NAME(const mote_dwconv_f32_run *t)
{
    const size_t channels = t->out.c, block = 16 * (1 + t->kh * t->kw), tiles = (t->pixels + TILE_PIXELS - 1) / TILE_PIXELS;
    const float *w = t->out.w;
    const run_fn *runs = t->kh == 3 && t->kw == 3 ? window_3x3 : t->kh == 5 && t->kw == 5 ? window_5x5 : any_window;
#ifdef TILE_SLIDE
    bool slide = t->kh == t->kw && (t->kh == 3 || t->kh == 5);
    for (size_t ky = 0; ky < t->kh; ky++)
        slide = slide && t->steps[ky] == t->tap_steps[ky];
    if (slide)
        runs = t->kh == 3 ? sliding_3x3 : sliding_5x5;
#endif
    for (size_t c = 0; c < channels; c += 16, w += block) {
        const run_fn *const fns = channels - c < 16 ? part : runs;
        for (size_t i = 0, tile = 0, n; tile < tiles; tile++, i += n) {
            n = t->pixels / tiles + (tile < t->pixels % tiles); /* even tiles */
            fns[n - 1](t, w, i, c, channels - c);
        }
    }
}

/* ---- one pixel: V vectors of channels ---- */

#define P_START(i) vf c##i = vf_load(w + i * block);
#define P_STEP(i) c##i = vf_fma(vf_load(p + i * 16), vf_load(k + i * block), c##i);
#define P_CLAMP(i) c##i = vf_min(hi, vf_max(lo, c##i));
#define P_STORE(i) vf_store(t->out.y + c + i * 16, c##i);

#define PIXEL(V)                                                                                                       \
    {                                                                                                                  \
        N_##V(P_START)                                                                                                 \
        const float *k = w + 16;                                                                                       \
        for (size_t i = 0; i < t->taps; i++, k += 16) {                                                                \
            const float *p = (const float *)t->a[i] + c;                                                               \
            N_##V(P_STEP)                                                                                              \
        }                                                                                                              \
        if (clamp) {                                                                                                   \
            N_##V(P_CLAMP)                                                                                             \
        }                                                                                                              \
        N_##V(P_STORE)                                                                                                 \
    }

#define PASTE_(a, b) a(b)
#define PASTE(a, b) PASTE_(a, b)

VTARGET void PIXEL_NAME(const mote_dwconv_f32_pixel *t)
{
    const size_t channels = t->out.c, block = 16 * (1 + t->taps);
    const bool clamp = (t->out.flags & MOTE_DWCONV_CLAMP) != 0;
    const vf lo = vf_set(t->out.lo), hi = vf_set(t->out.hi);
    const float *w = t->out.w;
    size_t c = 0;
    for (; c + 16 * TILE_VECTORS <= channels; c += 16 * TILE_VECTORS, w += TILE_VECTORS * block)
        PASTE(PIXEL, TILE_VECTORS)
    for (; c + 16 <= channels; c += 16, w += block)
        PIXEL(1)
    if (c < channels) {
        const size_t n = channels - c;
        vf x = vf_load(w);
        for (size_t i = 0; i < t->taps; i++)
            x = vf_fma(vf_loadn((const float *)t->a[i] + c, n), vf_load(w + 16 + i * 16), x);
        if (clamp)
            x = vf_min(hi, vf_max(lo, x));
        vf_storen(t->out.y + c, n, x);
    }
}
