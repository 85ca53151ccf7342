/* model.h - for tests through the public interface: models from the text form, arrays, the large data set's files
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_MODEL_H
#define TESTS_SUPPORT_MODEL_H

#include "base/heap.h"
#include "graph/graph.h"
#include "onnx/write.h"
#include <mote/mote.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ASSERT_OK(call, diag)                                                                                          \
    do {                                                                                                               \
        mote_status status_ = (call);                                                                                  \
        if (status_ != MOTE_OK)                                                                                        \
            fail_msg("%s: %s: %s '%s': %s", #call, mote_status_string(status_), (diag).op, (diag).node, (diag).message); \
    } while (0)
#define ASSERT_SAYS(diag, words)                                                                                       \
    do {                                                                                                               \
        if (strstr((diag).message, (words)) == NULL)                                                                   \
            fail_msg("\"%s\" does not say \"%s\"", (diag).message, (words));                                           \
    } while (0)

/* The ONNX file of a module's text (docs/ir.md), malloc'ed. */
MOTE_UNUSED static void *onnx_of(const char *text, size_t *bytes)
{
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    mote_module *m = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(mote_module_parse(&heap, mote_str_c(text), &m, &diag), diag);
    void *p = NULL;
    size_t n = 0;
    ASSERT_OK(mote_onnx_write_memory(m, &heap, &p, &n, &diag), diag);
    void *copy = malloc(n);
    assert_non_null(copy);
    memcpy(copy, p, n);
    mote_heap_free(&heap, p, n);
    mote_module_destroy(&m);
    *bytes = n;
    return copy;
}

/* A model of a text; *bytes must live as long as it, and be freed. */
MOTE_UNUSED static mote_model *model_of(const char *text, const mote_load_options *options, void **bytes)
{
    size_t n;
    mote_model *model = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    *bytes = onnx_of(text, &n);
    ASSERT_OK(mote_model_load_memory(*bytes, n, options, &model, &diag), diag);
    return model;
}

MOTE_UNUSED static mote_session *session_of(mote_model *model, const mote_session_options *options)
{
    mote_session *s = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    ASSERT_OK(mote_session_create(model, options, &s, &diag), diag);
    return s;
}

MOTE_UNUSED static mote_tensor shape_of(mote_dtype dtype, int32_t rank, const int64_t *dims)
{
    mote_tensor t = MOTE_TENSOR_INIT;
    assert_int_equal(mote_tensor_describe(&t, dtype, rank, dims, NULL), MOTE_OK);
    return t;
}
#define SHAPE(dtype, ...) shape_of(dtype, sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t), (int64_t[]){__VA_ARGS__})

/* Numbers in [-1, 1) with 8 bits behind the point, the same everywhere; integers in 0..9. */
MOTE_UNUSED static void fill_tensor(const mote_tensor *t, uint32_t seed)
{
    void *p = mote_tensor_map(t);
    for (size_t i = 0, n = (size_t)mote_tensor_count(t); i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        if (t->dtype == MOTE_DTYPE_F32)
            ((float *)p)[i] = (float)(int)(seed >> 23) * 0x1p-8f - 1;
        else if (t->dtype == MOTE_DTYPE_S64)
            ((int64_t *)p)[i] = (int64_t)(seed >> 16) % 10;
        else
            memset(p, 0, t->bytes);
    }
}

MOTE_UNUSED static void fill_inputs(const mote_model *model, mote_session *s, uint32_t seed)
{
    for (size_t i = 0; i < mote_model_input_count(model); i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        assert_int_equal(mote_model_input_info(model, i, &info), MOTE_OK);
        if (!info.optional)
            fill_tensor(mote_session_input(s, i), seed + (uint32_t)i);
    }
}

/* Prepares with every open dimension n and no optional input. */
MOTE_UNUSED static void prepare_for(const mote_model *model, mote_session *s, int64_t n)
{
    mote_tensor shapes[512];
    size_t count = mote_model_input_count(model);
    mote_diag diag = MOTE_DIAG_INIT;
    assert_in_range(count, 0, 512);
    for (size_t i = 0; i < count; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        assert_int_equal(mote_model_input_info(model, i, &info), MOTE_OK);
        for (int32_t d = 0; d < info.rank; d++)
            info.shape[d] = info.shape[d] < 0 ? n : info.shape[d];
        shapes[i] = info.optional ? (mote_tensor)MOTE_TENSOR_INIT : shape_of(info.dtype, info.rank, info.shape);
    }
    ASSERT_OK(mote_session_prepare(s, shapes, count, &diag), diag);
}

/* A file of the large data set; skips the test without it. */
MOTE_UNUSED static const char *shared_file(char *path, size_t cap, const char *name)
{
    const char *root = getenv("MOTE_SHARED");
    snprintf(path, cap, "%s/data/%s", root != NULL ? root : "../shared", name);
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is not there\n", path);
        skip();
    }
    return path;
}

#endif
