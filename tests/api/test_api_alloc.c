/* test_api_alloc.c - a run on prepared shapes allocates nothing; what mote says about its memory is true; limits hold; allocation N fails for every N
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "support/model.h"
#include "support/nets.h"

/* ---- everything that asks the C library for memory, counted: the linker puts these in the place of malloc and the others ---- */

static _Atomic size_t libc_calls;

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t align, size_t n);
int __real_posix_memalign(void **p, size_t align, size_t n);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
int __wrap_posix_memalign(void **p, size_t align, size_t n);

void *__wrap_malloc(size_t n)
{
    libc_calls++;
    return __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t size)
{
    libc_calls++;
    return __real_calloc(n, size);
}
void *__wrap_realloc(void *p, size_t n)
{
    libc_calls++;
    return __real_realloc(p, n);
}
void *__wrap_aligned_alloc(size_t align, size_t n)
{
    libc_calls++;
    return __real_aligned_alloc(align, n);
}
int __wrap_posix_memalign(void **p, size_t align, size_t n)
{
    libc_calls++;
    return __real_posix_memalign(p, align, n);
}

static void the_count_counts(void **state)
{
    (void)state;
    size_t before = libc_calls;
    void *volatile p = malloc(10), *volatile q = calloc(1, 10);
    void *r = NULL;
    assert_int_equal(posix_memalign(&r, 64, 10), 0);
    p = realloc(p, 20);
    assert_int_equal(libc_calls - before, 4);
    free(p), free(q), free(r);
    mote_heap heap; /* and the library is inside */
    mote_heap_init(&heap, NULL, 0);
    before = libc_calls;
    mote_heap_free(&heap, mote_heap_alloc(&heap, 100), 100);
    assert_int_equal(libc_calls - before, 1);
}

/* ---- the caller's allocator ---- */

typedef struct counter {
    _Atomic size_t allocs, live, peak, left; /* left: allocations until one fails */
} counter;

static void *counted_alloc(void *ctx, size_t bytes, size_t align)
{
    counter *c = ctx;
    if (atomic_load(&c->left) == 0)
        return NULL;
    atomic_fetch_sub(&c->left, 1);
    atomic_fetch_add(&c->allocs, 1);
    void *p = NULL;
    if (align > 64 || posix_memalign(&p, align, bytes) != 0)
        return NULL;
    memset(p, 0xa5, bytes); /* nothing may be taken for zeroed */
    size_t live = atomic_fetch_add(&c->live, bytes) + bytes;
    if (live > c->peak)
        c->peak = live;
    return p;
}

static void counted_free(void *ctx, void *p, size_t bytes)
{
    counter *c = ctx;
    atomic_fetch_sub(&c->live, bytes);
    memset(p, 0x5a, bytes); /* the size is what alloc got, or this is seen by the sanitizer */
    free(p);
}

static mote_allocator allocator_of(counter *c)
{
    mote_allocator a = MOTE_ALLOCATOR_INIT;
    *c = (counter){0, 0, 0, SIZE_MAX};
    a.ctx = c;
    a.alloc = counted_alloc;
    a.free = counted_free;
    return a;
}

static void run_twice(const mote_model *model, mote_session *s, int64_t n, const char *what)
{
    mote_diag diag = MOTE_DIAG_INIT;
    prepare_for(model, s, n);
    for (int i = 0; i < 2; i++) {
        fill_inputs(model, s, (uint32_t)i);
        if (mote_session_run(s, NULL, &diag) != MOTE_OK)
            fail_msg("%s: %s '%s': %s", what, diag.op, diag.node, diag.message);
    }
}

static void quiet(const mote_model *model, mote_session *s, counter *c, const char *what, const char *how)
{
    mote_diag diag = MOTE_DIAG_INIT;
    for (int i = 0; i < 3; i++) {
        fill_inputs(model, s, 1);
        size_t before = c->allocs, libc_before = libc_calls;
        if (mote_session_run(s, NULL, &diag) != MOTE_OK)
            fail_msg("%s: %s", what, diag.message);
        size_t ours = c->allocs - before, all = libc_calls - libc_before;
        if (ours != 0 || all != 0)
            fail_msg("%s, %s: a run made %zu allocations of mote's and %zu calls to the C library", what, how, ours, all);
    }
}

