/* cpu.c - CPU features and cache sizes, asked from the CPU and the operating system
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/cpu.h"
#include <mote/mote.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#if MOTE_X86_64
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

static const struct {
    uint32_t bit;
    const char *name;
} names[] = {
    {MOTE_CPU_AVX2, "avx2"},
    {MOTE_CPU_AVX512, "avx512"},
    {MOTE_CPU_AVXVNNI, "avxvnni"},
    {MOTE_CPU_AVX512VNNI, "avx512vnni"},
    {MOTE_CPU_AVX512BF16, "avx512bf16"},
    {MOTE_CPU_AVX512FP16, "avx512fp16"},
    {MOTE_CPU_AMXINT8, "amxint8"},
    {MOTE_CPU_AMXBF16, "amxbf16"},
    {MOTE_CPU_AVX512VBMI, "avx512vbmi"},
    {MOTE_CPU_SSE41, "sse41"},
    {MOTE_CPU_NEON, "neon"},
    {MOTE_CPU_DOTPROD, "dotprod"},
    {MOTE_CPU_I8MM, "i8mm"},
    {MOTE_CPU_FP16, "fp16"},
    {MOTE_CPU_BF16, "bf16"},
};

const char *mote_cpu_feature_name(uint32_t bit)
{
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].bit == bit)
            return names[i].name;
    return NULL;
}

#if MOTE_X86_64

/* The register state that the operating system saves and restores (XCR0). */
static uint64_t enabled_state(void)
{
    uint32_t lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (uint64_t)hi << 32 | lo;
}

/* Linux gives tile registers only to processes that ask: arch_prctl(ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA). */
static bool tiles_granted(void)
{
#if defined(__linux__) && defined(SYS_arch_prctl)
    return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
#else
    return false;
#endif
}

static uint32_t detect(void)
{
    enum { STATE_YMM = 0x6, STATE_ZMM = 0xe6, STATE_TILE = 0x60000 };
    uint32_t a, b, c, d, f = 0;
    if (!__get_cpuid(1, &a, &b, &c, &d))
        return 0;
    if (c >> 19 & 1)
        f |= MOTE_CPU_SSE41;
    bool osxsave = c >> 27 & 1, fma = c >> 12 & 1, f16c = c >> 29 & 1, avx = c >> 28 & 1;
    uint64_t state = osxsave ? enabled_state() : 0;
    uint32_t b7, c7, d7, a71 = 0, unused;
    if ((state & STATE_YMM) != STATE_YMM || !__get_cpuid_count(7, 0, &a, &b7, &c7, &d7))
        return f;
    if (a >= 1)
        __get_cpuid_count(7, 1, &a71, &unused, &unused, &unused);
    if (!(avx && fma && f16c && (b7 >> 5 & 1)))
        return f;
    f |= MOTE_CPU_AVX2;
    if (a71 >> 4 & 1)
        f |= MOTE_CPU_AVXVNNI;
    const uint32_t avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; /* F, DQ, CD, BW, VL */
    if ((state & STATE_ZMM) == STATE_ZMM && (b7 & avx512) == avx512) {
        f |= MOTE_CPU_AVX512;
        if (c7 >> 1 & 1)
            f |= MOTE_CPU_AVX512VBMI;
        if (c7 >> 11 & 1)
            f |= MOTE_CPU_AVX512VNNI;
        if (d7 >> 23 & 1)
            f |= MOTE_CPU_AVX512FP16;
        if (a71 >> 5 & 1)
            f |= MOTE_CPU_AVX512BF16;
    }
    bool amx = d7 >> 24 & 1;
    if (amx && (state & STATE_TILE) == STATE_TILE && tiles_granted()) {
        if (d7 >> 25 & 1)
            f |= MOTE_CPU_AMXINT8;
        if (d7 >> 22 & 1)
            f |= MOTE_CPU_AMXBF16;
    }
    return f;
}

#elif MOTE_AARCH64 && defined(__linux__)

/* Bits of AT_HWCAP and AT_HWCAP2: Linux, Documentation/arch/arm64/elf_hwcaps.rst. */
static uint32_t detect(void)
{
    unsigned long caps = getauxval(AT_HWCAP), caps2 = getauxval(AT_HWCAP2);
    uint32_t f = MOTE_CPU_NEON;
    if (caps >> 20 & 1)
        f |= MOTE_CPU_DOTPROD;
    if ((caps >> 9 & 1) && (caps >> 10 & 1))
        f |= MOTE_CPU_FP16;
    if (caps2 >> 13 & 1)
        f |= MOTE_CPU_I8MM;
    if (caps2 >> 14 & 1)
        f |= MOTE_CPU_BF16;
    return f;
}

#elif MOTE_AARCH64 && defined(__APPLE__)

static bool has(const char *name)
{
    int value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, NULL, 0) == 0 && value != 0;
}

