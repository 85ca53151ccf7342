/* cpu_resize.c - lowering of Resize and Upsample: one pass for each axis that changes, within a plane that stays in the cache where there are many
 * SPDX-License-Identifier: Apache-2.0
 *
 * Interpolation goes from the last axis to the first, as src/ops/resize_eval.c does, on f32 or on bytes widened to f32; the nearest of elements of any
 * whole number of bytes are moved, shrinking axes first. tf_crop_and_resize is left to the reference evaluation. */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/resize/resize.h"
#include "ops/resize.h"
#include "provider/cpu/lower.h"
#include <string.h>

enum { MAX_TAPS = 64, GRAIN_BYTES = 32768 };

/* x: outer x in x inner elements, y: outer x out x inner. */
typedef struct pass {
    size_t outer, in, out, inner, taps;
    size_t factor;         /* nearest: out is in repeated so often, in order; 0: it is not */
    const int32_t *index;  /* [tap][out] */
    const float *weights;  /* [tap][out], for inner 1 */
    const float *by_row;   /* [out][tap], else */
} pass;

typedef struct resize_params {
    const mote_resize_row *row;
    bool moves, bytes;      /* nearest; u8 interpolated in f32 */
    size_t size;            /* bytes of an element in the passes */
    size_t planes, plane_in, plane_out; /* elements; planes 1: passes are divided among threads instead */
    size_t buffer;          /* bytes of each of the two buffers */
    size_t n_passes;
    pass passes[MOTE_MAX_RANK];
} resize_params;

/* ---- running ---- */

typedef struct pass_job {
    const resize_params *p;
    const pass *s;
    const char *x;
    char *y;
} pass_job;

static void move_units(const resize_params *p, const pass *s, const char *x, char *y, size_t begin, size_t end)
{
    const size_t bytes = s->inner * p->size;
    if (s->inner == 1 && p->size == 4 && s->factor != 0) { /* a unit is a row */
        for (size_t u = begin; u < end; u++)
            p->row->repeat32(x + u * s->in * p->size, y + u * s->out * p->size, s->in, s->factor);
        return;
    }
    if (s->inner == 1 && (p->size == 4 || p->size == 1)) {
        for (size_t u = begin; u < end; u++)
            (p->size == 4 ? p->row->pick32 : p->row->pick8)(x + u * s->in * p->size, s->index, y + u * s->out * p->size, s->out);
        return;
    }
    if (s->inner == 1) {
        for (size_t u = begin; u < end; u++)
            for (size_t i = 0; i < s->out; i++)
                memcpy(y + (u * s->out + i) * bytes, x + (u * s->in + (size_t)s->index[i]) * bytes, bytes);
        return;
    }
    size_t o = begin / s->out, i = begin % s->out;
    for (size_t u = begin; u < end; u++) {
        memcpy(y + u * bytes, x + (o * s->in + (size_t)s->index[i]) * bytes, bytes);
        if (++i == s->out)
            i = 0, o++;
    }
}

static void sum_units(const resize_params *p, const pass *s, const float *x, float *y, size_t begin, size_t end)
{
    if (s->inner == 1) {
        for (size_t u = begin; u < end; u++)
            p->row->cols(x + u * s->in, s->index, s->weights, s->out, s->taps, y + u * s->out, s->out);
        return;
    }
    const float *rows[MAX_TAPS];
    size_t o = begin / s->out, i = begin % s->out;
    for (size_t u = begin; u < end; u++) {
        for (size_t k = 0; k < s->taps; k++)
            rows[k] = x + (o * s->in + (size_t)s->index[k * s->out + i]) * s->inner;
        p->row->blend(rows, s->by_row + i * s->taps, s->taps, y + u * s->inner, s->inner);
        if (++i == s->out)
            i = 0, o++;
    }
}

static void run_units(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const pass_job *j = ctx;
    if (j->p->moves)
        move_units(j->p, j->s, j->x, j->y, begin, end);
    else
        sum_units(j->p, j->s, (const float *)(const void *)j->x, (float *)(void *)j->y, begin, end);
}

static size_t units_of(const pass *s) { return s->inner == 1 ? s->outer : s->outer * s->out; }
static size_t unit_elements(const pass *s) { return s->inner == 1 ? s->out : s->inner; }

