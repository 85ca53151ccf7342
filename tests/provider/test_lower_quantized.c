/* test_lower_quantized.c - lowerings of integer products and convolutions equal their reference evaluation
 * SPDX-License-Identifier: Apache-2.0 */
#include "provider/lowering.h"

extern const mote_op_def mote_op_mote_QConv_1, mote_op_mote_QGemm_1, mote_op_mote_ConvInteger_1;

static void bytes(lowering *t, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *dims, uint64_t *seed)
{
    unsigned char *p = lowering_input(t, i, dtype, rank, dims);
    for (size_t k = 0; k < t->in[i].bytes; k++)
        p[k] = (unsigned char)rng_next(seed);
}

/* Inputs 1, 2 and 4 to 9 of QConv and QGemm for n outputs. v: a variant. */
static void parameters(lowering *t, int64_t n, double terms, mote_dtype x, mote_dtype w, mote_dtype y, unsigned v, uint64_t *seed)
{
    *(float *)lowering_input(t, 1, MOTE_DTYPE_F32, 0, NULL) = 0.05f;
    if (v & 1)
        *(unsigned char *)lowering_input(t, 2, x, 0, NULL) = x == MOTE_DTYPE_S8 ? 0xf9 : 131;
    const bool channels = v & 2;
    float *ws = lowering_input(t, 4, MOTE_DTYPE_F32, channels ? 1 : 0, &n);
    for (size_t i = 0; i < mote_array_count(&t->in[4]); i++)
        ws[i] = rng_float(seed, 0.001f, 0.02f);
    if (v & 4) {
        bytes(t, 5, w, channels ? 1 : 0, &n, seed);
        if (!(v & 8))
            memset(t->in[5].data, w == MOTE_DTYPE_S8 ? 0 : 128, t->in[5].bytes);
    }
    *(float *)lowering_input(t, 6, MOTE_DTYPE_F32, 0, NULL) = (float)(0.01 * sqrt(terms));
    *(unsigned char *)lowering_input(t, 7, y, 0, NULL) = y == MOTE_DTYPE_S8 ? 0xfd : 120;
    if (v & 16) {
        int32_t *b = lowering_input(t, 8, MOTE_DTYPE_S32, 1, &n);
        for (int64_t i = 0; i < n; i++)
            b[i] = (int32_t)(rng_next(seed) % 4001) - 2000;
    }
    if (v & 32) {
        const int64_t size = 256;
        bytes(t, 9, y, 1, &size, seed);
    }
    if (v & 64) {
        mote_node_set_int(t->node, "qmin", y == MOTE_DTYPE_S8 ? -100 : 20);
        mote_node_set_int(t->node, "qmax", y == MOTE_DTYPE_S8 ? 90 : 200);
    }
}

/* variable: bits of inputs that may be no constants, tried every other time */
static void check_with(lowering *t, uint32_t variable)
{
    lowering_expect(t);
    mote_threadpool *pool = NULL;
    assert_int_equal(mote_threadpool_create(3, &pool), MOTE_OK);
    uint32_t masks[64];
    size_t n = kcheck_masks(UINT32_MAX, masks, 64);
    for (size_t i = 0; i < n; i++)
        lowering_check_one(t, masks[i], i & 1 ? pool : NULL, i & 2 ? variable : 1);
    mote_threadpool_destroy(&pool);
    for (uint32_t i = 0; i < t->n_in; i++)
        free(t->in[i].data);
    free(t->out.data);
    free(t->want.data);
    mote_module_destroy(&t->module);
    free(t);
}

static void check(lowering *t) { check_with(t, 1); }

static const struct {
    int64_t n, c, h, w, m, group, kh, kw, stride, dilation, pads[4];
} cases[] = {
        {1, 16, 7, 9, 24, 1, 1, 1, 1, 1, {0, 0, 0, 0}}, {2, 3, 15, 13, 16, 1, 3, 3, 2, 1, {0, 0, 1, 1}}, {1, 20, 6, 5, 12, 1, 3, 3, 1, 2, {2, 2, 2, 2}},
        {1, 40, 6, 5, 50, 1, 3, 3, 1, 1, {1, 1, 1, 1}}, {2, 12, 5, 6, 8, 4, 3, 3, 1, 1, {1, 1, 1, 1}},  {1, 24, 7, 6, 24, 24, 3, 3, 1, 1, {1, 1, 1, 1}},
        {2, 17, 9, 8, 17, 17, 5, 5, 2, 1, {1, 2, 2, 1}}, {1, 1, 1, 40, 9, 1, 1, 7, 3, 1, {0, 3, 0, 2}}, {1, 33, 9, 8, 20, 1, 1, 1, 2, 1, {0, 0, 0, 0}},
    };

static void conv(void **state)
{
    (void)state;
    static const mote_dtype q[] = {MOTE_DTYPE_U8, MOTE_DTYPE_S8};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 9 * 8; i++) {
        lowering *t = lowering_begin(&mote_op_mote_QConv_1, 10);
        const mote_dtype x = q[i & 1], w = q[i >> 1 & 1], y = q[i >> 2 & 1];
        const size_t k = i / 8;
        int64_t xd[] = {cases[k].n, cases[k].h, cases[k].w, cases[k].c}, wd[] = {cases[k].m, cases[k].c / cases[k].group, cases[k].kh, cases[k].kw};
        int64_t strides[] = {cases[k].h == 1 ? 1 : cases[k].stride, cases[k].stride}, dilations[] = {cases[k].dilation, cases[k].dilation};
        bytes(t, 0, x, 4, xd, &seed);
        bytes(t, 3, w, 4, wd, &seed);
        parameters(t, cases[k].m, (double)(wd[1] * wd[2] * wd[3]), x, w, y, (unsigned)(rng_next(&seed) >> 40), &seed);
        mote_node_set_ints(t->node, "strides", strides, 2);
        mote_node_set_ints(t->node, "dilations", dilations, 2);
        mote_node_set_ints(t->node, "pads", cases[k].pads, 4);
        mote_node_set_int(t->node, "group", cases[k].group);
        check(t);
    }
}

