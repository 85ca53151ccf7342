/* emit.c - writing the protobuf wire format: counted first, then streamed
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx/emit.h"
#include "onnx/wire.h"
#include <errno.h>
#include <unistd.h>

void mote_emit_begin(mote_emit *e, int fd, char *memory)
{
    e->fd = fd;
    e->memory = memory;
    e->counting = fd < 0 && memory == NULL;
    e->n = 0;
    e->failed = false;
    e->error = 0;
    e->held = 0;
}

static void write_all(mote_emit *e, const char *p, size_t n)
{
    while (n != 0 && !e->failed) {
        ssize_t w = write(e->fd, p, n > 1 << 30 ? 1 << 30 : n);
        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0) {
            e->failed = true;
            e->error = w < 0 ? errno : ENOSPC;
            return;
        }
        p += w;
        n -= (size_t)w;
    }
}

bool mote_emit_end(mote_emit *e)
{
    if (e->fd >= 0)
        write_all(e, e->buffer, e->held);
    e->held = 0;
    return !e->failed;
}

void mote_emit_bytes(mote_emit *e, const void *p, size_t n)
{
    if (n == 0)
        return;
    if (!e->counting && e->memory != NULL)
        memcpy(e->memory + e->n, p, n);
    e->n += n;
    if (e->counting || e->fd < 0)
        return;
    if (n > sizeof e->buffer - e->held) {
        write_all(e, e->buffer, e->held);
        e->held = 0;
    }
    if (n > sizeof e->buffer) {
        write_all(e, p, n);
        return;
    }
    memcpy(e->buffer + e->held, p, n);
    e->held += n;
}

static void varint(mote_emit *e, uint64_t v)
{
    uint8_t b[10];
    size_t n = 0;
    do {
        b[n++] = (uint8_t)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v != 0);
    mote_emit_bytes(e, b, n);
}

static void key(mote_emit *e, uint32_t field, uint32_t type) { varint(e, (uint64_t)field << 3 | type); }

void mote_emit_int(mote_emit *e, uint32_t field, int64_t v)
{
    key(e, field, MOTE_WIRE_VARINT);
    varint(e, (uint64_t)v);
}

void mote_emit_float(mote_emit *e, uint32_t field, float v)
{
    key(e, field, MOTE_WIRE_32);
    mote_emit_bytes(e, &v, 4);
}

void mote_emit_head(mote_emit *e, uint32_t field, uint64_t bytes)
{
    key(e, field, MOTE_WIRE_BYTES);
    varint(e, bytes);
}

void mote_emit_str(mote_emit *e, uint32_t field, mote_str s)
{
    mote_emit_head(e, field, s.n);
    mote_emit_bytes(e, s.p, s.n);
}

void mote_emit_text(mote_emit *e, uint32_t field, mote_str s)
{
    if (s.n != 0)
        mote_emit_str(e, field, s);
}

void mote_emit_nested(mote_emit *e, uint32_t field, mote_emit_message put, const void *ctx)
{
    bool counting = e->counting;
    uint64_t before = e->n;
    e->counting = true;
    put(e, ctx);
    uint64_t bytes = e->n - before;
    e->n = before;
    e->counting = counting;
    mote_emit_head(e, field, bytes);
    if (counting)
        e->n += bytes; /* once is enough */
    else
        put(e, ctx);
}

void mote_emit_ints(mote_emit *e, uint32_t field, const int64_t *v, size_t n)
{
    for (size_t i = 0; i < n; i++) /* ONNX is proto2: repeated numbers are not packed */
        mote_emit_int(e, field, v[i]);
}
