/* test_lower_qforms.c - lowerings of integer elementwise forms, means, softmax, and of quantization itself equal their reference evaluation
 * SPDX-License-Identifier: Apache-2.0 */
#include "provider/lowering.h"

extern const mote_op_def mote_op_mote_QUnary_1, mote_op_mote_QAdd_1, mote_op_mote_QMul_1, mote_op_mote_QAveragePool_1, mote_op_mote_QGlobalAveragePool_1,
    mote_op_mote_QSoftmax_1, mote_op_onnx_QuantizeLinear_21, mote_op_onnx_DequantizeLinear_21, mote_op_onnx_DynamicQuantizeLinear_11;

static const mote_dtype q8[] = {MOTE_DTYPE_U8, MOTE_DTYPE_S8};

static void bytes(lowering *t, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims, uint64_t *seed)
{
    unsigned char *p = lowering_input(t, i, dtype, rank, dims);
    for (size_t k = 0; k < t->in[i].bytes; k++)
        p[k] = (unsigned char)rng_next(seed);
}

static void scale(lowering *t, uint32_t i, float value) { *(float *)lowering_input(t, i, MOTE_DTYPE_F32, 0, NULL) = value; }

static void done(lowering *t)
{
    for (uint32_t i = 0; i < t->n_in; i++)
        free(t->in[i].data);
    free(t->out.data);
    free(t->want.data);
    mote_module_destroy(&t->module);
    free(t);
}

/* variable: bits of inputs that may be no constants */
static void check(lowering *t, uint32_t variable)
{
    lowering_expect(t);
    mote_threadpool *pool = NULL;
    assert_int_equal(mote_threadpool_create(3, &pool), MOTE_OK);
    uint32_t masks[64];
    size_t n = kcheck_masks(UINT32_MAX, masks, 64);
    for (size_t i = 0; i < n; i++)
        lowering_check_one(t, masks[i], i & 1 ? pool : NULL, i & 2 ? variable : 1);
    mote_threadpool_destroy(&pool);
    done(t);
}

static void table(void **state)
{
    (void)state;
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 8; i++) {
        lowering *t = lowering_begin(&mote_op_mote_QUnary_1, 2);
        const int64_t dims[] = {3, 1 + (int64_t)i * 977}, size = 256;
        bytes(t, 0, q8[i & 1], 2, dims, &seed);
        bytes(t, 1, q8[i >> 1 & 1], 1, &size, &seed);
        check(t, 3);
    }
}

static void binary(void **state)
{
    (void)state;
    static const struct {
        int32_t ra, rb;
        int64_t a[4], b[4];
    } cases[] = {{4, 4, {2, 5, 7, 33}, {2, 5, 7, 33}}, {4, 4, {2, 5, 7, 33}, {2, 1, 1, 33}}, {4, 2, {1, 3, 4, 9}, {4, 1}},
                 {1, 4, {17}, {2, 3, 2, 17}},          {0, 3, {0}, {4, 50, 7}},              {3, 0, {4, 50, 7}, {0}},
                 {2, 2, {1, 1}, {1, 1}},               {2, 2, {300, 1}, {1, 300}},           {2, 2, {0, 5}, {1, 5}}};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] * 8; i++) {
        const size_t k = i / 8;
        lowering *t = lowering_begin(i & 1 ? &mote_op_mote_QMul_1 : &mote_op_mote_QAdd_1, 8);
        const mote_dtype type = q8[i >> 1 & 1];
        bytes(t, 0, type, cases[k].ra, cases[k].a, &seed);
        scale(t, 1, 0.03125f * (float)(1 + i % 3)); /* some ties */
        bytes(t, 3, type, cases[k].rb, cases[k].b, &seed);
        scale(t, 4, rng_float(&seed, 0.01f, 0.1f));
        if (i & 4) {
            bytes(t, 2, type, 0, NULL, &seed);
            bytes(t, 5, type, 0, NULL, &seed);
        }
        scale(t, 6, i & 1 ? 0.05f : 0.0625f);
        bytes(t, 7, type, 0, NULL, &seed);
        check(t, 9);
    }
}