/* x's zero point known beforehand, or only at run. */
static void conv_integer(void **state)
{
    (void)state;
    static const mote_dtype q[] = {MOTE_DTYPE_U8, MOTE_DTYPE_S8};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 9 * 8; i++) {
        lowering *t = lowering_begin(&mote_op_mote_ConvInteger_1, 4);
        const mote_dtype x = q[i & 1], w = q[i >> 1 & 1];
        const size_t k = i / 8;
        int64_t xd[] = {cases[k].n, cases[k].h, cases[k].w, cases[k].c}, wd[] = {cases[k].m, cases[k].c / cases[k].group, cases[k].kh, cases[k].kw};
        int64_t strides[] = {cases[k].h == 1 ? 1 : cases[k].stride, cases[k].stride}, dilations[] = {cases[k].dilation, cases[k].dilation};
        bytes(t, 0, x, 4, xd, &seed);
        bytes(t, 1, w, 4, wd, &seed);
        if (i % 5 != 4)
            bytes(t, 2, x, 0, NULL, &seed);
        if (i % 3 != 2)
            bytes(t, 3, w, i % 3 != 0, i % 3 != 0 ? &cases[k].m : NULL, &seed);
        mote_node_set_ints(t->node, "strides", strides, 2);
        mote_node_set_ints(t->node, "dilations", dilations, 2);
        mote_node_set_ints(t->node, "pads", cases[k].pads, 4);
        mote_node_set_int(t->node, "group", cases[k].group);
        check_with(t, 5);
    }
}

static void gemm(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{1, 7, 5}, {1, 1000, 64}, {13, 50, 301}, {70, 96, 33}, {5, 1, 17}, {3, 200, 1}};
    static const mote_dtype q[] = {MOTE_DTYPE_U8, MOTE_DTYPE_S8};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 6 * 16; i++) {
        const int64_t *s = shapes[i / 16], trans = i >> 3 & 1;
        lowering *t = lowering_begin(&mote_op_mote_QGemm_1, 10);
        const mote_dtype x = q[i & 1], w = q[i >> 1 & 1], y = q[i >> 2 & 1];
        int64_t xd[] = {1, s[0], s[2]}, wd[] = {trans ? s[1] : s[2], trans ? s[2] : s[1]};
        bytes(t, 0, x, 3, xd, &seed);
        bytes(t, 3, w, 2, wd, &seed);
        parameters(t, s[1], (double)s[2], x, w, y, (unsigned)(rng_next(&seed) >> 40), &seed);
        mote_node_set_int(t->node, "transB", trans);
        check(t);
    }
}

static void matmul_integer(void **state)
{
    (void)state;
    static const mote_op_def def = {.domain = "", .name = "MatMulInteger", .since = 10};
    static const mote_dtype q[] = {MOTE_DTYPE_U8, MOTE_DTYPE_S8};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 32; i++) {
        const int64_t n = 37, k = 29, ad[] = {2, 5, k}, bd[] = {k, n}, yd[] = {2, 5, n};
        lowering *t = lowering_begin(&def, 4);
        const mote_dtype ta = q[i & 1], tb = q[i >> 1 & 1];
        bytes(t, 0, ta, 3, ad, &seed);
        bytes(t, 1, tb, 2, bd, &seed);
        if (i & 4)
            bytes(t, 2, ta, 0, NULL, &seed);
        if (i & 8)
            bytes(t, 3, tb, i & 16 ? 1 : 0, &n, &seed);
        mote_array_shape(&t->want, MOTE_DTYPE_S32, 3, yd, NULL);
        t->out = t->want;
        int32_t *want = t->want.data = calloc(t->want.bytes, 1);
        t->out.data = aligned_alloc(64, t->want.bytes / 64 * 64 + 64);
        for (size_t r = 0; r < 10; r++)
            for (size_t c = 0; c < (size_t)n; c++)
                for (size_t j = 0; j < (size_t)k; j++) {
                    const int64_t az = i & 4 ? mote_array_i64(&t->in[2], 0) : 0, bz = i & 8 ? mote_array_i64(&t->in[3], i & 16 ? c : 0) : 0;
                    want[r * (size_t)n + c] += (int32_t)((mote_array_i64(&t->in[0], r * (size_t)k + j) - az) * (mote_array_i64(&t->in[1], j * (size_t)n + c) - bz));
                }
        uint32_t masks[64];
        size_t n_masks = kcheck_masks(UINT32_MAX, masks, 64);
        for (size_t m = 0; m < n_masks; m++) {
            lowering_check_one(t, masks[m], NULL, 1);
            lowering_check_one(t, masks[m], NULL, 5); /* a's zero point known only at run */
        }
        for (uint32_t m = 0; m < 4; m++)
            free(t->in[m].data);
        free(t->out.data);
        free(t->want.data);
        mote_module_destroy(&t->module);
        free(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(conv), cmocka_unit_test(conv_integer), cmocka_unit_test(gemm), cmocka_unit_test(matmul_integer)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
