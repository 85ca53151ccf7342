/* compare_text.h - for tests of lowerings: a graph as text, in sessions of every feature mask and several threads, against the reference executor
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROVIDER_COMPARE_TEXT_H
#define TESTS_PROVIDER_COMPARE_TEXT_H

#include "base/platform.h"
#include "onnx/write.h"
#include "ops/op.h"
#include "tensor/dtype.h"
#include "base/cpu.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { TEXT_MAX = 8 };

typedef struct text_kernels {
    const char *op, *part; /* every step of this operator runs in a kernel whose name has this part */
    size_t seen, wrong;
    char last[64];
} text_kernels;

MOTE_UNUSED static void text_profile(void *ctx, const mote_profile_event *e)
{
    text_kernels *k = ctx;
    if (strcmp(e->op, k->op) != 0)
        return;
    k->seen++;
    k->wrong += strstr(e->kernel, k->part) == NULL;
    snprintf(k->last, sizeof k->last, "%s", e->kernel);
}

MOTE_UNUSED static void text_fill(const mote_array *a, unsigned seed)
{
    for (size_t k = 0; k < mote_array_count(a); k++) {
        const unsigned r = (unsigned)(k * 2654435761u + seed * 40503u) >> 16 & 1023;
        if (mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT))
            mote_dtype_from_f64(a->dtype, a->data, k, ((double)r - 511) / 256);
        else
            mote_dtype_from_i64(a->dtype, a->data, k, mote_dtype_in(a->dtype, MOTE_DT(S32) | MOTE_DT(S64)) ? (int64_t)(r % 4) : (int64_t)(r & 255));
    }
}

MOTE_UNUSED static void text_compare_one(const char *text, const void *bytes, size_t n_bytes, const mote_graph *g, const mote_array *in,
                                         const mote_array *want, uint32_t mask, unsigned threads, text_kernels *kernels)
{
    mote_diag diag = MOTE_DIAG_INIT;
    mote_load_options load = MOTE_LOAD_OPTIONS_INIT;
    mote_session_options options = MOTE_SESSION_OPTIONS_INIT;
    mote_model *model;
    mote_session *session;
    load.cpu_mask = mask;
    options.threads = threads;
    options.profile = text_profile;
    options.profile_ctx = kernels;
    if (mote_model_load_memory(bytes, n_bytes, &load, &model, &diag) != MOTE_OK || mote_session_create(model, &options, &session, &diag) != MOTE_OK)
        fail_msg("%s\n%s: %s", text, diag.op, diag.message);
    mote_tensor shapes[TEXT_MAX];
    for (size_t i = 0; i < g->n_inputs; i++) {
        shapes[i] = (mote_tensor)MOTE_TENSOR_INIT;
        assert_int_equal(mote_tensor_describe(&shapes[i], in[i].dtype, in[i].rank, in[i].dims, NULL), MOTE_OK);
    }
    if (mote_session_prepare(session, shapes, g->n_inputs, &diag) != MOTE_OK)
        fail_msg("%s\n%s: %s", text, diag.op, diag.message);
    for (size_t i = 0; i < g->n_inputs; i++)
        if (in[i].bytes != 0)
            memcpy(mote_tensor_map(mote_session_input(session, i)), in[i].data, in[i].bytes);
    for (int again = 0; again < 2; again++) {
        if (mote_session_run(session, NULL, &diag) != MOTE_OK)
            fail_msg("%s\n%s: %s", text, diag.op, diag.message);
        for (size_t i = 0; i < g->n_outputs; i++) {
            const mote_tensor *y = mote_session_output(session, i);
            const unsigned char *got = mote_tensor_map(y), *should = want[i].data;
            assert_int_equal(y->bytes, want[i].bytes);
            for (size_t b = 0; b < want[i].bytes; b++)
                if (got[b] != should[b]) {
                    const size_t e = b / (mote_dtype_bits(want[i].dtype) / 8);
                    fail_msg("%s\nmask %#x, %u threads: output %zu, element %zu is %a, expected %a", text, (unsigned)mask, threads, i, e,
                             mote_dtype_to_f64(want[i].dtype, got, e), mote_array_f64(&want[i], e));
                }
        }
    }
    if (kernels->op[0] != 0 && (kernels->seen == 0 || kernels->wrong != 0))
        fail_msg("%s\n%s ran %zu times, %zu of them not in '%s' but in '%s'", text, kernels->op, kernels->seen, kernels->wrong, kernels->part, kernels->last);
    mote_session_destroy(&session);
    mote_model_destroy(&model);
}

/* dims: for each unknown dimension of the inputs, in order, its size. The operator's steps must run in a kernel named with `part`. */
MOTE_UNUSED static void text_compare(const char *text, const int64_t *dims, const char *op, const char *part)
{
    static const uint32_t masks[] = {1u << 31, MOTE_CPU_AVX2, MOTE_CPU_AVX2 | MOTE_CPU_AVX512, MOTE_CPU_NEON, 0};
    mote_heap heap;
    mote_module *m = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    mote_heap_init(&heap, NULL, 0);
    if (mote_module_parse(&heap, mote_str_c(text), &m, &diag) != MOTE_OK || mote_ops_resolve(m, &diag) != MOTE_OK ||
        mote_infer_module(m, &diag) != MOTE_OK)
        fail_msg("%s\n%s: %s", text, diag.op, diag.message);
    void *bytes;
    size_t n_bytes;
    if (mote_onnx_write_memory(m, &heap, &bytes, &n_bytes, &diag) != MOTE_OK)
        fail_msg("%s", diag.message);
    const mote_graph *g = m->graph;
    mote_array in[TEXT_MAX], want[TEXT_MAX];
    const mote_array *inputs[TEXT_MAX];
    assert_true(g->n_inputs <= TEXT_MAX && g->n_outputs <= TEXT_MAX);
    for (size_t i = 0; i < g->n_inputs; i++) {
        mote_type t = g->inputs[i]->type;
        for (int32_t d = 0; d < t.rank; d++)
            t.dims[d] = mote_dim_known(t.dims[d]) ? t.dims[d] : *dims++;
        assert_int_equal(mote_array_shape(&in[i], t.dtype, t.rank, t.dims, NULL), MOTE_OK);
        in[i].data = calloc(in[i].bytes + 1, 1);
        text_fill(&in[i], (unsigned)i + 1);
        inputs[i] = &in[i];
    }
    if (mote_eval_graph(m->graph, inputs, g->n_inputs, want, g->n_outputs, &heap, 0, NULL, NULL, &diag) != MOTE_OK)
        fail_msg("%s\n%s: %s", text, diag.op, diag.message);
    for (size_t k = 0; k < sizeof masks / sizeof masks[0]; k++)
        for (unsigned threads = 1; threads <= 3; threads += 2) {
            text_kernels kernels = {.op = op, .part = part};
            text_compare_one(text, bytes, n_bytes, g, in, want, masks[k], threads, &kernels);
        }
    for (size_t i = 0; i < g->n_inputs; i++)
        free(in[i].data);
    for (size_t i = 0; i < g->n_outputs; i++)
        mote_array_free(&heap, &want[i]);
    mote_heap_free(&heap, bytes, n_bytes);
    mote_module_destroy(&m);
    assert_int_equal(heap.used, 0);
}

#endif
