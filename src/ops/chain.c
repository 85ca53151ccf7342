/* chain.c - mote.QChain: elementwise functions of a quantized tensor with constants of its last axis
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/chain.h"
#include "kernels/quantize/quantize.h"
#include "ops/args.h"
#include "ops/forms.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <string.h>

mote_binary mote_chain_binary(mote_str name)
{
    static const struct {
        const char *name;
        mote_binary op;
    } table[] = {{"add", MOTE_BINARY_ADD}, {"sub", MOTE_BINARY_SUB}, {"mul", MOTE_BINARY_MUL}, {"div", MOTE_BINARY_DIV}, {"prelu", MOTE_BINARY_PRELU}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (mote_str_is(name, table[i].name))
            return table[i].op;
    return MOTE_BINARY_COUNT;
}

mote_status mote_chain_of(const mote_node *node, const mote_array *const *in, uint32_t first, uint32_t cpu, mote_chain *chain, mote_diag *diag)
{
    mote_str left = mote_node_string(node, "steps", "");
    size_t n_params = 0;
    const float *params = mote_node_floats(node, "params", &n_params);
    uint32_t constants = 0;
    *chain = (mote_chain){.n = 0};
    while (left.n != 0) {
        mote_str name = left;
        for (name.n = 0; name.n < left.n && left.p[name.n] != ' ';)
            name.n++;
        left.p += name.n;
        left.n -= name.n;
        left.p += left.n != 0;
        left.n -= left.n != 0;
        const mote_binary binary = mote_chain_binary(name);
        const mote_unary unary = mote_unary_find(name);
        MOTE_REQUIRE(chain->n < MOTE_CHAIN_STEPS && (binary != MOTE_BINARY_COUNT || unary != MOTE_UNARY_COUNT), diag, MOTE_E_UNSUPPORTED,
                     "step %u, '%.*s', is not known", (unsigned)chain->n, MOTE_STR_ARG(name));
        mote_chain_step *s = &chain->steps[chain->n];
        MOTE_REQUIRE(n_params >= 2 * ((size_t)chain->n + 1), diag, MOTE_E_MODEL, "params has %zu values, expected 2 for each step", n_params);
        memcpy(s->params, params + 2 * (size_t)chain->n, sizeof s->params);
        chain->n++;
        if (binary == MOTE_BINARY_COUNT) {
            s->unary = mote_unary_select(unary, cpu)->fn;
            continue;
        }
        s->binary = mote_binary_select(binary, cpu)->fn;
        const uint32_t i = first + constants++;
        MOTE_REQUIRE(i < node->n_in && node->in[i].value != NULL, diag, MOTE_E_MODEL, "step %u has no constant", (unsigned)chain->n - 1);
        s->with = in == NULL ? NULL : in[i];
    }
    return MOTE_OK;
}

static mote_status infer_chain(mote_infer *c)
{
    mote_chain chain;
    MOTE_TRY(mote_chain_of(c->node, NULL, 5, 0, &chain, c->diag));
    mote_infer_out(c, 0, c->in[4]->dtype, c->in[0]->rank, c->in[0]->dims);
    return MOTE_OK;
}

static mote_status eval_chain_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0], *y = c->out[0];
    const size_t count = mote_array_count(x), n = x->rank == 0 ? 1 : (size_t)x->dims[x->rank - 1];
    const float xs = (float)mote_array_f64(c->in[1], 0), ys = (float)mote_array_f64(c->in[3], 0);
    const int32_t xz = mote_eval_has(c, 2) ? (int32_t)mote_array_i64(c->in[2], 0) : 0, yz = (int32_t)mote_array_i64(c->in[4], 0);
    mote_chain chain;
    MOTE_TRY(mote_chain_of(c->node, c->in, 5, 0, &chain, c->diag));
    if (count == 0)
        return MOTE_OK;
    float *row = mote_arena_calloc(temp, n, sizeof *row);
    if (row == NULL)
        return MOTE_NO_MEMORY(c->diag, n * sizeof *row);
    const mote_quantize_row *from = mote_quantize_select(x->dtype == MOTE_DTYPE_U8 ? MOTE_Q_U8 : MOTE_Q_S8, 0);
    const mote_quantize_row *to = mote_quantize_select(y->dtype == MOTE_DTYPE_U8 ? MOTE_Q_U8 : MOTE_Q_S8, 0);
    for (size_t i = 0; i < count; i += n) {
        from->dequantize((const uint8_t *)x->data + i, row, n, &xs, &xz, 0);
        for (uint32_t k = 0; k < chain.n; k++) {
            const mote_chain_step *s = &chain.steps[k];
            const size_t constants = s->with == NULL ? 0 : mote_array_count(s->with);
            if (s->unary != NULL) {
                s->unary(row, row, n, s->params);
                continue;
            }
            MOTE_REQUIRE(constants == 1 || constants == n, c->diag, MOTE_E_SHAPE, "step %u has %zu constants, expected 1 or %zu", (unsigned)k, constants, n);
            s->binary(row, s->with->data, row, n, constants == 1 ? MOTE_FORM_VS : MOTE_FORM_VV);
        }
        to->quantize(row, (uint8_t *)y->data + i, n, &ys, &yz, 0);
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_chain)

#define Q8 (MOTE_DT(U8) | MOTE_DT(S8))
MOTE_OP(mote, QChain, 1, .in = "X:T xs:float xz?:T ys:float yz:Y C*:float", .out = "Y:Y", .types = MOTE_TYPES({"T", Q8, 0}, {"Y", Q8, 0}),
        .attrs = MOTE_ATTRS(MOTE_A(STRING, "steps"), MOTE_A(FLOATS, "params")), .infer = infer_chain, .eval = eval_chain,
        .doc = MOTE_DOC("elementwise functions with constants of the last axis, between DequantizeLinear and QuantizeLinear"));
