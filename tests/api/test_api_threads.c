/* test_api_threads.c - sessions in threads, cancellation, limits, pools; the same bits from any number of threads and any set of CPU features
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>
#include "support/model.h"
#include "support/nets.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

/* One hash of all outputs, for the same inputs. 0: something failed. */
static uint64_t answer(const mote_model *model, mote_session *s, int64_t n)
{
    mote_diag diag = MOTE_DIAG_INIT;
    uint64_t hash = 1469598103934665603u;
    prepare_for(model, s, n);
    fill_inputs(model, s, 3);
    if (mote_session_run(s, NULL, &diag) != MOTE_OK)
        return 0;
    for (size_t i = 0; i < mote_model_output_count(model); i++) {
        const mote_tensor *t = mote_session_output(s, i);
        hash = hash * 1099511628211u ^ mote_str_hash((mote_str){mote_tensor_map(t), t->bytes});
    }
    return hash;
}

static uint64_t answer_with(mote_model *model, unsigned threads, mote_threadpool *pool, int64_t n)
{
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = threads;
    o.threadpool = pool;
    mote_session *s = session_of(model, &o);
    uint64_t hash = answer(model, s, n);
    mote_session_destroy(&s);
    assert_true(hash != 0);
    return hash;
}

/* ---- a model for many ---- */

typedef struct job {
    mote_model *model;
    mote_threadpool *pool;
    uint64_t want;
    bool ok;
} job;

static void *work(void *ctx)
{
    job *j = ctx;
    j->ok = true;
    for (int k = 0; k < 4 && j->ok; k++) { /* sessions come and go: packing and planning meet, too */
        mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
        o.threads = 1;
        o.threadpool = j->pool;
        mote_session *s;
        if (mote_session_create(j->model, &o, &s, NULL) != MOTE_OK) {
            j->ok = false;
            break;
        }
        for (int r = 0; r < 3; r++)
            j->ok = j->ok && answer(j->model, s, 9) == j->want;
        mote_session_destroy(&s);
    }
    return NULL;
}

static void many_sessions(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++)
        for (int shared = 0; shared < 2; shared++) {
            void *bytes;
            mote_model *model = model_of(all_nets[i], NULL, &bytes);
            uint64_t want = answer_with(model, 1, NULL, 9);
            mote_model_destroy(&model);
            free(bytes);
            model = model_of(all_nets[i], NULL, &bytes); /* afresh: nothing is packed yet */
            mote_threadpool *pool = NULL;
            if (shared)
                assert_int_equal(mote_threadpool_create(3, &pool), MOTE_OK);
            job jobs[4];
            pthread_t t[4];
            for (int k = 0; k < 4; k++) {
                jobs[k] = (job){model, pool, want, false};
                assert_int_equal(pthread_create(&t[k], NULL, work, &jobs[k]), 0);
            }
            for (int k = 0; k < 4; k++) {
                pthread_join(t[k], NULL);
                if (!jobs[k].ok)
                    fail_msg("%s: thread %d got another answer", net_names[i], k);
            }
            mote_threadpool_destroy(&pool);
            mote_model_destroy(&model);
            free(bytes);
        }
}

/* ---- one session, a long run ---- */

static const char endless_net[] = NET "(x: float32[4]) { const trip: int64[] {9223372036854775807}\n"
                                      "y = Loop(trip, _, x) {body=graph (i: int64[], go: bool[], z: float32[4]) { g = Identity(go) t = Tanh(z) return g, t }}\n"
                                      "return y }";

typedef struct run_job {
    mote_session *s;
    mote_status status;
    mote_diag diag;
    _Atomic bool begun;
} run_job;

static void *run_long(void *ctx)
{
    run_job *r = ctx;
    r->begun = true;
    do /* the main thread's own calls may hold the session for a moment */
        r->status = mote_session_run(r->s, NULL, &r->diag);
    while (r->status == MOTE_E_BUSY);
    return NULL;
}

