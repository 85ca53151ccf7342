/* pool.h - the thread pool: parallel_for over ranges, and pinned teams with a barrier
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_THREAD_POOL_H
#define MOTE_THREAD_POOL_H

#include "base/platform.h"
#include <mote/mote.h>

typedef mote_threadpool mote_pool;

/* Runs fn over [0, n) in pieces that begin at multiples of `grain` and have at least `grain` items (except the last): begin < end <= n, worker
 * in [0, mote_pool_workers). A piece may run on any worker; pieces are handed out dynamically, so the work in a piece must not depend on which pieces exist (the bits do not). `pool` NULL,
 * one worker or n <= grain: one call on the calling thread as worker 0. Returns when all pieces have ended. Never allocates, never fails. A
 * pool serves one parallel_for at a time; concurrent callers take turns. Calls from inside fn are a mistake: on a pool of mote's own threads
 * they run on the calling thread alone, on a custom pool they may never return. */
typedef void (*mote_range_fn)(void *ctx, unsigned worker, size_t begin, size_t end);
void mote_parallel_for(mote_pool *pool, size_t n, size_t grain, mote_range_fn fn, void *ctx);

/* Workers of the pool, the caller included; 1 for NULL. */
unsigned mote_pool_workers(const mote_pool *pool);

/* Runs fn once on each worker at the same time: for loops that need a barrier between steps. Only pools whose threads are mote's own can: with a
 * custom pool (or NULL) the team has one member. */
typedef struct mote_team mote_team;
typedef void (*mote_team_fn)(void *ctx, mote_team *team, unsigned member, unsigned members);
void mote_pool_team(mote_pool *pool, mote_team_fn fn, void *ctx);
void mote_team_barrier(mote_team *team); /* all members; memory written before is seen after */

/* The static slice of member i of m over n items in units of `unit`: begin = *b, end = *e (may be empty). */
void mote_team_slice(size_t n, size_t unit, unsigned i, unsigned m, size_t *b, size_t *e);

#endif
