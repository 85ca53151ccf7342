/* gemm.c - f32 gemm: choice of a row, packing, the loops around the tile
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/gemm/gemm_bf16.h"
#include <string.h>

static const mote_gemm_f32_row rows[] = {
#define GEMM_F32(name, gemv, isa, mr, nr, check) {#name, isa, mr, nr, check, name, gemv, NULL},
#include "kernels/gemm/gemm_f32.inc"
#undef GEMM_F32
};

const mote_gemm_f32_row *mote_gemm_f32_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_gemm_f32_row *mote_gemm_f32_select(uint32_t cpu)
{
    const mote_gemm_f32_row *r = rows;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}

/* ---- packing ---- */

typedef float f32u __attribute__((aligned(1), may_alias));

/* 16 columns at src, each of k contiguous floats, into rows of w floats. */
static void pack_columns(const f32u *src, size_t n_stride, size_t k, size_t columns, float *dst, size_t w)
{
    enum { STEP = 16 };
    for (size_t k0 = 0; k0 < k; k0 += STEP) {
        size_t steps = mote_min_size(STEP, k - k0);
        for (size_t i = 0; i < columns; i++)
            for (size_t j = 0; j < steps; j++)
                dst[(k0 + j) * w + i] = src[i * n_stride + k0 + j];
    }
}

void mote_gemm_f32_pack(size_t nr, const mote_gemm_f32_source *s, float *dst, size_t p0, size_t p1)
{
    size_t k = s->taps * s->kc;
    for (size_t p = p0; p < p1; p++) {
        size_t n0 = mote_gemm_panel(nr, s->n, p), w = mote_gemm_panel(nr, s->n, p + 1) - n0, n = mote_min_size(w, s->n - n0);
        float *out = dst + n0 * (k + 1);
        if (s->bias != NULL)
            memcpy(out, (const char *)s->bias + n0 * sizeof *out, n * sizeof *out);
        else
            memset(out, 0, n * sizeof *out);
        memset(out + n, 0, (w - n) * sizeof *out);
        out += w;
        for (size_t tap = 0; tap < s->taps; tap++, out += s->kc * w) {
            const f32u *src = (const f32u *)s->src + tap * s->tap_stride + n0 * s->n_stride;
            if (s->n_stride != 1 && s->k_stride == 1) {
                if (s->transpose != NULL)
                    s->transpose(src, out, n, s->kc, s->n_stride * sizeof *out, w * sizeof *out);
                for (size_t i = 0; i < n && s->transpose == NULL; i += MOTE_LANES)
                    pack_columns(src + i * s->n_stride, s->n_stride, s->kc, mote_min_size(MOTE_LANES, n - i), out + i, w);
                for (size_t j = 0; j < s->kc && n < w; j++)
                    memset(out + j * w + n, 0, (w - n) * sizeof *out);
                continue;
            }
            for (size_t j = 0; j < s->kc; j++) {
                float *row = out + j * w;
                if (s->n_stride == 1)
                    memcpy(row, src + j * s->k_stride, n * sizeof *row);
                else
                    for (size_t i = 0; i < n; i++)
                        row[i] = src[j * s->k_stride + i * s->n_stride];
                memset(row + n, 0, (w - n) * sizeof *row);
            }
        }
    }
}

/* ---- blocks ---- */

enum {
    TABLE = 2048,           /* pointers on the stack: 16 KiB */
    BLOCK_B = 256 << 10,    /* bytes of a panel's block: it stays in the second-level cache, from where it streams fast enough */
    BLOCK_A = 512 << 10,    /* bytes of a's rows when b is large */
    BLOCK_AC = 128 << 10,   /* bytes of a's and c's rows that are worked on together: a part of the second-level cache */
};

typedef struct cursor {
    size_t tap, taps, channel, channels; /* a block of k: several whole taps, or a part of one */
} cursor;

/* The block of k that begins at *at, of at most `limit` terms and `most` taps (both at least 1). */
static cursor next_block(const mote_gemm_f32_op *op, size_t at, size_t limit, size_t most)
{
    cursor k = {.tap = at / op->kc, .taps = 1, .channel = at % op->kc};
    k.channels = mote_min_size(op->kc - k.channel, limit);
    if (k.channel == 0 && k.channels == op->kc)
        k.taps = mote_max_size(1, mote_min_size(mote_min_size(limit / op->kc, most), op->taps - k.tap));
    return k;
}

typedef struct rows_job {
    const mote_gemm_f32_op *op;
    const void *const *table;
    size_t m0, rows, tiles;
} rows_job;

