/* read.h - an ONNX model from bytes to a module
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_ONNX_READ_H
#define MOTE_ONNX_READ_H

#include "graph/graph.h"

/* What a module's constants point into: the mapped model, its external data. Outlives the module. */
typedef struct mote_onnx_files mote_onnx_files;

/* What a compiled model's graph (mote_onnx_write_machine) stands for: tensor number i is tensors[i], without data where p is NULL. */
typedef struct mote_onnx_stored {
    const mote_str *tensors;
    size_t n;
} mote_onnx_stored;

typedef struct mote_onnx_read_options {
    const char *external_folder; /* for models without a path; NULL: external data is refused */
    bool copy;                   /* read files instead of mapping them */
    const mote_onnx_stored *stored; /* the bytes are a compiled model's graph; NULL: they are an ONNX file */
    /* Looks at the bytes of the file first. When they are of a compiled model: *graph is what to read, *stored what it stands for; else they stay as
     * they are. NULL: compiled models are refused. */
    mote_status (*unwrap)(void *ctx, mote_str file, mote_str *graph, const mote_onnx_stored **stored, mote_diag *diag);
    void *unwrap_ctx;
} mote_onnx_read_options;

/* The first bytes of a compiled model. */
#define MOTE_COMPILED_MAGIC "\x89MOTE\r\n\x1a"

/* Each reads a model (IR version 3 to 14, any operator set: those below 7 are brought to 8; functions expanded) into a fresh module of `heap`, graphs sorted, names unique. Inner types are as
 * declared: not inferred, not trusted. MOTE_E_IO, MOTE_E_FORMAT, MOTE_E_MODEL, MOTE_E_UNSUPPORTED, MOTE_E_LIMIT, MOTE_E_PATH, MOTE_E_SHAPE,
 * MOTE_E_DTYPE, MOTE_E_MEMORY; on failure *out and *files are NULL. */
mote_status mote_onnx_read_path(mote_heap *heap, const char *path, const mote_onnx_read_options *o, mote_module **out, mote_onnx_files **files,
                                mote_diag *diag);
mote_status mote_onnx_read_fd(mote_heap *heap, int fd, uint64_t offset, uint64_t length, const mote_onnx_read_options *o, mote_module **out,
                              mote_onnx_files **files, mote_diag *diag);
/* data is borrowed for as long as the module lives. */
mote_status mote_onnx_read_memory(mote_heap *heap, const void *data, size_t n, const mote_onnx_read_options *o, mote_module **out,
                                  mote_onnx_files **files, mote_diag *diag);
mote_status mote_onnx_read_reader(mote_heap *heap, const mote_reader *reader, const mote_onnx_read_options *o, mote_module **out,
                                  mote_onnx_files **files, mote_diag *diag);
void mote_onnx_files_destroy(mote_onnx_files **files);
/* Gives the mapped pages of bytes[0 .. n), of all files for NULL, back to the system: they are fetched again when they are read. Thread-safe; `files` may
 * be NULL; what is no mapping of these files stays as it is. */
void mote_onnx_files_release(const mote_onnx_files *files, const void *bytes, size_t n);
size_t mote_onnx_files_bytes(const mote_onnx_files *files); /* mapped or read */

/* One TensorProto, as ONNX's test folders hold them. The array's data lies in `data` or the arena. */
mote_status mote_onnx_read_tensor(mote_arena *arena, const void *data, size_t n, mote_array *out, mote_str *name, mote_diag *diag);
/* One TensorProto, SequenceProto or OptionalProto, as the kind says. An empty optional has dtype NONE. */
mote_status mote_onnx_read_value(mote_arena *arena, const void *data, size_t n, mote_kind kind, mote_array *out, mote_str *name, mote_diag *diag);

#endif
