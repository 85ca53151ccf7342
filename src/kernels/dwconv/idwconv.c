/* idwconv.c - integer depthwise convolution: choice of a row, packing, the plain C row
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/dwconv/idwconv.h"
#include <math.h>
#include <string.h>

static const mote_idwconv_row rows[] = {
#define IDWCONV(name, isa, dot, check) {#name, isa, dot, check, name},
#include "kernels/dwconv/idwconv.inc"
#undef IDWCONV
};

const mote_idwconv_row *mote_idwconv_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_idwconv_row *mote_idwconv_select(uint32_t cpu, bool narrow)
{
    const mote_idwconv_row *r = rows;
    while ((r->isa & ~cpu) != 0 || (r->dot && !narrow))
        r++;
    return r;
}

static int32_t byte_at(const void *p, size_t i, bool is_signed) { return is_signed ? ((const int8_t *)p)[i] : ((const uint8_t *)p)[i]; }

void mote_idwconv_q8_s32_16c_ref(const mote_idwconv_tile *t)
{
    for (size_t i = 0; i < t->pixels; i++)
        for (size_t c = 0; c < t->c; c++) {
            const int32_t *w = (const int32_t *)t->w + c / 16 * 16 * (3 + t->taps) + c % 16;
            uint32_t s = (uint32_t)w[0] - (uint32_t)t->az * (uint32_t)w[16]; /* modulo 2^32 */
            for (size_t k = 0; k < t->taps; k++)
                s += (uint32_t)(byte_at(t->a[k * t->a_step + i], c, t->a_signed) * w[48 + 16 * k]);
            if (t->s32) {
                ((int32_t *)t->y)[i * t->y_stride + c] = (int32_t)s;
                continue;
            }
            float scale, q;
            memcpy(&scale, w + 32, sizeof scale);
            q = nearbyintf((float)(int32_t)s * scale);
            q = q > t->lo ? q : t->lo;
            q = q < t->hi ? q : t->hi;
            ((uint8_t *)t->y)[i * t->y_stride + c] = (uint8_t)((int32_t)q + t->zero);
        }
}

bool mote_idwconv_packed(const mote_idwconv_row *row, size_t c, size_t taps, size_t *bytes)
{
    const size_t tail = c % 64, last = tail == 0 ? 0 : mote_idwconv_width(tail);
    if (!row->dot)
        return mote_size_align(c, MOTE_LANES, &c) && mote_size_add(taps, 3, &taps) && mote_size_mul(c, taps, bytes) && mote_size_mul(*bytes, 4, bytes);
    return taps <= SIZE_MAX / 8 && mote_size_add(c - tail, last, &c) && mote_size_mul(c, mote_idwconv_group_bytes(taps), bytes);
}

static void pack_dot(const void *w, bool w_signed, const void *bias, const float *scale, const void *zero, size_t zero_step, size_t c, size_t taps, void *dst)
{
    for (size_t c0 = 0; c0 < c; c0 += 64) {
        const size_t n = mote_min_size(64, c - c0), width = mote_idwconv_width(n), bytes = width * mote_idwconv_group_bytes(taps);
        int32_t *out = dst;
        int8_t *values = (int8_t *)(out + 3 * width);
        memset(dst, 0, bytes);
        for (size_t e = 0; e < width; e++) {
            const size_t i = c0 + mote_idwconv_channel(width, e);
            if (i >= c)
                continue;
            const int32_t wz = zero == NULL ? 0 : byte_at(zero, i * zero_step, w_signed);
            if (bias != NULL)
                memcpy(out + e, (const char *)bias + i * sizeof *out, sizeof *out);
            if (scale != NULL)
                memcpy(out + 2 * width + e, scale + i, sizeof *out);
            for (size_t k = 0; k < taps; k++) {
                const int32_t v = byte_at(w, i * taps + k, w_signed) - wz;
                values[(k / 4 * width + e) * 4 + k % 4] = (int8_t)v;
                out[width + e] = (int32_t)((uint32_t)out[width + e] + (uint32_t)v);
            }
        }
        dst = (char *)dst + bytes;
    }
}

void mote_idwconv_pack(const mote_idwconv_row *row, const void *w, bool w_signed, const void *bias, const float *scale, const void *zero, size_t zero_step,
                       size_t c, size_t taps, void *dst)
{
    int32_t *out = dst;
    if (row->dot) {
        pack_dot(w, w_signed, bias, scale, zero, zero_step, c, taps, dst);
        return;
    }
    for (size_t c0 = 0; c0 < c; c0 += 16, out += 16 * (3 + taps)) {
        memset(out, 0, 16 * (3 + taps) * sizeof *out);
        for (size_t i = 0; i < 16 && c0 + i < c; i++) {
            const int32_t wz = zero == NULL ? 0 : byte_at(zero, (c0 + i) * zero_step, w_signed);
            if (bias != NULL)
                memcpy(out + i, (const char *)bias + (c0 + i) * sizeof *out, sizeof *out);
            if (scale != NULL)
                memcpy(out + 32 + i, scale + c0 + i, sizeof *out);
            for (size_t k = 0; k < taps; k++) {
                const int32_t v = byte_at(w, (c0 + i) * taps + k, w_signed) - wz;
                out[48 + 16 * k + i] = v;
                out[16 + i] = (int32_t)((uint32_t)out[16 + i] + (uint32_t)v);
            }
        }
    }
}
