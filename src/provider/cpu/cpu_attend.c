/* cpu_attend.c - attention with the kernels of float products
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_attend.h"
#include "base/size.h"
#include <math.h>
#include <string.h>

enum { SCORES = 64 << 10, MAX_ROWS = 128 }; /* floats of scores that are worked on together, and rows at most */

typedef struct job {
    const mote_cpu_attend *p;
    mote_cpu_attend_data x;
    float *scratch;
} job;

/* Rows of a block from m on: [*lo, *hi) holds every key that one of them sees. Both bounds grow with the row. */
static void block_range(const job *j, size_t b, size_t m, size_t n, size_t *lo, size_t *hi)
{
    size_t unused;
    mote_attend_range(&j->p->a, j->x.offset[b], j->x.valid[b], m, lo, &unused);
    mote_attend_range(&j->p->a, j->x.offset[b], j->x.valid[b], m + n - 1, &unused, hi);
}

/* Row i of head h: the scores of keys base .. base+width-1 at x become probabilities; those that it does not see, 0. */
static void finish_row(const job *j, size_t b, size_t h, size_t i, size_t base, size_t width, float *x)
{
    const mote_cpu_attend *p = j->p;
    const mote_attend *a = &p->a;
    size_t lo, hi;
    mote_attend_range(a, j->x.offset[b], j->x.valid[b], i, &lo, &hi);
    if (lo < base || lo >= hi) {
        memset(x, 0, width * sizeof *x);
        return;
    }
    float *row = x + (lo - base);
    const size_t n = hi - lo;
    bool seen = true;
    if (a->softcap > 0) {
        const float in[2] = {1.0f / a->softcap, -0.0f}, out[2] = {a->softcap, -0.0f};
        p->linear(row, row, n, in);
        p->tanh(row, row, n, NULL);
        p->linear(row, row, n, out);
    }
    if (a->bias) {
        const float *bias = j->x.bias + b * a->bias_step[0] + h * a->bias_step[1] + i * a->bias_step[2] + lo * a->bias_step[3];
        size_t first = 0;
        while (first < n && bias[first * a->bias_step[3]] == -INFINITY)
            first++;
        seen = first < n;
        p->add(row, bias, row, n, a->bias_step[3] != 0 ? MOTE_FORM_VV : MOTE_FORM_VS);
    }
    if (!seen) {
        memset(x, 0, width * sizeof *x);
        return;
    }
    if (p->extra)
        row[n] = j->x.sinks != NULL ? j->x.sinks[h] : 0.0f;
    p->softmax->rows(row, row, 1, n + (p->extra ? 1 : 0));
    memset(x, 0, (lo - base) * sizeof *x);
    memset(row + n, 0, (base + width - hi) * sizeof *x);
}

/* y = probabilities V: V packed for `packed` keys, of which the first `keys` are read. */
static void values_of(const mote_cpu_attend *p, const float *scores, size_t stride, size_t rows, size_t keys, size_t packed, const float *values, float *y)
{
    const size_t nr = p->row->nr, e = p->a.e;
    mote_gemm_f32_op op = {.row = p->row, .m = rows, .n = e, .taps = 1, .kc = keys, .a = scores, .a_stride = stride, .b = values, .c = y, .c_stride = p->a.y[2]};
    if (keys == packed) {
        mote_gemm_f32_block(&op, 0, rows, 0, mote_gemm_panels(nr, e));
        return;
    }
    for (size_t i = 0, panels = mote_gemm_panels(nr, e); i < panels; i++) { /* a panel alone may be read in part */
        const size_t n0 = mote_gemm_panel(nr, e, i);
        op.n = mote_min_size(mote_gemm_panel(nr, e, i + 1), e) - n0;
        op.b = values + n0 * (packed + 1);
        op.c = y + n0;
        mote_gemm_f32_block(&op, 0, rows, 0, 1);
    }
}

