/* moments.c - what products read, as sums; rounding and bias correction from them
 * SPDX-License-Identifier: Apache-2.0
 *
 * From each sample a bounded number of patches (rows) of a product's input is taken, spread evenly. Their means give the bias that rounding shifts, exactly; their second
 * moments about the mean what is left of the error (ptq/round.c). Sums are of integers' worth of samples in one order: the same on every machine. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "quant/ptq/round.h"
#include "quant/ptq/weight.h"
#include "ops/wide.h"
#include <math.h>
#include <string.h>

enum { SAMPLES = 64, WORK = 1 << 25 };
static const size_t room = (size_t)192 << 20;

/* ---- form ---- */

static bool is_conv(const mote_layer *l) { return mote_node_is(l->node, "", "Conv"); }

static size_t groups_of(const mote_layer *l) { return is_conv(l) ? (size_t)mote_node_int(l->node, "group", 1) : 1; }

static size_t summed(const mote_layer *l) { return mote_array_count(l->weight->constant) / mote_layer_channels(l); }

/* Whether this layer's input can be looked at row by row. */
static bool has_moments(const mote_layer *l) { return l->why == NULL && l->weight != NULL && l->axis >= 0 && l->scales != NULL; }

static size_t bytes_of(const mote_layer *l) { return summed(l) * summed(l) * groups_of(l) * sizeof(float); }

static mote_status make(mote_quantizer *q, mote_layer *l, mote_diag *diag)
{
    const size_t k = summed(l), groups = groups_of(l);
    mote_moments *m = mote_heap_calloc(&q->heap, 1, sizeof *m);
    if (m == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *m);
    l->moments = m;
    m->k = k;
    m->groups = groups;
    m->before = mote_heap_calloc(&q->heap, k * groups, sizeof *m->before);
    m->after = mote_heap_calloc(&q->heap, k * groups, sizeof *m->after);
    if (q->o.effort > 1 && bytes_of(l) <= room)
        m->products = mote_heap_calloc(&q->heap, k * k * groups, sizeof *m->products);
    if (m->before == NULL || m->after == NULL || (q->o.effort > 1 && bytes_of(l) <= room && m->products == NULL))
        return MOTE_NO_MEMORY(diag, bytes_of(l));
    return MOTE_OK;
}

static void release(mote_quantizer *q, mote_layer *l)
{
    mote_moments *m = l->moments;
    if (m == NULL)
        return;
    mote_heap_free(&q->heap, m->before, m->k * m->groups * sizeof *m->before);
    mote_heap_free(&q->heap, m->after, m->k * m->groups * sizeof *m->after);
    mote_heap_free(&q->heap, m->products, m->k * m->k * m->groups * sizeof *m->products);
    mote_heap_free(&q->heap, m, sizeof *m);
    l->moments = NULL;
}

mote_status mote_quant_begin_moments(mote_quantizer *q, mote_diag *diag)
{
    size_t used = 0;
    q->first_layer = q->end_layer;
    for (size_t i = q->first_layer; i < q->n_layers; i++, q->end_layer = i) {
        mote_layer *l = &q->layers[i];
        if (!has_moments(l))
            continue;
        const size_t bytes = q->o.effort > 1 && bytes_of(l) <= room ? bytes_of(l) : 0;
        if (used != 0 && bytes > room - used)
            return MOTE_OK;
        used += bytes;
        MOTE_TRY(make(q, l, diag));
    }
    return MOTE_OK;
}

void mote_quant_free_moments(mote_quantizer *q)
{
    for (size_t i = 0; i < q->n_layers; i++)
        release(q, &q->layers[i]);
}

/* ---- seeing ---- */

static float quantized(float x, const mote_scale *s, float least, float most)
{
    const float v = rintf(x / s->scale) + (float)s->zero;
    return ((v < least ? least : v > most ? most : v) - (float)s->zero) * s->scale;
}

