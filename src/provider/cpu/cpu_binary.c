/* cpu_binary.c - lowering of elementwise functions of two and more operands: arithmetic, comparison, logic, choice
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/binary/binary.h"
#include "kernels/quantize/quantize.h"
#include "ops/args.h"
#include "provider/cpu/cpu_broadcast.h"
#include "provider/cpu/lower.h"
#include <string.h>

enum { BLOCK = 512, GRAIN = 8192 };

typedef struct binary_params {
    mote_rows *rows;          /* one for each pair: the first, then the result with each further operand */
    uint32_t operands;
    mote_binary_fn f32;       /* one of these */
    mote_binary_int_fn integer;
    mote_logic logic;
    bool divides; /* integers: a divisor of 0 is refused */
    bool is_logic;
    const mote_convert_row *convert; /* NULL: elements as they are; else f16 or bf16 on both sides */
    bool half;
    size_t size, out_size;
} binary_params;

typedef struct binary_job {
    const binary_params *b;
    const mote_rows *rows;
    const char *x, *z;
    char *y;
} binary_job;

static unsigned form_of(const mote_rows *r)
{
    return r->step[0] == 0 ? MOTE_FORM_SV : r->step[1] == 0 ? MOTE_FORM_VS : MOTE_FORM_VV;
}

static void half_piece(const binary_params *b, const char *x, const char *z, char *y, size_t n, unsigned form)
{
    float u[BLOCK], v[BLOCK];
    void (*load)(const uint16_t *, float *, size_t) = b->half ? b->convert->f16_f32 : b->convert->bf16_f32;
    for (size_t i = 0, m; i < n; i += m) {
        m = n - i < BLOCK ? n - i : BLOCK;
        if (form == MOTE_FORM_SV)
            load((const uint16_t *)(const void *)x, u, 1);
        else
            load((const uint16_t *)(const void *)x + i, u, m);
        if (form == MOTE_FORM_VS)
            load((const uint16_t *)(const void *)z, v, 1);
        else
            load((const uint16_t *)(const void *)z + i, v, m);
        if (b->out_size == 1) {
            b->f32(u, v, y + i, m, form);
        } else {
            float *out = form == MOTE_FORM_SV ? v : u;
            b->f32(u, v, out, m, form);
            (b->half ? b->convert->f32_f16 : b->convert->f32_bf16)(out, (uint16_t *)(void *)y + i, m);
        }
    }
}

static void binary_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const binary_job *j = ctx;
    const binary_params *b = j->b;
    const unsigned form = form_of(j->rows);
    mote_walk w;
    mote_walk_begin(&w, j->rows, begin, end);
    while (mote_walk_next(&w)) {
        const char *x = j->x + w.at_in[0] * b->size, *z = j->z + w.at_in[1] * b->size;
        char *y = j->y + w.at * b->out_size;
        if (b->convert != NULL)
            half_piece(b, x, z, y, w.n, form);
        else if (b->f32 != NULL)
            b->f32((const float *)(const void *)x, (const float *)(const void *)z, y, w.n, form);
        else if (b->is_logic)
            mote_binary_logic(b->logic, (const uint8_t *)x, (const uint8_t *)z, (uint8_t *)y, w.n, form);
        else
            b->integer(x, z, y, w.n, form);
    }
}

static mote_status binary_run(const mote_step *step, mote_exec *x)
{
    const binary_params *b = step->params;
    if (b->divides && step->out[0]->bytes != 0)
        MOTE_TRY(mote_divisor_check(step->in[1], x->diag));
    for (uint32_t k = 1; k < b->operands; k++) {
        binary_job j = {.b = b, .rows = &b->rows[k - 1], .x = k == 1 ? step->in[0]->data : step->out[0]->data, .z = step->in[k]->data,
                        .y = step->out[0]->data};
        mote_parallel_for(x->pool, j.rows->count, GRAIN, binary_range, &j);
    }
    return MOTE_OK;
}

static bool is_float(mote_dtype t) { return t == MOTE_DTYPE_F32 || t == MOTE_DTYPE_F16 || t == MOTE_DTYPE_BF16; }

