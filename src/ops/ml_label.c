/* ml_label.c - LabelEncoder, CategoryMapper, OneHotEncoder
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ai.onnx.ml LabelEncoder-1, -2 and -4, CategoryMapper-1, OneHotEncoder-1. */
#include "base/platform.h"
#include "ops/ml.h"
#include <math.h>

/* ---- one list onto another ---- */

static mote_status lists_of(const mote_node *n, mote_ml_list *keys, mote_ml_list *values, mote_diag *diag)
{
    const mote_ml_names key_names = {"keys_strings", "keys_int64s", "keys_floats", "keys_tensor"},
                        value_names = {"values_strings", "values_int64s", "values_floats", "values_tensor"};
    MOTE_TRY(mote_ml_list_of(n, &key_names, keys, diag));
    MOTE_TRY(mote_ml_list_of(n, &value_names, values, diag));
    MOTE_REQUIRE(keys->data != NULL && values->data != NULL, diag, MOTE_E_MODEL, "there are no %s", keys->data == NULL ? "keys" : "values");
    MOTE_REQUIRE(keys->n == values->n, diag, MOTE_E_MODEL, "%zu keys and %zu values", keys->n, values->n);
    return MOTE_OK;
}

/* Strings and integers, either way: LabelEncoder-1 (the integers are places) and CategoryMapper. */
static mote_status either_of(const mote_node *n, mote_dtype x, mote_arena *temp, mote_ml_list *keys, mote_ml_list *values, mote_diag *diag)
{
    const bool places = mote_str_is(n->op, "LabelEncoder");
    const mote_ml_names s = {.strings = places ? "classes_strings" : "cats_strings"}, i = {.ints = "cats_int64s"};
    mote_ml_list strings, ints;
    MOTE_TRY(mote_ml_list_of(n, &s, &strings, diag));
    if (places) {
        int64_t *place = mote_temp(temp, strings.n + 1, sizeof *place, diag);
        if (place == NULL)
            return MOTE_E_MEMORY;
        for (size_t k = 0; k < strings.n; k++)
            place[k] = (int64_t)k;
        ints = (mote_ml_list){MOTE_DTYPE_S64, strings.n, place, false};
    } else {
        MOTE_TRY(mote_ml_list_of(n, &i, &ints, diag));
        MOTE_REQUIRE(strings.n == ints.n, diag, MOTE_E_MODEL, "%zu values in cats_strings and %zu in cats_int64s", strings.n, ints.n);
    }
    strings.dtype = MOTE_DTYPE_STRING; /* of empty lists, too */
    ints.dtype = MOTE_DTYPE_S64;
    *keys = x == MOTE_DTYPE_STRING ? strings : ints;
    *values = x == MOTE_DTYPE_STRING ? ints : strings;
    return MOTE_OK;
}

/* The value of what is not found. */
static mote_status default_of(const mote_node *n, mote_ml_mapping *m, mote_diag *diag)
{
    const mote_attr *tensor = mote_node_attr(n, "default_tensor");
    const mote_dtype dtype = m->values.dtype;
    m->absent = (mote_ml_list){dtype, 1, &m->memory, true};
    if (tensor != NULL) {
        MOTE_REQUIRE(tensor->t->dtype == dtype, diag, MOTE_E_DTYPE, "default_tensor is %s, the values are %s", mote_dtype_name(tensor->t->dtype),
                     mote_dtype_name(dtype));
        MOTE_REQUIRE(mote_array_count(tensor->t) == 1, diag, MOTE_E_SHAPE, "default_tensor has %zu elements, expected 1",
                     mote_array_count(tensor->t));
        m->absent = mote_ml_list_array(tensor->t);
        return MOTE_OK;
    }
    switch (dtype) {
    case MOTE_DTYPE_STRING: m->memory.s = mote_node_string(n, "default_string", "_Unused"); break;
    case MOTE_DTYPE_S64: m->memory.s64 = mote_node_int(n, "default_int64", -1); break;
    case MOTE_DTYPE_S32: m->memory.s32 = -1; break;
    case MOTE_DTYPE_S16: m->memory.s16 = -1; break;
    case MOTE_DTYPE_F32: m->memory.f32 = mote_node_float(n, "default_float", -0.0f); break;
    default: m->memory.f64 = -0.0; break;
    }
    return MOTE_OK;
}