static uint32_t detect(void)
{
    return MOTE_CPU_NEON | (has("hw.optional.arm.FEAT_DotProd") ? MOTE_CPU_DOTPROD : 0u) |
           (has("hw.optional.arm.FEAT_FP16") ? MOTE_CPU_FP16 : 0u) |
           (has("hw.optional.arm.FEAT_I8MM") ? MOTE_CPU_I8MM : 0u) |
           (has("hw.optional.arm.FEAT_BF16") ? MOTE_CPU_BF16 : 0u);
}

#else

static uint32_t detect(void) { return MOTE_AARCH64 ? MOTE_CPU_NEON : MOTE_CPU_NONE; }

#endif

uint32_t mote_cpu_features(void)
{
    enum { KNOWN = 1 << 30 };
    static _Atomic uint32_t cached;
    uint32_t f = atomic_load_explicit(&cached, memory_order_relaxed);
    if (f == 0) { /* threads that race here all find the same */
        f = detect() | KNOWN;
        atomic_store_explicit(&cached, f, memory_order_relaxed);
    }
    return f & ~(uint32_t)KNOWN;
}

#if defined(__linux__)

/* One line of a file below /sys/devices/system/cpu. */
static bool cpu_line(const char *name, char *line, size_t cap)
{
    char path[96];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/%s", name);
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return false;
    bool ok = fgets(line, (int)cap, f) != NULL;
    fclose(f);
    return ok;
}

static bool cache_line(int index, const char *what, char *line, size_t cap)
{
    char name[48];
    snprintf(name, sizeof name, "cpu0/cache/index%d/%s", index, what);
    return cpu_line(name, line, cap);
}

static void system_caches(size_t level_bytes[4])
{
    char line[32];
    for (int i = 0; i < 8 && cache_line(i, "level", line, sizeof line); i++) {
        int level = atoi(line);
        if (level < 1 || level > 3 || !cache_line(i, "type", line, sizeof line) || line[0] == 'I')
            continue;
        if (!cache_line(i, "size", line, sizeof line))
            continue;
        char *unit;
        unsigned long n = strtoul(line, &unit, 10);
        if (n < 1ul << 30)
            level_bytes[level] = (size_t)n << (*unit == 'K' ? 10 : *unit == 'M' ? 20 : 0);
    }
}

void mote_cpu_count(unsigned *logical, unsigned *cores)
{
    *logical = *cores = 0;
    cpu_set_t allowed, counted;
    CPU_ZERO(&counted);
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0)
        for (size_t i = 0; i < CPU_SETSIZE; i++) {
            if (!CPU_ISSET(i, &allowed))
                continue;
            char name[64], line[32];
            snprintf(name, sizeof name, "cpu%zu/topology/thread_siblings_list", i);
            /* "0,4" or "0-1": a core goes by its first thread. */
            size_t first = cpu_line(name, line, sizeof line) ? (size_t)strtoul(line, NULL, 10) : i;
            if (first >= CPU_SETSIZE)
                first = i;
            *cores += !CPU_ISSET(first, &counted);
            *logical += 1;
            CPU_SET(first, &counted);
        }
    if (*logical == 0)
        *logical = *cores = 1;
}

#elif defined(__APPLE__)

static int64_t system_number(const char *name)
{
    int64_t value = 0; /* narrower answers fill the low bytes */
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, NULL, 0) == 0 && value > 0 ? value : 0;
}

static void system_caches(size_t level_bytes[4])
{
    level_bytes[1] = (size_t)system_number("hw.perflevel0.l1dcachesize");
    level_bytes[2] = (size_t)system_number("hw.perflevel0.l2cachesize");
}

void mote_cpu_count(unsigned *logical, unsigned *cores)
{
    int64_t n = system_number("hw.logicalcpu"), c = system_number("hw.physicalcpu");
    *logical = n > 0 ? (unsigned)n : 1;
    *cores = c > 0 ? (unsigned)c : 1;
}

#else

static void system_caches(size_t level_bytes[4]) { (void)level_bytes; }

void mote_cpu_count(unsigned *logical, unsigned *cores)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    *logical = *cores = n > 0 && n < 4096 ? (unsigned)n : 1;
}

#endif

void mote_cpu_caches(size_t *l1d, size_t *l2, size_t *l3)
{
    size_t bytes[4] = {0, 0, 0, 0};
    system_caches(bytes);
    *l1d = bytes[1] != 0 ? bytes[1] : 32 << 10;
    *l2 = bytes[2] != 0 ? bytes[2] : 512 << 10;
    *l3 = bytes[3] != 0 ? bytes[3] : 2 << 20;
}

uint32_t mote_cpu_available(void) { return mote_cpu_features(); }

const char *mote_cpu_name(uint32_t bit) { return mote_cpu_feature_name(bit); }
