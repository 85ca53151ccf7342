/* quantizer.c - the quantizer's life: options, rounds over samples, the result
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "quant/recipe/variant.h"
#include "onnx/write.h"
#include "ops/custom.h"
#include "ops/op.h"
#include "passes/match.h"
#include "passes/pass.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- options ---- */

static mote_status check_options(mote_quantize_options *o, mote_diag *diag)
{
    if (o->activations == MOTE_DTYPE_NONE)
        o->activations = MOTE_DTYPE_U8;
    MOTE_REQUIRE(mote_dtype_in(o->activations, MOTE_DT(U8) | MOTE_DT(S8) | MOTE_DT(U16) | MOTE_DT(S16)), diag, MOTE_E_ARGUMENT,
                 "activations are %s, expected uint8, int8, uint16 or int16", mote_dtype_name(o->activations));
    o->weight_bits = o->weight_bits == 0 ? 8 : o->weight_bits;
    o->block = o->block == 0 ? 32 : o->block;
    MOTE_REQUIRE(o->weight_bits == 8 || o->weight_bits == 4, diag, MOTE_E_ARGUMENT, "weights of %u bits, expected 8 or 4", o->weight_bits);
    MOTE_REQUIRE(o->block >= 16 && o->block <= 65536 && (o->block & (o->block - 1)) == 0, diag, MOTE_E_ARGUMENT,
                 "blocks of %u weights, expected a power of two from 16", o->block);
    MOTE_REQUIRE((o->mode == MOTE_QUANT_MIXED) == (o->recipe != NULL), diag, MOTE_E_ARGUMENT, "a recipe goes with the mode MOTE_QUANT_MIXED, and the mode with a recipe");
    MOTE_REQUIRE(!o->variants || o->mode == MOTE_QUANT_MIXED, diag, MOTE_E_ARGUMENT, "variants go with the mode MOTE_QUANT_MIXED");
    MOTE_REQUIRE((unsigned)o->mode <= MOTE_QUANT_MIXED && (unsigned)o->ranges <= MOTE_RANGE_ENTROPY && (unsigned)o->scope <= MOTE_SCOPE_ALL, diag, MOTE_E_ARGUMENT,
                 "a mode, range method or scope that this version does not know");
    return MOTE_OK;
}

/* Every name of `keep` names a node. */
static mote_status check_keep(const mote_quantizer *q, mote_diag *diag)
{
    mote_quantizer one = {.o = q->o};
    char name[256];
    for (const char *at = q->o.keep; at != NULL && *at != 0;) {
        const size_t n = strcspn(at, ",");
        bool found = false;
        MOTE_REQUIRE(n < sizeof name, diag, MOTE_E_ARGUMENT, "a name of %zu bytes", n);
        memcpy(name, at, n);
        name[n] = 0;
        one.o.keep = name;
        for (const mote_node *k = q->module->graph->first; k != NULL && !found; k = k->next)
            found = mote_quant_kept(&one, k);
        MOTE_REQUIRE(found || n == 0, diag, MOTE_E_ARGUMENT, "no node is named '%s'", name);
        at += n + (at[n] == ',');
    }
    return MOTE_OK;
}

static mote_status check_fresh(const mote_quantizer *q, mote_diag *diag)
{
    for (const mote_node *n = q->module->graph->first; n != NULL; n = n->next)
        MOTE_REQUIRE(!mote_str_is(n->op, "QuantizeLinear") && !mote_str_is(n->op, "DequantizeLinear") && !mote_str_is(n->op, "DynamicQuantizeLinear") &&
                         !mote_str_is(n->op, "QLinearConv") && !mote_str_is(n->op, "QLinearMatMul") && !mote_str_is(n->op, "MatMulInteger") && !mote_str_is(n->op, "ConvInteger"),
                     diag, MOTE_E_UNSUPPORTED, "the model is quantized already: it has a %.*s '%.*s'", MOTE_STR_ARG(n->op), MOTE_STR_ARG(n->name));
    return MOTE_OK;
}

