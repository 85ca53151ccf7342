/* observer.c - the tap that collects what tensors hold
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "quant/observe/observer.h"
#include "base/diag.h"
#include "tensor/dtype.h"
#include <string.h>

enum { CHUNK = 256 };

mote_status mote_observer_create(const mote_allocator *allocator, mote_observer **out)
{
    if (out == NULL)
        return MOTE_E_ARGUMENT;
    *out = NULL;
    if (allocator != NULL && (allocator->struct_size != sizeof *allocator || allocator->alloc == NULL || allocator->free == NULL))
        return MOTE_E_ARGUMENT;
    mote_heap heap;
    mote_heap_init(&heap, allocator, 0);
    mote_observer *o = mote_heap_calloc(&heap, 1, sizeof *o);
    if (o == NULL)
        return MOTE_E_MEMORY;
    mote_heap_init(&o->heap, allocator, 0);
    *out = o;
    return MOTE_OK;
}

void mote_observer_destroy(mote_observer **observer)
{
    if (observer == NULL || *observer == NULL)
        return;
    mote_observer *o = *observer;
    for (size_t i = 0; i < o->n; i++) {
        mote_heap_free(&o->heap, o->items[i]->name, o->items[i]->name_bytes);
        mote_heap_free(&o->heap, o->items[i], sizeof *o->items[i]);
    }
    mote_heap_free(&o->heap, o->items, o->cap * sizeof *o->items);
    mote_heap heap;
    mote_heap_init(&heap, &o->heap.allocator, 0);
    mote_heap_free(&heap, o, sizeof *o);
    *observer = NULL;
}

/* The place of a name: where it is, or where it would stand. */
static size_t place(const mote_observer *o, const char *name, size_t length, bool *found)
{
    size_t lo = 0, hi = o->n;
    *found = false;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2, n = o->items[mid]->name_bytes - 1, least = n < length ? n : length;
        int c = least == 0 ? 0 : memcmp(o->items[mid]->name, name, least);
        c = c != 0 ? c : (n > length) - (n < length);
        if (c == 0) {
            *found = true;
            return mid;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

mote_observed *mote_observer_entry(mote_observer *o, const char *name, size_t length)
{
    bool found;
    size_t at = place(o, name, length, &found);
    if (found)
        return o->items[at];
    void *items = o->items;
    if (!mote_heap_grow(&o->heap, &items, &o->cap, o->n + 1, sizeof(mote_observed *)))
        return NULL;
    o->items = items;
    mote_observed *e = mote_heap_calloc(&o->heap, 1, sizeof *e);
    char *copy = mote_heap_calloc(&o->heap, length + 1, 1);
    if (e == NULL || copy == NULL) {
        mote_heap_free(&o->heap, e, sizeof *e);
        mote_heap_free(&o->heap, copy, length + 1);
        return NULL;
    }
    if (length != 0)
        memcpy(copy, name, length);
    e->name = copy;
    e->name_bytes = length + 1;
    mote_histogram_init(&e->histogram);
    memmove(o->items + at + 1, o->items + at, (o->n - at) * sizeof *o->items);
    o->items[at] = e;
    o->n++;
    return e;
}

static void fail(mote_observer *o, mote_status status)
{
    if (o->status == MOTE_OK)
        o->status = status;
}

void mote_observer_tap(void *observer, const char *name, const mote_tensor *tensor)
{
    mote_observer *o = observer;
    if (o == NULL || name == NULL || tensor == NULL ||
        !mote_dtype_in(tensor->dtype, MOTE_DT(F32) | MOTE_DT(F16) | MOTE_DT(BF16) | MOTE_DT(F64)))
        return;
    const void *data = mote_tensor_map(tensor);
    size_t n = (size_t)mote_tensor_count(tensor);
    mote_observed *e = mote_observer_entry(o, name, strlen(name));
    if (e == NULL || (data == NULL && n != 0)) {
        fail(o, e == NULL ? MOTE_E_MEMORY : MOTE_E_ARGUMENT);
        return;
    }
    e->times++;
    if (tensor->dtype == MOTE_DTYPE_F32) {
        mote_histogram_add(&e->histogram, data, n);
        return;
    }
    float chunk[CHUNK];
    for (size_t i = 0; i < n; i += CHUNK) {
        size_t k = n - i < CHUNK ? n - i : CHUNK;
        for (size_t j = 0; j < k; j++)
            chunk[j] = (float)mote_dtype_to_f64(tensor->dtype, data, i + j);
        mote_histogram_add(&e->histogram, chunk, k);
    }
}

mote_status mote_observer_status(const mote_observer *o) { return o == NULL ? MOTE_E_ARGUMENT : o->status; }
size_t mote_observer_count(const mote_observer *o) { return o == NULL ? 0 : o->n; }

mote_status mote_observer_at(const mote_observer *o, size_t index, mote_observation *out)
{
    if (o == NULL || index >= o->n || out == NULL || out->struct_size < sizeof *out)
        return MOTE_E_ARGUMENT;
    const mote_observed *e = o->items[index];
    const mote_histogram *h = &e->histogram;
    *out = (mote_observation){sizeof *out, e->name, e->times, h->values, h->nans, h->infinities, h->min, h->max, h->exponent, h->bins};
    return MOTE_OK;
}

mote_status mote_observer_find(const mote_observer *o, const char *name, mote_observation *out)
{
    bool found = false;
    size_t at = o == NULL || name == NULL ? 0 : place(o, name, strlen(name), &found);
    return found ? mote_observer_at(o, at, out) : MOTE_E_ARGUMENT;
}

mote_status mote_observer_merge(mote_observer *o, const mote_observer *from)
{
    if (o == NULL || from == NULL || o == from)
        return MOTE_E_ARGUMENT;
    fail(o, from->status);
    for (size_t i = 0; i < from->n; i++) {
        const mote_observed *f = from->items[i];
        mote_observed *e = mote_observer_entry(o, f->name, f->name_bytes - 1);
        mote_status status = e == NULL ? MOTE_E_MEMORY : MOTE_OK;
        if (status == MOTE_OK && (f->times > UINT64_MAX - e->times || !mote_histogram_merge(&e->histogram, &f->histogram)))
            status = MOTE_E_LIMIT;
        if (status != MOTE_OK) {
            fail(o, status);
            return status;
        }
        e->times += f->times;
    }
    return MOTE_OK;
}
