/* cpu_qconv.c - lowering of integer convolution (QConv, ConvInteger), channels last: integer products over window pointers, depthwise rows
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/dwconv/idwconv.h"
#include "ops/forms.h"
#include "provider/cpu/cpu_qproduct.h"
#include "provider/cpu/cpu_window.h"
#include <string.h>

enum { FEW_CHANNELS = 31, RUN_BYTES = 512 }; /* as in cpu_conv.c, in bytes */

/* Where an operator has what both have. pack: inputs that packed weights depend on. */
typedef struct conv_form {
    uint32_t w, xz, pack[6], n_pack, unread, gone;
    bool s32;
} conv_form;
static const conv_form qconv_form = {.w = 3, .xz = 2, .pack = {1, 3, 4, 5, 6, 8}, .n_pack = 6, .unread = 0x1fe, .gone = 1 << 3 | 1 << 8};
static const conv_form sums_form = {.w = 1, .xz = 2, .pack = {1, 3}, .n_pack = 1, .unread = 1 << 1 | 1 << 3, .gone = 1 << 1, .s32 = true}; /* n_pack: 2 with zero points */

/* A row of x's zero point, which padding is; made at run where the zero point is known only then. */
typedef struct conv_border {
    const void *row;
    size_t bytes;       /* of the row, rounded up: what it takes in the scratch when it is made at run */
    uint32_t at_run;    /* the input with the zero point; 0: it is constant */
} conv_border;

static const void *border_of(const conv_border *b, const mote_step *step, mote_exec *x, int32_t *az)
{
    if (b->at_run == 0)
        return b->row;
    *az = (int32_t)mote_array_i64(step->in[b->at_run], 0);
    memset(x->scratch, *az, b->bytes);
    return x->scratch;
}

typedef struct qconv_params {
    mote_igemm_op op; /* without addresses */
    mote_conv_window window;
    mote_lookup_fn lookup;
    const void *packed;
    conv_border border;
    size_t groups, cg, mg, group_bytes, runs_bytes, product_at; /* in the scratch */
    bool indirect, table;
} qconv_params;

static mote_status qconv_run(const mote_step *step, mote_exec *x)
{
    const qconv_params *p = step->params;
    int32_t az = p->op.az;
    mote_conv_rows rows = {.window = &p->window, .zero = border_of(&p->border, step, x, &az), .tap_bytes = p->window.pixel_bytes};
    if (p->runs_bytes != 0)
        rows.runs = (char *)x->scratch + (p->border.at_run != 0 ? p->border.bytes : 0);
    for (size_t g = 0; g < p->groups; g++) {
        mote_igemm_op op = p->op;
        op.az = az;
        op.a = rows.x = (const char *)step->in[0]->data + g * p->cg;
        op.b = (const char *)p->packed + g * p->group_bytes;
        op.scratch = (char *)x->scratch + p->product_at;
        op.y = (char *)step->out[0]->data + g * p->mg * (op.s32 ? sizeof(int32_t) : 1);
        mote_cpu_qproduct(x->pool, &op, p->indirect ? &rows : NULL, p->runs_bytes, p->lookup, p->table ? step->in[9]->data : NULL);
    }
    return MOTE_OK;
}

/* ---- depthwise ---- */

typedef struct qdw_params {
    mote_idwconv_tile tile; /* without addresses */
    const mote_idwconv_row *row;
    mote_conv_window window;
    mote_lookup_fn lookup;
    conv_border border;
    size_t m;
    bool table;
} qdw_params;

typedef struct qdw_job {
    const qdw_params *p;
    mote_conv_rows rows;
    uint8_t *y;
    const uint8_t *table;
    int32_t az;
} qdw_job;

static void qdw_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const qdw_job *j = ctx;
    const void *table[MOTE_IGEMM_POINTERS];
    mote_idwconv_tile t = j->p->tile;
    t.az = j->az;
    const size_t step = mote_min_size(64, MOTE_IGEMM_POINTERS / t.taps);
    for (size_t m = begin; m < end; m += t.pixels) {
        t.pixels = mote_min_size(step, end - m);
        mote_conv_taps(&j->rows, m, t.pixels, 0, t.taps, table);
        t.a = table;
        t.a_step = t.pixels;
        t.y = j->y + m * t.c * (t.s32 ? sizeof(int32_t) : 1);
        j->p->row->fn(&t);
        if (j->table != NULL)
            j->p->lookup(t.y, t.y, t.pixels * t.c, j->table);
    }
}

static mote_status qdw_run(const mote_step *step, mote_exec *x)
{
    const qdw_params *p = step->params;
    qdw_job j = {.p = p, .rows = {.window = &p->window, .x = step->in[0]->data}, .y = step->out[0]->data, .table = p->table ? step->in[9]->data : NULL, .az = p->tile.az};
    j.rows.zero = border_of(&p->border, step, x, &j.az);
    mote_parallel_for(x->pool, p->m, mote_max_size(4, 8192 / p->tile.c), qdw_range, &j);
    return MOTE_OK;
}

