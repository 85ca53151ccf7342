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

static mote_status run_on(engine *e, const named_arrays *in, mote_diag *diag)
{
    MOTE_REQUIRE(!tool_interrupted, diag, MOTE_E_CANCELLED, "interrupted");
    MOTE_TRY(engine_feed(e, in, diag));
    return mote_session_run(e->session, NULL, diag);
}

static mote_status run_inside(pair *p, const named_arrays *in, size_t n_out, mote_diag *diag)
{
    for (size_t k = 0; k < 2; k++)
        MOTE_TRY(run_on(&p->inside[k], in, diag));
    const size_t n = engine_output_count(&p->inside[0]);
    if (p->layers == NULL) {
        p->n_layers = n > n_out ? n - n_out : 0;
        p->layers = calloc(p->n_layers + 1, sizeof *p->layers);
        if (p->layers == NULL)
            return MOTE_NO_MEMORY(diag, n * sizeof *p->layers);
    }
    for (size_t i = 0; i < p->n_layers; i++) {
        const mote_array a = engine_output(&p->inside[0], n_out + i), b = engine_output(&p->inside[1], n_out + i);
        MOTE_TRY(array_divergence(&b, &a, n_out + i, &p->layers[i], diag));
    }
    return MOTE_OK;
}

static mote_status run_with(pair *p, const engine *first, const named_arrays *in, mote_diag *diag)
{
    engine *second = &p->second.engine;
    MOTE_REQUIRE(!tool_interrupted, diag, MOTE_E_CANCELLED, "interrupted");
    MOTE_TRY(engine_feed(second, in, diag));
    for (size_t i = 0; i < in->n && p->second.prep != NULL; i++) /* it may say more than the first one's: what it was calibrated on */
        MOTE_TRY(mote_prep_check_range(p->second.prep, second->session, in->items[i].name, diag));
    MOTE_TRY(mote_session_run(second->session, NULL, diag));
    const size_t n = engine_output_count(first);
    MOTE_REQUIRE(n == engine_output_count(second), diag, MOTE_E_MISMATCH, "the models have %zu and %zu outputs", n, engine_output_count(second));
    p->n_out = n < PAIR_OUTPUTS ? n : PAIR_OUTPUTS;
    for (size_t i = 0; i < p->n_out; i++) {
        const mote_array a = engine_output(first, i), b = engine_output(second, i);
        if (a.dtype == MOTE_DTYPE_F32)
            MOTE_TRY(array_divergence(&b, &a, i, &p->each[i], diag));
    }
    if (p->inside[0].model != NULL && p->samples < PAIR_INSIDE)
        MOTE_TRY(run_inside(p, in, n, diag));
    p->samples++;
    return MOTE_OK;
}

mote_status pair_run(pair *p, const engine *first, mote_diag *diag)
{
    named_arrays in;
    MOTE_TRY(pair_check(first, diag));
    mote_status status = engine_inputs(first, &in, diag);
    if (status == MOTE_OK)
        status = run_with(p, first, &in, diag);
    free(in.items);
    return status;
}

void pair_free(pair *p)
{
    for (size_t k = 0; k < 2; k++)
        engine_close(&p->inside[k]);
    free(p->layers);
    p->layers = NULL;
    p->n_layers = 0;
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
