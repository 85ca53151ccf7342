/* transpose.c - rows of the transpose family, strided copy plans
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/transpose/transpose.h"
#include <string.h>

static const mote_transpose_row table[] = {
#if MOTE_X86_64
    {"mote_transpose_8_16x32_avx2", MOTE_CPU_AVX2, 1, mote_transpose_8_16x32_avx2},
    {"mote_transpose_16_8x16_avx2", MOTE_CPU_AVX2, 2, mote_transpose_16_8x16_avx2},
    {"mote_transpose_32_4x8_avx2", MOTE_CPU_AVX2, 4, mote_transpose_32_4x8_avx2},
#endif
#if MOTE_AARCH64
    {"mote_transpose_16_8x8_neon", MOTE_CPU_NEON, 2, mote_transpose_16_8x8_neon},
    {"mote_transpose_32_4x8_neon", MOTE_CPU_NEON, 4, mote_transpose_32_4x8_neon},
    {"mote_transpose_8_16x16_neon", MOTE_CPU_NEON, 1, mote_transpose_8_16x16_neon},
#endif
    {"mote_transpose_8_ref", MOTE_CPU_NONE, 1, mote_transpose_8_ref},
    {"mote_transpose_16_ref", MOTE_CPU_NONE, 2, mote_transpose_16_ref},
    {"mote_transpose_32_ref", MOTE_CPU_NONE, 4, mote_transpose_32_ref},
    {"mote_transpose_64_ref", MOTE_CPU_NONE, 8, mote_transpose_64_ref},
};

const mote_transpose_row *mote_transpose_rows(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

const mote_transpose_row *mote_transpose_select(size_t size, uint32_t cpu)
{
    const mote_transpose_row *r = table;
    while (r->size != size || (r->isa & ~cpu) != 0)
        r++;
    return r;
}

typedef struct axis {
    size_t n;
    ptrdiff_t in, out;
} axis;

/* Drops ones, orders by out stride (largest first) and merges neighbours; returns the new rank. */
static int canonical(axis *a, int rank)
{
    int k = 0;
    for (int i = 0; i < rank; i++)
        if (a[i].n != 1)
            a[k++] = a[i];
    for (int i = 1; i < k; i++) { /* insertion: stable, and rank is small */
        axis t = a[i];
        int j = i;
        for (; j > 0 && a[j - 1].out < t.out; j--)
            a[j] = a[j - 1];
        a[j] = t;
    }
    int m = 0;
    for (int i = 0; i < k; i++) {
        if (m > 0 && a[m - 1].in == a[i].in * (ptrdiff_t)a[i].n && a[m - 1].out == a[i].out * (ptrdiff_t)a[i].n) {
            a[m - 1].n *= a[i].n;
            a[m - 1].in = a[i].in;
            a[m - 1].out = a[i].out;
        } else {
            a[m++] = a[i];
        }
    }
    return m;
}

static bool is_element_size(size_t size)
{
    return size == 1 || size == 2 || size == 4 || size == 8;
}

void mote_copy_plan_make(mote_copy_plan *p, size_t size, int rank, const size_t *dims, const ptrdiff_t *in_stride, const ptrdiff_t *out_stride,
                         uint32_t cpu)
{
    axis a[MOTE_COPY_PLAN_RANK];
    size_t total = size;
    memset(p, 0, sizeof *p);
    for (int i = 0; i < rank; i++) {
        a[i] = (axis){dims[i], in_stride[i], out_stride[i]};
        total *= dims[i];
    }
    if (total == 0)
        return;
    int r = canonical(a, rank);
    /* The innermost run, contiguous on both sides, is one wide element. */
    if (r > 0 && a[r - 1].in == (ptrdiff_t)size && a[r - 1].out == (ptrdiff_t)size) {
        size *= a[r - 1].n;
        r--;
    }
    p->size = size;
    int across = -1; /* the axis along which `in` is contiguous */
    if (r > 1 && is_element_size(size) && a[r - 1].out == (ptrdiff_t)size && a[r - 1].in > 0)
        for (int i = 0; i < r - 1 && across < 0; i++)
            if (a[i].in == (ptrdiff_t)size)
                across = i;
    if (across >= 0) {
        p->way = MOTE_COPY_TRANSPOSE;
        p->rows = a[r - 1].n;
        p->cols = a[across].n;
        p->in_stride = (size_t)a[r - 1].in;
        p->out_stride = (size_t)a[across].out;
        p->tile = mote_transpose_select(size, cpu)->fn;
        /* a unit reads rows x block elements: about 16 KiB, and whole cache lines */
        const size_t block = 16384 / (p->rows * size) & ~(size_t)63;
        p->block = block < 64 / size ? 64 / size : block;
        for (int i = across; i < r - 2; i++)
            a[i] = a[i + 1];
        r -= 2;
        p->n = (p->cols + p->block - 1) / p->block;
        p->unit_bytes = p->rows * size * (p->cols < p->block ? p->cols : p->block);
        p->units = p->n;
    } else if (r > 0 && (is_element_size(size) || a[r - 1].n * size <= 4096)) {
        p->way = is_element_size(size) && a[r - 1].in == 0 && a[r - 1].out == (ptrdiff_t)size ? MOTE_COPY_REPEAT : MOTE_COPY_ELEMENTS;
        p->n = a[r - 1].n;
        p->in_step = a[r - 1].in;
        p->out_step = a[r - 1].out;
        r--;
        p->unit_bytes = p->n * size;
        p->units = 1;
    } else {
        p->way = MOTE_COPY_RUNS;
        p->unit_bytes = size;
        p->units = 1;
        if (r == 0 && size > 65536) { /* one long run: in pieces that threads can share */
            p->n = (size + 65535) / 65536;
            p->units = p->n;
            p->unit_bytes = 65536;
        }
    }
    p->rank = r;
    for (int i = 0; i < r; i++) {
        p->dims[i] = a[i].n;
        p->in[i] = a[i].in;
        p->out[i] = a[i].out;
        p->units *= a[i].n;
    }
}

