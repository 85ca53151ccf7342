/* cpu_copy.c - lowering of operators that move a tensor's elements: Transpose, Slice, Split, Concat, Expand, Tile, views, depth and space
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_copy.h"
#include "base/size.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/moves.h"
#include <string.h>

enum { GRAIN_BYTES = 32768 };

size_t mote_cpu_element_size(mote_dtype t)
{
    unsigned bits = t == MOTE_DTYPE_STRING ? 0 : mote_dtype_bits(t);
    return bits % 8 == 0 ? bits / 8 : 0;
}

void mote_cpu_copy_plan(mote_copy_plan *p, size_t size, int32_t rank, const int64_t *dims, const int64_t *in, const int64_t *out, uint32_t cpu)
{
    size_t n[MOTE_COPY_PLAN_RANK];
    ptrdiff_t from[MOTE_COPY_PLAN_RANK], to[MOTE_COPY_PLAN_RANK];
    for (int32_t d = 0; d < rank; d++) {
        n[d] = (size_t)dims[d];
        from[d] = (ptrdiff_t)in[d] * (ptrdiff_t)size;
        to[d] = (ptrdiff_t)out[d] * (ptrdiff_t)size;
    }
    mote_copy_plan_make(p, size, rank, n, from, to, cpu);
}

typedef struct copy_job {
    const mote_copy_plan *p;
    const void *in;
    void *out;
} copy_job;

static void copy_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const copy_job *j = ctx;
    mote_copy_run(j->p, j->in, j->out, begin, end);
}

void mote_cpu_copy_run(mote_pool *pool, const mote_copy_plan *p, const void *in, void *out)
{
    copy_job j = {p, in, out};
    if (p->units != 0)
        mote_parallel_for(pool, p->units, 1 + GRAIN_BYTES / p->unit_bytes, copy_range, &j);
}

const char *mote_cpu_copy_name(const mote_copy_plan *p)
{
    static const char *const names[] = {"mote_copy_runs", "mote_copy_repeat", "mote_copy_transpose", "mote_copy_elements"};
    return names[p->way];
}

/* ---- one plan ---- */

typedef struct one_params {
    mote_copy_plan plan;
    ptrdiff_t offset; /* bytes into the input */
} one_params;

static mote_status one_run(const mote_step *step, mote_exec *x)
{
    const one_params *p = step->params;
    if (p->plan.units != 0)
        mote_cpu_copy_run(x->pool, &p->plan, (const char *)step->in[0]->data + p->offset, step->out[0]->data);
    return MOTE_OK;
}

/* dims, in: the block and its strides in the input; out: strides in the output. */
static mote_status lower_one(mote_lower *l, int32_t rank, const int64_t *dims, const int64_t *in, const int64_t *out, int64_t offset)
{
    one_params *p;
    const size_t size = mote_cpu_element_size(l->in[0]->dtype);
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    mote_cpu_copy_plan(&p->plan, size, rank, dims, in, out, l->cpu);
    p->offset = (ptrdiff_t)offset * (ptrdiff_t)size;
    l->run = one_run;
    l->params = p;
    l->kernel = mote_cpu_copy_name(&p->plan);
    return MOTE_OK;
}

static bool is_movable(const mote_lower *l) { return l->out[0] != NULL && mote_cpu_element_size(l->in[0]->dtype) != 0; }

static mote_status lower_transpose(mote_lower *l)
{
    const mote_array *x = l->in[0], *y = l->out[0];
    int32_t perm[MOTE_MAX_RANK];
    int64_t xs[MOTE_MAX_RANK], ys[MOTE_MAX_RANK], in[MOTE_MAX_RANK];
    if (!is_movable(l))
        return MOTE_OK;
    MOTE_TRY(mote_transpose_perm(l->node, x->rank, perm, l->diag));
    mote_strides_of(x->rank, x->dims, xs);
    mote_strides_of(y->rank, y->dims, ys);
    for (int32_t d = 0; d < x->rank; d++)
        in[d] = xs[perm[d]];
    return lower_one(l, y->rank, y->dims, in, ys, 0);
}

static mote_status lower_expand(mote_lower *l)
{
    mote_broadcast b;
    int64_t out[MOTE_MAX_RANK];
    if (!is_movable(l))
        return MOTE_OK;
    MOTE_TRY(mote_broadcast_init(&b, l->out[0], l->in, 1, l->diag));
    mote_strides_of(b.rank, b.dims, out);
    return lower_one(l, b.rank, b.dims, b.strides[0], out, 0);
}

