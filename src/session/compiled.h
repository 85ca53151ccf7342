/* compiled.h - compiled models: a machine family's graph and packed weights in one file that is mapped as it is
 * SPDX-License-Identifier: Apache-2.0
 *
 * header | tensors | packs | graph | zeros | payload. The graph is that of mote_onnx_write_machine: what the passes left, without large constants. A tensor
 * says where the data of a constant lie in the payload; a pack where packed weights lie, and what they are found by. Lowering runs as ever and
 * finds its packs made. All before the payload is checked on loading by `head_sum`, the payload by mote_model_check alone. Numbers are
 * little-endian; the payload begins at a multiple of MOTE_COMPILED_PAGE, what lies in it at multiples of 64. */
#ifndef MOTE_SESSION_COMPILED_H
#define MOTE_SESSION_COMPILED_H

#include "onnx/read.h"
#include "provider/cpu/packs.h"

/* The number goes up whenever the file, a machine form or a packing changes. */
enum { MOTE_COMPILED_FORMAT = 2, MOTE_COMPILED_PAGE = 16384 /* the largest page among phones */ };

typedef struct mote_compiled_header {
    char magic[8];
    uint32_t format, reserved;
    uint64_t head_sum;            /* of the bytes before it, continued with those after it up to the payload */
    char library[16], family[24]; /* zero-padded */
    uint64_t file_bytes, n_tensors, n_packs, graph_bytes, payload_at;
    uint64_t payload_sum;         /* of all from payload_at on */
    uint64_t source_sum;          /* of what it was made from: the file and the options */
    uint64_t zero[1];
} mote_compiled_header;
_Static_assert(sizeof(mote_compiled_header) == 128, "a header of 128 bytes");

/* at: from the file's start; UINT64_MAX: the constant is there packed alone. */
typedef struct mote_compiled_tensor {
    uint64_t at, bytes;
} mote_compiled_tensor;

typedef struct mote_compiled_pack {
    uint64_t at, bytes, variant;
    uint32_t n, ids[MOTE_PACK_KEYS], zero; /* ids: of values in the graph as it is read, see mote_pack_key */
} mote_compiled_pack;
_Static_assert(sizeof(mote_compiled_pack) == 64, "a pack of 64 bytes");

/* Reading one, for mote_onnx_read_options.unwrap. All zeros but heap, cpu and allowed; after the read, the model takes what is here and
 * mote_compiled_close gives back the tensors' list. */
typedef struct mote_compiled {
    mote_heap *heap;
    uint32_t cpu;
    const char *file;      /* NULL: the file was an ONNX model */
    mote_compiled_header header;
    mote_onnx_stored stored;
} mote_compiled;
mote_status mote_compiled_unwrap(void *ctx, mote_str file, mote_str *graph, const mote_onnx_stored **stored, mote_diag *diag);
mote_status mote_compiled_packs(const mote_compiled *c, mote_packs *packs);
void mote_compiled_close(mote_compiled *c);
/* Whether `file` begins as a compiled model of this library for the family that was made from that source. */
bool mote_compiled_is(mote_str file, const char *family, uint64_t source_sum);
uint64_t mote_compiled_head_sum(const void *file, size_t payload_at);

#endif
