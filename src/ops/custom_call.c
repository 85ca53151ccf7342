/* custom_call.c - one call of an application's infer or compute: what it sees, what it may ask, and what is checked of what it gives
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/size.h"
#include "ops/custom.h"
#include "ops/signature.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { FEW = 8, CHUNK = 4096 };

typedef struct block {
    struct block *next;
    size_t bytes;
    char pad[MOTE_ALIGN - sizeof(struct block *) - sizeof(size_t)]; /* what follows is aligned as the heap's memory is */
} block;

struct mote_custom_call {
    const mote_custom_def *def;
    const mote_node *node;
    mote_infer *infer; /* one of the two */
    mote_eval *eval;
    mote_heap *heap;
    block *blocks;
    uint32_t n_in, n_out;
    mote_tensor *in, *out;
    bool *given, *made;            /* by input: not left out; by output: has shape and memory */
    char *chars;                   /* of output chars_of, not yet used */
    size_t chars_left, chars_of;
    mote_diag diag;
    bool few_flags[2 * FEW];
    mote_tensor few[2 * FEW];
};

static char nothing[MOTE_ALIGN]; /* where tensors without elements lie */

/* ---- memory ---- */

void *mote_custom_scratch(mote_custom_call *call, size_t bytes)
{
    size_t need;
    if (call == NULL || !mote_size_add(bytes, sizeof(block), &need))
        return NULL;
    block *b = mote_heap_alloc(call->heap, need);
    if (b == NULL)
        return NULL;
    b->next = call->blocks;
    b->bytes = need;
    call->blocks = b;
    return b + 1;
}

static mote_status open_call(mote_custom_call *c)
{
    size_t n = (size_t)c->n_in + c->n_out;
    c->in = c->few;
    c->given = c->few_flags;
    if (n > sizeof c->few / sizeof *c->few) {
        size_t bytes;
        c->in = mote_size_mul(n, sizeof *c->in, &bytes) ? mote_custom_scratch(c, bytes) : NULL;
        c->given = mote_custom_scratch(c, n);
        if (c->in == NULL || c->given == NULL)
            return MOTE_NO_MEMORY(&c->diag, n * sizeof *c->in);
    }
    for (size_t i = 0; i < n; i++) {
        c->in[i] = (mote_tensor)MOTE_TENSOR_INIT;
        c->given[i] = false;
    }
    c->out = c->in + c->n_in;
    c->made = c->given + c->n_in;
    return MOTE_OK;
}

/* Frees what the call took, and passes a failure on with the words that it came with. */
static mote_status close_call(mote_custom_call *c, mote_status status, const char *what, mote_diag *diag)
{
    for (block *b = c->blocks, *next; b != NULL; b = next) {
        next = b->next;
        mote_heap_free(c->heap, b, b->bytes);
    }
    if (status == MOTE_OK)
        return MOTE_OK;
    if (strcmp(mote_status_string(status), mote_status_string((mote_status)-1)) == 0)
        return mote_fail(diag, MOTE_E_ARGUMENT, "%s returned %d, which is no status", what, (int)status);
    if (c->diag.message[0] != 0)
        return mote_fail(diag, status, "%s", c->diag.message);
    return mote_fail(diag, status, "%s failed: %s", what, mote_status_string(status));
}

static void show(mote_tensor *t, const mote_array *a)
{
    t->dtype = a->dtype;
    t->rank = a->rank;
    t->bytes = a->bytes;
    int64_t stride = 1;
    for (int32_t d = a->rank; d-- > 0;) {
        t->shape[d] = a->dims[d];
        t->strides[d] = stride;
        stride *= a->dims[d] > 0 ? a->dims[d] : 1;
    }
    t->buffer = a->bytes == 0 ? nothing : a->data;
}

/* ---- a definition's two functions ---- */

