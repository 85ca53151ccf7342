/* guard.h - for kernel tests: buffers between guard pages, random and special values, comparison of bits
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_KERNELS_GUARD_H
#define TESTS_KERNELS_GUARD_H

#include "base/half.h"
#include "base/platform.h"
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h> /* wants the others before it */

typedef struct guard {
    char *base;
    size_t page, pages;
} guard;

MOTE_UNUSED static guard guard_make(size_t max_bytes)
{
    guard g = {.page = (size_t)sysconf(_SC_PAGESIZE)};
    g.pages = max_bytes / g.page + 2;
    g.base = mmap(NULL, (g.pages + 2) * g.page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.base == MAP_FAILED || mprotect(g.base, g.page, PROT_NONE) != 0 ||
        mprotect(g.base + (g.pages + 1) * g.page, g.page, PROT_NONE) != 0)
        abort();
    return g;
}
MOTE_UNUSED static void guard_free(guard *g) { munmap(g->base, (g->pages + 2) * g->page); }
/* `bytes` that end at the upper guard page, or begin right behind the lower one */
MOTE_UNUSED static void *guard_at(const guard *g, size_t bytes, bool upper)
{
    return upper ? g->base + (g->pages + 1) * g->page - bytes : g->base + g->page;
}

/* What a check says when a kernel is wrong: the text, to whoever armed guard_env (kcheck_row), or else to cmocka. */
static char guard_text[512];
static sigjmp_buf guard_env;
static volatile sig_atomic_t guard_armed;
enum { GUARD_WRONG = 1000 }; /* beyond every signal */

MOTE_UNUSED MOTE_PRINTF(1, 2) static void guard_wrong(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(guard_text, sizeof guard_text, fmt, ap);
    va_end(ap);
    if (guard_armed)
        siglongjmp(guard_env, GUARD_WRONG);
    fail_msg("%s", guard_text);
}
#define guard_expect(condition)                                                                                        \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            guard_wrong("%s:%d: not so: %s", __FILE__, __LINE__, #condition);                                          \
    } while (0)

MOTE_UNUSED static uint64_t rng_next(uint64_t *s)
{
    uint64_t z = *s += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}
MOTE_UNUSED static float rng_float(uint64_t *s, float lo, float hi)
{
    return lo + (hi - lo) * (float)(rng_next(s) >> 40) * 0x1p-24f;
}
/* any bit pattern one time in four, a special value one time in eight, else in [-8, 8) */
MOTE_UNUSED static float rng_any(uint64_t *s)
{
    static const uint32_t special[] = {0,           0x80000000u, 1,           0x80000001u, 0x7f800000u, 0xff800000u,
                                       0x7fc00000u, 0x3f800000u, 0xbf800000u, 0x7f7fffffu, 0xff7fffffu, 0x00800000u,
                                       0x007fffffu, 0x3f000000u, 0x40200000u, 0xc0200000u};
    uint64_t r = rng_next(s);
    if ((r & 3) == 0)
        return mote_f32_from_bits((uint32_t)(r >> 32));
    if ((r & 7) == 1)
        return mote_f32_from_bits(special[r >> 32 & 15]);
    return rng_float(s, -8.0f, 8.0f);
}
MOTE_UNUSED static bool same_f32(float a, float b)
{
    return mote_f32_bits(a) == mote_f32_bits(b) || (a != a && b != b);
}
MOTE_UNUSED static void expect_same(const char *what, const float *got, const float *want, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!same_f32(got[i], want[i]))
            guard_wrong("%s: element %zu of %zu is %a, expected %a", what, i, n, (double)got[i], (double)want[i]);
}
MOTE_UNUSED static void expect_bytes(const char *what, const void *got, const void *want, size_t bytes)
{
    const unsigned char *a = got, *b = want;
    for (size_t i = 0; i < bytes; i++)
        if (a[i] != b[i])
            guard_wrong("%s: byte %zu of %zu is %u, expected %u", what, i, bytes, a[i], b[i]);
}
/* |got - want| in units in the last place of want's f32 neighbourhood */
MOTE_UNUSED static double ulps(float got, double want)
{
    int e;
    if (want != want || isinf((float)want))
        return same_f32(got, (float)want) || (isfinite(got) && fabs(want) < 0x1.fffffffp127) ? 0.0 : 1e30;
    (void)frexp(want, &e);
    if (want == 0.0 || e < -125)
        e = -125;
    return fabs((double)got - want) / ldexp(1.0, e - 24);
}
#endif
