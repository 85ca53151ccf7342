/* values.c - sequences and optionals at the border of a session
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "session/values.h"

enum { MAX_NESTING = 8 };

static const char *kind_name(mote_kind k)
{
    return k == MOTE_KIND_TENSOR ? "a tensor" : k == MOTE_KIND_SEQUENCE ? "a sequence" : k == MOTE_KIND_OPTIONAL ? "an optional" : "of no kind";
}

const mote_type *mote_type_leaf(const mote_type *t)
{
    while (t->kind != MOTE_KIND_TENSOR && t->element != NULL)
        t = t->element;
    return t;
}

mote_array mote_value_key(const mote_type *t) { return (mote_array){.kind = t->kind, .dtype = mote_type_leaf(t)->dtype, .rank = 1}; }

mote_status mote_value_check_memory(const mote_tensor *t, const mote_array *a, mote_diag *diag)
{
    mote_array at = *a;
    at.data = mote_tensor_map(t);
    MOTE_REQUIRE(at.data != NULL || a->bytes == 0, diag, MOTE_E_ARGUMENT, "the tensor has no memory");
    MOTE_REQUIRE(mote_array_aligned(&at), diag, MOTE_E_ARGUMENT, "the tensor's memory is not aligned for %s", mote_dtype_name(a->dtype));
    MOTE_REQUIRE(t->bytes >= a->bytes, diag, MOTE_E_ARGUMENT, "the tensor's memory has %zu bytes, its shape needs %zu", t->bytes, a->bytes);
    int64_t stride = 1;
    for (int32_t d = a->rank; d-- > 0 && a->bytes != 0;) {
        MOTE_REQUIRE(a->dims[d] <= 1 || t->strides[d] == stride, diag, MOTE_E_UNSUPPORTED,
                     "stride %lld in dimension %d: a bound tensor is contiguous (%lld)", (long long)t->strides[d], (int)d, (long long)stride);
        stride *= a->dims[d] > 0 ? a->dims[d] : 1; /* as mote_tensor_describe has them */
    }
    return MOTE_OK;
}

static mote_status take_tensor(const mote_type *type, mote_str name, const mote_tensor *t, mote_array *out, mote_diag *diag)
{
    char seen[128];
    MOTE_REQUIRE(mote_dtype_valid(t->dtype), diag, MOTE_E_DTYPE, "an element of input '%.*s' has the type %d, which is none", MOTE_STR_ARG(name), (int)t->dtype);
    MOTE_TRY(mote_array_shape(out, t->dtype, t->rank, t->shape, diag));
    MOTE_REQUIRE(type->dtype == MOTE_DTYPE_NONE || type->dtype == t->dtype, diag, MOTE_E_DTYPE, "an element of input '%.*s' is %s, expected %s",
                 MOTE_STR_ARG(name), mote_dtype_name(t->dtype), mote_dtype_name(type->dtype));
    MOTE_REQUIRE(type->rank < 0 || type->rank == t->rank, diag, MOTE_E_SHAPE, "an element of input '%.*s' is %s, expected rank %d", MOTE_STR_ARG(name),
                 mote_array_describe(out, seen, sizeof seen), (int)type->rank);
    for (int32_t d = 0; d < type->rank; d++)
        MOTE_REQUIRE(!mote_dim_known(type->dims[d]) || type->dims[d] == t->shape[d], diag, MOTE_E_SHAPE,
                     "an element of input '%.*s' is %s, expected dimension %d to be %lld", MOTE_STR_ARG(name), mote_array_describe(out, seen, sizeof seen),
                     (int)d, (long long)type->dims[d]);
    MOTE_TRY(mote_value_check_memory(t, out, diag));
    out->data = mote_tensor_map(t);
    return MOTE_OK;
}