static mote_status lower_tile(mote_lower *l)
{
    const mote_array *x = l->in[0], *y = l->out[0];
    int64_t xs[MOTE_MAX_RANK], ys[MOTE_MAX_RANK], dims[2 * MOTE_MAX_RANK], in[2 * MOTE_MAX_RANK], out[2 * MOTE_MAX_RANK];
    _Static_assert(2 * MOTE_MAX_RANK <= MOTE_COPY_PLAN_RANK, "each dimension and its repetition");
    if (!is_movable(l) || x->rank == 0) /* of a scalar, repeats have nothing to do with the shape: the evaluation looks at them */
        return MOTE_OK;
    mote_strides_of(x->rank, x->dims, xs);
    mote_strides_of(y->rank, y->dims, ys);
    for (int32_t d = 0; d < x->rank; d++) {
        dims[2 * d] = x->dims[d] == 0 ? 0 : y->dims[d] / x->dims[d];
        out[2 * d] = ys[d] * x->dims[d];
        in[2 * d] = 0;
        dims[2 * d + 1] = x->dims[d];
        out[2 * d + 1] = ys[d];
        in[2 * d + 1] = xs[d];
    }
    return lower_one(l, 2 * x->rank, dims, in, out, 0);
}

static mote_status lower_blocks(mote_lower *l)
{
    mote_depth_copy copy;
    if (!is_movable(l))
        return MOTE_OK;
    MOTE_TRY(mote_depth_copy_of(l->node, l->in[0], &copy, l->diag));
    return lower_one(l, 6, copy.dims, copy.in, copy.out, 0);
}

/* ---- Slice: bounds that are not constants are read at run ---- */

typedef struct slice_params {
    uint32_t cpu;
    size_t size;
} slice_params;

static mote_status slice_run(const mote_step *step, mote_exec *x)
{
    const slice_params *p = step->params;
    const mote_array *y = step->out[0];
    mote_slice_box box;
    mote_copy_plan plan;
    int64_t out[MOTE_MAX_RANK];
    MOTE_TRY(mote_slice_box_of(step->node, (const mote_array *const *)step->in, step->n_in, &box, x->diag));
    for (int32_t d = 0; d < y->rank; d++)
        MOTE_REQUIRE(box.dims[d] == y->dims[d], x->diag, MOTE_E_SHAPE, "the slice has size %lld in dimension %d, the output was planned with %lld",
                     (long long)box.dims[d], d, (long long)y->dims[d]);
    mote_strides_of(y->rank, y->dims, out);
    mote_cpu_copy_plan(&plan, p->size, y->rank, y->dims, box.strides, out, p->cpu);
    if (plan.units != 0)
        mote_cpu_copy_run(x->pool, &plan, (const char *)step->in[0]->data + (ptrdiff_t)box.offset * (ptrdiff_t)p->size, y->data);
    return MOTE_OK;
}

static mote_status lower_slice(mote_lower *l)
{
    const mote_array *y = l->out[0];
    bool fixed = true;
    if (!is_movable(l))
        return MOTE_OK;
    for (uint32_t i = 1; i < l->n_in; i++)
        fixed = fixed && (l->in[i] == NULL || l->value[i] != NULL);
    if (fixed) {
        mote_slice_box box;
        int64_t out[MOTE_MAX_RANK];
        const mote_array *in[5] = {l->in[0]};
        for (uint32_t i = 1; i < l->n_in && i < 5; i++)
            in[i] = l->value[i];
        MOTE_TRY(mote_slice_box_of(l->node, in, l->n_in, &box, l->diag));
        mote_strides_of(y->rank, y->dims, out);
        return lower_one(l, y->rank, y->dims, box.strides, out, box.offset);
    }
    slice_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (slice_params){l->cpu, mote_cpu_element_size(l->in[0]->dtype)};
    l->run = slice_run;
    l->params = p;
    l->kernel = "mote_copy_slice";
    return MOTE_OK;
}

/* ---- Concat, Split: a plan for each part ---- */

typedef struct part {
    mote_copy_plan plan;
    size_t offset; /* bytes into the whole */
} part;

typedef struct parts_params {
    uint32_t n;
    part *parts;
} parts_params;

