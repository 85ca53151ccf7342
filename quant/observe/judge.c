/* judge.c - what calibration samples are like
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/observe/judge.h"
#include "tensor/dtype.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

bool mote_judge_begin(mote_judge *j, mote_heap *heap, size_t n)
{
    *j = (mote_judge){.heap = heap, .n = n};
    j->tensors = mote_heap_calloc(heap, n + 1, sizeof *j->tensors);
    return j->tensors != NULL;
}

void mote_judge_end(mote_judge *j)
{
    if (j->heap == NULL)
        return;
    for (size_t i = 0; i < j->n_samples; i++)
        mote_heap_free(j->heap, j->samples[i].name, j->samples[i].name_bytes);
    mote_heap_free(j->heap, j->samples, j->cap * sizeof *j->samples);
    mote_heap_free(j->heap, j->tensors, (j->n + 1) * sizeof *j->tensors);
    *j = (mote_judge){.heap = NULL};
}

/* ---- what a sample holds ---- */

static void extremes(const float *x, size_t n, float *lo, float *hi)
{
    float least = *lo, most = *hi;
    for (size_t i = 0; i < n; i++) { /* NaN compares false: it is told by what observes */
        least = x[i] < least ? x[i] : least;
        most = x[i] > most ? x[i] : most;
    }
    *lo = least;
    *hi = most;
}

void mote_judge_tensor(mote_judge *j, size_t tensor, const mote_tensor *t)
{
    const size_t n = (size_t)mote_tensor_count(t);
    if (tensor >= j->n || t->dtype != MOTE_DTYPE_F32 || n == 0)
        return;
    mote_judged *k = &j->tensors[tensor];
    if (!k->seen)
        k->lo = INFINITY, k->hi = -INFINITY;
    k->seen = true;
    extremes(mote_tensor_map(t), n, &k->lo, &k->hi);
}

/* Two sums of 64 bits, a word at a time: copies are to be told from what only looks alike, not from what was made to look alike. */
static void hash_bytes(uint64_t h[2], const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t w = 0;
        memcpy(&w, p + i, n - i < 8 ? n - i : 8);
        h[0] = (h[0] ^ w) * 0x9e3779b97f4a7c15u;
        h[0] ^= h[0] >> 29;
        h[1] = (h[1] + w) * 0xbf58476d1ce4e5b9u;
        h[1] ^= h[1] >> 32;
    }
}

void mote_judge_input(mote_judge *j, const char *name, const mote_tensor *t)
{
    if (t->dtype == MOTE_DTYPE_STRING)
        return;
    const size_t n = (size_t)mote_tensor_count(t);
    const void *data = mote_tensor_map(t);
    hash_bytes(j->at.hash, name, strlen(name));
    hash_bytes(j->at.hash, t->shape, (size_t)t->rank * sizeof t->shape[0]);
    hash_bytes(j->at.hash, data, t->bytes);
    if (!mote_dtype_in(t->dtype, MOTE_DTYPES_FLOAT) || n < 2)
        return;
    const double first = mote_dtype_to_f64(t->dtype, data, 0);
    j->real = true;
    for (size_t i = 0; i < n; i++) {
        const double x = mote_dtype_to_f64(t->dtype, data, i);
        j->at.broken |= !isfinite(x);
        j->varied |= x != first;
    }
}

/* ---- what it adds ---- */

static void reach(mote_reach *r, float x, uint64_t sample)
{
    if (x > r->most) {
        r->next = r->most;
        r->most = x;
        r->sample = sample;
    } else if (x > r->next) {
        r->next = x;
    }
}

static void add_tensor(mote_judged *k, uint64_t sample)
{
    if (!k->seen)
        return;
    k->seen = false;
    if (!(k->lo <= k->hi))
        return;
    const size_t half = sample & 1;
    k->half_lo[half] = k->half_seen[half] ? fminf(k->half_lo[half], k->lo) : k->lo;
    k->half_hi[half] = k->half_seen[half] ? fmaxf(k->half_hi[half], k->hi) : k->hi;
    k->half_seen[half] = true;
    const float before_hi = k->up.most, before_lo = k->down.most;
    reach(&k->up, k->hi, sample);
    reach(&k->down, -k->lo, sample);
    if (k->up.most == before_hi && k->down.most == before_lo && k->n_growths != 0)
        return;
    if (k->n_growths == MOTE_GROWTHS) { /* the oldest matter least */
        memmove(k->growths, k->growths + 1, sizeof k->growths - sizeof k->growths[0]);
        k->n_growths--;
    }
    k->growths[k->n_growths++] = (mote_growth){sample, -k->down.most, k->up.most};
}

