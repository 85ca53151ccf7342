/* dwconv.c - f32 depthwise convolution: choice of a row, packing, the plain C row, the loop over pixels
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/dwconv/dwconv.h"
#include <math.h>
#include <string.h>

static const mote_dwconv_f32_row all_rows[] = {
#define DWCONV_F32(name, one, isa, check) {#name, isa, check, name, one},
#include "kernels/dwconv/dwconv_f32.inc"
#undef DWCONV_F32
};

const mote_dwconv_f32_row *mote_dwconv_f32_rows(size_t *count)
{
    *count = sizeof all_rows / sizeof all_rows[0];
    return all_rows;
}

const mote_dwconv_f32_row *mote_dwconv_f32_select(uint32_t cpu)
{
    const mote_dwconv_f32_row *r = all_rows;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}

/* ---- the plain C row ---- */

static void store(const mote_dwconv_f32_out *o, size_t pixel, size_t c, float x)
{
    if ((o->flags & MOTE_DWCONV_CLAMP) != 0) {
        x = o->lo > x ? o->lo : x;
        x = o->hi < x ? o->hi : x;
    }
    o->y[pixel * o->y_stride + c] = x;
}

void mote_dwconv_f32_f32_f32_1p1c_ref(const mote_dwconv_f32_run *t)
{
    for (size_t i = 0; i < t->pixels; i++)
        for (size_t c = 0; c < t->out.c; c++) {
            const float *w = t->out.w + c / 16 * 16 * (1 + t->kh * t->kw) + c % 16;
            float x = *w;
            for (size_t k = 0; k < t->kh * t->kw; k++) {
                const size_t ky = k / t->kw, kx = k % t->kw;
                x = fmaf(t->rows[ky][i * t->steps[ky] + kx * t->tap_steps[ky] + c], w[(1 + k) * 16], x);
            }
            store(&t->out, i, c, x);
        }
}

void mote_dwconv_f32_f32_f32_1p_ref(const mote_dwconv_f32_pixel *t)
{
    for (size_t c = 0; c < t->out.c; c++) {
        const float *w = t->out.w + c / 16 * 16 * (1 + t->taps) + c % 16;
        float x = *w;
        for (size_t k = 0; k < t->taps; k++)
            x = fmaf(((const float *)t->a[k])[c], w[(1 + k) * 16], x);
        store(&t->out, 0, c, x);
    }
}

/* ---- packing ---- */

void mote_dwconv_f32_pack(const void *w, const void *bias, size_t c, size_t taps, float *dst)
{
    const char *src = w, *b = bias;
    for (size_t c0 = 0; c0 < c; c0 += 16, dst += 16 * (1 + taps)) {
        memset(dst, 0, 16 * (1 + taps) * sizeof *dst);
        for (size_t i = 0; i < 16 && c0 + i < c; i++) {
            if (b != NULL)
                memcpy(dst + i, b + (c0 + i) * sizeof *dst, sizeof *dst);
            for (size_t t = 0; t < taps; t++)
                memcpy(dst + 16 * (1 + t) + i, src + ((c0 + i) * taps + t) * sizeof *dst, sizeof *dst);
        }
    }
}

/* ---- blocks ---- */

enum {
    CHUNK_BYTES = 20 << 10,  /* of the input rows under one output row, for some channels: they and their weights stay in a 32 KiB cache */
    BLOCK_BYTES = 256 << 10, /* of the input rows that are worked on, all channels: they stay in the second-level cache */
};

/* Outputs [ox, end) of one row (image, oy), channels of `out`. */
typedef struct segment {
    const mote_dwconv_f32_op *op;
    mote_dwconv_f32_out out;
    const float *const *rows; /* kh rows of the image at pixel 0, or of zeros */
    const size_t *steps, *tap_steps;
} segment;

