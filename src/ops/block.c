/* block.c - parts of matrices and of images: DepthToSpace, SpaceToDepth, Trilu
 * SPDX-License-Identifier: Apache-2.0
 *
 * Sources: ONNX DepthToSpace-28, SpaceToDepth-28, Trilu-14. */
#include "base/platform.h"
#include "ops/args.h"
#include "ops/elements.h"
#include "ops/moves.h"
#include "ops/types.h"
#include "base/size.h"
#include <string.h>

/* ---- DepthToSpace, SpaceToDepth ---- */

static mote_status block_of(const mote_node *node, int64_t *block, bool *depth_first, mote_diag *diag)
{
    const mote_str mode = mote_node_string(node, "mode", "DCR");
    *block = mote_node_int(node, "blocksize", 0);
    *depth_first = mote_str_is(mode, "DCR");
    MOTE_REQUIRE(*depth_first || mote_str_is(mode, "CRD"), diag, MOTE_E_VALUE, "mode is '%.*s', expected DCR or CRD", MOTE_STR_ARG(mode));
    MOTE_REQUIRE(*block >= 1 && *block < INT64_C(1) << 24, diag, MOTE_E_VALUE, "blocksize is %lld, expected 1 or more", (long long)*block);
    return MOTE_OK;
}

static mote_status infer_blocks(mote_infer *c)
{
    const mote_type *x = c->in[0];
    const bool to_space = mote_str_is(c->node->op, "DepthToSpace");
    int64_t block, dims[4];
    bool depth_first;
    mote_infer_out(c, 0, x->dtype, 4, NULL);
    MOTE_TRY(block_of(c->node, &block, &depth_first, c->diag));
    if (x->rank < 0)
        return MOTE_OK;
    MOTE_REQUIRE(x->rank == 4, c->diag, MOTE_E_SHAPE, "input has rank %d, expected 4", x->rank);
    for (int32_t d = 0; d < 4; d++) {
        const int64_t by = d == 0 ? 1 : d == 1 ? block * block : block;
        const bool divide = to_space == (d == 1);
        dims[d] = d == 0 || mote_dim_known(x->dims[d]) ? x->dims[d] : MOTE_DIM_UNKNOWN;
        if (d == 0 || !mote_dim_known(x->dims[d]))
            continue;
        MOTE_REQUIRE(!divide || x->dims[d] % by == 0, c->diag, MOTE_E_SHAPE, "dimension %d is %lld, which %lld does not divide", d,
                     (long long)x->dims[d], (long long)by);
        if (divide)
            dims[d] = x->dims[d] / by;
        else
            MOTE_REQUIRE(mote_i64_mul(x->dims[d], by, &dims[d]), c->diag, MOTE_E_SHAPE, "dimension %d of the output overflows", d);
    }
    mote_infer_out(c, 0, x->dtype, 4, dims);
    return MOTE_OK;
}

mote_status mote_depth_copy_of(const mote_node *node, const mote_array *x, mote_depth_copy *copy, mote_diag *diag)
{
    const bool to_space = mote_str_is(node->op, "DepthToSpace");
    int64_t b;
    bool depth_first;
    MOTE_TRY(block_of(node, &b, &depth_first, diag));
    /* sizes of the wide form [n, c, h b, w b]; the deep one is [n, c b b, h, w] */
    const int64_t n = x->dims[0], c = to_space ? x->dims[1] / (b * b) : x->dims[1], h = to_space ? x->dims[2] : x->dims[2] / b,
                  w = to_space ? x->dims[3] : x->dims[3] / b;
    const int64_t plane = h * w;
    const int64_t dims[6] = {n, c, h, b, w, b}; /* n, channel, row, row within the block, column, column within the block */
    const int64_t wide[6] = {c * plane * b * b, plane * b * b, b * w * b, w * b, b, 1};
    const int64_t deep[6] = {c * plane * b * b, depth_first ? plane : b * b * plane, w, depth_first ? b * c * plane : b * plane, 1,
                             depth_first ? c * plane : plane};
    memcpy(copy->dims, dims, sizeof dims);
    memcpy(copy->in, to_space ? deep : wide, sizeof wide);
    memcpy(copy->out, to_space ? wide : deep, sizeof wide);
    return MOTE_OK;
}

