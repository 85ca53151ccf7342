/* fix.c - inputs that always have one value or shape
 * SPDX-License-Identifier: Apache-2.0
 *
 * "sr=16000;input=[1,576]": branches on them then fold away before anything is quantized. An input whose value is fixed stays, so that callers need not change, and is checked
 * by the model itself: the first float output has 0 added, gathered at index |value - given|, which only 0 is inside of. Another value is an error of the runtime, not a
 * silently wrong answer. */
#include "base/platform.h"
#include "quant/quantizer.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static mote_value *input_named(const mote_graph *g, mote_str name)
{
    for (size_t i = 0; i < g->n_inputs; i++)
        if (mote_str_eq(g->inputs[i]->name, name))
            return g->inputs[i];
    return NULL;
}

static bool integer_at(const char **at, const char *end, int64_t *out)
{
    char digits[24], *stop;
    size_t n = 0;
    while (*at < end && n < sizeof digits - 1 && ((**at >= '0' && **at <= '9') || (n == 0 && **at == '-')))
        digits[n++] = *(*at)++;
    digits[n] = 0;
    errno = 0;
    *out = strtoll(digits, &stop, 10);
    return n != 0 && *stop == 0 && stop != digits && errno == 0;
}

static mote_status fix_shape(mote_value *v, const char *at, const char *end, mote_diag *diag)
{
    mote_type t = v->type;
    int32_t rank = 0;
    bool good = true;
    for (at++; good && at < end && *at != ']'; at += at < end && *at == ',') {
        good = rank < MOTE_MAX_RANK && integer_at(&at, end, &t.dims[rank]) && t.dims[rank] >= 0 && at < end && (*at == ',' || *at == ']');
        rank++;
    }
    MOTE_REQUIRE(good && at + 1 == end && *at == ']', diag, MOTE_E_ARGUMENT, "fix: '%.*s' is given no shape; it is written [1,576]", MOTE_STR_ARG(v->name));
    MOTE_REQUIRE(v->type.rank < 0 || v->type.rank == rank, diag, MOTE_E_ARGUMENT, "fix: '%.*s' has rank %d, not %d", MOTE_STR_ARG(v->name), v->type.rank, rank);
    for (int32_t d = 0; d < rank; d++)
        MOTE_REQUIRE(v->type.rank < 0 || v->type.dims[d] < 0 || v->type.dims[d] == t.dims[d], diag, MOTE_E_ARGUMENT, "fix: dimension %d of '%.*s' is %lld, not %lld", d,
                     MOTE_STR_ARG(v->name), (long long)v->type.dims[d], (long long)t.dims[d]);
    t.rank = rank;
    v->type = t;
    return MOTE_OK;
}

/* 0 in float, or the runtime's error: Gather({0}, |v - c|). */
static mote_value *guard_of(mote_graph *g, mote_value *v, mote_value *c)
{
    const float zero = 0;
    const int64_t one[1] = {1};
    mote_value *const difference[2] = {v, c};
    mote_node *sub = mote_quant_node(g, NULL, "Sub", 13, 2, difference);
    mote_node *magnitude = sub == NULL ? NULL : mote_quant_node(g, NULL, "Abs", 13, 1, &sub->out[0]);
    mote_node *index = magnitude == NULL ? NULL : mote_quant_node(g, NULL, "Cast", 13, 1, &magnitude->out[0]);
    mote_value *table = mote_quant_constant(g, MOTE_DTYPE_F32, 1, one, &zero);
    if (index == NULL || table == NULL || mote_node_set_int(index, "to", MOTE_DTYPE_S64) != MOTE_OK)
        return NULL;
    mote_value *const in[2] = {table, index->out[0]};
    mote_node *gather = mote_quant_node(g, NULL, "Gather", 13, 2, in);
    return gather == NULL ? NULL : gather->out[0];
}

static mote_value *float_output(const mote_graph *g)
{
    for (size_t i = 0; i < g->n_outputs; i++)
        if (g->outputs[i]->value->type.dtype == MOTE_DTYPE_F32 && g->outputs[i]->value->producer != NULL)
            return g->outputs[i]->value;
    return NULL;
}

