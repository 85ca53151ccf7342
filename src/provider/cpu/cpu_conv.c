/* cpu_conv.c - lowering of f32 convolution, channels last: matrix products over window pointers, depthwise rows
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/dwconv/dwconv.h"
#include "ops/forms.h"
#include "provider/cpu/cpu_gate.h"
#include "provider/cpu/cpu_product.h"
#include "provider/cpu/cpu_window.h"

enum {
    POINTERS = 2048,      /* of one call to a rows function; the stack of mote_gemm_f32_block has as many */
    FEW_CHANNELS = 15,    /* up to here a kernel row is read as one run (mote_conv_runs) */
    RUN_FLOATS = 256,     /* and up to this many floats of it */
    GATE_FLOATS = 16 << 10, /* of sums between the convolution and its gate, for each worker: they stay in the second-level cache */
    DW_BLOCK = 64 << 10,  /* floats of output between the convolution and its activation: they stay in the second-level cache */
};

typedef struct conv_params {
    mote_gemm_f32_op op; /* without addresses */
    mote_conv_window window;
    mote_cpu_act act;
    mote_cpu_pack pack;
    const float *packed;  /* NULL: packed at run into scratch */
    const float *zero;
    size_t groups, cg, mg, packed_bytes;
    size_t runs_bytes;    /* per worker; 0: no runs */
    size_t repeat;        /* of the residual's rows */
    mote_cpu_gate gate;   /* n 0: none */
    size_t gate_rows, gate_at; /* rows at a time; where they are in the scratch, in bytes */
    size_t product_at;         /* the products' own scratch, for each worker */
    bool indirect;
} conv_params;

/* ---- behind it, a gate ---- */

typedef struct gated {
    const conv_params *p;
    mote_gemm_f32_op op; /* the whole product */
    const mote_conv_rows *rows;
    float *sums, *y;     /* sums: gate_rows rows for each worker */
} gated;

/* Rows of the window from `first` on. */
typedef struct later_rows {
    mote_conv_rows rows;
    mote_gemm_f32_rows_fn fn;
    size_t first;
} later_rows;

static void rows_from(const void *ctx, size_t m0, size_t rows, size_t t0, size_t taps, const void **table)
{
    const later_rows *r = ctx;
    r->fn(&r->rows, r->first + m0, rows, t0, taps, table);
}

static void gated_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const gated *j = ctx;
    const conv_params *p = j->p;
    const size_t width = j->op.n, stride = j->op.residual_stride;
    float *sums = j->sums + worker * p->gate_rows * width;
    later_rows rows = {.rows = *j->rows, .fn = j->op.rows_fn};
    if (rows.rows.runs != NULL)
        rows.rows.runs = (char *)rows.rows.runs + worker * p->runs_bytes;
    for (size_t m = begin, n; m < end; m += n) {
        mote_gemm_f32_op op = j->op;
        n = mote_min_size(p->gate_rows, end - m);
        if (op.residual != NULL && p->repeat > 1) { /* rows that share one of the residual's */
            n = mote_min_size(n, (m / p->repeat + 1) * p->repeat - m);
            op.residual += m / p->repeat * stride;
            op.residual_stride = 0;
        } else if (op.residual != NULL) {
            op.residual += m * stride;
        }
        rows.first = m;
        if (p->indirect) {
            op.rows_fn = rows_from;
            op.rows_ctx = &rows;
        } else {
            op.a += m * op.a_stride;
        }
        op.m = p->gate_rows;
        op.scratch = (char *)op.scratch + worker * mote_cpu_product_scratch(&op);
        op.m = n;
        op.c = sums;
        mote_gemm_f32_block(&op, 0, n, 0, mote_gemm_panels(op.row->nr, op.n));
        mote_cpu_gate_rows(&p->gate, sums, j->y + m * p->gate.n, n);
    }
}

