/* einsum.c - Einsum
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX Einsum-12 (numpy's notation). Operands are taken one after the other: what has been made so far times the next one, summed over the letters that nothing later
 * needs. Such a step is a batched matrix product: letters of both that stay are its batch, letters of one alone its rows or columns, letters that go its sum; operands are
 * copied to that order (diagonals of a repeated letter, and sums of a letter that stands in one operand alone, are taken on the way). Sums ascend, in the wide type. */
#include "base/platform.h"
#include "ops/einsum.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <string.h>

enum { LETTERS = MOTE_EINSUM_LETTERS, MAX_TERMS = MOTE_EINSUM_MAX_TERMS, ELLIPSIS = 52 };
typedef mote_einsum_term term;
typedef mote_einsum equation;

static int letter_of(char c) { return c >= 'a' && c <= 'z' ? c - 'a' : c >= 'A' && c <= 'Z' ? c - 'A' + 26 : -1; }

/* One term's text; `dots`: how many dimensions "..." stands for (-1: a term may not have one). */
static mote_status parse_term(mote_str text, size_t *at, int32_t dots, term *t, bool *has_dots, mote_diag *diag)
{
    *t = (term){0};
    *has_dots = false;
    for (; *at < text.n; (*at)++) {
        const char c = text.p[*at];
        if (c == ' ')
            continue;
        if (c == ',' || c == '-')
            break;
        if (c == '.') {
            MOTE_REQUIRE(text.n - *at >= 3 && memcmp(text.p + *at, "...", 3) == 0 && !*has_dots, diag, MOTE_E_VALUE, "equation, byte %zu: a dot", *at);
            *has_dots = true;
            *at += 2;
            for (int32_t k = 0; k < dots && t->n < MOTE_MAX_RANK + 32; k++)
                t->letter[t->n++] = (int8_t)(ELLIPSIS + MOTE_MAX_RANK - dots + k);
            continue;
        }
        MOTE_REQUIRE(letter_of(c) >= 0, diag, MOTE_E_VALUE, "equation, byte %zu: neither a letter nor , -> ...", *at);
        MOTE_REQUIRE(t->n < MOTE_MAX_RANK + 32, diag, MOTE_E_VALUE, "equation, byte %zu: too many letters", *at);
        t->letter[t->n++] = (int8_t)letter_of(c);
    }
    return MOTE_OK;
}

static size_t letters_in(mote_str text, size_t at)
{
    size_t n = 0;
    for (; at < text.n && text.p[at] != ',' && text.p[at] != '-'; at++)
        n += letter_of(text.p[at]) >= 0;
    return n;
}

static mote_status bind_size(equation *e, int letter, int64_t size, bool broadcast, mote_diag *diag)
{
    int64_t *known = &e->size[letter];
    e->used[letter] = true;
    if (!mote_dim_known(size) || *known == size)
        return MOTE_OK;
    if (!mote_dim_known(*known) || (broadcast && *known == 1)) {
        *known = size;
        return MOTE_OK;
    }
    MOTE_REQUIRE((broadcast && size == 1) || *known == 1 || size == 1, diag, MOTE_E_SHAPE, "equation: a letter is %lld in one place and %lld in another", (long long)*known,
                 (long long)size);
    *known = *known == 1 ? size : *known;
    return MOTE_OK;
}

