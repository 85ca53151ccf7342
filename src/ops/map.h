/* map.h - elementwise functions over blocks, for the reference evaluations
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_MAP_H
#define MOTE_OPS_MAP_H

#include "ops/elements.h"

enum { MOTE_MAP_BLOCK = 256 };

/* x[k] = f(x[k]; p), k < n, in the class's type. A missing integer form is computed in double and truncated. */
typedef struct mote_map1 {
    void (*f32)(float *x, size_t n, const double *p);
    void (*f64)(double *x, size_t n, const double *p);
    void (*s64)(int64_t *x, size_t n, const double *p);
    void (*u64)(uint64_t *x, size_t n, const double *p);
} mote_map1;
/* Output 0 = f(input 0), types equal. */
mote_status mote_map_unary(mote_eval *c, const mote_map1 *f, const double *p);

/* a[k] = f(a[k], b[k]; p) */
typedef struct mote_map2 {
    void (*f32)(float *a, const float *b, size_t n, const double *p);
    void (*f64)(double *a, const double *b, size_t n, const double *p);
    void (*s64)(int64_t *a, const int64_t *b, size_t n, const double *p);
    void (*u64)(uint64_t *a, const uint64_t *b, size_t n, const double *p);
} mote_map2;
/* Output 0 = f(input 0, input 1), broadcast, types equal. */
mote_status mote_map_binary(mote_eval *c, const mote_map2 *f, const double *p);

/* y[k] = f(a[k], b[k]) as 0 or 1 */
typedef struct mote_map_test {
    void (*f32)(uint8_t *y, const float *a, const float *b, size_t n);
    void (*f64)(uint8_t *y, const double *a, const double *b, size_t n);
    void (*s64)(uint8_t *y, const int64_t *a, const int64_t *b, size_t n);
    void (*u64)(uint8_t *y, const uint64_t *a, const uint64_t *b, size_t n);
} mote_map_test;
mote_status mote_map_compare(mote_eval *c, const mote_map_test *f);

#endif
