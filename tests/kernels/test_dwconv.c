/* test_dwconv.c - f32 depthwise convolution: every row against plain sums over a padded window, bad rows that must be caught, benchmark
 * SPDX-License-Identifier: Apache-2.0 */
#include "kcheck.h"
#include "kernels/conv/conv.h"
#include "kernels/dwconv/dwconv.h"

typedef struct shape {
    size_t images, h, w, c, kh, kw, stride, dilation, pad_top, pad_left, pad_bottom, pad_right;
} shape;

static mote_conv_window window_of(const shape *s)
{
    mote_conv_window w = {.h = s->h, .w = s->w, .kh = s->kh, .kw = s->kw, .stride_h = s->stride, .stride_w = s->stride, .dilation_h = s->dilation, .dilation_w = s->dilation,
                     .pad_top = s->pad_top, .pad_left = s->pad_left, .pixel_bytes = s->c * 4, .image_bytes = s->h * s->w * s->c * 4};
    w.oh = (s->h + s->pad_top + s->pad_bottom - (s->kh - 1) * s->dilation - 1) / s->stride + 1;
    w.ow = (s->w + s->pad_left + s->pad_right - (s->kw - 1) * s->dilation - 1) / s->stride + 1;
    return w;
}

static const char *check_shape(const mote_dwconv_f32_row *row, const shape *s, bool upper, bool clamp, uint64_t *seed)
{
    const mote_conv_window win = window_of(s);
    const size_t taps = s->kh * s->kw, m = s->images * win.oh * win.ow, pixels = s->images * s->h * s->w;
    const size_t ys = s->c + 2;
    guard gx = guard_make(pixels * s->c * 4), gz = guard_make(s->c * 4), gw = guard_make((taps + 1) * (s->c + 15) * 4 + 64), gy = guard_make(m * ys * 4);
    size_t packed = 0;
    if (!mote_dwconv_f32_packed(s->c, taps, &packed))
        return "size";
    float *x = guard_at(&gx, pixels * s->c * 4, upper), *zero = guard_at(&gz, s->c * 4, upper), *w = guard_at(&gw, packed * 4, upper);
    size_t y_bytes = ((m - 1) * ys + s->c) * 4;
    float *y = guard_at(&gy, y_bytes, upper);
    float *weights = malloc(taps * s->c * 4), *bias = malloc(s->c * 4);
    kcheck_fill(x, pixels * s->c, seed, true);
    kcheck_fill(weights, taps * s->c, seed, false);
    kcheck_fill(bias, s->c, seed, false);
    memset(zero, 0, s->c * 4);
    for (size_t i = 0; i < y_bytes / 4; i++)
        y[i] = 77.0f;
    mote_dwconv_f32_pack(weights, bias, s->c, taps, w);
    mote_dwconv_f32_op op = {.row = row, .window = &win, .x = x, .zero = zero,
                             .out = {.c = s->c, .w = w, .y = y, .y_stride = ys, .lo = -0.5f, .hi = 0.75f, .flags = clamp ? MOTE_DWCONV_CLAMP : 0u}};
    mote_dwconv_f32_block(&op, 0, m / 2);
    mote_dwconv_f32_block(&op, m / 2, m);
    const char *answer = NULL;
    for (size_t i = 0; i < m && answer == NULL; i++)
        for (size_t c = 0; c < ys && i * ys + c < y_bytes / 4 && answer == NULL; c++) {
            float want = c < s->c ? bias[c] : 77.0f;
            const size_t image = i / (win.oh * win.ow), oy = i / win.ow % win.oh, ox = i % win.ow;
            for (size_t t = 0; t < taps && c < s->c; t++) {
                ptrdiff_t iy = (ptrdiff_t)(oy * s->stride + t / s->kw * s->dilation) - (ptrdiff_t)s->pad_top;
                ptrdiff_t ix = (ptrdiff_t)(ox * s->stride + t % s->kw * s->dilation) - (ptrdiff_t)s->pad_left;
                bool inside = iy >= 0 && ix >= 0 && iy < (ptrdiff_t)s->h && ix < (ptrdiff_t)s->w;
                want = fmaf(inside ? x[((image * s->h + (size_t)iy) * s->w + (size_t)ix) * s->c + c] : 0.0f, weights[c * taps + t], want);
            }
            if (clamp && c < s->c)
                want = want < -0.5f ? -0.5f : want > 0.75f ? 0.75f : want;
            if (!same_f32(y[i * ys + c], want))
                answer = kcheck_wrong("%s c=%zu k=%zux%zu stride=%zu: pixel %zu channel %zu is %a, expected %a", row->name, s->c, s->kh, s->kw, s->stride, i, c,
                                      (double)y[i * ys + c], (double)want);
        }
    guard_free(&gx), guard_free(&gz), guard_free(&gw), guard_free(&gy);
    free(weights), free(bias);
    return answer;
}

