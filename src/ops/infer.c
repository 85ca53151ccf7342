/* infer.c - types of one node's outputs: the signature's type variables around the definition's own inference
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/op.h"
#include "ops/signature.h"
#include <string.h>

static mote_dtype leaf_dtype(const mote_type *t)
{
    while (t->kind != MOTE_KIND_TENSOR && t->element != NULL)
        t = t->element;
    return t->dtype;
}

static bool is_unknown(const mote_type *t) { return t->kind == MOTE_KIND_TENSOR && t->dtype == MOTE_DTYPE_NONE && t->rank < 0; }

static const char *kind_name(mote_kind k)
{
    return k == MOTE_KIND_SEQUENCE ? "a sequence" : k == MOTE_KIND_OPTIONAL ? "an optional" : "a tensor";
}

typedef struct binding {
    bool kind_set;
    mote_kind kind;
    mote_dtype dtype;
} binding;

typedef struct place {
    const char *what; /* "input", "output" */
    uint32_t i;
    mote_str name;
} place;

/* Checks a type against an argument and binds its variable. */
static mote_status bind(const mote_op_def *def, const mote_op_arg *a, const mote_type *t, place at, binding *vars, mote_diag *diag)
{
    if (is_unknown(t))
        return MOTE_OK;
    mote_dtype dtype = leaf_dtype(t);
    if (a->var < 0) {
        MOTE_REQUIRE(t->kind == a->kind, diag, MOTE_E_DTYPE, "%s %u (%.*s) is %s, expected %s", at.what, at.i, MOTE_STR_ARG(at.name),
                     kind_name(t->kind), kind_name(a->kind));
        MOTE_REQUIRE(dtype == MOTE_DTYPE_NONE || dtype == a->fixed, diag, MOTE_E_DTYPE, "%s %u (%.*s) has type %s, expected %s", at.what,
                     at.i, MOTE_STR_ARG(at.name), mote_dtype_name(dtype), mote_dtype_name(a->fixed));
        return MOTE_OK;
    }
    const mote_type_var *v = &def->types[a->var];
    binding *b = &vars[a->var];
    if (a->kind != MOTE_KIND_TENSOR) {
        MOTE_REQUIRE(t->kind == a->kind, diag, MOTE_E_DTYPE, "%s %u (%.*s) is %s, expected %s", at.what, at.i, MOTE_STR_ARG(at.name),
                     kind_name(t->kind), kind_name(a->kind));
    } else {
        uint32_t kinds = v->kinds == 0 ? 1u << MOTE_KIND_TENSOR : v->kinds;
        MOTE_REQUIRE((kinds >> (unsigned)t->kind & 1u) != 0, diag, MOTE_E_DTYPE, "%s %u (%.*s) is %s, which the operator does not take",
                     at.what, at.i, MOTE_STR_ARG(at.name), kind_name(t->kind));
        MOTE_REQUIRE(a->mixed || !b->kind_set || b->kind == t->kind, diag, MOTE_E_DTYPE, "%s %u (%.*s) is %s, expected %s as before it",
                     at.what, at.i, MOTE_STR_ARG(at.name), kind_name(t->kind), kind_name(b->kind));
        if (!a->mixed) {
            b->kind_set = true;
            b->kind = t->kind;
        }
    }
    if (dtype == MOTE_DTYPE_NONE)
        return MOTE_OK;
    MOTE_REQUIRE(mote_dtype_in(dtype, v->dtypes), diag, MOTE_E_DTYPE, "%s %u (%.*s) has type %s, which version %d of the operator does not take",
                 at.what, at.i, MOTE_STR_ARG(at.name), mote_dtype_name(dtype), (int)def->since);
    if (a->mixed)
        return MOTE_OK;
    MOTE_REQUIRE(b->dtype == MOTE_DTYPE_NONE || b->dtype == dtype, diag, MOTE_E_DTYPE, "%s %u (%.*s) has type %s, expected %s as before it",
                 at.what, at.i, MOTE_STR_ARG(at.name), mote_dtype_name(dtype), mote_dtype_name(b->dtype));
    b->dtype = dtype;
    return MOTE_OK;
}