/* Where unit `index` of the outer dimensions begins. */
static void locate(const mote_copy_plan *p, size_t index, size_t *at, const char **x, char **y)
{
    for (int i = p->rank - 1; i >= 0; i--) {
        at[i] = index % p->dims[i];
        index /= p->dims[i];
        *x += (ptrdiff_t)at[i] * p->in[i];
        *y += (ptrdiff_t)at[i] * p->out[i];
    }
}
static void advance(const mote_copy_plan *p, size_t *at, const char **x, char **y)
{
    for (int i = p->rank - 1; i >= 0; i--) {
        *x += p->in[i];
        *y += p->out[i];
        if (++at[i] < p->dims[i])
            return;
        *x -= p->in[i] * (ptrdiff_t)p->dims[i];
        *y -= p->out[i] * (ptrdiff_t)p->dims[i];
        at[i] = 0;
    }
}

#define ELEMENTS(bytes)                                                                                                \
    for (size_t i = 0; i < n; i++, x += in_step, y += out_step)                                                        \
        memcpy(y, x, bytes);
static void copy_elements(const char *x, char *y, size_t n, size_t size, ptrdiff_t in_step, ptrdiff_t out_step)
{
    switch (size) {
    case 1: ELEMENTS(1) break;
    case 2: ELEMENTS(2) break;
    case 4: ELEMENTS(4) break;
    case 8: ELEMENTS(8) break;
    case 16: ELEMENTS(16) break;
    case 32: ELEMENTS(32) break;
    case 64: ELEMENTS(64) break;
    default: ELEMENTS(size) break;
    }
}

static void repeat_element(const char *x, char *y, size_t n, size_t size)
{
    if (size == 1) {
        memset(y, *x, n);
        return;
    }
    unsigned char block[64];
    size_t per = sizeof block / size, i = 0;
    for (size_t k = 0; k < per; k++)
        memcpy(block + k * size, x, size);
    for (; i + per <= n; i += per)
        memcpy(y + i * size, block, sizeof block);
    memcpy(y + i * size, block, (n - i) * size);
}

void mote_copy_run(const mote_copy_plan *p, const void *in, void *out, size_t begin, size_t end)
{
    size_t at[MOTE_COPY_PLAN_RANK];
    const char *x = in;
    char *y = out;
    if (begin >= end)
        return;
    if (p->way == MOTE_COPY_RUNS && p->n > 0) {
        size_t from = begin * 65536, to = end * 65536 < p->size ? end * 65536 : p->size;
        memcpy(y + from, x + from, to - from);
        return;
    }
    if (p->way == MOTE_COPY_TRANSPOSE) {
        size_t part = begin % p->n;
        locate(p, begin / p->n, at, &x, &y);
        for (size_t u = begin; u < end; u++) {
            const size_t c = part * p->block, w = p->cols - c < p->block ? p->cols - c : p->block;
            p->tile(x + c * p->size, y + c * p->out_stride, p->rows, w, p->in_stride, p->out_stride);
            if (++part == p->n) {
                part = 0;
                advance(p, at, &x, &y);
            }
        }
        return;
    }
    locate(p, begin, at, &x, &y);
    for (size_t u = begin; u < end; u++) {
        if (p->way == MOTE_COPY_RUNS)
            memcpy(y, x, p->size);
        else if (p->way == MOTE_COPY_REPEAT)
            repeat_element(x, y, p->n, p->size);
        else
            copy_elements(x, y, p->n, p->size, p->in_step, p->out_step);
        advance(p, at, &x, &y);
    }
}
