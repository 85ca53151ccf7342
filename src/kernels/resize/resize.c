/* resize.c - choice of a row of the resize family
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "kernels/resize/resize.h"

static const mote_resize_row rows[] = {
#define RESIZE(isa_name, isa, check)                                                                                   \
    {"mote_resize_" #isa_name, isa, check, mote_resize_blend_f32_##isa_name, mote_resize_cols_f32_##isa_name, mote_resize_pick32_##isa_name, \
     mote_resize_pick8_##isa_name, mote_resize_repeat32_##isa_name, mote_resize_widen_u8_##isa_name, mote_resize_narrow_u8_##isa_name},
#include "kernels/resize/resize.inc"
#undef RESIZE
};

const mote_resize_row *mote_resize_rows(size_t *count)
{
    *count = sizeof rows / sizeof rows[0];
    return rows;
}

const mote_resize_row *mote_resize_select(uint32_t cpu)
{
    const mote_resize_row *r = rows;
    while ((r->isa & ~cpu) != 0)
        r++;
    return r;
}