static const char *check_row(const void *arg)
{
    static const size_t channels[] = {1, 2, 3, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 49, 101};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < sizeof channels / sizeof channels[0]; i++)
        for (size_t k = 0; k < 6; k++) {
            const shape shapes[] = {{1, 7, 9, 0, 3, 3, 1, 1, 1, 1, 1, 1}, {2, 8, 7, 0, 3, 3, 2, 1, 0, 0, 1, 1}, {1, 5, 6, 0, 5, 5, 1, 1, 2, 2, 2, 2},
                                    {1, 1, 23, 0, 1, 3, 1, 4, 0, 8, 0, 0}, {1, 9, 4, 0, 2, 1, 3, 2, 1, 0, 3, 2}, {3, 1, 1, 0, 7, 7, 1, 1, 3, 3, 3, 3}};
            shape s = shapes[k];
            s.c = channels[i];
            const char *answer = check_shape(arg, &s, (i + k) & 1, k & 1, &seed);
            if (answer != NULL)
                return answer;
        }
    return NULL;
}

static void rows(void **state)
{
    (void)state;
    size_t count;
    const mote_dwconv_f32_row *r = mote_dwconv_f32_rows(&count);
    for (size_t i = 0; i < count; i++) {
        const char *answer = (r[i].isa & ~mote_cpu_features()) == 0 ? kcheck_row(r[i].name, check_row, &r[i]) : NULL;
        if (answer != NULL)
            fail_msg("%s", answer);
        assert_ptr_equal(mote_dwconv_f32_select(r[i].isa), &r[i]);
    }
}