mote_status mote_einsum_read(mote_str text, size_t n, const int32_t *ranks, const int64_t *const *dims, equation *e, mote_diag *diag)
{
    size_t at = 0;
    int32_t most_dots = 0;
    bool dots, out_dots;
    MOTE_REQUIRE(n <= MAX_TERMS, diag, MOTE_E_LIMIT, "%zu inputs, at most %d are supported", n, MAX_TERMS);
    memset(e, 0, sizeof *e);
    e->n = n;
    for (int k = 0; k < LETTERS; k++)
        e->size[k] = MOTE_DIM_UNKNOWN;
    for (size_t i = 0; i < n; i++) {
        const int32_t rest = ranks[i] - (int32_t)letters_in(text, at);
        MOTE_TRY(parse_term(text, &at, rest < 0 ? 0 : rest, &e->in[i], &dots, diag));
        MOTE_REQUIRE(e->in[i].n == ranks[i] && (dots || rest == 0), diag, MOTE_E_SHAPE, "equation: term %zu has %d letters, its input rank %d", i, (int)e->in[i].n, ranks[i]);
        most_dots = dots && rest > most_dots ? rest : most_dots;
        for (int32_t d = 0; d < ranks[i]; d++)
            MOTE_TRY(bind_size(e, e->in[i].letter[d], dims[i] != NULL ? dims[i][d] : MOTE_DIM_UNKNOWN, e->in[i].letter[d] >= ELLIPSIS, diag));
        const bool more = at < text.n && text.p[at] == ',';
        MOTE_REQUIRE(more == (i + 1 < n), diag, MOTE_E_VALUE, "equation: %s terms than the node's %zu inputs", more ? "more" : "fewer", n);
        at += more;
    }
    if (at < text.n) {
        MOTE_REQUIRE(text.n - at >= 2 && memcmp(text.p + at, "->", 2) == 0, diag, MOTE_E_VALUE, "equation, byte %zu: a -", at);
        at += 2;
        MOTE_TRY(parse_term(text, &at, most_dots, &e->out, &out_dots, diag));
        MOTE_REQUIRE(at == text.n, diag, MOTE_E_VALUE, "equation, byte %zu: something behind the output's term", at);
    } else { /* what stands once, in alphabetical order (numpy's: capitals first), behind "..." */
        int8_t count[LETTERS] = {0};
        for (size_t i = 0; i < n; i++)
            for (int32_t d = 0; d < e->in[i].n; d++)
                count[e->in[i].letter[d]] = count[e->in[i].letter[d]] < 2 ? (int8_t)(count[e->in[i].letter[d]] + 1) : 2;
        for (int32_t k = 0; k < most_dots; k++)
            e->out.letter[e->out.n++] = (int8_t)(ELLIPSIS + MOTE_MAX_RANK - most_dots + k);
        for (int k = 0; k < 52 && e->out.n < MOTE_MAX_RANK + 32; k++)
            if (count[(k + 26) % 52] == 1)
                e->out.letter[e->out.n++] = (int8_t)((k + 26) % 52);
    }
    MOTE_TRY(mote_arg_rank(e->out.n, diag));
    for (int32_t d = 0; d < e->out.n; d++) {
        MOTE_REQUIRE(e->used[e->out.letter[d]], diag, MOTE_E_VALUE, "equation: the output has a letter that no input has");
        for (int32_t k = 0; k < d; k++)
            MOTE_REQUIRE(e->out.letter[k] != e->out.letter[d], diag, MOTE_E_VALUE, "equation: the output has a letter twice");
    }
    return MOTE_OK;
}

static mote_status infer_einsum_temp(mote_infer *c, mote_arena *temp)
{
    equation *e = mote_arena_calloc(temp, 1, sizeof *e);
    int32_t ranks[MAX_TERMS];
    const int64_t *dims[MAX_TERMS];
    int64_t out[MOTE_MAX_RANK];
    if (e == NULL)
        return MOTE_NO_MEMORY(c->diag, sizeof *e);
    MOTE_REQUIRE(c->n_in <= MAX_TERMS, c->diag, MOTE_E_LIMIT, "%u inputs, at most %d are supported", c->n_in, MAX_TERMS);
    for (uint32_t i = 0; i < c->n_in; i++) {
        if (c->in[i]->rank < 0) {
            mote_infer_out(c, 0, c->in[0]->dtype, -1, NULL);
            return MOTE_OK;
        }
        ranks[i] = c->in[i]->rank;
        dims[i] = c->in[i]->dims;
    }
    MOTE_TRY(mote_einsum_read(mote_node_string(c->node, "equation", ""), c->n_in, ranks, dims, e, c->diag));
    for (int32_t d = 0; d < e->out.n; d++) {
        const int letter = e->out.letter[d];
        out[d] = e->size[letter];
        bool unknown = false; /* a size that is not known may be broadcast with one that is 1 */
        for (uint32_t i = 0; i < c->n_in; i++)
            for (int32_t k = 0; k < e->in[i].n; k++)
                unknown = unknown || (e->in[i].letter[k] == letter && !mote_dim_known(c->in[i]->dims[k]));
        if (unknown && out[d] == 1)
            out[d] = MOTE_DIM_UNKNOWN;
    }
    mote_infer_out(c, 0, c->in[0]->dtype, e->out.n, out);
    return MOTE_OK;
}

static mote_status infer_einsum(mote_infer *c)
{
    mote_arena temp;
    mote_arena_init(&temp, c->module->heap);
    mote_status status = infer_einsum_temp(c, &temp);
    mote_arena_deinit(&temp);
    return status;
}

/* ---- evaluation ---- */