static bool has_layer(const mote_quantizer *q)
{
    for (size_t i = 0; i < q->n_layers; i++)
        if (q->layers[i].why == NULL)
            return true;
    return false;
}

/* ---- life ---- */

mote_status mote_quant_retype(mote_module *m, mote_diag *diag)
{
    MOTE_TRY(mote_ops_resolve(m, diag));
    MOTE_TRY(mote_infer_module(m, diag));
    return mote_module_verify(m, diag);
}

static mote_status open_model(mote_quantizer *q, const char *path, mote_diag *diag)
{
    const mote_onnx_read_options read = {0};
    const mote_pass_options passes = {.lower = false};
    MOTE_TRY(mote_onnx_read_path(&q->heap, path, &read, &q->module, &q->files, diag));
    q->module->custom = q->custom;
    MOTE_TRY(mote_ops_resolve(q->module, diag));
    MOTE_TRY(mote_infer_module(q->module, diag));
    if (q->o.fix != NULL) {
        MOTE_TRY(mote_quant_fix(q, diag));
        MOTE_TRY(mote_quant_retype(q->module, diag));
    }
    MOTE_TRY(mote_passes_run(q->module, &passes, diag));
    MOTE_TRY(check_fresh(q, diag));
    MOTE_TRY(mote_quant_plan(q, diag));
    MOTE_TRY(mote_quant_raise(q->module, mote_quant_needs_21(q) ? 21 : 13, diag));
    MOTE_TRY(mote_quant_retype(q->module, diag));
    MOTE_TRY(check_keep(q, diag));
    MOTE_TRY(mote_quant_select(q, diag));
    if (q->any[MOTE_PRECISION_INT8] && q->o.effort > 0)
        MOTE_TRY(mote_quant_find_groups(q, diag));
    MOTE_REQUIRE(has_layer(q) || q->any[MOTE_PRECISION_F16] || q->o.variants, diag, MOTE_E_UNSUPPORTED, "the model has no Conv, Gemm or MatMul that can be quantized%s%s",
                 q->n_layers != 0 ? "; the first: " : "", q->n_layers != 0 ? q->layers[0].why : "");
    return MOTE_OK;
}

mote_status mote_quantizer_create(const char *path, const mote_quantize_options *options, mote_quantizer **out, mote_diag *diag)
{
    mote_quantize_options o = MOTE_QUANTIZE_OPTIONS_INIT;
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(path != NULL && out != NULL, diag, MOTE_E_ARGUMENT, "path or out is NULL");
    *out = NULL;
    if (options != NULL) {
        MOTE_REQUIRE(options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT, "quantize options of %zu bytes are not of this version",
                     options->struct_size);
        memcpy(&o, options, options->struct_size);
        o.struct_size = sizeof o;
    }
    MOTE_REQUIRE(o.allocator == NULL || (o.allocator->struct_size == sizeof *o.allocator && o.allocator->alloc != NULL && o.allocator->free != NULL), diag,
                 MOTE_E_ARGUMENT, "an allocator without its functions");
    MOTE_TRY(check_options(&o, diag));
    mote_heap heap;
    mote_heap_init(&heap, o.allocator, 0);
    mote_quantizer *q = mote_heap_calloc(&heap, 1, sizeof *q);
    if (q == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *q);
    mote_heap_init(&q->heap, o.allocator, 0);
    mote_arena_init(&q->arena, &q->heap);
    q->o = o;
    q->custom = mote_custom_ops_keep(o.custom_ops);
    if (o.keep != NULL) {
        q->o.keep = mote_arena_str(&q->arena, mote_str_c(o.keep)).p;
        if (q->o.keep == NULL) {
            mote_quantizer_destroy(&q);
            return MOTE_NO_MEMORY(diag, strlen(o.keep));
        }
    }
    if ((o.recipe != NULL && (q->o.recipe = mote_arena_str(&q->arena, mote_str_c(o.recipe)).p) == NULL) ||
        (o.fix != NULL && (q->o.fix = mote_arena_str(&q->arena, mote_str_c(o.fix)).p) == NULL)) {
        mote_quantizer_destroy(&q);
        return MOTE_NO_MEMORY(diag, 0);
    }
    mote_status status = open_model(q, path, diag);
    if (status != MOTE_OK)
        mote_quantizer_destroy(&q);
    *out = q;
    return status;
}

