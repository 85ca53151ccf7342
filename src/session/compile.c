/* compile.c - writing compiled models: the graph is written, read back as it will be, planned, and the packs that planning made written behind it
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/cpu.h"
#include "base/map.h"
#include "base/outfile.h"
#include "base/size.h"
#include "base/sum.h"
#include "onnx/emit.h"
#include "onnx/write.h"
#include "provider/cpu/family.h"
#include "session/compiled.h"
#include "session/frame.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    GONE_LEAST = 4097, /* bytes: planning aligns, and so reads, all smaller constants */
    RUN_STEPS = 20000,
};

typedef struct compile_job {
    mote_model *source, *model; /* model: of the graph as it is written; its constants' data are the source's */
    mote_session *session;
    mote_str graph;             /* from the source's heap */
    mote_str *tensors;
    size_t n_tensors, n_packs, cap_packs;
    bool *gone;                 /* by tensor: not written */
    mote_compiled_pack *packs;
    const void **data;          /* of packs */
    mote_compiled_header header;
    uint64_t end;               /* of the payload so far */
    mote_diag *diag;
} compile_job;

/* ---- what it is made of ---- */

/* A checksum of all that the result depends on but the machine and the library: the model's bytes, of external data the names and places alone. */
static mote_status source_sum(const char *path, const mote_compile_options *o, const mote_load_options *load, uint64_t *sum, mote_diag *diag)
{
    mote_heap heap;
    mote_heap_init(&heap, load->allocator, 0);
    mote_map map;
    MOTE_TRY(mote_map_path(&map, path, load->copy, &heap, diag));
    *sum = mote_sum(0, map.data, map.bytes);
    mote_map_deinit(&map);
    const uint64_t numbers[] = {load->fold_limit, o->keep_weights, o->shape_count};
    *sum = mote_sum(*sum, numbers, sizeof numbers);
    if (load->disabled_passes != NULL)
        *sum = mote_sum(*sum, load->disabled_passes, strlen(load->disabled_passes));
    for (size_t i = 0; i < o->shape_count; i++)
        *sum = mote_sum(*sum, o->shapes[i].shape, o->shapes[i].rank > 0 && o->shapes[i].rank <= MOTE_MAX_RANK ? (size_t)o->shapes[i].rank * sizeof(int64_t) : 0);
    return MOTE_OK;
}

/* ---- planning ---- */

static mote_status plan(compile_job *j, const mote_compile_options *o)
{
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    MOTE_TRY(mote_session_create(j->model, &so, &j->session, j->diag));
    if (o->shapes != NULL)
        return mote_session_prepare(j->session, o->shapes, o->shape_count, j->diag);
    if (j->session->current != NULL)
        return MOTE_OK;
    const size_t n = mote_model_input_count(j->model);
    mote_tensor *shapes = mote_heap_calloc(&j->source->heap, n + 1, sizeof *shapes);
    mote_status status = shapes != NULL ? MOTE_OK : MOTE_NO_MEMORY(j->diag, n * sizeof *shapes);
    for (size_t i = 0; i < n && status == MOTE_OK; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        (void)mote_model_input_info(j->model, i, &info);
        shapes[i] = (mote_tensor)MOTE_TENSOR_INIT;
        shapes[i].kind = info.kind;
        if (info.optional || info.kind != MOTE_KIND_TENSOR)
            continue;
        if (info.rank < 0 || info.dtype == MOTE_DTYPE_NONE)
            status = mote_fail(j->diag, MOTE_E_SHAPE, "input '%s' has no fixed rank and type: shapes to compile for must be given", info.name);
        shapes[i].dtype = info.dtype;
        shapes[i].rank = info.rank;
        for (int32_t d = 0; d < info.rank; d++)
            shapes[i].shape[d] = info.shape[d] < 0 ? 1 : info.shape[d];
    }
    if (status == MOTE_OK)
        status = mote_session_prepare(j->session, shapes, n, j->diag);
    if (status == MOTE_E_SHAPE && j->diag != NULL) {
        const size_t said = strlen(j->diag->message);
        snprintf(j->diag->message + said, sizeof j->diag->message - said, " (open sizes were taken as 1: give others to compile for)");
    }
    mote_heap_free(&j->source->heap, shapes, (n + 1) * sizeof *shapes);
    return status;
}

/* What the bodies of If, Loop and Scan pack is known once they have run. On zeros, and for a bounded time: a body that this does not reach, or a model
 * that does not take zeros, keeps its weights as they were. */