static void quiet_model(mote_model *model, counter *c, int64_t n, const char *what)
{
    for (unsigned threads = 1; threads <= 3; threads += 2) {
        mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
        o.threads = threads;
        mote_session *s = session_of(model, &o);
        run_twice(model, s, n, what);
        quiet(model, s, c, what, threads == 1 ? "one thread" : "three threads");
        run_twice(model, s, n + 2, what);
        quiet(model, s, c, what, "another shape");
        prepare_for(model, s, n); /* found again: a plan that was used allocates nothing either */
        quiet(model, s, c, what, "an old plan");
        mote_session_destroy(&s);
    }
}

static void runs_allocate_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++)
        for (int k = 0; k < 3; k++) {
            counter c;
            mote_allocator a = allocator_of(&c);
            mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
            o.allocator = &a;
            o.reference = k == 1;
            o.disabled_passes = k == 2 ? "all" : NULL;
            void *bytes;
            mote_model *model = model_of(all_nets[i], &o, &bytes);
            quiet_model(model, &c, 8, net_names[i]);
            mote_model_destroy(&model);
            assert_int_equal(c.live, 0);
            free(bytes);
        }
}

static void real_models_allocate_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"vision/mnist.onnx", "audio/dtln-1.onnx", "audio/keywords.onnx", "audio/keywords-int8-qdq.onnx",
                                        "audio/silero-vad.onnx", "vision/ultraface-320.onnx"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[4096];
        counter c;
        mote_allocator a = allocator_of(&c);
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        mote_diag diag = MOTE_DIAG_INIT;
        mote_model *model;
        o.allocator = &a;
        ASSERT_OK(mote_model_load_path(shared_file(path, sizeof path, names[i]), &o, &model, &diag), diag);
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        so.threads = 2;
        mote_session *s = session_of(model, &so);
        if (strstr(names[i], "silero") != NULL) {
            mote_tensor shapes[3] = {SHAPE(MOTE_DTYPE_F32, 1, 512), SHAPE(MOTE_DTYPE_F32, 2, 1, 128), shape_of(MOTE_DTYPE_S64, 0, NULL)};
            ASSERT_OK(mote_session_prepare(s, shapes, 3, &diag), diag);
            for (int r = 0; r < 6; r++) { /* the sampling rate picks the branch */
                fill_inputs(model, s, 1);
                *(int64_t *)mote_tensor_map(mote_session_input(s, 2)) = 16000;
                size_t before = c.allocs, libc_before = libc_calls;
                ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
                if (r >= 2 && (c.allocs != before || libc_calls != libc_before))
                    fail_msg("%s: a run made %zu allocations", names[i], c.allocs - before);
            }
        } else {
            run_twice(model, s, 1, names[i]);
            quiet(model, s, &c, names[i], "two threads");
        }
        mote_session_destroy(&s);
        mote_model_destroy(&model);
        assert_int_equal(c.live, 0);
    }
}

/* ---- numbers ---- */

static void memory_is_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        counter c;
        mote_allocator a = allocator_of(&c);
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.allocator = &a;
        void *bytes;
        mote_model *model = model_of(all_nets[i], &o, &bytes);
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        so.threads = 1;
        mote_session *s = session_of(model, &so), *other = session_of(model, &so);
        mote_memory_info m = MOTE_MEMORY_INFO_INIT, n = MOTE_MEMORY_INFO_INIT;
        run_twice(model, s, 8, net_names[i]);
        assert_int_equal(mote_session_memory(s, &m), MOTE_OK);
        assert_int_equal(mote_session_memory(other, &n), MOTE_OK);
        assert_int_equal(m.model_bytes + m.session_bytes + n.session_bytes, c.live);
        assert_true(m.arena_bytes > 0 && m.arena_bytes < m.session_bytes && m.dynamic_bytes <= m.session_bytes);
        assert_int_equal(m.mapped_bytes, 0);
        size_t before = m.session_bytes;
        run_twice(model, s, 16, net_names[i]); /* a second plan */
        assert_int_equal(mote_session_memory(s, &m), MOTE_OK);
        assert_true(m.session_bytes > before);
        m.struct_size = 8;
        assert_int_equal(mote_session_memory(s, &m), MOTE_E_ARGUMENT);
        assert_int_equal(mote_session_memory(NULL, &n), MOTE_E_ARGUMENT);
        mote_session_destroy(&s);
        mote_session_destroy(&other);
        mote_model_destroy(&model);
        free(bytes);
    }
}

