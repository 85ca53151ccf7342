/* read_value.c - SequenceProto and OptionalProto: what test folders hold beside tensors
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnx-data.proto. */
#include "base/platform.h"
#include "onnx/read.h"
#include "onnx/wire.h"

enum { DEPTH = 8 };

static mote_status read(mote_arena *arena, mote_str bytes, mote_kind kind, int depth, mote_array *out, mote_str *name, mote_diag *diag);

/* What a field of a SequenceProto or OptionalProto holds: a kind, or -1. */
static int kind_of(mote_kind outer, uint32_t field)
{
    if (outer == MOTE_KIND_SEQUENCE)
        return field == 3 ? MOTE_KIND_TENSOR : field == 5 ? MOTE_KIND_SEQUENCE : field == 7 ? MOTE_KIND_OPTIONAL : -1;
    return field == 3 ? MOTE_KIND_TENSOR : field == 5 ? MOTE_KIND_SEQUENCE : field == 7 ? MOTE_KIND_OPTIONAL : -1;
}

static mote_status read_items(mote_arena *arena, mote_str bytes, mote_kind kind, int depth, mote_array *items, size_t *n, mote_dtype *dtype, mote_str *name, mote_diag *diag)
{
    mote_wire w = mote_wire_of(bytes.p, bytes.n);
    size_t at = 0;
    for (;;) {
        mote_wire_field f;
        bool more;
        MOTE_TRY(mote_wire_next(&w, &f, &more, diag));
        if (!more)
            break;
        if (f.id == 1 && f.type == MOTE_WIRE_BYTES)
            *name = f.bytes;
        const int item = kind_of(kind, f.id);
        if (item < 0) {
            MOTE_REQUIRE(f.id != 4 && f.id != 6, diag, MOTE_E_UNSUPPORTED, "a %s of sparse tensors or maps", kind == MOTE_KIND_SEQUENCE ? "sequence" : "optional");
            continue;
        }
        MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, diag));
        if (items != NULL) {
            mote_str ignored;
            MOTE_TRY(read(arena, f.bytes, (mote_kind)item, depth - 1, &items[at], &ignored, diag));
            *dtype = items[at].dtype;
        }
        at++;
    }
    *n = at;
    return MOTE_OK;
}

static mote_status read(mote_arena *arena, mote_str bytes, mote_kind kind, int depth, mote_array *out, mote_str *name, mote_diag *diag)
{
    mote_array *items = NULL;
    mote_dtype dtype = MOTE_DTYPE_NONE;
    size_t n = 0;
    MOTE_REQUIRE(depth > 0, diag, MOTE_E_LIMIT, "sequences nested deeper than %d", DEPTH);
    if (kind == MOTE_KIND_TENSOR)
        return mote_onnx_read_tensor(arena, bytes.p, bytes.n, out, name, diag);
    *name = (mote_str){NULL, 0};
    MOTE_TRY(read_items(arena, bytes, kind, depth, NULL, &n, &dtype, name, diag));
    MOTE_REQUIRE(kind == MOTE_KIND_SEQUENCE || n <= 1, diag, MOTE_E_FORMAT, "an optional of %zu values", n);
    items = mote_arena_calloc(arena, n + 1, sizeof *items);
    if (items == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *items);
    MOTE_TRY(read_items(arena, bytes, kind, depth, items, &n, &dtype, name, diag));
    *out = (mote_array){.kind = kind, .dtype = dtype, .rank = 1, .dims = {(int64_t)n}, .data = items, .bytes = n * sizeof *items};
    return MOTE_OK;
}

mote_status mote_onnx_read_value(mote_arena *arena, const void *data, size_t n, mote_kind kind, mote_array *out, mote_str *name, mote_diag *diag)
{
    return read(arena, (mote_str){data, n}, kind, DEPTH, out, name, diag);
}
