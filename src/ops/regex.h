/* regex.h - regular expressions over UTF-8, matched in time linear in the text
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MOTE_OPS_REGEX_H
#define MOTE_OPS_REGEX_H

#include "base/arena.h"
#include "base/diag.h"

enum { MOTE_REGEX_MAX_STEPS = 20000, MOTE_REGEX_MAX_REPEAT = 1000 }; /* of a compiled expression; in a{n,m} */

typedef struct mote_regex mote_regex;

/* RE2's syntax, its Unicode classes (\pN) and \C excepted. MOTE_E_VALUE names what is wrong and where, MOTE_E_UNSUPPORTED what is not there,
 * MOTE_E_LIMIT what is too large. Memory from the arena. */
mote_status mote_regex_compile(mote_arena *arena, mote_str pattern, mote_regex **out, mote_diag *diag);
/* Whether the whole text matches; a byte that is no UTF-8 matches nothing. O(steps of the expression times bytes of the text), the logarithm of the ranges in a
 * set aside. Uses memory of the expression: one thread at a time. */
bool mote_regex_matches(mote_regex *r, mote_str text);

#endif
