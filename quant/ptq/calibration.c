/* calibration.c - what the samples of a quantizer are like, and how others lie beside them
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/quantizer.h"
#include "quant/recipe/variant.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A range or scale counts as another from 5 % on; a sample sets a range when without it the range would be a third shorter. */
static const double changed = 0.05, sets = 1.5;

/* ---- seeing ---- */

mote_status mote_quant_begin_judge(mote_quantizer *q, mote_diag *diag)
{
    q->others = false;
    if (!q->o.judge || q->round != MOTE_ROUND_RANGES)
        return MOTE_OK;
    mote_judge_end(&q->judge);
    mote_observer_destroy(&q->half);
    mote_observer_destroy(&q->other);
    MOTE_TRY(mote_observer_create(q->o.allocator, &q->half));
    MOTE_TRY(mote_observer_create(q->o.allocator, &q->other));
    return mote_judge_begin(&q->judge, &q->heap, q->n_index) ? MOTE_OK : MOTE_NO_MEMORY(diag, q->n_index * sizeof(mote_judged));
}

bool mote_quantizer_others(mote_quantizer *q)
{
    if (q == NULL || !q->running || q->round != MOTE_ROUND_RANGES || !q->o.judge)
        return false;
    q->others = true;
    return true;
}

void mote_quantizer_sample(mote_quantizer *q, const char *name)
{
    if (q == NULL || !q->running || q->round != MOTE_ROUND_RANGES || !q->o.judge)
        return;
    if (q->others)
        q->calibration.others++;
    else
        mote_judge_sample(&q->judge, name != NULL ? name : "");
}

void mote_quant_judge_tensor(mote_quantizer *q, const char *name, const mote_named_value *named, const mote_tensor *t)
{
    for (size_t i = 0; i < q->module->graph->n_inputs; i++)
        if (mote_str_is(q->module->graph->inputs[i]->name, name))
            mote_judge_input(&q->judge, name, t);
    if (named == NULL)
        return;
    mote_judge_tensor(&q->judge, (size_t)(named - q->index), t);
}

/* ---- judging ---- */

static bool counts(const mote_quantizer *q, const mote_named_value *named)
{
    const mote_qvalue *k = &q->values[named->id];
    return q->any[MOTE_PRECISION_INT8] ? k->wanted && k->root == named->id : k->watched;
}

/* What even samples held: all less the odd ones. Counts in bins whose edges are powers of two times integers are exact. */
static void subtract(const mote_observation *all, const mote_observation *odd, uint64_t *bins, mote_observation *even)
{
    const int32_t half = MOTE_OBSERVER_BINS / 2, by = all->exponent - odd->exponent > 30 ? 30 : all->exponent - odd->exponent;
    *even = *all;
    even->histogram = bins;
    even->values = all->values - odd->values;
    even->times = all->times - odd->times;
    memcpy(bins, all->histogram, MOTE_OBSERVER_BINS * sizeof *bins);
    for (int32_t i = 0; i < MOTE_OBSERVER_BINS; i++) {
        const int32_t v = i - half;
        bins[half + (v >= 0 ? v >> by : -((-v - 1) >> by) - 1)] -= odd->histogram[i];
    }
}

static bool scale_differs(const mote_quantizer *q, const mote_value *v, const mote_qvalue *k, const mote_observation *seen)
{
    mote_scale s;
    if (seen->values == 0 || mote_quant_scale_from(q, v, k, seen, &s, NULL) != MOTE_OK)
        return true;
    return fabs((double)s.scale / (double)k->scale.scale - 1) > changed;
}

/* How many of the two halves, taken alone, would have given the tensor another scale. */
static size_t halves_that_differ(mote_quantizer *q, const mote_value *v, size_t at, uint64_t *bins)
{
    const mote_judged *t = &q->judge.tensors[at];
    const mote_qvalue *k = &q->values[v->id];
    mote_observation all = MOTE_OBSERVATION_INIT, odd = MOTE_OBSERVATION_INIT, even;
    if (mote_observer_find(q->seen, v->name.p, &all) != MOTE_OK || mote_observer_find(q->half, v->name.p, &odd) != MOTE_OK)
        return 0;
    subtract(&all, &odd, bins, &even);
    even.min = t->half_lo[0];
    even.max = t->half_hi[0];
    return (size_t)scale_differs(q, v, k, &even) + (size_t)scale_differs(q, v, k, &odd);
}

