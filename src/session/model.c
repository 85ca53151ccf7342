/* model.c - loading a model: read, resolve, infer, simplify, lower
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/model.h"
#include "base/cpu.h"
#include "base/map.h"
#include "base/size.h"
#include "base/sum.h"
#include "onnx/read.h"
#include "ops/custom.h"
#include "ops/op.h"
#include "passes/pass.h"
#include "provider/cpu/family.h"
#include "session/compiled.h"
#include "session/values.h"
#include <stdio.h>

size_t mote_graph_value_count(const mote_graph *g)
{
    size_t n = 0;
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        n++;
    return n;
}

void mote_model_reference(mote_model *model) { atomic_fetch_add(&model->references, 1); }

void mote_model_release(mote_model *model)
{
    if (model == NULL || atomic_fetch_sub(&model->references, 1) != 1)
        return;
    mote_packs_destroy(&model->packs);
    mote_groups_destroy(&model->groups);
    if (model->module != NULL)
        mote_module_destroy(&model->module);
    mote_onnx_files_destroy(&model->files);
    mote_custom_ops_release(model->custom);
    /* The heap is a member: its allocator is copied out before the member goes. */
    mote_heap heap;
    mote_heap_init(&heap, &model->heap.allocator, 0);
    heap.allocator.free(heap.allocator.ctx, model, sizeof *model);
}

void mote_model_destroy(mote_model **model)
{
    if (model == NULL || *model == NULL)
        return;
    mote_model_release(*model);
    *model = NULL;
}

/* ---- after reading ---- */

/* Numbers the values of every graph, subgraphs included, so that a frame finds a value's slot in one step. */
static void number_values(mote_model *model, const mote_graph *g, int depth)
{
    uint32_t at = 0;
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        model->index[v->id] = at++;
    if (depth == 0)
        return;
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                number_values(model, a->g, depth - 1);
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                number_values(model, a->graphs[i], depth - 1);
        }
}