void mote_quant_free_bytes(mote_quantizer *q)
{
    mote_heap_free(&q->heap, q->bytes, q->n_bytes);
    q->bytes = NULL;
    q->n_bytes = 0;
}

void mote_quantizer_destroy(mote_quantizer **quantizer)
{
    if (quantizer == NULL || *quantizer == NULL)
        return;
    mote_quantizer *q = *quantizer;
    mote_heap heap;
    mote_observer_destroy(&q->seen);
    mote_observer_destroy(&q->half);
    mote_observer_destroy(&q->other);
    mote_judge_end(&q->judge);
    mote_quant_free_moments(q);
    mote_quant_free_bytes(q);
    for (size_t i = 0; i < 2; i++)
        mote_heap_free(&q->heap, q->inside_bytes[i], q->n_inside_bytes[i]);
    mote_module_destroy(&q->before);
    mote_module_destroy(&q->module);
    mote_onnx_files_destroy(&q->files);
    mote_custom_ops_release(q->custom);
    mote_arena_deinit(&q->arena);
    mote_heap_init(&heap, &q->heap.allocator, 0);
    mote_heap_free(&heap, q, sizeof *q);
    *quantizer = NULL;
}

/* ---- rounds ---- */

static int by_name(const void *a, const void *b) { return mote_str_compare(*(const mote_str *)a, *(const mote_str *)b); }

static int by_named(const void *a, const void *b)
{
    const mote_named_value *x = a, *y = b;
    return by_name(&x->name, &y->name);
}

static mote_status make_index(mote_quantizer *q, mote_diag *diag)
{
    q->n_index = 0;
    q->index = mote_arena_calloc(&q->arena, q->n_values + 1, sizeof *q->index);
    if (q->index == NULL)
        return MOTE_NO_MEMORY(diag, q->n_values * sizeof *q->index);
    for (const mote_value *v = q->module->graph->values; v != NULL; v = v->next)
        if (v->id < q->n_values && (q->values[v->id].wanted || q->values[v->id].watched))
            q->index[q->n_index++] = (mote_named_value){v->name, v->id};
    if (q->n_index != 0)
        qsort(q->index, q->n_index, sizeof *q->index, by_named);
    return MOTE_OK;
}

const mote_named_value *mote_quant_named(const mote_quantizer *q, const char *name)
{
    const mote_named_value key = {mote_str_c(name), 0};
    return q->n_index == 0 ? NULL : bsearch(&key, q->index, q->n_index, sizeof *q->index, by_named);
}

/* A tensor's values, those of a channel as often as it counts. */
static void observe(const mote_quantizer *q, mote_observer *to, const mote_named_value *named, const char *name, const mote_tensor *t)
{
    const mote_qvalue *v = &q->values[named->id];
    if (v->importance == NULL || t->dtype != MOTE_DTYPE_F32 || t->rank < 3 || (uint64_t)t->shape[1] != v->n_importance) {
        mote_observer_tap(to, name, t);
        return;
    }
    mote_observed *e = mote_observer_entry(to, name, strlen(name));
    if (e == NULL) {
        to->status = MOTE_E_MEMORY;
        return;
    }
    e->times++;
    const float *x = mote_tensor_map(t);
    const size_t outer = (size_t)t->shape[0], n = v->n_importance, inner = (size_t)mote_tensor_count(t) / (outer * n + (outer == 0));
    for (size_t o = 0; o < outer; o++)
        for (size_t c = 0; c < n; c++, x += inner)
            mote_histogram_add_weighted(&e->histogram, x, inner, v->importance[c]);
}