mote_status mote_ml_mapping_of(const mote_node *n, mote_dtype x, mote_arena *temp, size_t asked, mote_ml_mapping *m, mote_diag *diag)
{
    mote_ml_list keys;
    *m = (mote_ml_mapping){.memory = {.s64 = 0}};
    if (n->def->since < 2)
        MOTE_TRY(either_of(n, x, temp, &keys, &m->values, diag));
    else
        MOTE_TRY(lists_of(n, &keys, &m->values, diag));
    MOTE_REQUIRE(x == MOTE_DTYPE_NONE || x == keys.dtype, diag, MOTE_E_DTYPE, "X is %s, the keys are %s", mote_dtype_name(x), mote_dtype_name(keys.dtype));
    MOTE_TRY(default_of(n, m, diag));
    return mote_ml_finder_init(&m->finder, temp, &keys, asked, diag);
}

void mote_ml_map(const mote_ml_mapping *m, const mote_array *x, mote_array *y, size_t begin, size_t end)
{
    const mote_ml_list elements = mote_ml_list_array(x);
    for (size_t i = begin; i < end; i++) {
        const size_t k = mote_ml_find(&m->finder, &elements, i);
        if (k < m->finder.keys.n)
            mote_ml_copy(&m->values, k, y, i);
        else
            mote_ml_copy(&m->absent, 0, y, i);
    }
}

