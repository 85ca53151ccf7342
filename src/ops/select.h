/* select.h - order among elements: keys that compare as values do, and the best of a row
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_SELECT_H
#define MOTE_OPS_SELECT_H

#include "ops/op.h"
#include <string.h>

/* Keys that are ordered and equal as the values are; zeros of both signs are one value, and NaN is above everything. */
MOTE_INLINE uint64_t mote_key_f64(double x)
{
    uint64_t u;
    if (x != x)
        return UINT64_MAX;
    x += 0.0;
    memcpy(&u, &x, sizeof u);
    return (u >> 63) != 0 ? ~u : u | UINT64_C(1) << 63;
}
MOTE_INLINE uint64_t mote_key_s64(int64_t x) { return (uint64_t)x ^ UINT64_C(1) << 63; }

/* at[0..k-1]: the places of the k largest of n keys, largest first, the lower place first among equals. k <= n. O(n log k). */
void mote_top_keys(const uint64_t *key, size_t n, size_t k, size_t *at);
/* The same of n floats, `stride` apart, with room for n keys: the largest (NaN first), or the smallest (NaN last). */
void mote_top_f32(const float *x, size_t stride, size_t n, bool max, size_t k, uint64_t *key, size_t *at);

/* ArgMax, ArgMin: x as [outer, n, inner]. */
typedef struct mote_axis_split {
    size_t outer, n, inner;
} mote_axis_split;
mote_status mote_axis_split_of(const mote_node *node, int64_t absent, const mote_array *x, mote_axis_split *s, mote_diag *diag);

#endif