/* All rows of the heads that share keys, as these lie. */
static void few_rows(const job *j, float *scores, size_t item)
{
    const mote_cpu_attend *p = j->p;
    const mote_attend *a = &p->a;
    const size_t group = a->heads / a->kv_heads, b = item / a->kv_heads, hk = item % a->kv_heads;
    size_t lo, hi;
    block_range(j, b, 0, a->l, &lo, &hi);
    if (lo >= hi)
        lo = hi = 0;
    const size_t width = hi - lo, stride = width + (p->extra ? 1 : 0);
    const float *k = j->x.k + b * a->k[0] + hk * a->k[1] + lo * a->k[2], *v = j->x.v + b * a->v[0] + hk * a->v[1] + lo * a->v[2];
    /* a call takes the rows of one head or, of one row each, those of all heads */
    const bool heads = a->l == 1;
    const size_t calls = heads ? 1 : group, rows = heads ? group : a->l;
    for (size_t c = 0; c < calls; c++) {
        const size_t h = hk * group + c;
        float *y = j->x.y + b * a->y[0] + h * a->y[1];
        p->few->dot(j->x.q + b * a->q[0] + h * a->q[1], heads ? a->q[1] : a->q[2], rows, k, a->k[2], width, a->d, a->scale, scores, stride);
        for (size_t r = 0; r < rows; r++)
            finish_row(j, b, heads ? h + r : h, heads ? 0 : r, lo, width, scores + r * stride);
        p->few->mix(scores, stride, rows, v, a->v[2], width, a->e, y, heads ? a->y[1] : a->y[2]);
    }
}

static void one_item(const job *j, float *keys, size_t item)
{
    const mote_cpu_attend *p = j->p;
    const mote_attend *a = &p->a;
    float *values = keys + p->k_floats, *scores = values + p->v_floats;
    const size_t nr = p->row->nr, group = a->heads / a->kv_heads, pair = item / p->parts, part = item % p->parts, units = group * p->blocks;
    const size_t b = pair / a->kv_heads, hk = pair % a->kv_heads, from = part * units / p->parts, to = (part + 1) * units / p->parts;
    size_t base = a->s, end = 0;
    for (size_t u = from; u < to; u++) {
        const size_t m = u % p->blocks * p->rows, n = mote_min_size(p->rows, a->l - m);
        size_t lo, hi;
        block_range(j, b, m, n, &lo, &hi);
        base = lo < hi ? mote_min_size(base, lo) : base;
        end = lo < hi ? mote_max_size(end, hi) : end;
    }
    const size_t width = end > base ? end - base : 0, stride = width + (p->extra ? 1 : 0);
    if (width != 0) {
        const mote_gemm_f32_source ks = {.src = j->x.k + b * a->k[0] + hk * a->k[1] + base * a->k[2], .n = width, .taps = 1, .kc = a->d, .k_stride = 1,
                                         .n_stride = a->k[2], .transpose = p->transpose};
        const mote_gemm_f32_source vs = {.src = j->x.v + b * a->v[0] + hk * a->v[1] + base * a->v[2], .n = a->e, .taps = 1, .kc = width, .k_stride = a->v[2], .n_stride = 1};
        mote_gemm_f32_pack(nr, &ks, keys, 0, mote_gemm_panels(nr, width));
        mote_gemm_f32_pack(nr, &vs, values, 0, mote_gemm_panels(nr, a->e));
    }
    for (size_t u = from; u < to; u++) {
        const size_t h = hk * group + u / p->blocks, m = u % p->blocks * p->rows, n = mote_min_size(p->rows, a->l - m);
        float *y = j->x.y + b * a->y[0] + h * a->y[1] + m * a->y[2];
        size_t lo, hi;
        block_range(j, b, m, n, &lo, &hi);
        if (lo >= hi) {
            for (size_t r = 0; r < n; r++)
                memset(y + r * a->y[2], 0, a->e * sizeof *y);
            continue;
        }
        size_t panels = mote_gemm_panels(nr, width);
        while (panels > 1 && mote_gemm_panel(nr, width, panels - 1) >= hi - base)
            panels--;
        const mote_gemm_f32_op qk = {.row = p->row, .m = n, .n = width, .taps = 1, .kc = a->d, .a = j->x.q + b * a->q[0] + h * a->q[1] + m * a->q[2], .a_stride = a->q[2],
                                     .b = keys, .c = scores, .c_stride = stride, .act = p->linear, .act_params = p->scale};
        mote_gemm_f32_block(&qk, 0, n, 0, panels);
        if (!a->bias && a->softcap <= 0 && !p->extra && !a->causal && a->left < 0 && a->right < 0) {
            p->softmax->rows(scores, scores, n, width);
        } else {
            for (size_t r = 0; r < n; r++)
                finish_row(j, b, h, m + r, base, hi - base, scores + r * stride);
        }
        values_of(p, scores, stride, n, hi - base, width, values, y);
    }
}

