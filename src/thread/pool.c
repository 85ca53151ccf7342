/* pool.c - mote's own threads, or an application's: ranges handed out in pieces, and teams
 * SPDX-License-Identifier: Apache-2.0
 *
 * One word of state says everything that a worker may act on before it takes part in a job:
 *
 *     generation (32 bits) | CLOSED | TEAM | workers inside (30 bits)
 *
 * A range job is open while there are pieces to take. Workers that see a new generation enter by counting themselves in, which fails once the
 * job is closed: a worker that wakes late costs nobody anything. The caller takes pieces too, closes the job when they run out, and waits for
 * those inside. A team job counts every worker in beforehand. The job's other fields change only while nobody is inside. */
#include "base/platform.h"
#include "thread/pool.h"
#include "base/cpu.h"
#include "base/heap.h"
#include "base/size.h"
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

enum { MAX_THREADS = 256, DEFAULT_THREADS = 4, SPIN_NS = 40000, PIECES_PER_WORKER = 4 };
#define CLOSED (1u << 31)
#define TEAM (1u << 30)
#define INSIDE (TEAM - 1)

struct mote_team {
    unsigned members;
    bool crowded; /* more members than CPUs: waiting must give way */
    _Alignas(MOTE_ALIGN) _Atomic unsigned arrived;
    _Alignas(MOTE_ALIGN) _Atomic unsigned phase;
};

typedef struct range_job {
    mote_range_fn fn;
    void *ctx;
    size_t n, piece, pieces;
    _Alignas(MOTE_ALIGN) _Atomic size_t next; /* index of the next piece */
} range_job;

typedef struct worker {
    mote_threadpool *pool;
    pthread_t thread;
    unsigned id;
} worker;

struct mote_threadpool {
    mote_heap heap;
    unsigned workers, started;   /* the caller included; threads to join */
    mote_threadpool_hooks hooks; /* run NULL: own threads */
    bool crowded;
    uint64_t spin_ns;
    pthread_mutex_t turn; /* held by the caller whose job runs */
    _Atomic uintptr_t owner;
    pthread_mutex_t lock; /* for sleeping */
    pthread_cond_t wake, idle;
    _Alignas(MOTE_ALIGN) _Atomic uint64_t state;
    _Alignas(MOTE_ALIGN) _Atomic unsigned sleepers;
    _Atomic bool caller_sleeps, stop;
    range_job range;
    mote_team_fn team_fn;
    void *team_ctx;
    mote_team team;
    worker self[];
};

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

typedef struct spin {
    uint64_t limit_ns, deadline;
    unsigned n;
} spin;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void relax(void)
{
#if MOTE_X86_64
    __builtin_ia32_pause();
#elif MOTE_AARCH64
    __asm__ volatile("yield");
#endif
}

/* A moment passes; false when it is time to sleep. */
static bool spin_more(spin *s)
{
    relax();
    if (++s->n % 64 != 0)
        return true;
    if (s->limit_ns == 0)
        return false;
    uint64_t now = now_ns();
    if (s->deadline == 0)
        s->deadline = now + s->limit_ns;
    return now < s->deadline;
}

static uint32_t generation(uint64_t state) { return (uint32_t)(state >> 32); }

/* Returns once the generation is no longer `seen`. Sleepers and state are each written by one side and read by the other, sequentially
 * consistent: whoever posts a job sees the sleeper, or the sleeper sees the job. */
static uint64_t await_job(mote_threadpool *pool, uint32_t seen)
{
    uint64_t state;
    spin s = {pool->spin_ns, 0, 0};
    do {
        state = atomic_load(&pool->state);
        if (generation(state) != seen)
            return state;
    } while (spin_more(&s));
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add(&pool->sleepers, 1);
    while (generation(state = atomic_load(&pool->state)) == seen)
        pthread_cond_wait(&pool->wake, &pool->lock);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->lock);
    return state;
}

/* Returns once no worker is inside the job. */
static void await_idle(mote_threadpool *pool)
{
    spin s = {pool->spin_ns, 0, 0};
    do {
        if ((atomic_load(&pool->state) & INSIDE) == 0)
            return;
    } while (spin_more(&s));
    pthread_mutex_lock(&pool->lock);
    atomic_store(&pool->caller_sleeps, true);
    while ((atomic_load(&pool->state) & INSIDE) != 0)
        pthread_cond_wait(&pool->idle, &pool->lock);
    atomic_store(&pool->caller_sleeps, false);
    pthread_mutex_unlock(&pool->lock);
}

