/* platform.h - first in every source file: feature macros, target macros, floating-point rules
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_PLATFORM_H
#define MOTE_BASE_PLATFORM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#ifndef _FILE_OFFSET_BITS
#define _FILE_OFFSET_BITS 64
#endif

/* a*b+c stays two roundings unless fma() or an fma intrinsic is written: the same bits from -std=c17 and
 * -std=gnu17, with and without FMA in the instruction set. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif

#if defined(__x86_64__)
#define MOTE_X86_64 1
#else
#define MOTE_X86_64 0
#endif
#if defined(__aarch64__)
#define MOTE_AARCH64 1
#else
#define MOTE_AARCH64 0
#endif

/* Instruction sets come from the function, not from the command line. */
#define MOTE_TARGET(isa) __attribute__((target(isa)))
#define MOTE_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define MOTE_INLINE static inline __attribute__((always_inline, unused))
#define MOTE_UNUSED __attribute__((unused))
#define MOTE_COLD __attribute__((cold, noinline))
#define MOTE_LIKELY(x) __builtin_expect(!!(x), 1)
#define MOTE_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define MOTE_ALIGN 64 /* every buffer that mote hands out starts on a cache line */

/* Only our own bugs are asserts; in release they compile to nothing and promise nothing to the optimiser. */
#ifdef MOTE_DEBUG
#include <assert.h>
#define MOTE_ASSERT(x) assert(x)
#else
#define MOTE_ASSERT(x) ((void)sizeof(!(x)))
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "mote runs on little-endian machines"
#endif

#endif