mote_status mote_custom_infer_node(mote_infer *c)
{
    const mote_custom_def *d = (const mote_custom_def *)(const void *)c->node->def;
    if (d->infer == NULL)
        return MOTE_OK;
    mote_custom_call call;
    memset(&call, 0, offsetof(mote_custom_call, few));
    call.diag = (mote_diag)MOTE_DIAG_INIT;
    call.def = d, call.node = c->node, call.infer = c, call.heap = c->module->heap, call.n_in = c->n_in, call.n_out = c->n_out;
    mote_status status = open_call(&call);
    for (uint32_t i = 0; i < c->n_in && status == MOTE_OK; i++) {
        const mote_type *t = c->in[i];
        if (t == NULL)
            continue;
        call.given[i] = true;
        mote_tensor *to = &call.in[i];
        if (c->value != NULL && c->value[i] != NULL && c->value[i]->kind == MOTE_KIND_TENSOR) {
            show(to, c->value[i]);
            continue;
        }
        to->dtype = t->kind == MOTE_KIND_TENSOR ? t->dtype : MOTE_DTYPE_NONE;
        to->rank = t->kind == MOTE_KIND_TENSOR ? t->rank : -1;
        for (int32_t k = 0; k < to->rank; k++)
            to->shape[k] = t->dims[k];
    }
    if (status == MOTE_OK)
        status = d->infer(d->user, &call);
    return close_call(&call, status, "infer", c->diag);
}

static void show_output(mote_custom_call *c, uint32_t i)
{
    const mote_array *a = c->eval->out[i];
    c->out[i] = (mote_tensor)MOTE_TENSOR_INIT;
    show(&c->out[i], a);
    c->made[i] = true;
    if (a->dtype == MOTE_DTYPE_STRING && a->bytes != 0)
        memset(a->data, 0, a->bytes);
    if (c->chars_of == i)
        c->chars_left = 0;
}

/* What load was told of the output still holds: the graph was simplified in its light. */
static mote_status check_told(const mote_custom_call *c, uint32_t i, int32_t rank, const int64_t *dims, mote_diag *diag)
{
    const mote_type *t = c->node->out[i] != NULL ? &c->node->out[i]->type : NULL;
    if (t == NULL || t->kind != MOTE_KIND_TENSOR || t->rank < 0)
        return MOTE_OK;
    MOTE_REQUIRE(t->rank == rank, diag, MOTE_E_SHAPE, "output %u has rank %d, where infer said %d when the model was loaded", i, (int)rank, (int)t->rank);
    for (int32_t k = 0; k < rank; k++)
        MOTE_REQUIRE(!mote_dim_known(t->dims[k]) || t->dims[k] == dims[k], diag, MOTE_E_SHAPE,
                     "dimension %d of output %u is %lld, where infer said %lld when the model was loaded", (int)k, i, (long long)dims[k],
                     (long long)t->dims[k]);
    return MOTE_OK;
}

static mote_status run_compute(mote_custom_call *call, mote_eval *c)
{
    MOTE_TRY(open_call(call));
    bool open = (call->def->def.flags & MOTE_OP_DATA_SHAPE) != 0;
    for (uint32_t i = 0; i < c->n_in; i++)
        if (c->in[i] != NULL) {
            call->given[i] = true;
            show(&call->in[i], c->in[i]);
        }
    for (uint32_t i = 0; i < c->n_out; i++) {
        const mote_array *a = c->out[i];
        if (a == NULL || open)
            continue;
        MOTE_REQUIRE(a->dtype != MOTE_DTYPE_NONE && (a->data != NULL || a->bytes == 0), &call->diag, MOTE_E_SHAPE, "infer does not say the shape of output %u", i);
        MOTE_TRY(check_told(call, i, a->rank, a->dims, &call->diag));
        show_output(call, i);
    }
    MOTE_TRY(call->def->compute(call->def->user, call));
    for (uint32_t i = 0; i < c->n_out; i++)
        MOTE_REQUIRE(c->out[i] == NULL || call->made[i], &call->diag, MOTE_E_SHAPE, "compute gave output %u no shape", i);
    return MOTE_OK;
}

mote_status mote_custom_eval_node(mote_eval *c)
{
    mote_custom_call call;
    memset(&call, 0, offsetof(mote_custom_call, few));
    call.diag = (mote_diag)MOTE_DIAG_INIT;
    call.def = (const mote_custom_def *)(const void *)c->node->def, call.node = c->node, call.eval = c, call.heap = c->heap;
    call.n_in = c->n_in, call.n_out = c->n_out;
    return close_call(&call, run_compute(&call, c), "compute", c->diag);
}

