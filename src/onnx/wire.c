/* wire.c - the protobuf wire format, read in place
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/wire.h"

static mote_status varint(mote_wire *w, uint64_t *out, mote_diag *diag)
{
    const uint8_t *start = w->p;
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        MOTE_REQUIRE(w->p < w->end, diag, MOTE_E_FORMAT, "byte %zu: a number is cut off", (size_t)(start - w->file));
        uint8_t b = *w->p++;
        MOTE_REQUIRE(shift < 63 || (b & 0x7e) == 0, diag, MOTE_E_FORMAT, "byte %zu: a number of more than 64 bits", (size_t)(start - w->file));
        v |= (uint64_t)(b & 0x7f) << shift;
        if ((b & 0x80) == 0) {
            *out = v;
            return MOTE_OK;
        }
    }
    MOTE_FAIL(diag, MOTE_E_FORMAT, "byte %zu: a number of more than 10 bytes", (size_t)(start - w->file));
}

static mote_status fixed(mote_wire *w, size_t n, uint64_t *out, mote_diag *diag)
{
    MOTE_REQUIRE((size_t)(w->end - w->p) >= n, diag, MOTE_E_FORMAT, "byte %zu: a field of %zu bytes is cut off", (size_t)(w->p - w->file), n);
    uint64_t v = 0;
    memcpy(&v, w->p, n);
    w->p += n;
    *out = v;
    return MOTE_OK;
}

mote_status mote_wire_next(mote_wire *w, mote_wire_field *f, bool *more, mote_diag *diag)
{
    *more = w->p < w->end;
    if (!*more)
        return MOTE_OK;
    f->start = w->p;
    uint64_t key;
    MOTE_TRY(varint(w, &key, diag));
    MOTE_REQUIRE(key >> 3 != 0 && key >> 3 < 1u << 29, diag, MOTE_E_FORMAT, "byte %zu: %llu is no field number", (size_t)(f->start - w->file),
                 (unsigned long long)(key >> 3));
    f->id = (uint32_t)(key >> 3);
    f->type = key & 7;
    f->value = 0;
    f->bytes = (mote_str){NULL, 0};
    switch (f->type) {
    case MOTE_WIRE_VARINT: return varint(w, &f->value, diag);
    case MOTE_WIRE_64: return fixed(w, 8, &f->value, diag);
    case MOTE_WIRE_32: return fixed(w, 4, &f->value, diag);
    case MOTE_WIRE_BYTES: {
        uint64_t n;
        MOTE_TRY(varint(w, &n, diag));
        MOTE_REQUIRE(n <= (uint64_t)(w->end - w->p), diag, MOTE_E_FORMAT, "byte %zu: field %u says %llu bytes, %zu are left", (size_t)(f->start - w->file),
                     f->id, (unsigned long long)n, (size_t)(w->end - w->p));
        f->bytes = (mote_str){(const char *)w->p, (size_t)n};
        w->p += n;
        return MOTE_OK;
    }
    default: MOTE_FAIL(diag, MOTE_E_FORMAT, "byte %zu: field %u has wire type %u, which ONNX does not use", (size_t)(f->start - w->file), f->id, f->type);
    }
}

mote_status mote_wire_expect(const mote_wire *w, const mote_wire_field *f, uint32_t type, mote_diag *diag)
{
    MOTE_REQUIRE(f->type == type, diag, MOTE_E_FORMAT, "byte %zu: field %u has wire type %u, expected %u", (size_t)(f->start - w->file), f->id, f->type,
                 type);
    return MOTE_OK;
}

mote_status mote_wire_repeated(const mote_wire *w, const mote_wire_field *f, uint32_t type, mote_status (*add)(void *ctx, uint64_t value), void *ctx,
                               mote_diag *diag)
{
    if (f->type == type)
        return add(ctx, f->value);
    MOTE_TRY(mote_wire_expect(w, f, MOTE_WIRE_BYTES, diag));
    mote_wire in = mote_wire_in(w, f->bytes);
    while (in.p < in.end) {
        uint64_t v;
        MOTE_TRY(type == MOTE_WIRE_VARINT ? varint(&in, &v, diag) : fixed(&in, type == MOTE_WIRE_32 ? 4 : 8, &v, diag));
        MOTE_TRY(add(ctx, v));
    }
    return MOTE_OK;
}
