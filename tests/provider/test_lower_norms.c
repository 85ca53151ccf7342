/* test_lower_norms.c - lowerings of normalizations, softmax and reductions have the bits of their reference evaluation; so have evaluations by kernels
 * SPDX-License-Identifier: Apache-2.0 */
#include "provider/lowering.h"

extern const mote_op_def mote_op_onnx_Softmax_11, mote_op_onnx_Softmax_13, mote_op_onnx_LogSoftmax_11, mote_op_onnx_LogSoftmax_13,
    mote_op_onnx_LayerNormalization_17, mote_op_onnx_RMSNormalization_23, mote_op_mote_AddLayerNormalization_1,
    mote_op_onnx_InstanceNormalization_22, mote_op_onnx_GroupNormalization_18, mote_op_onnx_GroupNormalization_21,
    mote_op_onnx_BatchNormalization_15, mote_op_onnx_ReduceSum_13, mote_op_onnx_ReduceMean_13, mote_op_onnx_ReduceMean_18,
    mote_op_onnx_ReduceMax_18, mote_op_onnx_ReduceMin_18, mote_op_onnx_ReduceProd_18, mote_op_onnx_ReduceL1_18, mote_op_onnx_ReduceL2_18,
    mote_op_onnx_ReduceSumSquare_18, mote_op_onnx_ReduceLogSum_18, mote_op_onnx_ReduceLogSumExp_18, mote_op_onnx_LRN_13,
    mote_op_onnx_MeanVarianceNormalization_13, mote_op_onnx_RandomNormalLike_22, mote_op_onnx_Multinomial_22;

static const int64_t shapes[][4] = {{1, 1, 1, 1}, {2, 3, 5, 7}, {3, 4, 1, 17}, {1, 9, 40, 33}, {2, 70, 3, 2}, {1, 1, 300, 4}, {4, 2, 16, 16}, {1, 3, 2, 900}};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static void softmax(void **state)
{
    (void)state;
    static const mote_op_def *const defs[] = {&mote_op_onnx_Softmax_11, &mote_op_onnx_Softmax_13, &mote_op_onnx_LogSoftmax_11, &mote_op_onnx_LogSoftmax_13};
    static const mote_dtype types[] = {MOTE_DTYPE_F32, MOTE_DTYPE_F16, MOTE_DTYPE_BF16};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (size_t k = 0; k < 4; k++)
            for (int64_t axis = -4; axis < 4; axis++)
                for (size_t type = 0; type < 3; type++) {
                    lowering *t = lowering_begin(defs[k], 1);
                    lowering_any(t, 0, types[type], 4, shapes[i], &seed);
                    mote_node_set_int(t->node, "axis", axis);
                    lowering_expect(t);
                    lowering_check(t);
                }
}

static void layers(void **state)
{
    (void)state;
    static const mote_op_def *const defs[] = {&mote_op_onnx_LayerNormalization_17, &mote_op_onnx_RMSNormalization_23};
    static const mote_dtype types[] = {MOTE_DTYPE_F32, MOTE_DTYPE_F16, MOTE_DTYPE_BF16};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (size_t k = 0; k < 2; k++)
            for (int32_t axis = 0; axis < 4; axis++)
                for (int form = 0; form < 12; form++) {
                    const mote_dtype type = types[form % 3];
                    const bool bias = form / 3 % 2 != 0 && k == 0, thin = form / 6 != 0;
                    lowering *t = lowering_begin_many(defs[k], 3, form % 3 == 0 && form % 2 == 0 ? 3 - (uint32_t)k : 1);
                    int64_t one[4] = {1, 1, 1, shapes[i][3]};
                    lowering_any(t, 0, type, 4, shapes[i], &seed);
                    lowering_any(t, 1, type, thin ? 4 : 4 - axis, thin ? one : shapes[i] + axis, &seed);
                    if (bias)
                        lowering_any(t, 2, type, thin ? 1 : 4 - axis, thin ? one + 3 : shapes[i] + axis, &seed);
                    if (k == 1)
                        t->n_in = 2;
                    if (k == 1 && t->n_out > 1)
                        t->n_out = 1;
                    mote_node_set_int(t->node, "axis", axis);
                    mote_node_set_float(t->node, "epsilon", 0.01f);
                    lowering_expect(t);
                    lowering_check(t);
                }
}