/* Panel p, one block of k that begins at `at`. */
static void run_panel(const rows_job *j, size_t p, cursor kb, size_t at)
{
    const mote_gemm_f32_op *op = j->op;
    const mote_gemm_f32_row *row = op->row;
    const size_t k = op->taps * op->kc, n0 = mote_gemm_panel(row->nr, op->n, p), w = mote_gemm_panel(row->nr, op->n, p + 1) - n0;
    const bool first = at == 0, last = at + kb.taps * kb.channels == k;
    const float *panel = op->b + n0 * (k + 1);
    mote_gemm_f32_tile t = {.a_step = j->rows,
                            .a_offset = kb.channel,
                            .n = mote_min_size(w, op->n - n0),
                            .taps = kb.taps,
                            .kc = kb.channels,
                            .b = panel + w + at * w,
                            .bias = panel,
                            .c_stride = op->c_stride,
                            .residual_stride = op->residual_stride,
                            .lo = op->lo,
                            .hi = op->hi,
                            .flags = (first ? op->flags & MOTE_GEMM_ADD_C : MOTE_GEMM_ADD_C) | (last ? op->flags & MOTE_GEMM_CLAMP : 0u)};
    for (size_t i = 0, tile = 0; tile < j->tiles; tile++, i += t.m) {
        t.m = j->rows / j->tiles + (tile < j->rows % j->tiles); /* even tiles: 17 rows are 6 + 6 + 5, not 8 + 8 + 1 */
        t.a = j->table + i;
        t.c = op->c + (j->m0 + i) * op->c_stride + n0;
        t.residual = last && op->residual != NULL ? op->residual + (j->m0 + i) * op->residual_stride + n0 : NULL;
        row->fn(&t);
    }
}

static void run_rows(const mote_gemm_f32_op *op, size_t m0, size_t m1, size_t p0, size_t p1)
{
    const mote_gemm_f32_row *row = op->row;
    const size_t k = op->taps * op->kc, mr = row->mr;
    const void *table[TABLE];
    const rows_job j = {.op = op, .table = table, .m0 = m0, .rows = m1 - m0, .tiles = mote_div_up(m1 - m0, mr)};
    /* A block of k pays when its panel is read again by more rows. */
    size_t limit = j.rows > 2 * mr ? mote_max_size(32, BLOCK_B / (row->nr * sizeof(float))) : mote_max_size(1, k);
    if (limit < k)
        limit = mote_div_up(k, mote_div_up(k, limit));
    if (op->rows_fn == NULL || k == 0) { /* each panel is read from its beginning to its end */
        for (size_t i = 0; i < j.rows; i++)
            table[i] = op->a + (m0 + i) * op->a_stride;
        if (j.rows == 1 && row->gemv != NULL) {
            const size_t n0 = mote_gemm_panel(row->nr, op->n, p0), n1 = mote_min_size(op->n, mote_gemm_panel(row->nr, op->n, p1));
            const float *panel = op->b + n0 * (k + 1);
            const mote_gemm_f32_tile t = {.a = table, .a_step = 1, .m = 1, .n = n1 - n0, .taps = 1, .kc = k, .b = panel + row->nr, .bias = panel,
                                          .c = op->c + m0 * op->c_stride + n0, .lo = op->lo, .hi = op->hi, .flags = op->flags,
                                          .residual = op->residual == NULL ? NULL : op->residual + m0 * op->residual_stride + n0};
            row->gemv(&t, row->nr * (k + 1));
            return;
        }
        for (size_t p = p0; p < p1; p++) {
            size_t at = 0;
            do {
                const cursor kb = {.taps = 1, .channel = at, .channels = mote_min_size(limit, k - at)};
                run_panel(&j, p, kb, at);
                at += kb.channels;
            } while (at < k);
        }
        return;
    }
    const size_t most_taps = mote_max_size(1, TABLE / j.rows);
    for (size_t at = 0; at < k;) { /* the pointers of a block of k serve every panel */
        const cursor kb = next_block(op, at, limit, most_taps);
        op->rows_fn(op->rows_ctx, m0, j.rows, kb.tap, kb.taps, table);
        for (size_t p = p0; p < p1; p++)
            run_panel(&j, p, kb, at);
        at += kb.taps * kb.channels;
    }
}

void mote_gemm_f32_block(const mote_gemm_f32_op *op, size_t m0, size_t m1, size_t p0, size_t p1)
{
    const size_t k = op->taps * op->kc, mr = op->row->mr;
    if (m0 >= m1 || p0 >= p1)
        return;
    const size_t n0 = mote_gemm_panel(op->row->nr, op->n, p0), n1 = mote_min_size(op->n, mote_gemm_panel(op->row->nr, op->n, p1));
    size_t most = BLOCK_AC / sizeof(float) / (mote_max_size(1, mote_min_size(k, BLOCK_AC)) + (n1 - n0));
    /* b beyond the second-level cache is read again for each block of rows: then those may fill the cache themselves */
    if (k != 0 && (n1 - n0) > BLOCK_B / sizeof(float) / k)
        most = mote_max_size(most, BLOCK_A / sizeof(float) / k);
    most = mote_min_size(mote_max_size(most / mr * mr, 6 * mr), TABLE / 8);
    size_t blocks = mote_div_up(m1 - m0, most), step = mote_div_up(mote_div_up(m1 - m0, blocks), mr) * mr;
    for (size_t m = m0; m < m1; m += step) {
        const size_t end = mote_min_size(m1, m + step);
        if (op->row->hooks != NULL)
            mote_gemm_bf16_block(op, m, end, p0, p1);
        else
            run_rows(op, m, end, p0, p1);
        if (op->act == NULL)
            continue;
        if (op->c_stride == op->n && n0 == 0 && n1 == op->n)
            op->act(op->c + m * op->n, op->c + m * op->n, (end - m) * op->n, op->act_params);
        else
            for (size_t i = m; i < end; i++)
                op->act(op->c + i * op->c_stride + n0, op->c + i * op->c_stride + n0, n1 - n0, op->act_params);
    }
}
