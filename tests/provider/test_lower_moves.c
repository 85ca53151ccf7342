/* test_lower_moves.c - lowerings that move or convert elements give the bytes of their reference evaluation
 * SPDX-License-Identifier: Apache-2.0 */
#include "provider/lowering.h"

extern const mote_op_def mote_op_onnx_Transpose_13, mote_op_onnx_Expand_13, mote_op_onnx_Tile_13, mote_op_onnx_Slice_1, mote_op_onnx_Slice_13,
    mote_op_onnx_Concat_13, mote_op_onnx_Split_11, mote_op_onnx_Split_13, mote_op_onnx_Split_18, mote_op_onnx_Reshape_13, mote_op_onnx_Pad_2,
    mote_op_onnx_Pad_19, mote_op_onnx_Gather_13, mote_op_onnx_GatherElements_13, mote_op_onnx_Cast_13, mote_op_onnx_DepthToSpace_13, mote_op_onnx_SpaceToDepth_28, mote_op_onnx_ArgMax_13,
    mote_op_onnx_ArgMin_13, mote_op_onnx_TopK_24, mote_op_onnx_GatherND_13, mote_op_onnx_ScatterND_18, mote_op_onnx_ScatterElements_18, mote_op_onnx_Scatter_9,
    mote_op_onnx_Shape_15, mote_op_onnx_Size_13, mote_op_onnx_ConstantOfShape_9, mote_op_onnx_Range_11, mote_op_onnx_CumSum_14,
    mote_op_onnx_Trilu_14, mote_op_onnx_Dropout_7, mote_op_onnx_Dropout_22;

static const mote_dtype types[] = {MOTE_DTYPE_F32, MOTE_DTYPE_U8, MOTE_DTYPE_F16, MOTE_DTYPE_S64, MOTE_DTYPE_C128};
enum { N_TYPES = sizeof types / sizeof types[0] };

static void transpose(void **state)
{
    (void)state;
    static const int64_t shapes[][4] = {{2, 3, 5, 7}, {1, 40, 9, 33}, {3, 1, 64, 16}, {2, 0, 3, 4}, {1, 1, 1, 1}};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 5; i++)
        for (int code = 0; code < 24; code++)
            for (size_t type = 0; type < N_TYPES; type++) {
                int64_t left[4] = {0, 1, 2, 3}, perm[4];
                for (int d = 0, c = code; d < 4; d++) { /* permutation number `code` */
                    int at = c % (4 - d);
                    c /= 4 - d;
                    perm[d] = left[at];
                    memmove(left + at, left + at + 1, (size_t)(3 - at) * sizeof *left);
                }
                lowering *t = lowering_begin(&mote_op_onnx_Transpose_13, 1);
                lowering_any(t, 0, types[type], 4, shapes[i], &seed);
                if (code != 23)
                    mote_node_set_ints(t->node, "perm", perm, 4);
                lowering_expect(t);
                lowering_check(t);
            }
}

static void repeats(void **state)
{
    (void)state;
    static const int64_t shapes[][4] = {{2, 1, 5, 7}, {1, 4, 1, 33}, {3, 1, 1, 1}, {1, 1, 1, 0}}, to[][4] = {{2, 3, 5, 7}, {6, 4, 9, 33}, {3, 2, 5, 7}, {1, 3, 1, 0}};
    static const int64_t times[][4] = {{1, 2, 1, 3}, {2, 1, 4, 1}, {1, 1, 1, 1}, {3, 0, 2, 2}};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 4; i++)
        for (size_t type = 0; type < N_TYPES; type++) {
            lowering *t = lowering_begin(&mote_op_onnx_Expand_13, 2);
            lowering_any(t, 0, types[type], 4, shapes[i], &seed);
            lowering_ints(t, 1, 4, to[i]);
            lowering_expect(t);
            lowering_check(t);
            for (size_t k = 0; k < 4; k++) {
                t = lowering_begin(&mote_op_onnx_Tile_13, 2);
                lowering_any(t, 0, types[type], 4, shapes[i], &seed);
                lowering_ints(t, 1, 4, times[k]);
                lowering_expect(t);
                lowering_check(t);
            }
        }
}

