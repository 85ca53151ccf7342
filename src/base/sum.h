/* sum.h - a fast checksum of 64 bits against damage (not against forgery)
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_BASE_SUM_H
#define MOTE_BASE_SUM_H

#include "base/platform.h"
#include <stddef.h>
#include <stdint.h>

/* Goes on from `sum` (0 at first) over n bytes. For fixed bytes each step is a bijection of the sum, and for a fixed sum one of the 8 bytes that it takes
 * in, so what differs in one aligned word alone always differs in the sum. The pieces matter: (ab) and (a)(b) have different sums. */
uint64_t mote_sum(uint64_t sum, const void *data, size_t n);

#endif
