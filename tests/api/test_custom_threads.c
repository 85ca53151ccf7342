/* test_custom_threads.c - one registry and its operators on several threads at once: loads, sessions of one model, cancelling a long compute
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "support/model.h"
#include <mote/mote_custom.h>

enum { THREADS = 4, RUNS = 200, SIZE = 257 };

static mote_status same_type(void *user, mote_custom_call *c)
{
    (void)user;
    const mote_tensor *x = mote_custom_input(c, 0);
    return mote_custom_set_output(c, 0, x->dtype, x->rank, x->shape);
}

/* y = x[n-1-i] + k, by way of scratch memory. */
static mote_status turned(void *user, mote_custom_call *c)
{
    atomic_fetch_add((_Atomic int *)user, 1);
    const mote_tensor *x = mote_custom_input(c, 0);
    int64_t n = mote_tensor_count(x), k = mote_custom_int(c, "k");
    const int64_t *p = mote_tensor_map(x);
    int64_t *y = mote_tensor_map(mote_custom_output(c, 0)), *copy = mote_custom_scratch(c, (size_t)n * sizeof *copy);
    if (copy == NULL)
        return mote_custom_fail(c, MOTE_E_MEMORY, "no memory for %lld elements", (long long)n);
    for (int64_t i = 0; i < n; i++)
        copy[i] = p[n - 1 - i];
    for (int64_t i = 0; i < n; i++)
        y[i] = copy[i] + k;
    return MOTE_OK;
}

static mote_status endless(void *user, mote_custom_call *c)
{
    atomic_store((_Atomic int *)user, 1);
    mote_status status;
    do
        status = mote_custom_tick(c);
    while (status == MOTE_OK);
    return status;
}

static mote_custom_ops *registry(const char *name, mote_custom_fn compute, void *user)
{
    mote_custom_op o = MOTE_CUSTOM_OP_INIT;
    o.domain = "com.example", o.name = name, o.inputs = "X:T", o.outputs = "Y:T", o.types = "T:any", o.attributes = "k:int=3";
    o.infer = same_type, o.compute = compute, o.user = user;
    mote_custom_ops *ops = NULL;
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_custom_ops_create(NULL, &ops), MOTE_OK);
    ASSERT_OK(mote_custom_ops_add(ops, &o, &diag), diag);
    return ops;
}

static const char *const net = "opset \"\" 17\nopset \"com.example\" 1\ngraph \"g\" (x: int64[N]) {\n"
                               " a = com.example::Turned(x)\n b = com.example::Turned(a) {k=-1}\n y = Add(a, b)\n return y }";

typedef struct job {
    const mote_custom_ops *ops;
    const void *bytes;
    size_t n;
    mote_model *model; /* NULL: loads its own */
    int64_t seed;
    int wrong;
} job;

static void *work(void *ctx)
{
    job *j = ctx;
    j->wrong = 1;
    mote_model *own = NULL;
    mote_session *s = NULL;
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    o.custom_ops = j->ops;
    if (j->model == NULL && mote_model_load_memory(j->bytes, j->n, &o, &own, NULL) != MOTE_OK)
        return NULL;
    mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
    so.threads = 1;
    if (mote_session_create(own != NULL ? own : j->model, &so, &s, NULL) != MOTE_OK)
        return NULL;
    j->wrong = 0;
    for (int r = 0; r < RUNS && j->wrong == 0; r++) {
        int64_t n = 1 + (r * 31 + j->seed) % SIZE;
        mote_tensor shape = MOTE_TENSOR_INIT;
        j->wrong += mote_tensor_describe(&shape, MOTE_DTYPE_S64, 1, &n, NULL) != MOTE_OK || mote_session_prepare(s, &shape, 1, NULL) != MOTE_OK;
        int64_t *x = j->wrong == 0 ? mote_tensor_map(mote_session_input(s, 0)) : NULL;
        for (int64_t i = 0; i < n && x != NULL; i++)
            x[i] = i * i + j->seed;
        j->wrong += x == NULL || mote_session_run(s, NULL, NULL) != MOTE_OK;
        const int64_t *y = j->wrong == 0 ? mote_tensor_map(mote_session_output(s, 0)) : NULL;
        for (int64_t i = 0; i < n && y != NULL; i++) /* (x turned + 3) + (x + 3 - 1) */
            j->wrong += y[i] != x[n - 1 - i] + 3 + x[i] + 2;
    }
    mote_session_destroy(&s);
    mote_model_destroy(&own);
    return NULL;
}

static void at_once(bool shared_model)
{
    _Atomic int calls = 0;
    mote_custom_ops *ops = registry("Turned", turned, &calls);
    job jobs[THREADS];
    pthread_t t[THREADS];
    size_t n;
    void *bytes = onnx_of(net, &n);
    mote_model *model = NULL;
    mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
    mote_diag diag = MOTE_DIAG_INIT;
    o.custom_ops = ops;
    if (shared_model) {
        ASSERT_OK(mote_model_load_memory(bytes, n, &o, &model, &diag), diag);
        mote_custom_ops_destroy(&ops);
    }
    for (int k = 0; k < THREADS; k++) {
        jobs[k] = (job){ops, bytes, n, model, 100 * k, 0};
        assert_int_equal(pthread_create(&t[k], NULL, work, &jobs[k]), 0);
    }
    for (int k = 0; k < THREADS; k++) {
        pthread_join(t[k], NULL);
        assert_int_equal(jobs[k].wrong, 0);
    }
    assert_int_equal(calls, 2 * RUNS * THREADS);
    mote_custom_ops_destroy(&ops);
    mote_model_destroy(&model);
    free(bytes);
}

static void sessions_of_one_model(void **state)
{
    (void)state;
    at_once(true);
}

static void loads_with_one_registry(void **state)
{
    (void)state;
    at_once(false);
}

typedef struct long_run {
    mote_session *s;
    mote_status status;
    mote_diag diag;
} long_run;

static void *run_long(void *ctx)
{
    long_run *r = ctx;
    r->status = mote_session_run(r->s, NULL, &r->diag);
    return NULL;
}

/* A compute that ticks ends when the run is cancelled, or passes its limit of steps. */
static void ticking(void **state)
{
    (void)state;
    for (int limit = 0; limit < 2; limit++) {
        _Atomic int begun = 0;
        mote_custom_ops *ops = registry("Endless", endless, &begun);
        mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
        o.custom_ops = ops;
        void *bytes;
        mote_model *model = model_of("opset \"com.example\" 1\ngraph \"g\" (x: float32[2]) { y = com.example::Endless(x) as \"forever\"\n return y }", &o, &bytes);
        mote_session_options so = MOTE_SESSION_OPTIONS_INIT;
        so.threads = 1;
        so.step_limit = limit ? 1000 : UINT64_MAX;
        long_run r = {session_of(model, &so), MOTE_OK, MOTE_DIAG_INIT};
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, run_long, &r), 0);
        while (limit == 0 && !atomic_load(&begun))
            ;
        if (limit == 0)
            mote_session_cancel(r.s);
        pthread_join(t, NULL);
        assert_int_equal(r.status, limit ? MOTE_E_LIMIT : MOTE_E_CANCELLED);
        assert_string_equal(r.diag.node, "forever");
        mote_session_destroy(&r.s);
        mote_model_destroy(&model);
        mote_custom_ops_destroy(&ops);
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sessions_of_one_model), cmocka_unit_test(loads_with_one_registry), cmocka_unit_test(ticking)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
