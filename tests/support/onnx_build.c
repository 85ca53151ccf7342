/* onnx_build.c - ONNX files for tests, byte by byte: right ones and wrong ones
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "onnx_build.h"
#include <stdlib.h>
#include <string.h>

void pb_free(pb *m)
{
    free(m->p);
    *m = (pb){NULL, 0, 0};
}

void pb_raw(pb *m, const void *bytes, size_t n)
{
    if (m->cap - m->n < n || m->p == NULL) {
        m->cap = m->cap * 2 + n + 64;
        char *p = realloc(m->p, m->cap);
        if (p == NULL)
            abort();
        m->p = p;
    }
    if (n != 0)
        memcpy(m->p + m->n, bytes, n);
    m->n += n;
}

void pb_varint(pb *m, uint64_t v)
{
    unsigned char b[10];
    size_t n = 0;
    do {
        b[n++] = (unsigned char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
        v >>= 7;
    } while (v != 0);
    pb_raw(m, b, n);
}

void pb_key(pb *m, uint32_t field, unsigned type) { pb_varint(m, (uint64_t)field << 3 | type); }

void pb_int(pb *m, uint32_t field, int64_t v)
{
    pb_key(m, field, 0);
    pb_varint(m, (uint64_t)v);
}

void pb_float(pb *m, uint32_t field, float v)
{
    pb_key(m, field, 5);
    pb_raw(m, &v, 4);
}

void pb_bytes(pb *m, uint32_t field, const void *bytes, size_t n)
{
    pb_key(m, field, 2);
    pb_varint(m, n);
    pb_raw(m, bytes, n);
}

void pb_str(pb *m, uint32_t field, const char *text) { pb_bytes(m, field, text, strlen(text)); }

void pb_msg(pb *m, uint32_t field, pb *inner)
{
    pb_bytes(m, field, inner->p, inner->n);
    pb_free(inner);
}

void pb_ints(pb *m, uint32_t field, const int64_t *v, size_t n, int packed)
{
    if (!packed) {
        for (size_t i = 0; i < n; i++)
            pb_int(m, field, v[i]);
        return;
    }
    pb in = {NULL, 0, 0};
    for (size_t i = 0; i < n; i++)
        pb_varint(&in, (uint64_t)v[i]);
    pb_msg(m, field, &in);
}

pb onnx_tensor(const char *name, int64_t dtype, int rank, const int64_t *dims, const void *raw, size_t bytes)
{
    pb t = {NULL, 0, 0};
    pb_ints(&t, 1, dims, (size_t)rank, 0);
    pb_int(&t, 2, dtype);
    if (name != NULL)
        pb_str(&t, 8, name);
    if (raw != NULL)
        pb_bytes(&t, 9, raw, bytes);
    return t;
}

pb onnx_floats(const char *name, int rank, const int64_t *dims, const float *v)
{
    size_t n = 4;
    for (int d = 0; d < rank; d++)
        n *= (size_t)dims[d];
    return onnx_tensor(name, 1, rank, dims, v, n);
}

pb onnx_i64(const char *name, size_t n, const int64_t *v)
{
    int64_t dim = (int64_t)n;
    return onnx_tensor(name, 7, 1, &dim, n == 0 ? (const int64_t *)(const void *)"" : v, n * 8);
}

pb onnx_value(const char *name, int64_t dtype, int rank, const int64_t *dims)
{
    pb shape = {NULL, 0, 0}, tensor = {NULL, 0, 0}, type = {NULL, 0, 0}, v = {NULL, 0, 0};
    for (int d = 0; d < rank; d++) {
        pb dim = {NULL, 0, 0};
        if (dims[d] >= 0)
            pb_int(&dim, 1, dims[d]);
        pb_msg(&shape, 1, &dim);
    }
    pb_int(&tensor, 1, dtype);
    if (rank >= 0)
        pb_msg(&tensor, 2, &shape);
    pb_free(&shape);
    pb_msg(&type, 1, &tensor);
    pb_str(&v, 1, name);
    pb_msg(&v, 2, &type);
    return v;
}

static void names(pb *n, uint32_t field, const char *list)
{
    for (const char *p = list; *list != 0;) {
        const char *end = strchr(p, ',');
        pb_bytes(n, field, p, end == NULL ? strlen(p) : (size_t)(end - p));
        if (end == NULL)
            return;
        p = end + 1;
    }
}

pb onnx_node(const char *op, const char *in, const char *out)
{
    pb n = {NULL, 0, 0};
    names(&n, 1, in);
    names(&n, 2, out);
    pb_str(&n, 4, op);
    return n;
}

void onnx_attr_int(pb *node, const char *name, int64_t v)
{
    pb a = {NULL, 0, 0};
    pb_str(&a, 1, name);
    pb_int(&a, 3, v);
    pb_int(&a, 20, 2);
    pb_msg(node, 5, &a);
}

void onnx_attr_float(pb *node, const char *name, float v)
{
    pb a = {NULL, 0, 0};
    pb_str(&a, 1, name);
    pb_float(&a, 2, v);
    pb_int(&a, 20, 1);
    pb_msg(node, 5, &a);
}

void onnx_attr_ints(pb *node, const char *name, size_t n, const int64_t *v)
{
    pb a = {NULL, 0, 0};
    pb_str(&a, 1, name);
    pb_ints(&a, 8, v, n, 0);
    pb_int(&a, 20, 7);
    pb_msg(node, 5, &a);
}

void onnx_attr_str(pb *node, const char *name, const char *v)
{
    pb a = {NULL, 0, 0};
    pb_str(&a, 1, name);
    pb_str(&a, 4, v);
    pb_int(&a, 20, 3);
    pb_msg(node, 5, &a);
}

void onnx_attr_msg(pb *node, const char *name, int kind, uint32_t field, pb *message)
{
    pb a = {NULL, 0, 0};
    pb_str(&a, 1, name);
    pb_msg(&a, field, message);
    pb_int(&a, 20, kind);
    pb_msg(node, 5, &a);
}

pb onnx_model(pb *graph, int64_t opset)
{
    pb m = {NULL, 0, 0}, o = {NULL, 0, 0};
    pb_int(&m, 1, 8);
    pb_int(&o, 2, opset);
    pb_msg(&m, 8, &o);
    pb_msg(&m, 7, graph);
    return m;
}