static void see_ranges(mote_quantizer *q, const char *name, const mote_tensor *t)
{
    const mote_named_value *named = mote_quant_named(q, name);
    if (q->others) {
        if (named != NULL)
            observe(q, q->other, named, name, t);
        return;
    }
    if (q->o.judge)
        mote_quant_judge_tensor(q, name, named, t);
    if (named == NULL)
        return;
    q->values[named->id].times++;
    q->values[named->id].elements += (uint64_t)mote_tensor_count(t);
    observe(q, q->seen, named, name, t);
    if (q->o.judge && (q->judge.n_samples & 1) != 0)
        observe(q, q->half, named, name, t);
}

/* The model with every tensor that is observed as an output: under its own name, and out of the reach of fusions. */
static mote_status add_outputs(mote_quantizer *q, mote_module *m, mote_diag *diag)
{
    size_t n = 0;
    mote_str *wanted = mote_arena_calloc(&q->arena, q->n_values + q->n_channels + q->n_layers + 1, sizeof *wanted);
    if (wanted == NULL)
        return MOTE_NO_MEMORY(diag, q->n_values * sizeof *wanted);
    if (q->round == MOTE_ROUND_CHANNELS) {
        for (size_t i = 0; i < q->n_channels; i++)
            if (!mote_value_is_output(q->channels[i].value))
                wanted[n++] = q->channels[i].value->name;
    } else if (q->round == MOTE_ROUND_MOMENTS) {
        for (size_t i = q->first_layer; i < q->end_layer; i++) {
            const mote_value *v = q->layers[i].node->in[0].value;
            if (q->layers[i].moments != NULL && v->producer != NULL && !mote_value_is_output(v))
                wanted[n++] = v->name;
        }
    } else {
        for (const mote_value *v = q->module->graph->values; v != NULL; v = v->next)
            if (((q->values[v->id].wanted && q->values[v->id].root == v->id) || q->values[v->id].watched) && v->producer != NULL && !mote_value_is_output(v))
                wanted[n++] = v->name;
    }
    if (n != 0)
        qsort(wanted, n, sizeof *wanted, by_name);
    for (mote_value *v = m->graph->values; v != NULL; v = v->next) /* ids differ in the copy, names do not */
        if (n != 0 && bsearch(&v->name, wanted, n, sizeof *wanted, by_name) != NULL)
            MOTE_TRY(mote_graph_add_output(m->graph, v));
    return MOTE_OK;
}

mote_status mote_quant_load(mote_quantizer *q, const void *bytes, size_t n, const mote_load_options *load, mote_model **out, mote_diag *diag)
{
    mote_load_options own = MOTE_LOAD_OPTIONS_INIT;
    if (load == NULL || (load->struct_size != 0 && load->struct_size <= sizeof own)) {
        if (load != NULL)
            memcpy(&own, load, load->struct_size);
        own.struct_size = sizeof own;
        own.custom_ops = own.custom_ops != NULL ? own.custom_ops : q->custom;
        load = &own;
    }
    return mote_model_load_memory(bytes, n, load, out, diag);
}

mote_status mote_quant_load_bytes(mote_quantizer *q, const mote_load_options *load, mote_model **out, mote_diag *diag)
{
    return mote_quant_load(q, q->bytes, q->n_bytes, load, out, diag);
}

static mote_status model_of_round(mote_quantizer *q, const mote_load_options *load, mote_model **out, mote_diag *diag)
{
    mote_module *m;
    MOTE_TRY(mote_module_clone(q->module, &q->heap, &m));
    mote_status status = add_outputs(q, m, diag);
    if (status == MOTE_OK)
        status = mote_onnx_write_memory(m, &q->heap, &q->bytes, &q->n_bytes, diag);
    mote_module_destroy(&m);
    return status == MOTE_OK ? mote_quant_load_bytes(q, load, out, diag) : status;
}

/* A range of least error on few samples clips what others hold: a channel of which n values were seen, with a tail that falls exponentially, reaches ln(m) / ln(n) times as
 * far in m. From 10^5 values on the error seen is the error to come; below 10^3 the range is all that was seen, and what such a tail says of more. Pictures alone: channels
 * that few pictures wake are their classifiers' way; sounds (rank 3) lose more by the wider range than they gain. */