static void sums(void **state)
{
    (void)state;
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (uint32_t form = 0; form < 4; form++) {
            lowering *t = lowering_begin_many(&mote_op_mote_AddLayerNormalization_1, 4, 1 + form / 2);
            lowering_floats(t, 0, 4, shapes[i], &seed);
            lowering_floats(t, 1, 4, shapes[i], &seed);
            lowering_floats(t, 2, 1, shapes[i] + 3, &seed);
            if (form % 2 != 0)
                lowering_floats(t, 3, 1, shapes[i] + 3, &seed);
            t->variable = 3;
            lowering_expect(t);
            lowering_check(t);
        }
}

static void planes(void **state)
{
    (void)state;
    uint64_t seed = kcheck_seed;
    static const mote_dtype types[] = {MOTE_DTYPE_F32, MOTE_DTYPE_F16, MOTE_DTYPE_BF16};
    for (size_t i = 0; i < N_SHAPES * 3; i++)
        for (int32_t rank = 2; rank <= 4; rank++) {
            const mote_dtype type = types[i / N_SHAPES];
            const int64_t *s = shapes[i % N_SHAPES], channels = s[1], groups = channels % 2 == 0 ? 2 : channels % 3 == 0 ? 3 : 1;
            lowering *t = lowering_begin(&mote_op_onnx_InstanceNormalization_22, 3);
            lowering_any(t, 0, type, rank, s, &seed);
            for (uint32_t k = 1; k < 3; k++)
                lowering_any(t, k, type, 1, &channels, &seed);
            lowering_expect(t);
            lowering_check(t);
            for (int by_group = 0; by_group < 2; by_group++) {
                t = lowering_begin(by_group ? &mote_op_onnx_GroupNormalization_18 : &mote_op_onnx_GroupNormalization_21, 3);
                lowering_any(t, 0, type, rank, s, &seed);
                for (uint32_t k = 1; k < 3; k++)
                    lowering_any(t, k, type, 1, by_group ? &groups : &channels, &seed);
                mote_node_set_int(t->node, "num_groups", groups);
                lowering_expect(t);
                lowering_check(t);
            }
            for (int odd = 0; odd < 2; odd++) {
                t = lowering_begin(&mote_op_onnx_BatchNormalization_15, 5);
                lowering_any(t, 0, type, rank, s, &seed);
                for (uint32_t k = 1; k < 5; k++)
                    lowering_any(t, k, type, 1, &channels, &seed);
                for (size_t k = 0; k < (size_t)channels; k++)
                    mote_dtype_from_f64(type, t->in[4].data, k, fabs(mote_array_f64(&t->in[4], k)));
                lowering_expect(t);
                for (uint32_t k = 1; k < 5 && odd && type == MOTE_DTYPE_F32; k++)
                    lowering_misalign(t, k);
                lowering_check_kinds(t, !odd);
            }
        }
}

