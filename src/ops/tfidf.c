/* tfidf.c - TfIdfVectorizer
 * SPDX-License-Identifier: Apache-2.0
 *
 * Source: ONNX TfIdfVectorizer-9. The pool's n-grams are sorted by length and content; each window of a row (of every length, with every number of items
 * skipped between two of its own) is looked up by bisection. */
#include "base/platform.h"
#include "ops/types.h"
#include "ops/wide.h"
#include <stdlib.h>
#include <string.h>

/* An item of the pool or of a row. */
typedef struct item {
    mote_str s;
    int64_t i;
} item;

typedef struct gram {
    const item *items;
    size_t n, id;
} gram;

static int compare_items(const item *a, const item *b)
{
    if (a->i != b->i)
        return a->i < b->i ? -1 : 1;
    return mote_str_compare(a->s, b->s);
}

static int compare_grams(const void *x, const void *y)
{
    const gram *a = x, *b = y;
    if (a->n != b->n)
        return a->n < b->n ? -1 : 1;
    for (size_t k = 0; k < a->n; k++) {
        const int c = compare_items(&a->items[k], &b->items[k]);
        if (c != 0)
            return c;
    }
    return 0;
}

static int compare_ids(const void *x, const void *y) /* of equal n-grams the last counts */
{
    const int c = compare_grams(x, y);
    const gram *a = x, *b = y;
    return c != 0 ? c : (a->id < b->id) - (a->id > b->id);
}

typedef struct vectorizer {
    size_t least, most, skip, columns, n_grams;
    const int64_t *indexes;
    const float *weights; /* of the columns */
    bool counts, weighed; /* counts: how often, else whether */
    gram *grams;
} vectorizer;

/* The columns of the output: the largest of ngram_indexes and 1. */
static mote_status columns_of(const mote_node *n, int64_t *columns, mote_diag *diag)
{
    size_t count;
    const int64_t *indexes = mote_node_ints(n, "ngram_indexes", &count);
    *columns = 0;
    for (size_t i = 0; i < count; i++) {
        MOTE_REQUIRE(indexes[i] >= 0 && indexes[i] < INT32_MAX, diag, MOTE_E_VALUE, "ngram_indexes[%zu] is %lld", i, (long long)indexes[i]);
        *columns = indexes[i] >= *columns ? indexes[i] + 1 : *columns;
    }
    return MOTE_OK;
}

static mote_status infer_tfidf(mote_infer *c)
{
    const mote_type *x = c->in[0];
    int64_t columns, dims[2];
    MOTE_TRY(columns_of(c->node, &columns, c->diag));
    MOTE_REQUIRE(x->rank <= 2, c->diag, MOTE_E_SHAPE, "X has rank %d, expected at most 2", x->rank);
    if (x->rank < 0) {
        mote_infer_out(c, 0, MOTE_DTYPE_F32, -1, NULL);
        return MOTE_OK;
    }
    dims[0] = x->rank == 2 ? x->dims[0] : columns;
    dims[1] = columns;
    mote_infer_out(c, 0, MOTE_DTYPE_F32, x->rank == 2 ? 2 : 1, dims);
    return MOTE_OK;
}

static mote_status read_pool(mote_eval *c, mote_arena *temp, item **items, size_t *n)
{
    const mote_attr *strings = mote_node_attr(c->node, "pool_strings");
    size_t count;
    const int64_t *ints = mote_node_ints(c->node, "pool_int64s", &count);
    const bool text = c->in[0]->dtype == MOTE_DTYPE_STRING;
    MOTE_REQUIRE(text ? strings != NULL : ints != NULL, c->diag, MOTE_E_MODEL, "X is %s, and there is no %s", mote_dtype_name(c->in[0]->dtype),
                 text ? "pool_strings" : "pool_int64s");
    *n = text ? strings->n : count;
    *items = mote_temp(temp, *n + 1, sizeof **items, c->diag);
    if (*items == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < *n; i++)
        (*items)[i] = text ? (item){.s = strings->strings[i]} : (item){.i = ints[i]};
    return MOTE_OK;
}