static mote_status concat_run(const mote_step *step, mote_exec *x)
{
    const parts_params *p = step->params;
    for (uint32_t i = 0; i < p->n; i++)
        if (p->parts[i].plan.units != 0)
            mote_cpu_copy_run(x->pool, &p->parts[i].plan, step->in[i]->data, (char *)step->out[0]->data + p->parts[i].offset);
    return MOTE_OK;
}

static mote_status split_run(const mote_step *step, mote_exec *x)
{
    const parts_params *p = step->params;
    for (uint32_t i = 0; i < p->n; i++)
        if (step->out[i] != NULL && p->parts[i].plan.units != 0)
            mote_cpu_copy_run(x->pool, &p->parts[i].plan, (const char *)step->in[0]->data + p->parts[i].offset, step->out[i]->data);
    return MOTE_OK;
}

/* whole: the joined tensor; sizes of its n parts along the axis. */
static mote_status lower_parts(mote_lower *l, const mote_array *whole, int32_t axis, uint32_t n, const int64_t *sizes, bool join)
{
    parts_params *p;
    size_t bytes;
    const size_t size = mote_cpu_element_size(whole->dtype);
    int64_t ws[MOTE_MAX_RANK], ps[MOTE_MAX_RANK], dims[MOTE_MAX_RANK];
    if (!mote_size_mul(n, sizeof(part), &bytes))
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    MOTE_TRY(mote_lower_params(l, bytes, (void **)&p->parts));
    p->n = n;
    mote_strides_of(whole->rank, whole->dims, ws);
    memcpy(dims, whole->dims, sizeof dims);
    int64_t at = 0;
    for (uint32_t i = 0; i < n; i++) {
        dims[axis] = sizes[i];
        mote_strides_of(whole->rank, dims, ps);
        mote_cpu_copy_plan(&p->parts[i].plan, size, whole->rank, dims, join ? ps : ws, join ? ws : ps, l->cpu);
        p->parts[i].offset = (size_t)at * (size_t)ws[axis] * size;
        at += sizes[i];
    }
    l->run = join ? concat_run : split_run;
    l->params = p;
    l->kernel = join ? "mote_copy_concat" : "mote_copy_split";
    return MOTE_OK;
}

static mote_status lower_concat(mote_lower *l)
{
    int32_t axis;
    int64_t *sizes;
    size_t bytes;
    if (!is_movable(l) || !mote_size_mul(l->n_in, sizeof *sizes, &bytes))
        return MOTE_OK;
    MOTE_TRY(mote_arg_axis(mote_node_int(l->node, "axis", 1), l->out[0]->rank, "axis", l->diag, &axis));
    MOTE_TRY(mote_lower_params(l, bytes, (void **)&sizes));
    for (uint32_t i = 0; i < l->n_in; i++)
        sizes[i] = l->in[i]->dims[axis];
    return lower_parts(l, l->out[0], axis, l->n_in, sizes, true);
}

static mote_status lower_split(mote_lower *l)
{
    const mote_array *x = l->in[0];
    int32_t axis;
    int64_t *sizes;
    size_t bytes;
    bool known = true;
    if (mote_cpu_element_size(x->dtype) == 0 || !mote_size_mul(l->n_out, sizeof *sizes, &bytes))
        return MOTE_OK;
    MOTE_TRY(mote_arg_axis(mote_node_int(l->node, "axis", 0), x->rank, "axis", l->diag, &axis));
    MOTE_TRY(mote_lower_params(l, bytes, (void **)&sizes));
    const bool given = l->n_in > 1 && l->in[1] != NULL;
    if (!given || l->value[1] != NULL) {
        MOTE_TRY(mote_split_sizes(l->node, l->n_out, x->dims[axis], given ? l->value[1] : NULL, given, sizes, &known, l->diag));
    } else { /* sizes read at run: the outputs were shaped by them, if all are there */
        for (uint32_t i = 0; i < l->n_out; i++) {
            known = known && l->out[i] != NULL;
            sizes[i] = known ? l->out[i]->dims[axis] : 0;
        }
    }
    return known ? lower_parts(l, x, axis, l->n_out, sizes, false) : MOTE_OK;
}

/* ---- views that the plan could not make one: of a dynamic shape, of a value around a subgraph ---- */