static void reductions(void **state)
{
    (void)state;
    static const mote_op_def *const defs[] = {&mote_op_onnx_ReduceSum_13, &mote_op_onnx_ReduceMean_18, &mote_op_onnx_ReduceMax_18,
                                              &mote_op_onnx_ReduceMin_18, &mote_op_onnx_ReduceProd_18, &mote_op_onnx_ReduceL1_18,
                                              &mote_op_onnx_ReduceL2_18, &mote_op_onnx_ReduceSumSquare_18, &mote_op_onnx_ReduceLogSum_18,
                                              &mote_op_onnx_ReduceLogSumExp_18};
    static const int64_t empty[] = {2, 0, 3, 5};
    uint64_t seed = kcheck_seed;
    for (size_t k = 0; k < sizeof defs / sizeof defs[0]; k++)
        for (size_t i = 0; i <= N_SHAPES; i++)
            for (int mask = 0; mask < 16; mask++) {
                int64_t axes[4], n = 0;
                for (int64_t d = 0; d < 4; d++)
                    if ((mask >> d & 1) != 0)
                        axes[n++] = mask % 3 == 0 ? d - 4 : d;
                lowering *t = lowering_begin(defs[k], 2);
                lowering_floats(t, 0, 4, i < N_SHAPES ? shapes[i] : empty, &seed);
                lowering_ints(t, 1, n, axes);
                mote_node_set_int(t->node, "keepdims", mask & 1);
                if (i % 2 == 0)
                    mote_node_set_int(t->node, "noop_with_empty_axes", 1);
                lowering_expect(t);
                lowering_check_kinds(t, false);
            }
    for (size_t k = 0; k < sizeof defs / sizeof defs[0]; k++)
        for (size_t i = 0; i < N_SHAPES; i++)
            for (int form = 0; form < 6; form++) {
                const int64_t axes_of[][2] = {{3, 3}, {0, 2}, {1, 2}}, n = form / 2 == 0 ? 1 : 2;
                lowering *t = lowering_begin(defs[k], 2);
                lowering_any(t, 0, form & 1 ? MOTE_DTYPE_F16 : MOTE_DTYPE_BF16, 4, shapes[i], &seed);
                lowering_ints(t, 1, n, axes_of[form / 2]);
                lowering_expect(t);
                lowering_check_kinds(t, false);
            }
    for (size_t k = 0; k < 5; k++) /* integers, in the order of memory */
        for (size_t i = 0; i < N_SHAPES; i++)
            for (int form = 0; form < 8; form++) {
                const int64_t axes_of[][2] = {{3, 3}, {2, 3}, {0, 1}, {1, 2}}, n = form / 2 == 0 ? 1 : 2;
                lowering *t = lowering_begin(defs[k], 2);
                lowering_any(t, 0, form & 1 ? MOTE_DTYPE_S64 : MOTE_DTYPE_S32, 4, shapes[i], &seed);
                lowering_ints(t, 1, n, axes_of[form / 2]);
                lowering_expect(t);
                lowering_check_kinds(t, false);
            }
    /* axes of an attribute */
    const int64_t axes[] = {2, -1};
    lowering *t = lowering_begin(&mote_op_onnx_ReduceMean_13, 1);
    lowering_floats(t, 0, 4, shapes[3], &seed);
    mote_node_set_ints(t->node, "axes", axes, 2);
    lowering_expect(t);
    lowering_check(t);
}

static void evaluations(void **state)
{
    (void)state;
    static const mote_dtype types[] = {MOTE_DTYPE_F32, MOTE_DTYPE_F16, MOTE_DTYPE_F64};
    static const int64_t axes[][3] = {{0, 2, 3}, {1, 2, 3}, {0, 1, 3}, {3}};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (size_t type = 0; type < 3; type++) {
            for (int64_t size = 1; size < 8; size++) {
                lowering *t = lowering_begin(&mote_op_onnx_LRN_13, 1);
                lowering_any(t, 0, types[type], 4, shapes[i], &seed);
                mote_node_set_int(t->node, "size", size);
                mote_node_set_float(t->node, "beta", (float)size * 0.25f);
                lowering_expect(t);
                lowering_check_evaluation(t);
            }
            for (size_t k = 0; k < 4; k++) {
                lowering *t = lowering_begin(&mote_op_onnx_MeanVarianceNormalization_13, 1);
                lowering_any(t, 0, types[type], 4, shapes[i], &seed);
                mote_node_set_ints(t->node, "axes", axes[k], k == 3 ? 1 : 3);
                lowering_expect(t);
                lowering_check_evaluation(t);
            }
            lowering *t = lowering_begin(&mote_op_onnx_RandomNormalLike_22, 1);
            lowering_any(t, 0, types[type], 4, shapes[i], &seed);
            mote_node_set_float(t->node, "seed", (float)i);
            lowering_expect(t);
            lowering_check_evaluation(t);
            t = lowering_begin(&mote_op_onnx_Multinomial_22, 1);
            lowering_any(t, 0, types[type], 2, shapes[i] + 2, &seed);
            mote_node_set_int(t->node, "sample_size", 77);
            mote_node_set_float(t->node, "seed", (float)i);
            lowering_expect(t);
            lowering_check_evaluation(t);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(softmax), cmocka_unit_test(layers), cmocka_unit_test(sums), cmocka_unit_test(planes), cmocka_unit_test(reductions),
                                       cmocka_unit_test(evaluations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
