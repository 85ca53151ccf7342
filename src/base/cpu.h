/* cpu.h - what this CPU can do, as bits; always an argument, never a global
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_CPU_H
#define MOTE_BASE_CPU_H

#include "base/platform.h"
#include <stddef.h>
#include <stdint.h>

enum {
    MOTE_CPU_NONE = 0,
    /* x86-64. AVX2 implies FMA and F16C here: no CPU has one without the others among those worth a kernel. */
    MOTE_CPU_AVX2 = 1 << 0,
    MOTE_CPU_AVX512 = 1 << 1,     /* F, BW, DQ, VL, CD */
    MOTE_CPU_AVXVNNI = 1 << 2,    /* VEX-coded */
    MOTE_CPU_AVX512VNNI = 1 << 3,
    MOTE_CPU_AVX512BF16 = 1 << 4,
    MOTE_CPU_AVX512FP16 = 1 << 5,
    MOTE_CPU_AMXINT8 = 1 << 6,    /* the kernel has granted tile state */
    MOTE_CPU_AMXBF16 = 1 << 7,
    MOTE_CPU_AVX512VBMI = 1 << 8,
    MOTE_CPU_SSE41 = 1 << 9,
    /* AArch64 */
    MOTE_CPU_NEON = 1 << 16,
    MOTE_CPU_DOTPROD = 1 << 17,
    MOTE_CPU_I8MM = 1 << 18,
    MOTE_CPU_FP16 = 1 << 19,      /* half-precision arithmetic */
    MOTE_CPU_BF16 = 1 << 20,
};

/* The features of the CPU and the operating system at hand. Thread-safe; constant within a process. */
uint32_t mote_cpu_features(void);
/* Cache sizes in bytes of the core at hand, or a conservative default (32 KiB, 512 KiB, 2 MiB) where the system does not tell. */
void mote_cpu_caches(size_t *l1d, size_t *l2, size_t *l3);
/* CPUs that this thread may run on: logical ones, and the cores that they belong to. Both at least 1. */
void mote_cpu_count(unsigned *logical, unsigned *cores);
/* "avx2", "avx512vnni", ...: the name of one bit; NULL for an unknown bit. */
const char *mote_cpu_feature_name(uint32_t bit);

#endif