static void busy_and_cancelled(void **state)
{
    (void)state;
    void *bytes;
    mote_model *model = model_of(endless_net, NULL, &bytes);
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = 1;
    o.step_limit = UINT64_MAX;
    mote_session *s = session_of(model, &o);
    fill_inputs(model, s, 1);
    mote_session_cancel(s); /* without a run: does nothing */
    mote_session_cancel(NULL);
    for (int k = 0; k < 5; k++) {
        run_job r = {s, MOTE_OK, MOTE_DIAG_INIT, false};
        pthread_t t;
        assert_int_equal(pthread_create(&t, NULL, run_long, &r), 0);
        while (!r.begun)
            ;
        mote_diag diag = MOTE_DIAG_INIT;
        mote_tensor x = SHAPE(MOTE_DTYPE_F32, 4);
        while (mote_session_bind_input(s, 0, NULL, &diag) != MOTE_E_BUSY) /* until it runs */
            usleep(100);
        assert_int_equal(diag.code, MOTE_E_BUSY);
        assert_int_equal(mote_session_run(s, NULL, NULL), MOTE_E_BUSY);
        assert_int_equal(mote_session_prepare(s, &x, 1, NULL), MOTE_E_BUSY);
        assert_int_equal(mote_session_bind_output(s, 0, NULL, NULL), MOTE_E_BUSY);
        usleep(k == 0 ? 20000 : 0);
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        mote_session_cancel(s);
        pthread_join(t, NULL);
        clock_gettime(CLOCK_MONOTONIC, &b);
        assert_int_equal(r.status, MOTE_E_CANCELLED);
        assert_int_equal(r.diag.code, MOTE_E_CANCELLED);
        assert_true(b.tv_sec - a.tv_sec <= 1);
    }
    mote_run_options ro = MOTE_RUN_OPTIONS_INIT; /* the session runs again; limits hold */
    ro.step_limit = 1000;
    mote_diag diag = MOTE_DIAG_INIT;
    assert_int_equal(mote_session_run(s, &ro, &diag), MOTE_E_LIMIT);
    ASSERT_SAYS(diag, "limit of 1000 steps");
    mote_session_destroy(&s);
    o.step_limit = 50;
    s = session_of(model, &o);
    fill_inputs(model, s, 1);
    assert_int_equal(mote_session_run(s, NULL, &diag), MOTE_E_LIMIT);
    ASSERT_SAYS(diag, "limit of 50 steps");
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

static mote_session *watched;
static pthread_t main_thread;
static _Atomic int signals, strays;

static void on_signal(int number)
{
    (void)number;
    signals++;
    if (!pthread_equal(pthread_self(), main_thread))
        strays++;
    mote_session_cancel(watched);
}

static void cancelled_by_signal(void **state)
{
    (void)state;
    void *bytes;
    mote_model *model = model_of(endless_net, NULL, &bytes);
    mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
    o.threads = 4; /* workers leave the application's signals alone */
    o.step_limit = UINT64_MAX;
    mote_session *s = session_of(model, &o);
    fill_inputs(model, s, 1);
    struct sigaction act = {.sa_handler = on_signal}, old;
    sigaction(SIGALRM, &act, &old);
    watched = s;
    main_thread = pthread_self();
    for (int k = 0; k < 3; k++) {
        struct itimerval soon = {{0, 5000}, {0, 10000}}, never = {{0, 0}, {0, 0}};
        setitimer(ITIMER_REAL, &soon, NULL);
        mote_status status = mote_session_run(s, NULL, NULL);
        setitimer(ITIMER_REAL, &never, NULL);
        assert_int_equal(status, MOTE_E_CANCELLED);
    }
    assert_true(signals >= 3);
    assert_int_equal(strays, 0);
    watched = NULL;
    sigaction(SIGALRM, &old, NULL);
    mote_session_destroy(&s);
    mote_model_destroy(&model);
    free(bytes);
}

/* ---- pools ---- */

static void run_backwards(void *ctx, void (*task)(void *task_ctx, unsigned i), void *task_ctx, unsigned n)
{
    *(_Atomic unsigned *)ctx += 1;
    while (n-- > 0)
        task(task_ctx, n);
}

typedef struct hook_task {
    void (*task)(void *ctx, unsigned i);
    void *ctx;
    unsigned i;
} hook_task;

static void *run_hook_task(void *p)
{
    const hook_task *t = p;
    t->task(t->ctx, t->i);
    return NULL;
}

static void run_in_threads(void *ctx, void (*task)(void *task_ctx, unsigned i), void *task_ctx, unsigned n)
{
    *(_Atomic unsigned *)ctx += 1;
    pthread_t t[8];
    hook_task h[8];
    for (unsigned i = 0; i < n; i++) {
        h[i] = (hook_task){task, task_ctx, i};
        if (pthread_create(&t[i], NULL, run_hook_task, &h[i]) != 0)
            abort();
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(t[i], NULL);
}

static void callers_pool(void **state)
{
    (void)state;
    _Atomic unsigned calls = 0;
    for (int k = 0; k < 2; k++) {
        mote_threadpool_hooks hooks = {sizeof hooks, &calls, 5, k == 0 ? run_backwards : run_in_threads};
        mote_threadpool *pool;
        assert_int_equal(mote_threadpool_create_custom(&hooks, &pool), MOTE_OK);
        for (size_t i = 0; i < NETS; i++) {
            void *bytes;
            mote_model *model = model_of(all_nets[i], NULL, &bytes);
            assert_true(answer_with(model, 1, NULL, 20) == answer_with(model, 1, pool, 20));
            mote_model_destroy(&model);
            free(bytes);
        }
        mote_threadpool_destroy(&pool);
    }
    assert_true(calls > 0);
    mote_threadpool *pool;
    mote_threadpool_hooks none = {sizeof none, NULL, 2, NULL};
    assert_int_equal(mote_threadpool_create_custom(&none, &pool), MOTE_E_ARGUMENT);
    assert_null(pool);
    none = (mote_threadpool_hooks){sizeof none, NULL, 0, run_backwards};
    assert_int_equal(mote_threadpool_create_custom(&none, &pool), MOTE_E_ARGUMENT);
    none = (mote_threadpool_hooks){8, NULL, 2, run_backwards};
    assert_int_equal(mote_threadpool_create_custom(&none, &pool), MOTE_E_ARGUMENT);
    assert_int_equal(mote_threadpool_create_custom(NULL, &pool), MOTE_E_ARGUMENT);
    assert_int_equal(mote_threadpool_create(1u << 20, &pool), MOTE_E_ARGUMENT);
    assert_int_equal(mote_threadpool_create(1, NULL), MOTE_E_ARGUMENT);
}

static double cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

/* Threads without work use no time: of the process, over a pause after a run. */
static void idle_threads_sleep(void **state)
{
    (void)state;
    void *bytes;
    mote_model *model = model_of(conv_net, NULL, &bytes);
    for (unsigned threads = 2; threads <= 8; threads *= 2) {
        mote_session_options o = MOTE_SESSION_OPTIONS_INIT;
        o.threads = threads;
        mote_session *s = session_of(model, &o);
        double least = 1e9;
        for (int k = 0; k < 5 && least > 0.5; k++) {
            assert_true(answer(model, s, 40) != 0);
            double before = cpu_ms();
            usleep(100000);
            double used = cpu_ms() - before;
            least = used < least ? used : least;
        }
        if (least > (SANITIZED ? 20 : 2)) /* spinning would use 100 ms a thread */
            fail_msg("%u threads used %.2f ms in 100 ms without work", threads, least);
        mote_session_destroy(&s);
    }
    mote_model_destroy(&model);
    free(bytes);
}

/* ---- the same bits ---- */

static void threads_change_nothing(void **state)
{
    (void)state;
    for (size_t i = 0; i < NETS; i++) {
        void *bytes;
        mote_model *model = model_of(all_nets[i], NULL, &bytes);
        static const int64_t sizes[] = {4, 8, 33};
        for (int k = 0; k < 3; k++) {
            uint64_t want = answer_with(model, 1, NULL, sizes[k]);
            for (unsigned threads = 2; threads <= 4; threads++)
                if (answer_with(model, threads, NULL, sizes[k]) != want)
                    fail_msg("%s, size %d: %u threads give other bits than one", net_names[i], (int)sizes[k], threads);
        }
        mote_model_destroy(&model);
        free(bytes);
    }
}

static void features_change_nothing(void **state)
{
    (void)state;
    uint32_t all = mote_cpu_available();
    uint32_t bits[32];
    unsigned n = 0;
    for (unsigned i = 0; i < 31; i++)
        if ((all >> i & 1) != 0 && mote_cpu_name(1u << i) != NULL)
            bits[n++] = 1u << i;
    assert_null(mote_cpu_name(1u << 31));
    size_t subsets = n <= 10 ? (size_t)1 << n : 1024;
    for (size_t i = 0; i < NETS; i++) {
        uint64_t want = 0;
        for (size_t k = 0; k < subsets; k += SANITIZED ? 13 : 1) {
            uint32_t mask = 1u << 31; /* not 0, which means all; no feature has this bit */
            for (unsigned b = 0; b < n; b++)
                mask |= (k >> b & 1) != 0 ? bits[b] : 0;
            mote_load_options o = MOTE_LOAD_OPTIONS_INIT;
            o.cpu_mask = mask;
            void *bytes;
            mote_model *model = model_of(all_nets[i], &o, &bytes);
            uint64_t got = answer_with(model, 1 + (unsigned)(k % 2), NULL, 8);
            want = k == 0 ? got : want;
            if (got != want)
                fail_msg("%s: CPU features %x give other bits than none", net_names[i], (unsigned)mask);
            mote_model_destroy(&model);
            free(bytes);
        }
    }
    print_message("%u features, %zu sets\n", n, subsets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_sessions),      cmocka_unit_test(busy_and_cancelled),     cmocka_unit_test(cancelled_by_signal),
        cmocka_unit_test(callers_pool),       cmocka_unit_test(idle_threads_sleep),     cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(features_change_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