static mote_status conv_run(const mote_step *step, mote_exec *x)
{
    const conv_params *p = step->params;
    mote_gemm_f32_op op = p->op;
    const float *in = step->in[0]->data, *residual = step->n_in > 3 && step->in[3] != NULL ? step->in[3]->data : NULL;
    float *out = step->out[0]->data;
    const float *packed = p->packed;
    if (packed == NULL) {
        mote_cpu_pack pack = p->pack;
        pack.source.src = step->in[1]->data;
        pack.source.bias = step->n_in > 2 && step->in[2] != NULL ? step->in[2]->data : NULL;
        mote_cpu_pack_run(&pack, x->scratch, x->pool);
        packed = x->scratch;
    }
    mote_conv_rows rows = {.window = &p->window, .zero = p->zero, .tap_bytes = p->window.pixel_bytes};
    if (p->runs_bytes != 0)
        rows.runs = (char *)x->scratch + (p->packed == NULL ? p->packed_bytes : 0);
    op.act_params = p->act.params;
    op.scratch = (char *)x->scratch + p->product_at;
    for (size_t g = 0; g < p->groups; g++) {
        op.b = packed + g * p->pack.dst_step;
        op.a = in + g * p->cg;
        rows.x = op.a;
        op.c = out + g * p->mg;
        op.residual = residual != NULL ? residual + g * p->mg : NULL;
        if (p->gate.n != 0) {
            gated j = {.p = p, .op = op, .rows = &rows, .sums = (float *)(void *)((char *)x->scratch + p->gate_at), .y = out};
            mote_parallel_for(x->pool, op.m, p->gate_rows, gated_range, &j);
            continue;
        }
        mote_cpu_product_repeat(x->pool, &op, p->indirect ? &rows : NULL, p->runs_bytes, p->repeat);
    }
    return MOTE_OK;
}

/* ---- depthwise ---- */

typedef struct dw_params {
    mote_dwconv_f32_op op;
    mote_conv_window window;
    mote_cpu_act act;
    const float *packed;
    size_t m, taps, c;
} dw_params;

typedef struct dw_job {
    const dw_params *p;
    mote_dwconv_f32_op op;
    const float *residual;
} dw_job;

static void dw_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const dw_job *j = ctx;
    const size_t c = j->p->c, ow = j->p->window.ow, step = mote_max_size(1, DW_BLOCK / c / ow) * ow;
    for (size_t m = begin; m < end; m += step) {
        const size_t e = mote_min_size(end, m + step), n = (e - m) * c;
        float *y = j->op.out.y + m * c;
        mote_dwconv_f32_block(&j->op, m, e);
        for (size_t i = 0; j->residual != NULL && i < n; i++)
            y[i] += j->residual[m * c + i];
        if (j->p->act.fn != NULL)
            j->p->act.fn(y, y, n, j->p->act.params);
    }
}

static mote_status dw_run(const mote_step *step, mote_exec *x)
{
    const dw_params *p = step->params;
    dw_job j = {.p = p, .op = p->op};
    j.op.window = &p->window;
    j.op.x = step->in[0]->data;
    j.op.out.w = p->packed;
    j.op.out.y = step->out[0]->data;
    j.residual = step->n_in > 3 && step->in[3] != NULL ? step->in[3]->data : NULL;
    if (p->packed == NULL) {
        const float *bias = step->n_in > 2 && step->in[2] != NULL ? step->in[2]->data : NULL;
        mote_dwconv_f32_pack(step->in[1]->data, bias, p->c, p->taps, x->scratch);
        j.op.out.w = x->scratch;
    }
    mote_parallel_for(x->pool, p->m, mote_max_size(1, 4096 / p->c / p->window.ow) * p->window.ow, dw_range, &j);
    return MOTE_OK;
}

typedef struct dw_pack {
    const void *w, *bias;
    size_t c, taps;
} dw_pack;

static mote_status dw_fill(void *ctx, void *dst)
{
    const dw_pack *p = ctx;
    mote_dwconv_f32_pack(p->w, p->bias, p->c, p->taps, dst);
    return MOTE_OK;
}

static mote_status lower_depthwise(mote_lower *l, const mote_conv_window *window, const mote_cpu_act *act, size_t m, size_t c, bool constant)
{
    const size_t taps = window->kh * window->kw;
    const mote_dwconv_f32_row *row = mote_dwconv_f32_select(l->cpu);
    size_t floats, bytes;
    if (taps > MOTE_DWCONV_TAPS || !mote_dwconv_f32_packed(c, taps, &floats) || !mote_size_mul(floats, sizeof(float), &bytes))
        return MOTE_OK;
    dw_params *p;
    float *zero;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    MOTE_TRY(mote_lower_params(l, c * sizeof *zero, (void **)&zero));
    *p = (dw_params){.window = *window, .act = *act, .m = m, .taps = taps, .c = c};
    p->op = (mote_dwconv_f32_op){.row = row, .zero = zero, .out = {.c = c, .y_stride = c, .lo = act->lo, .hi = act->hi}};
    if (l->n_in > 3 && l->in[3] != NULL && act->clamp) /* the sum comes before the clamp: the clamp becomes a pass of its own */
        p->act.fn = mote_unary_select(MOTE_UNARY_CLIP, l->cpu)->fn, p->act.params[0] = act->lo, p->act.params[1] = act->hi;
    else if (act->clamp)
        p->op.out.flags = MOTE_DWCONV_CLAMP;
    if (constant) {
        static const uint32_t inputs[] = {1, 2};
        const bool bias = l->n_in > 2 && l->in[2] != NULL;
        dw_pack pack = {.w = l->in[1]->data, .bias = bias ? l->in[2]->data : NULL, .c = c, .taps = taps};
        MOTE_TRY(mote_lower_pack(l, inputs, bias ? 2 : 1, MOTE_VARIANT('d', 16), bytes, dw_fill, &pack, (const void **)&p->packed));
        l->gone = l->unread = bias ? 6 : 2;
    } else {
        l->scratch_bytes = bytes;
    }
    l->run = dw_run;
    l->params = p;
    l->kernel = row->name;
    return MOTE_OK;
}

