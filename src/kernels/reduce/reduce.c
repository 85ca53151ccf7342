/* reduce.c - the rows of the reduce family, their choice, the place of an extreme
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/reduce/reduce.h"
#include <string.h>

#define ROW(ID, id, isa_name, isa_bits)                                                                                \
    {"mote_reduce_f32_rows_" #id "_" #isa_name, isa_bits, MOTE_REDUCE_##ID, mote_reduce_f32_rows_##id##_##isa_name,    \
     mote_reduce_f32_cols_##id##_##isa_name},

static const mote_reduce_row table[] = {
#if MOTE_X86_64
#define REDUCE(ID, id) ROW(ID, id, avx512, MOTE_CPU_AVX512)
    REDUCE_OPS(REDUCE)
#undef REDUCE
#define REDUCE(ID, id) ROW(ID, id, avx2, MOTE_CPU_AVX2)
    REDUCE_OPS(REDUCE)
#undef REDUCE
#endif
#if MOTE_AARCH64
#define REDUCE(ID, id) ROW(ID, id, neon, MOTE_CPU_NEON)
    REDUCE_OPS(REDUCE)
#undef REDUCE
#endif
#define REDUCE(ID, id) ROW(ID, id, ref, MOTE_CPU_NONE)
    REDUCE_OPS(REDUCE)
#undef REDUCE
};

const mote_reduce_row *mote_reduce_rows(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const mote_reduce_row *mote_reduce_select(mote_reduce op, uint32_t cpu)
{
    const mote_reduce_row *r = table;
    while (r->op != op || (r->isa & ~cpu) != 0)
        r++;
    return r;
}

void mote_reduce_arg_rows(const mote_reduce_row *extreme, const float *x, size_t stride, int64_t *y, size_t rows, size_t n, bool last)
{
    for (size_t r = 0; r < rows; r++) {
        const float *p = x + r * stride;
        float v;
        extreme->rows(p, n, &v, 1, n);
        size_t i = last ? n - 1 : 0;
        if (v != v)
            while (p[i] == p[i])
                i = last ? i - 1 : i + 1;
        else
            while (p[i] != v)
                i = last ? i - 1 : i + 1;
        y[r] = (int64_t)i;
    }
}

void mote_reduce_arg_cols(bool max, const float *x, size_t stride, int64_t *y, size_t n, size_t m, bool last)
{
    enum { BLOCK = 256 };
    float best[BLOCK];
    uint32_t at[BLOCK]; /* n <= UINT32_MAX */
    for (size_t from = 0; from < m; from += BLOCK) {
        const size_t width = m - from < BLOCK ? m - from : BLOCK;
        memcpy(best, x + from, width * sizeof *best);
        memset(at, 0, sizeof at);
        for (size_t i = 1; i < n; i++) {
            const float *row = x + i * stride + from;
            for (size_t j = 0; j < width; j++) {
                const float v = row[j], b = best[j];
                const int better = max ? v > b : v < b, nan_v = v != v, nan_b = b != b, tie = (v == b) | (nan_v & nan_b);
                const int take = (nan_v & (nan_b ^ 1)) | ((nan_b ^ 1) & better) | ((int)last & tie);
                best[j] = take ? v : b;
                at[j] = take ? (uint32_t)i : at[j];
            }
        }
        for (size_t j = 0; j < width; j++)
            y[from + j] = at[j];
    }
}
