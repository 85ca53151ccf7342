/* emit.h - writing the protobuf wire format: counted first, then streamed
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_ONNX_EMIT_H
#define MOTE_ONNX_EMIT_H

#include "base/diag.h"
#include "base/str.h"

/* Failure is sticky. */
typedef struct mote_emit {
    int fd;         /* < 0: to memory, or only counting */
    char *memory;   /* room for everything, counted before */
    bool counting;
    uint64_t n;     /* bytes so far */
    bool failed;
    int error;      /* errno */
    size_t held;
    char buffer[16384];
} mote_emit;

typedef void (*mote_emit_message)(mote_emit *e, const void *ctx);

void mote_emit_begin(mote_emit *e, int fd, char *memory);
/* Flushes; false when anything failed. */
bool mote_emit_end(mote_emit *e);
void mote_emit_bytes(mote_emit *e, const void *p, size_t n);
void mote_emit_int(mote_emit *e, uint32_t field, int64_t v);
void mote_emit_float(mote_emit *e, uint32_t field, float v);
void mote_emit_str(mote_emit *e, uint32_t field, mote_str s);
/* As mote_emit_str, but nothing for an empty string. */
void mote_emit_text(mote_emit *e, uint32_t field, mote_str s);
/* The key and length of a message whose bytes follow. */
void mote_emit_head(mote_emit *e, uint32_t field, uint64_t bytes);
/* A message that `put` writes; it is called twice, first to count. Takes little of the stack: messages nest a hundred deep. */
void mote_emit_nested(mote_emit *e, uint32_t field, mote_emit_message put, const void *ctx);
void mote_emit_ints(mote_emit *e, uint32_t field, const int64_t *v, size_t n);

#endif