static void run_once(compile_job *j)
{
    bool bodies = false;
    for (const mote_node *n = j->model->module->graph->first; n != NULL; n = n->next)
        bodies = bodies || (n->def->flags & MOTE_OP_CONTROL) != 0;
    const mote_run_options o = {sizeof o, RUN_STEPS};
    if (bodies)
        (void)mote_session_run(j->session, &o, NULL);
}

/* Whether every use of a constant is one whose step reads packs of it alone. */
static bool is_gone(const mote_value *v)
{
    if (v->uses == NULL || v->is_input || v->constant->bytes < GONE_LEAST)
        return false;
    for (const mote_use *u = v->uses; u != NULL; u = u->next) {
        const mote_frame_step *s = u->node != NULL ? u->node->scratch : NULL;
        if (s == NULL || s->dynamic || s->step.run == mote_frame_reference || u->index >= 32 || (s->step_gone >> u->index & 1u) == 0)
            return false;
    }
    return true;
}

/* A tensor is known by its data. What several constants borrow goes only when all of them do. */
static void judge(compile_job *j, const mote_graph *g)
{
    for (const mote_value *v = g->values; v != NULL; v = v->next)
        for (size_t i = 0; v->constant != NULL && i < j->n_tensors; i++)
            if (v->constant->data == j->tensors[i].p && v->constant->bytes == j->tensors[i].n)
                j->gone[i] = j->gone[i] && is_gone(v);
    for (const mote_node *n = g->first; n != NULL; n = n->next)
        for (const mote_attr *a = n->attrs; a != NULL; a = a->next) {
            if (a->kind == MOTE_ATTR_GRAPH)
                judge(j, a->g);
            for (size_t i = 0; a->kind == MOTE_ATTR_GRAPHS && i < a->n; i++)
                judge(j, a->graphs[i]);
        }
}

/* Every node's step; of one that has several, in plans of its subgraph for several shapes, one that reads what any of them reads. */
static void mark(const mote_frame *f)
{
    for (size_t k = 0; k < f->n_steps; k++) {
        mote_frame_step *s = &f->steps[k], *other;
        mote_node *n = (mote_node *)(uintptr_t)s->step.node;
        if (n == NULL)
            continue;
        other = n->scratch;
        if (other == NULL || s->dynamic || s->step.run == mote_frame_reference)
            n->scratch = s;
        else
            other->step_gone &= s->step_gone;
        for (int c = 0; c < 2; c++)
            for (const mote_frame *child = s->children[c]; child != NULL; child = child->next)
                mark(child);
    }
}

static void find_gone(compile_job *j)
{
    mark(j->session->current);
    memset(j->gone, true, j->n_tensors * sizeof *j->gone);
    judge(j, j->session->current->graph);
}

/* ---- writing ---- */

static bool place(compile_job *j, size_t bytes, uint64_t *at)
{
    *at = mote_div_up((size_t)j->end, MOTE_ALIGN) * MOTE_ALIGN;
    return !__builtin_add_overflow(*at, (uint64_t)bytes, &j->end) && j->end <= PTRDIFF_MAX;
}

static mote_status add_pack(void *ctx, const mote_pack_key *key, const void *data, size_t bytes)
{
    compile_job *j = ctx;
    if (j->packs == NULL) {
        j->n_packs++;
        return MOTE_OK;
    }
    mote_compiled_pack *p = &j->packs[j->n_packs];
    *p = (mote_compiled_pack){.bytes = bytes, .variant = key->variant, .n = key->n};
    memcpy(p->ids, key->ids, sizeof p->ids);
    j->data[j->n_packs++] = data;
    return MOTE_OK;
}

static mote_status collect(compile_job *j)
{
    mote_heap *heap = &j->source->heap;
    (void)mote_packs_each(j->model->packs, add_pack, j);
    j->cap_packs = j->n_packs;
    j->n_packs = 0;
    j->packs = mote_heap_calloc(heap, j->cap_packs + 1, sizeof *j->packs);
    j->data = mote_heap_calloc(heap, j->cap_packs + 1, sizeof *j->data);
    if (j->packs == NULL || j->data == NULL)
        return MOTE_NO_MEMORY(j->diag, j->cap_packs * sizeof *j->packs);
    return mote_packs_each(j->model->packs, add_pack, j);
}

static void pad_to(mote_emit *e, uint64_t at)
{
    static const char zeros[MOTE_ALIGN];
    while (e->n < at)
        mote_emit_bytes(e, zeros, mote_min_size(sizeof zeros, (size_t)(at - e->n)));
}

