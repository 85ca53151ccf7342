/* cpu_conv_transpose.c - lowering of ConvTranspose in f32: a product for each tap, its rows added where the tap lands
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything happens channels last: the image is turned once, tap t of all pixels is X W_t, and row by row it is added to the output, taps ascending, so
 * that an output is b + t1 + t2 + ... as src/ops/conv_transpose.c has it. At last the output is turned back. */
#include "base/platform.h"
#include "base/size.h"
#include "kernels/binary/binary.h"
#include "ops/conv_transpose.h"
#include "provider/cpu/cpu_product.h"
#include "provider/cpu/cpu_window.h"
#include <string.h>

enum { GRAIN_FLOATS = 8192 };

typedef struct transposed_params {
    mote_window window;
    size_t batch, channels, outputs, groups, cg, mg, in_pixels, out_pixels, taps;
    const mote_gemm_f32_row *gemm;
    mote_transpose_fn turn;
    mote_binary_fn add;
    const float *packed; /* NULL: packed at run into scratch */
    size_t step;         /* floats of one packed product */
    size_t at_image, at_product, at_output; /* floats into the scratch; the weights, where they are packed at run, come first */
} transposed_params;

typedef struct weights_source {
    const transposed_params *p;
    const char *w;
} weights_source;

/* Product (g, t) at (g taps + t) step: cg rows of mg columns. */
static mote_status pack_fill(void *ctx, void *to)
{
    const weights_source *s = ctx;
    const transposed_params *p = s->p;
    for (size_t g = 0; g < p->groups; g++)
        for (size_t t = 0; t < p->taps; t++) {
            const mote_gemm_f32_source source = {.src = s->w + (g * p->cg * p->mg * p->taps + t) * sizeof(float), .n = p->mg, .taps = 1, .kc = p->cg,
                                                 .k_stride = p->mg * p->taps, .n_stride = p->taps};
            mote_gemm_f32_pack(p->gemm->nr, &source, (float *)to + (g * p->taps + t) * p->step, 0, mote_gemm_panels(p->gemm->nr, p->mg));
        }
    return MOTE_OK;
}

typedef struct job {
    const transposed_params *p;
    const float *x, *bias, *product;
    float *image, *output, *y;
    int64_t tap[MOTE_MAX_RANK];
    size_t first; /* output channel of the group */
} job;

static void turn_in(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const job *j = ctx;
    const transposed_params *p = j->p;
    p->turn(j->x + begin, j->image + begin * p->channels, p->channels, end - begin, p->in_pixels * sizeof(float), p->channels * sizeof(float));
}

static void turn_out(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const job *j = ctx;
    const transposed_params *p = j->p;
    p->turn(j->output + begin * p->outputs, j->y + begin, end - begin, p->outputs, p->outputs * sizeof(float), p->out_pixels * sizeof(float));
}

static void start(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const job *j = ctx;
    const size_t n = j->p->outputs;
    for (size_t i = begin; i < end; i++)
        if (j->bias != NULL)
            memcpy(j->output + i * n, j->bias, n * sizeof(float));
        else
            memset(j->output + i * n, 0, n * sizeof(float));
}

/* The products of input rows (all dimensions but the last) begin .. end are added where the tap lands. */
static void scatter(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const job *j = ctx;
    const transposed_params *p = j->p;
    const mote_window *w = &p->window;
    const int32_t last = w->r - 1;
    const int64_t width = w->in[last], shift = j->tap[last] * w->dilation[last] - w->pad_begin[last];
    for (size_t row = begin; row < end; row++) {
        size_t rest = row, at = 0, step = 1;
        bool inside = true;
        for (int32_t d = last - 1; d >= 0; d--) {
            const int64_t i = (int64_t)(rest % (size_t)w->in[d]), o = i * w->stride[d] + j->tap[d] * w->dilation[d] - w->pad_begin[d];
            rest /= (size_t)w->in[d];
            inside = inside && o >= 0 && o < w->out[d];
            at += inside ? (size_t)o * step : 0;
            step *= (size_t)w->out[d];
        }
        for (int64_t i = 0; i < width && inside; i++) {
            const int64_t o = i * w->stride[last] + shift;
            if (o < 0 || o >= w->out[last])
                continue;
            float *y = j->output + (at * (size_t)w->out[last] + (size_t)o) * p->outputs + j->first;
            p->add(y, j->product + (row * (size_t)width + (size_t)i) * p->mg, y, p->mg, MOTE_FORM_VV);
        }
    }
}