static mote_status read_grams(mote_eval *c, mote_arena *temp, vectorizer *v)
{
    item *pool = NULL;
    size_t n = 0, n_counts, n_indexes, id = 0;
    const int64_t *counts = mote_node_ints(c->node, "ngram_counts", &n_counts);
    v->indexes = mote_node_ints(c->node, "ngram_indexes", &n_indexes);
    MOTE_TRY(read_pool(c, temp, &pool, &n));
    v->grams = mote_temp(temp, n + 1, sizeof *v->grams, c->diag);
    if (v->grams == NULL)
        return MOTE_E_MEMORY;
    for (size_t k = 0; k < n_counts; k++) {
        const int64_t first = counts[k], end = k + 1 < n_counts ? counts[k + 1] : (int64_t)n;
        MOTE_REQUIRE(first >= 0 && first <= end && end <= (int64_t)n && (end - first) % (int64_t)(k + 1) == 0, c->diag, MOTE_E_VALUE,
                     "ngram_counts[%zu] is %lld, the next begins at %lld of %zu: not a whole number of %zu-grams", k, (long long)first, (long long)end, n, k + 1);
        for (int64_t at = first; at < end; at += (int64_t)(k + 1), id++)
            if (k + 1 >= v->least && k + 1 <= v->most)
                v->grams[v->n_grams++] = (gram){pool + at, k + 1, id};
    }
    MOTE_REQUIRE(id <= n_indexes, c->diag, MOTE_E_VALUE, "the pool has %zu n-grams, ngram_indexes %zu", id, n_indexes);
    if (v->n_grams != 0)
        qsort(v->grams, v->n_grams, sizeof *v->grams, compare_ids);
    return MOTE_OK;
}

/* One for each n-gram of the pool, in its order: here for the column that the n-gram counts in. */
static mote_status read_weights(mote_eval *c, mote_arena *temp, vectorizer *v)
{
    size_t n, n_indexes;
    const float *weights = mote_node_floats(c->node, "weights", &n);
    (void)mote_node_ints(c->node, "ngram_indexes", &n_indexes);
    if (n == 0)
        return MOTE_OK;
    MOTE_REQUIRE(n == n_indexes, c->diag, MOTE_E_VALUE, "weights has %zu values, ngram_indexes %zu", n, n_indexes);
    float *of = mote_temp(temp, v->columns + 1, sizeof *of, c->diag);
    if (of == NULL)
        return MOTE_E_MEMORY;
    for (size_t i = 0; i < n; i++)
        of[v->indexes[i]] = weights[i];
    v->weights = of;
    return MOTE_OK;
}

static mote_status vectorizer_of(mote_eval *c, mote_arena *temp, vectorizer *v)
{
    const mote_str mode = mote_node_string(c->node, "mode", "");
    const int64_t least = mote_node_int(c->node, "min_gram_length", 1), most = mote_node_int(c->node, "max_gram_length", 1), skip = mote_node_int(c->node, "max_skip_count", 0);
    int64_t columns;
    *v = (vectorizer){0};
    MOTE_TRY(columns_of(c->node, &columns, c->diag));
    MOTE_REQUIRE(least >= 1 && most >= least && most <= INT32_MAX, c->diag, MOTE_E_VALUE, "min_gram_length is %lld and max_gram_length %lld", (long long)least, (long long)most);
    MOTE_REQUIRE(skip >= 0 && skip < INT32_MAX, c->diag, MOTE_E_VALUE, "max_skip_count is %lld", (long long)skip);
    MOTE_REQUIRE(mote_str_is(mode, "TF") || mote_str_is(mode, "IDF") || mote_str_is(mode, "TFIDF"), c->diag, MOTE_E_VALUE, "mode is '%.*s', expected TF, IDF or TFIDF",
                 MOTE_STR_ARG(mode));
    *v = (vectorizer){.least = (size_t)least, .most = (size_t)most, .skip = (size_t)skip, .columns = (size_t)columns, .counts = !mote_str_is(mode, "IDF"),
                      .weighed = !mote_str_is(mode, "TF")};
    MOTE_TRY(read_grams(c, temp, v));
    return v->weighed ? read_weights(c, temp, v) : MOTE_OK;
}