static const mote_dwconv_f32_row *good;
static void bad_tail(const mote_dwconv_f32_run *t)
{
    mote_dwconv_f32_run x = *t;
    x.out.c = t->out.c > 16 ? t->out.c / 16 * 16 : t->out.c;
    good->run(&x);
}
static void bad_over_read(const mote_dwconv_f32_run *t)
{
    good->run(t);
    volatile const float *a = t->rows[t->kh - 1] + (t->kw - 1) * t->tap_steps[t->kh - 1] + (t->pixels - 1) * t->steps[t->kh - 1];
    (void)a[(t->out.c + 15) / 16 * 16 - 1];
}
static void bad_over_write(const mote_dwconv_f32_run *t)
{
    good->run(t);
    t->out.y[(t->pixels - 1) * t->out.y_stride + t->out.c] = 0.0f;
}
static void bad_order(const mote_dwconv_f32_run *t)
{
    const size_t taps = t->kh * t->kw;
    for (size_t i = 0; i < t->pixels; i++)
        for (size_t c = 0; c < t->out.c; c++) {
            const float *w = t->out.w + c / 16 * 16 * (1 + taps) + c % 16;
            float x = *w;
            for (size_t k = taps; k-- > 0;)
                x = fmaf(t->rows[k / t->kw][i * t->steps[k / t->kw] + k % t->kw * t->tap_steps[k / t->kw] + c], w[(1 + k) * 16], x);
            t->out.y[i * t->out.y_stride + c] = (t->out.flags & MOTE_DWCONV_CLAMP) != 0 ? fminf(t->out.hi, fmaxf(t->out.lo, x)) : x;
        }
}
static void bad_edge(const mote_dwconv_f32_pixel *t)
{
    mote_dwconv_f32_pixel x = *t;
    x.taps -= x.taps > 4;
    good->pixel(&x);
}
static void planted(void **state)
{
    (void)state;
    good = mote_dwconv_f32_select(0);
#define BAD(fn) {#fn, 0, MOTE_CHECK_CONSISTENT, fn, good->pixel}
    const mote_dwconv_f32_row bad[] = {BAD(bad_tail), BAD(bad_over_read), BAD(bad_over_write), BAD(bad_order),
                                       {"bad_edge", 0, MOTE_CHECK_CONSISTENT, good->run, bad_edge}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (kcheck_row(bad[i].name, check_row, &bad[i]) == NULL)
            fail_msg("planted row %s was not caught", bad[i].name);
}

typedef struct job {
    mote_dwconv_f32_op op;
    size_t m;
} job;
static void bench_one(void *ctx)
{
    const job *j = ctx;
    mote_dwconv_f32_block(&j->op, 0, j->m);
}
static void bench(const char *filter)
{
    static const shape shapes[] = {{1, 112, 112, 16, 3, 3, 1, 1, 1, 1, 1, 1}, {1, 112, 112, 64, 3, 3, 2, 1, 1, 1, 1, 1}, {1, 56, 56, 72, 3, 3, 1, 1, 1, 1, 1, 1},
                                   {1, 28, 28, 120, 5, 5, 1, 1, 2, 2, 2, 2}, {1, 14, 14, 480, 3, 3, 1, 1, 1, 1, 1, 1}, {1, 14, 14, 672, 5, 5, 2, 1, 2, 2, 2, 2},
                                   {1, 7, 7, 960, 5, 5, 1, 1, 2, 2, 2, 2}};
    size_t count;
    const mote_dwconv_f32_row *r = mote_dwconv_f32_rows(&count);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof shapes / sizeof shapes[0]; k++) {
            if ((r[i].isa & ~mote_cpu_features()) != 0 || strstr(r[i].name, filter) == NULL)
                continue;
            const shape *s = &shapes[k];
            const mote_conv_window win = window_of(s);
            size_t taps = s->kh * s->kw, m = win.oh * win.ow, floats = 0;
            if (!mote_dwconv_f32_packed(s->c, taps, &floats))
                continue;
            float *x = aligned_alloc(64, (s->h * s->w * s->c * 4 + 63) / 64 * 64), *zero = calloc(s->c, 4), *w = aligned_alloc(64, floats * 4), *y = aligned_alloc(64, (m * s->c * 4 + 63) / 64 * 64);
            memset(w, 0, floats * 4);
            for (size_t q = 0; q < s->h * s->w * s->c; q++) /* pages of its own: untouched ones are all the same */
                x[q] = 1.0f;
            job j = {{.row = &r[i], .window = &win, .x = x, .zero = zero, .out = {.c = s->c, .w = w, .y = y, .y_stride = s->c, .hi = 6.0f, .flags = MOTE_DWCONV_CLAMP}}, m};
            char text[64];
            snprintf(text, sizeof text, "%zux%zux%zu k=%zu s=%zu", s->h, s->w, s->c, s->kh, s->stride);
            kcheck_report(r[i].name, text, kcheck_time(bench_one, &j), (double)(m * taps * s->c), "MAC");
            free(x), free(zero), free(w), free(y);
        }
}

int main(int argc, char **argv)
{
    const char *filter = kcheck_args(argc, argv);
    if (kcheck_bench) {
        bench(filter);
        return 0;
    }
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(planted)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
