/* match.c - what passes ask of values and types
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/match.h"
#include <math.h>
#include <string.h>

enum { MATCH_ALL_MAX = 1 << 20 };

bool mote_match_same_type(const mote_type *a, const mote_type *b)
{
    if (a->kind != MOTE_KIND_TENSOR || b->kind != MOTE_KIND_TENSOR || a->dtype == MOTE_DTYPE_NONE || a->dtype != b->dtype || a->rank < 0 ||
        a->rank != b->rank)
        return false;
    for (int32_t i = 0; i < a->rank; i++)
        if (a->dims[i] == MOTE_DIM_UNKNOWN || a->dims[i] != b->dims[i])
            return false;
    return true;
}

static const mote_array *constant_of(const mote_value *v, mote_dtypes types)
{
    const mote_array *a = mote_value_const(v);
    return a != NULL && a->kind == MOTE_KIND_TENSOR && mote_dtype_in(a->dtype, types) ? a : NULL;
}

bool mote_match_ints(const mote_value *v, size_t max, int64_t *out, size_t *n)
{
    const mote_array *a = constant_of(v, MOTE_DTYPES_INT);
    if (a == NULL || a->rank > 1 || (*n = mote_array_count(a)) > max)
        return false;
    for (size_t i = 0; i < *n; i++)
        out[i] = mote_array_i64(a, i);
    return true;
}

bool mote_match_all(const mote_value *v, double x)
{
    const mote_array *a = constant_of(v, MOTE_DTYPES_NUMERIC);
    size_t n = a != NULL ? mote_array_count(a) : 0;
    if (n == 0 || n > MATCH_ALL_MAX)
        return false;
    bool real = mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT);
    for (size_t i = 0; i < n; i++) {
        double e = mote_array_f64(a, i);
        if (e != x || (real && signbit(e) != signbit(x)))
            return false;
    }
    return true;
}

bool mote_match_number(const mote_value *v, double *out)
{
    const mote_array *a = constant_of(v, MOTE_DTYPES_NUMERIC);
    if (a == NULL || mote_array_count(a) != 1)
        return false;
    *out = mote_array_f64(a, 0);
    return true;
}

bool mote_match_attr_or_input(const mote_node *n, const char *attr, uint32_t input, size_t max, int64_t *out, size_t *count, bool *given)
{
    *count = 0;
    const int64_t *ints = mote_node_ints(n, attr, count);
    if (mote_node_attr(n, attr) != NULL) {
        *given = true;
        if (*count > max)
            return false;
        if (*count != 0)
            memcpy(out, ints, *count * sizeof *out);
        return true;
    }
    const mote_value *v = mote_match_in(n, input);
    *given = v != NULL;
    return v == NULL || mote_match_ints(v, max, out, count);
}

mote_node *mote_match_made_by(const mote_value *v, const char *op)
{
    return v != NULL && mote_node_is(v->producer, "", op) ? v->producer : NULL;
}

bool mote_match_only_first(const mote_node *n)
{
    for (uint32_t i = 1; i < n->n_out; i++)
        if (n->out[i] != NULL && n->out[i]->uses != NULL)
            return false;
    return true;
}
