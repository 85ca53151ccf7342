/* write.h - a module to ONNX bytes
 * SPDX-License-Identifier: Apache-2.0
 *
 * Deterministic: the same module gives the same bytes. Lengths are computed first, then everything is streamed, weights from where they lie. Metadata,
 * documentation, fields that mote does not know, and operator-set versions are kept; a version is raised only when a node needs a newer one, and
 * only when that changes no other node. Functions were expanded by reading. Nodes of the domain "mote" are refused: they have no place in a file. */
#ifndef MOTE_ONNX_WRITE_H
#define MOTE_ONNX_WRITE_H

#include "graph/graph.h"

typedef struct mote_onnx_write_options {
    bool overwrite;                /* replace files that exist */
    uint64_t external_above;       /* bytes of constants beyond which they go to a file beside; 0: 1.9 GB, as protobuf stops at 2 GB */
} mote_onnx_write_options;

/* Writes path (and, for external data, FILE.HASH.data in the same folder, first) under temporary names and renames them when they are complete and on
 * disk. MOTE_E_IO, MOTE_E_LIMIT, MOTE_E_UNSUPPORTED, MOTE_E_MODEL, MOTE_E_MEMORY; on failure nothing that was there is changed. */
mote_status mote_onnx_write_path(const mote_module *m, const char *path, const mote_onnx_write_options *o, mote_diag *diag);
/* Into memory of `heap`, to be freed with *bytes; out NULL: only *bytes is wanted. No external data. */
mote_status mote_onnx_write_memory(const mote_module *m, mote_heap *heap, void **out, size_t *bytes, mote_diag *diag);

/* The graph of a compiled model (session/compiled.h): as above, but forms of the domain "mote" stand in it, each node has its version (field 40) and the
 * operator that it came from (41), inner types are left out, and a constant of MOTE_ONNX_STORED_LEAST bytes or more is only a number: tensors[i]
 * (n_tensors of them, from `heap`) is where the data of number i lie. */
enum { MOTE_ONNX_STORED_LEAST = 1024 };
mote_status mote_onnx_write_machine(const mote_module *m, mote_heap *heap, void **out, size_t *bytes, mote_str **tensors, size_t *n_tensors, mote_diag *diag);

#endif