static void add_row(mote_moments *m, size_t group, const float *x, float *xq, const mote_scale *s)
{
    const size_t k = m->k;
    const float least = (float)mote_scale_least(s->type), most = (float)mote_scale_most(s->type);
    double *before = m->before + group * k, *after = m->after + group * k;
    for (size_t i = 0; i < k; i++) {
        xq[i] = quantized(x[i], s, least, most);
        before[i] += (double)x[i];
        after[i] += (double)xq[i];
    }
    if (m->products == NULL)
        return;
    float *g = m->products + group * k * k;
    for (size_t i = 0; i < k; i++) {
        const float v = xq[i];
        if (v == 0)
            continue;
        float *row = g + i * k;
        for (size_t j = i; j < k; j++)
            row[j] += v * xq[j];
    }
}

static size_t samples_of(const mote_moments *m, size_t there)
{
    size_t n = SAMPLES;
    if (m->products != NULL && m->k * m->k * m->groups > WORK / SAMPLES) /* bounded work a sample */
        n = WORK / (m->k * m->k * m->groups) < 4 ? 4 : WORK / (m->k * m->k * m->groups);
    return n < there ? n : there;
}

static mote_status see_conv(mote_layer *l, const mote_tensor *t, const mote_scale *s, float *x, float *xq)
{
    mote_moments *m = l->moments;
    const mote_array *a = l->weight->constant;
    const int32_t r = a->rank - 2;
    mote_window w;
    if (t->rank != a->rank || t->shape[1] != a->dims[1] * (int64_t)m->groups)
        return MOTE_E_SHAPE;
    MOTE_TRY(mote_window_of(l->node, r, a->dims + 2, t->shape + 2, &w, NULL));
    const size_t plane = mote_dims_count(t->shape + 2, r), positions = mote_dims_count(w.out, r), per = (size_t)a->dims[1], taps = m->k / per;
    const float *data = mote_tensor_map(t);
    const size_t n = samples_of(m, positions);
    for (size_t b = 0; b < (size_t)t->shape[0]; b++)
        for (size_t i = 0; i < n; i++) {
            int64_t o[MOTE_MAX_RANK];
            size_t at = i * positions / n;
            for (int32_t d = r - 1; d >= 0; d--) {
                o[d] = (int64_t)(at % (size_t)w.out[d]);
                at /= (size_t)w.out[d];
            }
            for (size_t g = 0; g < m->groups; g++) {
                int64_t k[MOTE_MAX_RANK] = {0};
                for (size_t tap = 0; tap < taps; tap++) {
                    size_t index;
                    const bool inside = mote_window_tap(&w, o, k, &index);
                    for (size_t c = 0; c < per; c++)
                        x[c * taps + tap] = inside ? data[((b * m->groups + g) * per + c) * plane + index] : 0;
                    (void)mote_box_next(r, w.kernel, k);
                }
                add_row(m, g, x, xq, s);
            }
            m->count++;
        }
    return MOTE_OK;
}

static mote_status see_rows(mote_layer *l, const mote_tensor *t, const mote_scale *s, float *xq)
{
    mote_moments *m = l->moments;
    const size_t rows = (size_t)mote_tensor_count(t) / m->k, n = samples_of(m, rows);
    if (t->rank < 1 || (size_t)t->shape[t->rank - 1] != m->k)
        return MOTE_E_SHAPE;
    for (size_t i = 0; i < n; i++, m->count++)
        add_row(m, 0, (const float *)mote_tensor_map(t) + i * rows / n * m->k, xq, s);
    return MOTE_OK;
}

mote_status mote_quant_see_moments(mote_quantizer *q, const char *name, const mote_tensor *t)
{
    mote_status status = MOTE_OK;
    if (t->dtype != MOTE_DTYPE_F32)
        return MOTE_OK;
    for (size_t i = q->first_layer; i < q->end_layer && status == MOTE_OK; i++) {
        mote_layer *l = &q->layers[i];
        if (l->moments == NULL || !mote_str_is(l->node->in[0].value->name, name))
            continue;
        const mote_scale *s = &q->values[q->values[l->node->in[0].value->id].root].scale;
        const size_t bytes = l->moments->k * sizeof(float);
        float *x = mote_heap_alloc(&q->heap, bytes), *xq = mote_heap_alloc(&q->heap, bytes);
        status = x == NULL || xq == NULL ? MOTE_E_MEMORY : is_conv(l) ? see_conv(l, t, s, x, xq) : see_rows(l, t, s, xq);
        mote_heap_free(&q->heap, x, bytes);
        mote_heap_free(&q->heap, xq, bytes);
    }
    return status;
}