/* Outputs whose size depends on data: the session heap grows only on a new maximum. */
static void dynamic_memory(void **state)
{
    (void)state;
    counter c;
    mote_allocator a = allocator_of(&c);
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.allocator = &a;
    void *bytes;
    mote_model *model = model_of(loop_net, &o, &bytes);
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = 1;
    mote_session *s = session_of(model, &so);
    mote_diag diag = MOTE_DIAG_INIT;
    prepare_for(model, s, 4);
    fill_inputs(model, s, 1);
    int64_t *trip = mote_tensor_map(mote_session_input(s, 1));
    static const int64_t trips[] = {5, 9, 3, 9, 0, 40, 40, 7};
    int64_t most = 0;
    for (size_t i = 0; i < sizeof trips / sizeof *trips; i++) {
        *trip = trips[i];
        size_t before = c.allocs;
        ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
        const mote_tensor *scan = mote_session_output(s, 1);
        assert_int_equal(scan->rank, 3);
        assert_int_equal(scan->shape[0], trips[i]);
        if (trips[i] <= most && i > 1 && c.allocs != before)
            fail_msg("%lld iterations after %lld made %zu allocations", (long long)trips[i], (long long)most, c.allocs - before);
        most = trips[i] > most ? trips[i] : most;
        mote_memory_info m = MOTE_MEMORY_INFO_INIT;
        assert_int_equal(mote_session_memory(s, &m), MOTE_OK);
        assert_true(m.dynamic_bytes >= (size_t)most * 4 * 6 * 4);
        assert_true(m.dynamic_bytes < (size_t)(most + 1) * 4 * 6 * 4 * 3 + 65536);
    }
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

/* ---- limits ---- */

static void limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        size_t n;
        void *bytes = onnx_of(all_nets[i], &n);
        bool loaded = false, ran = false;
        for (size_t limit = 1000; !ran && limit < 64 << 20; limit += limit / 3) {
            counter c;
            mote_allocator a = allocator_of(&c);
            mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
            o.allocator = &a;
            o.memory_limit = limit;
            mote_model *model;
            mote_diag diag = MOTE_DIAG_INIT;
            mote_status status = mote_model_load_memory(bytes, n, &o, &model, &diag);
            assert_true(c.peak <= limit + 4096);
            if (status != MOTE_OK) {
                assert_false(loaded);
                assert_int_equal(status, MOTE_E_LIMIT);
                assert_int_equal(diag.code, MOTE_E_LIMIT);
                ASSERT_SAYS(diag, "memory limit of");
                assert_int_equal(c.live, 0);
                continue;
            }
            loaded = true;
            mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
            so.threads = 1;
            so.memory_limit = limit;
            mote_session *s = NULL;
            status = mote_session_create(model, &so, &s, &diag);
            if (status == MOTE_OK) {
                mote_tensor shapes[4];
                for (size_t k = 0; k < mote_model_input_count(model); k++) {
                    mote_value_info info = MOTE_VALUE_INFO_INIT;
                    assert_int_equal(mote_model_input_info(model, k, &info), MOTE_OK);
                    for (int32_t d = 0; d < info.rank; d++)
                        info.shape[d] = info.shape[d] < 0 ? 12 : info.shape[d];
                    shapes[k] = shape_of(info.dtype, info.rank, info.shape);
                }
                status = mote_session_prepare(s, shapes, mote_model_input_count(model), &diag);
            }
            if (status == MOTE_OK) {
                fill_inputs(model, s, 1);
                status = mote_session_run(s, NULL, &diag);
            } else if (s != NULL) { /* nothing dangles */
                for (size_t k = 0; k < mote_model_input_count(model); k++)
                    assert_null(mote_tensor_map(mote_session_input(s, k)));
            }
            ran = status == MOTE_OK;
            if (!ran) {
                assert_int_equal(status, MOTE_E_LIMIT);
                ASSERT_SAYS(diag, "memory limit of");
            }
            mote_session_destroy(&s);
            mote_model_destroy(&model);
            assert_int_equal(c.live, 0);
        }
        assert_true(ran);
        free(bytes);
    }
}

