/* range.c - scale and zero point of a tensor from what it held
 * SPDX-License-Identifier: Apache-2.0
 *
 * Everything is computed from the observer's histogram: 2,048 bins, whatever the number of samples. Sources: entropy as Migacz, "8-bit inference with
 * TensorRT", 2017; MSE: the rounding error of a uniform quantizer, s^2/12 a value, plus what clipping takes, minimised over both ends in turn. */
#include "base/platform.h"
#include "quant/ptq/range.h"
#include <float.h>
#include <math.h>

enum { BINS = MOTE_OBSERVER_BINS, HALF = BINS / 2, STEPS = 100, SWEEPS = 3 };

int32_t mote_scale_least(mote_dtype type)
{
    return type == MOTE_DTYPE_S8 ? -128 : type == MOTE_DTYPE_S16 ? -32768 : 0;
}

int32_t mote_scale_most(mote_dtype type)
{
    return type == MOTE_DTYPE_S8 ? 127 : type == MOTE_DTYPE_S16 ? 32767 : type == MOTE_DTYPE_U16 ? 65535 : 255;
}

mote_scale mote_scale_of(mote_range r, mote_dtype type, bool symmetric)
{
    const int32_t least = mote_scale_least(type), most = mote_scale_most(type);
    const double lo = fmin((double)r.lo, 0), hi = fmax((double)r.hi, 0);
    double scale;
    int32_t zero;
    if (symmetric) {
        zero = least < 0 ? 0 : (most + 1) / 2;
        scale = fmax(-lo, hi) / (double)(most - zero);
    } else {
        scale = (hi - lo) / (double)(most - least);
        const double z = scale > 0 ? rint((double)least - lo / scale) : least;
        zero = z < least ? least : z > most ? most : (int32_t)z;
    }
    const float s = (float)scale;
    return (mote_scale){s >= FLT_MIN * 0x1p24f ? s : 1, zero, type};
}

double mote_range_hardswish(double x, double p)
{
    (void)p;
    return x * fmin(fmax(x / 6 + 0.5, 0), 1);
}

/* ---- methods ---- */

typedef struct bins {
    const uint64_t *count;
    int n; /* at most BINS */
    double width, min, max;
} bins;

static double centre(const bins *b, int i)
{
    const double c = ((double)(i - b->n / 2) + 0.5) * b->width;
    return c < b->min ? b->min : c > b->max ? b->max : c;
}

/* The least range that leaves out at most a share `out` of the values at each end. */
static mote_range percentile(const bins *b, uint64_t total, double out)
{
    const double drop = (double)total * out;
    double n = 0;
    int lo = 0, hi = BINS - 1;
    while (lo < BINS && n + (double)b->count[lo] <= drop)
        n += (double)b->count[lo++];
    n = 0;
    while (hi > lo && n + (double)b->count[hi] <= drop)
        n += (double)b->count[hi--];
    return (mote_range){(float)fmax((lo - HALF) * b->width, b->min), (float)fmin((hi - HALF + 1) * b->width, b->max)};
}

/* What each bin's values count for, and what they are behind the next operator. */
typedef struct behind_bins {
    double value[BINS], slope2[BINS]; /* f(c), f'(c)^2 */
} behind_bins;

static void look_behind(const bins *b, mote_range_behind f, double p, behind_bins *out)
{
    for (int i = 0; i < b->n; i++) {
        const double c = centre(b, i);
        out->value[i] = f == NULL ? c : f(c, p);
        if (f == NULL) {
            out->slope2[i] = 1;
        } else {
            const double h = b->width / 2, d = (f(c + h, p) - f(c - h, p)) / (2 * h);
            out->slope2[i] = d * d;
        }
    }
}

static double mse(const bins *b, const behind_bins *v, mote_range_behind f, double p, double lo, double hi, unsigned levels)
{
    const double s = (hi - lo) / (levels - 1), noise = s * s / 12, at_lo = f == NULL ? lo : f(lo, p), at_hi = f == NULL ? hi : f(hi, p);
    double sum = 0;
    for (int i = 0; i < b->n; i++) {
        if (b->count[i] == 0)
            continue;
        const double c = centre(b, i), n = (double)b->count[i];
        const double cut = c < lo - s / 2 ? v->value[i] - at_lo : c > hi + s / 2 ? v->value[i] - at_hi : 0;
        sum += n * (cut != 0 ? cut * cut : noise * v->slope2[i]);
    }
    return sum;
}

