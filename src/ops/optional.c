/* optional.c - Optional, OptionalHasElement, OptionalGetElement
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: the ONNX operators of those names, versions 15 to 28. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/types.h"

static mote_status infer_optional(mote_infer *c)
{
    mote_type *element = mote_arena_calloc(&c->module->arena, 1, sizeof *element);
    if (element == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof *element);
    const mote_attr *type = mote_node_attr(c->node, "type");
    *element = (mote_type){.rank = -1};
    if (mote_infer_has(c, 0))
        *element = *c->in[0];
    else if (type != NULL)
        *element = *type->type;
    else
        MOTE_FAIL(c->diag, MOTE_E_MODEL, "there is neither an input nor the attribute type");
    c->out[0] = (mote_type){.kind = MOTE_KIND_OPTIONAL, .rank = -1, .element = element};
    return MOTE_OK;
}

static mote_status eval_optional(mote_eval *c)
{
    if (mote_eval_has(c, 0))
        return c->output_items(c, 0, MOTE_KIND_OPTIONAL, c->in[0]->dtype, 1, c->in);
    const mote_attr *type = mote_node_attr(c->node, "type");
    const mote_type *t = type != NULL ? type->type : NULL;
    while (t != NULL && t->kind != MOTE_KIND_TENSOR && t->element != NULL)
        t = t->element;
    return c->output_items(c, 0, MOTE_KIND_OPTIONAL, t != NULL ? t->dtype : MOTE_DTYPE_NONE, 0, NULL);
}

static mote_status infer_has(mote_infer *c)
{
    mote_infer_out(c, 0, MOTE_DTYPE_BOOL, 0, NULL);
    return MOTE_OK;
}

static mote_status eval_has(mote_eval *c)
{
    const mote_array *x = mote_eval_has(c, 0) ? c->in[0] : NULL;
    *(uint8_t *)c->out[0]->data = x != NULL && (x->kind != MOTE_KIND_OPTIONAL || x->dims[0] != 0);
    return MOTE_OK;
}

static mote_status infer_get(mote_infer *c)
{
    const mote_type *x = c->in[0];
    c->out[0] = x->kind != MOTE_KIND_OPTIONAL ? *x : x->element != NULL ? *x->element : (mote_type){.rank = -1};
    return MOTE_OK;
}

static mote_status eval_get(mote_eval *c)
{
    const mote_array *x = c->in[0];
    if (x->kind != MOTE_KIND_OPTIONAL)
        return mote_eval_copy_output(c, 0, x);
    MOTE_REQUIRE(x->dims[0] != 0, c->diag, MOTE_E_VALUE, "the optional has no element");
    return mote_eval_copy_output(c, 0, x->data);
}

#define ANY_KIND (MOTE_T_TENSOR | MOTE_T_SEQUENCE | MOTE_T_OPTIONAL)
#define SOLID_KIND (MOTE_T_TENSOR | MOTE_T_SEQUENCE)
#define OPTIONAL_15(t)                                                                                                 \
    .in = "input?:V", .out = "output:O", .types = MOTE_TYPES({"V", t, SOLID_KIND}, {"O", t, MOTE_T_OPTIONAL}),                    \
    .attrs = MOTE_ATTRS(MOTE_A(TYPE, "type")), .infer = infer_optional, .eval = eval_optional, .doc = MOTE_DOC("the input as an optional; without one, an empty one")
MOTE_OP(onnx, Optional, 15, OPTIONAL_15(MOTE_T_ALL_7));
MOTE_OP(onnx, Optional, 28, OPTIONAL_15(MOTE_T_ALL_25));

/* Version 15 names optionals alone; but the state of a Loop that begins as an empty one holds the bare value after an iteration. */
#define HAS(input, t, kinds)                                                                                           \
    .in = input, .out = "output:bool", .types = MOTE_TYPES({"O", t, kinds}), .infer = infer_has, .eval = eval_has,                \
    .doc = MOTE_DOC("whether the optional has an element")
MOTE_OP(onnx, OptionalHasElement, 15, HAS("input:O", MOTE_T_ALL_7, ANY_KIND));
MOTE_OP(onnx, OptionalHasElement, 18, HAS("input?:O", MOTE_T_ALL_7, ANY_KIND));
MOTE_OP(onnx, OptionalHasElement, 28, HAS("input?:O", MOTE_T_ALL_25, ANY_KIND));

#define GET(t, kinds)                                                                                                  \
    .in = "input:O", .out = "output:V", .types = MOTE_TYPES({"O", t, kinds}, {"V", t, SOLID_KIND}), .flags = MOTE_OP_DATA_SHAPE,  \
    .infer = infer_get, .eval = eval_get, .doc = MOTE_DOC("the element of the optional")
MOTE_OP(onnx, OptionalGetElement, 15, GET(MOTE_T_ALL_7, ANY_KIND));
MOTE_OP(onnx, OptionalGetElement, 18, GET(MOTE_T_ALL_7, ANY_KIND));
MOTE_OP(onnx, OptionalGetElement, 28, GET(MOTE_T_ALL_25, ANY_KIND));