static void attend(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const job *j = ctx;
    for (size_t i = begin; i < end; i++)
        (j->p->few != NULL ? few_rows : one_item)(j, j->scratch + worker * j->p->worker_floats, i);
}

bool mote_cpu_attend_of(mote_cpu_attend *p, const mote_attend *a, bool sinks, uint32_t cpu, unsigned workers, size_t *floats)
{
    *p = (mote_cpu_attend){.row = mote_gemm_f32_select(cpu), .softmax = mote_softmax_select(false, cpu), .add = mote_binary_select(MOTE_BINARY_ADD, cpu)->fn,
                           .linear = mote_unary_select(MOTE_UNARY_LINEAR, cpu)->fn, .tanh = mote_unary_select(MOTE_UNARY_TANH, cpu)->fn,
                           .transpose = mote_transpose_select(sizeof(float), cpu)->fn, .a = *a, .extra = sinks || a->smooth};
    p->scale[0] = a->scale;
    p->scale[1] = -0.0f; /* x scale + -0 is x scale, rounded once, signs of zeros kept */
    if (a->batch == 0 || a->heads == 0 || a->l == 0 || a->s == 0 || a->d == 0 || a->e == 0)
        return false;
    if (a->heads / a->kv_heads <= MOTE_ATTEND_ROWS && a->l <= MOTE_ATTEND_ROWS && a->heads / a->kv_heads * a->l <= MOTE_ATTEND_ROWS) {
        p->few = mote_attend_select(cpu);
        p->parts = p->blocks = 1;
        if (!mote_size_mul(MOTE_ATTEND_ROWS, a->s + 1, floats) || !mote_size_align(*floats, MOTE_LANES, floats))
            return false;
        p->worker_floats = *floats;
        return mote_size_mul(*floats, workers, floats);
    }
    p->rows = mote_min_size(a->l, mote_max_size(p->row->mr, mote_min_size(MAX_ROWS, SCORES / a->s)));
    p->blocks = mote_div_up(a->l, p->rows);
    size_t scores, pairs, units, keys = a->s;
    if (a->left >= 0 && a->causal && (size_t)a->left < a->s) /* of one block: its rows and the window before them */
        keys = mote_min_size(keys, (size_t)a->left + p->rows);
    if (!mote_size_mul(a->batch, a->kv_heads, &pairs) || !mote_size_mul(a->heads / a->kv_heads, p->blocks, &units))
        return false;
    /* keys are packed once for all that an item holds; with a window, only those of its block */
    p->parts = keys < a->s ? units : mote_min_size(units, mote_div_up((size_t)2 * workers, pairs));
    if (!mote_gemm_f32_packed(keys, a->d, &p->k_floats) || !mote_gemm_f32_packed(a->e, keys, &p->v_floats) || !mote_size_mul(p->rows, keys + 1, &scores) ||
        !mote_size_add(p->k_floats, p->v_floats, floats) || !mote_size_add(*floats, scores, floats) || !mote_size_align(*floats, MOTE_LANES, floats) ||
        !mote_size_mul(pairs, p->parts, &pairs))
        return false;
    p->worker_floats = *floats;
    return mote_size_mul(*floats, workers, floats);
}

void mote_cpu_attend_run(const mote_cpu_attend *p, const mote_cpu_attend_data *x, mote_pool *pool, float *scratch)
{
    job j = {.p = p, .x = *x, .scratch = scratch};
    mote_parallel_for(pool, p->a.batch * p->a.kv_heads * p->parts, 1, attend, &j);
}
