/* test_lower_products.c - lowerings of matrix products and convolutions have the bits of their reference evaluation
 * SPDX-License-Identifier: Apache-2.0 */
#include "provider/lowering.h"

extern const mote_op_def mote_op_mote_Conv_1, mote_op_mote_Gemm_1, mote_op_mote_MaxPool_1, mote_op_mote_AveragePool_1, mote_op_mote_GlobalMaxPool_1,
    mote_op_mote_GlobalAveragePool_1, mote_op_mote_Attention_1;

typedef struct conv_case {
    int64_t n, c, h, w, m, group, kh, kw, stride, dilation, pads[4];
    const char *activation;
    bool bias;
    int64_t residual; /* 0: none; else how often each of its rows stands, with one spatial dimension */
} conv_case;

static void conv(void **state)
{
    (void)state;
    static const conv_case cases[] = {
        {1, 16, 7, 9, 24, 1, 1, 1, 1, 1, {0, 0, 0, 0}, "", true, false},
        {2, 5, 6, 7, 50, 1, 1, 1, 1, 1, {0, 0, 0, 0}, "relu", true, true},
        {1, 8, 9, 8, 17, 1, 1, 1, 2, 1, {0, 0, 0, 0}, "hardswish", false, false},
        {2, 3, 15, 13, 16, 1, 3, 3, 2, 1, {0, 0, 1, 1}, "hardswish", true, false},
        {1, 3, 5, 4, 33, 1, 5, 5, 1, 1, {2, 2, 2, 2}, "clip", true, true},
        {1, 1, 1, 40, 9, 1, 1, 7, 3, 1, {0, 3, 0, 2}, "tanh", true, false},
        {1, 20, 6, 5, 12, 1, 3, 3, 1, 2, {2, 2, 2, 2}, "sigmoid", true, true},
        {2, 12, 5, 6, 8, 4, 3, 3, 1, 1, {1, 1, 1, 1}, "relu", true, true},
        {1, 6, 4, 4, 6, 2, 1, 1, 1, 1, {0, 0, 0, 0}, "gelu", true, false},
        {1, 24, 7, 6, 24, 24, 3, 3, 1, 1, {1, 1, 1, 1}, "hardswish", true, false},
        {2, 17, 9, 8, 17, 17, 5, 5, 2, 1, {1, 2, 2, 1}, "clip", true, true},
        {1, 40, 1, 60, 40, 40, 1, 3, 1, 8, {0, 16, 0, 0}, "", false, true},
        {1, 4, 5, 5, 8, 4, 3, 3, 1, 1, {1, 1, 1, 1}, "", true, false},
        {1, 64, 12, 11, 48, 1, 3, 3, 1, 1, {1, 1, 1, 1}, "relu", true, false},
        {1, 700, 3, 3, 20, 1, 2, 2, 1, 1, {0, 0, 0, 0}, "", true, false},
        {1, 2, 300, 1, 3, 1, 9, 1, 1, 1, {4, 0, 4, 0}, "", true, false},
        {3, 5, 3, 4, 20, 1, 3, 4, 1, 1, {0, 0, 0, 0}, "relu", true, true}, /* the window is the whole image */
        {1, 64, 1, 2, 128, 1, 1, 2, 2, 1, {0, 0, 0, 0}, "", true, false},
        {2, 7, 1, 3, 9, 1, 1, 2, 1, 2, {0, 0, 0, 0}, "", false, false},
        {2, 6, 1, 30, 20, 1, 1, 3, 1, 2, {0, 4, 0, 0}, "relu", true, 5},
        {1, 64, 1, 400, 130, 1, 1, 1, 1, 1, {0, 0, 0, 0}, "", false, 200},
        {1, 16, 1, 6, 300, 1, 1, 1, 1, 1, {0, 0, 0, 0}, "tanh", true, 3},
        {2, 20, 1, 300, 128, 1, 1, 2, 1, 3, {0, 3, 0, 0}, "gate", true, 100},
        {1, 3, 9, 8, 10, 1, 3, 3, 1, 1, {1, 1, 1, 1}, "gate", false, 1},
        {1, 64, 1, 1, 128, 1, 1, 1, 1, 1, {0, 0, 0, 0}, "gate", true, 0},
    };
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int one = 0; one < 2; one++) { /* the second time with one spatial dimension, where that is the same */
            const conv_case *c = &cases[i];
            if (one && c->h != 1)
                continue;
            lowering *t = lowering_begin(&mote_op_mote_Conv_1, 4);
            int64_t x[] = {c->n, c->h, c->w, c->c}, w[] = {c->m, c->c / c->group, c->kh, c->kw}, x1[] = {c->n, c->w, c->c}, w1[] = {c->m, c->c / c->group, c->kw};
            int64_t strides[] = {c->h == 1 ? 1 : c->stride, c->stride}, dilations[] = {c->h == 1 ? 1 : c->dilation, c->dilation}, pads1[] = {c->pads[1], c->pads[3]};
            lowering_floats(t, 0, one ? 3 : 4, one ? x1 : x, &seed);
            lowering_floats(t, 1, one ? 3 : 4, one ? w1 : w, &seed);
            if (c->bias)
                lowering_floats(t, 2, 1, &c->m, &seed);
            mote_node_set_ints(t->node, "strides", one ? strides + 1 : strides, one ? 1 : 2);
            mote_node_set_ints(t->node, "dilations", one ? dilations + 1 : dilations, one ? 1 : 2);
            mote_node_set_ints(t->node, "pads", one ? pads1 : c->pads, one ? 2 : 4);
            mote_node_set_int(t->node, "group", c->group);
            const bool gate = strcmp(c->activation, "gate") == 0;
            if (!gate && c->activation[0] != 0)
                mote_node_set_string(t->node, "activation", c->activation);
            mote_node_set_float(t->node, "p0", -0.5f);
            mote_node_set_float(t->node, "p1", 0.75f);
            if (c->residual != 0) { /* shaped as Y, which inference gives */
                lowering_expect(t);
                if (one && c->residual > 1) {
                    mote_node_set_int(t->node, "repeat", c->residual);
                    t->want.dims[1] /= c->residual;
                }
                lowering_floats(t, 3, t->want.rank, t->want.dims, &seed);
                t->variable |= 8;
                free(t->want.data), free(t->out.data);
            }
            if (gate)
                mote_node_set_int(t->node, "gate", 1);
            lowering_expect(t);
            lowering_check(t);
        }
}

