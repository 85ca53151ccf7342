/* mote_quant.h - quantization: for tools and servers; in libmote_quant, which has all of libmote inside
 * SPDX-License-Identifier: Apache-2.0
 *
 *     mote_observer *seen;
 *     mote_observer_create(NULL, &seen);
 *     session_options.tap = mote_observer_tap;
 *     session_options.tap_ctx = seen;
 *     ... run the session on calibration inputs ...
 *     mote_observation o = MOTE_OBSERVATION_INIT;
 *     mote_observer_find(seen, "conv1_out", &o);        // o.min, o.max, o.histogram
 *
 * The rules of mote.h hold. */
#ifndef MOTE_QUANT_H
#define MOTE_QUANT_H

#include <mote/mote.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- what tensors hold: collected by a session's tap ----------------------------------------------------------------
 *
 * Counts, extremes and integer histograms only, so that the result does not depend on the order of the inputs, on the number of threads, or on how the
 * inputs were divided over sessions, processes and machines: observers that are merged in any order hold what one observer would hold, bit for bit. */

typedef struct mote_observer mote_observer;

enum { MOTE_OBSERVER_BINS = 2048 };

/* One tensor. Values count as float32. The histogram covers [-2^exponent, 2^exponent) in bins of equal width 2^exponent / 1024: bin i is
 * [(i - 1024) w, (i - 1023) w). exponent is the smallest integer for which every finite value lies inside, at least -149. */
typedef struct mote_observation {
    size_t struct_size;
    const char *name;          /* owned by the observer */
    uint64_t times;            /* tensors of that name that were seen */
    uint64_t values;           /* finite values: the sum of the histogram */
    uint64_t nans, infinities;
    float min, max;            /* of the finite values; 0 without one. Never -0 */
    int32_t exponent;
    const uint64_t *histogram; /* MOTE_OBSERVER_BINS counts; valid until the observer changes */
} mote_observation;
#define MOTE_OBSERVATION_INIT {sizeof(mote_observation), NULL, 0, 0, 0, 0, 0, 0, 0, NULL}

/* An empty observer. It belongs to one thread at a time: one for each session. `allocator` NULL: malloc. Copied; its ctx must outlive the observer.
 * Returns MOTE_OK, MOTE_E_ARGUMENT or MOTE_E_MEMORY. */
MOTE_API mote_status mote_observer_create(const mote_allocator *allocator, mote_observer **out);
MOTE_API void mote_observer_destroy(mote_observer **observer);

/* A mote_tap_fn: `observer` is the tap's context. Tensors of float32, float16, bfloat16 and float64 are observed, others ignored. Tensors of one
 * name count together (iterations of a loop). When memory runs out the tensor is lost, and status says so. */
MOTE_API void mote_observer_tap(void *observer, const char *name, const mote_tensor *tensor);
/* MOTE_OK, or the first failure of a tap: what was observed is then not complete. */
MOTE_API mote_status mote_observer_status(const mote_observer *observer);

/* Tensors in the order of their names (strcmp). MOTE_E_ARGUMENT when there is none. */
MOTE_API size_t mote_observer_count(const mote_observer *observer);
MOTE_API mote_status mote_observer_at(const mote_observer *observer, size_t index, mote_observation *out);
MOTE_API mote_status mote_observer_find(const mote_observer *observer, const char *name, mote_observation *out);

/* Adds what `from` holds. MOTE_E_LIMIT when a count would pass 2^64. On failure `observer` may hold a part of it, and its status says so. */
MOTE_API mote_status mote_observer_merge(mote_observer *observer, const mote_observer *from);

/* Bytes for another process: the same content gives the same bytes. write gets pieces in order and returns false to stop. Returns MOTE_OK,
 * MOTE_E_ARGUMENT, MOTE_E_IO, or the observer's own failure. */
MOTE_API mote_status mote_observer_save(const mote_observer *observer, bool (*write)(void *ctx, const void *bytes, size_t n), void *ctx);
/* Adds what such bytes hold. MOTE_E_FORMAT when they are not what save writes (nothing is added), and what merge returns. */
MOTE_API mote_status mote_observer_load(mote_observer *observer, const void *bytes, size_t n, mote_diag *diag);

#ifdef __cplusplus
}
#endif
#endif
