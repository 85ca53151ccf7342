/* ml_label.c - LabelEncoder, CategoryMapper, OneHotEncoder
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ai.onnx.ml LabelEncoder-1, -2 and -4, CategoryMapper-1, OneHotEncoder-1. */
#include "base/platform.h"
#include "ops/ml.h"
#include <math.h>

/* ---- one list onto another ---- */

typedef struct mapping {
    mote_ml_list keys, values;
} mapping;

static mote_status mapping_of(const mote_node *n, mapping *m, mote_diag *diag)
{
    const mote_ml_names keys = {"keys_strings", "keys_int64s", "keys_floats", "keys_tensor"},
                        values = {"values_strings", "values_int64s", "values_floats", "values_tensor"};
    MOTE_TRY(mote_ml_list_of(n, &keys, &m->keys, diag));
    MOTE_TRY(mote_ml_list_of(n, &values, &m->values, diag));
    MOTE_REQUIRE(m->keys.data != NULL && m->values.data != NULL, diag, MOTE_E_MODEL, "there are no %s", m->keys.data == NULL ? "keys" : "values");
    MOTE_REQUIRE(m->keys.n == m->values.n, diag, MOTE_E_MODEL, "%zu keys and %zu values", m->keys.n, m->values.n);
    return MOTE_OK;
}

/* The value of what is not found, as a list of one; *memory holds it unless an attribute does. */
typedef union one {
    mote_str s;
    int64_t i;
    int32_t i32;
    int16_t i16;
    float f;
    double d;
} one;
static mote_status default_of(const mote_node *n, mote_dtype dtype, one *memory, mote_ml_list *out, mote_diag *diag)
{
    const mote_attr *tensor = mote_node_attr(n, "default_tensor");
    *memory = (one){.i = 0};
    *out = (mote_ml_list){dtype, 1, memory, true};
    if (tensor != NULL) {
        MOTE_REQUIRE(tensor->t->dtype == dtype, diag, MOTE_E_DTYPE, "default_tensor is %s, the values are %s", mote_dtype_name(tensor->t->dtype),
                     mote_dtype_name(dtype));
        MOTE_REQUIRE(mote_array_count(tensor->t) == 1, diag, MOTE_E_SHAPE, "default_tensor has %zu elements, expected 1",
                     mote_array_count(tensor->t));
        *out = mote_ml_list_array(tensor->t);
        return MOTE_OK;
    }
    switch (dtype) {
    case MOTE_DTYPE_STRING: memory->s = mote_node_string(n, "default_string", "_Unused"); break;
    case MOTE_DTYPE_S64: memory->i = mote_node_int(n, "default_int64", -1); break;
    case MOTE_DTYPE_S32: memory->i32 = -1; break;
    case MOTE_DTYPE_S16: memory->i16 = -1; break;
    case MOTE_DTYPE_F32: memory->f = mote_node_float(n, "default_float", -0.0f); break;
    default: memory->d = -0.0; break;
    }
    return MOTE_OK;
}

static mote_status map_elements(mote_eval *c, mote_arena *temp, const mapping *m)
{
    const mote_ml_list x = mote_ml_list_array(c->in[0]);
    mote_ml_finder f;
    mote_ml_list absent;
    one memory;
    MOTE_TRY(default_of(c->node, m->values.dtype, &memory, &absent, c->diag));
    MOTE_TRY(mote_ml_finder_init(&f, temp, &m->keys, x.n, c->diag));
    for (size_t i = 0; i < x.n; i++) {
        const size_t k = mote_ml_find(&f, &x, i);
        if (k < m->keys.n)
            mote_ml_copy(&m->values, k, c->out[0], i);
        else
            mote_ml_copy(&absent, 0, c->out[0], i);
    }
    return mote_eval_own_strings(c, 0);
}

