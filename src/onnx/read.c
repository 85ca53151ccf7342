/* read.c - ModelProto, and where its bytes come from
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/read.h"
#include "base/map.h"
#include "onnx/reader.h"
#include "onnx/upgrade.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

struct mote_onnx_files {
    mote_heap *heap;
    mote_map map;
    void *bytes; /* read through a callback */
    size_t n;
    mote_external *external;
};

void mote_onnx_files_destroy(mote_onnx_files **files)
{
    mote_onnx_files *f = *files;
    if (f == NULL)
        return;
    mote_external_destroy(&f->external);
    mote_map_deinit(&f->map);
    mote_heap_free(f->heap, f->bytes, f->n);
    mote_heap_free(f->heap, f, sizeof *f);
    *files = NULL;
}

size_t mote_onnx_files_bytes(const mote_onnx_files *f) { return f == NULL ? 0 : f->map.bytes + f->n + mote_external_bytes(f->external); }

void mote_onnx_files_release(const mote_onnx_files *f, const void *bytes, size_t n)
{
    if (f == NULL)
        return;
    mote_map_release(&f->map, bytes, n);
    mote_external_release(f->external, bytes, n);
}

/* ---- the model's own fields ---- */

static mote_status message(mote_onnx_reader *r, const mote_wire *w, const mote_wire_field *f, mote_wire *out)
{
    MOTE_TRY(mote_wire_expect(w, f, MOTE_WIRE_BYTES, r->diag));
    *out = mote_wire_in(w, f->bytes);
    return MOTE_OK;
}

static mote_status text(mote_onnx_reader *r, const mote_wire *w, const mote_wire_field *f, mote_str *out)
{
    MOTE_TRY(mote_wire_expect(w, f, MOTE_WIRE_BYTES, r->diag));
    MOTE_TRY(mote_onnx_room(r, f->bytes.n));
    *out = mote_arena_str(&r->module->arena, f->bytes);
    return out->p != NULL ? MOTE_OK : MOTE_NO_MEMORY(r->diag, f->bytes.n);
}

mote_status mote_onnx_opset_read(mote_onnx_reader *r, mote_wire w, mote_opset *out)
{
    mote_wire_field f;
    bool more;
    *out = (mote_opset){{"", 0}, 0};
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            break;
        if (f.id == 1)
            MOTE_TRY(text(r, &w, &f, &out->domain));
        else if (f.id == 2) {
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_VARINT, r->diag));
            out->version = (int64_t)f.value;
        }
    }
    if (mote_str_is(out->domain, "ai.onnx"))
        out->domain = MOTE_STR("");
    MOTE_REQUIRE(out->version >= 1 && out->version <= 100000, r->diag, MOTE_E_MODEL, "operator set '%.*s' of version %lld", MOTE_STR_ARG(out->domain),
                 (long long)out->version);
    return MOTE_OK;
}

int64_t mote_onnx_opset(const mote_onnx_reader *r, mote_str domain)
{
    for (size_t i = 0; r->scope != NULL && i < r->scope->n_opsets; i++)
        if (mote_str_eq(r->scope->opsets[i].domain, domain))
            return r->scope->opsets[i].version;
    return r->scope != NULL ? 0 : mote_module_opset(r->module, domain);
}

static mote_status number(mote_onnx_reader *r, const mote_wire *w, const mote_wire_field *f, int64_t *out)
{
    MOTE_TRY(mote_wire_expect(w, f, MOTE_WIRE_VARINT, r->diag));
    *out = (int64_t)f->value;
    return MOTE_OK;
}