void mote_judge_sample(mote_judge *j, const char *name)
{
    const uint64_t sample = j->n_samples;
    void *items = j->samples;
    if (j->failed || !mote_heap_grow(j->heap, &items, &j->cap, j->n_samples + 1, sizeof *j->samples)) {
        j->failed = true;
        return;
    }
    j->samples = items;
    mote_judged_sample *s = &j->samples[j->n_samples];
    *s = j->at;
    s->constant = j->real && !j->varied;
    s->copy_of = sample;
    s->name_bytes = strlen(name) + 1;
    s->name = mote_heap_alloc(j->heap, s->name_bytes);
    if (s->name == NULL) {
        j->failed = true;
        return;
    }
    memcpy(s->name, name, s->name_bytes);
    j->n_samples++;
    for (size_t i = 0; i < j->n; i++)
        add_tensor(&j->tensors[i], sample);
    j->at = (mote_judged_sample){.name = NULL};
    j->real = j->varied = false;
}

/* ---- what comes of it ---- */

double mote_judge_growth(const mote_judged *t, uint64_t samples)
{
    double before = 0, all = 0;
    for (size_t i = 0; i < t->n_growths; i++) {
        all = (double)t->growths[i].hi - (double)t->growths[i].lo;
        before = t->growths[i].sample < samples ? all : before;
    }
    return before > 0 ? all / before : all > 0 ? INFINITY : 1;
}

static double range_without(const mote_judged *t, uint64_t sample)
{
    return (double)(t->up.sample == sample ? t->up.next : t->up.most) + (double)(t->down.sample == sample ? t->down.next : t->down.most);
}

static void find_setters(mote_judge *j, const bool *counts, double factor)
{
    for (size_t i = 0; i < j->n; i++) {
        const mote_judged *t = &j->tensors[i];
        const double all = (double)t->up.most + (double)t->down.most;
        const uint64_t who[2] = {t->up.sample, t->down.sample};
        for (size_t e = 0; e < 2 && counts[i] && all > 0; e++) {
            const double rest = range_without(t, who[e]), by = rest > 0 ? all / rest : (double)INFINITY;
            if (!(by > factor) || who[e] >= j->n_samples || (e == 1 && who[0] == who[1]))
                continue;
            mote_judged_sample *s = &j->samples[who[e]];
            s->sets++;
            if (by > s->factor) {
                s->factor = by;
                s->tensor = i;
            }
        }
    }
}

static int by_hash(const void *a, const void *b)
{
    const mote_judged_sample *x = *(mote_judged_sample *const *)a, *y = *(mote_judged_sample *const *)b;
    for (size_t i = 0; i < 2; i++)
        if (x->hash[i] != y->hash[i])
            return x->hash[i] < y->hash[i] ? -1 : 1;
    return x->copy_of < y->copy_of ? -1 : x->copy_of > y->copy_of; /* before copies are known, its own number */
}

bool mote_judge_finish(mote_judge *j, const bool *counts, double factor)
{
    mote_judged_sample **order = mote_heap_calloc(j->heap, j->n_samples + 1, sizeof *order);
    if (order == NULL || j->failed) {
        mote_heap_free(j->heap, order, (j->n_samples + 1) * sizeof *order);
        return false;
    }
    for (size_t i = 0; i < j->n_samples; i++) {
        order[i] = &j->samples[i];
        j->samples[i].copy_of = i;
        j->samples[i].sets = 0;
        j->samples[i].factor = 0;
    }
    qsort(order, j->n_samples, sizeof(void *), by_hash);
    for (size_t i = 1, first = 0; i < j->n_samples; i++) {
        if (order[i]->hash[0] == order[first]->hash[0] && order[i]->hash[1] == order[first]->hash[1])
            order[i]->copy_of = order[first]->copy_of;
        else
            first = i;
    }
    find_setters(j, counts, factor);
    mote_heap_free(j->heap, order, (j->n_samples + 1) * sizeof *order);
    return true;
}