static void means(void **state)
{
    (void)state;
    static const struct {
        int64_t n, h, w, c, kh, kw, stride, pads[4], ceil_mode;
    } cases[] = {{1, 7, 7, 40, 0, 0, 0, {0, 0, 0, 0}, 0},   {3, 1, 1, 300, 0, 0, 0, {0, 0, 0, 0}, 0},  {2, 20, 31, 5, 0, 0, 0, {0, 0, 0, 0}, 0},
                 {2, 9, 8, 19, 3, 3, 2, {1, 1, 1, 1}, 0},   {1, 6, 6, 513, 2, 2, 2, {0, 0, 0, 0}, 0},  {1, 5, 7, 16, 3, 2, 2, {1, 0, 0, 1}, 1},
                 {1, 4, 4, 3, 1, 1, 3, {0, 0, 0, 0}, 1}};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] * 8; i++) {
        const size_t k = i / 8;
        const bool global = cases[k].kh == 0;
        lowering *t = lowering_begin(global ? &mote_op_mote_QGlobalAveragePool_1 : &mote_op_mote_QAveragePool_1, 5);
        const mote_dtype x = q8[i & 1], y = q8[i >> 1 & 1];
        const int64_t dims[] = {cases[k].n, cases[k].h, cases[k].w, cases[k].c};
        bytes(t, 0, x, 4, dims, &seed);
        scale(t, 1, 0.02f);
        if (i & 4)
            bytes(t, 2, x, 0, NULL, &seed);
        scale(t, 3, i & 4 ? 0.02f : 0.007f);
        bytes(t, 4, y, 0, NULL, &seed);
        if (!global) {
            const int64_t kernel[] = {cases[k].kh, cases[k].kw}, strides[] = {cases[k].stride, cases[k].stride};
            mote_node_set_ints(t->node, "kernel_shape", kernel, 2);
            mote_node_set_ints(t->node, "strides", strides, 2);
            mote_node_set_ints(t->node, "pads", cases[k].pads, 4);
            mote_node_set_int(t->node, "ceil_mode", cases[k].ceil_mode);
            mote_node_set_int(t->node, "count_include_pad", i >> 1 & 1);
        }
        check(t, 1);
    }
}

static void softmax(void **state)
{
    (void)state;
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 12; i++) {
        lowering *t = lowering_begin(&mote_op_mote_QSoftmax_1, 5);
        const int64_t dims[] = {1 + (int64_t)i * 3, i % 3 == 0 ? 1 : i % 3 == 1 ? 37 : 1001};
        bytes(t, 0, q8[i & 1], 2, dims, &seed);
        scale(t, 1, 0.1f);
        if (i & 4)
            bytes(t, 2, q8[i & 1], 0, NULL, &seed);
        scale(t, 3, 1.0f / 256);
        bytes(t, 4, q8[i >> 1 & 1], 0, NULL, &seed);
        check(t, 1);
    }
}

/* ---- QuantizeLinear, DequantizeLinear ---- */

static void quantization(void **state)
{
    (void)state;
    static const mote_dtype types[] = {MOTE_DTYPE_U8, MOTE_DTYPE_S8, MOTE_DTYPE_U16, MOTE_DTYPE_S16, MOTE_DTYPE_S32};
    static const struct {
        int32_t rank;
        int64_t dims[4], axis; /* axis 9: one scale */
    } cases[] = {{3, {2, 5, 70}, 9}, {1, {3000}, 9}, {0, {0}, 9}, {4, {2, 3, 5, 7}, 1}, {3, {4, 3, 35}, -1}, {2, {64, 3}, 0}, {1, {1}, 0}};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0] * 20; i++) {
        const size_t k = i / 20;
        const mote_dtype type = types[i % 5];
        const bool quantize = i % 20 >= 10, zero = i % 10 >= 5;
        if (quantize && type == MOTE_DTYPE_S32)
            continue;
        lowering *t = lowering_begin(quantize ? &mote_op_onnx_QuantizeLinear_21 : &mote_op_onnx_DequantizeLinear_21, 3);
        if (quantize)
            lowering_floats(t, 0, cases[k].rank, cases[k].dims, &seed);
        else
            bytes(t, 0, type, cases[k].rank, cases[k].dims, &seed);
        const bool single = cases[k].axis == 9;
        const int64_t n = single ? 1 : cases[k].dims[cases[k].axis < 0 ? cases[k].axis + cases[k].rank : cases[k].axis];
        float *s = lowering_input(t, 1, MOTE_DTYPE_F32, single ? 0 : 1, &n);
        for (int64_t c = 0; c < n; c++)
            s[c] = c & 1 ? 0.25f : rng_float(&seed, 0.01f, 0.1f);
        if (zero && type == MOTE_DTYPE_S32)
            lowering_input(t, 2, type, single ? 0 : 1, &n);
        else if (zero)
            bytes(t, 2, type, single ? 0 : 1, &n, &seed);
        else if (quantize)
            mote_node_set_int(t->node, "output_dtype", (int64_t)type);
        if (!single)
            mote_node_set_int(t->node, "axis", cases[k].axis);
        check(t, type == MOTE_DTYPE_S32 ? 3 : 7);
    }
}