/* ---- what the functions ask ---- */

size_t mote_custom_input_count(const mote_custom_call *call) { return call == NULL ? 0 : call->n_in; }
size_t mote_custom_output_count(const mote_custom_call *call) { return call == NULL ? 0 : call->n_out; }

const mote_tensor *mote_custom_input(const mote_custom_call *call, size_t index)
{
    return call != NULL && index < call->n_in && call->given[index] ? &call->in[index] : NULL;
}

mote_tensor *mote_custom_output(const mote_custom_call *call, size_t index)
{
    return call != NULL && call->eval != NULL && index < call->n_out && call->made[index] ? &call->out[index] : NULL;
}

bool mote_custom_wants(const mote_custom_call *call, size_t index)
{
    if (call == NULL || index >= call->n_out)
        return false;
    return call->eval != NULL ? call->eval->out[index] != NULL : call->node->out[index] != NULL;
}

/* The element type that an output must have as far as the signature and the inputs say; NONE: they do not. */
static mote_status signature_dtype(const mote_custom_call *c, uint32_t i, mote_dtype *out, mote_dtypes *allowed, mote_diag *diag)
{
    const mote_op_def *def = &c->def->def;
    mote_signature s;
    *out = MOTE_DTYPE_NONE;
    *allowed = MOTE_DTYPES_ALL;
    MOTE_REQUIRE(mote_signature_read(def, def->out, &s) == MOTE_OK && s.n != 0, diag, MOTE_E_INTERNAL, "the operator's signature is ill-formed");
    const mote_op_arg a = *mote_signature_arg(&s, i);
    if (a.var < 0) {
        *out = a.fixed;
        return MOTE_OK;
    }
    *allowed = def->types[a.var].dtypes;
    if (a.mixed)
        return MOTE_OK;
    MOTE_REQUIRE(mote_signature_read(def, def->in, &s) == MOTE_OK, diag, MOTE_E_INTERNAL, "the operator's signature is ill-formed");
    for (uint32_t k = 0; k < c->n_in; k++) {
        const mote_op_arg *b = mote_signature_arg(&s, k);
        if (b != NULL && b->var == a.var && !b->mixed && c->given[k] && c->in[k].dtype != MOTE_DTYPE_NONE)
            *out = c->in[k].dtype;
    }
    return MOTE_OK;
}

static mote_status set_shape(mote_custom_call *c, uint32_t i, mote_dtype dtype, int32_t rank, const int64_t *shape)
{
    mote_eval *e = c->eval;
    if (e->out[i] == NULL)
        return MOTE_OK;
    mote_dtype want;
    mote_dtypes allowed;
    MOTE_TRY(signature_dtype(c, i, &want, &allowed, &c->diag));
    const mote_type *told = c->node->out[i] != NULL ? &c->node->out[i]->type : NULL;
    if (want == MOTE_DTYPE_NONE && told != NULL && told->kind == MOTE_KIND_TENSOR)
        want = told->dtype;
    if (dtype == MOTE_DTYPE_NONE)
        dtype = want;
    MOTE_REQUIRE(mote_dtype_valid(dtype), &c->diag, MOTE_E_DTYPE, "output %u needs an element type", i);
    MOTE_REQUIRE((want == MOTE_DTYPE_NONE || want == dtype) && mote_dtype_in(dtype, allowed), &c->diag, MOTE_E_DTYPE,
                 "compute gave output %u the type %s, expected %s", i, mote_dtype_name(dtype), want != MOTE_DTYPE_NONE ? mote_dtype_name(want) : "one of its own");
    mote_array a;
    MOTE_TRY(mote_array_shape(&a, dtype, rank, shape, &c->diag));
    if ((c->def->def.flags & MOTE_OP_DATA_SHAPE) == 0) {
        MOTE_REQUIRE(e->out[i]->dtype == dtype && mote_array_same_shape(e->out[i], &a), &c->diag, MOTE_E_SHAPE,
                     "compute gave output %u another shape or type than infer", i);
        return MOTE_OK;
    }
    MOTE_TRY(check_told(c, i, rank, shape, &c->diag));
    c->made[i] = false;
    mote_diag *outer = e->diag; /* the failure goes the way of all of this call's */
    e->diag = &c->diag;
    mote_status status = e->output(e, i, dtype, rank, shape);
    e->diag = outer;
    if (status == MOTE_OK)
        show_output(c, i);
    return status;
}

