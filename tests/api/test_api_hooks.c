/* test_api_hooks.c - the profile covers all steps, nested; the tap sees every tensor; what hooks may not do
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "support/model.h"
#include "support/nets.h"

enum { MOST = 4096 };

typedef struct record {
    mote_profile_event events[MOST];
    size_t n_events;
    char names[MOST][32];
    uint64_t hashes[MOST];
    size_t n_tensors;
    mote_session *s;
    mote_status inside;
} record;

static void on_event(void *ctx, const mote_profile_event *e)
{
    record *r = ctx;
    assert_true(r->n_events < MOST);
    r->events[r->n_events++] = *e;
}

static void on_tensor(void *ctx, const char *name, const mote_tensor *t)
{
    record *r = ctx;
    assert_true(r->n_tensors < MOST);
    assert_true(t->bytes == 0 || mote_tensor_map(t) != NULL);
    snprintf(r->names[r->n_tensors], 32, "%s", name);
    r->hashes[r->n_tensors++] = mote_str_hash((mote_str){mote_tensor_map(t), t->bytes});
    if (r->s != NULL)
        r->inside = mote_session_run(r->s, NULL, NULL);
}

static void run(const char *text, const char *disabled, record *r, mote_session **s, mote_model **model, void **bytes)
{
    mote_load_options lo = MOTE_LOAD_OPTIONS_INIT;
    lo.disabled_passes = disabled;
    *model = model_of(text, &lo, bytes);
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = 1;
    o.profile = on_event;
    o.profile_ctx = r;
    o.tap = on_tensor;
    o.tap_ctx = r;
    *s = session_of(*model, &o);
    mote_diag diag = MOTE_DIAG_INIT;
    prepare_for(*model, *s, 6);
    fill_inputs(*model, *s, 1);
    ASSERT_OK(mote_session_run(*s, NULL, &diag), diag);
}

static void close_run(mote_session **s, mote_model **model, void *bytes)
{
    mote_session_destroy(s);
    mote_model_destroy(model);
    free(bytes);
}

static void profile_nests(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        record *r = calloc(1, sizeof *r);
        mote_session *s;
        mote_model *model;
        void *bytes;
        run(all_nets[i], NULL, r, &s, &model, &bytes);
        assert_true(r->n_events > 0);
        uint64_t end = 0;
        unsigned deepest = 0;
        for (size_t k = 0; k < r->n_events; k++) {
            const mote_profile_event *e = &r->events[k];
            assert_true(e->start_ns <= e->end_ns && e->end_ns >= end); /* in the order of their ends */
            assert_true(e->name != NULL && e->op != NULL && e->op[0] != 0 && e->kernel != NULL && e->kernel[0] != 0);
            end = e->end_ns;
            deepest = e->depth > deepest ? e->depth : deepest;
            if (e->depth == 0)
                continue;
            size_t up = k; /* one that encloses it comes later, one level up */
            while (up < r->n_events && r->events[up].depth >= e->depth)
                up++;
            assert_true(up < r->n_events && r->events[up].depth == e->depth - 1);
            assert_true(r->events[up].start_ns <= e->start_ns && r->events[up].end_ns >= e->end_ns);
        }
        assert_int_equal(deepest, all_nets[i] == loop_net ? 2 : 0);
        close_run(&s, &model, bytes);
        free(r);
    }
}

static uint64_t seen(const record *r, const char *name)
{
    for (size_t i = 0; i < r->n_tensors; i++)
        if (strcmp(r->names[i], name) == 0)
            return r->hashes[i];
    fail_msg("tensor '%s' was not shown", name);
    return 0;
}

static void tap_sees_all(void **state)
{
    (void)state;
    static const char *const names[] = {"q0", "q1", "q", "k", "v", "qk", "sc", "ms", "p", "c0", "c1", "c2", "o", "r", "n", "h", "g0", "g3", "u", "z", "y"};
    record *r = calloc(1, sizeof *r);
    mote_session *s;
    mote_model *model;
    void *bytes;
    run(transformer_net, "all", r, &s, &model, &bytes);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        (void)seen(r, names[i]);
    assert_true(seen(r, "q0") == seen(r, "q1")); /* a view */
    const mote_tensor *y = mote_session_output(s, 0);
    assert_true(seen(r, "y") == mote_str_hash((mote_str){mote_tensor_map(y), y->bytes}));
    close_run(&s, &model, bytes);
    *r = (record){.n_events = 0};
    run(transformer_net, NULL, r, &s, &model, &bytes); /* outputs whatever passes did */
    y = mote_session_output(s, 0);
    assert_true(seen(r, "y") == mote_str_hash((mote_str){mote_tensor_map(y), y->bytes}));
    close_run(&s, &model, bytes);
    *r = (record){.n_events = 0};
    run(loop_net, NULL, r, &s, &model, &bytes); /* inside control flow, once an iteration */
    size_t times = 0, trips = 0;
    for (size_t i = 0; i < r->n_tensors; i++)
        times += strcmp(r->names[i], "j") == 0;
    trips = (size_t)*(int64_t *)mote_tensor_map(mote_session_input(s, 1));
    assert_true(trips > 0);
    assert_int_equal(times, trips);
    close_run(&s, &model, bytes);
    free(r);
}

static void a_view_of_an_input(void **state)
{
    (void)state;
    record *r = calloc(1, sizeof *r);
    mote_session *s;
    mote_model *model;
    void *bytes;
    run(NET "(x: float32[2,3]) { a = Flatten(x) {axis=0} b = Neg(x) y = Flatten(b) {axis=0} return a, y }", NULL, r, &s, &model, &bytes);
    assert_true(seen(r, "a") != 0 && seen(r, "b") == seen(r, "y"));
    close_run(&s, &model, bytes);
    free(r);
}

/* The tap changes nothing, and the session is in use while it is called. */
static void hooks_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        record *r = calloc(1, sizeof *r);
        mote_session *s, *plain;
        mote_model *model;
        void *bytes;
        mote_diag diag = MOTE_DIAG_INIT;
        run(all_nets[i], NULL, r, &s, &model, &bytes);
        r->s = s;
        r->n_tensors = r->n_events = 0;
        ASSERT_OK(mote_session_run(s, NULL, &diag), diag);
        assert_int_equal(r->inside, MOTE_E_BUSY);
        mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
        o.threads = 1;
        plain = session_of(model, &o);
        prepare_for(model, plain, 6);
        fill_inputs(model, plain, 1);
        ASSERT_OK(mote_session_run(plain, NULL, &diag), diag);
        for (size_t k = 0; k < mote_model_output_count(model); k++) {
            const mote_tensor *a = mote_session_output(s, k), *b = mote_session_output(plain, k);
            assert_int_equal(a->bytes, b->bytes);
            assert_memory_equal(mote_tensor_map(a), mote_tensor_map(b), a->bytes);
        }
        mote_session_destroy(&plain);
        close_run(&s, &model, bytes);
        free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(profile_nests), cmocka_unit_test(tap_sees_all), cmocka_unit_test(a_view_of_an_input),
                                       cmocka_unit_test(hooks_change_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
