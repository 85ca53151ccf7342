/* resize.c - what passes ask of a Resize
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "passes/resize.h"
#include "passes/match.h"

uint32_t mote_resize_scales(const mote_node *n) { return n->def->since < 11 ? 1 : 2; }

bool mote_resize_grows(const mote_node *n, double *scales)
{
    if ((!mote_node_is(n, "", "Resize") && !mote_node_is(n, "", "Upsample")) || n->def == NULL || mote_match_in(n, 0) == NULL || mote_match_in(n, 3) != NULL ||
        mote_node_attr(n, "axes") != NULL || mote_node_attr(n, "scales") != NULL ||
        mote_str_is(mote_node_string(n, "coordinate_transformation_mode", ""), "tf_crop_and_resize"))
        return false;
    const mote_array *a = mote_value_const(mote_match_in(n, mote_resize_scales(n)));
    if (a == NULL || a->dtype != MOTE_DTYPE_F32 || a->rank != 1 || a->dims[0] < 1 || a->dims[0] != mote_match_in(n, 0)->type.rank)
        return false;
    for (int64_t i = 0; i < a->dims[0]; i++) {
        scales[i] = mote_array_f64(a, (size_t)i);
        if (!(scales[i] >= 1))
            return false;
    }
    return true;
}

bool mote_resize_copies(const mote_node *n, double *scales)
{
    if (!mote_resize_grows(n, scales) || !mote_str_is(mote_node_string(n, "mode", "nearest"), "nearest"))
        return false;
    for (int32_t i = 0; i < mote_match_in(n, 0)->type.rank; i++)
        if (scales[i] > 1)
            return true;
    return false;
}

bool mote_resize_repeats(const mote_node *n, double *scales)
{
    if (!mote_resize_copies(n, scales))
        return false;
    if (n->def->since < 11) /* floor(o / f), without attributes to say so */
        return true;
    const mote_str at = mote_node_string(n, "coordinate_transformation_mode", "half_pixel"), how = mote_node_string(n, "nearest_mode", "round_prefer_floor");
    if (mote_str_is(at, "asymmetric"))
        return mote_str_is(how, "floor");
    /* (o + 1/2) / f - 1/2 is less than 1/2 away from floor(o / f) */
    return mote_str_is(at, "half_pixel") && (mote_str_is(how, "round_prefer_floor") || mote_str_is(how, "round_prefer_ceil"));
}
