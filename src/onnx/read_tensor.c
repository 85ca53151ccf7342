/* read_tensor.c - TensorProto and SparseTensorProto
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: onnx.proto, TensorProto. raw_data is used where it lies in the file; typed fields are decoded into the module's memory. A tensor never takes
 * more memory than a small multiple of the bytes that the file spends on it. */
#include "base/platform.h"
#include "onnx/reader.h"
#include "base/size.h"

enum { SPARSE_FACTOR = 4096, SPARSE_FREE = 1 << 20 };

typedef struct parts {
    int64_t dims[MOTE_MAX_RANK];
    size_t rank;
    uint64_t type;
    mote_str raw;
    bool has_raw, is_external, segmented;
    size_t floats, ints32, ints64, doubles, uints64, strings; /* elements in each typed field */
    mote_onnx_reader *r;
    mote_external_ref external;
} parts;

static mote_status add_dim(void *ctx, uint64_t v)
{
    parts *p = ctx;
    MOTE_REQUIRE(p->rank < MOTE_MAX_RANK, p->r->diag, MOTE_E_LIMIT, "a tensor of more than %d dimensions", MOTE_MAX_RANK);
    p->dims[p->rank++] = (int64_t)v;
    return MOTE_OK;
}

static mote_status count_one(void *ctx, uint64_t v)
{
    (void)v;
    ++*(size_t *)ctx;
    return MOTE_OK;
}

static mote_status external_entry(parts *p, mote_wire w, mote_diag *diag)
{
    mote_prop entry;
    MOTE_TRY(mote_onnx_prop_read(p->r, w, &entry));
    return mote_external_key(&p->external, entry.key, entry.value, diag);
}

static mote_status scan(mote_onnx_reader *r, mote_wire w, parts *p, mote_onnx_tensor *out)
{
    mote_wire_field f;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        r->work++;
        switch (f.id) {
        case 1: MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_VARINT, add_dim, p, r->diag)); break;
        case 2: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_VARINT, r->diag)); p->type = f.value; break;
        case 3: p->segmented = true; break;
        case 4: MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_32, count_one, &p->floats, r->diag)); break;
        case 5: MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_VARINT, count_one, &p->ints32, r->diag)); break;
        case 6: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); p->strings++; break;
        case 7: MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_VARINT, count_one, &p->ints64, r->diag)); break;
        case 8: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); out->name = f.bytes; break;
        case 9: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); p->raw = f.bytes; p->has_raw = true; break;
        case 10: MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_64, count_one, &p->doubles, r->diag)); break;
        case 11: MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_VARINT, count_one, &p->uints64, r->diag)); break;
        case 12: MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag)); out->doc = f.bytes; break;
        case 13:
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_BYTES, r->diag));
            MOTE_TRY(external_entry(p, mote_wire_in(&w, f.bytes), r->diag));
            break;
        case 14:
            MOTE_TRY(mote_wire_expect(&w, &f, MOTE_WIRE_VARINT, r->diag));
            MOTE_REQUIRE(f.value <= 1, r->diag, MOTE_E_UNSUPPORTED, "tensor data location %llu", (unsigned long long)f.value);
            p->is_external = f.value == 1;
            break;
        default: MOTE_TRY(mote_onnx_keep_unknown(r, &out->unknown, &w, &f));
        }
    }
}

/* ---- typed fields ---- */

typedef struct filler {
    mote_array *a;
    size_t at, unit; /* element written next; bytes of one element of the field */
    bool is_bool;
} filler;

static mote_status put(void *ctx, uint64_t v)
{
    filler *f = ctx;
    if (f->is_bool)
        v = v != 0;
    memcpy((char *)f->a->data + f->at++ * f->unit, &v, f->unit); /* little-endian: the low bytes come first */
    return MOTE_OK;
}

