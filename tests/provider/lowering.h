/* lowering.h - for tests of lowerings: one node on arrays, lowered for every feature mask and several pools, against its reference evaluation
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_PROVIDER_LOWERING_H
#define TESTS_PROVIDER_LOWERING_H

#include "kernels/kcheck.h"
#include "ops/op.h"
#include "provider/cpu/lower.h"
#include "provider/cpu/packs.h"

enum { LOWERING_MAX = 12 };

typedef struct lowering {
    mote_heap heap;
    mote_module *module;
    mote_node *node;
    const mote_op_def *def;
    mote_array in[LOWERING_MAX], out, want;
    mote_array more_out[LOWERING_MAX], more_want[LOWERING_MAX]; /* outputs 1.. */
    uint32_t n_out, shift[LOWERING_MAX];
    const mote_array *inputs[LOWERING_MAX];
    uint32_t n_in;
    uint32_t variable; /* bit i: input i is no constant */
} lowering;

MOTE_UNUSED static lowering *lowering_begin_many(const mote_op_def *def, uint32_t n_in, uint32_t n_out)
{
    lowering *t = calloc(1, sizeof *t);
    mote_heap_init(&t->heap, NULL, 0);
    assert_int_equal(mote_module_create(&t->heap, &t->module), MOTE_OK);
    if (t->module->graph == NULL)
        t->module->graph = mote_graph_create(t->module, NULL, NULL);
    t->node = mote_graph_add_node(t->module->graph, NULL, def->domain, def->name, def->since, n_in, n_out, true);
    assert_non_null(t->node);
    t->node->def = def;
    t->def = def;
    t->n_in = n_in;
    t->n_out = n_out;
    t->variable = 1;
    return t;
}
MOTE_UNUSED static lowering *lowering_begin(const mote_op_def *def, uint32_t n_in) { return lowering_begin_many(def, n_in, 1); }

/* Input i: memory of this shape, zeroed. */
MOTE_UNUSED static void *lowering_input(lowering *t, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims)
{
    assert_int_equal(mote_array_shape(&t->in[i], dtype, rank, dims, NULL), MOTE_OK);
    t->in[i].data = aligned_alloc(64, t->in[i].bytes / 64 * 64 + 64);
    memset(t->in[i].data, 0, t->in[i].bytes);
    t->inputs[i] = &t->in[i];
    mote_value *v = mote_graph_add_value(t->module->graph, mote_str_c(""));
    mote_node_set_input(t->node, i, v);
    return t->in[i].data;
}

MOTE_UNUSED static void lowering_floats(lowering *t, uint32_t i, int32_t rank, const int64_t *dims, uint64_t *seed)
{
    float *x = lowering_input(t, i, MOTE_DTYPE_F32, rank, dims);
    kcheck_fill(x, mote_array_count(&t->in[i]), seed, false);
}

MOTE_UNUSED static void lowering_ints(lowering *t, uint32_t i, int64_t n, const int64_t *values)
{
    int64_t *x = lowering_input(t, i, MOTE_DTYPE_S64, 1, &n);
    if (n > 0)
        memcpy(x, values, (size_t)n * sizeof *x);
}

/* Any bits; of half floats and floats ordinary ones. */
MOTE_UNUSED static void lowering_any(lowering *t, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims, uint64_t *seed)
{
    unsigned char *x = lowering_input(t, i, dtype, rank, dims);
    for (size_t k = 0, n = mote_array_count(&t->in[i]); k < n; k++)
        if (mote_dtype_in(dtype, MOTE_DTYPES_FLOAT))
            mote_dtype_from_f64(dtype, x, k, (double)rng_float(seed, -4.0f, 4.0f));
        else if (dtype == MOTE_DTYPE_BOOL)
            x[k] = rng_next(seed) & 1;
        else
            for (size_t b = 0, size = t->in[i].bytes / n; b < size; b++)
                x[k * size + b] = (unsigned char)rng_next(seed);
}

/* Moves the elements of a constant by a byte, as in a mapped file; its lowering must read it when it is planned, and not at run. */
MOTE_UNUSED static void lowering_misalign(lowering *t, uint32_t i)
{
    char *p = aligned_alloc(64, (t->in[i].bytes + 1) / 64 * 64 + 64);
    memcpy(p + 1, t->in[i].data, t->in[i].bytes);
    free(t->in[i].data);
    t->in[i].data = p + 1;
    t->shift[i] = 1;
}