static mote_status lower_as(mote_lower *l, mote_binary op, int logic)
{
    const mote_array *y = l->out[0];
    if (y == NULL || l->n_in < 2)
        return MOTE_OK;
    mote_dtype t = l->in[0]->dtype;
    for (uint32_t i = 0; i < l->n_in; i++)
        if (l->in[i] == NULL || l->in[i]->dtype != t)
            return MOTE_OK;
    bool whole = mote_dtype_in(t, MOTE_DTYPES_INT) || (t == MOTE_DTYPE_BOOL && (op == MOTE_BINARY_EQ || logic >= 0));
    if (!is_float(t) && !whole)
        return MOTE_OK;
    binary_params *b;
    MOTE_TRY(mote_lower_params(l, sizeof *b, (void **)&b));
    MOTE_TRY(mote_lower_params(l, (l->n_in - 1) * sizeof(mote_rows), (void **)&b->rows));
    b->operands = l->n_in;
    b->size = mote_dtype_bits(t) / 8;
    b->out_size = mote_dtype_bits(y->dtype) / 8;
    b->is_logic = logic >= 0;
    b->logic = logic >= 0 ? (mote_logic)logic : MOTE_LOGIC_AND;
    if (is_float(t)) {
        const mote_binary_row *row = mote_binary_select(op, l->cpu);
        b->f32 = row->fn;
        b->convert = t == MOTE_DTYPE_F32 ? NULL : mote_convert_select(l->cpu);
        b->half = t == MOTE_DTYPE_F16;
        l->kernel = row->name;
    } else if (logic < 0) {
        b->integer = mote_binary_int_select(op, (unsigned)b->size * 8, mote_dtype_in(t, MOTE_DTYPES_SINT));
        if (b->integer == NULL)
            return MOTE_OK;
        b->divides = op == MOTE_BINARY_DIV || op == MOTE_BINARY_MOD || op == MOTE_BINARY_FMOD;
        l->kernel = "mote_binary_int";
    } else {
        l->kernel = "mote_binary_logic";
    }
    for (uint32_t k = 1; k < l->n_in; k++) {
        const mote_array *pair[2] = {k == 1 ? l->in[0] : y, l->in[k]};
        if (!mote_rows_make(&b->rows[k - 1], y, pair, 2))
            return MOTE_OK;
        /* Of three operands two may both be scalars in the last dimension while the output is not: no kernel has that form. */
        const mote_rows *r = &b->rows[k - 1];
        if (r->step[0] == 0 && r->step[1] == 0 && r->count > 1)
            return MOTE_OK;
    }
    if (b->size == b->out_size)
        for (uint32_t i = 0; i < 2; i++) /* a later operand is read after the output has been written */
            if (mote_array_same_shape(l->in[i], y))
                l->inplace |= 1u << i;
    l->params = b;
    l->run = binary_run;
    return MOTE_OK;
}

static const struct {
    const char *op;
    mote_binary id;
} table[] = {{"Add", MOTE_BINARY_ADD},           {"Sub", MOTE_BINARY_SUB},     {"Mul", MOTE_BINARY_MUL},
             {"Div", MOTE_BINARY_DIV},           {"Pow", MOTE_BINARY_POW},     {"PRelu", MOTE_BINARY_PRELU},
             {"Min", MOTE_BINARY_MIN},           {"Max", MOTE_BINARY_MAX},     {"Sum", MOTE_BINARY_ADD},
             {"Equal", MOTE_BINARY_EQ},          {"Less", MOTE_BINARY_LT},     {"LessOrEqual", MOTE_BINARY_LE},
             {"Greater", MOTE_BINARY_GT},        {"GreaterOrEqual", MOTE_BINARY_GE}};

static mote_status lower_binary(mote_lower *l)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        if (mote_str_is(l->node->op, table[i].op))
            return lower_as(l, table[i].id, -1);
    return MOTE_OK;
}
static mote_status lower_and(mote_lower *l) { return lower_as(l, MOTE_BINARY_EQ, MOTE_LOGIC_AND); }
static mote_status lower_or(mote_lower *l) { return lower_as(l, MOTE_BINARY_EQ, MOTE_LOGIC_OR); }
static mote_status lower_xor(mote_lower *l) { return lower_as(l, MOTE_BINARY_EQ, MOTE_LOGIC_XOR); }

static mote_status lower_shift(mote_lower *l)
{
    const mote_str how = mote_node_string(l->node, "direction", "");
    const bool left = mote_str_is(how, "LEFT");
    return left || mote_str_is(how, "RIGHT") ? lower_as(l, left ? MOTE_BINARY_SHL : MOTE_BINARY_SHR, -1) : MOTE_OK;
}

/* of floats the remainder towards zero alone */
static mote_status lower_mod(mote_lower *l)
{
    const int64_t truncated = mote_node_int(l->node, "fmod", 0);
    if (truncated != 1 && (truncated != 0 || !mote_dtype_in(l->in[0]->dtype, MOTE_DTYPES_INT)))
        return MOTE_OK;
    return lower_as(l, truncated == 1 ? MOTE_BINARY_FMOD : MOTE_BINARY_MOD, -1);
}

/* ---- integers bit by bit: of equal shapes, whatever their width ---- */

typedef struct bits_job {
    mote_logic op;
    const uint8_t *a, *b;
    uint8_t *y;
} bits_job;

static void bits_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const bits_job *j = ctx;
    mote_binary_logic(j->op, j->a + begin, j->b + begin, j->y + begin, end - begin, MOTE_FORM_VV);
}