static void widen_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const pass_job *j = ctx;
    j->p->row->widen((const uint8_t *)j->x + begin, (float *)(void *)j->y + begin, end - begin);
}

static void narrow_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const pass_job *j = ctx;
    j->p->row->narrow((const float *)(const void *)j->x + begin, (uint8_t *)j->y + begin, end - begin);
}

/* One plane from x to y, through two buffers. */
static void run_plane(const resize_params *p, mote_pool *pool, const char *x, char *y, char *scratch)
{
    char *buffers[2] = {scratch, scratch + p->buffer};
    size_t next = 0;
    if (p->bytes) {
        pass_job j = {.p = p, .x = x, .y = buffers[0]};
        mote_parallel_for(pool, p->plane_in, GRAIN_BYTES, widen_range, &j);
        x = buffers[0];
        next = 1;
    }
    for (size_t i = 0; i < p->n_passes; i++, next ^= 1) {
        const pass *s = &p->passes[i];
        pass_job j = {.p = p, .s = s, .x = x, .y = i + 1 == p->n_passes && !p->bytes ? y : buffers[next]};
        mote_parallel_for(pool, units_of(s), 1 + GRAIN_BYTES / (unit_elements(s) * p->size), run_units, &j);
        x = j.y;
    }
    if (p->bytes) {
        pass_job j = {.p = p, .x = x, .y = y};
        mote_parallel_for(pool, p->plane_out, GRAIN_BYTES, narrow_range, &j);
    }
}

typedef struct plane_job {
    const resize_params *p;
    const char *x;
    char *y, *scratch;
} plane_job;

static void run_planes(void *ctx, unsigned worker, size_t begin, size_t end)
{
    const plane_job *j = ctx;
    const size_t size = j->p->bytes ? 1 : j->p->size;
    for (size_t i = begin; i < end; i++)
        run_plane(j->p, NULL, j->x + i * j->p->plane_in * size, j->y + i * j->p->plane_out * size, j->scratch + worker * 2 * j->p->buffer);
}

static mote_status resize_run(const mote_step *step, mote_exec *x)
{
    const resize_params *p = step->params;
    if (p->n_passes == 0) {
        memcpy(step->out[0]->data, step->in[0]->data, step->out[0]->bytes);
        return MOTE_OK;
    }
    plane_job j = {p, step->in[0]->data, step->out[0]->data, x->scratch};
    if (p->planes == 1)
        run_plane(p, x->pool, j.x, j.y, j.scratch);
    else
        mote_parallel_for(x->pool, p->planes, 1 + GRAIN_BYTES / (p->plane_out * p->size), run_planes, &j);
    return MOTE_OK;
}

/* ---- choice ---- */

static mote_status make_pass(mote_lower *l, const mote_resize *r, int32_t d, const size_t *dims, int32_t first, pass *s)
{
    *s = (pass){.outer = 1, .in = (size_t)r->in[d], .out = (size_t)r->out[d], .inner = 1, .taps = r->taps[d]};
    for (int32_t i = first; i < d; i++)
        s->outer *= dims[i];
    for (int32_t i = d + 1; i < r->rank; i++)
        s->inner *= dims[i];
    const size_t n = s->out * s->taps; /* at most MAX_TAPS times a dimension below 2^31 */
    int32_t *index;
    float *weights, *by_row;
    MOTE_TRY(mote_lower_params(l, n * sizeof *index, (void **)&index));
    MOTE_TRY(mote_lower_params(l, n * sizeof *weights, (void **)&weights));
    mote_resize_axis(r, d, index, weights, NULL);
    s->index = index;
    s->weights = weights;
    s->factor = s->out % s->in == 0 ? s->out / s->in : 0;
    for (size_t i = 0; i < s->out && s->factor != 0; i++)
        if ((size_t)index[i] != i / s->factor)
            s->factor = 0;
    if (s->inner != 1 && r->mode != MOTE_RESIZE_NEAREST) {
        MOTE_TRY(mote_lower_params(l, n * sizeof *by_row, (void **)&by_row));
        for (size_t i = 0; i < s->out; i++)
            for (size_t k = 0; k < s->taps; k++)
                by_row[i * s->taps + k] = weights[k * s->out + i];
        s->by_row = by_row;
    }
    return MOTE_OK;
}

