/* hostile.h - an allocator that counts, limits and fails on purpose, and loading under it
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TESTS_HOSTILE_H
#define MOTE_TESTS_HOSTILE_H

#include <mote/mote.h>

typedef struct hostile_heap {
    size_t used, peak, calls;
    size_t fail_at; /* the call that fails, counted from 1; 0: none */
    bool fail_all;  /* and every one behind it */
    mote_allocator allocator;
} hostile_heap;

/* Not thread-safe: for sessions of one thread. */
void hostile_init(hostile_heap *h);

typedef struct hostile_result {
    mote_status status; /* of the first step that failed, or MOTE_OK */
    const char *step;   /* "load", "create", "prepare", "run", "all" */
    mote_diag diag;
    double seconds;
    size_t peak; /* bytes through the allocator */
} hostile_result;

typedef struct hostile_options {
    bool reference, copy;
    const char *disabled;
    const char *stop_after; /* as in mote_load_options: then only loads */
    uint64_t step_limit;
    size_t memory_limit; /* of model and session */
    uint8_t fill;        /* bytes of the inputs */
} hostile_options;

/* Loads a model from memory, creates a session, prepares (open dimensions 2), runs and destroys; what was allocated is given back when it returns, or
 * the test ends. `o` may be NULL. */
hostile_result hostile_model(const void *bytes, size_t n, const hostile_options *o);
/* The same from a path. */
hostile_result hostile_path(const char *path, const hostile_options *o);
/* The same under a given heap. */
hostile_result hostile_under(hostile_heap *h, const char *path, const void *bytes, size_t n, const hostile_options *o);

/* Whether status and bounds (1 s, 64 MiB) are kept; says what was not. `allowed`: statuses, ending with -1. */
bool hostile_check(const char *name, const hostile_result *r, const int *allowed);
/* Ends the test unless they are. */
void hostile_expect(const char *name, const hostile_result *r, const int *allowed);

#endif