static mote_status infer_label(mote_infer *c)
{
    mapping m;
    one memory;
    mote_ml_list absent;
    MOTE_TRY(mapping_of(c->node, &m, c->diag));
    MOTE_TRY(default_of(c->node, m.values.dtype, &memory, &absent, c->diag));
    MOTE_REQUIRE(c->in[0]->dtype == MOTE_DTYPE_NONE || c->in[0]->dtype == m.keys.dtype, c->diag, MOTE_E_DTYPE, "X is %s, the keys are %s",
                 mote_dtype_name(c->in[0]->dtype), mote_dtype_name(m.keys.dtype));
    mote_infer_out(c, 0, m.values.dtype, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static mote_status eval_label_temp(mote_eval *c, mote_arena *temp)
{
    mapping m;
    MOTE_TRY(mapping_of(c->node, &m, c->diag));
    return map_elements(c, temp, &m);
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

/* ---- strings and integers, either way: LabelEncoder-1 (the integers are places), CategoryMapper ---- */

static mote_status infer_either(mote_infer *c)
{
    const mote_dtype x = c->in[0]->dtype;
    mote_infer_out(c, 0,
                   x == MOTE_DTYPE_STRING ? MOTE_DTYPE_S64
                   : x == MOTE_DTYPE_S64  ? MOTE_DTYPE_STRING
                                          : MOTE_DTYPE_NONE,
                   c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static mote_status either(mote_eval *c, mote_arena *temp, const mote_ml_list *strings, const mote_ml_list *ints)
{
    const bool text = c->in[0]->dtype == MOTE_DTYPE_STRING;
    const mapping m = {text ? *strings : *ints, text ? *ints : *strings};
    return map_elements(c, temp, &m);
}

static mote_status eval_classes_temp(mote_eval *c, mote_arena *temp)
{
    mote_ml_list strings;
    const mote_ml_names names = {.strings = "classes_strings"};
    MOTE_TRY(mote_ml_list_of(c->node, &names, &strings, c->diag));
    int64_t *place = mote_temp(temp, strings.n + 1, sizeof *place, c->diag);
    if (place == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < strings.n; i++)
        place[i] = (int64_t)i;
    const mote_ml_list ints = {MOTE_DTYPE_S64, strings.n, place, false}, none = {MOTE_DTYPE_STRING, 0, "", true};
    return either(c, temp, strings.data != NULL ? &strings : &none, &ints);
}
MOTE_EVAL_TEMP(eval_classes)

static mote_status categories(const mote_node *n, mote_ml_list *strings, mote_ml_list *ints, mote_diag *diag)
{
    const mote_ml_names s = {.strings = "cats_strings"}, i = {.ints = "cats_int64s"};
    MOTE_TRY(mote_ml_list_of(n, &s, strings, diag));
    MOTE_TRY(mote_ml_list_of(n, &i, ints, diag));
    MOTE_REQUIRE(strings->n == ints->n, diag, MOTE_E_MODEL, "%zu values in cats_strings and %zu in cats_int64s", strings->n, ints->n);
    return MOTE_OK;
}

static mote_status infer_category(mote_infer *c)
{
    mote_ml_list strings, ints;
    MOTE_TRY(categories(c->node, &strings, &ints, c->diag));
    return infer_either(c);
}

static mote_status eval_category_temp(mote_eval *c, mote_arena *temp)
{
    mote_ml_list strings, ints;
    MOTE_TRY(categories(c->node, &strings, &ints, c->diag));
    strings.dtype = MOTE_DTYPE_STRING;
    ints.dtype = MOTE_DTYPE_S64;
    return either(c, temp, &strings, &ints);
}
MOTE_EVAL_TEMP(eval_category)

#define EITHER .types = MOTE_TYPES({"T1", MOTE_DT(STRING) | MOTE_DT(S64), 0}, {"T2", MOTE_DT(STRING) | MOTE_DT(S64), 0})
MOTE_OP(ml, LabelEncoder, 1, MAP, EITHER, .attrs = MOTE_ATTRS(DEFAULTS, MOTE_A(STRINGS, "classes_strings")), .infer = infer_either,
        .eval = eval_classes);
MOTE_OP(ml, CategoryMapper, 1, MAP, EITHER, .attrs = MOTE_ATTRS(DEFAULTS, MOTE_A(STRINGS, "cats_strings"), MOTE_A(INTS, "cats_int64s")),
        .infer = infer_category, .eval = eval_category);

/* ---- OneHotEncoder ---- */

static mote_status hot_of(const mote_node *n, mote_dtype x, mote_ml_list *cats, mote_diag *diag)
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
    MOTE_TRY(hot_of(c->node, x->dtype, &cats, c->diag));
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

static mote_status eval_hot_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    const size_t n = mote_array_count(x);
    const bool zeros = mote_node_int(c->node, "zeros", 1) != 0;
    mote_ml_list cats, elements = mote_ml_list_array(x);
    mote_ml_finder f;
    MOTE_TRY(hot_of(c->node, x->dtype, &cats, c->diag));
    MOTE_TRY(mote_ml_finder_init(&f, temp, &cats, n, c->diag));
    float *y = c->out[0]->data;
    for (size_t i = 0; i < n; i++, y += cats.n) {
        int64_t number = 0;
        size_t k;
        if (x->dtype == MOTE_DTYPE_STRING) {
            k = mote_ml_find(&f, &elements, i);
        } else {
            number = whole(x, i);
            const mote_ml_list single = {MOTE_DTYPE_S64, 1, &number, false};
            k = mote_ml_find(&f, &single, 0);
        }
        MOTE_REQUIRE(zeros || k < cats.n, c->diag, MOTE_E_VALUE, "element %zu of X is none of the categories, and zeros is 0", i);
        memset(y, 0, cats.n * sizeof *y);
        if (k < cats.n)
            y[k] = 1;
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_hot)

MOTE_OP(ml, OneHotEncoder, 1, .in = "X:T", .out = "Y:float", .types = MOTE_TYPES({"T", MOTE_T_ML | MOTE_DT(STRING), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_INT("zeros", 1), MOTE_A(STRINGS, "cats_strings"), MOTE_A(INTS, "cats_int64s")), .infer = infer_hot,
        .eval = eval_hot, .doc = MOTE_DOC("1 where x stands among the categories, else 0"));
