/* divergence.c - how far outputs lie from those of the original, over many samples
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/sensitivity/divergence.h"
#include <math.h>

static double row_kl(const float *p, const float *q, size_t n, bool *same)
{
    double top_p = -INFINITY, top_q = -INFINITY, sum_p = 0, sum_q = 0, dot = 0;
    size_t at_p = 0, at_q = 0;
    for (size_t i = 0; i < n; i++) {
        if ((double)p[i] > top_p) {
            top_p = (double)p[i];
            at_p = i;
        }
        if ((double)q[i] > top_q) {
            top_q = (double)q[i];
            at_q = i;
        }
    }
    for (size_t i = 0; i < n; i++) {
        const double e = exp((double)p[i] - top_p);
        sum_p += e;
        sum_q += exp((double)q[i] - top_q);
        dot += e * ((double)p[i] - top_p - ((double)q[i] - top_q));
    }
    *same = at_p == at_q;
    return fmax(dot / sum_p - log(sum_p) + log(sum_q), 0);
}

void mote_divergence_add(mote_divergence *d, const float *original, const float *given, size_t n, size_t width)
{
    for (size_t i = 0; i < n; i++) {
        const double a = (double)original[i], b = (double)given[i];
        if (!isfinite(a))
            continue;
        if (!isfinite(b)) {
            d->broken = true;
            continue;
        }
        d->signal += a * a;
        d->noise += (a - b) * (a - b);
        d->given += b * b;
        d->product += a * b;
    }
    for (size_t r = 0; width > 1 && r < n / width && !d->broken; r++) {
        bool same;
        const double kl = row_kl(original + r * width, given + r * width, width, &same);
        d->kl += isfinite(kl) ? kl : 0;
        d->same += same;
        d->rows++;
    }
}

double mote_divergence_ratio(const mote_divergence *d) { return d->broken ? INFINITY : d->noise == 0 ? 0 : d->signal > 0 ? d->noise / d->signal : INFINITY; }

double mote_divergence_sqnr_db(const mote_divergence *d)
{
    const double r = mote_divergence_ratio(d);
    return r == 0 ? INFINITY : -10 * log10(r);
}

double mote_divergence_cosine(const mote_divergence *d)
{
    if (d->broken)
        return 0;
    return d->signal == 0 && d->given == 0 ? 1 : d->signal > 0 && d->given > 0 ? d->product / (sqrt(d->signal) * sqrt(d->given)) : 0;
}

double mote_divergence_kl(const mote_divergence *d) { return d->rows != 0 ? d->kl / (double)d->rows : 0; }