/* Everything behind the header; the sums come from reading it again. */
static void put_all(mote_emit *e, const compile_job *j, const mote_compiled_tensor *tensors)
{
    const mote_compiled_header *h = &j->header;
    mote_emit_bytes(e, h, sizeof *h);
    mote_emit_bytes(e, tensors, j->n_tensors * sizeof *tensors);
    mote_emit_bytes(e, j->packs, j->n_packs * sizeof *j->packs);
    mote_emit_bytes(e, j->graph.p, j->graph.n);
    pad_to(e, h->payload_at);
    for (size_t i = 0; i < j->n_tensors; i++)
        if (tensors[i].at != UINT64_MAX) {
            pad_to(e, tensors[i].at);
            mote_emit_bytes(e, j->tensors[i].p, j->tensors[i].n);
        }
    for (size_t i = 0; i < j->n_packs; i++) {
        pad_to(e, j->packs[i].at);
        mote_emit_bytes(e, j->data[i], (size_t)j->packs[i].bytes);
    }
    pad_to(e, h->file_bytes);
}

static mote_status seal(compile_job *j, int fd, const char *path)
{
    mote_compiled_header *h = &j->header;
    mote_map map;
    MOTE_TRY(mote_map_fd(&map, fd, 0, 0, false, path, NULL, j->diag));
    h->payload_sum = mote_sum(0, map.data + h->payload_at, map.bytes - (size_t)h->payload_at);
    ssize_t n = pwrite(fd, h, sizeof *h, 0);
    h->head_sum = mote_compiled_head_sum(map.data, (size_t)h->payload_at); /* a private map shows what is written to the file, as long as nobody writes to the map */
    n = n == (ssize_t)sizeof *h ? pwrite(fd, h, sizeof *h, 0) : n;
    mote_map_deinit(&map);
    MOTE_REQUIRE(n == (ssize_t)sizeof *h, j->diag, MOTE_E_IO, "%s: %s", path, n < 0 ? strerror(errno) : "short write");
    return MOTE_OK;
}

