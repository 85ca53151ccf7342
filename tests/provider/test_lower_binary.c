/* test_lower_binary.c - lowerings of Pow, Mod and BitShift have the bits of their reference evaluation, in every type and form of broadcast
 * SPDX-License-Identifier: Apache-2.0 */
#include "provider/lowering.h"

extern const mote_op_def mote_op_onnx_Pow_15, mote_op_onnx_Mod_13, mote_op_onnx_BitShift_11, mote_op_onnx_BitShift_28;

static const struct {
    int64_t a[3], b[3];
} shapes[] = {{{2, 5, 37}, {2, 5, 37}}, {{2, 5, 37}, {1, 1, 1}}, {{1, 1, 1}, {2, 5, 37}}, {{2, 5, 37}, {1, 1, 37}},
              {{2, 5, 37}, {2, 5, 1}},  {{2, 1, 37}, {1, 5, 1}}, {{1, 1, 1}, {1, 1, 1}},  {{3, 1, 900}, {3, 4, 900}}};
static const mote_dtype floats[] = {MOTE_DTYPE_F32, MOTE_DTYPE_F16, MOTE_DTYPE_BF16};
static const mote_dtype ints[] = {MOTE_DTYPE_U8, MOTE_DTYPE_U16, MOTE_DTYPE_U32, MOTE_DTYPE_U64, MOTE_DTYPE_S8, MOTE_DTYPE_S16, MOTE_DTYPE_S32, MOTE_DTYPE_S64};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static lowering *begin(const mote_op_def *def, mote_dtype type, size_t shape, uint64_t *seed)
{
    lowering *t = lowering_begin(def, 2);
    lowering_any(t, 0, type, 3, shapes[shape].a, seed);
    lowering_any(t, 1, type, 3, shapes[shape].b, seed);
    return t;
}

static void end(lowering *t)
{
    lowering_expect(t);
    lowering_check(t);
}

static void powers(void **state)
{
    (void)state;
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (size_t k = 0; k < 3; k++) {
            lowering *t = begin(&mote_op_onnx_Pow_15, floats[k], i, &seed);
            for (size_t e = 0; k > 0 && e < mote_array_count(&t->in[0]); e++) /* a half float's NaN may have either sign */
                mote_dtype_from_f64(floats[k], t->in[0].data, e, fabs(mote_dtype_to_f64(floats[k], t->in[0].data, e)));
            end(t);
        }
}

static void remainders(void **state)
{
    (void)state;
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < N_SHAPES; i++) {
        for (size_t k = 0; k < 3; k++) {
            lowering *t = begin(&mote_op_onnx_Mod_13, floats[k], i, &seed);
            mote_node_set_int(t->node, "fmod", 1);
            for (size_t e = 0; e < mote_array_count(&t->in[1]); e++)
                if (mote_dtype_to_f64(floats[k], t->in[1].data, e) == 0)
                    mote_dtype_from_f64(floats[k], t->in[1].data, e, 1);
            end(t);
        }
        for (size_t k = 0; k < 16; k++) {
            const mote_dtype type = ints[k / 2];
            lowering *t = begin(&mote_op_onnx_Mod_13, type, i, &seed);
            const size_t size = mote_dtype_bits(type) / 8, n = mote_array_count(&t->in[1]);
            unsigned char *b = t->in[1].data;
            for (size_t e = 0; e < n; e++) {
                for (size_t byte = 1; byte < size && e % 3 == 0; byte++) /* small ones */
                    b[e * size + byte] = e % 2 && k >= 8 ? 0xff : 0;
                b[e * size] |= 1; /* none is 0, some are -1 */
                if (e % 7 == 0)
                    memset(b + e * size, 0xff, size);
            }
            mote_node_set_int(t->node, "fmod", k & 1);
            end(t);
        }
    }
}

static void shifts(void **state)
{
    (void)state;
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < N_SHAPES; i++)
        for (size_t k = 0; k < 16; k++) {
            const mote_dtype type = ints[k / 2];
            lowering *t = begin(k < 8 && i & 1 ? &mote_op_onnx_BitShift_11 : &mote_op_onnx_BitShift_28, type, i, &seed);
            const size_t size = mote_dtype_bits(type) / 8;
            for (size_t e = 0; e < mote_array_count(&t->in[1]); e += e % 5 == 3 ? 2 : 1) { /* some stay as they are */
                unsigned char *b = (unsigned char *)t->in[1].data + e * size;
                memset(b, 0, size);
                b[0] = (unsigned char)(rng_next(&seed) % (8 * size + 2));
            }
            mote_node_set_string(t->node, "direction", k & 1 ? "LEFT" : "RIGHT");
            end(t);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(powers), cmocka_unit_test(remainders), cmocka_unit_test(shifts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
