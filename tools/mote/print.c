/* print.c - output tensors for readers and programs
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include <math.h>

void print_output(const char *name, const mote_array *a)
{
    char type[128];
    printf("%s  %s", name, mote_array_describe(a, type, sizeof type));
    size_t n = mote_array_count(a);
    if (a->dtype == MOTE_DTYPE_STRING) {
        for (size_t i = 0; i < n && i < 8; i++)
            printf(" \"%.*s\"", (int)((const mote_string *)a->data)[i].length, ((const mote_string *)a->data)[i].data);
        printf("\n");
        return;
    }
    if (mote_dtype_in(a->dtype, MOTE_DTYPES_COMPLEX) || n == 0) {
        printf("\n");
        return;
    }
    double low = INFINITY, high = -INFINITY, sum = 0;
    for (size_t i = 0; i < n; i++) {
        double x = mote_array_f64(a, i);
        low = fmin(low, x);
        high = fmax(high, x);
        sum += x;
    }
    printf("  min %.6g  max %.6g  mean %.6g\n   ", low, high, sum / (double)n);
    for (size_t i = 0; i < n && i < 8; i++)
        printf(" %.6g", mote_array_f64(a, i));
    printf(n > 8 ? " ...\n" : "\n");
}

json_t *print_output_json(const char *name, const mote_array *a)
{
    enum { MAX_VALUES = 100000 };
    json_t *shape = json_array(), *values = json_array();
    for (int32_t d = 0; d < a->rank; d++)
        json_array_append_new(shape, json_integer(a->dims[d]));
    size_t n = mote_array_count(a), shown = n > MAX_VALUES ? 0 : n;
    bool real = mote_dtype_in(a->dtype, MOTE_DTYPES_FLOAT | MOTE_DTYPES_F8 | MOTE_DT(F4E2M1));
    for (size_t i = 0; i < shown && !mote_dtype_in(a->dtype, MOTE_DTYPES_COMPLEX); i++) {
        json_t *v;
        if (a->dtype == MOTE_DTYPE_STRING)
            v = json_stringn(((const mote_string *)a->data)[i].data, ((const mote_string *)a->data)[i].length);
        else
            v = real ? json_double(mote_array_f64(a, i)) : json_integer(mote_array_i64(a, i));
        json_array_append_new(values, v != NULL ? v : json_null());
    }
    json_t *j = json_pack("{s:s, s:s, s:o, s:o, s:b}", "name", name, "dtype", mote_dtype_name(a->dtype), "shape", shape, "values", values, "abbreviated",
                          shown != n);
    return j != NULL ? j : json_null();
}