/* Infers and evaluates by the operator's definition. */
MOTE_UNUSED static void lowering_expect(lowering *t)
{
    mote_diag diag = {.struct_size = sizeof diag};
    mote_type types[LOWERING_MAX], out[LOWERING_MAX];
    for (uint32_t i = 0; i < t->n_out; i++)
        out[i] = (mote_type){.rank = -1};
    const mote_type *type_of[LOWERING_MAX] = {0};
    for (uint32_t i = 0; i < t->n_in; i++)
        if (t->inputs[i] != NULL) {
            types[i] = (mote_type){.kind = MOTE_KIND_TENSOR, .dtype = t->in[i].dtype, .rank = t->in[i].rank};
            memcpy(types[i].dims, t->in[i].dims, sizeof types[i].dims);
            type_of[i] = &types[i];
        }
    mote_infer infer = {.module = t->module, .node = t->node, .n_in = t->n_in, .n_out = t->n_out, .in = type_of, .value = t->inputs, .out = out, .diag = &diag};
    if (t->def->infer(&infer) != MOTE_OK)
        fail_msg("%s: %s", t->def->name, diag.message);
    mote_array *wants[LOWERING_MAX] = {0};
    for (uint32_t i = 0; i < t->n_out; i++) {
        mote_array *w = i == 0 ? &t->want : &t->more_want[i], *o = i == 0 ? &t->out : &t->more_out[i];
        assert_int_equal(mote_array_shape(w, out[i].dtype, out[i].rank, out[i].dims, NULL), MOTE_OK);
        *o = *w;
        w->data = calloc(w->bytes + 1, 1);
        o->data = aligned_alloc(64, o->bytes / 64 * 64 + 64);
        wants[i] = w;
    }
    mote_eval eval = {.node = t->node, .n_in = t->n_in, .n_out = t->n_out, .in = t->inputs, .out = wants, .heap = &t->heap, .diag = &diag};
    if (t->def->eval(&eval) != MOTE_OK)
        fail_msg("%s: %s", t->def->name, diag.message);
}

/* Lowers and runs; bits must be those of `want`. */
MOTE_UNUSED static void lowering_check_one(lowering *t, uint32_t cpu, mote_pool *pool, uint32_t variable)
{
    mote_diag diag = {.struct_size = sizeof diag};
    mote_arena arena;
    mote_packs *packs;
    mote_arena_init(&arena, &t->heap);
    assert_int_equal(mote_packs_create(&t->heap, NULL, &packs), MOTE_OK);
    const mote_array *value[LOWERING_MAX] = {0}, *outs[LOWERING_MAX] = {&t->out};
    for (uint32_t i = 1; i < t->n_out; i++)
        outs[i] = &t->more_out[i];
    for (uint32_t i = 0; i < t->n_in; i++) {
        value[i] = t->inputs[i] != NULL && (variable >> i & 1) == 0 ? t->inputs[i] : NULL;
        if (t->inputs[i] != NULL)
            t->node->in[i].value->constant = value[i];
    }
    mote_lower l = {.node = t->node, .n_in = t->n_in, .n_out = t->n_out, .in = t->inputs, .value = value, .out = outs, .cpu = cpu,
                    .workers = mote_pool_workers(pool), .arena = &arena, .packs = packs, .heap = &t->heap, .diag = &diag};
    mote_lower_fn fn = mote_lower_find(t->def->domain, t->def->name);
    assert_non_null(fn);
    if (fn(&l) != MOTE_OK)
        fail_msg("%s: %s", t->def->name, diag.message);
    assert_non_null(l.run);
    mote_array *in[LOWERING_MAX] = {0}, *out[LOWERING_MAX] = {&t->out}, unread[LOWERING_MAX];
    for (uint32_t i = 1; i < t->n_out; i++) {
        out[i] = &t->more_out[i];
        memset(out[i]->data, 0xee, out[i]->bytes);
    }
    for (uint32_t i = 0; i < t->n_in; i++)
        if (t->inputs[i] != NULL) {
            unread[i] = t->in[i];
            if ((l.unread >> i & 1) != 0)
                unread[i].data = NULL;
            in[i] = &unread[i];
        }
    mote_step step = {.run = l.run, .params = l.params, .kernel = l.kernel, .node = t->node, .n_in = t->n_in, .n_out = t->n_out, .in = in, .out = out, .scratch_bytes = l.scratch_bytes};
    guard g = guard_make(l.scratch_bytes + 64); /* a page that ends behind the scratch */
    char *scratch = guard_at(&g, (l.scratch_bytes + 63) / 64 * 64, true);
    memset(scratch, 0xff, l.scratch_bytes);
    memset(t->out.data, 0xee, t->out.bytes);
    mote_exec x = {.pool = pool, .scratch = scratch, .scratch_bytes = l.scratch_bytes, .diag = &diag, .heap = &t->heap};
    assert_int_equal(l.run(&step, &x), MOTE_OK);
    if (t->out.dtype == MOTE_DTYPE_F32)
        expect_same(l.kernel, t->out.data, t->want.data, mote_array_count(&t->out));
    else
        expect_bytes(l.kernel, t->out.data, t->want.data, t->out.bytes);
    for (uint32_t i = 1; i < t->n_out; i++)
        if (out[i]->dtype == MOTE_DTYPE_F32)
            expect_same(l.kernel, out[i]->data, t->more_want[i].data, mote_array_count(out[i]));
        else
            expect_bytes(l.kernel, out[i]->data, t->more_want[i].data, out[i]->bytes);
    if (l.release != NULL)
        l.release(l.params);
    guard_free(&g);
    mote_packs_destroy(&packs);
    mote_arena_deinit(&arena);
}