/* A tensor in the wide type with a letter a dimension, none twice. */
typedef struct operand {
    void *data;
    int32_t n;
    int8_t letter[LETTERS];
    int64_t dims[LETTERS];
} operand;

static bool has(const operand *o, int letter)
{
    for (int32_t d = 0; d < o->n; d++)
        if (o->letter[d] == letter)
            return true;
    return false;
}

static int64_t size_of(const operand *o, int letter)
{
    for (int32_t d = 0; d < o->n; d++)
        if (o->letter[d] == letter)
            return o->dims[d];
    return 1;
}

/* Walks n dimensions of `dims` with the strides of two tensors; fn gets the places. Adds from's elements to `to`, which begins as zeros. */
#define WALK_ADD(T, suffix)                                                                                            \
    static void walk_##suffix(T *to, const int64_t *to_strides, const T *from, const int64_t *from_strides, int32_t n, const int64_t *dims) \
    {                                                                                                                  \
        if (n == 0) {                                                                                                  \
            *to += *from;                                                                                              \
            return;                                                                                                    \
        }                                                                                                              \
        for (int64_t i = 0; i < dims[0]; i++) {                                                                        \
            if (n == 1)                                                                                                \
                to[i * to_strides[0]] += from[i * from_strides[0]];                                                    \
            else                                                                                                       \
                walk_##suffix(to + i * to_strides[0], to_strides + 1, from + i * from_strides[0], from_strides + 1, n - 1, dims + 1); \
        }                                                                                                              \
    }
WALK_ADD(float, f32)
WALK_ADD(double, f64)
WALK_ADD(uint64_t, u64)

/* c[i, j] += sum_k a[i, k] b[k, j] for each of a batch */
#define PRODUCT(T, suffix)                                                                                             \
    static void product_##suffix(const T *a, const T *b, T *c, size_t batch, size_t m, size_t k, size_t n)             \
    {                                                                                                                  \
        for (size_t x = 0; x < batch; x++, a += m * k, b += k * n, c += m * n)                                         \
            for (size_t i = 0; i < m; i++)                                                                             \
                for (size_t s = 0; s < k; s++) {                                                                       \
                    const T v = a[i * k + s];                                                                          \
                    const T *row = b + s * n;                                                                          \
                    T *y = c + i * n;                                                                                  \
                    for (size_t j = 0; j < n; j++)                                                                     \
                        y[j] += v * row[j];                                                                            \
                }                                                                                                      \
    }
PRODUCT(float, f32)
PRODUCT(double, f64)
PRODUCT(uint64_t, u64)

/* The operand with exactly these letters in this order; others are summed over, those that it lacks have size 1 (or, where `sizes` is larger, are repeated). */
static mote_status arrange(mote_eval *c, mote_arena *temp, mote_class class, const operand *from, int32_t n, const int8_t *letters, const int64_t *sizes, operand *to)
{
    int64_t strides[LETTERS], from_strides[2 * LETTERS], to_strides[2 * LETTERS], dims[2 * LETTERS];
    size_t count = 1;
    to->n = n;
    for (int32_t d = n - 1; d >= 0; d--) {
        to->letter[d] = letters[d];
        to->dims[d] = sizes[d];
        strides[d] = (int64_t)count;
        MOTE_REQUIRE(mote_size_mul(count, (size_t)sizes[d], &count), c->diag, MOTE_E_LIMIT, "a product larger than memory can be");
    }
    to->data = mote_temp(temp, count + 1, mote_class_bytes(class), c->diag);
    if (to->data == NULL)
        return MOTE_E_MEMORY;
    int64_t own[LETTERS], step = 1;
    for (int32_t d = from->n - 1; d >= 0; d--) {
        own[d] = step;
        step *= from->dims[d];
    }
    int32_t walked = 0;
    for (int32_t d = 0; d < n; d++, walked++) {
        dims[walked] = sizes[d];
        to_strides[walked] = strides[d];
        from_strides[walked] = 0;
        for (int32_t k = 0; k < from->n; k++)
            if (from->letter[k] == letters[d] && from->dims[k] != 1)
                from_strides[walked] = own[k];
    }
    for (int32_t k = 0; k < from->n; k++) {
        bool stays = false;
        for (int32_t d = 0; d < n; d++)
            stays = stays || letters[d] == from->letter[k];
        if (stays)
            continue;
        dims[walked] = from->dims[k];
        to_strides[walked] = 0;
        from_strides[walked++] = own[k];
    }
    for (int32_t d = 0; d < walked; d++)
        if (dims[d] == 0)
            return MOTE_OK; /* zeros */
    switch (class) {
    case MOTE_CLASS_F32: walk_f32(to->data, to_strides, from->data, from_strides, walked, dims); break;
    case MOTE_CLASS_F64: walk_f64(to->data, to_strides, from->data, from_strides, walked, dims); break;
    default: walk_u64(to->data, to_strides, from->data, from_strides, walked, dims); break; /* signed ones modulo 2^64 */
    }
    return MOTE_OK;
}

