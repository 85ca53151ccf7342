/* regex_match.c - RegexFullMatch
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX RegexFullMatch-20. */
#include "base/platform.h"
#include "ops/regex.h"
#include "ops/types.h"
#include "ops/wide.h"

static mote_status infer_match(mote_infer *c)
{
    mote_arena temp;
    mote_regex *r;
    mote_arena_init(&temp, c->module->heap);
    mote_status status = mote_regex_compile(&temp, mote_node_string(c->node, "pattern", ""), &r, c->diag); /* a bad one is known at load */
    mote_arena_deinit(&temp);
    MOTE_TRY(status);
    mote_infer_out(c, 0, MOTE_DTYPE_BOOL, c->in[0]->rank, c->in[0]->rank < 0 ? NULL : c->in[0]->dims);
    return MOTE_OK;
}

static mote_status eval_match_temp(mote_eval *c, mote_arena *temp)
{
    mote_regex *r;
    const mote_string *x = c->in[0]->data;
    uint8_t *y = c->out[0]->data;
    MOTE_TRY(mote_regex_compile(temp, mote_node_string(c->node, "pattern", ""), &r, c->diag));
    for (size_t i = 0, n = mote_array_count(c->in[0]); i < n; i++)
        y[i] = mote_regex_matches(r, (mote_str){x[i].data, x[i].length});
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_match)

MOTE_OP(onnx, RegexFullMatch, 20, .in = "X:T1", .out = "Y:T2", .types = MOTE_TYPES({"T1", MOTE_DT(STRING), 0}, {"T2", MOTE_DT(BOOL), 0}),
        .attrs = MOTE_ATTRS(MOTE_A(STRING, "pattern")), .infer = infer_match, .eval = eval_match, .doc = MOTE_DOC("whether the whole string matches the expression"));