mote_status mote_custom_set_output(mote_custom_call *call, size_t index, mote_dtype dtype, int32_t rank, const int64_t *shape)
{
    if (call == NULL)
        return MOTE_E_ARGUMENT;
    if (index >= call->n_out) { /* one that this node does not have, or no operator's at all */
        mote_signature s;
        MOTE_REQUIRE(mote_signature_read(&call->def->def, call->def->def.out, &s) == MOTE_OK && index < s.max, &call->diag, MOTE_E_ARGUMENT,
                     "output %zu, which the operator does not have", index);
        return MOTE_OK;
    }
    MOTE_REQUIRE(rank <= MOTE_MAX_RANK && rank >= (call->infer != NULL ? -1 : 0), &call->diag, MOTE_E_ARGUMENT, "output %zu cannot have rank %d", index, (int)rank);
    MOTE_REQUIRE(rank <= 0 || shape != NULL, &call->diag, MOTE_E_ARGUMENT, "output %zu: shape is NULL", index);
    MOTE_REQUIRE(dtype == MOTE_DTYPE_NONE || mote_dtype_valid(dtype), &call->diag, MOTE_E_DTYPE, "output %zu: %d is no element type", index, (int)dtype);
    if (call->infer == NULL)
        return set_shape(call, (uint32_t)index, dtype, rank, shape);
    mote_type *t = &call->infer->out[index];
    *t = (mote_type){.dtype = dtype, .rank = rank};
    for (int32_t d = 0; d < rank; d++)
        t->dims[d] = shape[d];
    return MOTE_OK;
}

mote_status mote_custom_set_string(mote_custom_call *call, size_t index, size_t element, const char *data, size_t length)
{
    if (call == NULL)
        return MOTE_E_ARGUMENT;
    mote_custom_call *c = call;
    MOTE_REQUIRE(c->eval != NULL && index < c->n_out && (data != NULL || length == 0), &c->diag, MOTE_E_ARGUMENT, "a string for output %zu of %u", index, c->n_out);
    if (c->eval->out[index] == NULL)
        return MOTE_OK;
    MOTE_REQUIRE(c->made[index], &c->diag, MOTE_E_ARGUMENT, "a string for output %zu, which has no shape yet", index);
    mote_array *a = c->eval->out[index];
    MOTE_REQUIRE(a->dtype == MOTE_DTYPE_STRING, &c->diag, MOTE_E_DTYPE, "a string for output %zu of type %s", index, mote_dtype_name(a->dtype));
    MOTE_REQUIRE(element < mote_array_count(a), &c->diag, MOTE_E_ARGUMENT, "string %zu of %zu", element, mote_array_count(a));
    mote_string *s = (mote_string *)a->data + element;
    *s = (mote_string){NULL, 0};
    if (length == 0)
        return MOTE_OK;
    if (c->chars_left < length || c->chars_of != index) {
        size_t n = length > CHUNK / 2 ? length : CHUNK;
        char *p = c->eval->output_chars(c->eval, (uint32_t)index, n);
        if (p == NULL)
            return MOTE_NO_MEMORY(&c->diag, n);
        if (n == length) { /* a long one alone: the chunk at hand stays */
            memcpy(p, data, length);
            *s = (mote_string){p, length};
            return MOTE_OK;
        }
        c->chars = p, c->chars_left = n, c->chars_of = index;
    }
    memcpy(c->chars, data, length);
    *s = (mote_string){c->chars, length};
    c->chars += length;
    c->chars_left -= length;
    return MOTE_OK;
}

/* ---- attributes ---- */

static const mote_attr_spec *spec_of(const mote_custom_call *c, const char *name, mote_attr_kind kind)
{
    if (c != NULL && name != NULL)
        for (const mote_attr_spec *s = c->def->def.attrs; s != NULL && s->name != NULL; s++)
            if (strcmp(s->name, name) == 0 && s->kind == kind)
                return s;
    return NULL;
}