static mote_status split_defaults(mote_model *model, bool keep, mote_diag *diag)
{
    mote_module *m = model->module;
    model->defaults = mote_arena_calloc(&m->arena, m->graph->n_inputs, sizeof *model->defaults);
    if (model->defaults == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    for (size_t i = 0; keep && i < m->graph->n_inputs; i++) {
        mote_value *v = m->graph->inputs[i];
        MOTE_REQUIRE(v->constant == NULL || !model->compiled, diag, MOTE_E_UNSUPPORTED,
                     "input '%.*s': its default was folded into the compiled model: load the ONNX file to give it", MOTE_STR_ARG(v->name));
        model->defaults[i] = v->constant;
        v->constant = NULL;
    }
    return MOTE_OK;
}

typedef struct assignment {
    mote_model *model;
    const char *const *providers;
} assignment;

static mote_status assign(void *ctx, mote_module *m, mote_diag *diag)
{
    const assignment *a = ctx;
    return mote_partition(m, a->providers, &a->model->log, &a->model->groups, diag);
}

static mote_status finish(mote_model *model, const mote_load_options *o, mote_diag *diag)
{
    mote_module *m = model->module;
    bool stop = false;
    MOTE_TRY(split_defaults(model, o->keep_optional_inputs, diag));
    if (o->stop_after != NULL && strcmp(o->stop_after, "load") == 0)
        stop = true;
    if (!stop) {
        MOTE_TRY(mote_ops_resolve(m, diag));
        MOTE_TRY(mote_infer_module(m, diag));
        stop = o->stop_after != NULL && strcmp(o->stop_after, "infer") == 0;
    }
    if (!stop && model->compiled) {
        const bool passes = o->disabled_passes != NULL || (o->stop_after != NULL && strcmp(o->stop_after, "lower") != 0);
        MOTE_REQUIRE(o->arithmetic == MOTE_ARITHMETIC_F32, diag, MOTE_E_UNSUPPORTED, "this is a compiled model: load the ONNX file to choose the precision");
        MOTE_REQUIRE(!passes && (o->providers == NULL || o->providers[0] == NULL || strcmp(o->providers[0], "cpu") == 0), diag, MOTE_E_UNSUPPORTED,
                     "this is a compiled model, for the CPU, its passes have run: load the ONNX file to choose passes and providers");
    } else if (!stop) {
        assignment a = {model, o->providers};
        mote_pass_options p = {.disabled = o->disabled_passes, .stop_after = o->stop_after, .fold_limit = o->fold_limit, .lower = !o->reference,
                               .assign = assign, .assign_ctx = &a};
        MOTE_TRY(mote_passes_run(m, &p, diag));
    }
    model->index = mote_arena_calloc(&m->arena, m->n_values, sizeof *model->index);
    if (model->index == NULL)
        return MOTE_NO_MEMORY(diag, m->n_values * sizeof *model->index);
    number_values(model, m->graph, 100);
    return mote_packs_create(&model->heap, model->files, &model->packs);
}

/* ---- sources ---- */

typedef struct source {
    const char *path;   /* a path; or */
    int fd;             /* a descriptor with offset and length (path NULL, fd >= 0); or */
    uint64_t offset, length;
    const void *data;   /* memory; or */
    size_t bytes;
    const mote_reader *reader;
    const mote_onnx_stored *stored; /* with data: a compiled model's graph, for the features */
    uint32_t cpu;
} source;

static mote_status load(const source *src, const mote_load_options *options, mote_model **out, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(out != NULL, diag, MOTE_E_ARGUMENT, "out is NULL");
    *out = NULL;
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    if (options != NULL) {
        MOTE_REQUIRE(options->struct_size != 0 && options->struct_size <= sizeof o, diag, MOTE_E_ARGUMENT,
                     "load options of %zu bytes are not of this version", options->struct_size);
        memcpy(&o, options, options->struct_size);
        o.struct_size = sizeof o;
    }
    const uint32_t cpu = o.cpu_mask != 0 ? mote_cpu_features() & o.cpu_mask : mote_cpu_features();
    MOTE_REQUIRE(o.arithmetic == MOTE_ARITHMETIC_F32 || o.arithmetic == MOTE_ARITHMETIC_BF16, diag, MOTE_E_ARGUMENT, "arithmetic %d is not known", (int)o.arithmetic);
    MOTE_REQUIRE(o.arithmetic == MOTE_ARITHMETIC_F32 || mote_family_has_bf16(cpu), diag, MOTE_E_UNSUPPORTED,
                 "this machine has no bfloat16 arithmetic: it wants the CPU features avx512bf16 and amxbf16");
    const mote_allocator *allocator = o.allocator;
    MOTE_REQUIRE(allocator == NULL || (allocator->struct_size == sizeof *allocator && allocator->alloc != NULL && allocator->free != NULL), diag,
                 MOTE_E_ARGUMENT, "the allocator lacks a function, or is not of this version");
    mote_heap heap;
    mote_heap_init(&heap, allocator, 0);
    mote_model *model = heap.allocator.alloc(heap.allocator.ctx, sizeof *model, MOTE_ALIGN);
    if (model == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *model);
    memset(model, 0, sizeof *model);
    mote_heap_init(&model->heap, allocator, o.memory_limit);
    atomic_store(&model->heap.used, sizeof *model);
    atomic_init(&model->references, 1);
    model->cpu = cpu;
    model->bf16 = o.arithmetic == MOTE_ARITHMETIC_BF16;
    model->reference = o.reference;
    model->custom = mote_custom_ops_keep(o.custom_ops);
    model->log = (mote_log){o.log, o.log_ctx};
    if (src->stored != NULL)
        model->cpu = src->cpu;
    mote_compiled compiled = {.heap = &model->heap, .cpu = model->cpu};
    const mote_onnx_read_options r = {.external_folder = o.external_folder, .copy = o.copy, .stored = src->stored, .unwrap = mote_compiled_unwrap, .unwrap_ctx = &compiled};
    mote_status status;
    if (src->path != NULL)
        status = mote_onnx_read_path(&model->heap, src->path, &r, &model->module, &model->files, diag);
    else if (src->reader != NULL)
        status = mote_onnx_read_reader(&model->heap, src->reader, &r, &model->module, &model->files, diag);
    else if (src->fd >= 0)
        status = mote_onnx_read_fd(&model->heap, src->fd, src->offset, src->length, &r, &model->module, &model->files, diag);
    else
        status = mote_onnx_read_memory(&model->heap, src->data, src->bytes, &r, &model->module, &model->files, diag);
    if (status == MOTE_OK) {
        model->module->custom = model->custom;
        model->mapped_bytes = mote_onnx_files_bytes(model->files);
        model->compiled = compiled.file != NULL || src->stored != NULL;
        status = finish(model, &o, diag);
    }
    if (status == MOTE_OK && compiled.file != NULL) {
        const mote_compiled_header *h = &compiled.header;
        model->payload = (mote_str){compiled.file + h->payload_at, (size_t)(h->file_bytes - h->payload_at)};
        model->payload_sum = h->payload_sum;
        status = mote_compiled_packs(&compiled, model->packs);
    }
    mote_compiled_close(&compiled);
    if (status == MOTE_E_MEMORY && o.memory_limit != 0) { /* say which limit it was */
        if (diag != NULL)
            *diag = (mote_diag)MOTE_DIAG_INIT;
        status = mote_fail(diag, MOTE_E_LIMIT, "loading passes the memory limit of %zu bytes", o.memory_limit);
    }
    if (status != MOTE_OK) {
        if (diag != NULL && diag->code == MOTE_OK)
            (void)mote_fail(diag, status, "%s", mote_status_string(status));
        mote_model_release(model);
        return status;
    }
    *out = model;
    return MOTE_OK;
}

mote_status mote_model_load_path(const char *path, const mote_load_options *options, mote_model **out, mote_diag *diag)
{
    if (path == NULL || out == NULL)
        return mote_fail(diag, MOTE_E_ARGUMENT, "path or out is NULL");
    return load(&(source){.path = path, .fd = -1}, options, out, diag);
}

mote_status mote_model_load_memory(const void *data, size_t bytes, const mote_load_options *options, mote_model **out, mote_diag *diag)
{
    if (data == NULL || out == NULL)
        return mote_fail(diag, MOTE_E_ARGUMENT, "data or out is NULL");
    return load(&(source){.fd = -1, .data = data, .bytes = bytes}, options, out, diag);
}

mote_status mote_model_load_fd(int fd, uint64_t offset, uint64_t length, const mote_load_options *options, mote_model **out, mote_diag *diag)
{
    if (fd < 0 || out == NULL)
        return mote_fail(diag, MOTE_E_ARGUMENT, "fd is negative or out is NULL");
    return load(&(source){.fd = fd, .offset = offset, .length = length}, options, out, diag);
}

mote_status mote_model_load_reader(const mote_reader *reader, const mote_load_options *options, mote_model **out, mote_diag *diag)
{
    if (reader == NULL || reader->read == NULL || reader->struct_size < sizeof *reader || out == NULL)
        return mote_fail(diag, MOTE_E_ARGUMENT, "the reader is NULL or incomplete, or out is NULL");
    return load(&(source){.fd = -1, .reader = reader}, options, out, diag);
}

mote_status mote_model_load_stored(mote_str graph, const mote_onnx_stored *stored, uint32_t cpu, const mote_load_options *options, mote_model **out,
                                   mote_diag *diag)
{
    return load(&(source){.fd = -1, .data = graph.p, .bytes = graph.n, .stored = stored, .cpu = cpu}, options, out, diag);
}

mote_status mote_model_check(const mote_model *model, mote_diag *diag)
{
    MOTE_REQUIRE(model != NULL, diag, MOTE_E_ARGUMENT, "the model is NULL");
    MOTE_REQUIRE(model->payload.p == NULL || mote_sum(0, model->payload.p, model->payload.n) == model->payload_sum, diag, MOTE_E_FORMAT,
                 "the compiled model is damaged: the checksum of its data differs");
    return MOTE_OK;
}

/* ---- questions ---- */

const char *mote_cpu_family(uint32_t cpu_mask)
{
    const uint32_t cpu = mote_cpu_features();
    return mote_family_of(cpu_mask != 0 ? cpu & cpu_mask : cpu);
}

size_t mote_model_input_count(const mote_model *model) { return model == NULL ? 0 : model->module->graph->n_inputs; }
size_t mote_model_output_count(const mote_model *model) { return model == NULL ? 0 : model->module->graph->n_outputs; }

static mote_status value_info(const mote_model *model, const mote_value *v, bool optional, mote_value_info *info)
{
    if (info == NULL || info->struct_size < sizeof *info)
        return MOTE_E_ARGUMENT;
    const mote_type *t = &v->type;
    *info = (mote_value_info)MOTE_VALUE_INFO_INIT;
    info->name = v->name.p;
    info->optional = optional;
    info->kind = t->kind;
    if (t->kind != MOTE_KIND_TENSOR) {
        info->element_kind = t->element != NULL ? t->element->kind : MOTE_KIND_TENSOR;
        info->element_dtype = mote_type_leaf(t)->dtype;
        return MOTE_OK;
    }
    info->dtype = t->dtype;
    info->rank = t->rank;
    for (int32_t d = 0; d < t->rank; d++) {
        info->shape[d] = mote_dim_known(t->dims[d]) ? t->dims[d] : -1;
        if (t->dims[d] < MOTE_DIM_UNKNOWN)
            info->symbols[d] = model->module->symbols[MOTE_DIM_SYMBOL_INDEX(t->dims[d])].p;
    }
    return MOTE_OK;
}

mote_status mote_model_input_info(const mote_model *model, size_t index, mote_value_info *info)
{
    if (model == NULL || index >= model->module->graph->n_inputs)
        return MOTE_E_ARGUMENT;
    const mote_value *v = model->module->graph->inputs[index];
    return value_info(model, v, v->constant != NULL || model->defaults[index] != NULL, info);
}

mote_status mote_model_output_info(const mote_model *model, size_t index, mote_value_info *info)
{
    if (model == NULL || index >= model->module->graph->n_outputs)
        return MOTE_E_ARGUMENT;
    return value_info(model, model->module->graph->outputs[index]->value, false, info);
}

size_t mote_model_input_index(const mote_model *model, const char *name)
{
    for (size_t i = 0; name != NULL && i < mote_model_input_count(model); i++)
        if (mote_str_is(model->module->graph->inputs[i]->name, name))
            return i;
    return SIZE_MAX;
}

size_t mote_model_output_index(const mote_model *model, const char *name)
{
    for (size_t i = 0; name != NULL && i < mote_model_output_count(model); i++)
        if (mote_str_is(model->module->graph->outputs[i]->value->name, name))
            return i;
    return SIZE_MAX;
}

size_t mote_model_metadata_count(const mote_model *model) { return model == NULL ? 0 : model->module->n_props; }

mote_status mote_model_metadata_at(const mote_model *model, size_t index, const char **key, const char **value)
{
    if (model == NULL || key == NULL || value == NULL || index >= model->module->n_props)
        return MOTE_E_ARGUMENT;
    *key = model->module->props[index].key.p;
    *value = model->module->props[index].value.p;
    return MOTE_OK;
}

const char *mote_model_metadata(const mote_model *model, const char *key)
{
    const mote_prop *p = model == NULL || key == NULL ? NULL : mote_module_prop(model->module, key);
    return p == NULL ? NULL : p->value.p;
}

mote_status mote_model_dump(const mote_model *model, bool (*write)(void *ctx, const char *text, size_t n), void *ctx)
{
    if (model == NULL || write == NULL)
        return MOTE_E_ARGUMENT;
    mote_heap heap;
    mote_heap_init(&heap, &model->heap.allocator, 0);
    mote_text text;
    mote_text_init(&text, &heap);
    mote_module_print(model->module, &text, false);
    mote_groups_print(&model->groups, &text);
    mote_status status = text.failed ? MOTE_E_MEMORY : MOTE_OK;
    if (status == MOTE_OK && text.n != 0 && !write(ctx, text.p, text.n))
        status = MOTE_E_IO;
    mote_text_deinit(&text);
    return status;
}
