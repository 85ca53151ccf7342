/* size.h - checked size arithmetic: the only way to multiply or add sizes that come from a model or a caller
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_SIZE_H
#define MOTE_BASE_SIZE_H

#include "base/platform.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Each returns true and writes *out when the result is representable; otherwise returns false and leaves *out alone. */
MOTE_INLINE bool mote_size_mul(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

MOTE_INLINE bool mote_size_add(size_t a, size_t b, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

MOTE_INLINE bool mote_i64_mul(int64_t a, int64_t b, int64_t *out)
{
    int64_t r;
    if (__builtin_mul_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

MOTE_INLINE bool mote_i64_add(int64_t a, int64_t b, int64_t *out)
{
    int64_t r;
    if (__builtin_add_overflow(a, b, &r))
        return false;
    *out = r;
    return true;
}

/* Rounds up to a power of two `align`; false on overflow. */
MOTE_INLINE bool mote_size_align(size_t a, size_t align, size_t *out)
{
    size_t r;
    if (__builtin_add_overflow(a, align - 1, &r))
        return false;
    *out = r & ~(align - 1);
    return true;
}

MOTE_INLINE size_t mote_min_size(size_t a, size_t b) { return a < b ? a : b; }
MOTE_INLINE size_t mote_max_size(size_t a, size_t b) { return a > b ? a : b; }
MOTE_INLINE size_t mote_div_up(size_t a, size_t b) { return a / b + (a % b != 0); }

#endif