static mote_status eval_blocks(mote_eval *c)
{
    mote_depth_copy copy;
    mote_bytes from, to;
    MOTE_TRY(mote_depth_copy_of(c->node, c->in[0], &copy, c->diag));
    MOTE_TRY(mote_bytes_in(c, c->in[0], &from)); /* no sub-byte types here: nothing is allocated */
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    if (to.count > 0)
        mote_copy_block(to.p, copy.out, from.p, copy.in, 6, copy.dims, from.size);
    return mote_bytes_finish(c, 0, &to);
}

/* ---- Trilu ---- */

static mote_status infer_trilu(mote_infer *c)
{
    MOTE_REQUIRE(c->in[0]->rank < 0 || c->in[0]->rank >= 2, c->diag, MOTE_E_SHAPE, "input has rank %d, expected 2 or more", c->in[0]->rank);
    return mote_infer_like(c);
}

static mote_status eval_trilu(mote_eval *c)
{
    const mote_array *x = c->in[0];
    const bool upper = mote_node_int(c->node, "upper", 1) != 0;
    const int64_t rows = x->dims[x->rank - 2], cols = x->dims[x->rank - 1];
    int64_t k = 0;
    mote_bytes from, to;
    if (mote_eval_has(c, 1))
        MOTE_TRY(mote_arg_int(c->in[1], "k", c->diag, &k));
    k = k < -rows ? -rows : k > cols ? cols : k; /* further off there is nothing */
    MOTE_TRY(mote_bytes_in(c, x, &from));        /* no sub-byte types here: nothing is allocated */
    MOTE_TRY(mote_bytes_out(c, 0, &to));
    const size_t size = to.size, row = (size_t)cols * size;
    for (size_t r = 0; row != 0 && r < to.count / (size_t)cols; r++) {
        const int64_t diagonal = (int64_t)(r % (size_t)rows) + k + !upper; /* the first column of the upper part */
        const size_t cut = (size_t)(diagonal < 0 ? 0 : diagonal > cols ? cols : diagonal) * size;
        uint8_t *y = to.p + r * row;
        const uint8_t *p = from.p + r * row;
        memset(y + (upper ? 0 : cut), 0, upper ? cut : row - cut);
        memcpy(y + (upper ? cut : 0), p + (upper ? cut : 0), upper ? row - cut : cut);
    }
    return mote_bytes_finish(c, 0, &to);
}

#define BLOCKS(t, text, ...)                                                                                           \
    .in = "input:T", .out = "output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "blocksize"), __VA_ARGS__), \
    .flags = MOTE_OP_QUANT_KEEP, .infer = infer_blocks, .eval = eval_blocks, .doc = MOTE_DOC(text)
#define TO_SPACE "y = x with blocks of channels laid out in space"
#define TO_DEPTH "y = x with blocks of space laid out in channels"
MOTE_OP(onnx, DepthToSpace, 1, BLOCKS(MOTE_T_ALL_7, TO_SPACE, {.name = NULL}));
MOTE_OP(onnx, DepthToSpace, 11, BLOCKS(MOTE_T_ALL_7, TO_SPACE, MOTE_A_STRING("mode", "DCR")));
MOTE_OP(onnx, DepthToSpace, 13, BLOCKS(MOTE_T_ALL_13, TO_SPACE, MOTE_A_STRING("mode", "DCR")));
MOTE_OP(onnx, DepthToSpace, 28, BLOCKS(MOTE_T_ALL_13, TO_SPACE, MOTE_A_STRING("mode", "DCR")));
MOTE_OP(onnx, SpaceToDepth, 1, BLOCKS(MOTE_T_ALL_7, TO_DEPTH, {.name = NULL}));
MOTE_OP(onnx, SpaceToDepth, 13, BLOCKS(MOTE_T_ALL_13, TO_DEPTH, {.name = NULL}));
MOTE_OP(onnx, SpaceToDepth, 28, BLOCKS(MOTE_T_ALL_13, TO_DEPTH, MOTE_A_STRING("mode", "DCR")));

MOTE_OP(onnx, Trilu, 14, .in = "input:T k?:int64", .out = "output:T", .types = MOTE_TYPES({"T", MOTE_T_ALL_13, 0}), .attrs = MOTE_ATTRS(MOTE_A_INT("upper", 1)),
        .infer = infer_trilu, .eval = eval_trilu, .doc = MOTE_DOC("y = the upper (lower) triangle of each matrix from diagonal k on, zero elsewhere"));