static void slices(void **state)
{
    (void)state;
    static const struct {
        int64_t n, starts[3], ends[3], axes[3], steps[3];
    } cases[] = {
        {1, {1}, {3}, {0}, {1}},
        {2, {0, -3}, {1000, 1000}, {1, 3}, {2, 1}},
        {3, {-1, 5, 2}, {-1000, 1, 2}, {3, 2, 0}, {-1, -2, 1}},
        {2, {3, 1}, {INT64_MIN, 30}, {2, -1}, {-1, 7}},
        {3, {0, 0, 0}, {0, 5, 5}, {1, 2, 3}, {1, 1, 3}},
    };
    static const int64_t shape[] = {3, 4, 9, 40};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (size_t type = 0; type < N_TYPES; type++)
            for (int attributes = 0; attributes < 2; attributes++) {
                lowering *t = lowering_begin(attributes ? &mote_op_onnx_Slice_1 : &mote_op_onnx_Slice_13, attributes ? 1 : 5);
                lowering_any(t, 0, types[type], 4, shape, &seed);
                if (attributes) {
                    mote_node_set_ints(t->node, "starts", cases[i].starts, (size_t)cases[i].n);
                    mote_node_set_ints(t->node, "ends", cases[i].ends, (size_t)cases[i].n);
                    mote_node_set_ints(t->node, "axes", cases[i].axes, (size_t)cases[i].n);
                } else {
                    lowering_ints(t, 1, cases[i].n, cases[i].starts);
                    lowering_ints(t, 2, cases[i].n, cases[i].ends);
                    lowering_ints(t, 3, cases[i].n, cases[i].axes);
                    lowering_ints(t, 4, cases[i].n, cases[i].steps);
                }
                lowering_expect(t);
                lowering_check(t);
            }
}

static void parts(void **state)
{
    (void)state;
    static const int64_t sizes[] = {3, 0, 1, 8, 20};
    uint64_t seed = kcheck_seed;
    for (int64_t axis = -4; axis < 4; axis++)
        for (size_t type = 0; type < N_TYPES; type++) {
            int64_t dims[] = {2, 5, 3, 6}, *along = &dims[axis < 0 ? axis + 4 : axis];
            lowering *t = lowering_begin(&mote_op_onnx_Concat_13, 5);
            for (uint32_t i = 0; i < 5; i++) {
                *along = sizes[i];
                lowering_any(t, i, types[type], 4, dims, &seed);
            }
            mote_node_set_int(t->node, "axis", axis);
            lowering_expect(t);
            lowering_check(t);
            *along = 32;
            for (int form = 0; form < 3; form++) {
                t = lowering_begin_many(form == 0 ? &mote_op_onnx_Split_13 : form == 1 ? &mote_op_onnx_Split_11 : &mote_op_onnx_Split_18, 2, form == 2 ? 7 : 5);
                lowering_any(t, 0, types[type], 4, dims, &seed);
                if (form == 0)
                    lowering_ints(t, 1, 5, sizes);
                if (form == 1)
                    mote_node_set_ints(t->node, "split", sizes, 5);
                if (form == 2)
                    mote_node_set_int(t->node, "num_outputs", 7);
                mote_node_set_int(t->node, "axis", axis);
                lowering_expect(t);
                lowering_check(t);
            }
        }
}

static void views(void **state)
{
    (void)state;
    static const int64_t dims[] = {7, 30, 41}, to[] = {-1, 7};
    uint64_t seed = kcheck_seed;
    for (size_t type = 0; type < N_TYPES; type++) {
        lowering *t = lowering_begin(&mote_op_onnx_Reshape_13, 2);
        lowering_any(t, 0, types[type], 3, dims, &seed);
        lowering_ints(t, 1, 2, to);
        lowering_expect(t);
        lowering_check(t);
        if (!mote_dtype_in(types[type], MOTE_DT(F32) | MOTE_DT(F16)))
            continue;
        for (int trained = 0; trained < 2; trained++) {
            t = lowering_begin(trained ? &mote_op_onnx_Dropout_22 : &mote_op_onnx_Dropout_7, trained ? 3 : 1);
            lowering_any(t, 0, types[type], 3, dims, &seed);
            if (trained)
                lowering_input(t, 2, MOTE_DTYPE_BOOL, 0, NULL);
            lowering_expect(t);
            lowering_check_kinds(t, !trained);
        }
    }
}

