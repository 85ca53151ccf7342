/* differ.c - how far two arrays lie apart
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "differ.h"
#include <math.h>
#include <string.h>

static mote_status strings_equal(const mote_array *got, const mote_array *want, const char *name, mote_diag *diag)
{
    const mote_string *a = got->data, *b = want->data;
    for (size_t i = 0, n = mote_array_count(got); i < n; i++)
        MOTE_REQUIRE(a[i].length == b[i].length && (a[i].length == 0 || memcmp(a[i].data, b[i].data, a[i].length) == 0), diag, MOTE_E_MISMATCH,
                     "'%s'[%zu] is \"%.*s\", expected \"%.*s\"", name, i, (int)(a[i].length > 80 ? 80 : a[i].length), a[i].data,
                     (int)(b[i].length > 80 ? 80 : b[i].length), b[i].data);
    return MOTE_OK;
}

mote_status array_difference(const mote_array *got, const mote_array *want, double rtol, double atol, difference_rule rule, const char *name,
                             difference *d, mote_diag *diag)
{
    char seen[128], expected[128];
    *d = (difference){0, 0, 0, 0, 0};
    MOTE_REQUIRE(got->dtype == want->dtype && mote_array_same_shape(got, want), diag, MOTE_E_MISMATCH, "'%s' is %s, expected %s", name,
                 mote_array_describe(got, seen, sizeof seen), mote_array_describe(want, expected, sizeof expected));
    if (got->dtype == MOTE_DTYPE_STRING)
        return strings_equal(got, want, name, diag);
    bool complex = got->dtype == MOTE_DTYPE_C64 || got->dtype == MOTE_DTYPE_C128;
    mote_dtype type = got->dtype == MOTE_DTYPE_C64 ? MOTE_DTYPE_F32 : got->dtype == MOTE_DTYPE_C128 ? MOTE_DTYPE_F64 : got->dtype;
    size_t n = mote_array_count(got) * (complex ? 2 : 1), first = SIZE_MAX;
    bool real = mote_dtype_in(type, MOTE_DTYPES_FLOAT | MOTE_DTYPES_F8 | MOTE_DT(F4E2M1));
    double sum = 0, sum_want = 0;
    for (size_t i = 0; i < n; i++) {
        double b = mote_dtype_to_f64(type, want->data, i);
        d->max_want = isfinite(b) ? fmax(d->max_want, fabs(b)) : d->max_want;
    }
    for (size_t i = 0; i < n; i++) {
        double a = mote_dtype_to_f64(type, got->data, i), b = mote_dtype_to_f64(type, want->data, i);
        bool equal = real ? a == b || (isnan(a) && isnan(b)) : mote_dtype_to_i64(type, got->data, i) == mote_dtype_to_i64(type, want->data, i);
        double delta = equal ? 0 : fabs(a - b);
        bool finite = isfinite(delta) && isfinite(b);
        double bound = atol + rtol * (rule == DIFFERENCE_LARGEST ? d->max_want : fabs(b));
        bool in = equal || (real && finite && (rule == DIFFERENCE_RMS || delta <= bound));
        if (!in && first == SIZE_MAX)
            first = i;
        if (!finite && !equal)
            delta = INFINITY;
        if (delta > d->max_abs) {
            d->max_abs = delta;
            d->worst = i;
        }
        if (isfinite(b)) {
            sum += delta * delta;
            sum_want += b * b;
        }
    }
    if (n != 0) {
        d->rms = sqrt(sum / (double)n);
        d->rms_ratio = sum == 0 ? 0 : sqrt(sum / sum_want);
    }
    MOTE_REQUIRE(first == SIZE_MAX, diag, MOTE_E_MISMATCH, "'%s'[%zu] is %.9g, expected %.9g; largest difference %.3g at %zu, RMS ratio %.3g", name,
                 first, mote_dtype_to_f64(type, got->data, first), mote_dtype_to_f64(type, want->data, first), d->max_abs, d->worst, d->rms_ratio);
    MOTE_REQUIRE(rule != DIFFERENCE_RMS || d->rms_ratio <= rtol, diag, MOTE_E_MISMATCH, "'%s': RMS of the difference is %.3g of the expected output's, allowed %.3g", name,
                 d->rms_ratio, rtol);
    return MOTE_OK;
}

mote_status array_divergence(const mote_array *got, const mote_array *want, size_t index, mote_divergence *d, mote_diag *diag)
{
    MOTE_REQUIRE(got->dtype == MOTE_DTYPE_F32 && want->dtype == MOTE_DTYPE_F32 && mote_array_same_shape(got, want), diag, MOTE_E_MISMATCH,
                 "output %zu has another type or shape than the original's", index);
    const size_t width = got->rank > 0 && got->dims[got->rank - 1] > 1 ? (size_t)got->dims[got->rank - 1] : 1;
    mote_divergence_add(d, want->data, got->data, mote_array_count(got), width);
    return MOTE_OK;
}
