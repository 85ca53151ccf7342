/* hostile.c - an allocator that counts, limits and fails on purpose, and loading under it
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "hostile.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Ends the whole test: what follows would say nothing. */
#define DIE(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr), abort())

enum { MAX_INPUTS = 64 };

static void *take(void *ctx, size_t bytes, size_t align)
{
    hostile_heap *h = ctx;
    h->calls++;
    if (h->fail_at != 0 && (h->calls == h->fail_at || (h->fail_all && h->calls > h->fail_at)))
        return NULL;
    void *p = NULL;
    if (bytes > (size_t)1 << 40 || posix_memalign(&p, align, bytes) != 0)
        return NULL;
    h->used += bytes;
    if (h->used > h->peak)
        h->peak = h->used;
    return p;
}

static void give(void *ctx, void *p, size_t bytes)
{
    hostile_heap *h = ctx;
    if (bytes > h->used)
        abort();
    h->used -= bytes;
    free(p);
}

void hostile_init(hostile_heap *h)
{
    memset(h, 0, sizeof *h);
    h->allocator = (mote_allocator){sizeof(mote_allocator), h, take, give};
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t); /* of this process: others do not count */
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static mote_status prepare(const mote_model *model, mote_session *s, mote_diag *diag)
{
    mote_tensor shapes[MAX_INPUTS];
    size_t n = mote_model_input_count(model);
    if (n > MAX_INPUTS)
        return diag->code = MOTE_E_ARGUMENT;
    for (size_t i = 0; i < n; i++) {
        mote_value_info info = MOTE_VALUE_INFO_INIT;
        shapes[i] = (mote_tensor)MOTE_TENSOR_INIT;
        if (mote_model_input_info(model, i, &info) != MOTE_OK)
            abort();
        if (info.optional)
            continue;
        shapes[i].dtype = info.dtype != MOTE_DTYPE_NONE ? info.dtype : MOTE_DTYPE_F32;
        shapes[i].rank = info.rank < 0 ? 1 : info.rank;
        for (int32_t d = 0; d < shapes[i].rank; d++)
            shapes[i].shape[d] = info.rank >= 0 && info.shape[d] >= 0 ? info.shape[d] : 2;
    }
    return mote_session_prepare(s, shapes, n, diag);
}

static mote_status session(mote_model *model, const hostile_options *o, hostile_result *r)
{
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = 1;
    so.memory_limit = o->memory_limit;
    so.step_limit = o->step_limit;
    mote_session *s;
    r->step = "create";
    mote_status status = mote_session_create(model, &so, &s, &r->diag);
    if ((status == MOTE_OK) != (s != NULL))
        DIE("create: status %d and a session %p", (int)status, (void *)s);
    if (status != MOTE_OK)
        return status;
    r->step = "prepare";
    status = prepare(model, s, &r->diag);
    for (size_t i = 0; status == MOTE_OK && i < mote_model_input_count(model); i++) {
        mote_tensor *t = mote_session_input(s, i);
        if (t->buffer != NULL && t->dtype != MOTE_DTYPE_STRING && t->dtype != MOTE_DTYPE_NONE)
            memset(mote_tensor_map(t), o->fill, t->bytes);
    }
    if (status == MOTE_OK) {
        r->step = "run";
        status = mote_session_run(s, NULL, &r->diag);
        if (status == MOTE_OK)
            r->step = "all";
    }
    mote_session_destroy(&s);
    return status;
}

hostile_result hostile_under(hostile_heap *h, const char *path, const void *bytes, size_t n, const hostile_options *options)
{
    static const hostile_options none;
    const hostile_options *o = options != NULL ? options : &none;
    hostile_result r = {.step = "load", .diag = MOTE_DIAG_INIT};
    double start = now();
    mote_load_options lo = MOTE_LOAD_OPTIONS_INIT;
    lo.allocator = &h->allocator;
    lo.reference = o->reference;
    lo.copy = o->copy;
    lo.disabled_passes = o->disabled;
    lo.memory_limit = o->memory_limit;
    lo.stop_after = o->stop_after;
    mote_model *model = NULL;
    r.status = path != NULL ? mote_model_load_path(path, &lo, &model, &r.diag) : mote_model_load_memory(bytes, n, &lo, &model, &r.diag);
    if ((r.status == MOTE_OK) != (model != NULL))
        DIE("load: status %d and a model %p", (int)r.status, (void *)model);
    if (r.status == MOTE_OK) {
        if (o->stop_after == NULL)
            r.status = session(model, o, &r);
        mote_model_destroy(&model);
    }
    r.seconds = now() - start;
    r.peak = h->peak;
    if (r.diag.code != r.status || h->used != 0)
        DIE("%s: status %d, diagnostic %d '%s', %zu bytes not given back", r.step, r.status, r.diag.code, r.diag.message, h->used);
    return r;
}

hostile_result hostile_model(const void *bytes, size_t n, const hostile_options *o)
{
    hostile_heap h;
    hostile_init(&h);
    return hostile_under(&h, NULL, bytes, n, o);
}

hostile_result hostile_path(const char *path, const hostile_options *o)
{
    hostile_heap h;
    hostile_init(&h);
    return hostile_under(&h, path, NULL, 0, o);
}

bool hostile_check(const char *name, const hostile_result *r, const int *allowed)
{
    const int *a = allowed;
    while (*a >= 0 && *a != (int)r->status)
        a++;
    if (*a < 0)
        return fprintf(stderr, "%s: %s gives %d (%s), expected %d: '%s'\n", name, r->step, (int)r->status, mote_status_string(r->status), allowed[0], r->diag.message), false;
#if defined(__SANITIZE_ADDRESS__) || !defined(__x86_64__)
    double limit = 20; /* instrumented or emulated */
#else
    double limit = 3; /* a window of all the memory allowed takes 0.3 s on a quick machine */
#endif
    if (r->seconds > limit || r->peak > (size_t)64 << 20)
        return fprintf(stderr, "%s: %.2f s and %.1f MiB until '%s'\n", name, r->seconds, (double)r->peak / 1048576, r->diag.message), false;
    return true;
}

void hostile_expect(const char *name, const hostile_result *r, const int *allowed)
{
    if (!hostile_check(name, r, allowed))
        abort();
}