static mote_status view_run(const mote_step *step, mote_exec *x)
{
    if (step->in[0]->data != step->out[0]->data)
        return one_run(step, x);
    return MOTE_OK;
}

static mote_status lower_view(mote_lower *l)
{
    const int64_t stride = 1, n = l->out[0] == NULL ? 0 : (int64_t)mote_array_count(l->out[0]);
    if (!is_movable(l) || l->in[0]->kind != MOTE_KIND_TENSOR || l->in[0]->bytes != l->out[0]->bytes || l->in[0]->dtype != l->out[0]->dtype)
        return MOTE_OK;
    MOTE_TRY(lower_one(l, 1, &n, &stride, &stride, 0));
    l->run = view_run;
    l->kernel = "mote_copy_view";
    l->inplace = 1;
    return MOTE_OK;
}

/* ---- Trilu ---- */

typedef struct trilu_job {
    const char *x;
    char *y;
    int64_t rows, cols, k;
    size_t size;
    bool upper;
} trilu_job;

static void trilu_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const trilu_job *j = ctx;
    const size_t row = (size_t)j->cols * j->size;
    for (size_t r = begin; r < end; r++) {
        const int64_t diagonal = (int64_t)(r % (size_t)j->rows) + j->k + !j->upper; /* the first column of the upper part */
        const size_t cut = (size_t)(diagonal < 0 ? 0 : diagonal > j->cols ? j->cols : diagonal) * j->size;
        char *y = j->y + r * row;
        memset(y + (j->upper ? 0 : cut), 0, j->upper ? cut : row - cut);
        if (j->x != j->y)
            memcpy(y + (j->upper ? cut : 0), j->x + r * row + (j->upper ? cut : 0), j->upper ? row - cut : cut);
    }
}

static mote_status trilu_run(const mote_step *step, mote_exec *x)
{
    const mote_array *a = step->in[0];
    trilu_job j = {.x = a->data, .y = step->out[0]->data, .rows = a->dims[a->rank - 2], .cols = a->dims[a->rank - 1],
                   .size = mote_cpu_element_size(a->dtype), .upper = mote_node_int(step->node, "upper", 1) != 0};
    if (step->n_in > 1 && step->in[1] != NULL)
        MOTE_TRY(mote_arg_int(step->in[1], "k", x->diag, &j.k));
    j.k = j.k < -j.rows ? -j.rows : j.k > j.cols ? j.cols : j.k;
    if (a->bytes != 0)
        mote_parallel_for(x->pool, a->bytes / ((size_t)j.cols * j.size), 1 + GRAIN_BYTES / ((size_t)j.cols * j.size), trilu_range, &j);
    return MOTE_OK;
}

static mote_status lower_trilu(mote_lower *l)
{
    if (!is_movable(l) || l->in[0]->rank < 2)
        return MOTE_OK;
    l->run = trilu_run;
    l->kernel = "mote_trilu";
    l->inplace = 1;
    return MOTE_OK;
}

/* Outside of training, without a mask. */
static mote_status lower_dropout(mote_lower *l)
{
    const bool mode = l->n_in > 2 && l->in[2] != NULL;
    if ((mode && (l->value[2] == NULL || mote_array_count(l->value[2]) != 1 || mote_array_i64(l->value[2], 0) != 0)) || (l->n_out > 1 && l->out[1] != NULL))
        return MOTE_OK;
    return lower_view(l);
}

MOTE_LOWER(onnx, Dropout, lower_dropout)
MOTE_LOWER(onnx, Trilu, lower_trilu)
MOTE_LOWER(onnx, Transpose, lower_transpose)
MOTE_LOWER(onnx, Expand, lower_expand)
MOTE_LOWER(onnx, Tile, lower_tile)
MOTE_LOWER(onnx, Slice, lower_slice)
MOTE_LOWER(onnx, Concat, lower_concat)
MOTE_LOWER(onnx, Split, lower_split)
MOTE_LOWER(onnx, Reshape, lower_view)
MOTE_LOWER(onnx, Flatten, lower_view)
MOTE_LOWER(onnx, Squeeze, lower_view)
MOTE_LOWER(onnx, Unsqueeze, lower_view)
MOTE_LOWER(onnx, Identity, lower_view)
MOTE_LOWER(onnx, DepthToSpace, lower_blocks)
MOTE_LOWER(onnx, SpaceToDepth, lower_blocks)