typedef struct qdw_pack {
    const mote_idwconv_row *row;
    const mote_cpu_quant *q;
    size_t c, taps;
} qdw_pack;

static mote_status qdw_fill(void *ctx, void *dst)
{
    const qdw_pack *p = ctx;
    mote_idwconv_pack(p->row, p->q->w, p->q->w_signed, p->q->bias, p->q->scale, p->q->w_zero, p->q->w_zero_step, p->c, p->taps, dst);
    return MOTE_OK;
}

static mote_status lower_depthwise(mote_lower *l, const conv_form *f, const mote_conv_window *window, const mote_cpu_quant *q, const conv_border *border, size_t m,
                                   size_t c)
{
    const size_t taps = window->kh * window->kw;
    const mote_idwconv_row *row = mote_idwconv_select(l->cpu, !q->w_zero_any);
    size_t bytes;
    if (taps > MOTE_IGEMM_POINTERS || !mote_idwconv_packed(row, c, taps, &bytes))
        return MOTE_OK;
    qdw_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (qdw_params){.row = row, .window = *window, .lookup = mote_lookup_select(l->cpu)->fn, .border = *border, .m = m, .table = q->table};
    p->tile = (mote_idwconv_tile){.taps = taps, .c = c, .a_signed = q->x_signed, .az = q->xz, .y_stride = c, .lo = (float)(q->lo - q->yz), .hi = (float)(q->hi - q->yz), .zero = q->yz, .s32 = f->s32};
    qdw_pack pack = {.row = row, .q = q, .c = c, .taps = taps};
    MOTE_TRY(mote_lower_pack(l, f->pack, f->n_pack, MOTE_VARIANT(f->s32 ? 'j' : 'i', row->dot ? 64 : 16), bytes, qdw_fill, &pack, &p->tile.w));
    l->run = qdw_run;
    l->params = p;
    l->kernel = p->row->name;
    l->unread = f->unread;
    l->gone = f->gone;
    l->scratch_bytes = border->at_run != 0 ? border->bytes : 0;
    return MOTE_OK;
}

/* Parameters of ConvInteger; false: no case for the kernels. */
static bool sums_of(const mote_lower *l, const conv_form *f, size_t outputs, mote_cpu_quant *q)
{
    const bool zero = l->n_in > 3 && l->in[3] != NULL;
    const mote_array *w = l->in[f->w], *wz = zero ? l->value[3] : NULL;
    if (!mote_lower_fixed(l, f->w) || (zero && wz == NULL))
        return false;
    const size_t n = wz != NULL ? mote_array_count(wz) : 1;
    if (n != 1 && n != outputs)
        return false;
    *q = (mote_cpu_quant){.w = w->data, .w_zero = wz != NULL ? wz->data : NULL, .w_zero_step = n == 1 ? 0 : 1, .x_signed = l->in[0]->dtype == MOTE_DTYPE_S8,
                          .w_signed = w->dtype == MOTE_DTYPE_S8};
    if (l->n_in > f->xz && l->in[f->xz] != NULL && l->value[f->xz] != NULL)
        q->xz = (int32_t)mote_array_i64(l->value[f->xz], 0);
    for (size_t i = 0; i < n; i++)
        q->w_zero_any = q->w_zero_any || (wz != NULL ? mote_array_i64(wz, i) : 0) != (q->w_signed ? 0 : 128);
    return true;
}

typedef struct runs_pack {
    mote_cpu_qpack *pack;
    size_t outputs, c, taps;
    mote_heap *heap;
    mote_diag *diag;
} runs_pack;

/* A run's channels are (kx, c): [m][c][ky][kx] becomes [m][ky][kx][c]. */
static mote_status runs_fill(void *ctx, void *dst)
{
    const runs_pack *r = ctx;
    const size_t count = r->outputs * r->c * r->taps;
    const uint8_t *w = r->pack->source.src;
    uint8_t *ordered = mote_heap_alloc(r->heap, count);
    if (ordered == NULL)
        return MOTE_NO_MEMORY(r->diag, count);
    for (size_t i = 0; i < r->outputs; i++)
        for (size_t j = 0; j < r->c; j++)
            for (size_t t = 0; t < r->taps; t++)
                ordered[(i * r->taps + t) * r->c + j] = w[(i * r->c + j) * r->taps + t];
    r->pack->source.src = ordered;
    r->pack->source.tap_stride = r->pack->source.kc;
    r->pack->source.k_stride = 1;
    const mote_status status = mote_cpu_qpack_fill(r->pack, dst);
    mote_heap_free(r->heap, ordered, count);
    return status;
}

