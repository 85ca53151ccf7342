/* test_threadpool.c - the thread pool: every item once, worker ids, teams, taking turns, sleeping
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/cpu.h"
#include "thread/pool.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

enum { ITEMS = 10007, WORKERS = 16 };

typedef struct seen {
    size_t n, grain;
    unsigned workers;
    _Atomic unsigned char item[ITEMS];
    _Atomic int busy[WORKERS];
    _Atomic unsigned wrong, calls;
} seen;

static void mark(void *ctx, unsigned worker, size_t begin, size_t end)
{
    seen *s = ctx;
    if (worker >= s->workers || begin >= end || end > s->n || begin % s->grain != 0 || (end - begin < s->grain && end != s->n)) {
        s->wrong++;
        return;
    }
    if (atomic_fetch_add(&s->busy[worker], 1) != 0) /* a worker does one piece at a time */
        s->wrong++;
    for (size_t i = begin; i < end; i++)
        s->item[i]++;
    atomic_fetch_sub(&s->busy[worker], 1);
    s->calls++;
}

static void check_range(mote_threadpool *pool, size_t n, size_t grain)
{
    seen *s = calloc(1, sizeof *s);
    assert_non_null(s);
    s->n = n;
    s->grain = grain;
    s->workers = mote_pool_workers(pool);
    mote_parallel_for(pool, n, grain, mark, s);
    assert_int_equal(s->wrong, 0);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(s->item[i], i < n ? 1 : 0);
    if (n == 0)
        assert_int_equal(s->calls, 0);
    else if (n <= grain || s->workers == 1)
        assert_int_equal(s->calls, 1);
    free(s);
}

static void check_ranges(mote_threadpool *pool)
{
    static const size_t sizes[] = {0, 1, 2, 3, 7, 64, 65, 1000, ITEMS}, grains[] = {1, 2, 7, 64, 5000, ITEMS, SIZE_MAX};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t k = 0; k < sizeof grains / sizeof *grains; k++)
            check_range(pool, sizes[i], grains[k]);
}

static void ranges(void **state)
{
    (void)state;
    check_ranges(NULL);
    for (unsigned threads = 1; threads <= WORKERS; threads *= 2) { /* more than there are CPUs, too */
        mote_threadpool *pool;
        assert_int_equal(mote_threadpool_create(threads, &pool), MOTE_OK);
        assert_int_equal(mote_pool_workers(pool), threads);
        check_ranges(pool);
        mote_threadpool_destroy(&pool);
        assert_null(pool);
    }
}

static void count_items(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    atomic_fetch_add((_Atomic size_t *)ctx, end - begin);
}

static void huge_range(void **state)
{
    (void)state;
    mote_threadpool *pool;
    assert_int_equal(mote_threadpool_create(3, &pool), MOTE_OK);
    _Atomic size_t total = 0;
    mote_parallel_for(pool, SIZE_MAX, 1, count_items, &total);
    assert_true(total == SIZE_MAX);
    total = 0;
    mote_parallel_for(pool, SIZE_MAX, SIZE_MAX / 2, count_items, &total);
    assert_true(total == SIZE_MAX);
    total = 0;
    mote_parallel_for(pool, 5, 0, count_items, &total);
    assert_true(total == 5);
    mote_threadpool_destroy(&pool);
}

static void *short_jobs(void *pool)
{
    for (int i = 0; i < 300; i++) {
        _Atomic size_t total = 0;
        mote_parallel_for(pool, 100, 1, count_items, &total);
        if (total != 100)
            return pool;
        if (i % 100 == 0)
            usleep(300); /* long enough for workers to sleep */
    }
    return NULL;
}

static void callers_take_turns(void **state)
{
    (void)state;
    for (unsigned threads = 2; threads <= 4; threads++) {
        mote_threadpool *pool;
        assert_int_equal(mote_threadpool_create(threads, &pool), MOTE_OK);
        pthread_t callers[4];
        for (int i = 0; i < 4; i++)
            assert_int_equal(pthread_create(&callers[i], NULL, short_jobs, pool), 0);
        for (int i = 0; i < 4; i++) {
            void *failed = pool;
            pthread_join(callers[i], &failed);
            assert_null(failed);
        }
        mote_threadpool_destroy(&pool);
    }
}

