/* sum.c - a fast checksum
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/platform.h"
#include "base/sum.h"
#include <string.h>

/* Two multiplications by odd numbers around a shift that mixes high bits into low ones: each invertible. The first is 2^64 / golden ratio, the second
 * 2^64 / e, both made odd. */
static uint64_t step(uint64_t sum, uint64_t word)
{
    sum = (sum ^ word) * 0x9e3779b97f4a7c15u;
    return (sum ^ sum >> 29) * 0x5e2d58d8b3bcdf1bu;
}

uint64_t mote_sum(uint64_t sum, const void *data, size_t n)
{
    const uint8_t *p = data;
    uint64_t word;
    sum = step(sum, n);
    for (; n >= sizeof word; n -= sizeof word, p += sizeof word) {
        memcpy(&word, p, sizeof word);
        sum = step(sum, word);
    }
    word = 0;
    if (n != 0)
        memcpy(&word, p, n);
    return step(sum, word);
}