/* Three outputs: against the evaluation. */
static void dynamic_one(const float *values, size_t n)
{
    const mote_op_def *def = &mote_op_onnx_DynamicQuantizeLinear_11;
    lowering *t = lowering_begin(def, 1);
    const int64_t dims[] = {(int64_t)n};
    memcpy(lowering_input(t, 0, MOTE_DTYPE_F32, 1, dims), values, n * sizeof *values);
    mote_array y[2], s[2], z[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(mote_array_shape(&y[i], MOTE_DTYPE_U8, 1, dims, NULL), MOTE_OK);
        assert_int_equal(mote_array_shape(&s[i], MOTE_DTYPE_F32, 0, NULL, NULL), MOTE_OK);
        assert_int_equal(mote_array_shape(&z[i], MOTE_DTYPE_U8, 0, NULL, NULL), MOTE_OK);
        y[i].data = calloc(n + 1, 1), s[i].data = calloc(1, 4), z[i].data = calloc(1, 1);
    }
    mote_array *want[] = {&y[0], &s[0], &z[0]}, *got[] = {&y[1], &s[1], &z[1]}, *in[] = {&t->in[0]};
    mote_eval eval = {.node = t->node, .n_in = 1, .n_out = 3, .in = t->inputs, .out = want, .heap = &t->heap};
    assert_int_equal(def->eval(&eval), MOTE_OK);
    mote_arena arena;
    mote_arena_init(&arena, &t->heap);
    mote_threadpool *pool = NULL;
    assert_int_equal(mote_threadpool_create(3, &pool), MOTE_OK);
    uint32_t masks[64];
    const size_t n_masks = kcheck_masks(UINT32_MAX, masks, 64);
    for (size_t i = 0; i < n_masks; i++) {
        mote_pool *on = i & 1 ? pool : NULL;
        const mote_array *value[1] = {NULL};
        mote_lower l = {.node = t->node, .n_in = 1, .n_out = 3, .in = t->inputs, .value = value, .out = (const mote_array *const *)got, .cpu = masks[i],
                        .workers = mote_pool_workers(on), .arena = &arena, .heap = &t->heap};
        assert_int_equal(mote_lower_find(def->domain, def->name)(&l), MOTE_OK);
        assert_non_null(l.run);
        mote_step step = {.run = l.run, .params = l.params, .node = t->node, .n_in = 1, .n_out = 3, .in = in, .out = got, .scratch_bytes = l.scratch_bytes};
        void *scratch = malloc(l.scratch_bytes);
        mote_exec x = {.pool = on, .scratch = scratch, .scratch_bytes = l.scratch_bytes, .heap = &t->heap};
        memset(y[1].data, 0xee, n);
        assert_int_equal(l.run(&step, &x), MOTE_OK);
        expect_bytes(l.kernel, y[1].data, y[0].data, n);
        expect_bytes(l.kernel, s[1].data, s[0].data, 4);
        expect_bytes(l.kernel, z[1].data, z[0].data, 1);
        free(scratch);
    }
    mote_threadpool_destroy(&pool);
    mote_arena_deinit(&arena);
    for (int i = 0; i < 2; i++)
        free(y[i].data), free(s[i].data), free(z[i].data);
    done(t);
}

static void dynamic(void **state)
{
    (void)state;
    uint64_t seed = kcheck_seed;
    static float x[20000];
    for (size_t trial = 0; trial < 9; trial++) {
        const size_t n = trial == 8 ? 20000 : 1 + trial * 13;
        for (size_t i = 0; i < n; i++)
            x[i] = trial == 0 ? 0 : rng_float(&seed, trial & 2 ? 0.5f : -3.0f, trial & 1 ? -0.25f : 7.0f);
        if (trial == 5)
            x[3] = NAN;
        if (trial == 6)
            x[17] = INFINITY;
        dynamic_one(x, n);
    }
    /* the extremes beside a NaN, and elsewhere: blocks of 8192, whole and cut */
    static const size_t sizes[] = {8191, 8192, 8193, 16388, 20000};
    for (size_t k = 0; k < 5; k++)
        for (size_t form = 0; form < 4; form++) {
            const size_t n = sizes[k];
            for (size_t i = 0; i < n; i++)
                x[i] = rng_float(&seed, -1.0f, 1.0f);
            x[n - 2] = 9.0f, x[5] = -4.0f;
            if (form & 1)
                x[3] = NAN;
            if (form & 2)
                x[n - 1] = -NAN;
            dynamic_one(x, n);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table),   cmocka_unit_test(binary),       cmocka_unit_test(means),
                                       cmocka_unit_test(softmax), cmocka_unit_test(quantization), cmocka_unit_test(dynamic)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
