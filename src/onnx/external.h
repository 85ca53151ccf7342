/* external.h - tensor data in files beside the model
 * SPDX-License-Identifier: Apache-2.0
 *
 * A model names these files itself, so the name is hostile. It is walked component by component from an open folder; absolute paths, "..", ".", empty
 * components, backslashes and NUL are refused before anything is opened. Links are followed only when what they lead to lies under the folder of the
 * model's real file (after its own links) or under the folder through which the model was opened: caches that keep every file as a link into
 * a common store load, a link out of them does not. Only regular files are opened. Source: onnx/docs/ExternalData.md. */
#ifndef MOTE_ONNX_EXTERNAL_H
#define MOTE_ONNX_EXTERNAL_H

#include "base/map.h"
#include "base/str.h"

typedef struct mote_external_ref {
    mote_str location;
    uint64_t offset, length;
    bool has_location, has_offset, has_length, has_checksum;
} mote_external_ref;

/* Takes one key of a tensor's external_data. Unknown and repeated keys are refused, and numbers that are not plain decimals below 2^63. */
mote_status mote_external_key(mote_external_ref *ref, mote_str key, mote_str value, mote_diag *diag);

typedef struct mote_external mote_external;

/* `folder`: where data files are looked for. `real_folder`: the folder of the model's file after its links, or NULL when it is the same. `copy`: read
 * instead of map. */
mote_status mote_external_create(mote_heap *heap, const char *folder, const char *real_folder, bool copy, mote_external **out, mote_diag *diag);
/* The bytes of a tensor of `bytes` bytes. They live until destroy. MOTE_E_PATH, MOTE_E_IO, MOTE_E_MODEL (length or offset contradict the tensor or the
 * file), MOTE_E_MEMORY. */
mote_status mote_external_map(mote_external *e, const mote_external_ref *ref, size_t bytes, mote_str *out, mote_diag *diag);
/* mote_map_release for what of bytes[0 .. n) lies in these files; NULL: all of them. */
void mote_external_release(const mote_external *e, const void *bytes, size_t n);
size_t mote_external_bytes(const mote_external *e);
void mote_external_destroy(mote_external **e);

#endif