static void gemm(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{1, 7, 5}, {1, 1000, 64}, {13, 50, 300}, {128, 96, 33}, {5, 1, 17}, {3, 200, 1}};
    static const char *const activations[] = {"", "relu", "gelu", "clip"};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 24; i++) {
        const int64_t *s = shapes[i % 6], trans = i / 6 % 2;
        lowering *t = lowering_begin(&mote_op_mote_Gemm_1, 4);
        int64_t x[] = {1, s[0], s[2]}, w[] = {trans ? s[1] : s[2], trans ? s[2] : s[1]}, y[] = {1, s[0], s[1]};
        lowering_floats(t, 0, 3, x, &seed);
        lowering_floats(t, 1, 2, w, &seed);
        if (i % 3 != 0)
            lowering_floats(t, 2, 1, &s[1], &seed);
        if (i % 2 != 0) {
            lowering_floats(t, 3, 3, y, &seed);
            t->variable |= 8;
        }
        mote_node_set_int(t->node, "transB", trans);
        mote_node_set_float(t->node, "p1", 0.5f);
        if (i % 4 != 0)
            mote_node_set_string(t->node, "activation", activations[i % 4]);
        lowering_expect(t);
        lowering_check(t);
    }
}

/* ONNX's own, whose expected values are made here. */
static void matmul(void **state)
{
    (void)state;
    static const mote_op_def def = {.domain = "", .name = "MatMul", .since = 13};
    static const struct {
        int32_t ra, rb, ry;
        int64_t a[4], b[4], y[4];
        size_t m, n, k;
    } cases[] = {
        {2, 2, 2, {3, 40}, {40, 20}, {3, 20}, 3, 20, 40},
        {3, 2, 3, {2, 3, 9}, {9, 70}, {2, 3, 70}, 3, 70, 9},
        {4, 4, 4, {2, 3, 5, 8}, {2, 3, 8, 17}, {2, 3, 5, 17}, 5, 17, 8},
        {4, 3, 4, {2, 3, 5, 8}, {3, 8, 6}, {2, 3, 5, 6}, 5, 6, 8},
        {3, 4, 4, {1, 5, 8}, {2, 2, 8, 6}, {2, 2, 5, 6}, 5, 6, 8},
        {4, 4, 4, {2, 1, 5, 8}, {1, 3, 8, 6}, {2, 3, 5, 6}, 5, 6, 8},
        {1, 2, 1, {8}, {8, 6}, {6}, 1, 6, 8},
        {1, 3, 2, {8}, {4, 8, 6}, {4, 6}, 1, 6, 8},
        {3, 1, 2, {4, 5, 8}, {8}, {4, 5}, 5, 1, 8},
    };
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        lowering *t = lowering_begin(&def, 2);
        lowering_floats(t, 0, cases[i].ra, cases[i].a, &seed);
        lowering_floats(t, 1, cases[i].rb, cases[i].b, &seed);
        mote_array_shape(&t->want, MOTE_DTYPE_F32, cases[i].ry, cases[i].y, NULL);
        t->out = t->want;
        float *want = t->want.data = calloc(t->want.bytes, 1);
        t->out.data = aligned_alloc(64, t->want.bytes / 64 * 64 + 64);
        const size_t m = cases[i].m, n = cases[i].n, k = cases[i].k, batches = mote_array_count(&t->want) / (m * n);
        const size_t na = mote_array_count(&t->in[0]) / (m * k), nb = mote_array_count(&t->in[1]) / (n * k);
        for (size_t b = 0; b < batches; b++) {
            /* only case 5 broadcasts both operands: 2 of a by 3 of b */
            const float *pa = (const float *)t->in[0].data + (i == 5 ? b / 3 : b % na) * m * k, *pb = (const float *)t->in[1].data + (i == 5 ? b % 3 : b % nb) * k * n;
            for (size_t r = 0; r < m * n; r++) {
                float x = 0.0f;
                for (size_t j = 0; j < k; j++)
                    x = fmaf(pa[r / n * k + j], pb[j * n + r % n], x);
                want[b * m * n + r] = x;
            }
        }
        lowering_check(t);
    }
}