static mote_range least_mse(const bins *b, mote_range_behind f, double p, unsigned levels)
{
    static const double smallest = 0.15; /* of an end's extreme */
    const double min = fmin(b->min, 0), max = fmax(b->max, 0);
    behind_bins v;
    look_behind(b, f, p, &v);
    double lo = min, hi = max, best = mse(b, &v, f, p, lo, hi, levels);
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int end = 0; end < 2; end++) {
            if ((end == 0 ? min : max) == 0)
                continue;
            for (int k = 0; k <= STEPS; k++) { /* the last: nothing on that side */
                const double part = k == STEPS ? 0 : 1 - (1 - smallest) * k / (STEPS - 1), l = end == 0 ? min * part : lo, h = end == 0 ? hi : max * part;
                if (!(h > l))
                    continue;
                const double e = mse(b, &v, f, p, l, h, levels);
                if (e < best * (1 - 1e-9)) {
                    best = e;
                    lo = l;
                    hi = h;
                }
            }
        }
    return (mote_range){(float)lo, (float)hi};
}

/* The width, in bins on each side of 0, whose quantization to `levels` loses the least information (KL divergence). */
static mote_range least_entropy(const bins *b, unsigned levels)
{
    enum { LEAST = 64 };
    double h[HALF], best = INFINITY;
    int best_n = HALF;
    const int groups = (int)(levels / 2 < HALF ? levels / 2 : HALF);
    for (int i = 0; i < HALF; i++)
        h[i] = (double)b->count[HALF + i] + (double)b->count[HALF - 1 - i];
    double tail[HALF + 1], all = 0;
    tail[HALF] = 0;
    for (int i = HALF - 1; i >= 0; i--)
        tail[i] = tail[i + 1] + h[i];
    all = tail[0];
    for (int n = groups > LEAST ? groups : LEAST; n <= HALF; n += 8) {
        double d = 0, q_all = 0;
        /* reference p: the first n bins, the last with all beyond it; candidate q: each group's mean over the bins that are not empty */
        for (int g = 0; g < groups; g++) {
            const int first = (int)((int64_t)n * g / groups), end = (int)((int64_t)n * (g + 1) / groups);
            double sum = 0;
            int filled = 0;
            for (int i = first; i < end; i++) {
                sum += h[i];
                filled += h[i] > 0;
            }
            const double q = filled > 0 ? sum / filled : 0;
            for (int i = first; i < end; i++) {
                const double p = h[i] + (i == n - 1 ? tail[n] : 0);
                if (p > 0)
                    d += p / all * (log(p / all) - log((q > 0 ? q : 1e-4) / (all - tail[n] > 0 ? all - tail[n] : 1)));
            }
            q_all += sum;
        }
        if (q_all > 0 && d < best) {
            best = d;
            best_n = n;
        }
    }
    const double edge = best_n * b->width;
    return (mote_range){(float)fmax(b->min, -edge), (float)fmin(b->max, edge)};
}

mote_range mote_range_least_mse(const uint64_t *count, int n, double width, double min, double max, unsigned levels, mote_range_behind behind, double p)
{
    const bins b = {count, n, width, min, max};
    return least_mse(&b, behind, p, levels);
}

mote_status mote_range_choose(const mote_observation *seen, mote_range_method method, unsigned levels, mote_range_behind behind, double p,
                              mote_range *out, mote_diag *diag)
{
    *out = (mote_range){0, 0};
    MOTE_REQUIRE(seen->nans == 0 && seen->infinities == 0, diag, MOTE_E_VALUE, "'%s' held %llu NaNs and %llu infinities", seen->name,
                 (unsigned long long)seen->nans, (unsigned long long)seen->infinities);
    MOTE_REQUIRE(seen->values != 0, diag, MOTE_E_VALUE, "'%s' held no value", seen->name);
    const bins b = {seen->histogram, BINS, ldexp(1, seen->exponent - 10), (double)seen->min, (double)seen->max};
    mote_range r = {seen->min, seen->max};
    switch (method) {
    case MOTE_RANGE_MINMAX: break;
    case MOTE_RANGE_PERCENTILE: r = percentile(&b, seen->values, 1e-5); break;
    case MOTE_RANGE_ENTROPY: r = least_entropy(&b, levels); break;
    default: r = least_mse(&b, behind, p, levels); break;
    }
    *out = (mote_range){fminf(r.lo, 0), fmaxf(r.hi, 0)};
    return MOTE_OK;
}