/* Dimensions that an operator computed: none negative by accident, the tensor not too large. */
static mote_status check_dims(const mote_infer *c, uint32_t i)
{
    mote_type *t = &c->out[i];
    if (t->kind != MOTE_KIND_TENSOR || t->rank < 0)
        return MOTE_OK;
    MOTE_REQUIRE(t->rank <= MOTE_MAX_RANK, c->diag, MOTE_E_UNSUPPORTED, "output %u has rank %d, at most %d is supported", i, (int)t->rank,
                 MOTE_MAX_RANK);
    mote_array a;
    int64_t fixed[MOTE_MAX_RANK];
    for (int32_t d = 0; d < t->rank; d++) {
        MOTE_REQUIRE(t->dims[d] >= MOTE_DIM_UNKNOWN || MOTE_DIM_SYMBOL_INDEX(t->dims[d]) < c->module->n_symbols, c->diag, MOTE_E_SHAPE,
                     "dimension %d of output %u would be %lld", (int)d, i, (long long)t->dims[d]);
        fixed[d] = mote_dim_known(t->dims[d]) ? t->dims[d] : 1;
    }
    if (t->dtype != MOTE_DTYPE_NONE)
        MOTE_TRY(mote_array_shape(&a, t->dtype, t->rank, fixed, c->diag));
    return MOTE_OK;
}

static mote_status infer_checked(mote_infer *c)
{
    const mote_op_def *def = c->node->def;
    MOTE_REQUIRE(def != NULL, c->diag, MOTE_E_UNSUPPORTED, "the operator was not resolved");
    binding vars[MOTE_OP_MAX_VARS] = {{0}};
    mote_signature s;
    MOTE_REQUIRE(mote_signature_read(def, def->in, &s) == MOTE_OK && c->n_in >= s.min && c->n_in <= s.max, c->diag, MOTE_E_MODEL,
                 "%u inputs, expected %u to %u", c->n_in, s.min, s.max);
    for (uint32_t i = 0; i < c->n_in; i++) {
        const mote_op_arg *a = mote_signature_arg(&s, i);
        MOTE_REQUIRE(c->in[i] != NULL || a->optional, c->diag, MOTE_E_MODEL, "input %u (%.*s) is missing", i, MOTE_STR_ARG(a->name));
        if (c->in[i] != NULL)
            MOTE_TRY(bind(def, a, c->in[i], (place){"input", i, a->name}, vars, c->diag));
    }
    for (uint32_t i = 0; i < c->n_out; i++)
        c->out[i] = (mote_type){.rank = -1};
    if (def->infer != NULL)
        MOTE_TRY(def->infer(c));
    MOTE_REQUIRE(mote_signature_read(def, def->out, &s) == MOTE_OK && c->n_out <= s.max, c->diag, MOTE_E_MODEL, "%u outputs, expected at most %u",
                 c->n_out, s.max);
    for (uint32_t i = 0; i < c->n_out; i++) {
        const mote_op_arg *a = mote_signature_arg(&s, i);
        mote_type *t = &c->out[i];
        MOTE_TRY(bind(def, a, t, (place){"output", i, a->name}, vars, c->diag));
        if (t->kind == MOTE_KIND_TENSOR && t->dtype == MOTE_DTYPE_NONE && a->kind == MOTE_KIND_TENSOR && !a->mixed) {
            if (a->var < 0)
                t->dtype = a->fixed;
            else if (!vars[a->var].kind_set || vars[a->var].kind == MOTE_KIND_TENSOR)
                t->dtype = vars[a->var].dtype;
        }
        MOTE_TRY(check_dims(c, i));
    }
    return MOTE_OK;
}

mote_status mote_infer_node(mote_infer *c)
{
    mote_status status = infer_checked(c);
    if (status != MOTE_OK)
        mote_node_name_in(c->node, c->diag);
    return status;
}