static const mote_value *value_of(const mote_quantizer *q, uint32_t id)
{
    for (const mote_value *v = q->module->graph->values; v != NULL; v = v->next)
        if (v->id == id)
            return v;
    return NULL;
}

static mote_status judge_ranges(mote_quantizer *q, const bool *counted, mote_diag *diag)
{
    mote_calibration *c = &q->calibration;
    size_t differ = 0;
    uint64_t *bins = mote_heap_calloc(&q->heap, MOTE_OBSERVER_BINS, sizeof *bins);
    if (bins == NULL)
        return MOTE_NO_MEMORY(diag, MOTE_OBSERVER_BINS * sizeof *bins);
    for (size_t i = 0; i < q->n_index; i++) {
        const mote_value *v = counted[i] ? value_of(q, q->index[i].id) : NULL;
        if (v == NULL)
            continue;
        c->ranges++;
        c->grown += mote_judge_growth(&q->judge.tensors[i], c->samples - c->samples / 4) > 1 + changed;
        if (q->any[MOTE_PRECISION_INT8] && c->samples > 1)
            differ += halves_that_differ(q, v, i, bins);
    }
    c->unsettled = q->any[MOTE_PRECISION_INT8] ? (double)differ / 2 : (double)NAN;
    mote_heap_free(&q->heap, bins, MOTE_OBSERVER_BINS * sizeof *bins);
    return MOTE_OK;
}

static int by_weight(const void *a, const void *b)
{
    const mote_finding *x = a, *y = b;
    if (x->kind != y->kind)
        return (int)x->kind - (int)y->kind;
    if (x->ranges != y->ranges)
        return x->ranges < y->ranges ? 1 : -1;
    return x->index < y->index ? -1 : x->index > y->index;
}

static mote_status find(mote_quantizer *q, mote_diag *diag)
{
    const mote_judge *j = &q->judge;
    mote_calibration *c = &q->calibration;
    size_t n = 0;
    q->findings = mote_arena_calloc(&q->arena, 3 * j->n_samples + 1, sizeof *q->findings);
    if (q->findings == NULL)
        return MOTE_NO_MEMORY(diag, j->n_samples * sizeof *q->findings);
    for (size_t i = 0; i < j->n_samples; i++) {
        const mote_judged_sample *s = &j->samples[i];
        const mote_finding one = {.struct_size = sizeof one, .sample = s->name, .index = i, .ranges = s->sets, .factor = s->factor};
        if (s->copy_of != i) {
            q->findings[n] = one;
            q->findings[n].kind = MOTE_FINDING_COPY;
            q->findings[n++].of = j->samples[s->copy_of].name;
        }
        if (s->constant) {
            q->findings[n] = one;
            q->findings[n++].kind = MOTE_FINDING_CONSTANT;
        }
        if (s->sets != 0) {
            q->findings[n] = one;
            q->findings[n].kind = MOTE_FINDING_OUTLIER;
            q->findings[n++].of = q->index[s->tensor].name.p;
        }
        c->copies += s->copy_of != i;
        c->constant += s->constant;
        c->outliers += s->sets != 0;
    }
    if (n != 0)
        qsort(q->findings, n, sizeof *q->findings, by_weight);
    c->findings = n;
    return MOTE_OK;
}

/* ---- beside others ---- */

typedef struct spread {
    double mean, deviation, outside;
} spread;

/* Ends are looked at in bins of the width 2^exponent / 1024, that both sides can have: what lies between an end and the next bin's edge is not told apart. */
static spread spread_of(const mote_observation *o, int32_t exponent, double lo, double hi)
{
    const double width = ldexp(1, o->exponent - 10), coarse = ldexp(1, exponent - 10);
    double sum = 0, squares = 0, outside = 0;
    for (int i = 0; i < MOTE_OBSERVER_BINS; i++) {
        const double n = (double)o->histogram[i], x = (i - MOTE_OBSERVER_BINS / 2 + 0.5) * width, bin = (floor(x / coarse) + 0.5) * coarse;
        sum += n * x;
        squares += n * x * x;
        outside += bin < lo - coarse / 2 || bin > hi + coarse / 2 ? n : 0;
    }
    const double n = fmax((double)o->values, 1), mean = sum / n;
    return (spread){mean, sqrt(fmax(squares / n - mean * mean, 0)), outside / n};
}