static mote_status lower_conv(mote_lower *l, const conv_form *f)
{
    const mote_array *x = l->in[0], *w = l->in[f->w], *y = l->out[0], *xz = l->n_in > f->xz ? l->in[f->xz] : NULL;
    mote_conv_window window;
    if (y == NULL || x->rank != w->rank || !mote_cpu_window_of(l, w->dims + 2, 1, &window))
        return MOTE_OK;
    const size_t c = (size_t)x->dims[x->rank - 1], outputs = (size_t)w->dims[0], groups = (size_t)mote_node_int(l->node, "group", 1);
    const size_t cg = (size_t)w->dims[1], taps = window.kh * window.kw;
    if (c == 0 || outputs == 0 || groups == 0 || cg * groups != c || outputs % groups != 0)
        return MOTE_OK;
    const size_t m = mote_array_count(y) / outputs, mg = outputs / groups;
    mote_cpu_quant q;
    bool ok;
    if (f->s32)
        ok = sums_of(l, f, outputs, &q);
    else
        MOTE_TRY(mote_cpu_quant_of(l, outputs, &q, &ok));
    if (!ok || (xz != NULL && mote_array_count(xz) != 1))
        return MOTE_OK;
    const bool runs = groups == 1 && window.dilation_w == 1 && window.kw > 1 && c <= FEW_CHANNELS && c * window.kw <= RUN_BYTES;
    conv_border border = {.bytes = runs ? c * window.kw : c, .at_run = xz != NULL && l->value[f->xz] == NULL ? f->xz : 0};
    void *constant;
    MOTE_TRY(mote_lower_params(l, border.bytes, &constant));
    memset(constant, q.xz, border.bytes);
    border.row = constant;
    if (!mote_size_align(border.bytes, 64, &border.bytes))
        return MOTE_OK;
    if (groups > 1 && cg == 1 && mg == 1)
        return lower_depthwise(l, f, &window, &q, &border, m, c);

    const size_t rt = runs ? window.kh : taps, rc = runs ? window.kw * c : cg; /* taps and channels as the kernel sees them */
    const mote_igemm_row *row = mote_igemm_select(l->cpu, rt);
    size_t step, bytes;
    if (rt > MOTE_IGEMM_POINTERS / row->mr || !mote_igemm_packed(mg, rt, rc, &step) || !mote_size_mul(step, groups, &bytes))
        return MOTE_OK;
    qconv_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (qconv_params){.window = window, .lookup = mote_lookup_select(l->cpu)->fn, .border = border, .groups = groups, .cg = cg, .mg = mg, .group_bytes = step, .table = q.table};
    p->op = (mote_igemm_op){.row = row, .m = m, .n = mg, .taps = rt, .kc = rc, .a_stride = c, .a_is_signed = q.x_signed, .b_zero = q.w_zero_any, .az = q.xz,
                            .y_stride = outputs, .zero = q.yz, .lo = q.lo, .hi = q.hi, .s32 = f->s32};
    p->indirect = taps != 1 || window.stride_h != 1 || window.stride_w != 1 || window.pad_top != 0 || window.pad_left != 0 || window.oh != window.h || window.ow != window.w;
    if (p->indirect)
        p->op.rows_fn = runs ? mote_conv_runs : mote_conv_taps;
    size_t scratch = 0;
    if (runs && (!mote_conv_runs_bytes(&window, MOTE_IGEMM_POINTERS, &p->runs_bytes) || !mote_size_mul(p->runs_bytes, l->workers, &scratch)))
        return MOTE_OK;
    if (border.at_run != 0 && !mote_size_add(scratch, border.bytes, &scratch))
        return MOTE_OK;
    size_t product;
    if (!mote_size_align(scratch, 64, &p->product_at) || !mote_size_mul(mote_cpu_qproduct_scratch(&p->op), l->workers, &product) ||
        !mote_size_add(p->product_at, product, &scratch))
        return MOTE_OK;
    mote_cpu_qpack pack = {.source = {.src = q.w, .b_signed = q.w_signed, .n = mg, .taps = rt, .kc = rc, .tap_stride = 1, .k_stride = taps, .n_stride = cg * taps,
                                      .bias = q.bias, .scale = q.scale, .zero = q.w_zero, .zero_step = q.w_zero_step},
                           .nr = row->nr, .groups = groups, .src_step = mg * cg * taps, .n_step = mg, .dst_step = step, .pool = l->pool};
    runs_pack in_runs = {.pack = &pack, .outputs = outputs, .c = c, .taps = taps, .heap = l->heap, .diag = l->diag};
    MOTE_TRY(mote_lower_pack(l, f->pack, f->n_pack, MOTE_VARIANT((runs ? 'r' : 'q') + (f->s32 ? 256 : 0), row->nr), bytes, runs ? runs_fill : mote_cpu_qpack_fill,
                             runs ? (void *)&in_runs : &pack, &p->packed));
    l->run = qconv_run;
    l->params = p;
    l->kernel = row->name;
    l->unread = f->unread;
    l->gone = f->gone;
    l->scratch_bytes = scratch;
    return MOTE_OK;
}

static mote_status lower_qconv(mote_lower *l) { return lower_conv(l, &qconv_form); }
static mote_status lower_sums(mote_lower *l)
{
    conv_form f = sums_form;
    f.n_pack = l->n_in > 3 && l->in[3] != NULL ? 2 : 1;
    return lower_conv(l, &f);
}

MOTE_LOWER(mote, ConvInteger, lower_sums)
MOTE_LOWER(mote, QConv, lower_qconv)
