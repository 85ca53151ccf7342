/* cpu_shift.c - lowering of Shift: one move of memory for each row, in place where the register may be overwritten
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "ops/args.h"
#include "provider/cpu/lower.h"
#include <string.h>

typedef struct shift_params {
    size_t rows, kept, added;           /* bytes of a row: from S, then from X */
    size_t s_row, s_first, x_row, x_first; /* bytes from one row to the next, and before what is taken */
} shift_params;

static mote_status shift_run(const mote_step *step, mote_exec *x)
{
    (void)x;
    const shift_params *p = step->params;
    const char *s = step->in[0]->data, *add = step->in[1]->data;
    char *y = step->out[0]->data;
    const bool slid = y == s + p->s_first; /* the executor lets a loop's state slide: what is kept lies in its place */
    for (size_t r = 0; r < p->rows; r++, s += p->s_row, add += p->x_row, y += p->s_row) {
        if (!slid)
            memmove(y, s + p->s_first, p->kept); /* y may be s: then this row's end is overwritten below */
        memcpy(y + p->kept, add + p->x_first, p->added);
    }
    return MOTE_OK;
}

static mote_status lower_shift(mote_lower *l)
{
    const mote_array *s = l->in[0], *x = l->in[1], *y = l->out[0];
    int32_t axis;
    if (y == NULL || y->bytes == 0 || x->bytes == 0 ||
        mote_arg_axis(mote_node_int(l->node, "axis", 0), s->rank, "axis", NULL, &axis) != MOTE_OK)
        return MOTE_OK;
    size_t inner = mote_dtype_bits(s->dtype) / 8;
    for (int32_t d = axis + 1; d < s->rank; d++)
        inner *= (size_t)s->dims[d];
    const size_t n = (size_t)s->dims[axis], k = (size_t)x->dims[axis], keep = n > k ? n - k : 0;
    shift_params *p;
    MOTE_TRY(mote_lower_params(l, sizeof *p, (void **)&p));
    *p = (shift_params){.rows = s->bytes / (n * inner), .kept = keep * inner, .added = (n - keep) * inner, .s_row = n * inner,
                        .s_first = (n - keep) * inner, .x_row = k * inner, .x_first = (k - (n - keep)) * inner};
    l->run = shift_run;
    l->params = p;
    l->kernel = "shift";
    l->inplace = 1;
    return MOTE_OK;
}

MOTE_LOWER(mote, Shift, lower_shift)