static void onnx_gemm(void **state)
{
    (void)state;
    static const mote_op_def def = {.domain = "", .name = "Gemm", .since = 13};
    uint64_t seed = kcheck_seed;
    for (int64_t i = 0; i < 16; i++) {
        const int64_t m = 7, n = 33, k = 12, trans_a = i & 1, trans_b = i >> 1 & 1;
        lowering *t = lowering_begin(&def, 3);
        int64_t a[] = {trans_a ? k : m, trans_a ? m : k}, b[] = {trans_b ? n : k, trans_b ? k : n}, y[] = {m, n};
        lowering_floats(t, 0, 2, a, &seed);
        lowering_floats(t, 1, 2, b, &seed);
        if (i >> 2 == 1)
            lowering_floats(t, 2, 1, &n, &seed);
        if (i >> 2 == 2)
            lowering_floats(t, 2, 2, y, &seed);
        mote_node_set_int(t->node, "transA", trans_a);
        mote_node_set_int(t->node, "transB", trans_b);
        mote_array_shape(&t->want, MOTE_DTYPE_F32, 2, y, NULL);
        t->out = t->want;
        float *want = t->want.data = calloc(t->want.bytes, 1);
        t->out.data = aligned_alloc(64, t->want.bytes / 64 * 64 + 64);
        const float *pa = t->in[0].data, *pb = t->in[1].data, *pc = t->in[2].data;
        for (int64_t r = 0; r < m * n; r++) {
            float x = i >> 2 == 1 ? pc[r % n] : 0.0f;
            for (int64_t j = 0; j < k; j++)
                x = fmaf(pa[trans_a ? j * m + r / n : r / n * k + j], pb[trans_b ? r % n * k + j : j * n + r % n], x);
            want[r] = i >> 2 == 2 ? x + pc[r] : x;
        }
        lowering_check(t);
    }
}

