/* dwconv.c - f32 depthwise convolution: choice of a row, packing, the plain C row, the loop over pixels
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/dwconv/dwconv.h"
#include <math.h>
#include <string.h>

static const mote_dwconv_f32_row rows[] = {
#define DWCONV_F32(name, isa, pixels, check) {#name, isa, pixels, check, name},
#include "kernels/dwconv/dwconv_f32.inc"
#undef DWCONV_F32
};

const mote_dwconv_f32_row *mote_dwconv_f32_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_dwconv_f32_row *mote_dwconv_f32_select(uint32_t cpu)
{
    const mote_dwconv_f32_row *r = rows;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}

void mote_dwconv_f32_f32_f32_4p16c_ref(const mote_dwconv_f32_tile *t)
{
    for (size_t i = 0; i < t->pixels; i++)
        for (size_t c = 0; c < t->c; c++) {
            const float *w = t->w + c / 16 * 16 * (1 + t->taps) + c % 16;
            float x = *w;
            for (size_t tap = 0; tap < t->taps; tap++)
                x = fmaf(((const float *)t->a[tap * t->a_step + i])[c], w[(1 + tap) * 16], x);
            if ((t->flags & MOTE_DWCONV_CLAMP) != 0) {
                x = t->lo > x ? t->lo : x;
                x = t->hi < x ? t->hi : x;
            }
            t->y[i * t->y_stride + c] = x;
        }
}

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

void mote_dwconv_f32_block(const mote_dwconv_f32_op *op, size_t m0, size_t m1, const void **table, size_t pointers)
{
    size_t most = op->row->pixels;
    /* pointers for several tiles at once, if the table has room */
    size_t batch = mote_max_size(most, pointers / mote_max_size(1, op->taps) / most * most);
    for (size_t m = m0; m < m1; m += batch) {
        const size_t n = mote_min_size(batch, m1 - m), tiles = mote_div_up(n, most);
        op->rows_fn(op->ctx, m, n, 0, op->taps, table);
        mote_dwconv_f32_tile t = {.a_step = n, .taps = op->taps, .c = op->c, .w = op->w, .y_stride = op->y_stride, .lo = op->lo, .hi = op->hi, .flags = op->flags};
        for (size_t i = 0, tile = 0; tile < tiles; tile++, i += t.pixels) {
            t.pixels = n / tiles + (tile < n % tiles);
            t.a = table + i;
            t.y = op->y + (m + i) * op->y_stride;
            op->row->fn(&t);
        }
    }
}
