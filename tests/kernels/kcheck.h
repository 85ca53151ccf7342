/* kcheck.h - the checker's frame: a row's crash gets the row's name, planted bad rows must be caught, --bench times the
 * same rows SPDX-License-Identifier: Apache-2.0
 *
 * A family's test has a check function `const char *check(row)`: NULL when the row is right, else what is wrong
 * (kcheck_wrong); or it says so through guard_wrong and the expect_ functions of guard.h, which end it. Rows are
 * checked through kcheck_row, which also turns SIGSEGV, SIGBUS, SIGILL and SIGFPE into an answer; planted rows must
 * make it answer. Buffers come from guard.h: they end at, or begin behind, a page that cannot be touched. */
#ifndef TESTS_KERNELS_KCHECK_H
#define TESTS_KERNELS_KCHECK_H

#include "base/cpu.h"
#include "guard.h"
#include <time.h>

static uint64_t kcheck_seed = 1;
static bool kcheck_bench, kcheck_json;

/* The answer of a check. */
MOTE_UNUSED MOTE_PRINTF(1, 2) static const char *kcheck_wrong(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(guard_text, sizeof guard_text, fmt, ap);
    va_end(ap);
    return guard_text;
}

static void kcheck_signal(int sig)
{
    if (guard_armed)
        siglongjmp(guard_env, sig);
    signal(sig, SIG_DFL);
    raise(sig);
}

/* Of the leak sanitizer, where there is one: what a check holds when a planted kernel crashes is left behind. */
extern void __lsan_disable(void) __attribute__((weak));
extern void __lsan_enable(void) __attribute__((weak));

/* Checks one row: NULL or what is wrong. */
MOTE_UNUSED static const char *kcheck_row(const char *name, const char *(*check)(const void *row), const void *row)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
    static char crash[128];
    struct sigaction old[4], now = {.sa_handler = kcheck_signal, .sa_flags = SA_NODEFER};
    for (size_t i = 0; i < 4; i++)
        sigaction(signals[i], &now, &old[i]);
    if (__lsan_disable != NULL)
        __lsan_disable();
    const char *answer;
    int sig = sigsetjmp(guard_env, 1);
    if (sig == 0) {
        guard_armed = 1;
        answer = check(row);
    } else if (sig == GUARD_WRONG) {
        answer = guard_text;
    } else {
        snprintf(crash, sizeof crash, "%s: %s", name,
                 sig == SIGSEGV  ? "SIGSEGV: touched a guard page"
                 : sig == SIGILL ? "SIGILL: an instruction that its features do not cover"
                                 : strsignal(sig));
        answer = crash;
    }
    guard_armed = 0;
    if (__lsan_enable != NULL)
        __lsan_enable();
    for (size_t i = 0; i < 4; i++)
        sigaction(signals[i], &old[i], NULL);
    return answer;
}

/* How the row of every family begins. */
typedef struct kcheck_head {
    const char *name;
    uint32_t isa;
} kcheck_head;

/* Checks each of `count` rows of `size` bytes that this CPU can run; the test fails with the first answer. */
MOTE_UNUSED static void kcheck_rows(const void *rows, size_t count, size_t size, const char *(*check)(const void *row))
{
    const kcheck_head *last = (const void *)((const char *)rows + (count - 1) * size);
    if (last->isa != 0)
        fail_msg("%s: the last row, in plain C, wants the features %x", last->name, (unsigned)last->isa);
    for (size_t i = 0; i < count; i++) {
        const kcheck_head *row = (const void *)((const char *)rows + i * size);
        const char *answer = (row->isa & ~mote_cpu_features()) == 0 ? kcheck_row(row->name, check, row) : NULL;
        if (answer != NULL)
            fail_msg("%s: %s", row->name, answer);
    }
}

/* A planted row must be caught. */
MOTE_UNUSED static void kcheck_caught(const void *row, const char *(*check)(const void *row))
{
    const char *name = ((const kcheck_head *)row)->name;
    if (kcheck_row(name, check, row) == NULL)
        fail_msg("%s: planted, and not caught", name);
}

/* Calls bench for each row that this CPU can run and whose name holds `filter`. */
MOTE_UNUSED static void kcheck_bench_rows(const void *rows, size_t count, size_t size, const char *filter,
                                          void (*bench)(const void *row))
{
    for (size_t i = 0; i < count; i++) {
        const kcheck_head *row = (const void *)((const char *)rows + i * size);
        if ((row->isa & ~mote_cpu_features()) == 0 && strstr(row->name, filter) != NULL)
            bench(row);
    }
}

/* All subsets of the features at hand that occur in `used`, as masks; returns how many (at most cap). */
MOTE_UNUSED static size_t kcheck_masks(uint32_t used, uint32_t *masks, size_t cap)
{
    uint32_t bits = used & mote_cpu_features(), sub = bits;
    size_t n = 0;
    for (; n < cap; sub = (sub - 1) & bits) {
        masks[n++] = sub;
        if (sub == 0)
            break;
    }
    return n;
}

/* Seconds for one call of fn(ctx): the least of several rounds of about 10 ms. */
MOTE_UNUSED static double kcheck_time(void (*fn)(void *ctx), void *ctx)
{
    double best = 1e30;
    size_t calls = 1;
    for (int round = 0; round < 9;) {
        struct timespec a, b;
        clock_gettime(CLOCK_MONOTONIC, &a);
        for (size_t i = 0; i < calls; i++)
            fn(ctx);
        clock_gettime(CLOCK_MONOTONIC, &b);
        double s = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
        if (s < 5e-3 && calls < 1u << 24) {
            calls *= s < 1e-4 ? 16 : 2;
            continue;
        }
        if (s / (double)calls < best)
            best = s / (double)calls;
        round++;
    }
    return best;
}

/* One line of --bench: `work` units (macs, elements) and what they are. */
MOTE_UNUSED static void kcheck_report(const char *row, const char *shape, double seconds, double work, const char *unit)
{
    if (kcheck_json)
        printf("{\"row\": \"%s\", \"shape\": \"%s\", \"ns\": %.1f, \"rate\": %.3f, \"unit\": \"G%s/s\"}\n", row, shape,
               seconds * 1e9, work / seconds * 1e-9, unit);
    else
        printf("%-44s %-34s %12.0f ns %9.2f G%s/s\n", row, shape, seconds * 1e9, work / seconds * 1e-9, unit);
}

/* --bench, --json, --seed N; returns the rest's first argument (a filter for --bench) or "". */
MOTE_UNUSED static const char *kcheck_args(int argc, char **argv)
{
    const char *rest = "";
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--bench") == 0)
            kcheck_bench = true;
        else if (strcmp(argv[i], "--json") == 0)
            kcheck_json = true;
        else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc)
            kcheck_seed = strtoull(argv[++i], NULL, 0);
        else
            rest = argv[i];
    return rest;
}

/* Random bytes for whole buffers: floats in [-1, 1), sometimes special when `special`. */
MOTE_UNUSED static void kcheck_fill(float *x, size_t n, uint64_t *seed, bool special)
{
    for (size_t i = 0; i < n; i++)
        x[i] = special && rng_next(seed) % 64 == 0 ? rng_any(seed) : rng_float(seed, -1.0f, 1.0f);
}
#endif
