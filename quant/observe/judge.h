/* judge.h - what calibration samples are like: copies, outliers, whether more would change the scales
 * SPDX-License-Identifier: Apache-2.0
 *
 * Extremes by tensor and a hash and a name by sample: memory does not grow with what samples hold. */
#ifndef MOTE_QUANT_OBSERVE_JUDGE_H
#define MOTE_QUANT_OBSERVE_JUDGE_H

#include "quant/observe/observer.h"
#include "tensor/array.h"

enum { MOTE_GROWTHS = 40 };

/* A sample after which a range was wider than before. */
typedef struct mote_growth {
    uint64_t sample;
    float lo, hi;
} mote_growth;

/* An end of a range: how far the samples go, from 0. */
typedef struct mote_reach {
    float most, next; /* of the sample that goes furthest; of all others */
    uint64_t sample;  /* that one */
} mote_reach;

typedef struct mote_judged {
    bool seen;                    /* in the sample at hand */
    float lo, hi;                 /* there, with 0 */
    mote_reach up, down;          /* down: of -x */
    float half_lo[2], half_hi[2]; /* extremes, 0 not among them, of even and odd samples */
    bool half_seen[2];
    size_t n_growths;             /* the latest of them */
    mote_growth growths[MOTE_GROWTHS];
} mote_judged;

typedef struct mote_judged_sample {
    char *name;
    size_t name_bytes;
    uint64_t hash[2];
    bool broken, constant;        /* NaN or infinities in an input; every input of real numbers holds one number */
    uint64_t copy_of;             /* an earlier sample; itself: none */
    size_t sets;                  /* tensors whose range it alone sets */
    double factor;                /* by how much, at most */
    size_t tensor;                /* which */
} mote_judged_sample;

typedef struct mote_judge {
    mote_heap *heap;
    mote_judged *tensors;         /* n of them */
    size_t n;
    mote_judged_sample *samples;
    size_t n_samples, cap;
    mote_judged_sample at;        /* the sample at hand: what its inputs were so far */
    bool real, varied;            /* it has an input of real numbers; one of them holds several */
    bool failed;                  /* no memory */
} mote_judge;

/* n tensors, by the caller's numbers. */
bool mote_judge_begin(mote_judge *j, mote_heap *heap, size_t n);
void mote_judge_end(mote_judge *j);
/* A tensor of the sample at hand; an input of it, too. */
void mote_judge_tensor(mote_judge *j, size_t tensor, const mote_tensor *t);
void mote_judge_input(mote_judge *j, const char *name, const mote_tensor *t);
/* The sample is over. */
void mote_judge_sample(mote_judge *j, const char *name);
/* After the last: copies are found, and samples that alone set ranges (of the tensors for which `counts` is true) to more than `factor` times what the others need. */
bool mote_judge_finish(mote_judge *j, const bool *counts, double factor);
/* By how much a range grew from the first `samples` samples to all: 1: not at all. */
double mote_judge_growth(const mote_judged *t, uint64_t samples);

#endif