typedef struct nest {
    mote_threadpool *pool;
    _Atomic size_t total;
} nest;

static void inner_team(void *ctx, mote_team *team, unsigned member, unsigned members)
{
    mote_team_barrier(team);
    atomic_fetch_add((_Atomic size_t *)ctx, member == 0 && members == 1);
}

static void outer(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)worker;
    nest *n = ctx;
    for (size_t i = begin; i < end; i++) {
        mote_parallel_for(n->pool, 9, 1, count_items, &n->total);
        mote_pool_team(n->pool, inner_team, &n->total);
    }
}

static void nested_calls_run_alone(void **state)
{
    (void)state;
    nest n = {NULL, 0};
    assert_int_equal(mote_threadpool_create(4, &n.pool), MOTE_OK);
    mote_parallel_for(n.pool, 50, 1, outer, &n);
    assert_true(n.total == 500);
    mote_threadpool_destroy(&n.pool);
}

enum { STEPS = 200 };
typedef struct relay {
    unsigned values[WORKERS], members; /* plain memory: only the barrier orders it */
    _Atomic unsigned wrong, ran;
} relay;

static void relay_steps(void *ctx, mote_team *team, unsigned member, unsigned members)
{
    relay *r = ctx;
    r->ran++;
    for (unsigned step = 1; step <= STEPS; step++) {
        r->values[member] = step;
        mote_team_barrier(team);
        for (unsigned i = 0; i < members; i++)
            r->wrong += r->values[i] != step;
        mote_team_barrier(team);
    }
}

static void teams(void **state)
{
    (void)state;
    relay *r = calloc(1, sizeof *r);
    assert_non_null(r);
    mote_pool_team(NULL, relay_steps, r);
    assert_int_equal(r->ran, 1);
    for (unsigned threads = 1; threads <= 8; threads++) {
        mote_threadpool *pool;
        assert_int_equal(mote_threadpool_create(threads, &pool), MOTE_OK);
        for (int i = 0; i < 3; i++) {
            r->ran = 0;
            mote_pool_team(pool, relay_steps, r);
            assert_int_equal(r->ran, threads);
            check_range(pool, 100, 3); /* the two kinds of job in turn */
        }
        mote_threadpool_destroy(&pool);
    }
    assert_int_equal(r->wrong, 0);
    free(r);
}

static void slices(void **state)
{
    (void)state;
    for (size_t n = 0; n < 70; n++)
        for (size_t unit = 1; unit < 20; unit += 3)
            for (unsigned m = 1; m < 9; m++) {
                size_t at = 0;
                for (unsigned i = 0; i < m; i++) {
                    size_t b, e;
                    mote_team_slice(n, unit, i, m, &b, &e);
                    assert_true(b == at && e >= b && e <= n && (b % unit == 0 || b == n));
                    assert_true(e - b <= (n / unit / m + 1) * unit);
                    at = e;
                }
                assert_int_equal(at, n);
            }
}

static void serial_run(void *ctx, void (*task)(void *, unsigned), void *task_ctx, unsigned n)
{
    ++*(int *)ctx;
    for (unsigned i = n; i-- > 0;)
        task(task_ctx, i);
}

static void lazy_run(void *ctx, void (*task)(void *, unsigned), void *task_ctx, unsigned n)
{
    (void)ctx, (void)task, (void)task_ctx, (void)n; /* breaks its promise; the work is still done */
}

typedef struct task_arg {
    void (*task)(void *, unsigned);
    void *ctx;
    unsigned i;
} task_arg;

static void *run_task(void *p)
{
    task_arg *t = p;
    t->task(t->ctx, t->i);
    return NULL;
}

static void threads_run(void *ctx, void (*task)(void *, unsigned), void *task_ctx, unsigned n)
{
    (void)ctx;
    pthread_t thread[WORKERS];
    task_arg args[WORKERS];
    for (unsigned i = 0; i < n; i++) {
        args[i] = (task_arg){task, task_ctx, i};
        pthread_create(&thread[i], NULL, run_task, &args[i]);
    }
    for (unsigned i = 0; i < n; i++)
        pthread_join(thread[i], NULL);
}