static mote_status model_fields(mote_onnx_reader *r, mote_wire w, mote_wire *graph)
{
    mote_module *m = r->module;
    mote_wire rest = w;
    mote_wire_field f;
    mote_wire in;
    bool more;
    size_t opsets = 0;
    for (;;) {
        MOTE_TRY(mote_wire_next(&rest, &f, &more, r->diag));
        if (!more)
            break;
        opsets += f.id == 8;
    }
    MOTE_REQUIRE(opsets <= MOTE_ONNX_MAX_OPSETS, r->diag, MOTE_E_LIMIT, "%zu operator sets are imported", opsets);
    m->opsets = mote_arena_calloc(&m->arena, opsets, sizeof *m->opsets);
    if (m->opsets == NULL)
        return MOTE_NO_MEMORY(r->diag, opsets);
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        switch (f.id) {
        case 1: MOTE_TRY(number(r, &w, &f, &m->ir_version)); break;
        case 2: MOTE_TRY(text(r, &w, &f, &m->producer_name)); break;
        case 3: MOTE_TRY(text(r, &w, &f, &m->producer_version)); break;
        case 4: MOTE_TRY(text(r, &w, &f, &m->domain)); break;
        case 5: MOTE_TRY(number(r, &w, &f, &m->model_version)); break;
        case 6: MOTE_TRY(text(r, &w, &f, &m->doc)); break;
        case 7: MOTE_TRY(mote_onnx_merge(r, &w, &f, graph)); break;
        case 8: {
            mote_opset o;
            MOTE_TRY(message(r, &w, &f, &in));
            MOTE_TRY(mote_onnx_opset_read(r, in, &o));
            const int64_t before = mote_module_opset(m, o.domain); /* skl2onnx imports the same version twice */
            MOTE_REQUIRE(before == 0 || before == o.version, r->diag, MOTE_E_MODEL, "operator set '%.*s' is imported as version %lld and as %lld",
                         MOTE_STR_ARG(o.domain), (long long)before, (long long)o.version);
            if (before == 0)
                m->opsets[m->n_opsets++] = o;
            break;
        }
        case 14:
            MOTE_TRY(message(r, &w, &f, &in));
            MOTE_TRY(mote_onnx_props_add(r, in, &m->props, &m->n_props));
            break;
        case 25: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); break; /* functions: expanded where they are called */
        default: MOTE_TRY(mote_onnx_keep_unknown(r, &m->unknown, &w, &f));
        }
    }
}

static mote_status read_model(mote_onnx_reader *r, mote_wire w)
{
    mote_wire graph = {NULL, NULL, NULL};
    MOTE_TRY(model_fields(r, w, &graph));
    MOTE_REQUIRE(graph.p != NULL, r->diag, MOTE_E_FORMAT, "not an ONNX model: there is no graph");
    MOTE_REQUIRE(r->module->ir_version >= MOTE_ONNX_MIN_IR && r->module->ir_version <= MOTE_ONNX_MAX_IR, r->diag, MOTE_E_UNSUPPORTED,
                 "IR version %lld: mote reads %d to %d", (long long)r->module->ir_version, MOTE_ONNX_MIN_IR, MOTE_ONNX_MAX_IR);
    MOTE_TRY(mote_onnx_functions_scan(r, w));
    MOTE_TRY(mote_onnx_graph_read(r, graph, r->module->graph, 0));
    return r->has_subgraphs ? mote_onnx_scopes_rename(r) : MOTE_OK;
}

static mote_status read_bytes(mote_heap *heap, const void *data, size_t n, mote_external *external, const mote_onnx_read_options *o, mote_module **out,
                              mote_diag *diag)
{
    *out = NULL;
    mote_str bytes = {data, n};
    const mote_onnx_stored *stored = o->stored;
    if (n >= sizeof MOTE_COMPILED_MAGIC - 1 && memcmp(data, MOTE_COMPILED_MAGIC, sizeof MOTE_COMPILED_MAGIC - 1) == 0) {
        MOTE_REQUIRE(o->unwrap != NULL, diag, MOTE_E_UNSUPPORTED, "this is a compiled model: the ONNX file that it was made from is needed here");
        MOTE_TRY(o->unwrap(o->unwrap_ctx, bytes, &bytes, &stored, diag));
    }
    mote_onnx_reader r = {.heap = heap, .diag = diag, .external = external, .stored = stored, .base = atomic_load(&heap->used)};
    mote_status status = mote_module_create(heap, &r.module);
    if (status != MOTE_OK)
        return MOTE_NO_MEMORY(diag, sizeof *r.module);
    mote_names_init(&r.names, heap);
    status = read_model(&r, mote_wire_of(bytes.p, bytes.n));
    mote_names_deinit(&r.names);
    if (status == MOTE_OK && stored == NULL && mote_module_opset(r.module, MOTE_STR("")) < 7 && mote_module_opset(r.module, MOTE_STR("")) > 0)
        status = mote_onnx_upgrade(r.module, diag);
    if (status == MOTE_OK)
        status = mote_module_verify(r.module, diag);
    if (status != MOTE_OK)
        mote_module_destroy(&r.module);
    *out = r.module;
    return status;
}

/* ---- sources ---- */

static mote_status new_files(mote_heap *heap, mote_module **out, mote_onnx_files **files, mote_diag *diag)
{
    *out = NULL;
    *files = mote_heap_calloc(heap, 1, sizeof **files);
    if (*files == NULL)
        return MOTE_NO_MEMORY(diag, sizeof **files);
    (*files)->heap = heap;
    return MOTE_OK;
}

static mote_status read_mapped(mote_onnx_files *f, const char *folder, const char *real_folder, const mote_onnx_read_options *o, mote_module **out,
                               mote_diag *diag)
{
    if (folder != NULL)
        MOTE_TRY(mote_external_create(f->heap, folder, real_folder, o->copy, &f->external, diag));
    const void *data = f->bytes != NULL ? f->bytes : f->map.data;
    return read_bytes(f->heap, data, f->bytes != NULL ? f->n : f->map.bytes, f->external, o, out, diag);
}