static void allow_for_more(const mote_value *v, const mote_observation *seen, bool flat, mote_range *r)
{
    const double enough = log(1e5), few = log(1e3);
    double n = (double)seen->times;
    for (int32_t d = 2; d < v->type.rank; d++)
        n *= (double)v->type.dims[d];
    const double known = log(fmax(n, 2)), part = fmin(fmax((enough - known) / (enough - few), 0), 1), more = 1 + 3 * fmax(enough - known, 0) / enough;
    const mote_node *from = v->producer;
    bool by_channel = from != NULL && (mote_node_is(from, "", "Conv") || mote_node_is(from, "", "GlobalAveragePool")), fixed = v->type.rank >= 4;
    for (const mote_use *u = v->uses; u != NULL; u = u->next)
        by_channel = by_channel || (u->node != NULL && u->index == 0 && mote_node_is(u->node, "", "Conv"));
    for (int32_t d = 2; d < v->type.rank; d++)
        fixed = fixed && mote_dim_known(v->type.dims[d]);
    if (!by_channel || !fixed)
        return;
    if (!flat)
        r->lo += (float)(part * ((double)fminf(seen->min, 0) * more - (double)r->lo));
    r->hi += (float)(part * ((double)fmaxf(seen->max, 0) * more - (double)r->hi));
}

mote_status mote_quant_choose_scale(const mote_quantizer *q, const mote_value *v, const mote_qvalue *k, mote_scale *out, mote_diag *diag)
{
    mote_observation seen = MOTE_OBSERVATION_INIT;
    MOTE_REQUIRE(mote_observer_find(q->seen, v->name.p, &seen) == MOTE_OK, diag, MOTE_E_VALUE, "'%.*s' was never made: no sample was run", MOTE_STR_ARG(v->name));
    return mote_quant_scale_from(q, v, k, &seen, out, diag);
}

mote_status mote_quant_scale_from(const mote_quantizer *q, const mote_value *v, const mote_qvalue *k, const mote_observation *seen, mote_scale *out, mote_diag *diag)
{
    mote_range r;
    const unsigned levels = k->type == MOTE_DTYPE_U16 || k->type == MOTE_DTYPE_S16 ? 65536 : 256;
    MOTE_TRY(mote_range_choose(seen, q->o.ranges, levels, k->behind, k->behind_p, &r, diag));
    if (q->o.ranges == MOTE_RANGE_MSE)
        allow_for_more(v, seen, k->behind != NULL, &r);
    *out = mote_scale_of(r, k->type, k->type == MOTE_DTYPE_S16);
    return MOTE_OK;
}

static mote_status choose_scales(mote_quantizer *q, mote_diag *diag)
{
    for (const mote_value *v = q->module->graph->values; v != NULL; v = v->next) {
        mote_qvalue *k = &q->values[v->id];
        if (!k->wanted || k->root != v->id || v->constant != NULL)
            continue;
        MOTE_TRY(mote_quant_choose_scale(q, v, k, &k->scale, diag));
    }
    return MOTE_OK;
}

static mote_status end_round(mote_quantizer *q, mote_diag *diag)
{
    mote_quant_free_bytes(q);
    q->running = false;
    if (q->round == MOTE_ROUND_CHANNELS) {
        MOTE_TRY(mote_quant_equalize(q, diag));
        MOTE_TRY(mote_quant_retype(q->module, diag));
        return mote_quant_select(q, diag);
    }
    if (q->round == MOTE_ROUND_MOMENTS) {
        MOTE_REQUIRE(q->seen_status == MOTE_OK, diag, q->seen_status, "observing tensors: %s", mote_status_string(q->seen_status));
        return mote_quant_end_moments(q, diag);
    }
    mote_status status = mote_observer_status(q->seen);
    MOTE_REQUIRE(status == MOTE_OK, diag, status, "observing tensors: %s", mote_status_string(status));
    if (!q->any[MOTE_PRECISION_INT8])
        return mote_quant_end_judge(q, diag);
    MOTE_TRY(mote_quant_check_samples(q, diag));
    MOTE_TRY(choose_scales(q, diag));
    MOTE_TRY(mote_quant_end_judge(q, diag));
    return mote_quant_weight_scales(q, diag);
}