/* The order of the passes: axes in order[0..n). */
static size_t order_of(const mote_resize *r, int32_t *order)
{
    size_t n = 0;
    const bool moves = r->mode == MOTE_RESIZE_NEAREST;
    for (int32_t d = 0; d < r->rank && moves; d++)
        if (r->active[d] && r->out[d] < r->in[d])
            order[n++] = d;
    for (int32_t d = r->rank - 1; d >= 0; d--)
        if (r->active[d] && !(moves && r->out[d] < r->in[d]))
            order[n++] = d;
    return n;
}

static bool given(const mote_lower *l, uint32_t i) { return i < l->n_in && l->in[i] != NULL && l->in[i]->bytes != 0; }

static mote_status lower_resize(mote_lower *l)
{
    const mote_array *x = l->in[0], *y = l->out[0];
    const bool later = l->node->def->since >= 11;
    if (y == NULL || y->bytes == 0)
        return MOTE_OK;
    const mote_array *value[4] = {NULL};
    for (uint32_t i = 1; i < l->n_in && i < 4; i++) {
        if (given(l, i) && l->value[i] == NULL && !(later && i == 1))
            return MOTE_OK;
        value[i] = given(l, i) ? l->value[i] : NULL;
    }
    mote_resize r;
    mote_type t = {.dtype = x->dtype, .rank = x->rank};
    memcpy(t.dims, x->dims, sizeof t.dims);
    MOTE_TRY(mote_resize_of_inputs(l->node, &t, value, l->n_in, &r, l->diag));
    const unsigned bits = mote_dtype_bits(x->dtype);
    const bool moves = r.mode == MOTE_RESIZE_NEAREST, bytes = !moves && x->dtype == MOTE_DTYPE_U8 && !r.antialias;
    if (r.crop || (moves ? x->dtype == MOTE_DTYPE_STRING || bits % 8 != 0 : !bytes && x->dtype != MOTE_DTYPE_F32))
        return MOTE_OK;
    int32_t order[MOTE_MAX_RANK], first = 0;
    const size_t n = order_of(&r, order);
    size_t dims[MOTE_MAX_RANK], planes = 1;
    for (int32_t d = 0; d < r.rank; d++) {
        dims[d] = (size_t)r.in[d];
        if (r.active[d] && r.taps[d] > MAX_TAPS)
            return MOTE_OK;
    }
    while (n != 0 && !r.active[first])
        planes *= dims[first++];
    resize_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (resize_params){.row = mote_resize_select(l->cpu), .moves = moves, .bytes = bytes, .size = bytes ? sizeof(float) : bits / 8, .n_passes = n};
    if (l->workers > 1 && planes < 2 * l->workers) {
        first = 0;
        planes = 1;
    }
    p->planes = planes;
    p->plane_in = mote_array_count(x) / planes;
    p->plane_out = mote_array_count(y) / planes;
    size_t largest = bytes ? mote_max_size(p->plane_in, p->plane_out) : 0;
    for (size_t i = 0; i < n; i++) {
        const int32_t d = order[i];
        MOTE_TRY(make_pass(l, &r, d, dims, first, &p->passes[i]));
        dims[d] = (size_t)r.out[d];
        size_t elements = 1;
        for (int32_t k = first; k < r.rank; k++)
            if (!mote_size_mul(elements, dims[k], &elements))
                return MOTE_OK;
        if (i + 1 < n)
            largest = mote_max_size(largest, elements);
    }
    if (!mote_size_mul(largest, p->size, &p->buffer) || !mote_size_align(p->buffer, MOTE_ALIGN, &p->buffer) ||
        !mote_size_mul(p->buffer, planes == 1 ? 2 : 2 * (size_t)l->workers, &l->scratch_bytes))
        return MOTE_OK;
    l->run = resize_run;
    l->params = p;
    l->kernel = p->row->name;
    return MOTE_OK;
}

MOTE_LOWER(onnx, Resize, lower_resize)
MOTE_LOWER(onnx, Upsample, lower_resize)
