/* wire.h - the protobuf wire format, read in place
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: protobuf.dev/programming-guides/encoding. Nothing is copied and nothing recurses here: a message is a range of bytes, and next() gives its
 * fields one by one. Groups (wire types 3 and 4) and the unused types 6 and 7 are refused. */
#ifndef MOTE_ONNX_WIRE_H
#define MOTE_ONNX_WIRE_H

#include "base/diag.h"
#include "base/str.h"

enum { MOTE_WIRE_VARINT = 0, MOTE_WIRE_64 = 1, MOTE_WIRE_BYTES = 2, MOTE_WIRE_32 = 5 };

typedef struct mote_wire {
    const uint8_t *p, *end;
    const uint8_t *file; /* the start of everything, for messages that name a place */
} mote_wire;

typedef struct mote_wire_field {
    uint32_t id;
    uint32_t type;
    uint64_t value;        /* VARINT, 64 and 32 */
    mote_str bytes;        /* BYTES */
    const uint8_t *start;  /* of the field's key */
} mote_wire_field;

MOTE_INLINE mote_wire mote_wire_of(const void *data, size_t n) { return (mote_wire){data, (const uint8_t *)data + n, data}; }
/* A nested message. */
MOTE_INLINE mote_wire mote_wire_in(const mote_wire *outer, mote_str bytes)
{
    return (mote_wire){(const uint8_t *)bytes.p, (const uint8_t *)bytes.p + bytes.n, outer->file};
}

/* *more is false at the end of the message. MOTE_E_FORMAT names the byte: a varint beyond 64 bits or cut off, a length beyond the message, a
 * wire type that is none, field number 0. */
mote_status mote_wire_next(mote_wire *w, mote_wire_field *f, bool *more, mote_diag *diag);
/* MOTE_E_FORMAT unless the field has this wire type. */
mote_status mote_wire_expect(const mote_wire *w, const mote_wire_field *f, uint32_t type, mote_diag *diag);

/* A repeated scalar, packed (BYTES) or one element (its own type): elements are appended through add(ctx, value). `type` is VARINT, 32 or 64. */
mote_status mote_wire_repeated(const mote_wire *w, const mote_wire_field *f, uint32_t type, mote_status (*add)(void *ctx, uint64_t value), void *ctx,
                               mote_diag *diag);

#endif