/* An operator that has no lowering: evaluates with the kernels of `cpu`. */
MOTE_UNUSED static void lowering_evaluate(lowering *t, uint32_t cpu)
{
    mote_diag diag = {.struct_size = sizeof diag};
    mote_array *out[] = {&t->out};
    assert_null(mote_lower_find(t->def->domain, t->def->name));
    mote_eval eval = {.node = t->node, .n_in = t->n_in, .n_out = 1, .in = t->inputs, .out = out, .heap = &t->heap, .diag = &diag, .cpu = cpu};
    memset(t->out.data, 0xee, t->out.bytes);
    assert_int_equal(t->def->eval(&eval), MOTE_OK);
    if (t->out.dtype == MOTE_DTYPE_F32)
        expect_same(t->def->name, t->out.data, t->want.data, mote_array_count(&t->out));
    else
        expect_bytes(t->def->name, t->out.data, t->want.data, t->out.bytes);
}

static const uint32_t lowering_masks[] = {0, MOTE_CPU_AVX2, MOTE_CPU_AVX2 | MOTE_CPU_AVX512, MOTE_CPU_NEON, UINT32_MAX};
enum { LOWERING_MASKS = sizeof lowering_masks / sizeof lowering_masks[0] };

MOTE_UNUSED static void lowering_end(lowering *t)
{
    for (uint32_t i = 0; i < t->n_in; i++)
        free(t->in[i].data == NULL ? NULL : (char *)t->in[i].data - t->shift[i]);
    free(t->out.data);
    free(t->want.data);
    for (uint32_t i = 1; i < t->n_out; i++)
        free(t->more_out[i].data), free(t->more_want[i].data);
    mote_module_destroy(&t->module);
    free(t);
}

/* Every mask that matters, one thread and three; also without constants, if open; then frees t. */
MOTE_UNUSED static void lowering_check_kinds(lowering *t, bool open)
{
    mote_threadpool *pool = NULL;
    assert_int_equal(mote_threadpool_create(3, &pool), MOTE_OK);
    for (size_t i = 0; i < LOWERING_MASKS; i++) {
        const uint32_t cpu = lowering_masks[i] & mote_cpu_features();
        lowering_check_one(t, cpu, NULL, t->variable);
        lowering_check_one(t, cpu, pool, t->variable);
    }
    if (open)
        lowering_check_one(t, mote_cpu_features(), pool, UINT32_MAX);
    mote_threadpool_destroy(&pool);
    lowering_end(t);
}
MOTE_UNUSED static void lowering_check(lowering *t) { lowering_check_kinds(t, true); }

/* The same of an operator that has no lowering and takes kernels by mote_eval.cpu. */
MOTE_UNUSED static void lowering_check_evaluation(lowering *t)
{
    for (size_t i = 0; i < LOWERING_MASKS; i++)
        lowering_evaluate(t, lowering_masks[i] & mote_cpu_features());
    lowering_end(t);
}
#endif
