/* print.c - names, texts and output tensors for readers and programs
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "print.h"
#include <math.h>

/* The length of what is not shown as it is: a control character (C0, DEL, or C1 in UTF-8), a byte that is no UTF-8; 0 for anything else. */
static size_t control(const unsigned char *p, size_t n)
{
    if (p[0] < 0x20 || p[0] == 0x7f || mote_utf8_length(p, n) == 0)
        return 1;
    return n >= 2 && p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0 ? 2 : 0;
}

const char *visible(mote_str s)
{
    enum { MOST = 500 };
    static char texts[8][4 * MOST + 1];
    static unsigned next;
    char *out = texts[next++ % 8], *at = out;
    for (size_t i = 0, n = s.n > MOST ? MOST : s.n; i < n;) {
        size_t k = control((const unsigned char *)s.p + i, n - i);
        for (size_t end = i + k; i < end; i++, at += 4)
            snprintf(at, 5, "\\x%02x", (unsigned char)s.p[i]);
        for (size_t end = i + (k == 0 ? mote_utf8_length(s.p + i, n - i) : 0); i < end;)
            *at++ = s.p[i++];
    }
    *at = 0;
    return out;
}

const char *visible_c(const char *s) { return visible(mote_str_c(s)); }

void print_visible(const char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t k = p[i] == '\n' || p[i] == '\t' ? 0 : control((const unsigned char *)p + i, n - i);
        for (size_t end = i + k; i < end; i++)
            printf("\\x%02x", (unsigned char)p[i]);
        for (size_t end = i + (k == 0 ? mote_utf8_length(p + i, n - i) : 0); i < end;)
            putchar(p[i++]);
    }
}

void print_output(const char *name, const mote_array *a)
{
    char type[128];
    printf("%s  %s", visible_c(name), mote_array_describe(a, type, sizeof type));
    size_t n = mote_array_count(a);
    if (a->dtype == MOTE_DTYPE_STRING) {
        for (size_t i = 0; i < n && i < 8; i++)
            printf(" \"%s\"", visible((mote_str){((const mote_string *)a->data)[i].data, ((const mote_string *)a->data)[i].length}));
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