static mote_status compare_others(mote_quantizer *q, const bool *counted, mote_diag *diag)
{
    q->shifts = mote_arena_calloc(&q->arena, q->n_index + 1, sizeof *q->shifts);
    if (q->shifts == NULL)
        return MOTE_NO_MEMORY(diag, q->n_index * sizeof *q->shifts);
    for (size_t i = 0; i < q->n_index; i++) {
        mote_observation own = MOTE_OBSERVATION_INIT, other = MOTE_OBSERVATION_INIT;
        const mote_value *v = counted[i] ? value_of(q, q->index[i].id) : NULL;
        if (v == NULL || mote_observer_find(q->seen, v->name.p, &own) != MOTE_OK || mote_observer_find(q->other, v->name.p, &other) != MOTE_OK || own.values == 0 || other.values == 0)
            continue;
        const mote_scale *s = &q->values[v->id].scale;
        const bool integers = q->any[MOTE_PRECISION_INT8];
        const double lo = integers ? (double)s->scale * (mote_scale_least(s->type) - s->zero) : (double)own.min, hi = integers ? (double)s->scale * (mote_scale_most(s->type) - s->zero) : (double)own.max;
        const int32_t exponent = own.exponent > other.exponent ? own.exponent : other.exponent;
        const spread a = spread_of(&own, exponent, lo, hi), b = spread_of(&other, exponent, lo, hi);
        q->shifts[q->calibration.shifts++] = (mote_shift){sizeof(mote_shift), v->name.p, v->producer == NULL, lo, hi, (double)other.min, (double)other.max, a.outside, b.outside, a.mean, b.mean,
                                                          a.deviation, b.deviation};
    }
    return MOTE_OK;
}

mote_status mote_quant_end_judge(mote_quantizer *q, mote_diag *diag)
{
    if (!q->o.judge || q->judge.n_samples == 0)
        return MOTE_OK;
    q->calibration.samples = q->judge.n_samples;
    bool *counted = mote_arena_calloc(&q->arena, q->n_index + 1, sizeof *counted);
    if (counted == NULL)
        return MOTE_NO_MEMORY(diag, q->n_index);
    for (size_t i = 0; i < q->n_index; i++)
        counted[i] = counts(q, &q->index[i]);
    if (!mote_judge_finish(&q->judge, counted, sets))
        return MOTE_NO_MEMORY(diag, q->judge.n_samples * sizeof(mote_judged_sample));
    MOTE_TRY(judge_ranges(q, counted, diag));
    MOTE_TRY(find(q, diag));
    return q->calibration.others != 0 ? compare_others(q, counted, diag) : MOTE_OK;
}

mote_status mote_quant_check_samples(const mote_quantizer *q, mote_diag *diag)
{
    for (size_t i = 0; i < q->judge.n_samples; i++)
        MOTE_REQUIRE(!q->judge.samples[i].broken, diag, MOTE_E_VALUE, "the sample '%s' holds NaN or infinities", q->judge.samples[i].name);
    return MOTE_OK;
}

mote_status mote_quantizer_calibration(const mote_quantizer *q, mote_calibration *out)
{
    if (q == NULL || out == NULL || out->struct_size < sizeof *out || q->calibration.samples == 0)
        return MOTE_E_ARGUMENT;
    *out = q->calibration;
    out->struct_size = sizeof *out;
    return MOTE_OK;
}

mote_status mote_quantizer_finding_at(const mote_quantizer *q, size_t index, mote_finding *out)
{
    if (q == NULL || out == NULL || out->struct_size < sizeof *out || index >= q->calibration.findings)
        return MOTE_E_ARGUMENT;
    *out = q->findings[index];
    return MOTE_OK;
}

mote_status mote_quantizer_shift_at(const mote_quantizer *q, size_t index, mote_shift *out)
{
    if (q == NULL || out == NULL || out->struct_size < sizeof *out || index >= q->calibration.shifts)
        return MOTE_E_ARGUMENT;
    *out = q->shifts[index];
    return MOTE_OK;
}