static void pads(void **state)
{
    (void)state;
    static const char *const modes[] = {"constant", "reflect", "edge", "wrap"};
    static const int64_t widths[][8] = {{0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 1, 2, 0, 0, 3, 1}, {2, 1, 0, 0, 0, 4, 0, 5}, {0, -1, 2, -2, 1, 2, -1, 3}, {-1, -1, -2, -1, 0, 0, 0, -1}, {0, 0, 17, 11, 0, 0, 9, 40}};
    static const int64_t dims[] = {2, 3, 5, 7}, empty[] = {2, 3, 0, 7}, wide[] = {0, 0, 4, 1, 0, 0, 2, 0}, past[] = {0, 0, -6, 0, 0, 0, 9, 0}, axes[] = {3, -2}, two[] = {1, 3, -2, 2};
    uint64_t seed = kcheck_seed;
    for (size_t mode = 0; mode < 4; mode++)
        for (size_t i = 0; i < 6; i++)
            for (size_t type = 0; type < N_TYPES; type++)
                for (int form = 0; form < 2; form++) {
                    lowering *t = lowering_begin(&mote_op_onnx_Pad_19, 4);
                    lowering_any(t, 0, types[type], 4, dims, &seed);
                    if (form == 0)
                        lowering_ints(t, 1, 8, widths[i]);
                    else
                        lowering_ints(t, 1, 4, two), lowering_ints(t, 3, 2, axes);
                    if (i % 2 == 0)
                        lowering_any(t, 2, types[type], 0, NULL, &seed);
                    t->variable = 5;
                    mote_node_set_string(t->node, "mode", modes[mode]);
                    lowering_expect(t);
                    lowering_check_kinds(t, false);
                }
    for (int form = 0; form < 2; form++) { /* nothing of the input is left */
        lowering *t = lowering_begin(&mote_op_onnx_Pad_19, 2);
        lowering_any(t, 0, MOTE_DTYPE_F32, 4, form ? dims : empty, &seed);
        lowering_ints(t, 1, 8, form ? past : wide);
        lowering_expect(t);
        lowering_check_kinds(t, false);
    }
    lowering *t = lowering_begin(&mote_op_onnx_Pad_2, 1);
    lowering_any(t, 0, MOTE_DTYPE_F32, 4, dims, &seed);
    mote_node_set_ints(t->node, "pads", widths[3], 8);
    mote_node_set_float(t->node, "value", 2.5f);
    lowering_expect(t);
    lowering_check(t);
}

static void gathers(void **state)
{
    (void)state;
    static const int64_t dims[] = {3, 9, 5, 4};
    uint64_t seed = kcheck_seed;
    for (int64_t axis = -4; axis < 4; axis++)
        for (size_t type = 0; type < N_TYPES; type++)
            for (int32_t rank = 0; rank < 3; rank++)
                for (int elements = 0; elements < 2; elements++) {
                    int64_t shape[] = {rank == 2 ? 6 : 11, 7}, like[] = {2, 8, 5, 3}, size = dims[axis < 0 ? axis + 4 : axis];
                    like[axis < 0 ? axis + 4 : axis] = rank == 2 ? 0 : 13;
                    lowering *t = lowering_begin(elements ? &mote_op_onnx_GatherElements_13 : &mote_op_onnx_Gather_13, 2);
                    lowering_any(t, 0, types[type], 4, dims, &seed);
                    const bool wide = rank != 1;
                    void *at = lowering_input(t, 1, wide ? MOTE_DTYPE_S64 : MOTE_DTYPE_S32, elements ? 4 : rank, elements ? like : shape);
                    for (size_t i = 0; i < mote_array_count(&t->in[1]); i++) {
                        const int64_t v = (int64_t)(rng_next(&seed) % (2 * (uint64_t)size)) - size;
                        if (wide)
                            ((int64_t *)at)[i] = v;
                        else
                            ((int32_t *)at)[i] = (int32_t)v;
                    }
                    mote_node_set_int(t->node, "axis", axis);
                    lowering_expect(t);
                    lowering_check(t);
                }
}