static mote_status fix_value(mote_graph *g, mote_value *v, const char *at, const char *end, mote_diag *diag)
{
    int64_t x;
    uint64_t bits = 0;
    const mote_type t = v->type;
    MOTE_REQUIRE(integer_at(&at, end, &x) && at == end, diag, MOTE_E_ARGUMENT, "fix: '%.*s' is given no whole number and no shape", MOTE_STR_ARG(v->name));
    MOTE_REQUIRE(t.dtype == MOTE_DTYPE_S64 || t.dtype == MOTE_DTYPE_S32, diag, MOTE_E_ARGUMENT, "fix: '%.*s' is %s; int64 and int32 can be fixed to a value", MOTE_STR_ARG(v->name),
                 mote_dtype_name(t.dtype));
    MOTE_REQUIRE(t.rank == 0 || (t.rank == 1 && t.dims[0] == 1), diag, MOTE_E_ARGUMENT, "fix: '%.*s' is no single value", MOTE_STR_ARG(v->name));
    MOTE_REQUIRE(t.dtype == MOTE_DTYPE_S64 || (x >= INT32_MIN && x <= INT32_MAX), diag, MOTE_E_ARGUMENT, "fix: %lld does not fit int32", (long long)x);
    mote_dtype_from_i64(t.dtype, &bits, 0, x);
    mote_value *c = mote_quant_constant(g, t.dtype, t.rank, t.dims, &bits), *y = float_output(g);
    MOTE_REQUIRE(y != NULL, diag, MOTE_E_UNSUPPORTED, "fix: the model has no float32 output to check '%.*s' by", MOTE_STR_ARG(v->name));
    if (c == NULL)
        return MOTE_NO_MEMORY(diag, 8);
    for (mote_use *u = v->uses, *next; u != NULL; u = next) {
        next = u->next;
        if (u->node != NULL)
            mote_node_set_input(u->node, u->index, c);
    }
    mote_value *zero = guard_of(g, v, c);
    if (zero != NULL && t.rank == 1) { /* a scalar for every rank of output */
        mote_value *shape = mote_graph_const_i64(g, 1, 0, NULL);
        mote_value *const in[2] = {zero, shape};
        mote_node *reshape = shape == NULL ? NULL : mote_quant_node(g, NULL, "Reshape", 13, 2, in);
        zero = reshape == NULL ? NULL : reshape->out[0];
    }
    mote_value *const sum[2] = {y, zero};
    mote_node *add = zero == NULL ? NULL : mote_quant_node(g, NULL, "Add", 13, 2, sum);
    if (add == NULL)
        return MOTE_NO_MEMORY(diag, 0);
    add->name = MOTE_STR("mote_fixed_inputs");
    add->out[0]->type = y->type;
    mote_value_replace(y, add->out[0]);
    mote_node_set_input(add, 0, y);
    return MOTE_OK;
}

mote_status mote_quant_fix(mote_quantizer *q, mote_diag *diag)
{
    mote_graph *g = q->module->graph;
    for (const char *at = q->o.fix, *end; at != NULL && *at != 0; at = end + (*end == ';')) {
        end = at + strcspn(at, ";");
        const char *equals = memchr(at, '=', (size_t)(end - at));
        MOTE_REQUIRE(equals != NULL, diag, MOTE_E_ARGUMENT, "fix: '%.*s' is not of the form INPUT=VALUE or INPUT=[SHAPE]", (int)(end - at > 100 ? 100 : end - at), at);
        mote_value *v = input_named(g, (mote_str){at, (size_t)(equals - at)});
        MOTE_REQUIRE(v != NULL, diag, MOTE_E_ARGUMENT, "fix: the model has no input '%.*s'", (int)(equals - at > 100 ? 100 : equals - at), at);
        MOTE_TRY(equals + 1 < end && equals[1] == '[' ? fix_shape(v, equals + 1, end, diag) : fix_value(g, v, equals + 1, end, diag));
    }
    return MOTE_OK;
}