static void custom_pools(void **state)
{
    (void)state;
    int calls = 0;
    mote_threadpool_hooks hooks = {sizeof hooks, &calls, 5, serial_run};
    mote_threadpool *pool;
    assert_int_equal(mote_threadpool_create_custom(&hooks, &pool), MOTE_OK);
    assert_int_equal(mote_pool_workers(pool), 5);
    check_ranges(pool);
    assert_true(calls > 0);
    relay *r = calloc(1, sizeof *r);
    assert_non_null(r);
    mote_pool_team(pool, relay_steps, r);
    assert_int_equal(r->ran, 1);
    free(r);
    mote_threadpool_destroy(&pool);
    hooks.run = lazy_run;
    assert_int_equal(mote_threadpool_create_custom(&hooks, &pool), MOTE_OK);
    check_range(pool, 1000, 3);
    mote_threadpool_destroy(&pool);
    hooks.run = threads_run;
    assert_int_equal(mote_threadpool_create_custom(&hooks, &pool), MOTE_OK);
    for (int i = 0; i < 20; i++)
        check_range(pool, 1000, 3);
    mote_threadpool_destroy(&pool);
}

static void arguments(void **state)
{
    (void)state;
    mote_threadpool *pool = (mote_threadpool *)&pool;
    assert_int_equal(mote_threadpool_create(100000, &pool), MOTE_E_ARGUMENT);
    assert_null(pool);
    assert_int_equal(mote_threadpool_create(1, NULL), MOTE_E_ARGUMENT);
    assert_int_equal(mote_threadpool_create_custom(NULL, &pool), MOTE_E_ARGUMENT);
    mote_threadpool_hooks hooks = {sizeof hooks, NULL, 0, serial_run};
    assert_int_equal(mote_threadpool_create_custom(&hooks, &pool), MOTE_E_ARGUMENT);
    mote_threadpool_destroy(NULL);
    mote_threadpool_destroy(&pool);
    unsigned cpus, cores;
    mote_cpu_count(&cpus, &cores);
    assert_true(cores >= 1 && cores <= cpus);
    assert_int_equal(mote_threadpool_create(0, &pool), MOTE_OK);
    assert_int_equal(mote_pool_workers(pool), cores < 4 ? cores : 4);
    mote_threadpool_destroy(&pool);
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + 1e-6 * (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

/* After a job, idle threads sleep within tens of microseconds: 200 ms of idleness cost less than 5 ms of CPU. */
static void idle_threads_sleep(void **state)
{
    (void)state;
    mote_threadpool *pool;
    assert_int_equal(mote_threadpool_create(2, &pool), MOTE_OK);
    check_range(pool, 1000, 1);
    double before = cpu_seconds();
    usleep(200000);
    assert_true(cpu_seconds() - before < 0.005);
    mote_threadpool_destroy(&pool);
}

static void busy(void *ctx, unsigned worker, size_t begin, size_t end)
{
    (void)ctx, (void)begin, (void)end;
    if (worker != 0)
        usleep(150000);
}

/* Neither does a caller that waits for a long last piece. */
static void waiting_caller_sleeps(void **state)
{
    (void)state;
    mote_threadpool *pool;
    assert_int_equal(mote_threadpool_create(2, &pool), MOTE_OK);
    double before = cpu_seconds();
    mote_parallel_for(pool, 2, 1, busy, NULL);
    mote_parallel_for(pool, 2, 1, busy, NULL);
    assert_true(cpu_seconds() - before < 0.02);
    mote_threadpool_destroy(&pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges),
        cmocka_unit_test(huge_range),
        cmocka_unit_test(callers_take_turns),
        cmocka_unit_test(nested_calls_run_alone),
        cmocka_unit_test(teams),
        cmocka_unit_test(slices),
        cmocka_unit_test(custom_pools),
        cmocka_unit_test(arguments),
        cmocka_unit_test(idle_threads_sleep),
        cmocka_unit_test(waiting_caller_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
