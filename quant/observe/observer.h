/* observer.h - tensors by name and what they held
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_QUANT_OBSERVE_OBSERVER_H
#define MOTE_QUANT_OBSERVE_OBSERVER_H

#include "base/heap.h"
#include "quant/observe/histogram.h"

typedef struct mote_observed {
    char *name; /* from the heap, with its NUL */
    size_t name_bytes;
    uint64_t times;
    mote_histogram histogram;
} mote_observed;

struct mote_observer {
    mote_heap heap;
    mote_observed **items; /* in the order of their names */
    size_t n, cap;
    mote_status status;
};

/* Finds or makes the entry of a name. NULL: out of memory. */
mote_observed *mote_observer_entry(mote_observer *o, const char *name, size_t length);

#endif
