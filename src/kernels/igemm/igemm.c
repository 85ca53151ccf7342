/* igemm.c - integer gemm: choice of a row, packing, the loops around the tile
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/igemm/igemm.h"
#include <string.h>

static const mote_igemm_row rows[] = {
#define IGEMM(name, isa, mr, nr, a_signed, check, hooks) {#name, isa, mr, nr, a_signed, check, name, hooks},
#include "kernels/igemm/igemm.inc"
#undef IGEMM
};

const mote_igemm_row *mote_igemm_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_igemm_row *mote_igemm_select(uint32_t cpu, size_t taps)
{
    const mote_igemm_row *r = rows;
    while ((r->isa & ~cpu) != 0 || (r->isa != 0 && taps > (size_t)MOTE_IGEMM_POINTERS / r->mr))
        r++;
    return r;
}

bool mote_igemm_packed(size_t n, size_t taps, size_t kc, size_t *bytes)
{
    size_t k;
    return mote_size_align(kc, 4, &kc) && mote_size_mul(taps, kc, &k) && mote_size_add(k, 16, &k) && mote_size_align(n, MOTE_LANES, &n) &&
           mote_size_mul(n, k, bytes);
}

void mote_igemm_pack(size_t nr, const mote_igemm_source *s, void *dst, size_t p0, size_t p1)
{
    const uint8_t flip = s->b_signed ? 0 : 0x80;
    const size_t groups = mote_div_up(s->kc, 4);
    for (size_t p = p0; p < p1; p++) {
        const size_t n0 = mote_gemm_panel(nr, s->n, p), w = mote_gemm_panel(nr, s->n, p + 1) - n0, n = mote_min_size(w, s->n - n0);
        const size_t bytes = w * mote_igemm_column_bytes(s->taps, s->kc);
        uint8_t *panel = (uint8_t *)dst + n0 * mote_igemm_column_bytes(s->taps, s->kc), *data = panel + 16 * w;
        int32_t *head = (int32_t *)(void *)panel;
        memset(panel, 0, bytes);
        for (size_t i = 0; i < n; i++) {
            const uint8_t *src = s->src + (n0 + i) * s->n_stride;
            const int32_t zero = s->zero == NULL ? (int8_t)flip : (int8_t)(s->zero[(n0 + i) * s->zero_step] ^ flip);
            uint32_t sum = 0;
            for (size_t t = 0; t < s->taps; t++)
                for (size_t j = 0; j < s->kc; j++) {
                    const int8_t v = (int8_t)(src[t * s->tap_stride + j * s->k_stride] ^ flip);
                    sum += (uint32_t)(v - zero);
                    memcpy(data + ((t * groups + j / 4) * w + i) * 4 + j % 4, &v, 1);
                }
            if (s->bias != NULL)
                memcpy(head + i, (const char *)s->bias + (n0 + i) * sizeof *head, sizeof *head);
            head[w + i] = (int32_t)sum;
            if (s->scale != NULL)
                memcpy(head + 2 * w + i, s->scale + n0 + i, sizeof *head);
            head[3 * w + i] = zero;
        }
    }
}

/* The sum of n bytes after xor with `flip`: eight at a time, as four sums of 16 bits, which take 128 words without overflow. */
static uint64_t byte_sum(const uint8_t *p, size_t n, uint8_t flip)
{
    enum { WORDS = 128 };
    const uint64_t even = 0x00ff00ff00ff00ffu, pairs = 0x0000ffff0000ffffu, flips = flip * 0x0101010101010101u;
    uint64_t sum = 0;
    size_t i = 0;
    while (n - i >= 8) {
        uint64_t lanes = 0;
        const size_t words = mote_min_size(WORDS, (n - i) / 8);
        for (size_t k = 0; k < words; k++, i += 8) {
            uint64_t w;
            memcpy(&w, p + i, 8);
            w ^= flips;
            lanes += (w & even) + (w >> 8 & even);
        }
        lanes = (lanes & pairs) + (lanes >> 16 & pairs);
        sum += (lanes & 0xffffffffu) + (lanes >> 32);
    }
    for (; i < n; i++)
        sum += (uint8_t)(p[i] ^ flip);
    return sum;
}

