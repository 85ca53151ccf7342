/* observer_file.c - an observer as bytes, for merging what several processes saw
 * SPDX-License-Identifier: Apache-2.0
 *
 * Little-endian: "moteobs1", u32 tensors; for each, in the order of names: u32 length, the name, u64 times, values, nans, infinities, f32 min, max,
 * s32 exponent, u32 bins that are not empty; for each of those, ascending: u16 index, u64 count. Nothing behind it. */
#include "base/platform.h"
#include "base/diag.h"
#include "quant/observe/observer.h"
#include <math.h>
#include <string.h>

static const char magic[8] = {'m', 'o', 't', 'e', 'o', 'b', 's', '1'};
enum { NAME_MAX_BYTES = 1 << 20, HALF = MOTE_OBSERVER_BINS / 2 };

/* ---- writing ---- */

typedef struct writer {
    bool (*write)(void *ctx, const void *bytes, size_t n);
    void *ctx;
    unsigned char buffer[4096];
    size_t n;
    bool failed;
} writer;

static void flush(writer *w)
{
    if (w->n != 0 && !w->failed)
        w->failed = !w->write(w->ctx, w->buffer, w->n);
    w->n = 0;
}

static void put(writer *w, const void *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (w->n == sizeof w->buffer)
            flush(w);
        w->buffer[w->n++] = ((const unsigned char *)bytes)[i];
    }
}

static void put_int(writer *w, uint64_t v, size_t bytes)
{
    unsigned char b[8];
    for (size_t i = 0; i < bytes; i++)
        b[i] = (unsigned char)(v >> 8 * i);
    put(w, b, bytes);
}

static void put_float(writer *w, float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    put_int(w, u, 4);
}

mote_status mote_observer_save(const mote_observer *o, bool (*write)(void *ctx, const void *bytes, size_t n), void *ctx)
{
    if (o == NULL || write == NULL)
        return MOTE_E_ARGUMENT;
    if (o->status != MOTE_OK)
        return o->status;
    writer w = {.write = write, .ctx = ctx};
    put(&w, magic, sizeof magic);
    put_int(&w, o->n, 4);
    for (size_t i = 0; i < o->n; i++) {
        const mote_observed *e = o->items[i];
        const mote_histogram *h = &e->histogram;
        put_int(&w, e->name_bytes - 1, 4);
        put(&w, e->name, e->name_bytes - 1);
        put_int(&w, e->times, 8);
        put_int(&w, h->values, 8);
        put_int(&w, h->nans, 8);
        put_int(&w, h->infinities, 8);
        put_float(&w, h->min);
        put_float(&w, h->max);
        put_int(&w, (uint32_t)h->exponent, 4);
        uint32_t full = 0;
        for (size_t b = 0; b < MOTE_OBSERVER_BINS; b++)
            full += h->bins[b] != 0;
        put_int(&w, full, 4);
        for (size_t b = 0; b < MOTE_OBSERVER_BINS; b++)
            if (h->bins[b] != 0) {
                put_int(&w, b, 2);
                put_int(&w, h->bins[b], 8);
            }
    }
    flush(&w);
    return w.failed ? MOTE_E_IO : MOTE_OK;
}

/* ---- reading ---- */

typedef struct reader {
    const unsigned char *p;
    size_t n, at;
    bool ended; /* more was asked for than there is */
} reader;

static const void *get(reader *r, size_t n)
{
    if (r->ended || n > r->n - r->at) {
        r->ended = true;
        return NULL;
    }
    r->at += n;
    return r->p + r->at - n;
}

static uint64_t get_int(reader *r, size_t bytes)
{
    const unsigned char *p = get(r, bytes);
    uint64_t v = 0;
    for (size_t i = 0; p != NULL && i < bytes; i++)
        v |= (uint64_t)p[i] << 8 * i;
    return v;
}