static void edge(const segment *s, size_t ox, size_t end)
{
    const mote_conv_window *w = s->op->window;
    const size_t pixel = w->pixel_bytes / sizeof(float);
    const void *table[MOTE_DWCONV_TAPS];
    mote_dwconv_f32_pixel t = {.out = s->out, .a = table, .taps = w->kh * w->kw};
    for (; ox < end; ox++) {
        for (size_t ky = 0; ky < w->kh; ky++)
            for (size_t kx = 0; kx < w->kw; kx++) {
                const size_t ix = ox * w->stride_w + kx * w->dilation_w - w->pad_left; /* wraps left of the image */
                table[ky * w->kw + kx] = s->tap_steps[ky] == 0 || ix >= w->w ? s->op->zero : s->rows[ky] + ix * pixel;
            }
        t.out.y = s->out.y + ox * s->out.y_stride;
        s->op->row->pixel(&t);
    }
}

static void inner(const segment *s, size_t ox, size_t end)
{
    const mote_conv_window *w = s->op->window;
    const float *rows[MOTE_DWCONV_TAPS];
    if (ox >= end)
        return;
    for (size_t ky = 0; ky < w->kh; ky++)
        rows[ky] = s->rows[ky] + (s->tap_steps[ky] == 0 ? 0 : (ox * w->stride_w - w->pad_left) * (w->pixel_bytes / sizeof(float)));
    mote_dwconv_f32_run t = {.out = s->out, .rows = rows, .steps = s->steps, .tap_steps = s->tap_steps, .kh = w->kh, .kw = w->kw, .pixels = end - ox};
    t.out.y += ox * t.out.y_stride;
    s->op->row->run(&t);
}

/* Outputs m0..m1, `chunk` channels from c0 on. */
static void block_channels(const mote_dwconv_f32_op *op, size_t m0, size_t m1, size_t c0, size_t chunk)
{
    const mote_conv_window *w = op->window;
    const size_t pixel = w->pixel_bytes / sizeof(float);
    /* the outputs whose taps all lie inside: [left, right) */
    const size_t reach = (w->kw - 1) * w->dilation_w, left = mote_min_size(w->ow, mote_div_up(w->pad_left, w->stride_w));
    size_t right = w->w + w->pad_left > reach ? mote_min_size(w->ow, (w->w + w->pad_left - reach - 1) / w->stride_w + 1) : 0;
    right = mote_max_size(left, right);
    const float *rows[MOTE_DWCONV_TAPS];
    size_t steps[MOTE_DWCONV_TAPS], tap_steps[MOTE_DWCONV_TAPS];
    for (size_t m = m0, n; m < m1; m += n) {
        const size_t image = m / w->ow / w->oh, oy = m / w->ow % w->oh, ox = m % w->ow;
        n = mote_min_size(w->ow - ox, m1 - m);
        const size_t end = ox + n, l = mote_max_size(ox, mote_min_size(left, end)), r = mote_max_size(l, mote_min_size(right, end));
        for (size_t ky = 0; ky < w->kh; ky++) {
            const size_t iy = oy * w->stride_h + ky * w->dilation_h - w->pad_top; /* wraps above the image */
            const bool inside = iy < w->h;
            rows[ky] = inside ? op->x + image * (w->image_bytes / sizeof(float)) + iy * w->w * pixel + c0 : op->zero;
            steps[ky] = inside ? w->stride_w * pixel : 0;
            tap_steps[ky] = inside ? w->dilation_w * pixel : 0;
        }
        segment s = {.op = op, .out = op->out, .rows = rows, .steps = steps, .tap_steps = tap_steps};
        s.out.c = chunk;
        s.out.w += c0 / 16 * (16 * (1 + w->kh * w->kw));
        s.out.y += (m - ox) * s.out.y_stride + c0;
        edge(&s, ox, l);
        inner(&s, l, r);
        edge(&s, r, end);
    }
}

void mote_dwconv_f32_block(const mote_dwconv_f32_op *op, size_t m0, size_t m1)
{
    const mote_conv_window *w = op->window;
    const size_t c = op->out.c, chunk = mote_max_size(16, CHUNK_BYTES / (w->w * w->kh * sizeof(float)) / 16 * 16);
    const size_t step = mote_max_size(1, BLOCK_BYTES / (w->stride_h * w->w * w->pixel_bytes)) * w->ow;
    for (size_t m = m0; m < m1; m += step)
        for (size_t c0 = 0; c0 < c; c0 += chunk)
            block_channels(op, m, mote_min_size(m1, m + step), c0, mote_min_size(chunk, c - c0));
}