/* ---- ending ---- */

/* The second moments of a group, about the mean when a bias can take the mean away; a little is added to the diagonal, for directions that were not seen. */
static void settle(const mote_moments *m, size_t group, bool central, float *g)
{
    const size_t k = m->k;
    const float *p = m->products + group * k * k;
    const double n = (double)m->count;
    double trace = 0;
    for (size_t i = 0; i < k; i++)
        for (size_t j = i; j < k; j++) {
            const double mean = central ? m->after[group * k + i] * m->after[group * k + j] / (n * n) : 0;
            g[i * k + j] = g[j * k + i] = (float)((double)p[i * k + j] / n - mean);
        }
    for (size_t i = 0; i < k; i++)
        trace += fmax((double)g[i * k + i], 0);
    for (size_t i = 0; i < k; i++)
        g[i * k + i] = (float)(fmax((double)g[i * k + i], 0) + 0.01 * trace / (double)k);
}

/* Element e of output channel c, counted along what is summed. */
static size_t element(const mote_layer *l, size_t c, size_t e, size_t k, size_t channels) { return l->axis == 0 ? c * k + e : e * channels + c; }

static mote_status end_layer(mote_quantizer *q, mote_layer *l, mote_diag *diag)
{
    const mote_moments *m = l->moments;
    const size_t k = m->k, channels = mote_layer_channels(l), count = k * channels, per_group = channels / m->groups;
    const int32_t most = q->o.reduce_range ? 63 : 127;
    const bool bias = !mote_node_is(l->node, "", "MatMul");
    const float *w = mote_quant_floats(&q->arena, l->weight->constant);
    l->rounded = mote_arena_calloc(&q->arena, 1, count + 1);
    l->shift = bias ? mote_arena_calloc(&q->arena, channels, sizeof *l->shift) : NULL;
    int32_t *row = mote_heap_calloc(&q->heap, k, sizeof *row);
    float *d = mote_heap_calloc(&q->heap, k, sizeof *d), *e = mote_heap_calloc(&q->heap, k, sizeof *e);
    float *g = m->products != NULL ? mote_heap_calloc(&q->heap, k * k, sizeof *g) : NULL;
    const bool ready = w != NULL && l->rounded != NULL && (!bias || l->shift != NULL) && row != NULL && d != NULL && e != NULL && (g != NULL || m->products == NULL);
    for (size_t c = 0; ready && c < channels; c++) {
        const size_t group = c / per_group, first = element(l, c, 0, k, channels), stride = l->axis == 0 ? 1 : channels;
        const float scale = l->scales[l->n_scales == 1 ? 0 : c];
        if (g != NULL && c % per_group == 0)
            settle(m, group, bias, g);
        if (g != NULL)
            mote_round_row(w + first, stride, k, scale, most, g, row, d, e);
        double shift = 0;
        for (size_t i = 0; i < k; i++) {
            if (g == NULL)
                row[i] = mote_weight_round(w[first + i * stride], scale, most);
            l->rounded[first + i * stride] = (int8_t)row[i];
            shift += (double)w[first + i * stride] * m->before[group * k + i] - (double)row[i] * (double)scale * m->after[group * k + i];
        }
        if (bias)
            l->shift[c] = (float)(shift / (double)m->count);
    }
    mote_heap_free(&q->heap, row, k * sizeof *row);
    mote_heap_free(&q->heap, d, k * sizeof *d);
    mote_heap_free(&q->heap, e, k * sizeof *e);
    mote_heap_free(&q->heap, g, k * k * sizeof *g);
    return ready ? MOTE_OK : MOTE_NO_MEMORY(diag, k * k * sizeof *g);
}

mote_status mote_quant_end_moments(mote_quantizer *q, mote_diag *diag)
{
    for (size_t i = q->first_layer; i < q->end_layer; i++) {
        mote_layer *l = &q->layers[i];
        if (l->moments == NULL)
            continue;
        if (l->moments->count != 0)
            MOTE_TRY(end_layer(q, l, diag));
        release(q, l);
    }
    return MOTE_OK;
}