/* The field that holds a type's elements, and how many elements of the field a tensor of n elements needs. */
static uint32_t field_of(mote_dtype t, size_t n, size_t *entries, size_t *unit)
{
    unsigned bits = mote_dtype_bits(t);
    *entries = n;
    *unit = bits / 8;
    switch (t) {
    case MOTE_DTYPE_F32: return 4;
    case MOTE_DTYPE_C64: *entries = 2 * n; *unit = 4; return 4;
    case MOTE_DTYPE_F64: return 10;
    case MOTE_DTYPE_C128: *entries = 2 * n; *unit = 8; return 10;
    case MOTE_DTYPE_S64: return 7;
    case MOTE_DTYPE_U32: case MOTE_DTYPE_U64: return 11;
    case MOTE_DTYPE_STRING: return 6;
    default:
        if (bits < 8) {
            *entries = n / (8 / bits) + (n % (8 / bits) != 0); /* packed, a byte an entry */
            *unit = 1;
        }
        return 5;
    }
}

static mote_status decode(mote_onnx_reader *r, mote_wire w, mote_array *a, uint32_t field, size_t unit)
{
    filler fill = {a, 0, unit, a->dtype == MOTE_DTYPE_BOOL};
    mote_wire_field f;
    bool more;
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            return MOTE_OK;
        if (f.id != field)
            continue;
        if (field == 6) {
            mote_str s = mote_arena_str(&r->module->arena, f.bytes);
            if (s.p == NULL)
                return MOTE_NO_MEMORY(r->diag, f.bytes.n);
            r->data_bytes += f.bytes.n;
            ((mote_string *)a->data)[fill.at++] = (mote_string){s.p, s.n};
        } else {
            MOTE_TRY(mote_wire_repeated(&w, &f, field == 4 ? MOTE_WIRE_32 : field == 10 ? MOTE_WIRE_64 : MOTE_WIRE_VARINT, put, &fill, r->diag));
        }
    }
}

static mote_status typed_data(mote_onnx_reader *r, mote_wire w, const parts *p, mote_onnx_tensor *out)
{
    size_t n = mote_array_count(out->array), entries, unit;
    uint32_t field = field_of(out->array->dtype, n, &entries, &unit);
    size_t there = field == 4 ? p->floats : field == 5 ? p->ints32 : field == 6 ? p->strings : field == 7 ? p->ints64 : field == 10 ? p->doubles : p->uints64;
    size_t all = p->floats + p->ints32 + p->strings + p->ints64 + p->doubles + p->uints64;
    char type[128];
    MOTE_REQUIRE(there == entries && all == there, r->diag, MOTE_E_MODEL, "tensor '%.*s' %s has %zu elements in its data fields, expected %zu in field %u",
                 MOTE_STR_ARG(out->name), mote_array_describe(out->array, type, sizeof type), all, entries, field);
    if (n == 0)
        return MOTE_OK;
    out->array->data = mote_arena_calloc(&r->module->arena, 1, out->array->bytes);
    if (out->array->data == NULL)
        return MOTE_NO_MEMORY(r->diag, out->array->bytes);
    r->data_bytes += out->array->bytes;
    return decode(r, w, out->array, field, unit);
}

/* Bytes as they lie; a bool that is neither 0 nor 1 would be undefined to read, so such tensors are copied. */
static mote_status raw_data(mote_onnx_reader *r, mote_str raw, mote_onnx_tensor *out)
{
    char type[128];
    MOTE_REQUIRE(out->array->dtype != MOTE_DTYPE_STRING, r->diag, MOTE_E_MODEL, "tensor '%.*s': strings in raw data", MOTE_STR_ARG(out->name));
    MOTE_REQUIRE(raw.n == out->array->bytes, r->diag, MOTE_E_MODEL, "tensor '%.*s' %s has %zu bytes of data, expected %zu", MOTE_STR_ARG(out->name),
                 mote_array_describe(out->array, type, sizeof type), raw.n, out->array->bytes);
    bool odd = false;
    for (size_t i = 0; out->array->dtype == MOTE_DTYPE_BOOL && i < raw.n && !odd; i++)
        odd = (unsigned char)raw.p[i] > 1;
    if (odd) {
        unsigned char *copy = mote_arena_copy(&r->module->arena, raw.p, raw.n);
        if (copy == NULL)
            return MOTE_NO_MEMORY(r->diag, raw.n);
        r->data_bytes += raw.n;
        for (size_t i = 0; i < raw.n; i++)
            copy[i] = copy[i] != 0;
        out->array->data = copy;
    } else {
        out->array->data = (void *)(uintptr_t)raw.p; /* read-only: constants are never written */
    }
    return MOTE_OK;
}