/* The round after the one that has ended; NONE: there is none. */
static mote_quant_round next_round(const mote_quantizer *q)
{
    const bool samples = q->any[MOTE_PRECISION_INT8] || q->o.variants || (q->any[MOTE_PRECISION_F16] && q->o.samples);
    if (!samples)
        return MOTE_ROUND_NONE;
    if (q->round == MOTE_ROUND_RANGES || q->round == MOTE_ROUND_MOMENTS)
        return q->any[MOTE_PRECISION_INT8] && q->o.effort > 0 && q->end_layer < q->n_layers ? MOTE_ROUND_MOMENTS : MOTE_ROUND_NONE;
    return q->round == MOTE_ROUND_NONE && q->n_channels != 0 ? MOTE_ROUND_CHANNELS : MOTE_ROUND_RANGES;
}

mote_status mote_quant_transform(mote_quantizer *q, mote_diag *diag)
{
    if (q->any[MOTE_PRECISION_INT8])
        MOTE_TRY(mote_quant_insert(q, diag));
    if (q->any[MOTE_PRECISION_INT8_DYNAMIC])
        MOTE_TRY(mote_quant_dynamic(q, diag));
    if (q->any[MOTE_PRECISION_WEIGHTS_INT8] || q->any[MOTE_PRECISION_WEIGHTS_INT4])
        MOTE_TRY(mote_quant_weights(q, diag));
    if (q->any[MOTE_PRECISION_WEIGHTS_F16])
        MOTE_TRY(mote_quant_store(q, diag));
    if (q->any[MOTE_PRECISION_F16]) {
        if (q->recipe != NULL) /* new nodes get their types */
            MOTE_TRY(mote_quant_retype(q->module, diag));
        MOTE_TRY(mote_quant_half(q, diag));
    }
    q->done = true;
    return mote_quant_retype(q->module, diag);
}

mote_status mote_quantizer_next(mote_quantizer *q, const mote_load_options *load, mote_model **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(q != NULL && out != NULL, diag, MOTE_E_ARGUMENT, "quantizer or out is NULL");
    *out = NULL;
    if (q->done)
        return MOTE_OK;
    if (q->running)
        MOTE_TRY(end_round(q, diag));
    const mote_quant_round round = next_round(q);
    if (round == MOTE_ROUND_NONE && q->o.variants)
        return MOTE_OK;
    if (round == MOTE_ROUND_NONE && q->o.inside)
        MOTE_TRY(mote_module_clone(q->module, &q->heap, &q->before));
    if (round == MOTE_ROUND_NONE)
        return mote_quant_transform(q, diag);
    if (q->seen == NULL)
        MOTE_TRY(mote_observer_create(q->o.allocator, &q->seen));
    q->round = round;
    MOTE_TRY(make_index(q, diag));
    MOTE_TRY(mote_quant_begin_judge(q, diag));
    if (round == MOTE_ROUND_MOMENTS)
        MOTE_TRY(mote_quant_begin_moments(q, diag));
    if (q->any[MOTE_PRECISION_INT8] && q->o.effort > 0 && q->o.ranges == MOTE_RANGE_MSE)
        MOTE_TRY(mote_quant_weigh(q, diag));
    q->running = true;
    return model_of_round(q, load, out, diag);
}

void mote_quantizer_tap(void *quantizer, const char *name, const mote_tensor *tensor)
{
    mote_quantizer *q = quantizer;
    if (q == NULL || !q->running)
        return;
    if (q->round == MOTE_ROUND_CHANNELS)
        mote_quant_see_channels(q, name, tensor);
    else if (q->round == MOTE_ROUND_MOMENTS)
        q->seen_status = q->seen_status == MOTE_OK ? mote_quant_see_moments(q, name, tensor) : q->seen_status;
    else
        see_ranges(q, name, tensor);
}

