/* pair.c - a second model beside a first one, on the same inputs: how far outputs lie apart, which answers change
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pair.h"
#include "differ.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

mote_status pair_check(const engine *first, mote_diag *diag)
{
    for (size_t k = 0, n = engine_output_count(first); k < n; k++) {
        const mote_array a = engine_output(first, k);
        const float *x = a.data;
        for (size_t i = 0, count = a.dtype == MOTE_DTYPE_F32 ? mote_array_count(&a) : 0; i < count; i++)
            MOTE_REQUIRE(!isnan(x[i]), diag, MOTE_E_VALUE, "output %zu of the original is NaN on a sample", k);
    }
    return MOTE_OK;
}

mote_status pair_run(pair *p, const engine *first, mote_diag *diag)
{
    named_arrays in;
    engine *second = &p->second.engine;
    MOTE_TRY(pair_check(first, diag));
    MOTE_REQUIRE(!tool_interrupted, diag, MOTE_E_CANCELLED, "interrupted");
    mote_status status = engine_inputs(first, &in, diag);
    if (status == MOTE_OK)
        status = engine_feed(second, &in, diag);
    free(in.items);
    MOTE_TRY(status);
    MOTE_TRY(mote_session_run(second->session, NULL, diag));
    p->n_out = engine_output_count(first);
    MOTE_REQUIRE(p->n_out == engine_output_count(second), diag, MOTE_E_MISMATCH, "the models have %zu and %zu outputs", p->n_out, engine_output_count(second));
    p->n_out = p->n_out < PAIR_OUTPUTS ? p->n_out : PAIR_OUTPUTS;
    for (size_t i = 0; i < p->n_out; i++) {
        const mote_array a = engine_output(first, i), b = engine_output(second, i);
        if (a.dtype == MOTE_DTYPE_F32)
            MOTE_TRY(array_divergence(&b, &a, i, &p->each[i], diag));
    }
    p->samples++;
    return MOTE_OK;
}

void pair_answer(pair *p, bool same)
{
    p->answers++;
    p->same += same;
}

void pair_item(pair *p, bool first_right, bool second_right)
{
    p->items++;
    p->only[0] += first_right && !second_right;
    p->only[1] += second_right && !first_right;
}

size_t pair_output(const feed *f)
{
    const char *described = f->prep != NULL ? mote_prep_output_info(f->prep)->output : NULL;
    char name[ENGINE_NAME];
    for (size_t i = 0, n = engine_output_count(&f->engine); described != NULL && i < n; i++)
        if (strcmp(engine_output_name(&f->engine, i, name), described) == 0)
            return i;
    return 0;
}

bool pair_has_answers(const feed *f)
{
    const mote_prep_task task = f->prep != NULL ? mote_prep_output_info(f->prep)->task : MOTE_TASK_NONE;
    const mote_array a = engine_output(&f->engine, pair_output(f));
    if (a.dtype != MOTE_DTYPE_F32 || a.rank < 1 || a.dims[a.rank - 1] < 2)
        return false;
    return task != MOTE_TASK_NONE ? task == MOTE_TASK_CLASSIFY || task == MOTE_TASK_TAG : a.rank == 2 || (a.rank == 3 && a.dims[1] > 1);
}