static void pools(void **state)
{
    (void)state;
    static const mote_op_def *const defs[] = {&mote_op_mote_MaxPool_1, &mote_op_mote_AveragePool_1, &mote_op_mote_GlobalMaxPool_1, &mote_op_mote_GlobalAveragePool_1};
    static const mote_dtype types[] = {MOTE_DTYPE_F32, MOTE_DTYPE_U8, MOTE_DTYPE_S8};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 64; i++) {
        const mote_op_def *def = defs[i % 4];
        const bool one = i / 4 % 2 != 0, wide = i / 8 % 2 != 0;
        lowering *t = lowering_begin(def, 1);
        int64_t x[] = {2, 9, 8, wide ? 50 : 3}, x1[] = {2, 23, wide ? 70 : 5}, kernel[] = {3, 2}, strides[] = {2, 1}, pads[] = {1, 0, 2, 1}, pads1[] = {2, 1};
        if (i % 2 == 0 && i / 16 < 3) {
            unsigned char *bytes = lowering_input(t, 0, types[i / 16], one ? 3 : 4, one ? x1 : x);
            if (types[i / 16] == MOTE_DTYPE_F32)
                kcheck_fill((float *)(void *)bytes, mote_array_count(&t->in[0]), &seed, true);
            else
                for (size_t k = 0; k < t->in[0].bytes; k++)
                    bytes[k] = (unsigned char)rng_next(&seed);
        } else {
            lowering_floats(t, 0, one ? 3 : 4, one ? x1 : x, &seed);
        }
        if (i % 4 < 2) {
            kernel[0] = one ? 4 : 3;
            mote_node_set_ints(t->node, "kernel_shape", kernel, one ? 1 : 2);
            mote_node_set_ints(t->node, "strides", strides, one ? 1 : 2);
            mote_node_set_ints(t->node, "pads", one ? pads1 : pads, one ? 2 : 4);
            mote_node_set_int(t->node, "ceil_mode", (int64_t)i / 16 % 2);
            if (i % 4 == 1)
                mote_node_set_int(t->node, "count_include_pad", (int64_t)i / 32);
        }
        lowering_expect(t);
        lowering_check(t);
    }
}

static void attention(void **state)
{
    (void)state;
    static const int64_t shapes[][6] = {{1, 1, 5, 5, 8, 8}, {2, 3, 17, 17, 16, 16}, {1, 4, 130, 140, 8, 20}, {2, 2, 1, 33, 5, 3}, {1, 12, 64, 64, 64, 64}}; /* b heads l s d e */
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 5 * 5; i++) {
        const int64_t *s = shapes[i / 5];
        const int64_t q[] = {s[0], s[2], s[1] * s[4]}, k[] = {s[0], s[3], s[1] * s[4]}, v[] = {s[0], s[3], s[1] * s[5]};
        const int64_t masks[4][4] = {{s[0], 1, 1, s[3]}, {s[0], s[1], s[2], s[3]}, {1, 1, s[2], s[3]}, {1, 1, 1, 1}};
        lowering *t = lowering_begin(&mote_op_mote_Attention_1, 4);
        lowering_floats(t, 0, 3, q, &seed);
        lowering_floats(t, 1, 3, k, &seed);
        lowering_floats(t, 2, 3, v, &seed);
        if (i % 5 < 4)
            lowering_floats(t, 3, i % 5 == 2 ? 2 : 4, masks[i % 5] + (i % 5 == 2 ? 2 : 0), &seed);
        mote_node_set_int(t->node, "heads", s[1]);
        mote_node_set_float(t->node, "scale", 0.3f);
        t->variable = 15;
        lowering_expect(t);
        lowering_check(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(conv), cmocka_unit_test(gemm), cmocka_unit_test(matmul), cmocka_unit_test(onnx_gemm), cmocka_unit_test(pools), cmocka_unit_test(attention)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