/* Of a compiled model: data that lie beside the graph, or that only packed weights are there of. */
static mote_status stored_data(mote_onnx_reader *r, const parts *p, mote_onnx_tensor *out)
{
    MOTE_REQUIRE(p->external.offset < r->stored->n, r->diag, MOTE_E_MODEL, "tensor '%.*s' is number %llu of %zu", MOTE_STR_ARG(out->name),
                 (unsigned long long)p->external.offset, r->stored->n);
    const mote_str raw = r->stored->tensors[p->external.offset];
    if (raw.p != NULL || raw.n != out->array->bytes || mote_dtype_in(out->array->dtype, MOTE_DT(BOOL) | MOTE_DT(STRING)))
        return raw_data(r, (mote_str){raw.p != NULL ? raw.p : "", raw.p != NULL ? raw.n : 0}, out);
    return MOTE_OK;
}

mote_status mote_onnx_tensor_read(mote_onnx_reader *r, mote_wire w, mote_onnx_tensor *out)
{
    *out = (mote_onnx_tensor){NULL, {"", 0}, {NULL, 0}, {NULL, 0}};
    parts p = {.r = r};
    MOTE_TRY(scan(r, w, &p, out));
    MOTE_REQUIRE(!p.segmented, r->diag, MOTE_E_UNSUPPORTED, "tensor '%.*s' is stored in segments", MOTE_STR_ARG(out->name));
    MOTE_REQUIRE(p.type < 1u << 30 && mote_dtype_valid((int64_t)p.type), r->diag, MOTE_E_UNSUPPORTED, "tensor '%.*s' has element type %llu, which is not known",
                 MOTE_STR_ARG(out->name), (unsigned long long)p.type);
    out->array = mote_arena_calloc(&r->module->arena, 1, sizeof *out->array);
    if (out->array == NULL)
        return MOTE_NO_MEMORY(r->diag, sizeof *out->array);
    MOTE_TRY(mote_array_shape(out->array, (mote_dtype)p.type, (int32_t)p.rank, p.dims, r->diag));
    size_t typed = p.floats + p.ints32 + p.strings + p.ints64 + p.doubles + p.uints64;
    if (p.is_external) {
        MOTE_REQUIRE(!p.has_raw && typed == 0, r->diag, MOTE_E_MODEL, "tensor '%.*s' has its data both inside and outside", MOTE_STR_ARG(out->name));
        if (r->stored != NULL)
            return stored_data(r, &p, out);
        MOTE_REQUIRE(r->external != NULL, r->diag, MOTE_E_PATH, "tensor '%.*s' lies in another file, and no folder was given", MOTE_STR_ARG(out->name));
        mote_str raw;
        size_t before = atomic_load(&r->heap->used);
        MOTE_TRY(mote_external_map(r->external, &p.external, out->array->bytes, &raw, r->diag));
        r->data_bytes += atomic_load(&r->heap->used) - before; /* of a file that is copied */
        return raw_data(r, raw, out);
    }
    if (p.has_raw) {
        MOTE_REQUIRE(typed == 0, r->diag, MOTE_E_MODEL, "tensor '%.*s' has both raw and typed data", MOTE_STR_ARG(out->name));
        return raw_data(r, p.raw, out);
    }
    return typed_data(r, w, &p, out);
}

/* ---- sparse ---- */