/* Adds to y what begins at item 0 of n; window: room for the longest n-gram. */
static void count_windows(const vectorizer *v, const item *row, size_t n, size_t distance, size_t least, item *window, float *y)
{
    for (size_t size = least; size <= v->most && (size - 1) <= (n - 1) / distance; size++) {
        for (size_t k = 0; k < size; k++)
            window[k] = row[k * distance];
        const gram key = {window, size, 0};
        const gram *found = bsearch(&key, v->grams, v->n_grams, sizeof *v->grams, compare_grams);
        if (found == NULL)
            continue;
        while (found > v->grams && compare_grams(found - 1, &key) == 0)
            found--;
        y[v->indexes[found->id]] += 1;
    }
}

static mote_status eval_tfidf_temp(mote_eval *c, mote_arena *temp)
{
    const mote_array *x = c->in[0];
    vectorizer v;
    MOTE_REQUIRE(x->rank <= 2, c->diag, MOTE_E_SHAPE, "X has rank %d, expected at most 2", x->rank);
    MOTE_TRY(vectorizer_of(c, temp, &v));
    const size_t rows = x->rank == 2 ? (size_t)x->dims[0] : 1, n = x->rank == 0 ? 1 : (size_t)x->dims[x->rank - 1];
    size_t longest = 0;
    for (size_t i = 0; i < v.n_grams; i++)
        longest = v.grams[i].n > longest ? v.grams[i].n : longest;
    v.most = longest < v.most ? longest : v.most; /* longer ones are not in the pool */
    item *row = mote_temp(temp, n + 1, sizeof *row, c->diag), *window = mote_temp(temp, longest + 1, sizeof *window, c->diag);
    if (row == NULL || window == NULL)
        return MOTE_E_MEMORY;
    float *y = c->out[0]->data;
    for (size_t r = 0; r < rows; r++, y += v.columns) {
        memset(y, 0, v.columns * sizeof *y);
        for (size_t i = 0; i < n; i++) {
            const mote_string *s = (const mote_string *)x->data + (x->dtype == MOTE_DTYPE_STRING ? r * n + i : 0);
            row[i] = x->dtype == MOTE_DTYPE_STRING ? (item){.s = {s->data, s->length}} : (item){.i = mote_array_i64(x, r * n + i)};
        }
        for (size_t distance = 1; distance <= v.skip + 1 && (distance == 1 || distance < n); distance++) {
            const size_t least = distance > 1 && v.least == 1 ? 2 : v.least; /* single items are counted once */
            MOTE_TRY(c->tick(c));
            for (size_t i = 0; i < n && v.n_grams != 0; i++)
                count_windows(&v, row + i, n - i, distance, least, window, y);
        }
        for (size_t k = 0; k < v.columns; k++) {
            y[k] = v.counts ? y[k] : y[k] > 0;
            if (v.weights != NULL)
                y[k] *= v.weights[k];
        }
    }
    return MOTE_OK;
}
MOTE_EVAL_TEMP(eval_tfidf)

MOTE_OP(onnx, TfIdfVectorizer, 9, .in = "X:T", .out = "Y:T1", .types = MOTE_TYPES({"T", MOTE_DT(STRING) | MOTE_T_INDEX, 0}, {"T1", MOTE_DT(F32), 0}),
        .attrs = MOTE_ATTRS(MOTE_A_REQUIRED(INT, "max_gram_length"), MOTE_A_REQUIRED(INT, "max_skip_count"), MOTE_A_REQUIRED(INT, "min_gram_length"),
                  MOTE_A_REQUIRED(STRING, "mode"), MOTE_A_REQUIRED(INTS, "ngram_counts"), MOTE_A_REQUIRED(INTS, "ngram_indexes"), MOTE_A(INTS, "pool_int64s"),
                  MOTE_A(STRINGS, "pool_strings"), MOTE_A(FLOATS, "weights")),
        .infer = infer_tfidf, .eval = eval_tfidf, .doc = MOTE_DOC("how often each n-gram of the pool stands in a row, weighed"));
