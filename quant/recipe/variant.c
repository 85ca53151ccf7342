/* variant.c - other recipes on what one calibration saw
 * SPDX-License-Identifier: Apache-2.0
 *
 * Ranges, rounded weights and corrected biases of a layer depend on the float model and on the layer's own scale, not on what the other layers are. So a copy of the
 * model under another recipe takes them from the quantizer that saw the samples, and is what a quantizer of that recipe would have made of it (with the
 * channels equalized for the first recipe). */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "quant/recipe/variant.h"
#include "onnx/write.h"

static mote_status take_scales(const mote_quantizer *from, mote_quantizer *to, mote_diag *diag)
{
    for (const mote_value *v = to->module->graph->values; v != NULL; v = v->next) {
        mote_qvalue *k = v->id < to->n_values ? &to->values[v->id] : NULL;
        if (k == NULL || !k->wanted || k->root != v->id || v->constant != NULL)
            continue;
        const mote_named_value *named = mote_quant_named(from, v->name.p);
        mote_qvalue *own = named != NULL ? &from->values[named->id] : NULL;
        MOTE_REQUIRE(own != NULL, diag, MOTE_E_VALUE, "'%.*s' was never looked at", MOTE_STR_ARG(v->name));
        if (own->scale.scale == 0 || own->scale.type != k->type) {
            mote_scale made;
            MOTE_TRY(mote_quant_choose_scale(from, v, k, &made, diag));
            k->scale = made;
            if (own->type == MOTE_DTYPE_NONE || own->type == k->type)
                own->scale = made; /* chosen once */
        } else {
            k->scale = own->scale;
        }
    }
    return MOTE_OK;
}

/* Layers stand in the same order in both; those that are quantized as they were have the same weights. */
static mote_status take_weights(const mote_quantizer *from, mote_quantizer *to, mote_diag *diag)
{
    MOTE_REQUIRE(from->n_layers == to->n_layers, diag, MOTE_E_MODEL, "a copy with %zu layers, expected %zu", to->n_layers, from->n_layers);
    for (size_t i = 0; i < to->n_layers; i++) {
        const mote_layer *a = &from->layers[i];
        mote_layer *b = &to->layers[i];
        if (!mote_layer_takes(a, MOTE_PRECISION_INT8) || !mote_layer_takes(b, MOTE_PRECISION_INT8) || a->plan.per_tensor != b->plan.per_tensor ||
            a->plan.activations != b->plan.activations)
            continue;
        b->scales = a->scales;
        b->n_scales = a->n_scales;
        b->rounded = a->rounded;
        b->shift = a->shift;
    }
    return MOTE_OK;
}

static mote_status make(const mote_quantizer *from, mote_quantizer *to, mote_diag *diag)
{
    MOTE_TRY(mote_module_clone(from->module, &to->heap, &to->module));
    to->module->custom = from->custom;
    MOTE_TRY(mote_quant_plan(to, diag));
    if (mote_quant_needs_21(to)) {
        MOTE_TRY(mote_quant_raise(to->module, 21, diag));
        MOTE_TRY(mote_quant_retype(to->module, diag));
    }
    MOTE_TRY(mote_quant_select(to, diag));
    MOTE_TRY(take_scales(from, to, diag));
    MOTE_TRY(take_weights(from, to, diag));
    if (to->any[MOTE_PRECISION_INT8])
        MOTE_TRY(mote_quant_weight_scales(to, diag)); /* of the layers that have none yet */
    to->seen = from->seen;
    mote_status status = mote_quant_transform(to, diag);
    to->seen = NULL;
    mote_quant_sweep(to->module->graph); /* what equalization left */
    return status;
}

static mote_status begin(const mote_quantizer *q, const char *recipe, mote_quantizer *v, mote_diag *diag)
{
    *v = (mote_quantizer){.o = q->o};
    mote_heap_init(&v->heap, q->o.allocator, 0);
    mote_arena_init(&v->arena, &v->heap);
    v->o.recipe = recipe;
    v->o.variants = false;
    return make(q, v, diag);
}

static void end(mote_quantizer *v)
{
    mote_module_destroy(&v->module);
    mote_arena_deinit(&v->arena);
}

static mote_status give(mote_quantizer *q, mote_status status, const mote_load_options *load, mote_model **out, size_t *bytes, mote_diag *diag)
{
    if (status == MOTE_OK)
        status = mote_quant_load_bytes(q, load, out, diag);
    if (bytes != NULL)
        *bytes = status == MOTE_OK ? q->n_bytes : 0;
    return status;
}

mote_status mote_quant_edited(mote_quantizer *q, const char *recipe, mote_status (*edit)(void *ctx, mote_module *m, mote_diag *diag), void *ctx, const mote_load_options *load,
                              mote_model **out, size_t *bytes, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(q != NULL && recipe != NULL && out != NULL, diag, MOTE_E_ARGUMENT, "quantizer, recipe or out is NULL");
    *out = NULL;
    mote_quantizer v;
    mote_quant_free_bytes(q);
    MOTE_REQUIRE(q->o.variants && q->seen != NULL && !q->running, diag, MOTE_E_ARGUMENT, "the quantizer has rounds to go, or was not made for variants");
    mote_status status = begin(q, recipe, &v, diag);
    size_t whole = 0;
    if (status == MOTE_OK && edit != NULL) {
        if (bytes != NULL)
            status = mote_onnx_write_memory(v.module, &q->heap, NULL, &whole, diag);
        if (status == MOTE_OK)
            status = edit(ctx, v.module, diag);
    }
    if (status == MOTE_OK)
        status = mote_onnx_write_memory(v.module, &q->heap, &q->bytes, &q->n_bytes, diag);
    end(&v);
    status = give(q, status, load, out, bytes, diag);
    if (edit != NULL && bytes != NULL)
        *bytes = status == MOTE_OK ? whole : 0;
    return status;
}

mote_status mote_quantizer_variant(mote_quantizer *q, const char *recipe, const mote_load_options *load, mote_model **out, size_t *bytes, mote_diag *diag)
{
    return mote_quant_edited(q, recipe, NULL, NULL, load, out, bytes, diag);
}

mote_status mote_quantizer_result(mote_quantizer *q, const mote_load_options *load, mote_model **out, size_t *bytes, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(q != NULL && out != NULL, diag, MOTE_E_ARGUMENT, "quantizer or out is NULL");
    *out = NULL;
    MOTE_REQUIRE(q->done, diag, MOTE_E_ARGUMENT, "the quantizer has rounds to go");
    mote_quant_free_bytes(q);
    return give(q, mote_onnx_write_memory(q->module, &q->heap, &q->bytes, &q->n_bytes, diag), load, out, bytes, diag);
}
