/* calibrated.c - a description against the one that the model was calibrated with
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "pipeline/prep/prep.h"
#include <math.h>
#include <string.h>

/* Pictures reach what their description can give, a quarter beyond. Sounds may be louder than those of calibration, up to 64 times full scale or what was seen. Other values may be 64 times as
 * large; of the other sign only where both were seen, or by a quarter. */
bool mote_prep_bounds(const mote_prep_input *in, double *low, double *high)
{
    double lo = in->observed_low, hi = in->observed_high;
    *low = *high = 0;
    if (!in->has_observed || in->framed || in->streamed)
        return false;
    if (in->kind == MOTE_PREP_IMAGE) {
        double least, most;
        mote_prep_image_range(&in->image, &least, &most);
        lo = fmin(lo, least);
        hi = fmax(hi, most);
        *low = lo - (hi - lo) / 4;
        *high = hi + (hi - lo) / 4;
        return true;
    }
    double largest = fmax(fabs(lo), fabs(hi));
    if (in->kind == MOTE_PREP_AUDIO) {
        largest = fmax(largest, 1);
        lo = -1;
        hi = 1;
    }
    *low = lo >= 0 ? -largest / 4 : -64 * largest;
    *high = hi <= 0 ? largest / 4 : 64 * largest;
    return true;
}

static mote_status agree_on_picture(const mote_prep_input *in, const mote_prep_input *was, mote_diag *diag)
{
    double low, high, least, most, from, to;
    mote_prep_image_range(&in->image, &low, &high);
    if (was->kind == MOTE_PREP_IMAGE) {
        mote_prep_image_range(&was->image, &from, &to);
        const double slack = (to - from) / 10;
        MOTE_REQUIRE(fabs(low - from) <= slack && fabs(high - to) <= slack, diag, MOTE_E_VALUE,
                     "preprocessing: inputs.%s makes pictures into [%g, %g], the model was calibrated with [%g, %g]", in->name, low, high, from, to);
    } else if (mote_prep_bounds(was, &least, &most)) {
        MOTE_REQUIRE(low >= least && high <= most, diag, MOTE_E_VALUE, "preprocessing: inputs.%s makes pictures into [%g, %g], the model was calibrated on [%g, %g]", in->name, low, high,
                     was->observed_low, was->observed_high);
    }
    return MOTE_OK;
}

static mote_status agree_on_input(mote_prep_input *in, const mote_prep_input *was, mote_diag *diag)
{
    MOTE_REQUIRE(in->sampling_rate == 0 || was->sampling_rate == 0 || in->sampling_rate == was->sampling_rate, diag, MOTE_E_VALUE,
                 "preprocessing: inputs.%s.sampling_rate is %u, the model was calibrated with %u", in->name, (unsigned)in->sampling_rate, (unsigned)was->sampling_rate);
    if (!was->has_observed || in->has_observed)
        return MOTE_OK;
    in->has_observed = true;
    in->observed_low = was->observed_low;
    in->observed_high = was->observed_high;
    return in->kind == MOTE_PREP_IMAGE ? agree_on_picture(in, was, diag) : MOTE_OK;
}

static mote_status agree(mote_prep *p, const mote_prep *was, mote_diag *diag)
{
    if (was->samples == 0)
        return MOTE_OK;
    for (size_t i = 0; i < p->n_inputs; i++) {
        const mote_prep_input *own = mote_prep_input_find(was, p->inputs[i].name, MOTE_PREP_ARRAY);
        if (own != NULL)
            MOTE_TRY(agree_on_input(&p->inputs[i], own, diag));
    }
    const char *own = was->tokenizer.vocab_sha256, *sum = p->tokenizer.vocab_sha256;
    if (own == NULL || !p->has_tokenizer)
        return MOTE_OK;
    MOTE_REQUIRE(sum == NULL || strcmp(sum, own) == 0, diag, MOTE_E_VALUE, "preprocessing: tokenizer.vocab_sha256 is %s, the model was calibrated with %s", sum, own);
    p->tokenizer.vocab_sha256 = mote_arena_str(&p->arena, mote_str_c(own)).p;
    return p->tokenizer.vocab_sha256 != NULL ? MOTE_OK : MOTE_NO_MEMORY(diag, 64);
}

mote_status mote_prep_agree(mote_prep *p, mote_diag *diag)
{
    const char *own = mote_model_metadata(p->model, MOTE_PREP_KEY);
    mote_diag ignored = MOTE_DIAG_INIT;
    if (own == NULL)
        return MOTE_OK;
    mote_prep was = {.model = p->model};
    mote_heap_init(&was.heap, &p->heap.allocator, 0);
    mote_arena_init(&was.arena, &was.heap);
    mote_status status = MOTE_OK;
    if (mote_prep_parse(&was, mote_str_c(own), &ignored) == MOTE_OK) /* one that cannot be read says nothing: the other holds */
        status = agree(p, &was, diag);
    mote_arena_deinit(&was.arena);
    return status;
}
