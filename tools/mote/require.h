/* require.h - what is asked of a result before it is written: "smaller,drop=0.5,same=96.5"
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_TOOL_REQUIRE_H
#define MOTE_TOOL_REQUIRE_H

#include <stdbool.h>

#define REQUIRE_WORDS "smaller, faster, drop=POINTS, same=PERCENT, sqnr=DB"

typedef struct require {
    bool smaller, faster;
    double drop, same, sqnr; /* NaN: not asked */
} require;

/* Conditions by commas; text NULL: none. Returns NULL, or what is wrong: kept until the next call. */
const char *require_read(const char *text, require *out);

#endif