static mote_status write_file(compile_job *j, const char *path)
{
    mote_heap *heap = &j->source->heap;
    mote_compiled_header *h = &j->header;
    mote_compiled_tensor *tensors = mote_heap_calloc(heap, j->n_tensors + 1, sizeof *tensors);
    if (tensors == NULL)
        return MOTE_NO_MEMORY(j->diag, j->n_tensors * sizeof *tensors);
    h->n_tensors = j->n_tensors;
    h->n_packs = j->n_packs;
    h->graph_bytes = j->graph.n;
    j->end = sizeof *h + j->n_tensors * sizeof *tensors + j->n_packs * sizeof *j->packs + j->graph.n;
    h->payload_at = j->end = mote_div_up((size_t)j->end, MOTE_COMPILED_PAGE) * MOTE_COMPILED_PAGE;
    bool fits = true;
    for (size_t i = 0; i < j->n_tensors && fits; i++) {
        tensors[i] = (mote_compiled_tensor){UINT64_MAX, j->tensors[i].n};
        fits = j->gone[i] || place(j, j->tensors[i].n, &tensors[i].at);
    }
    for (size_t i = 0; i < j->n_packs && fits; i++)
        fits = place(j, (size_t)j->packs[i].bytes, &j->packs[i].at);
    h->file_bytes = j->end;
    char temporary[PATH_MAX];
    int fd = fits ? mote_outfile_open(path, temporary, sizeof temporary) : -1;
    mote_status status = MOTE_OK;
    if (!fits)
        status = mote_fail(j->diag, MOTE_E_LIMIT, "the compiled model is larger than a file can be");
    else if (fd < 0)
        status = mote_fail(j->diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
    if (status == MOTE_OK) {
        mote_emit e;
        mote_emit_begin(&e, fd, NULL);
        put_all(&e, j, tensors);
        status = mote_emit_end(&e) ? seal(j, fd, path) : mote_fail(j->diag, MOTE_E_IO, "%s: %s", path, strerror(e.error));
        if (status == MOTE_OK) {
            status = mote_outfile_finish(fd, temporary, path, true, j->diag);
        } else {
            close(fd);
            unlink(temporary);
        }
    }
    mote_heap_free(heap, tensors, (j->n_tensors + 1) * sizeof *tensors);
    return status;
}

/* ---- the whole ---- */

static mote_status compile(compile_job *j, const char *path, const char *out, const mote_compile_options *o, const mote_load_options *load, uint32_t cpu)
{
    MOTE_TRY(mote_model_load_path(path, load, &j->source, j->diag));
    MOTE_REQUIRE(!j->source->compiled, j->diag, MOTE_E_ARGUMENT, "%s is a compiled model already", path);
    MOTE_REQUIRE(j->source->groups.n == 0 && !j->source->reference, j->diag, MOTE_E_UNSUPPORTED, "only what the CPU's kernels run is compiled");
    mote_heap *heap = &j->source->heap;
    void *graph;
    MOTE_TRY(mote_onnx_write_machine(j->source->module, heap, &graph, &j->graph.n, &j->tensors, &j->n_tensors, j->diag));
    j->graph.p = graph;
    j->gone = mote_heap_calloc(heap, j->n_tensors + 1, sizeof *j->gone);
    if (j->gone == NULL)
        return MOTE_NO_MEMORY(j->diag, j->n_tensors);
    const mote_onnx_stored stored = {j->tensors, j->n_tensors};
    mote_load_options again = MOTE_LOAD_OPTIONS_INIT; /* the passes have run */
    again.allocator = load->allocator;
    again.memory_limit = load->memory_limit;
    again.custom_ops = load->custom_ops;
    MOTE_TRY(mote_model_load_stored(j->graph, &stored, cpu, &again, &j->model, j->diag));
    MOTE_TRY(plan(j, o));
    run_once(j);
    if (!o->keep_weights)
        find_gone(j);
    MOTE_TRY(collect(j));
    return write_file(j, out);
}

static bool is_made(const char *out, const char *family, uint64_t sum)
{
    mote_map map;
    if (mote_map_path(&map, out, false, NULL, NULL) != MOTE_OK)
        return false;
    const bool made = mote_compiled_is((mote_str){(const char *)map.data, map.bytes}, family, sum);
    mote_map_deinit(&map);
    return made;
}

mote_status mote_model_compile(const char *path, const char *out, const mote_compile_options *options, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    mote_compile_options o = MOTE_COMPILE_OPTIONS_INIT;
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    MOTE_REQUIRE(path != NULL && out != NULL, diag, MOTE_E_ARGUMENT, "path or out is NULL");
    MOTE_REQUIRE(options == NULL || (options->struct_size != 0 && options->struct_size <= sizeof o), diag, MOTE_E_ARGUMENT,
                 "compile options are not of this version");
    if (options != NULL)
        memcpy(&o, options, options->struct_size);
    MOTE_REQUIRE(o.load == NULL || (o.load->struct_size != 0 && o.load->struct_size <= sizeof load), diag, MOTE_E_ARGUMENT, "load options are not of this version");
    if (o.load != NULL)
        memcpy(&load, o.load, o.load->struct_size);
    load.struct_size = sizeof load;
    MOTE_REQUIRE(load.arithmetic == MOTE_ARITHMETIC_F32, diag, MOTE_E_UNSUPPORTED, "compiled models compute in float32");
    const char *family = o.family != NULL ? o.family : mote_cpu_family(load.cpu_mask);
    const uint32_t here = mote_cpu_features();
    compile_job j = {.diag = diag};
    uint32_t cpu;
    MOTE_TRY(mote_family_features(family, load.cpu_mask != 0 ? here & load.cpu_mask : here, &cpu, diag));
    uint64_t sum;
    MOTE_TRY(source_sum(path, &o, &load, &sum, diag));
    if (is_made(out, family, sum))
        return MOTE_OK;
    memcpy(j.header.magic, MOTE_COMPILED_MAGIC, sizeof j.header.magic);
    j.header.format = MOTE_COMPILED_FORMAT;
    j.header.source_sum = sum;
    strncpy(j.header.library, mote_version(), sizeof j.header.library - 1);
    strncpy(j.header.family, family, sizeof j.header.family - 1);
    mote_status status = compile(&j, path, out, &o, &load, cpu);
    mote_session_destroy(&j.session);
    mote_model_destroy(&j.model);
    if (j.source != NULL) {
        mote_heap *heap = &j.source->heap;
        mote_heap_free(heap, (void *)(uintptr_t)j.graph.p, j.graph.n);
        mote_heap_free(heap, j.tensors, (j.n_tensors + 1) * sizeof *j.tensors);
        mote_heap_free(heap, j.gone, (j.n_tensors + 1) * sizeof *j.gone);
        mote_heap_free(heap, j.packs, (j.cap_packs + 1) * sizeof *j.packs);
        mote_heap_free(heap, j.data, (j.cap_packs + 1) * sizeof *j.data);
    }
    mote_model_destroy(&j.source);
    return status;
}