static mote_status infer_label(mote_infer *c)
{
    const mote_dtype x = c->in[0]->dtype;
    mote_ml_mapping m;
    mote_arena temp;
    if (c->node->def->since < 2 && x == MOTE_DTYPE_NONE) {
        mote_infer_out(c, 0, MOTE_DTYPE_NONE, c->in[0]->rank, c->in[0]->dims);
        return MOTE_OK;
    }
    mote_arena_init(&temp, c->module->heap);
    mote_status status = mote_ml_mapping_of(c->node, x, &temp, 0, &m, c->diag);
    mote_arena_deinit(&temp);
    MOTE_TRY(status);
    mote_infer_out(c, 0, m.values.dtype, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static mote_status eval_label_temp(mote_eval *c, mote_arena *temp)
{
    mote_ml_mapping m;
    const size_t n = mote_array_count(c->in[0]);
    MOTE_TRY(mote_ml_mapping_of(c->node, c->in[0]->dtype, temp, n, &m, c->diag));
    mote_ml_map(&m, c->in[0], c->out[0], 0, n);
    return mote_eval_own_strings(c, 0);
}
MOTE_EVAL_TEMP(eval_label)

#define DEFAULTS MOTE_A_INT("default_int64", -1), MOTE_A_STRING("default_string", "_Unused")
#define LISTS                                                                                                          \
    DEFAULTS, MOTE_A_FLOAT("default_float", -0.0f), MOTE_A(INTS, "keys_int64s"), MOTE_A(STRINGS, "keys_strings"), MOTE_A(FLOATS, "keys_floats"), \
        MOTE_A(INTS, "values_int64s"), MOTE_A(STRINGS, "values_strings"), MOTE_A(FLOATS, "values_floats")
#define LABELS_2 (MOTE_DT(STRING) | MOTE_DT(S64) | MOTE_DT(F32))
#define LABELS_4 (LABELS_2 | MOTE_DT(S32) | MOTE_DT(S16) | MOTE_DT(F64))
#define MAP .in = "X:T1", .out = "Y:T2", .flags = MOTE_OP_ELEMENTWISE, .doc = MOTE_DOC("the value that stands where x stands among the keys")
MOTE_OP(ml, LabelEncoder, 2, MAP, .types = MOTE_TYPES({"T1", LABELS_2, 0}, {"T2", LABELS_2, 0}), .attrs = MOTE_ATTRS(LISTS), .infer = infer_label,
        .eval = eval_label);
MOTE_OP(ml, LabelEncoder, 4, MAP, .types = MOTE_TYPES({"T1", LABELS_4, 0}, {"T2", LABELS_4, 0}),
        .attrs = MOTE_ATTRS(LISTS, MOTE_A(TENSOR, "keys_tensor"), MOTE_A(TENSOR, "values_tensor"), MOTE_A(TENSOR, "default_tensor")),
        .infer = infer_label, .eval = eval_label);

#define EITHER .types = MOTE_TYPES({"T1", MOTE_DT(STRING) | MOTE_DT(S64), 0}, {"T2", MOTE_DT(STRING) | MOTE_DT(S64), 0})
MOTE_OP(ml, LabelEncoder, 1, MAP, EITHER, .attrs = MOTE_ATTRS(DEFAULTS, MOTE_A(STRINGS, "classes_strings")), .infer = infer_label,
        .eval = eval_label);
MOTE_OP(ml, CategoryMapper, 1, MAP, EITHER, .attrs = MOTE_ATTRS(DEFAULTS, MOTE_A(STRINGS, "cats_strings"), MOTE_A(INTS, "cats_int64s")),
        .infer = infer_label, .eval = eval_label);

/* ---- OneHotEncoder ---- */

mote_status mote_ml_categories_of(const mote_node *n, mote_dtype x, mote_ml_list *cats, mote_diag *diag)
{
    const mote_ml_names names = {.strings = "cats_strings", .ints = "cats_int64s"};
    MOTE_TRY(mote_ml_list_of(n, &names, cats, diag));
    MOTE_REQUIRE(cats->data != NULL, diag, MOTE_E_MODEL, "there is neither cats_strings nor cats_int64s");
    MOTE_REQUIRE(x == MOTE_DTYPE_NONE || (x == MOTE_DTYPE_STRING) == (cats->dtype == MOTE_DTYPE_STRING), diag, MOTE_E_DTYPE,
                 "X is %s, the categories are %s", mote_dtype_name(x), cats->dtype == MOTE_DTYPE_STRING ? "strings" : "integers");
    return MOTE_OK;
}

static mote_status infer_hot(mote_infer *c)
{
    const mote_type *x = c->in[0];
    mote_ml_list cats;
    int64_t dims[MOTE_MAX_RANK];
    MOTE_TRY(mote_ml_categories_of(c->node, x->dtype, &cats, c->diag));
    if (x->rank < 0) {
        mote_infer_out(c, 0, MOTE_DTYPE_F32, -1, NULL);
        return MOTE_OK;
    }
    MOTE_TRY(mote_arg_rank(x->rank + 1, c->diag));
    memcpy(dims, x->dims, (size_t)x->rank * sizeof *dims);
    dims[x->rank] = (int64_t)cats.n;
    mote_infer_out(c, 0, MOTE_DTYPE_F32, x->rank + 1, dims);
    return MOTE_OK;
}

/* Towards zero; what is beyond is the nearest end, NaN the lowest. */
static int64_t whole(const mote_array *a, size_t i)
{
    if (!mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT))
        return mote_array_i64(a, i);
    const double x = mote_array_f64(a, i);
    return !(x > -0x1p63) ? INT64_MIN : x >= 0x1p63 ? INT64_MAX : (int64_t)x;
}

mote_status mote_ml_one_hot(const mote_ml_finder *f, const mote_array *x, float *y, bool zeros, size_t begin, size_t end, mote_diag *diag)
{
    const mote_ml_list elements = mote_ml_list_array(x);
    const size_t n = f->keys.n;
    for (size_t i = begin; i < end; i++) {
        int64_t number = 0;
        const mote_ml_list single = {MOTE_DTYPE_S64, 1, &number, false};
        if (x->dtype != MOTE_DTYPE_STRING)
            number = whole(x, i);
        const size_t k = x->dtype == MOTE_DTYPE_STRING ? mote_ml_find(f, &elements, i) : mote_ml_find(f, &single, 0);
        MOTE_REQUIRE(zeros || k < n, diag, MOTE_E_VALUE, "element %zu of X is none of the categories, and zeros is 0", i);
        memset(y + i * n, 0, n * sizeof *y);
        if (k < n)
            y[i * n + k] = 1;
    }
    return MOTE_OK;
}

static mote_status eval_hot_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    const size_t n = mote_array_count(x);
    mote_ml_list cats;
    mote_ml_finder f;
    MOTE_TRY(mote_ml_categories_of(c->node, x->dtype, &cats, c->diag));
    MOTE_TRY(mote_ml_finder_init(&f, temp, &cats, n, c->diag));
    return mote_ml_one_hot(&f, x, c->out[0]->data, mote_node_int(c->node, "zeros", 1) != 0, 0, n, c->diag);
}
MOTE_EVAL_TEMP(eval_hot)

MOTE_OP(ml, OneHotEncoder, 1, .in = "X:T", .out = "Y:float", .types = MOTE_TYPES({"T", MOTE_T_ML | MOTE_DT(STRING), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("zeros", 1), MOTE_A(STRINGS, "cats_strings"), MOTE_A(INTS, "cats_int64s")), .infer = infer_hot,
        .eval = eval_hot, .doc = MOTE_DOC("1 where x stands among the categories, else 0"));