/* Publishes a job for at most `helpers` workers: `flags` and the count of those that are inside from the start. */
static void post(mote_threadpool *pool, uint32_t flags, unsigned helpers)
{
    uint64_t next = (uint64_t)(generation(atomic_load(&pool->state)) + 1) << 32 | flags;
    atomic_store(&pool->state, next);
    unsigned sleepers = atomic_load(&pool->sleepers);
    if (sleepers == 0)
        return;
    pthread_mutex_lock(&pool->lock);
    if (helpers >= sleepers)
        pthread_cond_broadcast(&pool->wake);
    else
        for (unsigned i = 0; i < helpers; i++)
            pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

/* ---- workers ---------------------------------------------------------------------------------------------------- */

static void take_pieces(range_job *job, unsigned id)
{
    for (;;) {
        size_t i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
        if (i >= job->pieces)
            return;
        size_t begin = i * job->piece;
        job->fn(job->ctx, id, begin, job->n - begin < job->piece ? job->n : begin + job->piece);
    }
}

/* Counts the calling worker in, if the job of that generation is still open. */
static bool enter(mote_threadpool *pool, uint32_t wanted)
{
    uint64_t state = atomic_load(&pool->state);
    while (generation(state) == wanted && (state & CLOSED) == 0)
        if (atomic_compare_exchange_weak(&pool->state, &state, state + 1))
            return true;
    return false;
}

static void leave(mote_threadpool *pool)
{
    uint64_t state = atomic_fetch_sub(&pool->state, 1) - 1;
    if ((state & INSIDE) == 0 && atomic_load(&pool->caller_sleeps)) {
        pthread_mutex_lock(&pool->lock);
        pthread_cond_signal(&pool->idle);
        pthread_mutex_unlock(&pool->lock);
    }
}

static void *work(void *arg)
{
    const worker *self = arg;
    mote_threadpool *pool = self->pool;
    for (uint32_t seen = 0;;) {
        uint64_t state = await_job(pool, seen);
        seen = generation(state);
        if (atomic_load(&pool->stop))
            return NULL;
        if ((state & TEAM) != 0)
            pool->team_fn(pool->team_ctx, &pool->team, self->id, pool->workers);
        else if (enter(pool, seen))
            take_pieces(&pool->range, self->id);
        else
            continue;
        leave(pool);
    }
}

/* ---- jobs ------------------------------------------------------------------------------------------------------- */

/* The worker that the calling thread is while the pool runs a job: 0 for the caller; workers when it is none of them. */
static unsigned self_id(const mote_threadpool *pool)
{
    if (atomic_load(&pool->owner) == (uintptr_t)pthread_self())
        return 0;
    for (unsigned i = 0; i < pool->started; i++)
        if (pthread_equal(pool->self[i].thread, pthread_self()))
            return pool->self[i].id;
    return pool->workers;
}

/* Takes the pool for the calling thread. False, with the thread's worker, when it asks from inside a job. */
static bool take_turn(mote_threadpool *pool, unsigned *id)
{
    *id = 0;
    if (pthread_mutex_trylock(&pool->turn) != 0) {
        *id = self_id(pool);
        if (*id < pool->workers)
            return false;
        *id = 0;
        pthread_mutex_lock(&pool->turn);
    }
    atomic_store(&pool->owner, (uintptr_t)pthread_self());
    return true;
}

static void end_turn(mote_threadpool *pool)
{
    atomic_store(&pool->owner, 0);
    pthread_mutex_unlock(&pool->turn);
}

static void custom_task(void *ctx, unsigned i) { take_pieces(ctx, i); }

void mote_parallel_for(mote_pool *pool, size_t n, size_t grain, mote_range_fn fn, void *ctx)
{
    if (n == 0)
        return;
    grain = grain == 0 ? 1 : grain;
    if (pool == NULL || pool->workers == 1 || n <= grain) {
        fn(ctx, 0, 0, n);
        return;
    }
    unsigned id;
    if (!take_turn(pool, &id)) {
        fn(ctx, id, 0, n);
        return;
    }
    size_t grains = mote_div_up(n, grain), per_piece = grains / ((size_t)pool->workers * PIECES_PER_WORKER);
    range_job *job = &pool->range;
    job->fn = fn;
    job->ctx = ctx;
    job->n = n;
    job->piece = per_piece == 0 ? grain : per_piece * grain;
    job->pieces = mote_div_up(n, job->piece);
    atomic_store_explicit(&job->next, 0, memory_order_relaxed);
    unsigned helpers = (unsigned)mote_min_size(pool->workers, job->pieces) - 1;
    if (pool->hooks.run != NULL) {
        pool->hooks.run(pool->hooks.ctx, custom_task, job, helpers + 1);
        take_pieces(job, 0);
    } else {
        post(pool, 0, helpers);
        take_pieces(job, 0);
        atomic_fetch_or(&pool->state, CLOSED);
        await_idle(pool);
    }
    end_turn(pool);
}

unsigned mote_pool_workers(const mote_pool *pool) { return pool == NULL ? 1 : pool->workers; }

static void team_of_one(mote_team_fn fn, void *ctx)
{
    mote_team alone = {.members = 1};
    fn(ctx, &alone, 0, 1);
}

void mote_pool_team(mote_pool *pool, mote_team_fn fn, void *ctx)
{
    unsigned id;
    if (pool == NULL || pool->workers == 1 || pool->hooks.run != NULL || !take_turn(pool, &id)) {
        team_of_one(fn, ctx);
        return;
    }
    pool->team_fn = fn;
    pool->team_ctx = ctx;
    pool->team.members = pool->workers;
    pool->team.crowded = pool->crowded;
    atomic_store(&pool->team.arrived, 0);
    atomic_store(&pool->team.phase, 0);
    post(pool, CLOSED | TEAM | (pool->workers - 1), pool->workers - 1);
    fn(ctx, &pool->team, 0, pool->workers);
    await_idle(pool);
    end_turn(pool);
}

void mote_team_barrier(mote_team *team)
{
    if (team->members == 1)
        return;
    unsigned phase = atomic_load_explicit(&team->phase, memory_order_relaxed);
    if (atomic_fetch_add(&team->arrived, 1) + 1 == team->members) {
        atomic_store_explicit(&team->arrived, 0, memory_order_relaxed);
        atomic_store_explicit(&team->phase, phase + 1, memory_order_release);
        return;
    }
    for (unsigned n = 1; atomic_load_explicit(&team->phase, memory_order_acquire) == phase; n++) {
        relax();
        if (team->crowded || n % 4096 == 0) /* tens of microseconds without an answer */
            sched_yield();
    }
}

void mote_team_slice(size_t n, size_t unit, unsigned i, unsigned m, size_t *b, size_t *e)
{
    size_t units = mote_div_up(n, unit), each = units / m, more = units % m;
    size_t first = i * each + mote_min_size(i, more), last = first + each + (i < more);
    *b = first >= units ? n : first * unit;
    *e = last >= units ? n : last * unit;
}

/* ---- create, destroy -------------------------------------------------------------------------------------------- */

static mote_status pool_new(unsigned workers, const mote_threadpool_hooks *hooks, mote_threadpool **out)
{
    mote_heap heap;
    mote_heap_init(&heap, NULL, 0);
    mote_threadpool *pool = mote_heap_calloc(&heap, 1, sizeof *pool + workers * sizeof pool->self[0]);
    if (pool == NULL)
        return MOTE_E_MEMORY;
    mote_heap_init(&pool->heap, NULL, 0);
    pool->workers = workers;
    if (hooks != NULL)
        pool->hooks = *hooks;
    unsigned cpus, cores;
    mote_cpu_count(&cpus, &cores);
    pool->crowded = workers > cpus;
    pool->spin_ns = pool->crowded ? 0 : SPIN_NS;
    pthread_mutex_init(&pool->turn, NULL);
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->idle, NULL);
    *out = pool;
    return MOTE_OK;
}