/* An input as an operand: a letter that it has several times becomes the diagonal. */
static mote_status take(mote_eval *c, mote_arena *temp, const mote_array *a, const term *t, operand *o)
{
    const mote_class class = mote_class_of(a->dtype);
    const size_t size = mote_class_bytes(class);
    const void *data = mote_widen(temp, a);
    int64_t strides[MOTE_MAX_RANK], step[LETTERS] = {0};
    if (data == NULL)
        return MOTE_NO_MEMORY(c->diag, a->bytes);
    mote_strides_of(a->rank, a->dims, strides);
    *o = (operand){.data = (void *)(uintptr_t)data};
    bool twice = false;
    for (int32_t d = 0; d < a->rank; d++) {
        int32_t at = 0;
        while (at < o->n && o->letter[at] != t->letter[d])
            at++;
        if (at == o->n) {
            o->letter[at] = t->letter[d];
            o->dims[at] = a->dims[d];
            o->n++;
        } else {
            MOTE_REQUIRE(o->dims[at] == a->dims[d], c->diag, MOTE_E_SHAPE, "equation: a diagonal of sizes %lld and %lld", (long long)o->dims[at], (long long)a->dims[d]);
            twice = true;
        }
        step[at] += strides[d];
    }
    if (!twice)
        return MOTE_OK;
    const size_t count = mote_dims_count(o->dims, o->n);
    uint8_t *to = mote_temp(temp, count + 1, size, c->diag);
    if (to == NULL)
        return MOTE_E_MEMORY;
    int64_t to_strides[LETTERS];
    for (int32_t d = o->n - 1, first = 1; d >= 0; first = 0, d--)
        to_strides[d] = first ? 1 : to_strides[d + 1] * o->dims[d + 1];
    if (count != 0)
        mote_copy_block(to, to_strides, data, step, o->n, o->dims, size);
    o->data = to;
    return MOTE_OK;
}

/* *a times b, with the letters that `needed` names. */
static mote_status multiply(mote_eval *c, mote_arena *temp, mote_class class, operand *a, const operand *b, const bool *needed)
{
    int8_t letters[LETTERS];
    int64_t sizes[LETTERS];
    int32_t n = 0, batch_end, rows_end;
    operand left, right;
    /* batch, rows, columns of the result; then what is summed over */
    for (int32_t d = 0; d < a->n; d++)
        if (has(b, a->letter[d]) && needed[a->letter[d]])
            letters[n++] = a->letter[d];
    batch_end = n;
    for (int32_t d = 0; d < a->n; d++)
        if (!has(b, a->letter[d]) && needed[a->letter[d]])
            letters[n++] = a->letter[d];
    rows_end = n;
    for (int32_t d = 0; d < b->n; d++)
        if (!has(a, b->letter[d]) && needed[b->letter[d]])
            letters[n++] = b->letter[d];
    const int32_t result = n;
    for (int32_t d = 0; d < a->n; d++)
        if (has(b, a->letter[d]) && !needed[a->letter[d]])
            letters[n++] = a->letter[d];
    size_t extent[4] = {1, 1, 1, 1}; /* batch, rows, columns, sum */
    for (int32_t d = 0; d < n; d++) {
        const int64_t x = size_of(a, letters[d]), y = size_of(b, letters[d]);
        sizes[d] = x == 1 ? y : x;
        size_t *e = &extent[d < batch_end ? 0 : d < rows_end ? 1 : d < result ? 2 : 3];
        MOTE_REQUIRE(mote_size_mul(*e, (size_t)sizes[d], e), c->diag, MOTE_E_LIMIT, "a product larger than memory can be");
    }
    int8_t order[LETTERS];
    int64_t order_sizes[LETTERS];
    int32_t k = 0;
    for (int32_t d = 0; d < n; d++) /* left: batch, rows, sum */
        if (d < rows_end || d >= result) {
            order[k] = letters[d];
            order_sizes[k++] = sizes[d];
        }
    MOTE_TRY(arrange(c, temp, class, a, k, order, order_sizes, &left));
    k = 0;
    for (int part = 0; part < 3; part++) /* right: batch, sum, columns */
        for (int32_t d = part == 0 ? 0 : part == 1 ? result : rows_end, end = part == 0 ? batch_end : part == 1 ? n : result; d < end; d++) {
            order[k] = letters[d];
            order_sizes[k++] = sizes[d];
        }
    MOTE_TRY(arrange(c, temp, class, b, k, order, order_sizes, &right));
    size_t count;
    MOTE_REQUIRE(mote_size_mul(extent[0], extent[1], &count) && mote_size_mul(count, extent[2], &count), c->diag, MOTE_E_LIMIT, "a product larger than memory can be");
    a->data = mote_temp(temp, count + 1, mote_class_bytes(class), c->diag);
    if (a->data == NULL)
        return MOTE_E_MEMORY;
    a->n = result;
    memcpy(a->letter, letters, sizeof letters);
    memcpy(a->dims, sizes, sizeof sizes);
    switch (class) {
    case MOTE_CLASS_F32: product_f32(left.data, right.data, a->data, extent[0], extent[1], extent[3], extent[2]); break;
    case MOTE_CLASS_F64: product_f64(left.data, right.data, a->data, extent[0], extent[1], extent[3], extent[2]); break;
    default: product_u64(left.data, right.data, a->data, extent[0], extent[1], extent[3], extent[2]); break;
    }
    return MOTE_OK;
}