mote_status mote_quant_set_property(mote_module *m, mote_str key, mote_str value, mote_diag *diag)
{
    size_t at = 0;
    while (at < m->n_props && !mote_str_eq(m->props[at].key, key))
        at++;
    if (at == m->n_props) {
        mote_prop *grown = mote_arena_calloc(&m->arena, m->n_props + 1, sizeof *grown);
        if (grown == NULL)
            return MOTE_NO_MEMORY(diag, m->n_props);
        if (m->n_props != 0)
            memcpy(grown, m->props, m->n_props * sizeof *grown);
        m->props = grown;
        m->props[m->n_props++].key = mote_arena_str(&m->arena, key);
    }
    m->props[at].value = mote_arena_str(&m->arena, value);
    return m->props[at].value.p != NULL && m->props[at].key.p != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, value.n);
}

mote_status mote_quantizer_set_metadata(mote_quantizer *q, const char *key, const char *value, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(q != NULL && key != NULL && key[0] != 0 && value != NULL, diag, MOTE_E_ARGUMENT, "a NULL argument, or a key without a name");
    return mote_quant_set_property(q->module, mote_str_c(key), mote_str_c(value), diag);
}

mote_status mote_quantizer_write(const mote_quantizer *q, const char *path, bool overwrite, mote_diag *diag)
{
    const mote_onnx_write_options o = {.overwrite = overwrite};
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(q != NULL && path != NULL && q->done, diag, MOTE_E_ARGUMENT, "the quantizer has rounds to go, or path is NULL");
    return mote_onnx_write_path(q->module, path, &o, diag);
}

size_t mote_quantizer_layer_count(const mote_quantizer *q) { return q == NULL ? 0 : q->n_layers; }

/* Elements of constant weights: a layer's, all that a recurrent one has. */
static uint64_t weights_of(const mote_layer *l)
{
    uint64_t n = 0;
    for (uint32_t i = 1; i < l->node->n_in && (l->weight == NULL || i < 2); i++)
        if (l->node->in[i].value != NULL && l->node->in[i].value->constant != NULL)
            n += mote_array_count(l->node->in[i].value->constant);
    return l->weight != NULL ? mote_array_count(l->weight->constant) : n;
}

/* Multiplications of one run: elements that come out, each of a sum; a recurrent layer uses each weight once a step. */
static double products_of(const mote_quantizer *q, const mote_layer *l)
{
    const mote_node *n = l->node;
    const mote_value *y = n->out[0];
    if (y == NULL || y->id >= q->n_values || q->values[y->id].times == 0)
        return 0;
    const double out = (double)q->values[y->id].elements / (double)q->values[y->id].times;
    if (l->weight != NULL && l->axis >= 0)
        return out * (double)mote_array_count(l->weight->constant) / (double)mote_layer_channels(l);
    if (mote_node_is(n, "", "MatMul")) { /* two computed tensors: the sum runs over the first's last dimension */
        const mote_type *t = &n->in[0].value->type;
        return t->rank > 0 && t->dims[t->rank - 1] > 0 ? out * (double)t->dims[t->rank - 1] : 0;
    }
    const mote_type *t = &y->type; /* [steps, directions, batch, hidden] */
    const double per_step = t->rank == 4 && t->dims[1] > 0 && t->dims[3] > 0 ? (double)(t->dims[1] * t->dims[3]) : 0;
    return per_step > 0 ? out / per_step * (double)weights_of(l) : 0;
}

mote_status mote_quantizer_layer_at(const mote_quantizer *q, size_t index, mote_quantized_layer *out)
{
    if (q == NULL || index >= q->n_layers || out == NULL || out->struct_size < sizeof *out)
        return MOTE_E_ARGUMENT;
    const mote_layer *l = &q->layers[index];
    const mote_node *n = l->node;
    const char *name = n->name.n != 0 ? n->name.p : n->n_out != 0 && n->out[0] != NULL ? n->out[0]->name.p : "";
    *out = (mote_quantized_layer){sizeof *out, name, n->op.p, l->why, mote_precision_names[l->plan.precision], weights_of(l), products_of(q, l)};
    return MOTE_OK;
}
