/* select.c - the best along an axis: ArgMax, ArgMin, TopK
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX ArgMax-13, ArgMin-13, TopK-24. NaN: the extreme for ArgMax and ArgMin; above everything for TopK. TopK gives its elements in order
 * also where `sorted` is 0, which leaves it open. */
#include "base/platform.h"
#include "ops/select.h"
#include "base/size.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/types.h"

mote_status mote_axis_split_of(const mote_node *node, int64_t absent, const mote_array *x, mote_axis_split *s, mote_diag *diag)
{
    int32_t axis;
    MOTE_TRY(mote_arg_axis(mote_node_int(node, "axis", absent), x->rank, "axis", diag, &axis));
    *s = (mote_axis_split){1, (size_t)x->dims[axis], 1};
    for (int32_t d = 0; d < x->rank; d++)
        if (d != axis)
            *(d < axis ? &s->outer : &s->inner) *= (size_t)x->dims[d];
    return MOTE_OK;
}

/* ---- the k largest: a heap of places whose root is the worst of those kept ---- */

/* Whether place a ranks behind place b. */
static bool behind(const uint64_t *key, size_t a, size_t b) { return key[a] != key[b] ? key[a] < key[b] : a > b; }

static void sift(const uint64_t *key, size_t *heap, size_t n, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && behind(key, heap[child + 1], heap[child]))
            child++;
        if (behind(key, heap[i], heap[child]))
            return;
        const size_t t = heap[i];
        heap[i] = heap[child];
        heap[child] = t;
    }
}

static void top_start(const uint64_t *key, size_t k, size_t *at)
{
    for (size_t i = 0; i < k; i++)
        at[i] = i;
    for (size_t i = k / 2; i-- > 0;)
        sift(key, at, k, i);
}

static void top_end(const uint64_t *key, size_t k, size_t *at)
{
    for (size_t left = k; left-- > 1;) { /* the worst to the end */
        const size_t t = at[0];
        at[0] = at[left];
        at[left] = t;
        sift(key, at, left, 0);
    }
}

void mote_top_keys(const uint64_t *key, size_t n, size_t k, size_t *at)
{
    if (k == 0)
        return;
    top_start(key, k, at);
    for (size_t i = k; i < n; i++)
        if (key[i] > key[at[0]]) { /* an equal one at a higher place ranks behind */
            at[0] = i;
            sift(key, at, k, 0);
        }
    top_end(key, k, at);
}

void mote_top_f32(const float *x, size_t stride, size_t n, bool max, size_t k, uint64_t *key, size_t *at)
{
    const uint64_t flip = max ? 0 : UINT64_MAX;
    const float sign = max ? 1.0f : -1.0f;
    if (k == 0)
        return;
    for (size_t i = 0; i < k; i++)
        key[i] = mote_key_f64((double)x[i * stride]) ^ flip;
    top_start(key, k, at);
    float worst = sign * x[at[0] * stride];
    for (size_t i = k; i < n; i++) {
        if (sign * x[i * stride] <= worst) /* nearly all; a NaN on either side is left to the keys */
            continue;
        key[i] = mote_key_f64((double)x[i * stride]) ^ flip;
        if (key[i] > key[at[0]]) {
            at[0] = i;
            sift(key, at, k, 0);
            worst = sign * x[at[0] * stride];
        }
    }
    top_end(key, k, at);
}

/* Keys of n elements from `first` on, `stride` apart; reversed: the smallest value has the largest key. */
static void load_keys(const mote_array *x, size_t first, size_t stride, size_t n, bool reversed, uint64_t *key)
{
    enum { BLOCK = 128 };
    union {
        float f32[BLOCK];
        double f64[BLOCK];
        int64_t s64[BLOCK];
        uint64_t u64[BLOCK];
    } b;
    const mote_class cls = mote_class_of(x->dtype);
    for (size_t i = 0, m; i < n; i += m) {
        m = mote_min_size(n - i, BLOCK);
        mote_elements_load(x->dtype, x->data, first + i * stride, (ptrdiff_t)stride, m, &b);
        for (size_t k = 0; k < m; k++) {
            const uint64_t u = cls == MOTE_CLASS_F32   ? mote_key_f64((double)b.f32[k])
                               : cls == MOTE_CLASS_F64 ? mote_key_f64(b.f64[k])
                               : cls == MOTE_CLASS_S64 ? mote_key_s64(b.s64[k])
                                                       : b.u64[k];
            key[i + k] = reversed ? ~u : u;
        }
    }
}