static mote_status scatter(mote_onnx_reader *r, const mote_array *values, const mote_array *indices, mote_array *dense, mote_str name)
{
    size_t n = mote_array_count(values), total = mote_array_count(dense), width = mote_dtype_bits(dense->dtype) / 8;
    bool linear = indices->rank == 1;
    MOTE_REQUIRE(indices->dtype == MOTE_DTYPE_S64 && values->rank == 1 && indices->dims[0] == values->dims[0] &&
                     (linear || (indices->rank == 2 && indices->dims[1] == dense->rank)),
                 r->diag, MOTE_E_MODEL, "sparse tensor '%.*s': the indices do not fit values and shape", MOTE_STR_ARG(name));
    MOTE_REQUIRE(mote_dtype_bits(dense->dtype) % 8 == 0 && width != 0, r->diag, MOTE_E_UNSUPPORTED, "sparse tensor '%.*s' of %s", MOTE_STR_ARG(name),
                 mote_dtype_name(dense->dtype));
    for (size_t i = 0; i < n; i++) {
        uint64_t at = 0;
        bool inside = true;
        for (int32_t d = 0; d < (linear ? 1 : dense->rank); d++) {
            int64_t k;
            memcpy(&k, (const char *)indices->data + (i * (linear ? 1 : (size_t)dense->rank) + (size_t)d) * 8, 8);
            int64_t bound = linear ? (int64_t)total : dense->dims[d];
            inside = inside && k >= 0 && k < bound;
            at = inside ? at * (uint64_t)bound + (uint64_t)k : 0;
        }
        MOTE_REQUIRE(inside, r->diag, MOTE_E_MODEL, "sparse tensor '%.*s': index %zu lies outside the shape", MOTE_STR_ARG(name), i);
        memcpy((char *)dense->data + at * width, (const char *)values->data + i * width, width);
    }
    return MOTE_OK;
}

mote_status mote_onnx_sparse_read(mote_onnx_reader *r, mote_wire w, mote_onnx_tensor *out)
{
    mote_wire_field f;
    bool more;
    parts p = {.r = r};
    mote_onnx_tensor values = {0}, indices = {0};
    mote_wire values_in = {NULL, NULL, NULL}, indices_in = {NULL, NULL, NULL};
    *out = (mote_onnx_tensor){NULL, {"", 0}, {NULL, 0}, {NULL, 0}};
    for (;;) {
        MOTE_TRY(mote_wire_next(&w, &f, &more, r->diag));
        if (!more)
            break;
        if (f.id == 1 || f.id == 2)
            MOTE_TRY(mote_onnx_merge(r, &w, &f, f.id == 1 ? &values_in : &indices_in));
        else if (f.id == 3)
            MOTE_TRY(mote_wire_repeated(&w, &f, MOTE_WIRE_VARINT, add_dim, &p, r->diag));
    }
    MOTE_REQUIRE(values_in.p != NULL && indices_in.p != NULL, r->diag, MOTE_E_MODEL, "a sparse tensor without values or indices");
    MOTE_TRY(mote_onnx_tensor_read(r, values_in, &values));
    MOTE_TRY(mote_onnx_tensor_read(r, indices_in, &indices));
    out->name = values.name;
    out->array = mote_arena_calloc(&r->module->arena, 1, sizeof *out->array);
    if (out->array == NULL)
        return MOTE_NO_MEMORY(r->diag, sizeof *out->array);
    MOTE_TRY(mote_array_shape(out->array, values.array->dtype, (int32_t)p.rank, p.dims, r->diag));
    MOTE_REQUIRE(out->array->bytes <= SPARSE_FREE || out->array->bytes / SPARSE_FACTOR <= values.array->bytes, r->diag, MOTE_E_LIMIT,
                 "sparse tensor '%.*s' would take %zu bytes for %zu of values", MOTE_STR_ARG(out->name), out->array->bytes, values.array->bytes);
    out->array->data = mote_arena_calloc(&r->module->arena, 1, out->array->bytes);
    if (out->array->data == NULL)
        return MOTE_NO_MEMORY(r->diag, out->array->bytes);
    r->data_bytes += out->array->bytes;
    return scatter(r, values.array, indices.array, out->array, out->name);
}