static mote_status bits_run(const mote_step *step, mote_exec *x)
{
    const mote_logic *op = step->params;
    bits_job j = {*op, step->in[0]->data, step->in[1]->data, step->out[0]->data};
    mote_parallel_for(x->pool, step->out[0]->bytes, 8 * GRAIN, bits_range, &j);
    return MOTE_OK;
}

static mote_status lower_bits(mote_lower *l)
{
    const mote_array *y = l->out[0];
    mote_logic *op;
    if (y == NULL || !mote_array_same_shape(l->in[0], y) || !mote_array_same_shape(l->in[1], y) || y->bytes == 0)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *op, (void **)&op));
    *op = mote_str_is(l->node->op, "BitwiseAnd") ? MOTE_LOGIC_AND : mote_str_is(l->node->op, "BitwiseOr") ? MOTE_LOGIC_OR : MOTE_LOGIC_XOR;
    l->run = bits_run;
    l->params = op;
    l->kernel = "mote_binary_logic";
    l->inplace = 3;
    return MOTE_OK;
}

/* ---- Not ---- */

static mote_status not_run(const mote_step *step, mote_exec *x)
{
    (void)x;
    mote_binary_not(step->in[0]->data, step->out[0]->data, step->in[0]->bytes);
    return MOTE_OK;
}

static mote_status lower_not(mote_lower *l)
{
    if (l->out[0] == NULL)
        return MOTE_OK;
    l->run = not_run;
    l->kernel = "mote_binary_not";
    l->inplace = 1;
    return MOTE_OK;
}

/* ---- Where ---- */

typedef struct where_params {
    mote_rows rows; /* operands: condition, then, else */
    size_t size;
} where_params;

typedef struct where_job {
    const where_params *p;
    const uint8_t *c;
    const char *a, *b;
    char *y;
} where_job;

static void where_range(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    const where_job *j = ctx;
    const mote_rows *r = &j->p->rows;
    const size_t size = j->p->size;
    const unsigned form = (r->step[1] == 0 ? 1u : 0u) | (r->step[2] == 0 ? 2u : 0u) | (r->step[0] == 0 ? 4u : 0u);
    mote_walk w;
    mote_walk_begin(&w, r, begin, end);
    while (mote_walk_next(&w))
        mote_binary_where(j->c + w.at_in[0], j->a + w.at_in[1] * size, j->b + w.at_in[2] * size, j->y + w.at * size, w.n, size, form);
}

static mote_status where_run(const mote_step *step, mote_exec *x)
{
    where_job j = {.p = step->params, .c = step->in[0]->data, .a = step->in[1]->data, .b = step->in[2]->data, .y = step->out[0]->data};
    mote_parallel_for(x->pool, j.p->rows.count, GRAIN, where_range, &j);
    return MOTE_OK;
}

static mote_status lower_where(mote_lower *l)
{
    where_params *p;
    if (l->out[0] == NULL)
        return MOTE_OK;
    unsigned bits = mote_dtype_bits(l->out[0]->dtype);
    if (bits != 8 && bits != 16 && bits != 32 && bits != 64)
        return MOTE_OK;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    p->size = bits / 8;
    if (!mote_rows_make(&p->rows, l->out[0], l->in, 3))
        return MOTE_OK;
    l->run = where_run;
    l->params = p;
    l->kernel = "mote_binary_where";
    return MOTE_OK;
}

MOTE_LOWER(onnx, And, lower_and)
MOTE_LOWER(onnx, Or, lower_or)
MOTE_LOWER(onnx, Xor, lower_xor)
MOTE_LOWER(onnx, BitShift, lower_shift)
MOTE_LOWER(onnx, Mod, lower_mod)
MOTE_LOWER(onnx, BitwiseAnd, lower_bits)
MOTE_LOWER(onnx, BitwiseOr, lower_bits)
MOTE_LOWER(onnx, BitwiseXor, lower_bits)
MOTE_LOWER(onnx, Not, lower_not)
MOTE_LOWER(onnx, Where, lower_where)
MOTE_LOWER(onnx, Add, lower_binary)
MOTE_LOWER(onnx, Sub, lower_binary)
MOTE_LOWER(onnx, Mul, lower_binary)
MOTE_LOWER(onnx, Div, lower_binary)
MOTE_LOWER(onnx, Pow, lower_binary)
MOTE_LOWER(onnx, PRelu, lower_binary)
MOTE_LOWER(onnx, Min, lower_binary)
MOTE_LOWER(onnx, Max, lower_binary)
MOTE_LOWER(onnx, Sum, lower_binary)
MOTE_LOWER(onnx, Equal, lower_binary)
MOTE_LOWER(onnx, Less, lower_binary)
MOTE_LOWER(onnx, LessOrEqual, lower_binary)
MOTE_LOWER(onnx, Greater, lower_binary)
MOTE_LOWER(onnx, GreaterOrEqual, lower_binary)