static mote_status take(mote_arena *arena, const mote_type *type, mote_str name, const mote_tensor *t, mote_array *out, int depth, mote_diag *diag)
{
    MOTE_REQUIRE(t->kind == type->kind, diag, MOTE_E_DTYPE, "input '%.*s' %s %s, expected %s", MOTE_STR_ARG(name), depth == 0 ? "is" : "holds", kind_name(t->kind),
                 kind_name(type->kind));
    if (type->kind == MOTE_KIND_TENSOR)
        return take_tensor(type, name, t, out, diag);
    const mote_tensor *items = mote_tensor_map(t);
    static const mote_type anything = {.rank = -1};
    const mote_type *element = type->element != NULL ? type->element : &anything;
    MOTE_REQUIRE(depth < MAX_NESTING, diag, MOTE_E_LIMIT, "sequences nested deeper than %d", (int)MAX_NESTING);
    MOTE_REQUIRE(t->rank == 1 && t->shape[0] >= 0 && (items != NULL || t->shape[0] == 0), diag, MOTE_E_ARGUMENT,
                 "%s for input '%.*s' is not described: rank 1, the number of its elements, and they in its buffer", kind_name(t->kind), MOTE_STR_ARG(name));
    MOTE_REQUIRE(type->kind != MOTE_KIND_OPTIONAL || t->shape[0] <= 1, diag, MOTE_E_ARGUMENT, "the optional for input '%.*s' has %lld elements",
                 MOTE_STR_ARG(name), (long long)t->shape[0]);
    const size_t n = (size_t)t->shape[0];
    *out = mote_value_key(type);
    out->dims[0] = t->shape[0];
    out->bytes = n * sizeof *out;
    /* never NULL, even without elements */
    mote_array *list = mote_arena_calloc(arena, n + 1, sizeof *list);
    if (list == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *list);
    out->data = list;
    for (size_t i = 0; i < n; i++) {
        MOTE_REQUIRE(items[i].struct_size == sizeof *items, diag, MOTE_E_ARGUMENT, "element %zu of input '%.*s' is no tensor of this version", i, MOTE_STR_ARG(name));
        MOTE_TRY(take(arena, element, name, &items[i], &list[i], depth + 1, diag));
    }
    return MOTE_OK;
}

mote_status mote_value_bind(mote_heap *heap, const mote_value *v, const mote_tensor *t, mote_bound_value **out, mote_diag *diag)
{
    mote_bound_value *b = *out = mote_heap_calloc(heap, 1, sizeof *b);
    if (b == NULL)
        return MOTE_NO_MEMORY(diag, sizeof *b);
    mote_arena_init(&b->arena, heap);
    mote_status status = take(&b->arena, &v->type, v->name, t, &b->value, 0, diag);
    if (status == MOTE_OK)
        status = mote_value_show(&b->arena, &b->value, &b->shown, diag);
    if (status != MOTE_OK)
        mote_value_unbind(out);
    return status;
}

void mote_value_unbind(mote_bound_value **b)
{
    if (*b == NULL)
        return;
    mote_heap *heap = (*b)->arena.heap;
    mote_arena_deinit(&(*b)->arena);
    mote_heap_free(heap, *b, sizeof **b);
    *b = NULL;
}

static mote_status show(mote_arena *arena, const mote_array *a, mote_tensor *t, int depth, mote_diag *diag)
{
    *t = (mote_tensor)MOTE_TENSOR_INIT;
    t->kind = a->kind;
    t->rank = a->rank;
    t->bytes = a->bytes;
    t->buffer = a->data;
    if (a->kind == MOTE_KIND_TENSOR) {
        int64_t stride = 1;
        t->dtype = a->dtype;
        for (int32_t d = a->rank; d-- > 0;) {
            t->shape[d] = a->dims[d];
            t->strides[d] = stride;
            stride *= a->dims[d] > 0 ? a->dims[d] : 1;
        }
        return MOTE_OK;
    }
    t->rank = 1;
    t->strides[0] = 1;
    t->bytes = 0;
    t->buffer = NULL;
    if (a->data == NULL || a->dims[0] == 0)
        return MOTE_OK;
    MOTE_REQUIRE(depth < MAX_NESTING, diag, MOTE_E_LIMIT, "sequences nested deeper than %d", (int)MAX_NESTING);
    const size_t n = (size_t)a->dims[0];
    mote_tensor *items = mote_arena_calloc(arena, n, sizeof *items);
    if (items == NULL)
        return MOTE_NO_MEMORY(diag, n * sizeof *items);
    for (size_t i = 0; i < n; i++)
        MOTE_TRY(show(arena, &((const mote_array *)a->data)[i], &items[i], depth + 1, diag));
    t->shape[0] = a->dims[0];
    t->bytes = n * sizeof *items;
    t->buffer = items;
    return MOTE_OK;
}

mote_status mote_value_show(mote_arena *arena, const mote_array *a, mote_tensor *t, mote_diag *diag) { return show(arena, a, t, 0, diag); }