static float get_float(reader *r)
{
    uint32_t u = (uint32_t)get_int(r, 4);
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static mote_status read_histogram(reader *r, mote_histogram *h, mote_diag *diag)
{
    mote_histogram_init(h);
    h->values = get_int(r, 8);
    h->nans = get_int(r, 8);
    h->infinities = get_int(r, 8);
    h->min = get_float(r);
    h->max = get_float(r);
    h->exponent = (int32_t)(uint32_t)get_int(r, 4);
    uint32_t full = (uint32_t)get_int(r, 4);
    uint64_t total = 0;
    int64_t last = -1;
    for (uint32_t i = 0; i < full && !r->ended; i++) {
        uint32_t b = (uint32_t)get_int(r, 2);
        uint64_t count = get_int(r, 8);
        MOTE_REQUIRE(r->ended || (b < MOTE_OBSERVER_BINS && (int64_t)b > last && count != 0), diag, MOTE_E_FORMAT,
                     "histogram bin %u is not one of %d, or not in order, or empty", b, MOTE_OBSERVER_BINS);
        MOTE_REQUIRE(!__builtin_add_overflow(total, count, &total), diag, MOTE_E_FORMAT, "the histogram's counts are too large");
        if (!r->ended)
            h->bins[b] = count;
        last = b;
    }
    MOTE_REQUIRE(!r->ended, diag, MOTE_E_FORMAT, "the observations end early, after %zu bytes", r->n);
    MOTE_REQUIRE(total == h->values, diag, MOTE_E_FORMAT, "the histogram holds %llu values, expected %llu", (unsigned long long)total,
                 (unsigned long long)h->values);
    MOTE_REQUIRE(h->exponent >= MOTE_HISTOGRAM_LEAST && h->exponent <= MOTE_HISTOGRAM_MOST, diag, MOTE_E_FORMAT, "exponent %d", (int)h->exponent);
    double limit = ldexp(1, h->exponent);
    MOTE_REQUIRE(h->min <= h->max && (double)h->min > -limit && (double)h->max < limit &&
                     (h->values != 0 || (h->min == 0 && h->max == 0 && h->exponent == MOTE_HISTOGRAM_LEAST)),
                 diag, MOTE_E_FORMAT, "extremes %g and %g do not fit the exponent %d", (double)h->min, (double)h->max, (int)h->exponent);
    h->min += 0.0f;
    h->max += 0.0f;
    return MOTE_OK;
}

static mote_status read_all(reader *r, mote_observer *into, mote_diag *diag)
{
    const void *head = get(r, sizeof magic);
    MOTE_REQUIRE(head != NULL && memcmp(head, magic, sizeof magic) == 0, diag, MOTE_E_FORMAT, "these are no observations of tensors");
    uint32_t n = (uint32_t)get_int(r, 4);
    const char *before = NULL;
    size_t before_length = 0;
    for (uint32_t i = 0; i < n; i++) {
        size_t length = (size_t)get_int(r, 4);
        MOTE_REQUIRE(r->ended || length <= NAME_MAX_BYTES, diag, MOTE_E_FORMAT, "a name of %zu bytes", length);
        const char *name = get(r, length);
        MOTE_REQUIRE(name != NULL, diag, MOTE_E_FORMAT, "the observations end early, after %zu bytes", r->n);
        size_t least = length < before_length ? length : before_length;
        int c = before == NULL ? -1 : least == 0 ? 0 : memcmp(before, name, least);
        MOTE_REQUIRE(memchr(name, 0, length) == NULL && (c < 0 || (c == 0 && before_length < length)), diag, MOTE_E_FORMAT,
                     "names are not in order, or have a NUL in them");
        before = name;
        before_length = length;
        mote_observed *e = mote_observer_entry(into, name, length);
        if (e == NULL)
            return MOTE_NO_MEMORY(diag, sizeof *e);
        e->times = get_int(r, 8);
        MOTE_TRY(read_histogram(r, &e->histogram, diag));
    }
    MOTE_REQUIRE(!r->ended && r->at == r->n, diag, MOTE_E_FORMAT, "%zu bytes behind the observations, or they end early", r->n - r->at);
    return MOTE_OK;
}

mote_status mote_observer_load(mote_observer *o, const void *bytes, size_t n, mote_diag *diag)
{
    if (diag != NULL)
        *diag = (mote_diag)MOTE_DIAG_INIT;
    MOTE_REQUIRE(o != NULL && (bytes != NULL || n == 0), diag, MOTE_E_ARGUMENT, "the observer or the bytes are NULL");
    mote_observer *read;
    mote_status status = mote_observer_create(&o->heap.allocator, &read);
    if (status != MOTE_OK)
        return mote_fail(diag, status, "%s", mote_status_string(status));
    reader r = {bytes, n, 0, false};
    status = read_all(&r, read, diag);
    if (status == MOTE_OK) {
        status = mote_observer_merge(o, read);
        if (status != MOTE_OK)
            (void)mote_fail(diag, status, "%s", mote_status_string(status));
    }
    mote_observer_destroy(&read);
    return status;
}