static void folder_of(char *path)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        strcpy(path, ".");
    else
        slash[slash == path] = 0;
}

static mote_status from_path(mote_onnx_files *f, const char *path, const mote_onnx_read_options *o, mote_module **out, mote_diag *diag)
{
    char folder[PATH_MAX], real_folder[PATH_MAX];
    MOTE_REQUIRE(strlen(path) < sizeof folder, diag, MOTE_E_ARGUMENT, "a path of %zu bytes", strlen(path));
    MOTE_TRY(mote_map_path(&f->map, path, o->copy, f->heap, diag));
    MOTE_REQUIRE(realpath(path, real_folder) != NULL, diag, MOTE_E_IO, "%s: %s", path, strerror(errno));
    strcpy(folder, path);
    folder_of(folder);
    folder_of(real_folder);
    return read_mapped(f, folder, real_folder, o, out, diag);
}

mote_status mote_onnx_read_path(mote_heap *heap, const char *path, const mote_onnx_read_options *o, mote_module **out, mote_onnx_files **files,
                                mote_diag *diag)
{
    MOTE_TRY(new_files(heap, out, files, diag));
    mote_status status = from_path(*files, path, o, out, diag);
    if (status != MOTE_OK)
        mote_onnx_files_destroy(files);
    return status;
}

mote_status mote_onnx_read_fd(mote_heap *heap, int fd, uint64_t offset, uint64_t length, const mote_onnx_read_options *o, mote_module **out,
                              mote_onnx_files **files, mote_diag *diag)
{
    MOTE_TRY(new_files(heap, out, files, diag));
    mote_status status = mote_map_fd(&(*files)->map, fd, offset, length, o->copy, "the descriptor", heap, diag);
    if (status == MOTE_OK)
        status = read_mapped(*files, o->external_folder, NULL, o, out, diag);
    if (status != MOTE_OK)
        mote_onnx_files_destroy(files);
    return status;
}

mote_status mote_onnx_read_memory(mote_heap *heap, const void *data, size_t n, const mote_onnx_read_options *o, mote_module **out,
                                  mote_onnx_files **files, mote_diag *diag)
{
    MOTE_TRY(new_files(heap, out, files, diag));
    mote_status status = MOTE_OK;
    if (o->external_folder != NULL)
        status = mote_external_create(heap, o->external_folder, NULL, o->copy, &(*files)->external, diag);
    if (status == MOTE_OK)
        status = read_bytes(heap, data, n, (*files)->external, o, out, diag);
    if (status != MOTE_OK)
        mote_onnx_files_destroy(files);
    return status;
}

mote_status mote_onnx_read_reader(mote_heap *heap, const mote_reader *reader, const mote_onnx_read_options *o, mote_module **out,
                                  mote_onnx_files **files, mote_diag *diag)
{
    MOTE_TRY(new_files(heap, out, files, diag));
    mote_onnx_files *f = *files;
    mote_status status = MOTE_OK;
    if (reader->size == 0 || reader->size > PTRDIFF_MAX)
        status = mote_fail(diag, MOTE_E_FORMAT, "the reader says %llu bytes", (unsigned long long)reader->size);
    if (status == MOTE_OK) {
        f->n = (size_t)reader->size;
        f->bytes = mote_heap_alloc(heap, f->n);
        if (f->bytes == NULL)
            status = MOTE_NO_MEMORY(diag, f->n);
    }
    if (status == MOTE_OK && !reader->read(reader->ctx, 0, f->bytes, f->n))
        status = mote_fail(diag, MOTE_E_IO, "the reader failed");
    if (status == MOTE_OK)
        status = read_mapped(f, o->external_folder, NULL, o, out, diag);
    if (status != MOTE_OK)
        mote_onnx_files_destroy(files);
    return status;
}

mote_status mote_onnx_read_tensor(mote_arena *arena, const void *data, size_t n, mote_array *out, mote_str *name, mote_diag *diag)
{
    mote_module m = {.heap = arena->heap, .arena = *arena};
    mote_onnx_reader r = {.module = &m, .heap = arena->heap, .diag = diag, .base = atomic_load(&arena->heap->used)};
    mote_onnx_tensor t;
    mote_status status = mote_onnx_tensor_read(&r, mote_wire_of(data, n), &t);
    if (status == MOTE_OK) {
        *out = *t.array;
        *name = t.name;
        if (!mote_array_aligned(out)) { /* typed reads follow */
            out->data = mote_arena_copy(&m.arena, out->data, out->bytes);
            if (out->data == NULL)
                status = MOTE_NO_MEMORY(diag, out->bytes);
        }
    }
    *arena = m.arena;
    return status;
}