/* A bad index is an error of the run, with or without constants. */
static void bad_index(void **state)
{
    (void)state;
    static const int64_t dims[] = {3, 2}, two[] = {2, 1};
    uint64_t seed = kcheck_seed;
    for (int elements = 0; elements < 2; elements++)
        for (int64_t bad = -4; bad <= 3; bad += 7)
            for (int fixed = 0; fixed < 2; fixed++) {
                lowering *t = lowering_begin(elements ? &mote_op_onnx_GatherElements_13 : &mote_op_onnx_Gather_13, 2);
                lowering_any(t, 0, MOTE_DTYPE_F32, 2, dims, &seed);
                int64_t *at = lowering_input(t, 1, MOTE_DTYPE_S64, 2, two);
                lowering_expect(t);
                at[1] = bad;
                mote_arena arena;
                mote_arena_init(&arena, &t->heap);
                const mote_array *outs[1] = {&t->out}, *value[2] = {NULL, fixed ? &t->in[1] : NULL};
                mote_lower l = {.node = t->node, .n_in = 2, .n_out = 1, .in = t->inputs, .value = value, .out = outs, .workers = 1, .arena = &arena, .heap = &t->heap};
                assert_int_equal(mote_lower_find("", t->def->name)(&l), MOTE_OK);
                mote_array *in[2] = {&t->in[0], &t->in[1]}, *out[1] = {&t->out};
                mote_step step = {.run = l.run, .params = l.params, .node = t->node, .n_in = 2, .n_out = 1, .in = in, .out = out};
                mote_diag diag = {.struct_size = sizeof diag};
                mote_exec x = {.diag = &diag};
                assert_int_equal(l.run(&step, &x), MOTE_E_VALUE);
                assert_non_null(strstr(diag.message, "expected -3 to 2"));
                mote_arena_deinit(&arena);
                at[1] = 0;
                lowering_check(t);
            }
}

static void casts(void **state)
{
    (void)state;
    static const mote_dtype all[] = {MOTE_DTYPE_F32, MOTE_DTYPE_F16, MOTE_DTYPE_BF16, MOTE_DTYPE_S64, MOTE_DTYPE_S32, MOTE_DTYPE_U8, MOTE_DTYPE_S8, MOTE_DTYPE_BOOL};
    static const float odd[] = {NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 0.5f, -0.5f, 1e30f, -1e30f, 2147483648.0f, -2147483648.0f, 2147483520.0f, 9.2233720e18f, -9.2233720e18f, 300.7f, -300.7f, 65520.0f, 1e-8f};
    const int64_t n = 40007;
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 8; i++)
        for (size_t k = 0; k < 8; k++) {
            if ((i == 1 || i == 2) && k != 0 && k != i)
                continue; /* half floats: to and from float alone */
            if ((k == 1 || k == 2) && i != 0 && k != i)
                continue;
            lowering *t = lowering_begin(&mote_op_onnx_Cast_13, 1);
            lowering_any(t, 0, all[i], 1, &n, &seed);
            float *x = t->in[0].data;
            for (int64_t j = 0; i == 0 && j < n; j++)
                x[j] = j < 18 ? odd[j] : j % 3 == 0 ? rng_any(&seed) : rng_float(&seed, -500, 500);
            mote_node_set_int(t->node, "to", (int64_t)all[k]);
            lowering_expect(t);
            lowering_check(t);
        }
}

static void blocks(void **state)
{
    (void)state;
    static const int64_t deep[] = {2, 36, 5, 7}, wide[] = {2, 3, 12, 18}, none[] = {1, 36, 0, 6};
    uint64_t seed = kcheck_seed;
    for (int64_t block = 1; block <= 3; block++)
        for (size_t type = 0; type < N_TYPES; type++)
            for (int form = 0; form < 6; form++) {
                lowering *t = lowering_begin(form % 2 ? &mote_op_onnx_SpaceToDepth_28 : &mote_op_onnx_DepthToSpace_13, 1);
                lowering_any(t, 0, types[type], 4, form / 4 ? none : form % 2 ? wide : deep, &seed);
                mote_node_set_int(t->node, "blocksize", block);
                if (form / 2 % 2)
                    mote_node_set_string(t->node, "mode", "CRD");
                lowering_expect(t);
                lowering_check(t);
            }
}