static mote_status transposed_run(const mote_step *step, mote_exec *x)
{
    const transposed_params *p = step->params;
    float *scratch = x->scratch;
    const float *packed = p->packed;
    if (packed == NULL) {
        weights_source s = {p, step->in[1]->data};
        MOTE_TRY(pack_fill(&s, scratch));
        packed = scratch;
    }
    job j = {.p = p, .bias = step->n_in > 2 && step->in[2] != NULL ? step->in[2]->data : NULL, .product = scratch + p->at_product,
             .image = scratch + p->at_image, .output = scratch + p->at_output};
    const size_t width = (size_t)p->window.in[p->window.r - 1], rows = p->in_pixels / width;
    for (size_t n = 0; n < p->batch; n++) {
        j.x = (const float *)step->in[0]->data + n * p->channels * p->in_pixels;
        j.y = (float *)step->out[0]->data + n * p->outputs * p->out_pixels;
        mote_parallel_for(x->pool, p->in_pixels, 1 + GRAIN_FLOATS / p->channels, turn_in, &j);
        mote_parallel_for(x->pool, p->out_pixels, 1 + GRAIN_FLOATS / p->outputs, start, &j);
        for (size_t g = 0; g < p->groups; g++) {
            j.first = g * p->mg;
            for (size_t t = 0; t < p->taps; t++) {
                size_t rest = t;
                for (int32_t d = p->window.r - 1; d >= 0; d--) {
                    j.tap[d] = (int64_t)(rest % (size_t)p->window.kernel[d]);
                    rest /= (size_t)p->window.kernel[d];
                }
                const mote_gemm_f32_op op = {.row = p->gemm, .m = p->in_pixels, .n = p->mg, .taps = 1, .kc = p->cg, .a = j.image + g * p->cg,
                                             .a_stride = p->channels, .b = packed + (g * p->taps + t) * p->step, .c = scratch + p->at_product,
                                             .c_stride = p->mg};
                mote_cpu_product(x->pool, &op, NULL, 0);
                mote_parallel_for(x->pool, rows, 1 + GRAIN_FLOATS / (width * p->mg), scatter, &j);
            }
        }
        mote_parallel_for(x->pool, p->out_pixels, 1 + GRAIN_FLOATS / p->outputs, turn_out, &j);
    }
    return MOTE_OK;
}

/* Sizes of the scratch and of packed weights; false if not representable. */
static bool sizes(transposed_params *p, bool constant, size_t *packed_bytes, size_t *scratch_bytes)
{
    size_t floats, image, product, output;
    if (!mote_gemm_f32_packed(p->mg, p->cg, &p->step) || !mote_size_mul(p->step, p->groups, &floats) || !mote_size_mul(floats, p->taps, &floats) ||
        !mote_size_mul(floats, sizeof(float), packed_bytes))
        return false;
    if (!mote_size_mul(p->in_pixels, p->channels, &image) || !mote_size_mul(p->in_pixels, p->mg, &product) ||
        !mote_size_mul(p->out_pixels, p->outputs, &output) || !mote_size_align(image, MOTE_LANES, &image) ||
        !mote_size_align(product, MOTE_LANES, &product))
        return false;
    p->at_image = constant ? 0 : floats;
    return mote_size_add(p->at_image, image, &p->at_product) && mote_size_add(p->at_product, product, &p->at_output) &&
           mote_size_add(p->at_output, output, &floats) && mote_size_mul(floats, sizeof(float), scratch_bytes);
}

static mote_status lower_transposed(mote_lower *l)
{
    const mote_array *x = l->in[0], *w = l->in[1], *y = l->out[0];
    if (y == NULL || y->dtype != MOTE_DTYPE_F32 || mote_array_count(y) == 0 || mote_array_count(x) == 0)
        return MOTE_OK;
    transposed_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    const int32_t r = x->rank - 2;
    MOTE_TRY(mote_transposed_window_of(l->node, r, w->dims + 2, x->dims + 2, &p->window, l->diag));
    p->batch = (size_t)x->dims[0];
    p->channels = (size_t)x->dims[1];
    p->outputs = (size_t)y->dims[1];
    p->mg = (size_t)w->dims[1];
    p->groups = p->outputs / p->mg;
    p->cg = p->channels / p->groups;
    p->in_pixels = mote_array_count(x) / (p->batch * p->channels);
    p->out_pixels = mote_array_count(y) / (p->batch * p->outputs);
    p->taps = mote_array_count(w) / (p->channels * p->mg);
    p->gemm = mote_gemm_f32_select(l->cpu);
    p->turn = mote_transpose_select(sizeof(float), l->cpu)->fn;
    p->add = mote_binary_select(MOTE_BINARY_ADD, l->cpu)->fn;
    size_t packed;
    const bool constant = mote_lower_fixed(l, 1);
    if (!sizes(p, constant, &packed, &l->scratch_bytes))
        return MOTE_OK;
    if (constant) {
        static const uint32_t inputs[] = {1};
        weights_source s = {p, l->in[1]->data};
        MOTE_TRY(mote_lower_pack(l, inputs, 1, MOTE_VARIANT('T', p->gemm->nr), packed, pack_fill, &s, (const void **)&p->packed));
        l->gone = l->unread = 2;
    }
    l->run = transposed_run;
    l->params = p;
    l->kernel = p->gemm->name;
    return MOTE_OK;
}

MOTE_LOWER(onnx, ConvTranspose, lower_transposed)