static mote_status eval_einsum_temp(mote_eval *c, mote_arena *temp)
{
    const mote_class class = mote_class_of(c->in[0]->dtype);
    equation *e = mote_temp(temp, 1, sizeof *e, c->diag);
    operand *o = mote_temp(temp, 3, sizeof *o, c->diag);
    int32_t ranks[MAX_TERMS];
    const int64_t *dims[MAX_TERMS];
    int64_t sizes[MOTE_MAX_RANK];
    if (e == NULL || o == NULL)
        return MOTE_E_MEMORY;
    MOTE_REQUIRE(c->n_in <= MAX_TERMS, c->diag, MOTE_E_LIMIT, "%u inputs, at most %d are supported", c->n_in, MAX_TERMS);
    for (uint32_t i = 0; i < c->n_in; i++) {
        ranks[i] = c->in[i]->rank;
        dims[i] = c->in[i]->dims;
    }
    MOTE_TRY(mote_einsum_read(mote_node_string(c->node, "equation", ""), c->n_in, ranks, dims, e, c->diag));
    MOTE_TRY(take(c, temp, c->in[0], &e->in[0], &o[0]));
    for (size_t i = 1; i < e->n; i++) {
        bool needed[LETTERS] = {false};
        for (int32_t d = 0; d < e->out.n; d++)
            needed[e->out.letter[d]] = true;
        for (size_t k = i + 1; k < e->n; k++)
            for (int32_t d = 0; d < e->in[k].n; d++)
                needed[e->in[k].letter[d]] = true;
        MOTE_TRY(take(c, temp, c->in[i], &e->in[i], &o[1]));
        MOTE_TRY(multiply(c, temp, class, &o[0], &o[1], needed));
    }
    for (int32_t d = 0; d < e->out.n; d++)
        sizes[d] = e->size[e->out.letter[d]];
    MOTE_TRY(arrange(c, temp, class, &o[0], e->out.n, e->out.letter, sizes, &o[2]));
    MOTE_TRY(mote_eval_out(c, 0, c->in[0]->dtype, e->out.n, sizes));
    void *y = mote_wide_output(temp, c->out[0]);
    if (y == NULL)
        return MOTE_NO_MEMORY(c->diag, c->out[0]->bytes);
    if (mote_array_count(c->out[0]) != 0)
        memcpy(y, o[2].data, mote_array_count(c->out[0]) * mote_class_bytes(class));
    mote_narrow(c->out[0], y);
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_einsum)

#define EINSUM(t)                                                                                                      \
    .in = "Inputs*:T", .out = "Output:T", .types = MOTE_TYPES({"T", t, 0}), .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(STRING, "equation")),       \
    .infer = infer_einsum, .eval = eval_einsum, .doc = MOTE_DOC("sums of products, by letters for dimensions")
MOTE_OP(onnx, Einsum, 12, EINSUM(MOTE_T_NUM_7));
MOTE_OP(onnx, Einsum, 28, EINSUM(MOTE_DTYPES_NUMERIC));