static void choices(void **state)
{
    (void)state;
    static const int64_t shapes[][3] = {{3, 40, 17}, {1, 2000, 1}, {5, 1, 33}, {64, 3, 5}};
    uint64_t seed = kcheck_seed;
    for (size_t i = 0; i < 4; i++)
        for (int64_t axis = -3; axis < 3; axis++)
            for (int form = 0; form < 8; form++) {
                lowering *t = lowering_begin(form & 1 ? &mote_op_onnx_ArgMax_13 : &mote_op_onnx_ArgMin_13, 1);
                float *x = lowering_input(t, 0, MOTE_DTYPE_F32, 3, shapes[i]);
                for (size_t k = 0; k < mote_array_count(&t->in[0]); k++) /* many equals */
                    x[k] = (form & 4) != 0 ? rng_any(&seed) : (float)(int)(rng_next(&seed) % 5) - 2.0f;
                mote_node_set_int(t->node, "axis", axis);
                mote_node_set_int(t->node, "keepdims", form & 1);
                mote_node_set_int(t->node, "select_last_index", form >> 1 & 1);
                lowering_expect(t);
                lowering_check(t);
                const int64_t size = shapes[i][axis < 0 ? axis + 3 : axis], counts[] = {0, 1, size, size / 2};
                t = lowering_begin_many(&mote_op_onnx_TopK_24, 2, 2);
                x = lowering_input(t, 0, MOTE_DTYPE_F32, 3, shapes[i]);
                for (size_t k = 0; k < mote_array_count(&t->in[0]); k++)
                    x[k] = (form & 4) != 0 ? rng_any(&seed) : (float)(int)(rng_next(&seed) % 9) - 4.0f;
                lowering_ints(t, 1, 1, &counts[form & 3]);
                mote_node_set_int(t->node, "axis", axis);
                mote_node_set_int(t->node, "largest", (form >> 2 ^ (int)i) & 1);
                lowering_expect(t);
                lowering_check(t);
            }
    for (int form = 0; form < 8; form++) { /* half floats */
        static const mote_op_def *const defs[] = {&mote_op_onnx_ArgMax_13, &mote_op_onnx_ArgMin_13, &mote_op_onnx_TopK_24, &mote_op_onnx_CumSum_14};
        const int64_t five = 5, axis = 1;
        lowering *t = lowering_begin_many(defs[form / 2], form < 4 ? 1 : 2, form / 2 == 2 ? 2 : 1);
        lowering_any(t, 0, form & 1 ? MOTE_DTYPE_F16 : MOTE_DTYPE_BF16, 3, shapes[0], &seed);
        if (form >= 4)
            lowering_ints(t, 1, 1, form / 2 == 2 ? &five : &axis);
        if (form < 6)
            mote_node_set_int(t->node, "axis", 1);
        lowering_expect(t);
        lowering_check(t);
    }
}

static void tuples(void **state)
{
    (void)state;
    static const int64_t dims[] = {3, 9, 5, 4};
    uint64_t seed = kcheck_seed;
    for (int64_t tuple = 1; tuple <= 4; tuple++)
        for (int64_t batch = 0; batch + tuple <= 4; batch++)
            for (size_t type = 0; type < N_TYPES; type++)
                for (int64_t n = 0; n < 20; n += 19) {
                    int64_t shape[4] = {3, 9, n, tuple}, updates[5] = {n}, *where;
                    if (batch < 2)
                        shape[batch] = n, shape[batch + 1] = tuple;
                    const int32_t rank = batch < 2 ? (int32_t)batch + 2 : 4;
                    if (batch > 2)
                        continue;
                    int64_t full[4] = {3, 9, n, tuple};
                    lowering *t = lowering_begin(&mote_op_onnx_GatherND_13, 2);
                    lowering_any(t, 0, types[type], 4, dims, &seed);
                    where = lowering_input(t, 1, MOTE_DTYPE_S64, rank, batch < 2 ? shape : full);
                    for (size_t i = 0; i < mote_array_count(&t->in[1]); i++) {
                        const int64_t size = dims[batch + (int64_t)(i % (size_t)tuple)];
                        where[i] = (int64_t)(rng_next(&seed) % (2 * (uint64_t)size)) - size;
                    }
                    mote_node_set_int(t->node, "batch_dims", batch);
                    lowering_expect(t);
                    lowering_check(t);
                    if (batch != 0)
                        continue;
                    for (int64_t d = tuple; d < 4; d++)
                        updates[1 + d - tuple] = dims[d];
                    t = lowering_begin(&mote_op_onnx_ScatterND_18, 3);
                    lowering_any(t, 0, types[type], 4, dims, &seed);
                    where = lowering_input(t, 1, MOTE_DTYPE_S64, 2, shape);
                    for (size_t i = 0; i < mote_array_count(&t->in[1]); i++) {
                        const int64_t size = dims[i % (size_t)tuple];
                        where[i] = (int64_t)(rng_next(&seed) % (2 * (uint64_t)size)) - size;
                    }
                    lowering_any(t, 2, types[type], 5 - (int32_t)tuple, updates, &seed);
                    lowering_expect(t);
                    lowering_check(t);
                }
}