/* ---- ArgMax, ArgMin ---- */

static mote_status infer_arg(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t dims[MOTE_MAX_RANK];
    int32_t axis, rank = 0;
    const bool keep = mote_node_int(c->node, "keepdims", 1) != 0;
    mote_infer_out(c, 0, MOTE_DTYPE_S64, -1, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", 0), x->rank, "axis", c->diag, &axis));
    for (int32_t d = 0; d < x->rank; d++)
        if (d != axis || keep)
            dims[rank++] = d == axis ? 1 : x->dims[d];
    mote_infer_out(c, 0, MOTE_DTYPE_S64, rank, dims);
    return MOTE_OK;
}

static mote_status arg(mote_eval *c, bool max)
{
    const mote_array *x = c->in[0];
    int64_t *y = c->out[0]->data;
    const bool last = mote_node_int(c->node, "select_last_index", 0) != 0;
    mote_axis_split s;
    size_t bytes;
    MOTE_TRY(mote_axis_split_of(c->node, 0, x, &s, c->diag));
    MOTE_REQUIRE(s.n != 0 || s.outer * s.inner == 0, c->diag, MOTE_E_SHAPE, "the axis has no element to choose from");
    if (!mote_size_mul(s.n + 1, sizeof(uint64_t), &bytes))
        return MOTE_NO_MEMORY(c->diag, s.n);
    uint64_t *key = mote_heap_alloc(c->heap, bytes);
    if (key == NULL)
        return MOTE_NO_MEMORY(c->diag, bytes);
    const bool wide = mote_class_of(x->dtype) == MOTE_CLASS_F32 || mote_class_of(x->dtype) == MOTE_CLASS_F64;
    for (size_t i = 0; i < s.outer * s.inner; i++) {
        load_keys(x, i / s.inner * s.n * s.inner + i % s.inner, s.inner, s.n, !max, key);
        size_t best = 0;
        for (size_t k = 0; k < s.n; k++) {
            key[k] = wide && !max && key[k] == 0 ? UINT64_MAX : key[k]; /* NaN is the least, too */
            if (last ? key[k] >= key[best] : key[k] > key[best])
                best = k;
        }
        y[i] = (int64_t)best;
    }
    mote_heap_free(c->heap, key, bytes);
    return MOTE_OK;
}

static mote_status eval_arg_max(mote_eval *c) { return arg(c, true); }
static mote_status eval_arg_min(mote_eval *c) { return arg(c, false); }

/* ---- TopK ---- */

static mote_status top_k_count(const mote_node *node, const mote_array *k, int64_t *out, mote_diag *diag)
{
    if (node->def->since < 10)
        *out = mote_node_int(node, "k", 0);
    else
        MOTE_TRY(mote_arg_int(k, "K", diag, out));
    MOTE_REQUIRE(*out >= 0, diag, MOTE_E_VALUE, "K is %lld, expected 0 or more", (long long)*out);
    return MOTE_OK;
}

static mote_status infer_top_k(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const mote_array *k = c->node->def->since < 10 ? NULL : mote_infer_value(c, 1);
    int64_t dims[MOTE_MAX_RANK], count = MOTE_DIM_UNKNOWN;
    int32_t axis = 0;
    mote_infer_out(c, 0, x->dtype, x->rank, NULL);
    mote_infer_out(c, 1, MOTE_DTYPE_S64, x->rank, NULL);
    if (x->rank < 0)
        return MOTE_OK;
    MOTE_TRY(mote_arg_axis(mote_node_int(c->node, "axis", -1), x->rank, "axis", c->diag, &axis));
    memcpy(dims, x->dims, sizeof dims);
    if (c->node->def->since < 10 || k != NULL) {
        MOTE_TRY(top_k_count(c->node, k, &count, c->diag));
        MOTE_REQUIRE(!mote_dim_known(dims[axis]) || count <= dims[axis], c->diag, MOTE_E_VALUE, "K is %lld, the axis has only %lld elements",
                     (long long)count, (long long)dims[axis]);
    }
    dims[axis] = count;
    mote_infer_out(c, 0, x->dtype, x->rank, dims);
    mote_infer_out(c, 1, MOTE_DTYPE_S64, x->rank, dims);
    return MOTE_OK;
}

static mote_status eval_top_k(mote_eval *c)
{
    const mote_array *x = c->in[0];
    mote_axis_split s;
    int64_t count;
    MOTE_TRY(top_k_count(c->node, c->n_in > 1 ? c->in[1] : NULL, &count, c->diag));
    MOTE_TRY(mote_axis_split_of(c->node, -1, x, &s, c->diag));
    const size_t k = (size_t)count, size = mote_dtype_bits(x->dtype) / 8;
    MOTE_REQUIRE(k <= s.n, c->diag, MOTE_E_VALUE, "K is %zu, the axis has only %zu elements", k, s.n);
    size_t bytes;
    if (!mote_size_mul(s.n + 1, sizeof(uint64_t) + sizeof(size_t), &bytes))
        return MOTE_NO_MEMORY(c->diag, s.n);
    uint64_t *key = mote_heap_alloc(c->heap, bytes);
    if (key == NULL)
        return MOTE_NO_MEMORY(c->diag, bytes);
    size_t *at = (size_t *)(void *)(key + s.n);
    const bool smallest = mote_node_int(c->node, "largest", 1) == 0;
    const uint8_t *from = x->data;
    for (size_t i = 0; i < s.outer * s.inner; i++) {
        const size_t first = i / s.inner * s.n * s.inner + i % s.inner, to = i / s.inner * k * s.inner + i % s.inner;
        load_keys(x, first, s.inner, s.n, smallest, key);
        mote_top_keys(key, s.n, k, at);
        for (size_t j = 0; j < k; j++) {
            if (c->out[0] != NULL)
                memcpy((uint8_t *)c->out[0]->data + (to + j * s.inner) * size, from + (first + at[j] * s.inner) * size, size);
            if (c->n_out > 1 && c->out[1] != NULL)
                ((int64_t *)c->out[1]->data)[to + j * s.inner] = (int64_t)at[j];
        }
    }
    mote_heap_free(c->heap, key, bytes);
    return MOTE_OK;
}

#define ARG(t, fn, text, ...)                                                                                          \
    .in = "data:T", .out = "reduced:int64", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", 0), MOTE_A_INT("keepdims", 1), __VA_ARGS__), \
    .infer = infer_arg, .eval = fn, .doc = MOTE_DOC("y = the place of the " text " element along axis")
#define LAST MOTE_A_INT("select_last_index", 0)
MOTE_OP(onnx, ArgMax, 1, ARG(MOTE_T_NUM_7, eval_arg_max, "largest", {.name = NULL}));
MOTE_OP(onnx, ArgMax, 11, ARG(MOTE_T_NUM_7, eval_arg_max, "largest", {.name = NULL}));
MOTE_OP(onnx, ArgMax, 12, ARG(MOTE_T_NUM_7, eval_arg_max, "largest", LAST));
MOTE_OP(onnx, ArgMax, 13, ARG(MOTE_DTYPES_NUMERIC, eval_arg_max, "largest", LAST));
MOTE_OP(onnx, ArgMin, 1, ARG(MOTE_T_NUM_7, eval_arg_min, "smallest", {.name = NULL}));
MOTE_OP(onnx, ArgMin, 11, ARG(MOTE_T_NUM_7, eval_arg_min, "smallest", {.name = NULL}));
MOTE_OP(onnx, ArgMin, 12, ARG(MOTE_T_NUM_7, eval_arg_min, "smallest", LAST));
MOTE_OP(onnx, ArgMin, 13, ARG(MOTE_DTYPES_NUMERIC, eval_arg_min, "smallest", LAST));

#define TOP_K(t, input, ...)                                                                                           \
    .in = "X:T" input, .out = "Values:T Indices:int64", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("axis", -1), __VA_ARGS__), \
    .infer = infer_top_k, .eval = eval_top_k, .doc = MOTE_DOC("y = the K largest (smallest) elements along axis in order, and their places")
MOTE_OP(onnx, TopK, 1, TOP_K(MOTE_T_FLOAT_7, "", MOTE_A_REQUIRED(INT, "k")));
MOTE_OP(onnx, TopK, 10, TOP_K(MOTE_T_FLOAT_7, " K:int64", {.name = NULL}));
MOTE_OP(onnx, TopK, 11, TOP_K(MOTE_T_NUM_7, " K:int64", MOTE_A_INT("largest", 1), MOTE_A_INT("sorted", 1)));
MOTE_OP(onnx, TopK, 24, TOP_K(MOTE_DTYPES_NUMERIC, " K:int64", MOTE_A_INT("largest", 1), MOTE_A_INT("sorted", 1)));