/* Old plans make room for a new one before a limit is said to be passed. */
static void plans_make_room(void **state)
{
    (void)state;
    void *bytes;
    mote_model *model = model_of(transformer_net, NULL, &bytes);
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = 1;
    so.memory_limit = 1 << 20;
    mote_session *s = session_of(model, &so);
    mote_diag diag = MOTE_DIAG_INIT;
    for (int64_t l = 1; l <= 64; l++) {
        mote_tensor shapes[2] = {SHAPE(MOTE_DTYPE_F32, 1, l, 32), SHAPE(MOTE_DTYPE_F32, 1, 1, 1, l)};
        ASSERT_OK(mote_session_prepare(s, shapes, 2, &diag), diag);
        fill_inputs(model, s, 1);
        ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
        mote_memory_info m = MOTE_MEMORY_INFO_INIT;
        assert_int_equal(mote_session_memory(s, &m), MOTE_OK);
        assert_true(m.session_bytes <= 1 << 20);
    }
    mote_tensor large[2] = {SHAPE(MOTE_DTYPE_F32, 1, 4000, 32), SHAPE(MOTE_DTYPE_F32, 1, 1, 1, 4000)};
    assert_int_equal(mote_session_prepare(s, large, 2, &diag), MOTE_E_LIMIT);
    ASSERT_SAYS(diag, "memory limit of 1048576");
    assert_null(mote_tensor_map(mote_session_input(s, 0)));
    assert_null(mote_tensor_map(mote_session_output(s, 0)));
    mote_tensor small[2] = {SHAPE(MOTE_DTYPE_F32, 1, 9, 32), SHAPE(MOTE_DTYPE_F32, 1, 1, 1, 9)};
    ASSERT_OK(mote_session_prepare(s, small, 2, &diag), diag);
    fill_inputs(model, s, 1);
    ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

/* ---- allocation N fails ---- */

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        size_t n;
        void *bytes = onnx_of(all_nets[i], &n);
        bool done = false;
        for (size_t at = 0; !done; at++) {
            counter c;
            mote_allocator a = allocator_of(&c);
            c.left = at;
            mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
            o.allocator = &a;
            mote_model *model = NULL;
            mote_session *s = NULL;
            mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
            so.threads = 1;
            mote_diag diag = MOTE_DIAG_INIT;
            mote_status status = mote_model_load_memory(bytes, n, &o, &model, &diag);
            if (status == MOTE_OK)
                status = mote_session_create(model, &so, &s, &diag);
            for (int64_t size = 8; status == MOTE_OK && size <= 9; size++) {
                mote_tensor shapes[4];
                for (size_t k = 0; k < mote_model_input_count(model); k++) {
                    mote_value_info info = MOTE_VALUE_INFO_INIT;
                    assert_int_equal(mote_model_input_info(model, k, &info), MOTE_OK);
                    for (int32_t d = 0; d < info.rank; d++)
                        info.shape[d] = info.shape[d] < 0 ? size : info.shape[d];
                    shapes[k] = shape_of(info.dtype, info.rank, info.shape);
                }
                status = mote_session_prepare(s, shapes, mote_model_input_count(model), &diag);
                if (status == MOTE_OK) {
                    fill_inputs(model, s, 1);
                    status = mote_session_run(s, NULL, &diag);
                }
            }
            done = status == MOTE_OK;
            if (!done && (status != MOTE_E_MEMORY || diag.code != MOTE_E_MEMORY))
                fail_msg("%s, allocation %zu: %s: %s", net_names[i], at, mote_status_string(status), diag.message);
            if (s == NULL && model == NULL)
                assert_int_equal(c.live, 0);
            mote_session_destroy(&s);
            mote_model_destroy(&model);
            assert_int_equal(c.live, 0);
            assert_in_range(at, 0, 20000);
        }
        free(bytes);
    }
}

static void allocator_checked(void **state)
{
    (void)state;
    size_t n;
    void *bytes = onnx_of(optional_net, &n);
    for (int k = 0; k < 4; k++) {
        counter c;
        mote_allocator a = allocator_of(&c);
        if (k == 0)
            a.alloc = NULL;
        if (k == 1)
            a.free = NULL;
        if (k == 2)
            a.struct_size = 0;
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.allocator = &a;
        mote_model *model;
        mote_diag diag = MOTE_DIAG_INIT;
        assert_int_equal(mote_model_load_memory(bytes, n, &o, &model, &diag), k < 3 ? MOTE_E_ARGUMENT : MOTE_OK);
        if (k < 3)
            ASSERT_SAYS(diag, "allocator");
        mote_model_destroy(&model);
        assert_int_equal(c.live, 0);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_count_counts),       cmocka_unit_test(runs_allocate_nothing), cmocka_unit_test(real_models_allocate_nothing),
        cmocka_unit_test(memory_is_what_it_says), cmocka_unit_test(dynamic_memory),        cmocka_unit_test(limits),
        cmocka_unit_test(plans_make_room),        cmocka_unit_test(every_allocation_may_fail), cmocka_unit_test(allocator_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
