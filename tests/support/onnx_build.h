/* onnx_build.h - ONNX files for tests, byte by byte: right ones and wrong ones
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TESTS_ONNX_BUILD_H
#define MOTE_TESTS_ONNX_BUILD_H

#include <stddef.h>
#include <stdint.h>

/* A growing protobuf message. Memory is never given back before pb_free; failure to get it ends the test. */
typedef struct pb {
    char *p;
    size_t n, cap;
} pb;

void pb_free(pb *m);
void pb_raw(pb *m, const void *bytes, size_t n);
void pb_varint(pb *m, uint64_t v);
void pb_key(pb *m, uint32_t field, unsigned type);
void pb_int(pb *m, uint32_t field, int64_t v);
void pb_float(pb *m, uint32_t field, float v);
void pb_bytes(pb *m, uint32_t field, const void *bytes, size_t n);
void pb_str(pb *m, uint32_t field, const char *text);
/* Appends `inner` as a message field and frees it. */
void pb_msg(pb *m, uint32_t field, pb *inner);
void pb_ints(pb *m, uint32_t field, const int64_t *v, size_t n, int packed);

/* ONNX messages. Lists of names are comma-separated; "" is no name, "," is two empty ones. */
pb onnx_tensor(const char *name, int64_t dtype, int rank, const int64_t *dims, const void *raw, size_t bytes);
pb onnx_floats(const char *name, int rank, const int64_t *dims, const float *v); /* raw */
pb onnx_i64(const char *name, size_t n, const int64_t *v);                       /* rank 1, raw */
/* rank < 0: no shape. A dimension of -1 is left open. */
pb onnx_value(const char *name, int64_t dtype, int rank, const int64_t *dims);
pb onnx_node(const char *op, const char *in, const char *out);
void onnx_attr_int(pb *node, const char *name, int64_t v);
void onnx_attr_float(pb *node, const char *name, float v);
void onnx_attr_ints(pb *node, const char *name, size_t n, const int64_t *v);
void onnx_attr_str(pb *node, const char *name, const char *v);
void onnx_attr_msg(pb *node, const char *name, int kind, uint32_t field, pb *message); /* frees it */
/* IR 8 and one operator set; takes the graph. */
pb onnx_model(pb *graph, int64_t opset);

#endif