/* Sum of a row's bytes after the flip, over all taps, modulo 2^32. A signed byte's value is that of (byte ^ 0x80) as u8, less 128. */
static int32_t row_sum(const mote_igemm_tile *t, size_t i, bool is_signed)
{
    const uint8_t flip = (t->flip != 0) != is_signed ? 0x80 : 0;
    uint64_t sum = 0;
    for (size_t tap = 0; tap < t->taps; tap++)
        sum += byte_sum(t->a[tap * t->a_step + i], t->kc, flip);
    return (int32_t)(uint32_t)(sum - (is_signed ? 128 * (uint64_t)t->taps * t->kc : 0));
}

/* As many rows as the table takes and the second-level cache holds, in whole tiles. */
static size_t block_rows(const mote_igemm_op *op)
{
    enum { BLOCK_A = 64 << 10, GATHERED_A = 400 << 10 };
    const size_t mr = op->row->mr, k = mote_max_size(1, op->taps * op->kc);
    const size_t rows_n = mote_min_size(MOTE_IGEMM_POINTERS / op->taps, mote_max_size(2 * mr, (op->row->hooks != NULL ? GATHERED_A : BLOCK_A) / k)) / mr * mr;
    return mote_max_size(rows_n, mr);
}

static size_t gathered_bytes(const mote_igemm_op *op)
{
    return op->row->hooks == NULL ? 0 : mote_div_up(4 * mote_igemm_groups(op->taps, op->kc), 64) * op->row->hooks->gathered_64;
}

size_t mote_igemm_scratch(const mote_igemm_op *op)
{
    return mote_div_up(mote_min_size(block_rows(op), op->m), op->row->mr) * gathered_bytes(op);
}

void mote_igemm_block(const mote_igemm_op *op, size_t m0, size_t m1, size_t p0, size_t p1)
{
    const mote_igemm_row *row = op->row;
    const void *table[MOTE_IGEMM_POINTERS];
    int32_t sums[MOTE_IGEMM_POINTERS];
    const size_t mr = row->mr, column = mote_igemm_column_bytes(op->taps, op->kc);
    const bool flip = op->a_is_signed != row->a_signed;
    const size_t step = block_rows(op), gathered = gathered_bytes(op);
    if (row->hooks != NULL)
        row->hooks->begin(op->taps, op->kc);
    for (size_t m = m0, rows_n; m < m1; m += rows_n) {
        rows_n = mote_min_size(step, m1 - m);
        if (op->rows_fn != NULL)
            op->rows_fn(op->rows_ctx, m, rows_n, 0, op->taps, table);
        else
            for (size_t i = 0; i < rows_n; i++)
                table[i] = (const char *)op->a + (m + i) * op->a_stride;
        mote_igemm_tile t = {.a = table, .a_step = rows_n, .taps = op->taps, .kc = op->kc, .flip = flip ? 0x80808080u : 0u,
                             .az = op->az + (flip ? (row->a_signed ? -128 : 128) : 0), .y_stride = op->y_stride, .s32 = op->s32, .f32 = op->f32, .one_real = op->one_real,
                             .lo = (float)(op->lo - op->zero), .hi = (float)(op->hi - op->zero), .zero = op->zero};
        for (size_t i = 0; op->b_zero && i < rows_n; i++)
            sums[i] = row_sum(&t, i, row->a_signed);
        const size_t tiles = mote_div_up(rows_n, mr);
        for (size_t p = p0; p < p1; p++) {
            const size_t n0 = mote_gemm_panel(row->nr, op->n, p);
            t.n = mote_min_size(mote_gemm_panel(row->nr, op->n, p + 1), op->n) - n0;
            t.b = (const char *)op->b + n0 * column;
            t.real = op->one_real || op->real == NULL ? op->real : op->real + n0;
            t.add = op->add == NULL ? NULL : op->add + n0;
            for (size_t i = 0, tile = 0; tile < tiles; tile++, i += t.m) {
                t.m = rows_n / tiles + (tile < rows_n % tiles);
                t.a = table + i;
                t.sums = op->b_zero ? sums + i : NULL;
                t.gathered = (char *)op->scratch + tile * gathered;
                if (gathered != 0 && p == p0)
                    row->hooks->gather(&t, t.gathered);
                t.y = (char *)op->y + ((m + i) * op->y_stride + n0) * (op->s32 || op->f32 ? 4 : 1);
                row->fn(&t);
            }
        }
    }
    if (row->hooks != NULL)
        row->hooks->end();
}