mote_status mote_threadpool_create(unsigned threads, mote_threadpool **out)
{
    if (out == NULL)
        return MOTE_E_ARGUMENT;
    *out = NULL;
    if (threads > MAX_THREADS)
        return MOTE_E_ARGUMENT;
    if (threads == 0) {
        unsigned cpus, cores;
        mote_cpu_count(&cpus, &cores);
        threads = cores < DEFAULT_THREADS ? cores : DEFAULT_THREADS;
    }
    mote_threadpool *pool;
    mote_status status = pool_new(threads, NULL, &pool);
    if (status != MOTE_OK)
        return status;
    /* The application's signals are for the application's threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (unsigned i = 1; i < threads && status == MOTE_OK; i++) {
        worker *w = &pool->self[i - 1];
        w->pool = pool;
        w->id = i;
        if (pthread_create(&w->thread, NULL, work, w) != 0)
            status = MOTE_E_IO;
        else
            pool->started++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != MOTE_OK)
        mote_threadpool_destroy(&pool);
    *out = pool;
    return status;
}

mote_status mote_threadpool_create_custom(const mote_threadpool_hooks *hooks, mote_threadpool **out)
{
    if (out == NULL)
        return MOTE_E_ARGUMENT;
    *out = NULL;
    if (hooks == NULL || hooks->struct_size < sizeof *hooks || hooks->run == NULL || hooks->threads == 0 ||
        hooks->threads > MAX_THREADS)
        return MOTE_E_ARGUMENT;
    return pool_new(hooks->threads, hooks, out);
}

void mote_threadpool_destroy(mote_threadpool **handle)
{
    if (handle == NULL || *handle == NULL)
        return;
    mote_threadpool *pool = *handle;
    *handle = NULL;
    atomic_store(&pool->stop, true);
    post(pool, CLOSED, pool->workers);
    for (unsigned i = 0; i < pool->started; i++)
        pthread_join(pool->self[i].thread, NULL);
    pthread_cond_destroy(&pool->idle);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    pthread_mutex_destroy(&pool->turn);
    mote_heap heap = pool->heap;
    mote_heap_free(&heap, pool, sizeof *pool + pool->workers * sizeof pool->self[0]);
}
