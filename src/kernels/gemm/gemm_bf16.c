/* gemm_bf16.c - gemm in bfloat16: choice of a row, packing, the loops around the tile
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/gemm/gemm_bf16.h"
#include "base/half.h"
#include <string.h>

enum { B_LEAST = 3000 /* elements */, POINTERS = 2048, ROUNDED_A = 400 << 10 /* bytes of a block's rounded rows: a part of the second-level cache */ };

static const mote_gemm_f32_row rows[] = {
#if MOTE_X86_64
    {"mote_gemm_f32_bf16_f32_32x48_amx", MOTE_CPU_AVX512 | MOTE_CPU_AVX512BF16 | MOTE_CPU_AMXBF16, 32, 48, MOTE_CHECK_BOUND, mote_gemm_f32_bf16_f32_32x48_amx, NULL,
     &mote_gemm_bf16_amx_hooks},
#endif
    {.name = NULL},
};

const mote_gemm_f32_row *mote_gemm_bf16_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0] - 1;
    return rows;
}

const mote_gemm_f32_row *mote_gemm_bf16_select(uint32_t cpu, size_t taps, size_t kc, size_t n)
{
    for (const mote_gemm_f32_row *r = rows; r->name != NULL; r++)
        if ((r->isa & ~cpu) == 0 && taps <= (size_t)POINTERS / r->mr && n != 0 && kc > B_LEAST / n / mote_max_size(1, taps))
            return r;
    return NULL;
}

typedef float f32u __attribute__((aligned(1), may_alias));

void mote_gemm_bf16_pack(size_t nr, const mote_gemm_f32_source *s, size_t run, float *dst, size_t p0, size_t p1)
{
    const size_t k = s->taps * s->kc, depth = mote_gemm_bf16_depth(k / mote_max_size(1, run), run);
    for (size_t p = p0; p < p1; p++) {
        const size_t n0 = mote_gemm_panel(nr, s->n, p), w = mote_gemm_panel(nr, s->n, p + 1) - n0, n = mote_min_size(w, s->n - n0);
        float *out = dst + n0 * (depth + 1);
        memset(out, 0, w * (depth + 1) * sizeof *out);
        if (s->bias != NULL)
            memcpy(out, (const char *)s->bias + n0 * sizeof *out, n * sizeof *out);
        uint16_t *pairs = (uint16_t *)(void *)(out + w);
        for (size_t f = 0, tap = 0, j = 0; f < k; f++, tap += j + 1 == s->kc, j = j + 1 == s->kc ? 0 : j + 1) {
            const f32u *src = (const f32u *)s->src + tap * s->tap_stride + j * s->k_stride + n0 * s->n_stride;
            uint16_t *to = pairs + 2 * w * (f / run * mote_div_up(run, 2) + f % run / 2) + f % run % 2;
            for (size_t i = 0; i < n; i++)
                to[2 * i] = mote_bf16_from_f32(src[i * s->n_stride]);
        }
    }
}

/* Rows whose pointers fit the table, in whole tiles. */
static size_t block_rows(const mote_gemm_f32_op *op)
{
    const size_t mr = op->row->mr, k = mote_max_size(1, op->taps * op->kc);
    return mote_max_size(mr, mote_min_size(POINTERS / op->taps, mote_max_size(2 * mr, ROUNDED_A / 2 / k)) / mr * mr);
}

static size_t gathered_bytes(const mote_gemm_f32_op *op)
{
    return mote_div_up(2 * mote_gemm_bf16_depth(op->taps, op->kc), 32) * op->row->hooks->gathered_32;
}

size_t mote_gemm_f32_scratch(const mote_gemm_f32_op *op)
{
    return op->row->hooks == NULL ? 0 : mote_div_up(mote_min_size(block_rows(op), op->m), op->row->mr) * gathered_bytes(op);
}

void mote_gemm_bf16_block(const mote_gemm_f32_op *op, size_t m0, size_t m1, size_t p0, size_t p1)
{
    const mote_gemm_f32_row *row = op->row;
    const void *table[POINTERS];
    const size_t depth = mote_gemm_bf16_depth(op->taps, op->kc), step = block_rows(op), gathered = gathered_bytes(op);
    row->hooks->begin(op->taps, op->kc);
    for (size_t m = m0, rows_n; m < m1; m += rows_n) {
        rows_n = mote_min_size(step, m1 - m);
        if (op->rows_fn != NULL)
            op->rows_fn(op->rows_ctx, m, rows_n, 0, op->taps, table);
        else
            for (size_t i = 0; i < rows_n; i++)
                table[i] = op->a + (m + i) * op->a_stride;
        const size_t tiles = mote_div_up(rows_n, row->mr);
        for (size_t p = p0; p < p1; p++) {
            const size_t n0 = mote_gemm_panel(row->nr, op->n, p), w = mote_gemm_panel(row->nr, op->n, p + 1) - n0;
            const float *panel = op->b + n0 * (depth + 1);
            mote_gemm_f32_tile t = {.a_step = rows_n, .n = mote_min_size(w, op->n - n0), .taps = op->taps, .kc = op->kc, .b = panel + w, .bias = panel,
                                    .c_stride = op->c_stride, .residual_stride = op->residual_stride, .lo = op->lo, .hi = op->hi, .flags = op->flags};
            for (size_t i = 0, tile = 0; tile < tiles; tile++, i += t.m) {
                t.m = rows_n / tiles + (tile < rows_n % tiles);
                t.a = table + i;
                t.c = op->c + (m + i) * op->c_stride + n0;
                t.residual = op->residual != NULL ? op->residual + (m + i) * op->residual_stride + n0 : NULL;
                t.gathered = (char *)op->scratch + tile * gathered;
                if (p == p0)
                    row->hooks->gather(&t, t.gathered);
                row->fn(&t);
            }
        }
    }
    row->hooks->end();
}
