/* cpu_broadcast.c - rows of a broadcast
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "provider/cpu/cpu_broadcast.h"
#include <string.h>

bool mote_rows_make(mote_rows *r, const mote_array *out, const mote_array *const *in, unsigned operands)
{
    size_t dims[MOTE_MAX_RANK];
    ptrdiff_t stride[3][MOTE_MAX_RANK];
    memset(r, 0, sizeof *r);
    r->count = mote_array_count(out);
    for (unsigned k = 0; k < operands; k++) {
        ptrdiff_t s = 1;
        int32_t shift = out->rank - in[k]->rank;
        if (shift < 0)
            return false;
        for (int32_t i = out->rank - 1; i >= 0; i--) {
            int64_t d = i >= shift ? in[k]->dims[i - shift] : 1;
            if (d != out->dims[i] && d != 1)
                return false;
            stride[k][i] = d == 1 ? 0 : s;
            s *= (ptrdiff_t)d;
        }
    }
    /* From the innermost dimension out: merge where every operand's stride goes on, or repeats in both. */
    int m = 0;
    for (int32_t i = out->rank - 1; i >= 0; i--) {
        size_t n = (size_t)out->dims[i];
        if (n == 1)
            continue;
        bool merge = m > 0;
        for (unsigned k = 0; k < operands && merge; k++)
            merge = stride[k][i] == r->stride[k][m - 1] * (ptrdiff_t)dims[m - 1];
        if (merge) {
            dims[m - 1] *= n;
            continue;
        }
        dims[m] = n;
        for (unsigned k = 0; k < operands; k++)
            r->stride[k][m] = stride[k][i];
        m++;
    }
    r->n = m > 0 ? dims[0] : 1;
    for (unsigned k = 0; k < operands; k++)
        r->step[k] = m > 0 ? (size_t)r->stride[k][0] : 1;
    /* outermost first */
    r->rank = m > 0 ? m - 1 : 0;
    for (unsigned k = 0; k < operands; k++)
        for (int i = 0; i < r->rank; i++)
            stride[k][i] = r->stride[k][m - 1 - i];
    for (unsigned k = 0; k < operands; k++)
        memcpy(r->stride[k], stride[k], sizeof stride[k][0] * (size_t)r->rank);
    for (int i = 0; i < r->rank; i++)
        r->dims[i] = dims[m - 1 - i];
    return true;
}

void mote_walk_begin(mote_walk *w, const mote_rows *r, size_t begin, size_t end)
{
    memset(w, 0, sizeof *w);
    w->rows = r;
    w->at = begin;
    w->end = end;
    size_t row = r->n > 0 ? begin / r->n : 0;
    for (int i = r->rank - 1; i >= 0; i--) {
        w->index[i] = row % r->dims[i];
        row /= r->dims[i];
        for (int k = 0; k < 3; k++)
            w->base[k] += (ptrdiff_t)w->index[i] * r->stride[k][i];
    }
}

bool mote_walk_next(mote_walk *w)
{
    const mote_rows *r = w->rows;
    if (w->n > 0) { /* past the piece given last; at its row's end on to the next row */
        w->at += w->n;
        if (w->at % r->n == 0)
            for (int i = r->rank - 1; i >= 0; i--) {
                for (int k = 0; k < 3; k++)
                    w->base[k] += r->stride[k][i];
                if (++w->index[i] < r->dims[i])
                    break;
                for (int k = 0; k < 3; k++)
                    w->base[k] -= r->stride[k][i] * (ptrdiff_t)r->dims[i];
                w->index[i] = 0;
            }
    }
    if (w->at >= w->end)
        return false;
    size_t offset = w->at % r->n, left = r->n - offset;
    w->n = left < w->end - w->at ? left : w->end - w->at;
    for (int k = 0; k < 3; k++)
        w->at_in[k] = (size_t)w->base[k] + offset * r->step[k];
    return true;
}
