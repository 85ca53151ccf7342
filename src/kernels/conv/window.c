/* window.c - pointers to the rows under a sliding window
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/conv/conv.h"
#include <string.h>

/* A stretch of output rows with one (image, oy). */
typedef struct stretch {
    size_t image, oy, ox, n;
} stretch;

static stretch stretch_at(const mote_conv_window *w, size_t m, size_t end)
{
    stretch s = {.image = m / w->ow / w->oh, .oy = m / w->ow % w->oh, .ox = m % w->ow};
    s.n = mote_min_size(w->ow - s.ox, end - m);
    return s;
}

/* The input row under kernel row ky, or NULL in the padding. */
static const char *input_row(const mote_conv_rows *r, const stretch *s, size_t ky)
{
    const mote_conv_window *w = r->window;
    size_t iy = s->oy * w->stride_h + ky * w->dilation_h - w->pad_top; /* wraps below 0: then not less than h */
    return iy < w->h ? (const char *)r->x + s->image * w->image_bytes + iy * w->w * w->pixel_bytes : NULL;
}

/* Of n inputs at columns ix, ix + step ... (ix may have wrapped below 0), those that leave `span` columns before the right border: [*from, *to). */
static void within(const mote_conv_window *w, size_t ix, size_t n, size_t span, size_t *from, size_t *to)
{
    const size_t step = w->stride_w, below = ix > SIZE_MAX / 2 ? 0 - ix : 0; /* columns left of the image */
    *from = mote_min_size(n, mote_div_up(below, step));
    const size_t first = ix + *from * step; /* not left of it */
    *to = first + span <= w->w ? mote_min_size(n, *from + (w->w - span - first) / step + 1) : *from;
}

void mote_conv_taps(const void *ctx, size_t m0, size_t rows, size_t t0, size_t taps, const void **table)
{
    const mote_conv_rows *r = ctx;
    const mote_conv_window *w = r->window;
    for (size_t i = 0; i < rows;) {
        const stretch s = stretch_at(w, m0 + i, m0 + rows);
        for (size_t t = 0; t < taps; t++) {
            const void **out = table + t * rows + i;
            const size_t ky = (t0 + t) / w->kw, kx = (t0 + t) % w->kw;
            const char *row = input_row(r, &s, ky);
            const size_t ix = s.ox * w->stride_w + kx * w->dilation_w - w->pad_left, step = w->stride_w * w->pixel_bytes;
            size_t from, to, j = 0;
            within(w, ix, row != NULL ? s.n : 0, 1, &from, &to);
            for (; j < from; j++)
                out[j] = r->zero;
            for (const char *p = from < to ? row + (ix + from * w->stride_w) * w->pixel_bytes : row; j < to; j++, p += step)
                out[j] = p;
            for (; j < s.n; j++)
                out[j] = r->zero;
        }
        i += s.n;
    }
}

bool mote_conv_runs_bytes(const mote_conv_window *w, size_t pointers, size_t *bytes)
{
    return mote_size_mul(w->kw, w->pixel_bytes, bytes) && mote_size_mul(*bytes, pointers, bytes);
}

void mote_conv_runs(const void *ctx, size_t m0, size_t rows, size_t t0, size_t taps, const void **table)
{
    const mote_conv_rows *r = ctx;
    const mote_conv_window *w = r->window;
    const size_t tap = r->tap_bytes;
    char *copy = r->runs;
    for (size_t i = 0; i < rows;) {
        const stretch s = stretch_at(w, m0 + i, m0 + rows);
        for (size_t t = 0; t < taps; t++) {
            const void **out = table + t * rows + i;
            const char *row = input_row(r, &s, t0 + t);
            if (row == NULL) {
                for (size_t j = 0; j < s.n; j++)
                    out[j] = r->zero;
                continue;
            }
            const size_t ix = s.ox * w->stride_w - w->pad_left, step = w->stride_w * tap;
            size_t from, to;
            within(w, ix, s.n, w->kw, &from, &to);
            const char *p = from < to ? row + (ix + from * w->stride_w) * tap : row;
            for (size_t j = from; j < to; j++, p += step)
                out[j] = p;
            for (size_t j = from > 0 ? 0 : to; j < s.n; j = j + 1 == from ? to : j + 1) {
                const size_t at = ix + j * w->stride_w;
                out[j] = copy;
                for (size_t kx = 0; kx < w->kw; kx++, copy += tap)
                    memcpy(copy, at + kx < w->w ? row + (at + kx) * tap : r->zero, tap);
            }
        }
        i += s.n;
    }
}