/* Half as many channels; false when that is not whole. */
static bool halved(mote_array *a)
{
    int64_t *last = &a->dims[a->rank - 1];
    const bool even = a->rank > 0 && *last % 2 == 0;
    *last = even ? *last / 2 : *last;
    return even;
}

/* Whether R, its rows repeated, has the shape of Y; what the sum has is seen elsewhere. */
static bool residual_fits(const mote_lower *l, size_t *repeat)
{
    *repeat = 1;
    if (l->n_in <= 3 || l->in[3] == NULL)
        return true;
    const int64_t r = mote_node_int(l->node, "repeat", 1);
    mote_array shape = *l->in[3];
    if (r != 1 && (shape.rank != 3 || !mote_i64_mul(shape.dims[1], r, &shape.dims[1]) || mote_node_int(l->node, "group", 1) != 1))
        return false;
    if (mote_node_int(l->node, "gate", 0) != 0 && !halved(&shape))
        return false;
    *repeat = (size_t)r;
    return mote_array_same_shape(&shape, l->out[0]);
}

static mote_status lower_conv(mote_lower *l)
{
    const mote_array *x = l->in[0], *w = l->in[1], *y = l->out[0];
    mote_conv_window window;
    if (!mote_cpu_window_of(l, w->dims + 2, sizeof(float), &window) || x->rank != w->rank || y == NULL)
        return MOTE_OK;
    const size_t c = (size_t)x->dims[x->rank - 1], outputs = (size_t)w->dims[0], groups = (size_t)mote_node_int(l->node, "group", 1);
    const size_t cg = (size_t)w->dims[1], taps = window.kh * window.kw;
    if (c == 0 || outputs == 0 || groups == 0 || cg * groups != c || outputs % groups != 0 || (l->n_in > 2 && l->in[2] != NULL && mote_array_count(l->in[2]) != outputs))
        return MOTE_OK;
    size_t repeat;
    if (!residual_fits(l, &repeat))
        return MOTE_OK;
    const size_t m = (size_t)x->dims[0] * window.oh * window.ow, mg = outputs / groups;
    const bool gate = mote_node_int(l->node, "gate", 0) != 0;
    if (gate ? groups != 1 || outputs % 2 != 0 || m * (outputs / 2) != mote_array_count(y) : m * outputs != mote_array_count(y))
        return MOTE_OK;
    const bool bias = l->n_in > 2 && l->in[2] != NULL;
    const bool constant = mote_lower_fixed(l, 1) && (!bias || mote_lower_fixed(l, 2));
    mote_cpu_act act;
    mote_cpu_act_of(l->node, l->cpu, &act);
    if (groups > 1 && cg == 1 && mg == 1)
        return lower_depthwise(l, &window, &act, m, c, constant);

    const bool runs = groups == 1 && window.dilation_w == 1 && window.kw > 1 && c <= FEW_CHANNELS && c * window.kw <= RUN_FLOATS;
    const mote_gemm_f32_row *half = l->bf16 && constant ? mote_gemm_bf16_select(l->cpu, runs ? window.kh : taps, runs ? window.kw * c : cg, mg) : NULL;
    const mote_gemm_f32_row *row = half != NULL ? half : mote_gemm_f32_select(l->cpu);
    size_t k, floats, step, bytes;
    /* of bf16 at most: where a run is odd for each tap */
    if (!mote_size_mul(taps, cg, &k) || !mote_gemm_f32_packed(mg, half != NULL ? mote_gemm_bf16_depth(taps, cg) : k, &step) || !mote_size_mul(step, groups, &floats) ||
        !mote_size_mul(floats, sizeof(float), &bytes) || !mote_size_align(bytes, MOTE_ALIGN, &bytes))
        return MOTE_OK;
    conv_params *p;
    float *zero;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (conv_params){.window = window, .act = act, .groups = groups, .cg = cg, .mg = mg, .packed_bytes = bytes, .repeat = repeat};
    p->op = (mote_gemm_f32_op){.row = row, .m = m, .n = mg, .taps = taps, .kc = cg, .a_stride = c, .c_stride = outputs, .residual_stride = outputs,
                               .flags = act.clamp ? MOTE_GEMM_CLAMP : 0u, .lo = act.lo, .hi = act.hi, .act = act.fn};
    p->pack = (mote_cpu_pack){.source = {.n = mg, .taps = taps, .kc = cg, .tap_stride = 1, .k_stride = taps, .n_stride = k,
                                         .transpose = mote_transpose_select(sizeof(float), l->cpu)->fn},
                              .nr = row->nr, .groups = groups, .src_step = mg * k, .bias_step = mg, .dst_step = step};
    p->indirect = taps != 1 || window.stride_h != 1 || window.stride_w != 1 || window.pad_top != 0 || window.pad_left != 0 || window.oh != window.h || window.ow != window.w;
    if (p->indirect && groups == 1 && window.kh == window.h && window.kw == window.w && window.oh == 1 && window.ow == 1 && window.pad_top == 0 &&
        window.pad_left == 0 && (window.dilation_h == 1 || window.kh == 1) && (window.dilation_w == 1 || window.kw == 1)) {
        p->indirect = false; /* the whole image in one window: its elements stand in the order of the sum */
        p->op.taps = 1;
        p->op.kc = p->op.a_stride = k;
    }
    if (p->indirect) {
        p->op.rows_fn = mote_conv_taps;
        if (runs && mote_conv_runs_bytes(&window, POINTERS, &p->runs_bytes)) {
            p->op.rows_fn = mote_conv_runs;
            p->op.taps = window.kh;
            p->op.kc = window.kw * c;
        }
        MOTE_TRY(mote_lower_params(l, p->op.kc * sizeof *zero, (void **)&zero));
        p->zero = zero;
    }
    if (half != NULL && p->op.taps > (size_t)POINTERS / half->mr)
        return MOTE_OK;
    p->pack.run = half != NULL ? p->op.kc : 0;
    if (constant) {
        static const uint32_t inputs[] = {1, 2};
        p->pack.source.src = l->in[1]->data;
        p->pack.source.bias = bias ? l->in[2]->data : NULL;
        p->pack.pool = l->pool;
        MOTE_TRY(mote_lower_pack(l, inputs, bias ? 2 : 1, MOTE_VARIANT('c' + (half != NULL ? 512 : 0), row->nr), bytes, mote_cpu_pack_fill, &p->pack, (const void **)&p->packed));
        l->gone = l->unread = bias ? 6 : 2;
    } else {
        l->scratch_bytes = bytes;
    }
    size_t sums;
    if (!mote_size_mul(p->runs_bytes, l->workers, &sums) || !mote_size_add(l->scratch_bytes, sums, &l->scratch_bytes))
        return MOTE_OK;
    if (gate) {
        p->gate = mote_cpu_gate_of(l->cpu, outputs / 2);
        p->gate_rows = mote_min_size(m, mote_max_size(row->mr, GATE_FLOATS / outputs));
        if (!mote_size_align(l->scratch_bytes, MOTE_ALIGN, &p->gate_at) || !mote_size_mul(p->gate_rows, outputs, &sums) ||
            !mote_size_mul(sums, l->workers, &sums) || !mote_size_mul(sums, sizeof(float), &sums) || !mote_size_add(p->gate_at, sums, &l->scratch_bytes))
            return MOTE_OK;
    }
    mote_gemm_f32_op block = p->op;
    if (gate)
        block.m = p->gate_rows;
    if (!mote_size_align(l->scratch_bytes, 64, &p->product_at) || !mote_size_mul(mote_cpu_product_scratch(&block), l->workers, &sums) ||
        !mote_size_add(p->product_at, sums, &l->scratch_bytes))
        return MOTE_OK;
    l->run = conv_run;
    l->params = p;
    l->kernel = row->name;
    return MOTE_OK;
}

MOTE_LOWER(mote, Conv, lower_conv)