static void scatter_elements(void **state)
{
    (void)state;
    static const int64_t dims[] = {3, 9, 5, 4};
    uint64_t seed = kcheck_seed;
    for (int64_t axis = -4; axis < 4; axis++)
        for (size_t type = 0; type < N_TYPES; type++)
            for (int form = 0; form < 3; form++) {
                int64_t like[] = {2, 8, 5, 3}, size = dims[axis < 0 ? axis + 4 : axis];
                like[axis < 0 ? axis + 4 : axis] = form == 2 ? 0 : 13;
                lowering *t = lowering_begin(form == 1 ? &mote_op_onnx_Scatter_9 : &mote_op_onnx_ScatterElements_18, 3);
                lowering_any(t, 0, types[type], 4, dims, &seed);
                void *at = lowering_input(t, 1, form == 0 ? MOTE_DTYPE_S64 : MOTE_DTYPE_S32, 4, like);
                for (size_t i = 0; i < mote_array_count(&t->in[1]); i++) {
                    const int64_t v = (int64_t)(rng_next(&seed) % (2 * (uint64_t)size)) - size;
                    if (form == 0)
                        ((int64_t *)at)[i] = v;
                    else
                        ((int32_t *)at)[i] = (int32_t)v;
                }
                lowering_any(t, 2, types[type], 4, like, &seed);
                mote_node_set_int(t->node, "axis", axis);
                lowering_expect(t);
                lowering_check(t);
            }
}

static void made(void **state)
{
    (void)state;
    static const int64_t dims[] = {3, 90, 5, 41}, large[] = {4, 1024, 8}, empty[] = {4, 0, 8}, axes[] = {-2};
    static const mote_dtype whole[] = {MOTE_DTYPE_F32, MOTE_DTYPE_S32, MOTE_DTYPE_S64};
    uint64_t seed = kcheck_seed;
    for (int form = 0; form < 3; form++) {
        lowering *t = lowering_begin(form == 2 ? &mote_op_onnx_Size_13 : &mote_op_onnx_Shape_15, 1);
        lowering_any(t, 0, MOTE_DTYPE_U8, 4, dims, &seed);
        if (form == 1) {
            mote_node_set_int(t->node, "start", -3);
            mote_node_set_int(t->node, "end", 3);
        }
        lowering_expect(t);
        lowering_check(t);
        t = lowering_begin(&mote_op_onnx_ConstantOfShape_9, 1);
        lowering_ints(t, 0, 3, form == 0 ? dims : form == 1 ? large : empty);
        if (form < 2) {
            static float v = -1.5f;
            static mote_array value = {.dtype = MOTE_DTYPE_F32, .rank = 1, .dims = {1}, .data = &v, .bytes = 4};
            mote_node_set_int(t->node, "value", 0);
            mote_attr *a = mote_node_attr(t->node, "value");
            a->kind = MOTE_ATTR_TENSOR;
            a->t = &value;
        }
        lowering_expect(t);
        lowering_check(t);
        for (int down = 0; down < 2; down++) {
            t = lowering_begin(&mote_op_onnx_Range_11, 3);
            for (uint32_t i = 0; i < 3; i++)
                mote_dtype_from_f64(whole[form], lowering_input(t, i, whole[form], 0, NULL), 0, i == 0 ? 3 : i == 1 ? (down ? -400 : 1000) : form == 0 ? (down ? -0.3 : 0.1) : down ? -7 : 3);
            lowering_expect(t);
            lowering_check(t);
        }
        for (int kind = 0; kind < 4; kind++) {
            t = lowering_begin(&mote_op_onnx_CumSum_14, 2);
            lowering_any(t, 0, whole[form], 4, dims, &seed);
            lowering_ints(t, 1, 1, axes);
            mote_node_set_int(t->node, "exclusive", kind & 1);
            mote_node_set_int(t->node, "reverse", kind >> 1);
            lowering_expect(t);
            lowering_check(t);
        }
    }
    for (size_t type = 0; type < N_TYPES; type++)
        for (int64_t k = -50; k <= 50; k += 5)
            for (int upper = 0; upper < 2; upper++) {
                lowering *t = lowering_begin(&mote_op_onnx_Trilu_14, 2);
                lowering_any(t, 0, types[type], 4, dims, &seed);
                if (k != 0)
                    lowering_ints(t, 1, 1, &k);
                mote_node_set_int(t->node, "upper", upper);
                lowering_expect(t);
                lowering_check(t);
            }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(transpose), cmocka_unit_test(repeats), cmocka_unit_test(slices), cmocka_unit_test(parts), cmocka_unit_test(views), cmocka_unit_test(pads), cmocka_unit_test(gathers), cmocka_unit_test(bad_index), cmocka_unit_test(casts), cmocka_unit_test(blocks), cmocka_unit_test(choices),
                                       cmocka_unit_test(tuples), cmocka_unit_test(scatter_elements), cmocka_unit_test(made)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