bool mote_custom_has(const mote_custom_call *call, const char *attribute)
{
    return call != NULL && attribute != NULL && mote_node_attr(call->node, attribute) != NULL;
}

int64_t mote_custom_int(const mote_custom_call *call, const char *attribute)
{
    const mote_attr_spec *s = spec_of(call, attribute, MOTE_ATTR_INT);
    return s == NULL ? 0 : mote_node_int(call->node, attribute, s->i);
}

float mote_custom_float(const mote_custom_call *call, const char *attribute)
{
    const mote_attr_spec *s = spec_of(call, attribute, MOTE_ATTR_FLOAT);
    return s == NULL ? 0 : mote_node_float(call->node, attribute, s->f);
}

static mote_string text_of(mote_str s) { return (mote_string){s.n == 0 ? "" : s.p, s.n}; }

mote_string mote_custom_string(const mote_custom_call *call, const char *attribute)
{
    const mote_attr_spec *s = spec_of(call, attribute, MOTE_ATTR_STRING);
    return text_of(s == NULL ? MOTE_STR("") : mote_node_string(call->node, attribute, s->s != NULL ? s->s : ""));
}

const int64_t *mote_custom_ints(const mote_custom_call *call, const char *attribute, size_t *count)
{
    size_t n = 0;
    const int64_t *p = spec_of(call, attribute, MOTE_ATTR_INTS) == NULL ? NULL : mote_node_ints(call->node, attribute, &n);
    if (count != NULL)
        *count = p == NULL ? 0 : n;
    return p;
}

const float *mote_custom_floats(const mote_custom_call *call, const char *attribute, size_t *count)
{
    size_t n = 0;
    const float *p = spec_of(call, attribute, MOTE_ATTR_FLOATS) == NULL ? NULL : mote_node_floats(call->node, attribute, &n);
    if (count != NULL)
        *count = p == NULL ? 0 : n;
    return p;
}

mote_string mote_custom_strings(const mote_custom_call *call, const char *attribute, size_t element, size_t *count)
{
    const mote_attr *a = spec_of(call, attribute, MOTE_ATTR_STRINGS) == NULL ? NULL : mote_node_attr(call->node, attribute);
    bool list = a != NULL && a->kind == MOTE_ATTR_STRINGS;
    if (count != NULL)
        *count = list ? a->n : 0;
    return text_of(list && element < a->n ? a->strings[element] : MOTE_STR(""));
}

const mote_tensor *mote_custom_tensor(mote_custom_call *call, const char *attribute)
{
    const mote_attr *a = spec_of(call, attribute, MOTE_ATTR_TENSOR) == NULL ? NULL : mote_node_attr(call->node, attribute);
    if (a == NULL || a->kind != MOTE_ATTR_TENSOR || (a->t->data == NULL && a->t->bytes != 0))
        return NULL;
    mote_tensor *t = mote_custom_scratch(call, sizeof *t);
    if (t == NULL)
        return NULL;
    *t = (mote_tensor)MOTE_TENSOR_INIT;
    show(t, a->t);
    if (mote_array_aligned(a->t))
        return t;
    void *copy = mote_custom_scratch(call, a->t->bytes);
    if (copy == NULL)
        return NULL;
    memcpy(copy, a->t->data, a->t->bytes);
    t->buffer = copy;
    return t;
}

/* ---- steps and failures ---- */

mote_status mote_custom_tick(mote_custom_call *call)
{
    if (call == NULL)
        return MOTE_E_ARGUMENT;
    if (call->eval == NULL || call->eval->tick == NULL)
        return MOTE_OK;
    mote_diag *outer = call->eval->diag;
    call->eval->diag = &call->diag;
    mote_status status = call->eval->tick(call->eval);
    call->eval->diag = outer;
    return status;
}

mote_status mote_custom_fail(mote_custom_call *call, mote_status status, const char *format, ...)
{
    char line[sizeof call->diag.message];
    if (call == NULL || format == NULL || status == MOTE_OK)
        return status;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(line, sizeof line, format, args);
    va_end(args);
    return mote_fail(&call->diag, status, "%s", line);
}
